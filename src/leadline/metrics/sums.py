"""Events of a fact summed per unit and period.

An event belongs to one person or, of deployments and incidents, to any number of units (``facts.ownership``). People who are in the
same units are in one *place*; a person's event is in the place where the person was at the time. What adds up is summed per place
first: there are few of them, and a unit has the sum of its places. Of what does not, people and days, each is counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ibis.expr.types import Column, IntegerValue, NumericValue, Table
from ibis.expr.types import Value as Expression
from ibis.expr.types.groupby import GroupedTable

from leadline.engine.functions import to_bigint
from leadline.metrics.bindings import PERIOD_PARTS
from leadline.metrics.measures import Combine, Measure, MeasuredFact
from leadline.metrics.owners import Ownership, in_units, units_of_events, with_place

QUANTILE_PARTS = 20
"""Percentiles are in whole parts of the measure's unit: every one of these is a multiple of 1/20."""
_QUANTILES = {"median": 0.5, "p85": 0.85, "p90": 0.9, "p95": 0.95}


def own_events(
    fact: MeasuredFact, measures: Sequence[Measure], in_range: Table, of_teams: Ownership, keep: Sequence[str] = ()
) -> Table:
    """The events that are of any unit: the period, the measures by name, the columns to ``keep``, and whose each is: `place` and
    `person`, or of teams' events `of_unit`, once per unit."""
    many = [fact.many] if fact.many and fact.many in in_range.columns else []
    if fact.team_events:
        whose, events = ["of_unit"], units_of_events(fact, in_range, of_teams).inner_join(in_range, "event")
    else:
        whose, events = ["place", "person"], with_place(in_range, "developer", "happened_us", dated=of_teams.dated)
    return events.select(
        *whose, "period", *keep, *many, **{measure.name: measure.value(events) for measure in measures}
    )


def once_per_unit(events: Table) -> Table:
    """``own_events`` once for each unit that they are of, which is in `of_unit`."""
    return events if "of_unit" in events.columns else in_units(events)


def totals_of(
    events: Table, measures: Sequence[Measure], counted: Collection[Measure], *, nested: bool = False
) -> list[Table]:
    """Per unit and period of ``own_events``, in tables that begin with these: the total of every measure, and how many events have
    those ``counted``. What is missing is 0. ``nested``: events are in periods that are parts of others."""
    fact = measures[0].fact
    of_teams = "of_unit" in events.columns
    events = _in_periods(events, nested) if of_teams else events
    counts = {count_of(measure): _events_with(measure, events) for measure in measures if measure in counted}
    if of_teams:
        totals = {total_of(measure): _COMBINED[measure.combine](events[measure.name]) for measure in measures}
        return [_per_unit(events, fact, "sums").agg(**counts, **totals)]
    added = [measure for measure in measures if measure.combine == "sum"]
    sums = {**counts, **{total_of(measure): events[measure.name].sum() for measure in added}}
    in_places = [(events.group_by("place", "period").agg(**sums), "sums")] if sums else []
    in_places += [(_distinct(events, measure), measure.name) for measure in measures if measure.combine == "distinct"]
    people = [_people(events, measure, nested) for measure in measures if measure.combine == "any"]
    return [*(_added_up(_in_periods(table, nested), fact, part) for table, part in in_places), *people]


def quantiles_of(events: Table, asked: Sequence[tuple[Measure, str]], *, nested: bool = False) -> list[Table]:
    """As ``totals_of``, the percentiles ``asked`` for."""
    if not asked:
        return []
    in_unit = once_per_unit(_in_periods(events, nested))
    return [
        _per_unit(in_unit, asked[0][0].fact, "quantiles").agg(
            **{
                quantile_of(measure, statistic): _in_parts(in_unit[measure.name].quantile(_QUANTILES[statistic]))
                for measure, statistic in asked
            }
        )
    ]


def total_of(measure: Measure) -> str:
    """The column with the total of a measure."""
    return f"{measure.fact.name}_{measure.name}_total"


def count_of(measure: Measure) -> str:
    """The column that says how many events have a measure."""
    return f"{measure.fact.name}_{measure.name}_count"


def quantile_of(measure: Measure, statistic: str) -> str:
    """The column with a percentile of a measure."""
    return f"{measure.fact.name}_{measure.name}_{statistic}"


_COMBINED: Mapping[Combine, Callable[[Column], Expression]] = {
    "sum": lambda column: column.sum(),
    "distinct": lambda column: column.nunique(),
    "any": lambda column: column.max(),
}
"""Of what is its own owner."""


def _events_with(measure: Measure, events: Table) -> IntegerValue:
    """How many events have ``measure``."""
    value = events[measure.name]
    return events[measure.fact.many].sum(where=value.notnull()) if measure.fact.many else value.count()


def _added_up(in_place: Table, fact: MeasuredFact, part: str) -> Table:
    """The sums of places as those of units."""
    in_unit = in_units(in_place)
    names = [name for name in in_place.columns if name not in ("place", "period")]
    return _per_unit(in_unit, fact, part).agg(**{name: in_unit[name].sum() for name in names})


def _distinct(events: Table, measure: Measure) -> Table:
    """Per place and period how many different values the people there have of a measure, which are days: nobody is in two places
    on one."""
    values = events.filter(events[measure.name].notnull()).select("place", "period", "person", measure.name).distinct()
    return values.group_by("place", "period").agg(**{total_of(measure): values.count()})


def _people(events: Table, measure: Measure, nested: bool) -> Table:
    """Per unit and period how many people have an event that is meant, wherever they were in it."""
    people = events.filter(events[measure.name] > 0).select("place", "period", "person").distinct()
    people = in_units(_in_periods(people, nested))
    return _per_unit(people, measure.fact, measure.name).agg(**{total_of(measure): people.person.nunique()})


def _in_periods(table: Table, nested: bool) -> Table:
    """The rows of ``table`` once for each period that theirs is in."""
    if not nested:
        return table
    parts = PERIOD_PARTS.table()
    joined = table.inner_join(parts, table.period == parts.part)
    return joined.select(*(joined[name] for name in table.columns if name != "period"), period=joined.in_period)


def _in_parts(quantile: NumericValue) -> IntegerValue:
    """A percentile in whole parts of the measure's unit: interpolated between whole numbers, it is a multiple of one."""
    return to_bigint((quantile * QUANTILE_PARTS).round())


def _per_unit(in_unit: Table, fact: MeasuredFact, part: str) -> GroupedTable:
    """Grouped by unit and period under names that no other part of the query has."""
    names = {f"{fact.name}_{part}_unit": in_unit.of_unit, f"{fact.name}_{part}_period": in_unit.period}
    return in_unit.group_by(**names)
