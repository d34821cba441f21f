"""The events that metrics of flow are taken of, from what is stored of work items and the days and periods of a request."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import not_negative
from leadline.facts.flow import FLOW_ITEMS, REOPENED, SPANS_IN_PROGRESS
from leadline.metrics.bindings import DAY_SPANS, PERIODS
from leadline.metrics.measures import Events

_ITEM = ("project", "key", "developer")


def _arrivals() -> Table:
    items = FLOW_ITEMS.table()
    return items.filter(items.started_us.notnull()).select(*_ITEM, happened_us="started_us")


def _completions() -> Table:
    items = FLOW_ITEMS.table()
    measured = ("cycle_us", "working_us", "under_way_us")
    return items.filter(items.completed_us.notnull()).select(*_ITEM, *measured, happened_us="completed_us")


def _progress() -> Table:
    spans, days = SPANS_IN_PROGRESS.table(), DAY_SPANS.table()
    meanwhile = [
        spans.entered_us < days.day_until_us,
        spans.left_us.fill_null(_NEVER) > days.day_from_us,
    ]
    pieces = spans.inner_join(days, meanwhile)
    begun = ibis.greatest(pieces.entered_us, pieces.day_from_us)
    ended = ibis.least(pieces.left_us.fill_null(_NEVER), pieces.day_until_us)
    return pieces.select(*_ITEM, happened_us=begun, spent_us=ended - begun)


def _stock() -> Table:
    spans, periods = SPANS_IN_PROGRESS.table(), PERIODS.table().select("ends_us")
    at_end = [spans.entered_us < periods.ends_us, spans.left_us.fill_null(_NEVER) >= periods.ends_us]
    open_then = spans.inner_join(periods, at_end)
    age = not_negative(open_then.ends_us - open_then.started_us)
    return open_then.select(*_ITEM, happened_us=open_then.ends_us - 1, age_us=age)


_NEVER = 2**62
"""Later than every instant, in microseconds."""

ARRIVALS = Events(FLOW_ITEMS, _arrivals)
COMPLETIONS = Events(FLOW_ITEMS, _completions)
REOPENINGS = Events(REOPENED)
PROGRESS = Events(SPANS_IN_PROGRESS, _progress)
STOCK = Events(SPANS_IN_PROGRESS, _stock)
