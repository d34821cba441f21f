"""The one query behind an export: facts summed per developer and period, then per row's unit, then divided into metrics.

A request's shape (metrics, level, aggregation, time zone offsets) comes in; an ibis expression over the stored facts and
the tables bound per run goes out. Since an event belongs to one developer, a unit's distinct events are the sum over its
distinct developers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import ibis
from ibis.expr.types import IntegerValue, NumericValue, Table, Value

from leadline.derive.expressions import to_bigint
from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.metrics.catalogue import DAY_US, DEVELOPER, Formula, Metric, Ratio, Statistic, Sum, by_ids
from leadline.metrics.measures import ACTIVE, CODING_DAYS, MEASURED

UNITS = "units"
MEMBERS = "members"
PERIODS = "periods"
DAYS = "days"

_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95}
_LEADING = {
    "developer": ("Granularity", "Start_Date", "End_Date", "Developer", "Email", "Team", "Team_Hierarchy"),
    "team": ("Granularity", "Start_Date", "End_Date", "Team", "Team_Id", "Team_Hierarchy"),
}
_PERIOD_COLUMNS = ("Granularity", "Start_Date", "End_Date")
DECIMALS = 4
_MARK = 8_640_086_400_864_000_000


def sql(ids: tuple[str, ...], level: str, aggregation: str, zone: Sequence[Offset]) -> str:
    """``rows`` as DuckDB SQL. The offsets of ``zone`` are put into a text that is compiled once per shape of a request:
    compiling takes longer than the query of a small team."""
    text = _compiled(ids, level, aggregation, len(zone))
    for mark, each in zip(_marks(len(zone)), zone, strict=True):
        text = text.replace(str(mark.offset), f"({each.offset})")
        if each.until is not None:
            text = text.replace(str(mark.until), f"({each.until})")
    return text


@lru_cache(maxsize=64)
def _compiled(ids: tuple[str, ...], level: str, aggregation: str, offsets: int) -> str:
    return compiled(rows(by_ids(ids), level, aggregation, _marks(offsets)))


def _marks(count: int) -> list[Offset]:
    """Stands for ``count`` offsets: numbers that occur nowhere else in a query."""
    marks = [Offset(_MARK + 2 * number, _MARK + 2 * number + 1) for number in range(count)]
    return [*marks[:-1], Offset(None, marks[-1].offset)]


def unit_columns(level: str) -> tuple[str, ...]:
    """The leading columns that describe the unit (developer or team) of a row."""
    return tuple(column for column in _LEADING[level] if column not in _PERIOD_COLUMNS)


def rows(metrics: Sequence[Metric], level: str, aggregation: str, zone: Sequence[Offset]) -> Table:
    """Every unit × period with its metric columns, in the documented order.

    Reads the stored facts and the bound tables ``units`` (unit, developers, leading columns), ``members`` (unit,
    developer), ``periods`` (period, label and dates) and ``days`` (day, period).
    """
    units = ibis.table(
        {"unit": "int64", "developers": "int64", **dict.fromkeys(unit_columns(level), "string")}, name=UNITS
    )
    periods = ibis.table({"period": "int64", **dict.fromkeys(_PERIOD_COLUMNS, "string")}, name=PERIODS)
    formulas = {metric.column_for(aggregation): _formula(metric, level) for metric in metrics}
    # One chain of joins over names of their own is one level of SQL; every level costs a small export its share.
    grid = units.cross_join(periods)
    for fact, measures in _needed(formulas.values()).items():
        events = _events(fact, sorted(measures), zone)
        averaged = _averaged(fact, formulas.values())
        sums = (_developer_sums if level == DEVELOPER else _team_sums)(fact, events, measures, averaged)
        for part in (sums, _quantiles(fact, events, averaged, aggregation)):
            if part is not None:
                of_unit, of_period = part.columns[:2]
                grid = grid.left_join(part, [units.unit == part[of_unit], periods.period == part[of_period]])
    cells = {column: _cell(grid, formula, aggregation) for column, formula in formulas.items()}
    ordered = grid.order_by("period", "unit")
    return ordered.select(*_LEADING[level], **cells)


def _formula(metric: Metric, level: str) -> Formula:
    formula = metric.formula(level)
    if formula is None:  # refused when the request was normalized
        raise AssertionError(f"{metric.id} has no formula at level {level}")
    return formula


def _needed(formulas: Iterable[Formula]) -> dict[str, set[str]]:
    """The measures that ``formulas`` read, by fact."""
    needed: dict[str, set[str]] = {}
    for formula in formulas:
        for name in (formula.measure, formula.over) if isinstance(formula, Ratio) else (formula.measure,):
            fact, measure = name.split(".")
            if fact != "people":
                needed.setdefault(fact, set()).add(measure)
    return needed


def facts_of(metrics: Sequence[Metric], level: str) -> list[str]:
    """The stored facts that ``metrics`` read."""
    return sorted(_needed(_formula(metric, level) for metric in metrics))


def _events(fact: str, measures: Sequence[str], zone: Sequence[Offset]) -> Table:
    """The fact's events in range: developer, period and one column per measure."""
    table = MEASURED[fact].table()
    table = table.mutate(day=_local_day(table.happened_us, zone))
    days = ibis.table({"of_day": "int64", "period": "int64"}, name=DAYS)
    dated = table.inner_join(days, table.day == days.of_day)
    return dated.select("developer", "period", **{name: MEASURED[fact].measures[name](dated) for name in measures})


