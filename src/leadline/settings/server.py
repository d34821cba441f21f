"""Settings of the server, read from the environment once at the start: where the home is, which database it uses. What belongs to a
project is in ``profile``; this must be known before the database is open."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadline import machine
from leadline.errors import InvalidRequest
from leadline.settings.engine_limits import EngineLimits, Size, shared_out, size, thread_count
from leadline.settings.sign_in_roles import RoleRule, role_rules

DOCUMENTED_PREFIXES = ("/gratis/sei/api", "/prod1/sei/api", "/gateway/sei/api", "/sei/api")
"""Paths in which the documented base URLs end; the API answers under each of them."""


LEAST_CONNECTIONS = 8
DEFAULT_CONNECTIONS = 1024
_ALSO_EMPTY = frozenset({"LEADLINE_PREFIXES", "LEADLINE_HOME"})
"""Variables that being empty says something: no prefix, and no home, which cannot be. Whoever meant one would be given another."""


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


def _bucket(text: str) -> str:
    if not re.fullmatch(r"(s3|gs|abfss?|az)://[^/\s?#]+(/[^\s?#]*)?", text.strip()):
        raise ValueError("a bucket, such as s3://company-leadline/lake; tables in a folder lie in the home")
    return text.strip().rstrip("/")


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


def _rows(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()):
        raise ValueError("a whole number of rows from 0 up, such as 20000000")
    return int(text)


def _cluster(text: str) -> str:
    parts = urlsplit(text.strip())
    try:
        fits = parts.scheme == "sc" and parts.hostname and (parts.port or 1)
    except ValueError:  # the port is none
        fits = None
    if not fits or parts.query or parts.fragment or (parts.path not in ("", "/") and not parts.path.startswith("/;")):
        raise ValueError("the address of a Spark Connect server, such as sc://spark.example.com:15002")
    return text.strip()


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


@dataclass(frozen=True)
class Variable:
    """A variable of the environment: its name, its meaning, and what reads its text, which raises ``ValueError`` with what would
    do."""

    name: str
    meaning: str
    read: Callable[[Any], Any]


def _variable(name: str, meaning: str, read: Callable[[Any], Any] = str) -> dict[str, Any]:
    return {"variable": Variable(name, meaning, read)}


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The environment's settings. ``database_url`` is None for SQLite in the home."""

    # No class of pydantic: a command that asks for a list needs nothing else of it, and loading it costs a fifth of the command.
    home: Path = field(
        default_factory=_default_home,
        metadata=_variable(
            "LEADLINE_HOME", "Folder that holds all state; default: the platform's user data folder.", home_folder
        ),
    )
    database_url: str | None = field(
        default=None,
        metadata=_variable(
            "LEADLINE_DATABASE_URL", "Metadata database (`postgresql+psycopg://…`); default: SQLite in the home."
        ),
    )
    lake: str | None = field(
        default=None,
        metadata=_variable(
            "LEADLINE_LAKE",
            "Bucket in which the tables lie (`s3://bucket/folder`, `gs://…`, `abfss://…`), with the provider's usual "
            "variables for the key; default: the home.",
            _bucket,
        ),
    )
    cache: Path | None = field(
        default=None,
        metadata=_variable(
            "LEADLINE_CACHE",
            "Folder in which compiled queries are kept, which homes of one owner may share; default: `cache` in the home.",
            home_folder,
        ),
    )
    prefixes: tuple[str, ...] = field(
        default=DOCUMENTED_PREFIXES,
        metadata=_variable(
            "LEADLINE_PREFIXES",
            "Comma-separated path prefixes that reach the API; default: the documented ones.",
            _prefixes,
        ),
    )
    threads: int = field(
        default_factory=machine.cores,
        metadata=_variable(
            "LEADLINE_THREADS",
            "Threads that the queries of a process share, such as `8`; default: one for each core that it may use, within "
            "the limits of its container.",
            thread_count,
        ),
    )
    memory: Size | None = field(
        default=None,
        metadata=_variable(
            "LEADLINE_MEMORY",
            "Memory that the queries of a process share, such as `2GB`; beyond it they spill to the disk. The reports of "
            "a server share it, and so do its workers among themselves. Default: up to a quarter of the machine's or the "
            "container's.",
            size,
        ),
    )
    cluster: str | None = field(
        default=None,
        repr=False,
        metadata=_variable(
            "LEADLINE_CLUSTER",
            "Spark Connect server that computes what many rows follow from, such as `sc://spark.example.com:15002`; it must "
            "see the home under the same name. Default: none, DuckDB computes all.",
            _cluster,
        ),
    )
    cluster_from_rows: int = field(
        default=20_000_000,
        metadata=_variable(
            "LEADLINE_CLUSTER_FROM_ROWS",
            "Rows that a step must read for the cluster to compute it; default `20000000`. Below that DuckDB is sooner done.",
            _rows,
        ),
    )
    report_seconds: float = field(
        default=30.0,
        metadata=_variable(
            "LEADLINE_REPORT_SECONDS",
            "How long a report may take over HTTP before it is refused; default `30`.",
            _seconds,
        ),
    )
    rate_limit: int = field(
        default=1000,
        metadata=_variable(
            "LEADLINE_RATE_LIMIT",
            "Requests per second that a server answers each key, twice that at once; `0`: any number; default `1000`.",
            _whole,
        ),
    )
    connections: int = field(
        default=DEFAULT_CONNECTIONS,
        metadata=_variable(
            "LEADLINE_CONNECTIONS",
            "Connections that a server has open at a time; beyond these, a new one takes the place of the one whose "
            f"client has kept the server waiting longest; default `{DEFAULT_CONNECTIONS}`.",
            _connections,
        ),
    )
    proxies: tuple[str, ...] = field(
        default=(),
        metadata=_variable(
            "LEADLINE_PROXIES",
            "Comma-separated addresses or networks of the proxies before the server, such as `10.0.0.0/8`: what they "
            "say in `X-Forwarded-For` and `X-Forwarded-Proto` is believed; default: nobody is.",
            _networks,
        ),
    )
    oidc_issuer: str | None = field(
        default=None,
        metadata=_variable(
            "LEADLINE_OIDC_ISSUER",
            "Address of the OpenID Connect provider that people sign in to the page with; default: none, keys alone.",
            _issuer,
        ),
    )
    oidc_client_id: str = field(
        default="",
        metadata=_variable("LEADLINE_OIDC_CLIENT_ID", "What the provider knows this server as; needed with an issuer."),
    )
    oidc_client_secret: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "LEADLINE_OIDC_CLIENT_SECRET",
            "The secret that the provider gave out with it; default: none, for a public client.",
        ),
    )
    oidc_roles: tuple[RoleRule, ...] = field(
        default=(),
        metadata=_variable(
            "LEADLINE_OIDC_ROLES",
            "Who gets which role by what the provider says of them: rules `CLAIM:VALUE=ROLE@TEAM,TEAM no-developers in "
            "ORGANIZATION/PROJECT` separated by `;`, of which the first that fits holds; needed with an issuer.",
            role_rules,
        ),
    )
    log_format: str | None = field(
        default=None,
        metadata=_variable("LEADLINE_LOG", "Log form: `json` or `text`; default: text on a terminal, else JSON."),
    )
    log_level: str = field(
        default="info",
        metadata=_variable(
            "LEADLINE_LOG_LEVEL", "What is logged: `debug` (also every poll and probe), `info`, `warning` or `error`."
        ),
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, *, home: Path | None = None) -> ServerSettings:
        """Read ``environ``, in which an empty variable is as none, but for those of ``_ALSO_EMPTY``; ``home`` (from ``--home``)
        wins over ``LEADLINE_HOME``. Raises ``InvalidRequest`` for a value that cannot be used."""
        given: dict[str, Any] = {name: text for name, text in environ.items() if text.strip() or name in _ALSO_EMPTY}
        if home is not None:
            given["LEADLINE_HOME"] = home
        settings = cls(
            **{
                member: _read(variable, given[variable.name])
                for member, variable in VARIABLES.items()
                if variable.name in given
            }
        )
        for name in ("LEADLINE_OIDC_CLIENT_ID", "LEADLINE_OIDC_ROLES"):
            if settings.oidc_issuer and not given.get(name):
                raise InvalidRequest(f"LEADLINE_OIDC_ISSUER is set, so {name} must be, too")
        return settings

    def engine_limits(self, engines: int = 1) -> EngineLimits:
        """What each of ``engines`` that share a process, or are children of one, may take."""
        return shared_out(self.threads, self.memory, engines)


def _read(variable: Variable, given: str | Path) -> Any:
    try:
        return variable.read(given)
    except ValueError as error:
        raise InvalidRequest(f"{variable.name} cannot be {str(given).strip()[:40]!r}; it must be {error}") from None


VARIABLES: dict[str, Variable] = {member.name: member.metadata["variable"] for member in fields(ServerSettings)}
"""The variable that each member of ``ServerSettings`` is read from."""

ENVIRONMENT = {
    **{variable.name: variable.meaning for variable in VARIABLES.values()},
    "LEADLINE_HOST": "Address that `serve` listens on, and `open` asks, where no `--host` is given; default `127.0.0.1`.",
    "LEADLINE_PORT": "Port of both, where no `--port` is given; default `8080`.",
    "LEADLINE_WORKERS": "How many exports `serve` and `worker` compute at a time, where no `--workers` is given; default `1`.",
    "LEADLINE_SYNCS": "How many sources `serve` reads at a time, where no `--syncs` is given; default `2`.",
    "LEADLINE_DEBUG": "`1`: a command also shows the traceback of an error that nobody foresaw.",
}
"""What each variable means. Those that are no field are read by the command line, before there are settings."""
