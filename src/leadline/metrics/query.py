"""The one query behind an export: facts summed per owner and period, then per row's unit, then divided into metrics.

A request's shape (metrics, level, aggregation, time zone offsets) comes in; an ibis expression over the stored facts and
the tables bound per run goes out. Since an event belongs to one owner (a developer or, for deployments and incidents, a
place), a unit's distinct events are the sum over its distinct owners.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import ibis
from ibis.expr.types import Column, IntegerValue, NumericValue, StringValue, Table
from ibis.expr.types import Value as Expression

from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import to_bigint
from leadline.facts.ownership import MERGES_BY_DEVELOPER, in_period, placed
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.catalogue import by_ids
from leadline.metrics.measures import ACTIVE, CODING_DAYS, FACT_MEASURES
from leadline.metrics.metric import (
    DEVELOPER,
    Formula,
    Metric,
    Overall,
    Rating,
    Ratio,
    Statistic,
    Sum,
    Value,
)
from leadline.metrics.request import LEADING
from leadline.settings.profile import BANDS

UNITS = "units"
MEMBERS = "members"
PERIODS = "periods"
DAYS = "days"
RATING_BANDS = "rating_bands"

BAND_NAMES = ("elite", "high", "medium")
RATINGS = ("Elite", "High", "Medium", "Low")
OVERALL = "overall_score"
_OF_GRID = {"people.developers": "developers", "period.days": "period_days"}
"""What a ratio may be taken over beside measures: columns of the rows themselves."""

_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95}
PERIOD_COLUMNS = ("Granularity", "Start_Date", "End_Date")
DECIMALS = 4
_MARK = 8_640_086_400_864_000_000
_MOST_PERIODS = 1 << 20
"""More than the days of any range."""


def sql(
    ids: Sequence[str],
    level: str,
    aggregation: str,
    zone: Sequence[Offset],
    ruled: bool = False,
    queries: CompiledQueryCache | None = None,
) -> str:
    """``rows`` as DuckDB SQL. The offsets of ``zone`` are put into a text that is compiled once per shape of a request
    and kept in ``queries`` (default: in this process): compiling takes longer than the query of a small team."""
    shape = [list(ids), level, aggregation, len(zone), ruled]
    text = (queries or CompiledQueryCache()).text(
        "export", shape, lambda: _compiled(ids, level, aggregation, len(zone), ruled)
    )
    for mark, each in zip(_marks(len(zone)), zone, strict=True):
        text = text.replace(str(mark.offset), f"({each.offset})")
        if each.until is not None:
            text = text.replace(str(mark.until), f"({each.until})")
    return text


def _compiled(ids: Sequence[str], level: str, aggregation: str, offsets: int, ruled: bool) -> str:
    return compiled(rows(by_ids(ids), level, aggregation, _marks(offsets), ruled))


def _marks(count: int) -> list[Offset]:
    """Stands for ``count`` offsets: numbers that occur nowhere else in a query."""
    marks = [Offset(_MARK + 2 * number, _MARK + 2 * number + 1) for number in range(count)]
    return [*marks[:-1], Offset(None, marks[-1].offset)]


def unit_columns(level: str) -> tuple[str, ...]:
    """The leading columns that describe the unit (developer or team) of a row."""
    return tuple(column for column in LEADING[level] if column not in PERIOD_COLUMNS)


def rows(metrics: Sequence[Metric], level: str, aggregation: str, zone: Sequence[Offset], ruled: bool = False) -> Table:
    """Every unit × period with its metric columns, in the documented order.

    Reads the stored facts and the bound tables ``units`` (unit, developers, leading columns), ``members`` (unit,
    developer), ``periods`` (period, its length in days, label and dates), ``days`` (day, period), ``bands`` (the bounds
    of ratings) and those of ``facts.belonging``; ``ruled`` says whether any team rule is in force.
    """
    units = ibis.table(
        {"unit": "int64", "developers": "int64", **dict.fromkeys(unit_columns(level), "string")}, name=UNITS
    )
    periods = periods_table()
    formulas = {metric.column_for(aggregation): _formula(metric, level) for metric in metrics}
    values = [value for formula in formulas.values() for value in _values(formula)]
    # One chain of joins over names of their own is one level of SQL; every level costs a small export its share.
    grid = units.cross_join(periods)
    if any(isinstance(formula, (Rating, Overall)) for formula in formulas.values()):
        grid = grid.cross_join(bands_table())
    for fact, measures in _needed(values).items():
        events = _events(fact, sorted(measures), zone)
        owners = _owners(fact, zone, ruled)
        averaged = _averaged(fact, values)
        sums = (_direct_sums if level == DEVELOPER else _sums)(fact, events, owners, measures, averaged)
        for part in (sums, _quantiles(fact, events, owners, averaged, aggregation)):
            if part is not None:
                of_unit, of_period = part.columns[:2]
                grid = grid.left_join(part, [units.unit == part[of_unit], periods.period == part[of_period]])
    valued = _rated(grid.order_by("period", "unit"), list(formulas.values()), aggregation)
    cells = {column: _cell(valued, formula, aggregation) for column, formula in formulas.items()}
    return valued.select(*LEADING[level], **cells)


def _formula(metric: Metric, level: str) -> Formula:
    formula = metric.formula(level)
    if formula is None:  # refused when the request was normalized
        raise AssertionError(f"{metric.id} has no formula at level {level}")
    return formula


def _values(formula: Formula) -> tuple[Value, ...]:
    """The values that a formula is made of."""
    if isinstance(formula, Overall):
        return tuple(rating.of for rating in formula.of)
    return (formula.of,) if isinstance(formula, Rating) else (formula,)


def _needed(values: Iterable[Value]) -> dict[str, set[str]]:
    """The measures that ``values`` read, by fact."""
    needed: dict[str, set[str]] = {}
    for value in values:
        for name in (value.measure, getattr(value, "over", None), getattr(value, "less", None)):
            if name is not None and name not in _OF_GRID:
                fact, measure = name.split(".")
                needed.setdefault(fact, set()).add(measure)
    return needed


def facts_of(metrics: Sequence[Metric], level: str) -> list[str]:
    """The facts that ``metrics`` read."""
    return sorted(_needed(value for metric in metrics for value in _values(_formula(metric, level))))


def _events(fact: str, measures: Sequence[str], zone: Sequence[Offset]) -> Table:
    """The fact's events in range: their owner, period and one column per measure."""
    measured = FACT_MEASURES[fact]
    dated = in_period(measured.table(), zone, DAYS)
    columns = {name: measured.measures[name](dated) for name in measures}
    return dated.select("period", owner=dated[measured.owner], **columns)