def _local_day(instant: IntegerValue, zone: Sequence[Offset]) -> IntegerValue:
    *changes, last = zone
    offset: Value = ibis.literal(last.offset, "int64")
    if changes:
        offset = ibis.cases(*((instant < change.until, change.offset) for change in changes), else_=last.offset)
    return (instant + offset) // DAY_US


def _averaged(fact: str, formulas: Iterable[Formula]) -> list[str]:
    """The measures of the fact that a statistic is taken of."""
    found = {tuple(formula.measure.split(".")) for formula in formulas if isinstance(formula, Statistic)}
    return sorted(measure for of_fact, measure in found if of_fact == fact)


def _developer_sums(fact: str, events: Table, measures: Iterable[str], averaged: Collection[str]) -> Table:
    """Per unit and period the sum of every measure and the count of those averaged, where a unit is one developer."""
    members = _members()
    in_unit = members.inner_join(events, members.member == events.developer)
    return in_unit.group_by(**_of(fact, "sums", in_unit)).agg(**_aggregates(fact, in_unit, measures, averaged))


def _team_sums(fact: str, events: Table, measures: Iterable[str], averaged: Collection[str]) -> Table:
    """Per unit and period the sum of every measure and the count of those averaged, over the unit's distinct developers."""
    members = _members()
    # Leaving the others out first spares a small team little and more than doubles the cost of an organization.
    per_developer = _aggregates(fact, events, measures, averaged)
    by_developer = events.group_by("developer", "period").agg(**per_developer)
    in_unit = members.inner_join(by_developer, members.member == by_developer.developer)
    return in_unit.group_by(**_of(fact, "sums", in_unit)).agg(**{name: in_unit[name].sum() for name in per_developer})


def _aggregates(fact: str, events: Table, measures: Iterable[str], averaged: Collection[str]) -> dict[str, Value]:
    """The sum of every measure and the count of those averaged, of the events of one developer and period."""
    found: dict[str, Value] = {}
    for measure in sorted(measures):
        if measure == CODING_DAYS:
            value = events[measure].nunique()
        elif measure == ACTIVE:
            value = events[measure].max()
        else:
            value = events[measure].sum()
            if measure in averaged:
                found[_count(fact, measure)] = events[measure].count()
        found[_total(fact, measure)] = value
    return found


def _quantiles(fact: str, events: Table, averaged: Collection[str], aggregation: str) -> Table | None:
    """Per unit and period the requested percentile of each statistic's events; None where nothing asks for one."""
    if aggregation == "mean" or not averaged:
        return None
    members = _members()
    in_unit = members.inner_join(events, members.member == events.developer)
    quantile = _QUANTILES[aggregation]
    return in_unit.group_by(**_of(fact, "quantiles", in_unit)).agg(
        **{_quantile(fact, measure): in_unit[measure].quantile(quantile) for measure in averaged}
    )


def _of(fact: str, part: str, in_unit: Table) -> dict[str, Value]:
    """Unit and period under names that no other part of the query has."""
    return {f"{fact}_{part}_unit": in_unit.of_unit, f"{fact}_{part}_period": in_unit.period}


def _members() -> Table:
    return ibis.table({"of_unit": "int64", "member": "string"}, name=MEMBERS)


def _cell(grid: Table, formula: Formula, aggregation: str) -> NumericValue:
    fact, measure = formula.measure.split(".")
    if isinstance(formula, Sum):
        return to_bigint(grid[_total(fact, measure)].fill_null(0))
    if isinstance(formula, Ratio):
        numerator = grid[_total(fact, measure)].fill_null(0)
        over = grid.developers if formula.over == "people.developers" else grid[_total(*formula.over.split("."))]
        value = numerator * formula.factor / over.nullif(0)
        return (value.fill_null(0.0) if formula.zero else value).round(DECIMALS)
    if aggregation == "mean":
        value = grid[_total(fact, measure)] / grid[_count(fact, measure)].nullif(0)
    else:
        value = grid[_quantile(fact, measure)]
    return (value / formula.unit).cast("float64").round(DECIMALS)


def _total(fact: str, measure: str) -> str:
    return f"{fact}_{measure}_total"


def _count(fact: str, measure: str) -> str:
    return f"{fact}_{measure}_count"


def _quantile(fact: str, measure: str) -> str:
    return f"{fact}_{measure}_quantile"
