"""Measures of how work items flow, as ``measures`` has those of all other facts."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from leadline.metrics.measures import WORK_ITEM_ROWS, Events, Measure, MeasuredFact, Shown, column, every

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

STARTED_ROWS = Shown("started work items", "work-items", ("project", "key"))
OPEN_ROWS = Shown("work items in progress", "work-items", ("project", "key"))
REOPENED_ROWS = Shown("reopened work items", "work-items", ("project", "key"))


def _flow(name: str) -> Callable[[], Events]:
    """Events of ``leadline.metrics.flow_events``."""

    def load() -> Events:
        events: Events = getattr(import_module("leadline.metrics.flow_events"), name)
        return events

    return load


class Arrivals:
    """Work items at the instant in which they first got in progress."""

    FACT = MeasuredFact("arrivals", STARTED_ROWS, _flow("ARRIVALS"))
    started = every(FACT)


class Completions:
    """Completed work items, of whatever start. Durations are microseconds."""

    FACT = MeasuredFact("completions", WORK_ITEM_ROWS, _flow("COMPLETIONS"))
    completed = every(FACT)
    cycle = Measure(FACT, column("cycle_us"), things="completed work items whose start is known")
    working = Measure(FACT, column("working_us"))
    under_way = Measure(
        FACT, column("under_way_us"), things="completed work items of projects that have a status of waiting"
    )


class Reopenings:
    """Work items at the instants in which they left done; in a period each is meant once."""

    FACT = MeasuredFact("reopenings", REOPENED_ROWS, _flow("REOPENINGS"))
    reopened = Measure(FACT, lambda events: _last_in_period(events).cast("int64"), flag=True)


def _last_in_period(events: Table) -> Value:
    import ibis

    of_item = ibis.window(group_by=["project", "key", "period"])
    return events.number == events.number.max().over(of_item)


class Progress:
    """Work items in progress, an event for each day, with how long they were on it. Durations are microseconds."""

    FACT = MeasuredFact("progress", OPEN_ROWS, _flow("PROGRESS"), of_spans=True)
    spent = Measure(FACT, column("spent_us"), things="days of work items in progress")


class Stock:
    """Work items in progress at the ends of periods. Durations are microseconds."""

    FACT = MeasuredFact("stock", OPEN_ROWS, _flow("STOCK"), of_spans=True)
    open = every(FACT)
    age = Measure(FACT, column("age_us"), things="work items in progress whose start is known")
