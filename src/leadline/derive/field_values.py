"""What a field of a work item was at an instant (further exports, "Value of a field at an instant"): what its last change at or
before then led to; else what its first change after then started from; else what the row says.

``stretches`` says it for all instants at once: from one change to the next a field has one value.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, Table, Value

from leadline.derive.completion import ITEM, category_of, changes_of, numbered, status_changes
from leadline.derive.former_keys import without_former
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us

ALWAYS_US = 2**62
"""Later than every instant, in microseconds; its negative is earlier."""
DONE = "done"


def present_items(former: Table) -> Table:
    """All work items, each once, whatever ``former`` keys it had."""
    return without_former(schema_table("work_items"), former)


def stretches_of(field: str, now: Table, former: Table) -> Table:
    """The stretches of ``field`` as its changes name it; ``now`` (ITEM, value) is what the rows say as text."""
    changes = numbered(changes_of(field, former))
    return stretches(now, changes.select(*ITEM, "number", "changed_at", before="from_value", after="to_value"))


def stretches(now: Table, changes: Table) -> Table:
    """(ITEM, value, from_us, until_us): that each item of ``now`` (ITEM, value) has a value from an instant on, before another, for
    all of time and without overlaps. ``changes`` (ITEM, number, changed_at, before, after) are numbered in their order; of several
    at one instant the last one counts from then on."""
    changes = changes.filter(changes.changed_at.notnull())
    window = ibis.window(group_by=ITEM, order_by="number")
    ordered = changes.mutate(
        from_us=epoch_us(changes.changed_at), following_us=epoch_us(changes.changed_at.lead().over(window))
    )
    after = ordered.filter(ordered.following_us.isnull() | (ordered.following_us > ordered.from_us))
    first = ordered.group_by(ITEM).agg(value=_first(ordered.before, ordered.number), until_us=ordered.from_us.min())
    parts = (
        after.select(*ITEM, value="after", from_us="from_us", until_us=after.following_us.fill_null(ALWAYS_US)),
        first.select(*ITEM, "value", from_us=_literal(-ALWAYS_US), until_us="until_us"),
        now.anti_join(first, ITEM).select(*ITEM, "value", from_us=_literal(-ALWAYS_US), until_us=_literal(ALWAYS_US)),
    )
    return ibis.union(*parts).semi_join(now, ITEM)


def _first(value: Value, number: IntegerValue) -> Value:
    """The value of the row with the least number, known or not."""
    return ibis.struct({"value": value}).argmin(number)["value"]


def _literal(instant: int) -> IntegerValue:
    return ibis.literal(instant, "int64")


def done_stretches(former: Table) -> Table:
    """The stretches of whether an item is done: by the category of its status. One that never changed it, and is done now, is since
    it was completed, if that is known."""
    items = present_items(former)
    category = category_of(items.status_category, items.status)
    is_done = (category == DONE).fill_null(items.completed_at.notnull())
    items = items.select(*ITEM, "completed_at", value=is_done)
    status = status_changes(former)
    changes = status.select(
        *ITEM,
        "number",
        "changed_at",
        before=(status.before == DONE).fill_null(False),
        after=(status.category == DONE).fill_null(False),
    )
    told = stretches(items.select(*ITEM, "value"), changes)
    completed = items.filter(items.value & items.completed_at.notnull()).anti_join(changes, ITEM)
    completed = completed.select(*ITEM, at_us=epoch_us(completed.completed_at))
    open_before = completed.select(*ITEM, value=ibis.literal(False), from_us=_literal(-ALWAYS_US), until_us="at_us")
    done_since = completed.select(*ITEM, value=ibis.literal(True), from_us="at_us", until_us=_literal(ALWAYS_US))
    return ibis.union(told.anti_join(completed, ITEM), open_before, done_since)


def holds(stretch: Table, instant: IntegerValue) -> BooleanValue:
    """Whether a stretch is the one of ``instant``."""
    return (stretch.from_us <= instant) & (instant < stretch.until_us)
