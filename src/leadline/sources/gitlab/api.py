"""GitLab's two APIs behind one token, of gitlab.com or of self-managed servers, below a path too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit import server_url
from leadline.sources.kit.client import ATTEMPTS, Answer, Client, Refused, Unavailable
from leadline.sources.kit.lists import InPart, Listed
from leadline.sources.kit.records import Node, at_path, page_of

CLOUD = "gitlab.com"
_OPTIONAL = re.compile(r"(\w+)\?( *\{[^{}]*\})?")
_NO_FIELD = re.compile(r"Field '(\w+)' doesn't exist on type")
_TOO_MUCH = re.compile(r"timed out|timeout|complexity of \d+", re.IGNORECASE)


class RoleOrFeature(Refused):
    """The token's role is too low, or the feature is off: GitLab answers both alike (403)."""


@dataclass(frozen=True)
class Server:
    """Where a GitLab is: ``host`` (with its path, if it has one) names it in cursors and ids; ``base`` is its address."""

    host: str
    base: str

    @property
    def is_cloud(self) -> bool:
        """Whether it is gitlab.com."""
        return self.host == CLOUD

    @property
    def origin(self) -> str:
        """Its address without a path."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"


def server(url: str | None) -> Server:
    """The server at ``url`` (None: gitlab.com), which may be its web address or that of its API.

    Raises ``InvalidRequest`` for what is no such address; a token is only sent through TLS, or to this machine.
    """
    where = server_url.server(url or CLOUD, example="https://gitlab.example.com", pages=("api",))
    host = where.place.partition("/")[0]
    return Server(CLOUD, f"https://{CLOUD}") if host in (CLOUD, f"www.{CLOUD}") else Server(where.place, where.base)


def headers(token: str) -> dict[str, str]:
    """What every request carries. All of GitLab's access tokens may be sent as OAuth's are."""
    return {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "leadline"}


@dataclass
class Api:
    """Asks one server through ``client``. ``token_from`` says where the token came from, for errors."""

    server: Server
    client: Client
    token_from: str
    _lacking: set[str] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        """The tool's time, as far as it is known."""
        return self.client.tool_time or datetime.now(UTC)

    def graphql(self, query: str, variables: Mapping[str, Any], *, attempts: int = ATTEMPTS) -> Mapping[str, Any]:
        """The data of a query's answer. Fields written ``name?`` are left out if the server does not know them.

        Raises ``Unauthenticated``, ``NotFound``, ``Refused``, and ``Unavailable`` also for what is too much at once.
        """
        while True:
            text = _OPTIONAL.sub(lambda at: "" if at[1] in self._lacking else at[1] + (at[2] or ""), query)
            answer = self.client.request(
                "POST",
                f"{self.server.base}/api/graphql",
                body={"query": text, "variables": variables},
                classify=self._classify,
                attempts=attempts,
            )
            if answer.status != 200 or not isinstance(answer.body, dict):
                raise self.problem(answer, "GraphQL API")
            errors = [error for error in answer.body.get("errors") or () if isinstance(error, dict)]
            optional = {name for name, _ in _OPTIONAL.findall(query)} - self._lacking
            reason = "; ".join(dict.fromkeys(str(error.get("message", ""))[:300] for error in errors[:3]))
            unknown = {name for error in errors for name in _NO_FIELD.findall(str(error.get("message")))}
            if unknown and unknown <= optional:
                self._lacking |= unknown
                continue
            data = answer.body.get("data")
            if errors and isinstance(data, dict) and any(value is not None for value in data.values()):
                raise InPart(f"{self.client.tool} answered only in part: {reason}")
            if not errors and not isinstance(data, dict):
                raise Refused(
                    f"{self.client.tool} answered a query with no data at all; is that the address of its API?"
                )
            if errors or not isinstance(data, dict):
                raise self._query_error(reason)
            return data

    def rest(self, path: str, params: Mapping[str, str | Sequence[str]]) -> Answer:
        """The answer to GET ``path`` below the API. Raises as ``graphql`` does."""
        answer = self.client.request("GET", f"{self.server.base}/api/v4{path}?{urlencode(params, doseq=True)}")
        if answer.status != 200:
            raise self.problem(answer, path)
        if answer.body is None:  # it would pass for a list of nothing
            raise Unavailable(f"{self.client.tool} answered nothing at all to {path}")
        return answer

    def _classify(self, answer: Answer) -> str | None:
        """Queries that took the server too long, which it says in an answer like any other."""
        if answer.status != 200 or not isinstance(answer.body, dict):
            return None
        messages = [str(error.get("message")) for error in answer.body.get("errors") or () if isinstance(error, dict)]
        passing = [text for text in messages if "timed out" in text.lower() or text == "Internal server error"]
        return passing[0][:200] if passing else None

    def _query_error(self, reason: str) -> LeadlineError:
        """The error for a query of which nothing came."""
        if _TOO_MUCH.search(reason):
            return Unavailable(f"{self.client.tool} did not answer: {reason}")
        if "permission" in reason or "does not exist or" in reason:
            return Refused(f"{self.client.tool} refuses it: {reason}")
        return Refused(f"{self.client.tool} does not understand the query ({reason}); it may be too old for it")

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 400 to 499."""
        reason = _message(answer) or f"status {answer.status}"
        tool = self.client.tool
        if lacking := _scope(answer):
            return Refused(f"{tool} refuses {what}: the token from {self.token_from} needs the scope {lacking}")
        if answer.status == 401:
            return self._unauthenticated(reason)
        if answer.status == 404:
            return NotFound(f"{tool} has no {what}, or the token from {self.token_from} may not see it")
        if answer.status == 403:
            return RoleOrFeature(
                f"{tool} refuses {what} ({reason}): the token's role there is too low, or the feature is off"
            )
        return Refused(f"{tool} refuses {what} ({reason})")

    def _unauthenticated(self, reason: str) -> LeadlineError:
        """GraphQL calls a token without the scope invalid, too; what the token says of itself tells them apart."""
        itself = self.client.request("GET", f"{self.server.base}/api/v4/personal_access_tokens/self")
        scopes = itself.body.get("scopes") if itself.status == 200 and isinstance(itself.body, dict) else None
        lacks = isinstance(scopes, list) and not {"api", "read_api"} & {str(scope) for scope in scopes}
        if lacks or _scope(itself):
            has = f"; it has {', '.join(map(str, scopes))}" if isinstance(scopes, list) and scopes else ""
            return Refused(
                f"{self.client.tool} refuses the token from {self.token_from}: it needs the scope read_api{has}"
            )
        return Unauthenticated(
            f"{self.client.tool} refuses the token from {self.token_from} ({reason}); it may have expired or been revoked: "
            "make a new one"
        )


def connection(data: Node, *path: str) -> Listed[Node]:
    """The connection at ``path`` of an answer. Raises ``NotFound`` where there is none, and ``Misshapen``."""
    if (value := at_path(data, *path)) is None:
        raise NotFound("it is not there, or the token may not see it")
    return page_of(value, path[-1])


def _message(answer: Answer) -> str:
    """What GitLab says, which it writes in several ways."""
    if not isinstance(answer.body, dict):
        return ""
    errors = answer.body.get("errors")
    first = errors[0].get("message") if isinstance(errors, list) and errors and isinstance(errors[0], dict) else None
    text = first or answer.body.get("error_description") or answer.body.get("message") or answer.body.get("error")
    return str(text or "")[:300]


def _scope(answer: Answer) -> str:
    """The scope that is asked for; '' where none is."""
    if answer.status != 403 or not isinstance(answer.body, dict) or answer.body.get("error") != "insufficient_scope":
        return ""
    return ", ".join(sorted(str(answer.body.get("scope") or "read_api").split()))
