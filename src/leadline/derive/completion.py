"""When work on an item started, when it was done and who had it then, from its fields and its changes (metrics, "Lead time
for changes"; ground rules, "Whose it is")."""

from __future__ import annotations

import ibis
from ibis.expr.types import StringValue, Table

from leadline.derive.expressions import attach
from leadline.engine import schema_table

ITEM = ["project", "key"]

# Used only where neither the row nor its project says what a status means.
_STATUS_NAMES = {
    "todo": ("to do", "todo", "open", "new", "backlog", "reopened", "selected for development", "ready", "created"),
    "in_progress": (
        "in progress",
        "doing",
        "started",
        "in development",
        "in review",
        "review",
        "code review",
        "testing",
        "in testing",
        "qa",
        "blocked",
    ),
    "done": ("done", "closed", "resolved", "completed", "complete", "released", "fixed", "won't do", "cancelled"),
}


def completed_items() -> Table:
    """All work items with ``started_at`` and ``completed_at`` completed from their changes, ``assignee`` the one at
    completion, and ``current_category`` (what the item's status means now)."""
    items = schema_table("work_items")
    status = _status_changes()
    moves = status.group_by(ITEM).agg(
        first_start=status.changed_at.min(where=status.category == "in_progress"),
        last_done=status.changed_at.max(where=status.category == "done"),
        last_category=status.category.argmax(status.changed_at),
    )
    filled = attach(items.mutate(category=_category(items.status_category, items.status)), ITEM, moves)
    current = filled.category.fill_null(filled.last_category)
    filled = filled.mutate(
        current_category=current,
        started_at=filled.started_at.fill_null(filled.first_start),
        completed_at=filled.completed_at.fill_null(ibis.cases((current == "done", filled.last_done))),
    ).drop("first_start", "last_done", "last_category", "category")
    return _assignee_at_completion(filled)


def _assignee_at_completion(items: Table) -> Table:
    changes = schema_table("work_item_changes")
    changes = changes.filter(changes.field.lower() == "assignee").select(*ITEM, "changed_at", "from_value", "to_value")
    moved = changes.inner_join(items.select(*ITEM, "completed_at"), ITEM)
    earlier = moved.changed_at <= moved.completed_at
    # An empty value is "nobody", which must not read as "no such change".
    had = moved.group_by(ITEM).agg(
        had_before=moved.to_value.fill_null("").argmax(moved.changed_at, where=earlier),
        had_after=moved.from_value.fill_null("").argmin(moved.changed_at, where=~earlier),
    )
    joined = attach(items, ITEM, had)
    assignee = ibis.coalesce(joined.had_before, joined.had_after, joined.assignee)
    return joined.mutate(assignee=assignee.nullif("")).drop("had_before", "had_after")


def _status_changes() -> Table:
    changes = schema_table("work_item_changes")
    return changes.filter(changes.field.lower() == "status").select(
        *ITEM, "changed_at", category=_category(changes.to_category, changes.to_value)
    )


def _category(category: StringValue, status: StringValue) -> StringValue:
    name = status.strip().lower()
    named = ibis.cases(*((name.isin(names), category) for category, names in _STATUS_NAMES.items()))
    return category.fill_null(named)
