"""GitHub's two APIs behind one token, of github.com, data residency (``ghe.com``) or GitHub Enterprise Server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.instants import rfc3339
from leadline.sources.github.refusals import Refusal
from leadline.sources.kit import server_url
from leadline.sources.kit.client import ATTEMPTS, Answer, Client, RateLimited, Refused, Unavailable
from leadline.sources.kit.lists import Listed
from leadline.sources.kit.records import Node, at_path, page_of

CLOUD = "github.com"
VERSION = "2022-11-28"
_LIMITS = ("secondary rate limit", "abuse detection", "api rate limit")
_LIMIT_KINDS = frozenset({"rate_limit", "rate_limited", "graphql_rate_limit"})
HIDDEN = frozenset({"FORBIDDEN", "NOT_FOUND", "INSUFFICIENT_SCOPES"})
"""Types of errors that leave something out of an answer for good, and say so."""


@dataclass(frozen=True)
class Server:
    """Where a GitHub is: ``host`` names it in cursors and ids; ``rest`` and ``graphql`` are its APIs' addresses."""

    host: str
    rest: str
    graphql: str

    @property
    def is_cloud(self) -> bool:
        """Whether it is github.com."""
        return self.host == CLOUD


def server(url: str | None) -> Server:
    """The server at ``url`` (None: github.com), which may be its web address or that of its API.

    Raises ``InvalidRequest`` for what is no such address; a token is only sent through TLS, or to this machine.
    """
    parts = server_url.split(url or CLOUD, "--url", "https://github.example.com")
    host, port = (parts.hostname or "").lower(), parts.port
    if host in (CLOUD, "www.github.com", "api.github.com"):
        return Server(CLOUD, "https://api.github.com", "https://api.github.com/graphql")
    if host.endswith(".ghe.com"):
        host = host.removeprefix("api.")
        return Server(host, f"https://api.{host}", f"https://api.{host}/graphql")
    name = f"[{host}]" if ":" in host else host
    place = name if port is None else f"{name}:{port}"
    return Server(place, f"{parts.scheme}://{place}/api/v3", f"{parts.scheme}://{place}/api/graphql")


def headers(token: str | None) -> dict[str, str]:
    """What every request carries; without a token where requests are signed one by one."""
    common = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION, "User-Agent": "leadline"}
    return common if token is None else {"Authorization": f"Bearer {token}", **common}


