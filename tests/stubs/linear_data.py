"""Issues for the Linear stub: made by rule, so that every number in them can be told without looking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)

Node = dict[str, Any]


def when(minutes: float) -> str:
    """As Linear writes a time."""
    return (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def state(name: str, kind: str) -> Node:
    return {"id": f"state-{kind}", "name": name, "type": kind}


TODO, DOING = state("Todo", "unstarted"), state("In Progress", "started")
DONE, CANCELED, DUPLICATE = state("Done", "completed"), state("Canceled", "canceled"), state("Duplicate", "duplicate")


def user(name: str, **changes: Any) -> Node:
    told = {"name": f"{name.title()} Example", "displayName": name, "email": f"{name}@example.com"}
    return {"id": f"user-{name}", **told, **changes}


ADA, BEN = user("ada"), user("ben")


def team(number: int, key: str) -> Node:
    return {"id": f"team-{number}", "key": key, "name": f"Team {key}"}


def label(name: str, group: str | None = None) -> Node:
    return {"name": name, "parent": None if group is None else {"name": group, "parent": None}}


def cycle(number: int, of: Node, days: int, *, completed: bool = False) -> Node:
    """A cycle of two weeks that begins so many days after the beginning."""
    ends = (days + 14) * 24 * 60
    return {
        "id": f"cycle-{of['id']}-{number}",
        "number": float(number),
        "name": None,
        "startsAt": when(days * 24 * 60),
        "endsAt": when(ends),
        "completedAt": when(ends) if completed else None,
        "team": of,
    }


ENTRY = dict.fromkeys(
    f"{side}{name}"
    for name in ("State", "AssigneeId", "Priority", "Estimate", "CycleId", "Title", "TeamId")
    for side in ("from", "to")
)
"""What an entry of a history has, all of it null."""


def entry(identity: str, minutes: float, *, by: Node | None = ADA, **changes: Any) -> Node:
    return {**ENTRY, "id": identity, "createdAt": when(minutes), "actorId": by and by["id"], **changes}


def moved(identity: str, minutes: float, before: Node, after: Node, **changes: Any) -> Node:
    """An entry that tells of another state."""
    return entry(identity, minutes, fromState=before, toState=after, **changes)


def issue(of: Node, number: int, minutes: float | None = None, **changes: Any) -> Node:
    """An issue created so many minutes after the beginning (60 for each number), begun ten minutes later and done after thirty."""
    at = number * 60.0 if minutes is None else minutes
    key = f"{of['key']}-{number}"
    return {
        "id": f"issue-{of['id']}-{number}",
        "identifier": key,
        "title": f"Change {number} \U0001f680",
        "url": f"https://linear.app/acme/issue/{key}",
        "createdAt": when(at),
        "updatedAt": when(at + 30),
        "startedAt": when(at + 10),
        "completedAt": when(at + 30),
        "canceledAt": None,
        "archivedAt": None,
        "trashed": None,
        "priorityLabel": "Medium",
        "estimate": 3.0,
        "previousIdentifiers": [],
        "state": DONE,
        "assignee": ADA,
        "creator": BEN,
        "parent": None,
        "project": {"name": "Checkout"},
        "cycle": None,
        "labels": [label("Bug"), label("web")],
        "history": [
            entry(f"{key}-1", at + 5, fromAssigneeId=None, toAssigneeId=ADA["id"], by=BEN),
            moved(f"{key}-2", at + 10, TODO, DOING),
            moved(f"{key}-3", at + 30, DOING, DONE, toPriority=3.0, fromPriority=0.0),
        ],
        "team": of,
        **changes,
    }