def _owners(fact: str, zone: Sequence[Offset], ruled: bool) -> Table:
    """Whose events count for each unit: of_unit and owner, and the period where that differs between periods."""
    if not FACT_MEASURES[fact].placed:
        members = ibis.table({"of_unit": "int64", "member": "string"}, name=MEMBERS)
        return members.rename(owner="member")
    merged = in_period(MERGES_BY_DEVELOPER.table(), zone, DAYS).select("developer", "repository", "period")
    return placed(FACT_MEASURES[fact].placed, merged, periods_table(), ruled).rename(owner="place")


def _owned(owners: Table, events: Table) -> Table:
    if "period" not in owners.columns:
        return owners.inner_join(events, "owner")
    # By one key of both: by two, the engine joins every unit to all that happened in a period first, and asks only then
    # which of it is the unit's own.
    theirs, happened = (each.mutate(slot=each.owner * _MOST_PERIODS + each.period) for each in (owners, events))
    return theirs.inner_join(happened.drop("owner", "period"), "slot")


def _averaged(fact: str, values: Iterable[Value]) -> list[str]:
    """The measures of the fact that a statistic is taken of."""
    found = {tuple(value.measure.split(".")) for value in values if isinstance(value, Statistic)}
    return sorted(measure for of_fact, measure in found if of_fact == fact)


def _direct_sums(fact: str, events: Table, owners: Table, measures: Iterable[str], averaged: Collection[str]) -> Table:
    """Per unit and period the sum of every measure and the count of those averaged, where a unit is one developer."""
    in_unit = _owned(owners, events)
    return in_unit.group_by(**_of(fact, "sums", in_unit)).agg(**_aggregates(fact, in_unit, measures, averaged))


def _sums(fact: str, events: Table, owners: Table, measures: Iterable[str], averaged: Collection[str]) -> Table:
    """Per unit and period the sum of every measure and the count of those averaged, over the unit's distinct owners."""
    # Leaving the others out first spares a small team little and more than doubles the cost of an organization.
    per_owner = _aggregates(fact, events, measures, averaged)
    by_owner = events.group_by("owner", "period").agg(**per_owner)
    in_unit = _owned(owners, by_owner)
    return in_unit.group_by(**_of(fact, "sums", in_unit)).agg(**{name: in_unit[name].sum() for name in per_owner})


def _aggregates(fact: str, events: Table, measures: Iterable[str], averaged: Collection[str]) -> dict[str, Expression]:
    """The sum of every measure and the count of those averaged, of the events of one owner and period."""
    found: dict[str, Expression] = {}
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


