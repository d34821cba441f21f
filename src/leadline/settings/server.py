"""Server configuration: where the home is and which database it uses, read from the environment once at start.

Everything that belongs to a project is in ``profile``; this is what must be known before the database is open.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DOCUMENTED_PREFIXES = ("/gratis/sei/api", "/prod1/sei/api", "/gateway/sei/api", "/sei/api")
"""Paths in which the documented base URLs end; the API answers under each of them."""

ENVIRONMENT = {
    "LEADLINE_HOME": "Folder that holds all state; default: the platform's user data folder.",
    "LEADLINE_DATABASE_URL": "Metadata database (`postgresql+psycopg://…`); default: SQLite in the home.",
    "LEADLINE_PREFIXES": "Comma-separated path prefixes that reach the API; default: the documented ones.",
    "LEADLINE_MEMORY": "Memory limit of one running query (DuckDB notation); default `600MB`.",
    "LEADLINE_LOG": "Log form: `json` or `text`; default: text on a terminal, else JSON.",
    "LEADLINE_DEBUG": "`1`: a command also shows the traceback of an error that nobody foresaw.",
}


@dataclass(frozen=True)
class ServerSettings:
    """The environment's settings, resolved. ``database_url`` is None for SQLite in the home."""

    home: Path
    database_url: str | None
    prefixes: tuple[str, ...]
    memory_limit: str
    log_format: str | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, *, home: Path | None = None) -> ServerSettings:
        """Read ``environ``; ``home`` (from ``--home``) wins over ``LEADLINE_HOME``."""
        prefixes = environ.get("LEADLINE_PREFIXES")
        return cls(
            home=(home or _default_home(environ)).expanduser().absolute(),
            database_url=environ.get("LEADLINE_DATABASE_URL") or None,
            prefixes=DOCUMENTED_PREFIXES
            if prefixes is None
            else tuple("/" + part.strip().strip("/") for part in prefixes.split(",") if part.strip().strip("/")),
            memory_limit=environ.get("LEADLINE_MEMORY") or "600MB",
            log_format=environ.get("LEADLINE_LOG") or None,
        )


def _default_home(environ: Mapping[str, str]) -> Path:
    if set_home := environ.get("LEADLINE_HOME"):
        return Path(set_home)
    from platformdirs import user_data_path

    return user_data_path("leadline", appauthor=False)
