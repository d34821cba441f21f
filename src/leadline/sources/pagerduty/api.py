"""PagerDuty's REST API (version 2) behind one token: its lists, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit.client import Answer, Client, Refused
from leadline.sources.kit.records import Node
from leadline.sources.kit.server_url import Server
from leadline.sources.kit.text import Misshapen

ADDRESS = "https://api.pagerduty.com"
SIZE = 100
"""Things on a page: the most there can be."""
MOST = 10_000
"""Things of a list that can be reached by counting (documentation, "Pagination")."""


def headers(token: str) -> dict[str, str]:
    """What every request carries. Tokens of OAuth apps name their region; API keys do not."""
    is_oauth = token.startswith("pd") and "+" in token[:8]
    return {
        "Authorization": f"Bearer {token}" if is_oauth else f"Token token={token}",
        "Accept": "application/vnd.pagerduty+json;version=2",
        "User-Agent": "leadline",
    }


@dataclass(frozen=True)
class Listed:
    """One page of a list; ``more``: it goes on."""

    nodes: list[Node]
    more: bool


@dataclass(frozen=True)
class Api:
    """Asks one region through ``client``. ``token_from`` says where the token came from, for errors."""

    server: Server
    client: Client
    token_from: str

    def page(self, what: str, offset: int, params: Mapping[str, str], ids: Sequence[str] = ()) -> Listed:
        """A page of the list ``what`` (``incidents``, ``services``) from number ``offset``, of the services ``ids`` only. Raises
        what ``problem`` makes of a refusal, ``Unavailable``, ``Misshapen``."""
        query = {**params, "limit": str(SIZE), "offset": str(offset)}
        lists = [f"&service_ids[]={service}" for service in ids]
        lists += [f"&statuses[]={status}" for status in query.pop("statuses", "").split()]
        pairs = "&".join(f"{name}={value}" for name, value in query.items())
        body = self._get(f"/{what}?{pairs}{''.join(lists)}", what)
        nodes = body.get(what)
        if not isinstance(nodes, list):
            raise Misshapen(f"{self.client.tool} sent no list of {what}; is {self.server.base} the address of its API?")
        # An empty page that says there is more has nothing to go on from.
        return Listed([node for node in nodes if isinstance(node, dict)], bool(nodes) and body.get("more") is True)

    def all(self, what: str, params: Mapping[str, str], ids: Sequence[str] = ()) -> Iterator[Listed]:
        """The pages of a list, as many as can be reached. Raises as ``page``."""
        for offset in range(0, MOST, SIZE):
            listed = self.page(what, offset, params, ids)
            yield listed
            if not listed.more:
                return

    def incident(self, identity: str) -> Node:
        """One incident. Raises ``NotFound`` and as ``page``."""
        incident = self._get(f"/incidents/{identity}", f"incident {identity}").get("incident")
        if not isinstance(incident, dict):
            raise Misshapen(f"{self.client.tool} sent no incident")
        return incident

    def _get(self, address: str, what: str) -> Node:
        answer = self.client.request("GET", f"{self.server.base}{address}")
        if answer.status != 200:
            raise self.problem(answer, what)
        if not isinstance(answer.body, dict):
            raise Misshapen(f"{self.client.tool} sent no object; is {self.server.base} the address of its API?")
        return answer.body

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 300 to 499."""
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        error = error if isinstance(error, dict) else {}
        parts = [str(error.get("message") or f"status {answer.status}")]
        errors = error.get("errors")
        parts += [str(reason) for reason in (errors if isinstance(errors, list) else [errors] if errors else [])[:3]]
        reasons = "; ".join(parts)[:300]
        if answer.status == 401:
            return Unauthenticated(
                f"{self.client.tool} refuses the token from {self.token_from} ({reasons}); it may have been revoked, or belong to "
                "another region (--url)"
            )
        if answer.status == 403 and (needed := _scopes(error.get("required_scopes"))):
            has = _scopes(error.get("token_scopes")) or "none"
            return Refused(
                f"{self.client.tool} refuses {what} ({reasons}): the token needs the scope {needed}; it has {has}"
            )
        if answer.status == 404:
            return NotFound(f"{self.client.tool} has no {what}, or the token from {self.token_from} may not see it")
        return Refused(f"{self.client.tool} refuses {what} ({reasons})")


def _scopes(scopes: Any) -> str:
    """Scopes as text; they come as a list or as text."""
    return ", ".join(map(str, scopes)) if isinstance(scopes, list) else str(scopes or "").replace(" ", ", ")
