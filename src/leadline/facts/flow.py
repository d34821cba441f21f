"""How work items flow (further exports, "Flow"): when each was started and completed, when it was in progress, and when it left
done. What the types of a project's setting leave out is in none of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, between, not_negative
from leadline.engine.functions import epoch_us, to_bigint
from leadline.facts.status_visits import STATUS_VISITS
from leadline.facts.work_items import ITEMS
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

IN_PROGRESS = "in_progress"


def names_waiting(status: StringValue, words: Sequence[str]) -> BooleanValue:
    """Whether a status has one of ``words`` as a whole word, in any letter case."""
    if not words:
        return ibis.literal(False)
    alternatives = "|".join(re.escape(word) for word in words)
    return status.re_search(rf"(?i)(?:^|[^\pL\pN])(?:{alternatives})(?:$|[^\pL\pN])").fill_null(False)


def _items(profile: Profile) -> Table:
    """The items that count for somebody, with ``started_at``: else since they were first in progress."""
    items = ITEMS.table()
    items = items.filter(items.developer.notnull())
    if excluded := profile["work_items.exclude_types"]:
        items = items.filter(~items.type.fill_null("").strip().lower().isin(excluded))
    visits = STATUS_VISITS.table()
    begun = visits.group_by(ITEM).agg(
        first_at=visits.entered_at.min(where=visits.category == IN_PROGRESS),
        changes=visits.number.max(),
    )
    items = attach(items, ITEM, begun)
    return items.mutate(started_at=items.started_at.fill_null(items.first_at), changed=items.changes > 0).drop(
        "first_at", "changes"
    )


def _flow_items(profile: Profile) -> Table:
    items = _items(profile)
    visits = STATUS_VISITS.table().inner_join(items.select(*ITEM, "started_at", "completed_at"), ITEM)
    waiting = names_waiting(visits.status, profile["flow.wait_statuses"])
    # Of a project that has no status of waiting it is not known how long its items waited.
    known = visits.entered_at.notnull() & visits.started_at.notnull()
    outside = (visits.left_at <= visits.started_at) | (visits.entered_at >= visits.completed_at)
    in_use = visits.filter(waiting & known & ~outside.fill_null(False)).select("project").distinct()
    working = visits.filter((visits.category == IN_PROGRESS) & ~waiting)
    ended_at = working.left_at.fill_null(working.completed_at)
    begun = ibis.greatest(epoch_us(working.entered_at), epoch_us(working.started_at))
    ended = ibis.least(epoch_us(working.completed_at), epoch_us(ended_at))
    known = working.entered_at.notnull() & working.started_at.notnull() & working.completed_at.notnull()
    worked = working.mutate(us=ibis.cases((known & (ended > begun), ended - begun)))
    worked = worked.group_by(ITEM).agg(worked_us=to_bigint(worked.us.sum()))
    items = attach(items, ITEM, worked)
    items = attach(items, ["project"], in_use.mutate(waits=True))
    cycle = not_negative(between(items.started_at, items.completed_at))
    known = items.waits.fill_null(False) & items.changed & (cycle > 0)
    return items.select(
        *ITEM,
        "developer",
        started_us=epoch_us(items.started_at),
        completed_us=epoch_us(items.completed_at),
        cycle_us=cycle,
        working_us=ibis.cases((known, items.worked_us.fill_null(0))),
        under_way_us=ibis.cases((known, cycle)),
    )


def _spans(profile: Profile) -> Table:
    items = _items(profile)
    known = items.select(*ITEM, "developer", "started_at", "done_at", "changed", "current_category")
    visits = STATUS_VISITS.table().inner_join(known, ITEM)
    of_visits = visits.filter((visits.category == IN_PROGRESS) & (visits.changed | visits.started_at.isnull()))
    of_visits = of_visits.select(*ITEM, "developer", "started_at", "entered_at", "left_at")
    # Without any change of status there are the item's own instants.
    given = known.filter(~known.changed.fill_null(False) & known.started_at.notnull())
    given = given.filter(given.done_at.notnull() | (given.current_category == IN_PROGRESS))
    given = given.select(*ITEM, "developer", "started_at", entered_at="started_at", left_at="done_at")
    spans = ibis.union(of_visits, given)
    spans = spans.filter(spans.entered_at.notnull() & (spans.left_at > spans.entered_at).fill_null(True))
    return spans.select(
        *ITEM,
        "developer",
        started_us=epoch_us(spans.started_at),
        entered_us=epoch_us(spans.entered_at),
        left_us=epoch_us(spans.left_at),
    )


def _reopened(profile: Profile) -> Table:
    visits = STATUS_VISITS.table()
    left_done = (visits.came_from == "done") & (visits.category != "done").fill_null(True)
    left = visits.filter(left_done).inner_join(_items(profile).select(*ITEM, "developer"), ITEM)
    return left.select(*ITEM, "number", "developer", happened_us=epoch_us(left.entered_at))


_OWNED = {**dict.fromkeys((*ITEM, "developer"), "string")}
_INSTANTS = ("started_us", "completed_us", "cycle_us", "working_us", "under_way_us")

FLOW_ITEMS = Model("flow_items", {**_OWNED, **dict.fromkeys(_INSTANTS, "int64")}, expression=_flow_items)
"""Work items of known developers: started and completed (as completed work), and of what is completed the time between the two
(``cycle_us``). Where it can be known, ``working_us`` is the part of ``under_way_us``, the same time, in which nothing was waited
for."""

SPANS_IN_PROGRESS = Model(
    "spans_in_progress",
    {**_OWNED, **dict.fromkeys(("started_us", "entered_us", "left_us"), "int64")},
    expression=_spans,
)
"""When items of known developers were in progress; ``left_us`` is unknown while one is. An item of which no change of status is
known is in progress from its own start to its end."""

REOPENED = Model("reopened", {**_OWNED, "number": "int64", "happened_us": "int64"}, expression=_reopened)
"""When items of known developers left done."""
