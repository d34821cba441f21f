"""A GitHub on loopback that knows of Copilot: seats with their pages, and reports on users in files behind signed addresses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from stubs import github
from stubs.server import Reply, Request, Tool

TOKEN = "ghp_copilot0123456789"

Node = dict[str, Any]


def seat(login: str, since: str = "2025-11-01", used: str | None = None) -> Node:
    return {
        "created_at": f"{since}T09:00:00Z",
        "assignee": {"login": login, "id": len(login), "type": "User", "site_admin": False},
        "assigning_team": None,
        "pending_cancellation_date": None,
        "last_activity_at": None if used is None else f"{used}T15:30:00+02:00",
        "last_activity_editor": "vscode/1.85.0/copilot/1.155",
        "last_authenticated_at": None,
        "plan_type": "business",
    }


def user(day: str, login: str, completions: int = 4, agent_edits: int = 1) -> Node:
    """What a user did on a day: completions, half of which were accepted, and edits of agents."""
    completed = {
        "code_acceptance_activity_count": completions // 2,
        "code_generation_activity_count": completions,
        "feature": "code_completion",
        "loc_added_sum": 8 * completions,
        "loc_deleted_sum": 0,
        "loc_suggested_to_add_sum": 10 * completions,
        "loc_suggested_to_delete_sum": 0,
        "user_initiated_interaction_count": 0,
    }
    edited = {
        "code_acceptance_activity_count": 0,
        "code_generation_activity_count": agent_edits,
        "feature": "agent_edit",
        "loc_added_sum": 50 * agent_edits,
        "loc_deleted_sum": 3 * agent_edits,
        "loc_suggested_to_add_sum": 0,
        "loc_suggested_to_delete_sum": 0,
        "user_initiated_interaction_count": 0,
    }
    names = [name for name in completed if name not in ("feature", "user_initiated_interaction_count")]
    return {
        "day": day,
        "enterprise_id": "1",
        "organization_id": "2",
        "user_id": len(login),
        "user_login": login,
        "user_initiated_interaction_count": 3,
        **{name: completed[name] + edited[name] for name in names},
        "totals_by_feature": [completed, edited],
        "totals_by_ide": [],
        "totals_by_language_feature": [],
        "totals_by_language_model": [],
        "totals_by_model_feature": [],
        "used_agent": agent_edits > 0,
        "used_chat": False,
    }


@dataclass
class Hub(Tool):
    """``seats`` and, by their day, ``reports`` of each of ``owners``."""

    owners: tuple[str, ...] = ("orgs/acme",)
    seats: list[Node] = field(default_factory=list)
    reports: dict[str, list[Node]] = field(default_factory=dict)
    reports_refused: int = 0
    """The status with which reports are refused; 0: they are not."""
    place: str = ""
    """Where files are, if not on the same server."""

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            return self.file(request)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, {"message": "Bad credentials"}
        return self.told(request)

    def told(self, request: Request) -> Reply:
        """Seats, or where the report of a day is."""
        owner, _, asked = request.path.removeprefix("/api/v3/").partition("/copilot/")
        if owner in self.owners and asked == "billing/seats":
            size = int(request.params["per_page"])
            start = (int(request.params["page"]) - 1) * size
            return 200, {}, {"total_seats": len(self.seats), "seats": self.seats[start : start + size]}
        if owner not in self.owners or asked != "metrics/reports/users-1-day":
            return 404, {}, {"message": "Not Found"}
        if self.reports_refused:
            return self.reports_refused, {}, {"message": "Copilot usage metrics policy is disabled"}
        day = request.params["day"]
        if day not in self.reports:
            return 204, {}, None
        base = self.place or f"http://{request.headers['host']}"
        links = [f"{base}/files/{day}/{part}?sig=stub" for part in range(2)]
        return 200, {}, {"download_links": links, "report_day": day}

    def file(self, request: Request) -> Reply:
        """A part of a report: every other record."""
        if "authorization" in request.headers or request.params.get("sig") != "stub":
            return 403, {}, b"<Error>no signature</Error>"
        _, _, day, part = request.path.split("/")
        lines = [json.dumps(record) for record in self.reports[day][int(part) :: 2]]
        return 200, {"Content-Type": "application/x-ndjson"}, "\n".join(lines).encode()


PASSING = github.PASSING
