"""Linear's records as rows: issues with their histories, cycles and users. Pure: what a record lacks stays unknown, and one that is
not of the documented shape raises ``Misshapen``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from leadline.instants import rfc3339
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, Rows, cleaned, elements, inner
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhooks import instant

SOURCE = "linear"
CATEGORIES = {
    **dict.fromkeys(("triage", "backlog", "unstarted"), "todo"),
    "started": "in_progress",
    **dict.fromkeys(("completed", "canceled", "duplicate"), "done"),
}
"""What the types of states mean."""
RESOLUTIONS = {"completed": "Done", "canceled": "Won't Do", "duplicate": "Duplicate"}
"""How an issue in a state of such a type was resolved, in the words that other trackers have for it."""
PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")
"""By their numbers."""
TYPE_GROUPS = frozenset({"type", "issue type", "work type", "kind"})
"""A label of a group that is called so is the type of its issue."""
TYPES = ("incident", "bug", "feature", "improvement", "story", "task", "chore", "spike", "epic")
"""Labels that are types wherever they stand, the first of them that an issue has."""
NO_TYPE = "Issue"

_CHANGES: Mapping[str, str] = {
    "State": "status",
    "AssigneeId": "assignee",
    "Priority": "priority",
    "Estimate": "story_points",
    "CycleId": "sprint",
    "Title": "title",
}
"""What an entry of a history tells (``from…``, ``to…``), and what its change is called."""


def utc(value: Any, name: str) -> str | None:
    """A time to the millisecond; None for none. Raises ``Misshapen``."""
    moment = instant(value, name)
    return None if moment is None else rfc3339(moment, milliseconds=True)


def key_of(identifier: Any) -> Row:
    """The key of the work item that is called ``ENG-12``. Raises ``Misshapen``."""
    team, _, number = identifier.rpartition("-") if isinstance(identifier, str) else ("", "", "")
    if not team or not number.isdigit():
        raise Misshapen(f"its identifier is {str(identifier)[:40]!r}")
    return {"project": team, "key": identifier}


def issue_rows(node: Node) -> Rows:
    """An issue with its changes; ``history`` is None if it could not be read. One in the trash has no rows."""
    key = key_of(node.get("identifier"))
    if node.get("trashed") is True:
        return {}
    rows: Rows = {"work_items": [_work_item(key, node)]}
    if node.get("history") is not None:
        rows["work_item_changes"] = change_rows(key, elements(node, "history"))
    return rows


def _work_item(key: Row, node: Node) -> Row:
    state = inner(node, "state") or {}
    kind = str(state.get("type"))
    ended = {"completed": "completedAt", "canceled": "canceledAt", "duplicate": "canceledAt"}.get(kind)
    labels = None if node.get("labels") is None else elements(node, "labels")
    return cleaned(
        **key,
        type=None if labels is None else type_of(labels),
        title=node.get("title"),
        status=state.get("name"),
        status_category=CATEGORIES.get(kind),
        priority=node.get("priorityLabel"),
        assignee=_named(node, "assignee", "id"),
        reporter=_named(node, "creator", "id"),
        story_points=node.get("estimate"),
        created_at=utc(node.get("createdAt"), "createdAt"),
        started_at=utc(node.get("startedAt"), "startedAt"),
        completed_at=None if ended is None else utc(node.get(ended), ended),
        parent_key=_named(node, "parent", "identifier"),
        labels=None if labels is None else [str(label.get("name")) for label in labels],
        components=[project] if (project := _named(node, "project", "name")) else [],
        url=node.get("url"),
        resolution=RESOLUTIONS.get(kind),
        former_keys=former_identifiers(node),
        sprints=[cycle] if (cycle := _named(node, "cycle", "id")) else [],
        source=SOURCE,
        updated_at=utc(node.get("updatedAt"), "updatedAt"),
    )


def type_of(labels: Sequence[Node]) -> str:
    """The type that labels say: one of a group of types, else one that is the name of a type."""
    grouped = sorted(
        str(label.get("name"))
        for label in labels
        if (group := _named(label, "parent", "name")) and group.strip().lower() in TYPE_GROUPS
    )
    if grouped:
        return grouped[0]
    by_name = {name.strip().lower(): name for label in labels if isinstance(name := label.get("name"), str)}
    return next((by_name[name] for name in TYPES if name in by_name), NO_TYPE)


def former_identifiers(node: Node) -> list[str]:
    """What an issue was called before it was moved to another team."""
    listed = node.get("previousIdentifiers") or []
    if not isinstance(listed, list):
        raise Misshapen(f"previousIdentifiers is no list but {str(listed)[:40]!r}")
    return [name for name in listed if isinstance(name, str) and name != node.get("identifier")]


def moved_from(node: Node, since: str) -> list[Row]:
    """The keys that an issue gave up when it was moved since an instant. Older ones may be others' by now."""
    history = elements(node, "history")
    moved = any(
        entry.get("toTeamId") and (utc(entry.get("createdAt"), "createdAt") or "") >= since for entry in history
    )
    return [key_of(name) for name in former_identifiers(node)] if moved else []


