"""When work on an item started, when it was done and who had it then, from its fields and its changes (metrics, "Lead time
for changes"; ground rules, "Whose it is")."""

from __future__ import annotations

import ibis
from ibis.expr.types import StringValue, Table

from leadline.derive.expressions import attach, repeated
from leadline.derive.former_keys import under_present_key, without_former
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


def completed_items(former: Table) -> Table:
    """All work items, each once whatever ``former`` keys it had (as of ``former_keys``), with ``started_at`` and
    ``completed_at`` completed from their changes, ``assignee`` the one at
    completion, and ``current_category`` (what the item's status means now)."""
    items = without_former(schema_table("work_items"), former)
    status = status_changes(former)
    into_done = (status.category == "done") & (status.before != "done").fill_null(True)
    moves = status.group_by(ITEM).agg(
        first_start=status.changed_at.min(where=status.category == "in_progress"),
        last_done=status.changed_at.max(where=into_done),
        last_category=status.category.argmax(status.number),
    )
    filled = attach(items.mutate(category=category_of(items.status_category, items.status)), ITEM, moves)
    current = filled.category.fill_null(filled.last_category)
    filled = filled.mutate(
        current_category=current,
        started_at=filled.started_at.fill_null(filled.first_start),
        completed_at=filled.completed_at.fill_null(ibis.cases((current == "done", filled.last_done))),
    ).drop("first_start", "last_done", "last_category", "category")
    return _assignee_at_completion(filled, former)


def _assignee_at_completion(items: Table, former: Table) -> Table:
    # An empty value is "nobody", which must not read as "no such change".
    changes = changes_of("assignee", former)
    changes = changes.mutate(from_value=changes.from_value.fill_null(""), to_value=changes.to_value.fill_null(""))
    moved = numbered(changes).inner_join(items.select(*ITEM, "completed_at"), ITEM)
    earlier = moved.changed_at <= moved.completed_at
    had = moved.group_by(ITEM).agg(
        had_before=moved.to_value.argmax(moved.number, where=earlier),
        had_after=moved.from_value.argmin(moved.number, where=~earlier),
    )
    joined = attach(items, ITEM, had)
    assignee = ibis.coalesce(joined.had_before, joined.had_after, joined.assignee)
    return joined.mutate(assignee=assignee.nullif("")).drop("had_before", "had_after")


def changes_of(field: str, former: Table) -> Table:
    """The changes of one field of all items, under their present keys."""
    changes = schema_table("work_item_changes")
    return under_present_key(changes.filter(changes.field.lower() == field), former)


def status_changes(former: Table) -> Table:
    """Changes of status with their ``number``, the ``category`` changed to, and the one ``before``: as the change says, else
    the one that the change before it led to."""
    changes = changes_of("status", former)
    changes = changes.mutate(
        category=category_of(changes.to_category, changes.to_value),
        before=category_of(changes.from_category, changes.from_value),
    )
    changes = numbered(changes)
    former = changes.category.lag().over(group_by=ITEM, order_by=changes.number)
    return changes.mutate(before=changes.before.fill_null(former))


def numbered(changes: Table) -> Table:
    """Changes of one field with ``number``, from 0, in the order in which they happened to their item. Those of one instant are in
    order where they join up (what one leads to is what another starts from), else by their ``sequence``."""
    instant = [*ITEM, "changed_at"]
    tied = repeated(changes, [changes[name] for name in instant])
    led_to = tied.select(*instant, from_value=tied.to_value).distinct().mutate(follows=True)
    left_from = tied.select(*instant, to_value=tied.from_value).distinct().mutate(is_followed=True)
    changes = attach(attach(changes, [*instant, "from_value"], led_to), [*instant, "to_value"], left_from)
    # First what follows nothing, then what is in the middle, at last what nothing follows.
    place = ibis.cases((changes.follows.isnull(), 0), (changes.is_followed.notnull(), 1), else_=2)
    order = [changes.changed_at, place, changes.sequence, changes.to_value]
    number = ibis.row_number().over(group_by=ITEM, order_by=order)
    return changes.mutate(number=number).drop("follows", "is_followed")


def category_of(category: StringValue, status: StringValue) -> StringValue:
    """What a ``status`` means: its ``category`` if that is said, else by its name."""
    name = status.strip().lower()
    named = ibis.cases(*((name.isin(names), category) for category, names in _STATUS_NAMES.items()))
    return category.fill_null(named)
