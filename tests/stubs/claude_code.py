"""An Admin API of Anthropic on loopback: the organization, and its reports on Claude Code with their pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stubs.server import Reply, Request, Tool

TOKEN = "sk-ant-admin01-stub0123456789"
ORGANIZATION = {"id": "12345678-1234-5678-1234-567812345678", "type": "organization", "name": "Example"}

Node = dict[str, Any]


def user(email: str) -> Node:
    return {"type": "user_actor", "email_address": email}


def api_key(name: str) -> Node:
    return {"type": "api_actor", "api_key_name": name}


def model(name: str, tokens: int, cents: float) -> Node:
    """What one model read (of it a quarter from and a quarter into the cache) and wrote, half as much."""
    return {
        "model": name,
        "tokens": {
            "input": tokens // 2,
            "output": tokens // 2,
            "cache_creation": tokens // 4,
            "cache_read": tokens // 4,
        },
        "estimated_cost": {"currency": "USD", "amount": cents},
    }


def record(day: str, actor: Node, sessions: int = 2, *models: Node, terminal: str = "vscode", **changes: Any) -> Node:
    """What one actor did on a day in one terminal; everything else follows from the number of sessions."""
    return {
        "actor": actor,
        "core_metrics": {
            "commits_by_claude_code": sessions,
            "lines_of_code": {"added": 100 * sessions, "removed": 40 * sessions},
            "num_sessions": sessions,
            "pull_requests_by_claude_code": sessions // 2,
        },
        "customer_type": "api",
        "date": f"{day}T00:00:00Z",
        "model_breakdown": list(models),
        "organization_id": ORGANIZATION["id"],
        "subscription_type": None,
        "terminal_type": terminal,
        "tool_actions": {
            "edit_tool": {"accepted": 5 * sessions, "rejected": sessions},
            "multi_edit_tool": {"accepted": sessions, "rejected": 0},
            "notebook_edit_tool": {"accepted": 0, "rejected": 0},
            "write_tool": {"accepted": sessions, "rejected": sessions},
        },
        **changes,
    }


@dataclass
class Anthropic(Tool):
    """``records`` by their day."""

    records: dict[str, list[Node]] = field(default_factory=dict)
    most: int = 1000
    """Records of a page, however many are asked for."""
    refused: bool = False

    def limits(self, left: int, reset: int) -> dict[str, str]:  # noqa: ARG002 - none are documented
        return {}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("x-api-key") != TOKEN:
            return 401, {}, _error("authentication_error", "invalid x-api-key")
        if request.headers.get("anthropic-version") != "2023-06-01":
            return 400, {}, _error("invalid_request_error", "anthropic-version: header is required")
        if request.path == "/v1/organizations/me":
            return 200, {}, ORGANIZATION
        if request.path != "/v1/organizations/usage_report/claude_code":
            return 404, {}, _error("not_found_error", "Not found")
        if self.refused:
            return 403, {}, _error("permission_error", "Claude Code reports are not available")
        asked = request.params
        records = self.records.get(asked["starting_at"], [])
        start, size = int(asked.get("page", "page_0")[5:]), min(self.most, int(asked["limit"]))
        more = start + size < len(records)
        page = {"data": records[start : start + size], "has_more": more}
        return 200, {}, {**page, "next_page": f"page_{start + size}" if more else None}


def _error(kind: str, message: str) -> Node:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
