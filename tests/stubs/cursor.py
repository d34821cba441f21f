"""A Cursor on loopback: the members of a team, their use by day and their spend, with pages."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stubs.server import Reply, Request, Tool

TOKEN = "key_stub0123456789abcdef"

Node = dict[str, Any]


def milliseconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


def member(name: str, **changes: Any) -> Node:
    return {"name": name.title(), "email": f"{name}@example.com", "role": "member", **changes}


def use(day: str, name: str, requests: int = 6, **changes: Any) -> Node:
    """What a member did on a day; everything follows from the number of requests."""
    return {
        "userId": f"user_{name}",
        "day": day,
        "date": milliseconds(day),
        "email": f"{name}@example.com",
        "isActive": requests > 0,
        "totalLinesAdded": 90 * requests,
        "totalLinesDeleted": 20 * requests,
        "acceptedLinesAdded": 30 * requests,
        "acceptedLinesDeleted": 5 * requests,
        "totalApplies": 2 * requests,
        "totalAccepts": requests,
        "totalRejects": 0,
        "totalTabsShown": 10 * requests,
        "totalTabsAccepted": 4 * requests,
        "composerRequests": 0,
        "chatRequests": requests // 3,
        "agentRequests": requests - requests // 3,
        "cmdkUsages": 0,
        "subscriptionIncludedReqs": requests,
        "apiKeyReqs": 0,
        "usageBasedReqs": 0,
        "bugbotUsages": 0,
        "mostUsedModel": "gpt-5",
        "applyMostUsedExtension": ".tsx",
        "tabMostUsedExtension": ".tsx",
        "clientVersion": "1.6.26",
        **changes,
    }


def spent(name: str, cents: float) -> Node:
    return {
        "userId": f"user_{name}",
        "spendCents": cents,
        "overallSpendCents": cents + 2000,
        "fastPremiumRequests": 12,
        "name": name.title(),
        "email": f"{name}@example.com",
        "role": "member",
        "hardLimitOverrideDollars": 0,
    }


@dataclass
class Cursor(Tool):
    members: list[Node] = field(default_factory=list)
    use: list[Node] = field(default_factory=list)
    spend: list[Node] = field(default_factory=list)
    cycle: str = "2026-01-01"
    """The day on which the billing cycle began."""
    spend_refused: bool = False

    def limits(self, left: int, reset: int) -> dict[str, str]:  # noqa: ARG002 - none are documented
        return {}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Basic {base64.b64encode(f'{TOKEN}:'.encode()).decode()}":
            return 401, {}, {"error": "Unauthorized", "message": "Invalid API key"}
        if (request.method, request.path) == ("GET", "/teams/members"):
            return 200, {}, {"teamMembers": self.members}
        return self.told(request, request.body or {})

    def told(self, request: Request, asked: Node) -> Reply:
        """Spend, or use by day."""
        if (request.method, request.path) == ("POST", "/teams/spend"):
            if self.spend_refused:
                return 403, {}, {"error": "Forbidden", "message": "Not available on this plan"}
            listed, pages = paged(self.spend, asked)
            told = {"subscriptionCycleStart": milliseconds(self.cycle), "totalMembers": len(self.spend)}
            return 200, {}, {"teamMemberSpend": listed, **told, "totalPages": pages}
        if (request.method, request.path) != ("POST", "/teams/daily-usage-data"):
            return 404, {}, {"error": "Not Found"}
        start, end = asked["startDate"], asked["endDate"]
        if end - start > 30 * 86_400_000:
            return 400, {}, {"error": "Bad Request", "message": "Date range cannot exceed 30 days"}
        listed, pages = paged([node for node in self.use if start <= milliseconds(node["day"]) <= end], asked)
        told = {"page": asked["page"], "pageSize": asked["pageSize"], "totalPages": pages}
        more = {"hasNextPage": asked["page"] < pages, "hasPreviousPage": asked["page"] > 1}
        return 200, {}, {"data": listed, "period": {"startDate": start, "endDate": end}, "pagination": {**told, **more}}


def paged(nodes: list[Node], asked: Node) -> tuple[list[Node], int]:
    """The page that is asked for, and how many there are."""
    size = asked["pageSize"]
    start = (asked["page"] - 1) * size
    return nodes[start : start + size], max(1, -(-len(nodes) // size))
