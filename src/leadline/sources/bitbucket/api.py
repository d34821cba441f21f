"""Bitbucket Cloud's REST API (2.0) behind one token: its lists, whose pages lead to the next, and what its refusals mean."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from leadline.errors import LeadlineError, NotFound, Unauthenticated, Unusable
from leadline.instants import rfc3339
from leadline.sources.kit import server_url
from leadline.sources.kit.client import Answer, Client, Refused, Unavailable
from leadline.sources.kit.lists import Listed, read_all
from leadline.sources.kit.records import Node, objects

CLOUD = "bitbucket.org"
_HOSTS = (CLOUD, f"www.{CLOUD}", f"api.{CLOUD}")
_BASE = f"https://api.{CLOUD}/2.0"
API_TOKEN, ACCESS_TOKEN = "ATATT", "ATCTT"
"""What the two kinds of tokens begin with: those of a person, which need that person's email, and those of a workspace, project or
repository, which need none."""
_SCOPES = {
    "pullrequests": "read:pullrequest:bitbucket",
    "pipelines": "read:pipeline:bitbucket",
    "deployments": "read:pipeline:bitbucket",
    "environments": "read:pipeline:bitbucket",
}
"""The scope that a list needs, for refusals that do not say; the others need that of repositories."""


class NotUnderstood(Refused):
    """A parameter is not taken (400)."""


@dataclass(frozen=True)
class Server:
    """Where the API is: ``host`` names it in cursors and ids; ``base`` is its address."""

    host: str
    base: str

    @property
    def is_cloud(self) -> bool:
        """Whether it is Bitbucket's own address."""
        return self.host == CLOUD


def server(url: str | None) -> Server:
    """The API at ``url`` (None: api.bitbucket.org). Raises ``InvalidRequest`` for what is no such address; a token is only sent
    through TLS, or to this machine."""
    where = server_url.server(url or CLOUD, example="https://api.bitbucket.org", pages=("2.0",))
    if where.place.partition("/")[0] in _HOSTS:
        return Server(CLOUD, _BASE)
    return Server(where.place, f"{where.base}/2.0")


def headers(user: str | None, token: str) -> dict[str, str]:
    """What every request carries: a person's email with their API token, or an access token alone. Raises ``Unusable``
    where the token shows that it is of the other kind."""
    if user is None and token.startswith(API_TOKEN):
        raise Unusable("Bitbucket knows API tokens by their user: give --user with the email of its Atlassian account")
    if user is not None and token.startswith(ACCESS_TOKEN):
        raise Unusable("The token is an access token, which is nobody's: leave out --user")
    basic = base64.b64encode(f"{user}:{token}".encode()).decode()
    return {
        "Authorization": f"Bearer {token}" if user is None else f"Basic {basic}",
        "Accept": "application/json",
        "User-Agent": "leadline",
    }


@dataclass(frozen=True)
class Api:
    """Asks one server through ``client``. ``token_from`` says where the token came from, for errors."""

    server: Server
    client: Client
    token_from: str

    @property
    def now(self) -> str:
        """Bitbucket's time, as far as it is known."""
        return rfc3339(self.client.tool_time or datetime.now(UTC), milliseconds=True)

    def get(self, path: str, what: str) -> Node:
        """The object that GET ``path`` answers; ``what`` it is, for errors. Raises what ``problem`` makes of a refusal, ``Refused``
        and ``Unavailable``."""
        answer = self.client.request("GET", f"{self.server.base}{path}")
        if answer.status != 200:
            raise self.problem(answer, path, what)
        if answer.body is None:  # it would pass for a list of nothing
            raise Unavailable(f"{self.client.tool} answered nothing at all to {what}")
        if not isinstance(answer.body, dict):
            raise Refused(
                f"{self.client.tool} answered no object to {what}; is {self.server.base} the address of its API?"
            )
        return answer.body

    def page(self, path: str, what: str) -> Listed[Node]:
        """A page of a list, and the path of the next one. Raises as ``get``, and ``Refused`` for what is no list."""
        body = self.get(path, what)
        if "values" not in body:
            raise Refused(
                f"{self.client.tool} answered no list of {what}; is {self.server.base} the address of its API?"
            )
        following = body.get("next")
        return objects(body["values"], "values"), self.below(following) if isinstance(following, str) else None

    def all(self, path: str, what: str) -> list[Node]:
        """A whole list, which is short. Raises as ``page``."""
        return read_all(lambda position: self.page(position or path, what))

    def below(self, address: str) -> str:
        """The path of an address that Bitbucket gave. Raises ``Refused`` for one of another server: the token goes to none."""
        path = address.removeprefix(self.server.base).removeprefix(_BASE)  # a gateway leads to Bitbucket's own address
        if path == address or not path.startswith("/"):
            raise Refused(f"{self.client.tool} leads to {address[:100]!r}, which is not below {self.server.base}")
        return path

    def problem(self, answer: Answer, path: str, what: str) -> LeadlineError:
        """The error for an answer that is none."""
        tool, error = self.client.tool, _error(answer)
        reason = str(error.get("message") or f"status {answer.status}")[:300]
        if answer.status == 401:
            return Unauthenticated(
                f"{tool} refuses the token from {self.token_from} ({reason}); it may have expired or been revoked, or be an API "
                "token under another email (--user)"
            )
        if answer.status == 404:
            return NotFound(f"{tool} has no {what}, or the token from {self.token_from} may not see it")
        if answer.status == 403:
            return Refused(f"{tool} refuses {what} ({reason}): {self._lacking(error, path)}")
        return (NotUnderstood if answer.status == 400 else Refused)(f"{tool} refuses {what} ({reason})")

    def _lacking(self, error: Mapping[str, Any], path: str) -> str:
        detail = error.get("detail")
        detail = detail if isinstance(detail, dict) else {}
        if needed := _scopes(detail.get("required")):
            has = _scopes(detail.get("granted")) or "none"
            return f"the token from {self.token_from} needs the scope {needed}; it has {has}"
        scope = next((scope for part, scope in _SCOPES.items() if f"/{part}" in path), "read:repository:bitbucket")
        return f"the token from {self.token_from} needs the scope {scope}, and its user may need access there"


def path_of(*parts: str, **params: str | Sequence[str]) -> str:
    """The path of these parts, which are quoted, with parameters; several values of one as a sequence."""
    path = "".join(f"/{quote(part, safe='')}" for part in parts)
    return f"{path}?{urlencode(params, doseq=True)}" if params else path


def _error(answer: Answer) -> Mapping[str, Any]:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return error if isinstance(error, dict) else {}


def _scopes(scopes: Any) -> str:
    return ", ".join(sorted(map(str, scopes))) if isinstance(scopes, list) else ""
