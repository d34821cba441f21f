"""From a source's settings to a connector that is ready to read, with the secret taken from where the settings say.

Targets and options come in and become ``SourceSettings``, which can be stored: they say where the secret is, not what it is.
``connected`` makes a connector of them for as long as a ``with`` block runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidRequest

if TYPE_CHECKING:
    from leadline.sources.github import GitHub

GITHUB = "github"
TOKEN_ENV = "GITHUB_TOKEN"  # noqa: S105 - a variable's name
_TOKEN_BYTES = 10_000


@dataclass(frozen=True)
class SourceSettings:
    """What to read, from where, and where the token is: in the variable ``token_env``, or in the file ``token_file``."""

    kind: str
    owner: str
    patterns: tuple[str, ...]
    url: str | None = None
    token_env: str | None = None
    token_file: str | None = None

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {name: value for name, value in asdict(self).items() if value is not None and name != "kind"}

    @classmethod
    def restored(cls, kind: str, stored: Mapping[str, Any]) -> SourceSettings:
        """What ``stored`` gave."""
        return cls(**{"kind": kind, **stored, "patterns": tuple(stored["patterns"])})

    @property
    def default_name(self) -> str:
        """What a source is called that was given no name."""
        from leadline.sources.github_api import server

        where = server(self.url)
        return f"{self.kind}:{self.owner.lower()}" + ("" if where.is_cloud else f"@{where.host}")

    @property
    def token_from(self) -> str:
        """Where the token is, for people."""
        return f"the file {self.token_file}" if self.token_file else f"the variable {self.token_env or TOKEN_ENV}"


def github_settings(
    targets: Sequence[str], *, url: str | None = None, token_env: str | None = None, token_file: str | None = None
) -> list[SourceSettings]:
    """One per owner named in ``targets`` (``ORG`` or ``ORG/PATTERN``). Raises ``InvalidRequest`` for what is neither."""
    from leadline.sources.github_api import server

    if token_env and token_file:
        raise InvalidRequest("--token-env and --token-file both say where the token is; give one")
    server(url)
    patterns: dict[str, list[str]] = {}
    for target in targets:
        owner, slash, pattern = target.strip().partition("/")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", owner) or (slash and not pattern) or "/" in pattern:
            raise InvalidRequest(f"{target[:80]!r} names no repositories; write ORG, ORG/REPOSITORY or 'ORG/web-*'")
        patterns.setdefault(owner.lower(), []).append(pattern or "*")
    if not patterns:
        raise InvalidRequest("Name at least one organization or user, as ORG or ORG/PATTERN")
    file = str(Path(token_file).expanduser().absolute()) if token_file else None
    return [
        SourceSettings(GITHUB, owner, tuple(dict.fromkeys(found)), url, None if file else token_env or TOKEN_ENV, file)
        for owner, found in patterns.items()
    ]


@contextmanager
def connected(
    settings: SourceSettings,
    *,
    environ: Mapping[str, str] = os.environ,
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> Iterator[GitHub]:
    """The connector, until the block ends. ``waiting`` is told of every wait; ``client`` goes to the HTTP client.

    Raises ``InvalidRequest`` if there is no usable token.
    """
    from leadline.sources.github import GitHub
    from leadline.sources.github_api import Api, headers, server
    from leadline.sources.http import Client

    token = _token(settings, environ)
    where = server(settings.url)
    tool = "GitHub" if where.is_cloud else f"GitHub at {where.host}"
    with Client(headers=headers(token), tool=tool, waiting=waiting, **client) as http:
        yield GitHub(Api(where, http, settings.token_from), settings.owner, settings.patterns)


def _token(settings: SourceSettings, environ: Mapping[str, str]) -> str:
    if settings.token_file:
        try:
            with Path(settings.token_file).open("rb") as file:
                text = file.read(_TOKEN_BYTES).decode("utf-8", "replace")
        except OSError as error:
            raise InvalidRequest(
                f"No token: the file {settings.token_file} cannot be read: {error.strerror}"
            ) from error
    else:
        text = environ.get(settings.token_env or TOKEN_ENV, "")
    token = text.strip()
    if not token:
        raise InvalidRequest(
            f"No token in {settings.token_from}; put one there, or say where it is with --token-env or --token-file"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise InvalidRequest(
            f"What is in {settings.token_from} is no token: it has spaces or letters that no token has"
        )
    return token
