"""In which status a work item was when, from its changes (further exports, "Value of a field at an instant"): a row per visit."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM, category_of, status_changes
from leadline.derive.expressions import attach
from leadline.derive.former_keys import without_former
from leadline.engine import schema_table

VISIT_COLUMNS = (*ITEM, "number", "status", "category", "came_from", "entered_at", "left_at")


def status_visits(former: Table) -> Table:
    """Every visit of every work item to a status, whatever ``former`` keys it had, with its ``number`` from 0; its ``category``
    and that of the status before (``came_from``); when it was entered (the first one: when the item was created) and left, unknown
    while it is there. Nothing is before the item's creation.

    The first status is the one that the first change says it left; without any change, the one that the item has.
    """
    items = without_former(schema_table("work_items"), former)
    changes = status_changes(former)
    changes = changes.mutate(left_at=changes.changed_at.lead().over(group_by=ITEM, order_by=changes.number))
    visits = ibis.union(_first_visits(items, changes), _further_visits(items, changes))
    entered = ibis.cases((visits.entered_at < visits.created_at, visits.created_at), else_=visits.entered_at)
    visits = visits.mutate(status=visits.status.strip().nullif(""), entered_at=entered)
    left = ibis.cases((visits.left_at < visits.entered_at, visits.entered_at), else_=visits.left_at)
    return visits.mutate(left_at=left).select(*VISIT_COLUMNS)


def _first_visits(items: Table, changes: Table) -> Table:
    first = changes.filter(changes.number == 0)
    first = first.select(*ITEM, first_at="changed_at", first_status="from_value", first_category="before")
    begun = attach(items, ITEM, first)
    changed = begun.first_at.notnull()
    present = category_of(begun.status_category, begun.status)
    return begun.select(
        *ITEM,
        "created_at",
        number=ibis.literal(0, "int64"),
        status=ibis.cases((changed, begun.first_status), else_=begun.status),
        category=ibis.cases((changed, begun.first_category), else_=present),
        came_from=ibis.null("string"),
        entered_at=begun.created_at,
        left_at=begun.first_at,
    )


def _further_visits(items: Table, changes: Table) -> Table:
    of_items = changes.inner_join(items.select(*ITEM, "created_at"), ITEM)
    return of_items.select(
        *ITEM,
        "created_at",
        number=(of_items.number + 1).cast("int64"),
        status=of_items.to_value,
        category=of_items.category,
        came_from=of_items.before,
        entered_at=of_items.changed_at,
        left_at=of_items.left_at,
    )
