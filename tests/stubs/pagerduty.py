"""A PagerDuty on loopback: services and incidents with its pages, windows, orders and limits, over real sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stubs.server import Reply, Request, Tool

TOKEN = "u+stub0123456789"
BEGIN = datetime(2025, 3, 1, 8, 0, 0, tzinfo=UTC)

Node = dict[str, Any]


def when(minutes: float) -> str:
    return (BEGIN + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def service(number: int, name: str) -> Node:
    return {"id": f"S{number}", "type": "service", "name": name, "summary": name, "status": "active"}


def incident(number: int, of: Node, minutes: float, *, ends: float | None = 30, **changes: Any) -> Node:
    """An incident created ``minutes`` after the beginning, and resolved so many minutes later (None: it is open)."""
    return {
        "id": f"P{number:05}",
        "type": "incident",
        "incident_number": number,
        "title": f"[#{number}] Cart is slow",
        "summary": f"[#{number}] Cart is slow",
        "status": "triggered" if ends is None else "resolved",
        "urgency": "high",
        "priority": {"id": "P53ZZH5", "type": "priority_reference", "summary": "P1"} if number % 2 else None,
        "created_at": when(minutes),
        "last_status_change_at": when(minutes + (ends or 0)),
        "resolved_at": None if ends is None else when(minutes + ends),
        "service": {"id": of["id"], "type": "service_reference", "summary": of["summary"]},
        "html_url": f"https://acme.pagerduty.com/incidents/P{number:05}",
        **changes,
    }


@dataclass
class PagerDuty(Tool):
    services: list[Node] = field(default_factory=list)
    incidents: list[Node] = field(default_factory=list)
    scopes: str | None = None
    """Set: what the token has, without ``incidents.read``."""

    def limits(self, left: int, reset: int) -> dict[str, str]:
        seconds = str(max(1, reset - int(self.now())))
        return {"ratelimit-limit": str(self.limit), "ratelimit-remaining": str(left), "ratelimit-reset": seconds}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") not in (f"Token token={TOKEN}", "Bearer pdus+oauth"):
            return 401, {}, {"error": {"message": "Invalid API Key", "code": 2006}}
        if request.headers.get("accept") != "application/vnd.pagerduty+json;version=2":
            return 406, {}, {"error": {"message": "Not Acceptable"}}
        asked = parse_qsl(urlsplit(request.url).query)
        if request.path == "/services":
            return self.paged("services", sorted(self.services, key=lambda node: str(node["name"])), dict(asked))
        if self.scopes is not None:
            lacking = {"required_scopes": ["incidents.read"], "token_scopes": self.scopes}
            return 403, {}, {"error": {"message": "Forbidden", "code": 2010, **lacking}}
        if request.path != "/incidents":
            found = next((node for node in self.incidents if node["id"] == request.path.rpartition("/")[2]), None)
            missing = {"error": {"message": "Not Found", "code": 2100}}
            return (200, {}, {"incident": found}) if found else (404, {}, missing)
        return self.listed(
            dict(asked),
            [value for name, value in asked if name == "statuses[]"],
            [value for name, value in asked if name == "service_ids[]"],
        )

    def listed(self, asked: dict[str, str], statuses: list[str], ids: list[str]) -> Reply:
        found = self.incidents
        if asked.get("date_range") != "all":
            since, until = asked["since"], asked["until"]
            if datetime.fromisoformat(until) - datetime.fromisoformat(since) > timedelta(days=180):
                said = {"message": "Invalid Input Provided", "code": 2001, "errors": ["range is over 6 months"]}
                return 400, {}, {"error": said}
            found = [node for node in found if since <= str(node["created_at"]) < until]
        found = [node for node in found if not statuses or node["status"] in statuses]
        found = [node for node in found if not ids or node["service"]["id"] in ids]
        name, _, order = asked["sort_by"].partition(":")
        found = sorted(found, key=lambda node: (str(node[name]), node["incident_number"]), reverse=order == "desc")
        return self.paged("incidents", found, asked)

    def paged(self, what: str, found: list[Node], asked: dict[str, str]) -> Reply:
        limit, offset = int(asked["limit"]), int(asked["offset"])
        if limit > 100 or limit + offset > 10_000:
            said = {"message": "Invalid Input Provided", "code": 2001, "errors": ["Offset must be less than 10000"]}
            return 400, {}, {"error": said}
        page = {what: found[offset : offset + limit], "limit": limit, "offset": offset, "total": None}
        return 200, {}, {**page, "more": offset + limit < len(found)}