def _named(node: Node, name: str, of: str) -> Any:
    return (inner(node, name) or {}).get(of)


# -- changes -----------------------------------------------------------------------------------------------------------


def change_rows(key: Row, history: Sequence[Node]) -> list[Row]:
    """One row for what an entry says of a field, in order of time."""
    rows: list[Row] = []
    often: Counter[tuple[str, str]] = Counter()
    for changed_at, entry in sorted(((_created(entry), entry) for entry in history), key=_in_order):
        for name, field in _CHANGES.items():
            before, after = entry.get(f"from{name}"), entry.get(f"to{name}")
            if before is None and after is None:
                continue
            row = {**key, "changed_at": changed_at, "field": field, **_values(field, before, after)}
            row |= {"sequence": often[changed_at, field], "author": entry.get("actorId"), "source": SOURCE}
            often[changed_at, field] += 1
            rows.append(cleaned(**row))
    return rows


def _created(entry: Node) -> str:
    if (created := utc(entry.get("createdAt"), "createdAt")) is None:
        raise Misshapen("an entry of its history has no time")
    return created


def _in_order(entry: tuple[str, Node]) -> tuple[str, str]:
    return entry[0], str(entry[1].get("id"))


def _values(field: str, before: Any, after: Any) -> Row:
    """Values before and after, as texts, and what they mean if they are states."""
    if field != "status":
        return {"from_value": _shown(field, before), "to_value": _shown(field, after)}
    states = {"from": before or {}, "to": after or {}}
    if not all(isinstance(state, dict) for state in states.values()):
        raise Misshapen("a state in its history is no object")
    values = {f"{side}_value": state.get("name") for side, state in states.items()}
    return values | {f"{side}_category": CATEGORIES.get(str(state.get("type"))) for side, state in states.items()}


def _shown(field: str, value: Any) -> str | None:
    """A value as rows of work items have it."""
    if field == "priority" and isinstance(value, int | float) and 0 <= value < len(PRIORITIES):
        return PRIORITIES[int(value)]
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


# -- cycles and users --------------------------------------------------------------------------------------------------


def cycle_row(board: str, node: Node, now: str) -> Row:
    """A cycle as a sprint of its team, ``board``; its state is told by its instants and ``now``. Raises ``Misshapen``."""
    if not isinstance(identity := node.get("id"), str):
        raise Misshapen("a cycle has no id")
    starts, completed = utc(node.get("startsAt"), "startsAt"), utc(node.get("completedAt"), "completedAt")
    begun = starts is not None and starts <= now
    return cleaned(
        board=board,
        sprint_id=identity,
        name=node.get("name") or f"Cycle {_shown('number', node.get('number'))}",
        state="closed" if completed else "active" if begun else "future",
        start_at=starts,
        end_at=utc(node.get("endsAt"), "endsAt"),
        completed_at=completed,
    )


def account_row(node: Node) -> Row:
    """A user. Raises ``Misshapen`` for one without id."""
    if not isinstance(identity := node.get("id"), str):
        raise Misshapen("a user has no id")
    email = node.get("email")
    return cleaned(
        source=SOURCE,
        account=identity,
        email=email if isinstance(email, str) and "@" in email else None,
        name=node.get("name") or node.get("displayName"),
    )
