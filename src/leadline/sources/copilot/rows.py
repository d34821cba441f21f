"""Copilot's reports and seats as rows of `ai_usage`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.records import Node, cleaned, inner
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import Usage, number, text

TOOL = "copilot"
GITHUB = "github"
"""Whose accounts its users have."""


@dataclass(frozen=True)
class Seat:
    """A seat: whose, since which day, and the day of the last use that is known (all in UTC)."""

    account: str
    since: date | None
    used: date | None


def seats_of(nodes: Iterable[Node]) -> tuple[list[Seat], tuple[Skipped, ...]]:
    """The seats of people, and what is none. A seat whose account is gone is nobody's."""
    seats: list[Seat] = []
    skipped: list[Skipped] = []
    for node in nodes:
        try:
            assignee = inner(node, "assignee")
            if assignee is not None:
                seats.append(
                    Seat(text(assignee, "login"), _day(node.get("created_at")), _day(node.get("last_activity_at")))
                )
        except Misshapen as error:
            skipped.append(Skipped("a seat", error.message))
    return seats, tuple(skipped)


def usage_of(day: date, records: Mapping[str, Node], seats: Iterable[Seat]) -> Usage:
    """The rows of a day: of everybody in the report (``records``, by account) and of those who had a seat by then."""
    rows: dict[str, Row] = {}
    skipped: list[Skipped] = []
    for account, record in records.items():
        try:
            rows[account.lower()] = usage_row(day, record)
        except Misshapen as error:
            skipped.append(Skipped(f"use of {account[:80]} on {day}", error.message))
    for seat in seats:
        used = seat.used == day
        if used or (seat.since is not None and seat.since <= day):
            row = rows.setdefault(seat.account.lower(), _who(day, seat.account))
            row["licensed"] = True
            row["active"] = row.get("active") or (True if used else None)
    return Usage([cleaned(**row) for row in rows.values()], len(records), tuple(skipped))


def usage_row(day: date, record: Node) -> Row:
    """The row of a record: who is in a report used Copilot on the day. Raises ``Misshapen``."""
    edits = _of_agents(record)
    added = number(record, "loc_added_sum")
    return {
        **_who(day, text(record, "user_login")),
        "active": True,
        "interactions": number(record, "user_initiated_interaction_count"),
        "suggestions": _without(
            number(record, "code_generation_activity_count"), edits, "code_generation_activity_count"
        ),
        "acceptances": number(record, "code_acceptance_activity_count"),
        "lines_suggested": number(record, "loc_suggested_to_add_sum"),
        "lines_accepted": added,
    }


def _who(day: date, account: str) -> Row:
    return {"tool": TOOL, "day": day.isoformat(), "account": account, "model": None, "source": GITHUB}


def _of_agents(record: Node) -> list[Node]:
    """What agents wrote into files: nobody is asked whether to accept it, so that it was no suggestion."""
    features: Any = record.get("totals_by_feature")
    if not isinstance(features, list):
        return []
    return [part for part in features if isinstance(part, dict) and part.get("feature") == "agent_edit"]


def _without(count: int | None, parts: Iterable[Node], name: str) -> int | None:
    if count is None:
        return None
    return max(0, count - sum(number(part, name) or 0 for part in parts))


def _day(value: Any) -> date | None:
    """The day in UTC of an instant; None for none. Raises ``Misshapen``."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Misshapen(f"{str(value)[:40]!r} is no time") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).date()
