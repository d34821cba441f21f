"""From when on something is known at all, for what is empty or unrated before: whose facts have an event, and of which days
something was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ibis.expr.types import Table
from ibis.expr.types import Value as Expression

from leadline.derive.expressions import local_day
from leadline.derive.local_time import Offset
from leadline.metrics.measures import Measure, MeasuredFact
from leadline.metrics.metric import Formula, Known, Sum, measures_by_fact, ratings_of
from leadline.metrics.owners import Ownership, units_of_events


def facts_to_be_known(formulas: Iterable[Formula]) -> list[MeasuredFact]:
    """The facts of which ratings ask whether an event is known: their events are of teams."""
    return list(dict.fromkeys(rating.known for rating in ratings_of(formulas) if rating.known is not None))


def first_days(fact: MeasuredFact, zone: Sequence[Offset], of_teams: Ownership) -> Table:
    """Per unit the local day of its first event of ``fact``, whatever the range."""
    events = fact.events.table()
    owned = units_of_events(fact, events, of_teams).inner_join(events.select("happened_us", "event"), "event")
    first = owned.group_by(**{f"{fact.name}_first_unit": owned.of_unit}).agg(first_us=owned.happened_us.min())
    return first.mutate(**{first_day(fact): local_day(first.first_us, zone)}).drop("first_us")


def read_by(formulas: Iterable[Formula]) -> dict[MeasuredFact, list[Measure]]:
    """The measures, by fact, of which it must be known when something was read."""
    measures = {formula.by for formula in formulas if isinstance(formula, Known)}
    return measures_by_fact([Sum(measure) for measure in measures])


def read_days(fact: MeasuredFact, measures: Sequence[Measure], zone: Sequence[Offset]) -> Table:
    """One row: the first and the last local day of an event of ``fact`` that has each measure, whoever's."""
    events = fact.events.table()
    events = events.mutate(day=local_day(events.happened_us, zone))
    ends: dict[str, Expression] = {}
    for measure in measures:
        has = measure.value(events).notnull()
        ends |= {
            read_end(measure, "from"): events.day.min(where=has),
            read_end(measure, "until"): events.day.max(where=has),
        }
    return events.aggregate(**ends)


def read_end(measure: Measure, end: str) -> str:
    """The column with the first (`from`) or last (`until`) day of a measure."""
    return f"{measure.fact.name}_{measure.name}_{end}"


def first_day(fact: MeasuredFact) -> str:
    """The column with the first day of a fact."""
    return f"{fact.name}_first_day"
