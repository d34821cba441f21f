"""Cursor's Admin API behind one key: members, use by day and spend of a team, and what refusals mean."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit.client import Answer, Client, Refused
from leadline.sources.kit.records import Node, inner
from leadline.sources.kit.server_url import Server
from leadline.sources.kit.text import Misshapen

ADDRESS = "https://api.cursor.com"
SIZE = 100
"""Members of a page."""
MOST_DAYS = 30
"""Days that may be asked for at once."""


def headers(key: str) -> dict[str, str]:
    """What every request carries: the key is the user, without a password."""
    return {
        "Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}",
        "Accept": "application/json",
        "User-Agent": "leadline",
    }


@dataclass(frozen=True)
class Spend:
    """What members spent since the ``day`` (in UTC) on which the billing cycle began."""

    day: date
    members: list[Node]


@dataclass(frozen=True)
class Api:
    """Asks one server through ``client``. ``token_from`` says where the key came from, for errors."""

    server: Server
    client: Client
    token_from: str

    def members(self) -> list[Node]:
        """Who is in the team. Raises what ``problem`` makes of a refusal, ``Unavailable``, ``Misshapen``."""
        return self._list(self._asked("GET", "/teams/members", None, "members"), "teamMembers")

    def usage(self, first: date, last: date) -> list[Node]:
        """The use of each member on each of these days. Raises as ``members``."""
        begin = datetime.combine(first, time.min, UTC)
        end = datetime.combine(last + timedelta(days=1), time.min, UTC) - timedelta(milliseconds=1)
        days = {"startDate": _milliseconds(begin), "endDate": _milliseconds(end)}
        nodes: list[Node] = []
        for body in self._pages("/teams/daily-usage-data", days, "use by day"):
            nodes += self._list(body, "data")
        return nodes

    def spend(self) -> Spend:
        """What members spent in the billing cycle that goes on. Raises as ``members``."""
        nodes: list[Node] = []
        begun: Any = None
        for body in self._pages("/teams/spend", {}, "spend"):
            begun = body.get("subscriptionCycleStart") if begun is None else begun
            nodes += self._list(body, "teamMemberSpend")
        return Spend(day_of(begun), nodes)

    def _pages(self, path: str, asked: Mapping[str, Any], what: str) -> Iterator[Node]:
        page = 0
        more = True
        while more:
            page += 1
            body = self._asked("POST", path, {**asked, "page": page, "pageSize": SIZE}, what)
            yield body
            pages = (inner(body, "pagination") or body).get("totalPages")
            more = isinstance(pages, int) and page < pages

    def _asked(self, method: str, path: str, body: Any, what: str) -> Node:
        answer = self.client.request(method, f"{self.server.base}{path}", body=body)
        if answer.status != 200:
            raise self.problem(answer, what)
        if not isinstance(answer.body, dict):
            raise Misshapen(f"{self.client.tool} sent no object; is {self.server.base} the address of its API?")
        return answer.body

    def _list(self, body: Node, name: str) -> list[Node]:
        nodes = body.get(name)
        if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
            raise Misshapen(f"{self.client.tool} sent no list {name}; is {self.server.base} the address of its API?")
        return nodes

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 300 to 499."""
        body = answer.body if isinstance(answer.body, dict) else {}
        said = body.get("message") or body.get("error")
        reason = said[:300] if isinstance(said, str) else f"status {answer.status}"
        tool, place = self.client.tool, self.token_from
        if answer.status == 401:
            return Unauthenticated(
                f"{tool} refuses the token from {place} ({reason}); it must be an Admin API key, which an admin of the team makes "
                "in the dashboard, and may have been revoked"
            )
        if answer.status == 404:
            return NotFound(f"{tool} has no {what}, or the token from {place} may not see it ({reason})")
        return Refused(f"{tool} refuses {what} ({reason})")


def day_of(milliseconds: Any) -> date:
    """The day in UTC of an instant. Raises ``Misshapen`` for what is none."""
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).date()
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Misshapen(f"{str(milliseconds)[:40]!r} is no time") from error


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