@dataclass(frozen=True)
class Data:
    """A query's answer: ``data``, and what was refused of it."""

    data: Mapping[str, Any]
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Api:
    """Asks one server through ``client``. ``token_from`` says where the token came from, for errors."""

    server: Server
    client: Client
    token_from: str

    @property
    def now(self) -> str:
        """GitHub's time, as far as it is known (RFC 3339)."""
        return rfc3339(self.client.tool_time or datetime.now(UTC))

    def graphql(self, query: str, variables: Mapping[str, Any], *, attempts: int = ATTEMPTS) -> Data:
        """The answer to a query, of which at most what the token may not see is missing.

        Raises what ``problem`` makes of a refusal, ``NotFound``, ``Refused``, ``Unavailable``."""
        answer = self.client.request(
            "POST",
            self.server.graphql,
            budget="graphql",
            body={"query": query, "variables": variables},
            classify=self._classify,
            attempts=attempts,
        )
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise self.problem(answer, "GraphQL API")
        errors = errors_of(answer)
        data = answer.body.get("data")
        if not isinstance(data, dict) or (errors and all(value is None for value in data.values())):
            raise _query_error(self.client.tool, errors)
        if lost := [error for error in errors if error.get("type") not in HIDDEN]:
            # Elements would be missing as if they were not there.
            raise Unavailable(f"{self.client.tool} answered only in part: {str(lost[0].get('message'))[:200]}")
        return Data(data, tuple(map(Refusal.of, errors)))

    def rest(self, path: str, params: Mapping[str, str], *, etag: str | None = None, empty: bool = False) -> Answer:
        """The answer to GET ``path``; status 304 if it is still as ``etag`` says, and, where it may be ``empty``, 204. Raises as
        ``graphql`` does."""
        conditional = {"If-None-Match": etag} if etag else None
        answer = self.client.request(
            "GET",
            f"{self.server.rest}{path}",
            budget="core",
            params=params,
            headers=conditional,
            classify=self._classify,
        )
        if answer.status not in (200, 304, *((204,) if empty else ())):
            raise self.problem(answer, path)
        return answer

    def _classify(self, answer: Answer) -> RateLimited | str | None:
        """Limits that only the body tells of, and queries that took the server too long."""
        errors = errors_of(answer)
        if (limit := limit_of(self.client, answer, errors)) is not None:
            return limit
        if answer.status != 200 or not errors:
            return None
        # What is wrong with a query itself has a code or a type; what went wrong while it ran has neither.
        passing = [error for error in errors if not error.get("type") and not error.get("extensions")]
        return str(passing[0].get("message", "the query failed"))[:200] if passing else None

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 400 to 499."""
        reason = message(answer) or f"status {answer.status}"
        if answer.status == 401:
            return Unauthenticated(
                f"{self.client.tool} refuses the token from {self.token_from} ({reason}); it may have expired or been revoked: "
                "make a new one"
            )
        if answer.status in (403, 404) and (lacking := _lacking(answer)):
            return Refused(f"{self.client.tool} refuses {what} ({reason}): {lacking}")
        if answer.status == 404:
            return NotFound(f"{self.client.tool} has no {what}, or the token from {self.token_from} may not see it")
        return Refused(f"{self.client.tool} refuses {what} ({reason})")


def connection(data: Data, *path: str, items: str = "nodes") -> Listed[Node]:
    """The connection at ``path`` of an answer, its nodes or its edges.

    Raises ``Refused`` or ``NotFound`` where there is none, and ``Misshapen``.
    """
    if (value := at_path(data.data, *path)) is None:
        reason = next((refusal.advice for refusal in data.refused), None)
        raise Refused(reason) if reason else NotFound("it is not there any more")
    return page_of(value, path[-1], items)


def errors_of(answer: Answer) -> list[dict[str, Any]]:
    """The errors that an answer to a query has."""
    errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def limit_of(client: Client, answer: Answer, errors: Sequence[Mapping[str, Any]] = ()) -> RateLimited | None:
    """The rate limit that a body tells of: the primary one by its type or code, a secondary one by its text alone, also in an
    answer of status 200."""
    kinds = {str(error.get(name)).lower() for error in errors for name in ("type", "code")}
    texts = [message(answer), *(str(error.get("message")) for error in errors)]
    if kinds & _LIMIT_KINDS:
        return RateLimited(client.stated_wait(answer) or client.until(answer.headers.get("x-ratelimit-reset")))
    is_told = answer.status in (200, 403) and any(limit in text.lower() for text in texts for limit in _LIMITS)
    return RateLimited(client.stated_wait(answer)) if is_told else None


def message(answer: Answer) -> str:
    """What a refusal says."""
    return str(answer.body.get("message", ""))[:300] if isinstance(answer.body, dict) else ""


def _lacking(answer: Answer) -> str:
    """What the token lacks, from the headers that tell what would be accepted; '' if they do not."""
    sso = answer.headers.get("x-github-sso", "")
    if sso.startswith("required"):
        return "authorize the token for the organization's single sign-on"
    if permissions := answer.headers.get("x-accepted-github-permissions"):
        return f"the token needs the permission {permissions}" if answer.status == 403 else ""
    accepted = _scopes(answer.headers.get("x-accepted-oauth-scopes"))
    has = _scopes(answer.headers.get("x-oauth-scopes"))
    if accepted and "x-oauth-scopes" in answer.headers and not accepted & has:
        return f"the token needs one of the scopes {', '.join(sorted(accepted))}; it has {', '.join(sorted(has)) or 'none'}"
    return ""


def _scopes(text: str | None) -> set[str]:
    return {scope.strip() for scope in (text or "").split(",") if scope.strip()}


def _query_error(tool: str, errors: list[dict[str, Any]]) -> LeadlineError:
    """The error for a query of which nothing came."""
    if not errors:
        return Refused(f"{tool} answered a query with no data at all; is that the address of its API?")
    kinds = {str(error.get("type")) for error in errors}
    reason = "; ".join(dict.fromkeys(str(error.get("message", ""))[:300] for error in errors[:3]))
    if "NOT_FOUND" in kinds:
        return NotFound(reason)
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return Refused(f"{tool} refuses it: {reason}")
    if kinds & {"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"}:
        return Unavailable(f"{tool} did not answer: {reason}")
    return Refused(f"{tool} does not understand the query ({reason}); an Enterprise Server may be too old for it")
