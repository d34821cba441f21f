"""Server configuration: where the home is and which database it uses, read from the environment once at start.

Everything that belongs to a project is in ``profile``; this is what must be known before the database is open.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leadline.errors import InvalidRequest

DOCUMENTED_PREFIXES = ("/gratis/sei/api", "/prod1/sei/api", "/gateway/sei/api", "/sei/api")
"""Paths in which the documented base URLs end; the API answers under each of them."""

ENVIRONMENT = {
    "LEADLINE_HOME": "Folder that holds all state; default: the platform's user data folder.",
    "LEADLINE_DATABASE_URL": "Metadata database (`postgresql+psycopg://…`); default: SQLite in the home.",
    "LEADLINE_PREFIXES": "Comma-separated path prefixes that reach the API; default: the documented ones.",
    "LEADLINE_MEMORY": "Memory limit of one running query (DuckDB notation); default `600MB`.",
    "LEADLINE_REPORT_SECONDS": "How long a report may take over HTTP before it is refused; default `30`.",
    "LEADLINE_RATE_LIMIT": "Requests per second that a server answers each key, twice that at once; `0`: any number; "
    "default `1000`.",
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
    report_seconds: float = 30.0
    rate_limit: int = 1000

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
            report_seconds=_seconds(environ, "LEADLINE_REPORT_SECONDS", 30.0),
            rate_limit=_whole(environ, "LEADLINE_RATE_LIMIT", 1000),
        )


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """A number of seconds above 0. Raises ``InvalidRequest`` for anything else."""
    if not (text := environ.get(name, "").strip()):
        return default
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not float(text):
        raise InvalidRequest(f"{name} cannot be {text[:40]!r}; it must be a number of seconds above 0, such as 30")
    return float(text)


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    """A whole number from 0 up. Raises ``InvalidRequest`` for anything else."""
    if not (text := environ.get(name, "").strip()):
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InvalidRequest(f"{name} cannot be {text[:40]!r}; it must be a whole number from 0 up, such as {default}")
    return int(text)


def _default_home(environ: Mapping[str, str]) -> Path:
    if set_home := environ.get("LEADLINE_HOME"):
        return Path(set_home)
    from platformdirs import user_data_path

    return user_data_path("leadline", appauthor=False)
