"""Settings of the server, read from the environment once at the start: where the home is, which database it uses. What belongs to a
project is in ``profile``; this must be known before the database is open."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from leadline.errors import InvalidRequest

DOCUMENTED_PREFIXES = ("/gratis/sei/api", "/prod1/sei/api", "/gateway/sei/api", "/sei/api")
"""Paths in which the documented base URLs end; the API answers under each of them."""


LEAST_CONNECTIONS = 8
DEFAULT_CONNECTIONS = 1024


def _default_home() -> Path:
    from platformdirs import user_data_path

    return _absolute(user_data_path("leadline", appauthor=False))


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def home_folder(text: str | Path) -> Path:
    """The folder of this machine that ``text`` names. Raises ``ValueError``, saying what would do, for an address."""
    if isinstance(text, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise ValueError("a folder on this machine, such as /srv/leadline")
    return _absolute(text)


def _prefixes(text: str) -> tuple[str, ...]:
    return tuple("/" + part.strip().strip("/") for part in text.split(",") if part.strip().strip("/"))


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text.strip()) or not float(text):
        raise ValueError("a number of seconds above 0, such as 30")
    return float(text)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise ValueError("a whole number from 0 up, such as 1000")
    return int(text)


def _connections(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()) or int(text) < LEAST_CONNECTIONS:
        raise ValueError(f"a whole number from {LEAST_CONNECTIONS} up, such as {DEFAULT_CONNECTIONS}")
    return int(text)


class ServerSettings(BaseModel):
    """The environment's settings. ``database_url`` is None for SQLite in the home."""

    # Not a class of pydantic-settings: its import takes longer than that of pydantic, in every command, and what it adds
    # (files, secrets, nested names) is not used.
    model_config = ConfigDict(frozen=True)

    home: Annotated[Path, PlainValidator(home_folder)] = Field(
        alias="LEADLINE_HOME",
        default_factory=_default_home,
        description="Folder that holds all state; default: the platform's user data folder.",
    )
    database_url: str | None = Field(
        None,
        alias="LEADLINE_DATABASE_URL",
        description="Metadata database (`postgresql+psycopg://…`); default: SQLite in the home.",
    )
    cache: Annotated[Path | None, PlainValidator(home_folder)] = Field(
        None,
        alias="LEADLINE_CACHE",
        description="Folder in which compiled queries are kept, which homes of one owner may share; default: `cache` in the home.",
    )
    prefixes: Annotated[tuple[str, ...], PlainValidator(_prefixes)] = Field(
        DOCUMENTED_PREFIXES,
        alias="LEADLINE_PREFIXES",
        description="Comma-separated path prefixes that reach the API; default: the documented ones.",
    )
    memory_limit: str = Field(
        "600MB",
        alias="LEADLINE_MEMORY",
        description="Memory limit of one running query (DuckDB notation); default `600MB`.",
    )
    report_seconds: Annotated[float, PlainValidator(_seconds)] = Field(
        30.0,
        alias="LEADLINE_REPORT_SECONDS",
        description="How long a report may take over HTTP before it is refused; default `30`.",
    )
    rate_limit: Annotated[int, PlainValidator(_whole)] = Field(
        1000,
        alias="LEADLINE_RATE_LIMIT",
        description="Requests per second that a server answers each key, twice that at once; `0`: any number; "
        "default `1000`.",
    )
    connections: Annotated[int, PlainValidator(_connections)] = Field(
        DEFAULT_CONNECTIONS,
        alias="LEADLINE_CONNECTIONS",
        description="Connections that a server has open at a time; beyond these, a new one takes the place of the one whose "
        f"client has kept the server waiting longest; default `{DEFAULT_CONNECTIONS}`.",
    )
    log_format: str | None = Field(
        None, alias="LEADLINE_LOG", description="Log form: `json` or `text`; default: text on a terminal, else JSON."
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, *, home: Path | None = None) -> ServerSettings:
        """Read ``environ``, in which an empty variable is as none; ``home`` (from ``--home``) wins over ``LEADLINE_HOME``. Raises
        ``InvalidRequest`` for a value that cannot be used."""
        given: dict[str, Any] = {
            name: text for name, text in environ.items() if text.strip() or name == "LEADLINE_PREFIXES"
        }
        if home is not None:
            given["LEADLINE_HOME"] = home
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            refused = error.errors()[0]
            name, text, would_do = refused["loc"][0], str(refused["input"]).strip(), refused["ctx"]["error"]
            raise InvalidRequest(f"{name} cannot be {text[:40]!r}; it must be {would_do}") from None


ENVIRONMENT = {
    **{str(field.alias): str(field.description) for field in ServerSettings.model_fields.values()},
    "LEADLINE_DEBUG": "`1`: a command also shows the traceback of an error that nobody foresaw.",
}
"""What each variable means. The last one is read where errors end, before there are settings."""
