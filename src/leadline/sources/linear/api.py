"""Linear's GraphQL API behind one token: its answers, its two rate limits (requests and complexity), and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit.client import ATTEMPTS, Answer, Client, RateLimited, Refused, Unavailable
from leadline.sources.kit.lists import InPart, Listed
from leadline.sources.kit.records import Node, at_path, objects, page_of
from leadline.sources.kit.server_url import Server
from leadline.sources.kit.text import Misshapen

ADDRESS = "https://api.linear.app"
API_KEY = "lin_api_"
"""What personal API keys begin with; tokens of OAuth do not."""
_LIMITS = ("requests", "endpoint-requests", "complexity")
"""What Linear limits, as the headers name it that tell how much is left and when it is renewed."""
_PASSING = frozenset({"INTERNAL_SERVER_ERROR", "LOCK_TIMEOUT"})
"""Codes of errors after which the same query may be answered well."""


def headers(token: str) -> dict[str, str]:
    """What every request carries. Personal API keys are sent as they are, tokens of OAuth as bearer tokens."""
    return {
        "Authorization": token if token.startswith(API_KEY) else f"Bearer {token}",
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
    def now(self) -> datetime:
        """Linear's time, as far as it is known."""
        return self.client.tool_time or datetime.now(UTC)

    def graphql(
        self, query: str, variables: Mapping[str, Any], *, what: str, attempts: int = ATTEMPTS
    ) -> Mapping[str, Any]:
        """The data of a query's answer; ``what`` is asked for, in words.

        Raises ``Unauthenticated``, ``NotFound``, ``Refused``, and ``Unavailable`` also for what is too much at once or has gaps.
        """
        answer = self.client.request(
            "POST",
            f"{self.server.base}/graphql",
            body={"query": query, "variables": variables},
            classify=self._classify,
            attempts=attempts,
        )
        if answer.status != 200 and not isinstance(answer.body, dict):
            raise self._problem(answer, [], what)
        if not isinstance(answer.body, dict):
            raise Refused(f"{self.client.tool} answers no object; is {self.server.base} the address of its API?")
        errors, data = _errors(answer), answer.body.get("data")
        in_part = isinstance(data, dict) and any(value is not None for value in data.values())
        if errors and (in_part or any(map(_inside, errors))):
            raise InPart(f"{self.client.tool} answered only in part: {_sentence(errors)}")
        if errors or answer.status != 200:
            raise self._problem(answer, errors, what)
        if not isinstance(data, dict):
            raise Refused(f"{self.client.tool} answered a query with no data; is {self.server.base} its API's address?")
        return data

    def listed(self, query: str, variables: Mapping[str, Any], *path: str, what: str) -> Listed[Node]:
        """One page of the list at ``path`` of a query's answer. Raises as ``graphql`` does, and ``Misshapen``."""
        return connection(self.graphql(query, variables, what=what), *path)

    def _classify(self, answer: Answer) -> RateLimited | str | None:
        """Limits and passing troubles, both of which Linear says in the body."""
        errors = _errors(answer)
        codes = {_code(error) for error in errors}
        if "RATELIMITED" in codes:
            return RateLimited(self._renewed_after(answer))
        return _sentence(errors) if codes & _PASSING else None

    def _renewed_after(self, answer: Answer) -> float | None:
        """Seconds until the limit that is used up is renewed; None if Linear does not say."""
        if (stated := self.client.stated_wait(answer)) is not None:
            return stated
        waits = []
        for limit in _LIMITS:
            reset = answer.headers.get(f"x-ratelimit-{limit}-reset", "")
            if answer.headers.get(f"x-ratelimit-{limit}-remaining") == "0" and reset.isdecimal():
                waits.append(self.client.until(str(int(reset) // 1000)))  # milliseconds since 1970
        return max((wait for wait in waits if wait is not None), default=None)

    def _problem(self, answer: Answer, errors: list[Node], what: str) -> LeadlineError:
        """The error for an answer without data."""
        tool, reason = self.client.tool, _sentence(errors) or f"status {answer.status}"
        codes = {_code(error) for error in errors}
        if answer.status == 401 or "AUTHENTICATION_ERROR" in codes:
            return Unauthenticated(
                f"{tool} refuses the token from {self.token_from} ({reason}); it may have been revoked: make a new API key in "
                "Linear's settings, under Security & access"
            )
        if "complex" in reason.lower():
            return Unavailable(f"{tool} finds {what} too much at once: {reason}")
        if answer.status == 404 or "not found" in reason.lower():
            return NotFound(f"{tool} has no {what}, or the token from {self.token_from} may not see it ({reason})")
        if answer.status == 403 or codes & {"FORBIDDEN", "FEATURE_NOT_ACCESSIBLE"}:
            return Refused(f"{tool} refuses {what} ({reason}): the token from {self.token_from} needs the scope read")
        return Refused(f"{tool} refuses {what} ({reason})")


def connection(data: Node, *path: str) -> Listed[Node]:
    """The page of a list at ``path``. Raises ``Misshapen`` where there is none."""
    if (value := at_path(data, *path)) is None:
        raise Misshapen(f"{'.'.join(path)} is missing")
    return page_of(value, path[-1])


def _errors(answer: Answer) -> list[Node]:
    errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
    try:
        return objects(errors, "errors")
    except Misshapen:
        return []


def _inside(error: Node) -> bool:
    """Whether it is of something within what was asked for: where that may not be null, it takes with it all it is part of."""
    path = error.get("path")
    return isinstance(path, list) and len(path) > 1


def _code(error: Node) -> str:
    extensions = error.get("extensions")
    return str(extensions.get("code") or "") if isinstance(extensions, dict) else ""


def _sentence(errors: list[Node]) -> str:
    """What Linear says, in one line: what it means for people, where it says that, too."""
    texts = []
    for error in errors[:3]:
        extensions = error.get("extensions")
        shown = extensions.get("userPresentableMessage") if isinstance(extensions, dict) else None
        texts.append(" ".join(str(shown or error.get("message") or "")[:300].split()))
    return "; ".join(dict.fromkeys(filter(None, texts)))
