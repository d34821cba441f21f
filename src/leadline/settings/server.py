"""Settings of the server, read from the environment once at the start: where the home is, which database it uses. What belongs to a
project is in ``profile``; this must be known before the database is open."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from leadline.errors import InvalidRequest
from leadline.settings.sign_in_roles import RoleRule, role_rules

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
    """The folder of this machine that ``text`` names. Raises ``ValueError``, saying what would do, for none and for an address."""
    if isinstance(text, str) and (not text.strip() or re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text)):
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


def _issuer(text: str) -> str:
    address = urlsplit(text.strip())
    local = address.scheme == "http" and (address.hostname or "") in ("localhost", "127.0.0.1", "::1")
    if not address.hostname or address.query or address.fragment or not (address.scheme == "https" or local):
        raise ValueError("an https address, such as https://id.example.com/realms/main")
    return text.strip().rstrip("/")


def _networks(text: str) -> tuple[str, ...]:
    networks = tuple(part.strip() for part in text.split(",") if part.strip())
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ValueError("addresses or networks separated by commas, such as 127.0.0.1,10.0.0.0/8") from None
    return networks


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
    proxies: Annotated[tuple[str, ...], PlainValidator(_networks)] = Field(
        (),
        alias="LEADLINE_PROXIES",
        description="Comma-separated addresses or networks of the proxies before the server, such as `10.0.0.0/8`: what they "
        "say in `X-Forwarded-For` and `X-Forwarded-Proto` is believed; default: nobody is.",
    )
    oidc_issuer: Annotated[str | None, PlainValidator(_issuer)] = Field(
        None,
        alias="LEADLINE_OIDC_ISSUER",
        description="Address of the OpenID Connect provider that people sign in to the page with; default: none, keys alone.",
    )
    oidc_client_id: str = Field(
        "",
        alias="LEADLINE_OIDC_CLIENT_ID",
        description="What the provider knows this server as; needed with an issuer.",
    )
    oidc_client_secret: str = Field(
        "",
        alias="LEADLINE_OIDC_CLIENT_SECRET",
        repr=False,
        description="The secret that the provider gave out with it; default: none, for a public client.",
    )
    oidc_roles: Annotated[tuple[RoleRule, ...], PlainValidator(role_rules)] = Field(
        (),
        alias="LEADLINE_OIDC_ROLES",
        description="Who gets which role by what the provider says of them: rules `CLAIM:VALUE=ROLE@TEAM,TEAM no-developers in "
        "ORGANIZATION/PROJECT` separated by `;`, of which the first that fits holds; needed with an issuer.",
    )
    log_format: str | None = Field(
        None, alias="LEADLINE_LOG", description="Log form: `json` or `text`; default: text on a terminal, else JSON."
    )
    log_level: str = Field(
        "info",
        alias="LEADLINE_LOG_LEVEL",
        description="What is logged: `debug` (also every poll and probe), `info`, `warning` or `error`.",
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
            settings = cls.model_validate(given)
        except ValidationError as error:
            refused = error.errors()[0]
            name, text, would_do = refused["loc"][0], str(refused["input"]).strip(), refused["ctx"]["error"]
            raise InvalidRequest(f"{name} cannot be {text[:40]!r}; it must be {would_do}") from None
        for name in ("LEADLINE_OIDC_CLIENT_ID", "LEADLINE_OIDC_ROLES"):
            if settings.oidc_issuer and not given.get(name):
                raise InvalidRequest(f"LEADLINE_OIDC_ISSUER is set, so {name} must be, too")
        return settings


ENVIRONMENT = {
    **{str(field.alias): str(field.description) for field in ServerSettings.model_fields.values()},
    "LEADLINE_HOST": "Address that `serve` listens on, where no `--host` is given; default `127.0.0.1`.",
    "LEADLINE_PORT": "Port that it listens on, where no `--port` is given; default `8080`.",
    "LEADLINE_WORKERS": "How many exports `serve` and `worker` compute at a time, where no `--workers` is given; default `1`.",
    "LEADLINE_SYNCS": "How many sources `serve` reads at a time, where no `--syncs` is given; default `2`.",
    "LEADLINE_DEBUG": "`1`: a command also shows the traceback of an error that nobody foresaw.",
}
"""What each variable means. Those that are no field are read by the command line, before there are settings."""