def _quantiles(fact: str, events: Table, owners: Table, averaged: Collection[str], aggregation: str) -> Table | None:
    """Per unit and period the requested percentile of each statistic's events; None where nothing asks for one."""
    if aggregation == "mean" or not averaged:
        return None
    in_unit = _owned(owners, events)
    quantile = _QUANTILES[aggregation]
    return in_unit.group_by(**_of(fact, "quantiles", in_unit)).agg(
        **{_quantile(fact, measure): in_unit[measure].quantile(quantile) for measure in averaged}
    )


def _of(fact: str, part: str, in_unit: Table) -> dict[str, Expression]:
    """Unit and period under names that no other part of the query has."""
    return {f"{fact}_{part}_unit": in_unit.of_unit, f"{fact}_{part}_period": in_unit.period}


def periods_table() -> Table:
    """The unbound table of periods."""
    columns = {"period": "int64", "period_days": "int64", **dict.fromkeys(PERIOD_COLUMNS, "string")}
    return ibis.table(columns, name=PERIODS)


def bands_table() -> Table:
    """The unbound table of one row with the bounds of all ratings."""
    return ibis.table({f"{name}_{band}": "float64" for name in BANDS for band in BAND_NAMES}, name=RATING_BANDS)


def _rated(grid: Table, formulas: Sequence[Formula], aggregation: str) -> Table:
    """``grid`` with the score of every rating that ``formulas`` need and of their overall one (there is one alone), step
    by step: in one expression a value would be written out for each of its comparisons, hundreds of times, and planning
    would take longer than running."""
    overall = [formula for formula in formulas if isinstance(formula, Overall)]
    single = [formula for formula in formulas if isinstance(formula, Rating)]
    ratings = dict.fromkeys([*single, *(rating for formula in overall for rating in formula.of)])
    if not ratings:
        return grid
    grid = grid.mutate(**{f"{each.bands}_value": _value(grid, each.of, aggregation) for each in ratings})
    grid = grid.mutate(**{f"{each.bands}_score": _score(grid, each) for each in ratings})
    if overall:
        grid = grid.mutate(**{OVERALL: _overall([grid[f"{each.bands}_score"] for each in overall[0].of])})
    return grid


def _cell(grid: Table, formula: Formula, aggregation: str) -> Column:
    if isinstance(formula, Overall):
        return _named(grid[OVERALL])
    if isinstance(formula, Rating):
        return _named(grid[f"{formula.bands}_score"])
    value = _value(grid, formula, aggregation)
    return to_bigint(value) if isinstance(formula, Sum) else value.round(DECIMALS)


def _value(grid: Table, formula: Value, aggregation: str) -> NumericValue:
    """The value of a formula, not rounded."""
    fact, measure = formula.measure.split(".")
    if isinstance(formula, Sum):
        total = grid[_total(fact, measure)].fill_null(0)
        return total if formula.less is None else total - grid[_total(*formula.less.split("."))].fill_null(0)
    if isinstance(formula, Ratio):
        numerator = grid[_total(fact, measure)].fill_null(0)
        over = grid[_OF_GRID[formula.over]] if formula.over in _OF_GRID else grid[_total(*formula.over.split("."))]
        value = numerator * formula.factor / over.nullif(0)
        return value.fill_null(0.0) if formula.zero else value
    if aggregation == "mean":
        value = grid[_total(fact, measure)] / grid[_count(fact, measure)].nullif(0)
    else:
        value = grid[_quantile(fact, measure)]
    return (value / formula.unit).cast("float64")


def _score(grid: Table, rating: Rating) -> IntegerValue:
    """Elite 4 … Low 1; unknown where the value is. What never happened is no band of a rate: it scores 1."""
    value = grid[f"{rating.bands}_value"]
    bounds = [grid[f"{rating.bands}_{band}"] for band in BAND_NAMES]
    within = [value >= bound for bound in bounds] if rating.most else [value < bound for bound in bounds]
    never = [(value == 0, 1)] if rating.most else []
    return ibis.cases(*never, *((each, 4 - place) for place, each in enumerate(within)), (value.notnull(), 1))


def _overall(scores: Sequence[IntegerValue]) -> NumericValue:
    total = sum(score.fill_null(0) for score in scores)
    known = sum(score.notnull().cast("int64") for score in scores)
    # Half rounds down.
    return (total / known.nullif(0) - 0.5).ceil()


def _named(score: NumericValue) -> StringValue:
    return ibis.cases(*((score == place, name) for place, name in zip((4, 3, 2, 1), RATINGS, strict=True)))


def _total(fact: str, measure: str) -> str:
    return f"{fact}_{measure}_total"


def _count(fact: str, measure: str) -> str:
    return f"{fact}_{measure}_count"


def _quantile(fact: str, measure: str) -> str:
    return f"{fact}_{measure}_quantile"
