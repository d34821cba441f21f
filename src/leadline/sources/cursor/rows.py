"""Cursor's use by day, members and spend as rows of `ai_usage`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from leadline.sources.cursor.api import Spend, day_of
from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.records import Node, cleaned
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import Usage, number, text, total

TOOL = "cursor"
CURRENCY = "USD"
_BEGUN = ("composerRequests", "chatRequests", "agentRequests", "cmdkUsages")
"""What a member began: requests of each kind, and edits in place."""
_OFFERED, _ACCEPTED = ("totalTabsShown", "totalApplies"), ("totalTabsAccepted", "totalAccepts")
"""Completions, and changes of requests."""

Key = tuple[str, str]
"""Account and day."""


def usage_of(
    nodes: Sequence[Node], members: Iterable[Node] = (), days: Sequence[date] = (), spend: Spend | None = None
) -> Usage:
    """The rows of records. ``members`` have a seat on ``days``, and ``spend`` is the cost of the day on which its cycle began."""
    rows: dict[Key, Row] = {}
    skipped: list[Skipped] = []
    for node in nodes:
        try:
            row = usage_row(node)
        except Misshapen as error:
            skipped.append(Skipped(f"a day's use of {str(node.get('email'))[:80]}", error.message))
        else:
            rows[str(row["account"]), str(row["day"])] = row
    for member in members:
        if isinstance(email := member.get("email"), str) and email and member.get("isRemoved") is not True:
            for day in days:
                _row(rows, email, day)["licensed"] = True
    for node in spend.members if spend is not None else ():
        try:
            email, cents = text(node, "email"), _cents(node.get("spendCents"))
        except Misshapen as error:
            skipped.append(Skipped(f"spend of {str(node.get('email'))[:80]}", error.message))
            continue
        if cents is not None and spend is not None:
            _row(rows, email, spend.day).update(cost=cents / 100, currency=CURRENCY)
    return Usage([cleaned(**row) for row in rows.values()], len(nodes), tuple(skipped))


def usage_row(node: Node) -> Row:
    """The row of a member's use on a day. Raises ``Misshapen``."""
    email, day = text(node, "email"), node.get("day")
    active = node.get("isActive")
    return {
        **_who(email, day if isinstance(day, str) and day else day_of(node.get("date")).isoformat()),
        "active": active if isinstance(active, bool) else None,
        "interactions": total([number(node, name) for name in _BEGUN]),
        "suggestions": total([number(node, name) for name in _OFFERED]),
        "acceptances": total([number(node, name) for name in _ACCEPTED]),
        "lines_accepted": number(node, "acceptedLinesAdded"),
    }


def _row(rows: dict[Key, Row], email: str, day: date) -> Row:
    return rows.setdefault((email, day.isoformat()), _who(email, day.isoformat()))


def _who(email: str, day: str) -> Row:
    return {"tool": TOOL, "day": day, "account": email, "model": None, "email": email, "source": TOOL}


def _cents(value: Any) -> float | None:
    """An amount. Raises ``Misshapen``."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Misshapen(f"its spendCents is no amount but {str(value)[:40]!r}")
    return value
