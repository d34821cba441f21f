"""The one query behind an export: facts summed per owner and period, then per row's unit, then divided into metrics.

It reads the stored facts and the tables of ``bindings``. An event belongs to one owner, a developer, or for deployments
and incidents to any number of units (see ``facts.ownership``); there it is its own owner. So a unit's distinct events are
the sum over its distinct owners.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import ibis
from ibis.expr.types import Column, IntegerValue, NumericValue, StringValue, Table
from ibis.expr.types import Value as Expression
from ibis.expr.types.groupby import GroupedTable

from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import to_bigint
from leadline.facts.ownership import in_period, owned_by_teams
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.bindings import BAND_NAMES, DAYS, MEMBERS, PERIODS, RATING_BANDS, units
from leadline.metrics.catalogue import by_ids
from leadline.metrics.measures import Combine, Measure, MeasuredFact, RowColumn
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

RATINGS = ("Elite", "High", "Medium", "Low")
OVERALL = "overall_score"

_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95}
DECIMALS = 4
_MARK = 8_640_086_400_864_000_000


def sql(
    ids: Sequence[str],
    level: str,
    aggregation: str,
    zone: Sequence[Offset],
    has_team_rules: bool = False,
    queries: CompiledQueryCache | None = None,
) -> str:
    """``rows`` as DuckDB SQL. The offsets of ``zone`` are put into a text that is compiled once per shape of a request
    and kept in ``queries`` (default: in this process): compiling takes longer than the query of a small team."""
    shape = [list(ids), level, aggregation, len(zone), has_team_rules]
    text = (queries or CompiledQueryCache()).text(
        "export", shape, lambda: _compiled(ids, level, aggregation, len(zone), has_team_rules)
    )
    for mark, offset in zip(_marks(len(zone)), zone, strict=True):
        text = text.replace(str(mark.offset), f"({offset.offset})")
        if offset.until is not None:
            text = text.replace(str(mark.until), f"({offset.until})")
    return text


def _compiled(ids: Sequence[str], level: str, aggregation: str, offsets: int, has_team_rules: bool) -> str:
    return compiled(rows(by_ids(ids), level, aggregation, _marks(offsets), has_team_rules))


def _marks(count: int) -> list[Offset]:
    """Stands for ``count`` offsets: numbers that occur nowhere else in a query."""
    marks = [Offset(_MARK + 2 * number, _MARK + 2 * number + 1) for number in range(count)]
    return [*marks[:-1], Offset(None, marks[-1].offset)]


def rows(
    metrics: Sequence[Metric], level: str, aggregation: str, zone: Sequence[Offset], has_team_rules: bool = False
) -> Table:
    """Every unit × period with its metric columns, in the documented order. ``has_team_rules`` says whether any
    team rule is in force."""
    unit, period = units(level).table(), PERIODS.table()
    formulas = {metric.column_for(aggregation): _formula(metric, level) for metric in metrics}
    values = [value for formula in formulas.values() for value in _values(formula)]
    # One chain of joins over names of their own is one level of SQL; every level costs a small export its share.
    grid = unit.cross_join(period)
    if any(isinstance(formula, (Rating, Overall)) for formula in formulas.values()):
        grid = grid.cross_join(RATING_BANDS.table())
    for fact, measures in _needed(values).items():
        dated = in_period(fact.events.table(), zone, DAYS)
        events = _events(fact, measures, dated)
        owners = _owners(fact, dated, has_team_rules)
        averaged = _averaged(value for value in values if value.measure.fact is fact)
        # One that is its own owner, or the only one of a unit, is not summed before.
        direct = level == DEVELOPER or bool(fact.team_events)
        sums = (_direct_sums if direct else _sums)(events, owners, measures, averaged)
        for part in (sums, _quantiles(events, owners, averaged, aggregation)):
            if part is not None:
                of_unit, of_period = part.columns[:2]
                grid = grid.left_join(part, [unit.unit == part[of_unit], period.period == part[of_period]])
    valued = _rated(grid.order_by("period", "unit"), list(formulas.values()), aggregation)
    cells = {column: _cell(valued, formula, aggregation) for column, formula in formulas.items()}
    return valued.select(*LEADING[level], **cells)


def _formula(metric: Metric, level: str) -> Formula:
    formula = metric.formula(level)
    if formula is None:  # refused when the request was normalized
        raise AssertionError(f"{metric.id} has no formula at level {level}")
    return formula


def _values(formula: Formula) -> tuple[Value, ...]:
    if isinstance(formula, Overall):
        return tuple(rating.of for rating in formula.of)
    return (formula.of,) if isinstance(formula, Rating) else (formula,)


def _needed(values: Iterable[Value]) -> dict[MeasuredFact, list[Measure]]:
    """The measures that ``values`` read, each once and in order of name, by fact."""
    needed: dict[MeasuredFact, set[Measure]] = {}
    for value in values:
        for measure in (value.measure, getattr(value, "over", None), getattr(value, "less", None)):
            if isinstance(measure, Measure):
                needed.setdefault(measure.fact, set()).add(measure)
    return {fact: sorted(measures, key=lambda measure: measure.name) for fact, measures in needed.items()}


def facts_of(metrics: Sequence[Metric], level: str) -> list[MeasuredFact]:
    """The facts that ``metrics`` read, by name."""
    needed = _needed(value for metric in metrics for value in _values(_formula(metric, level)))
    return sorted(needed, key=lambda fact: fact.name)


def _events(fact: MeasuredFact, measures: Sequence[Measure], dated: Table) -> Table:
    columns = {measure.name: measure.value(dated) for measure in measures}
    return dated.select("period", owner=dated[fact.owner], **columns)


def _owners(fact: MeasuredFact, dated: Table, has_team_rules: bool) -> Table:
    """Whose events count for each unit: of_unit and owner."""
    if not fact.team_events:
        return MEMBERS.table().rename(owner="member")
    return owned_by_teams(fact.team_events, dated, has_team_rules).rename(owner="event")


def _averaged(values: Iterable[Value]) -> list[Measure]:
    measures = {value.measure for value in values if isinstance(value, Statistic)}
    return sorted(measures, key=lambda measure: measure.name)


def _direct_sums(events: Table, owners: Table, measures: Sequence[Measure], averaged: Collection[Measure]) -> Table:
    """Per unit and period the sum of every measure and the count of those averaged, where a unit is one developer."""
    in_unit = owners.inner_join(events, "owner")
    return _per_unit(in_unit, measures[0].fact, "sums").agg(**_aggregates(in_unit, measures, averaged))


def _sums(events: Table, owners: Table, measures: Sequence[Measure], averaged: Collection[Measure]) -> Table:
    """Per unit and period the sum of every measure and the count of those averaged, over the unit's distinct owners."""
    # Leaving the others out first spares a small team little and more than doubles the cost of an organization.
    per_owner = _aggregates(events, measures, averaged)
    by_owner = events.group_by("owner", "period").agg(**per_owner)
    in_unit = owners.inner_join(by_owner, "owner")
    totals = {name: in_unit[name].sum() for name in per_owner}
    return _per_unit(in_unit, measures[0].fact, "sums").agg(**totals)


def _aggregates(events: Table, measures: Sequence[Measure], averaged: Collection[Measure]) -> dict[str, Expression]:
    aggregates: dict[str, Expression] = {}
    for measure in measures:
        if measure in averaged:
            aggregates[_count(measure)] = events[measure.name].count()
        aggregates[_total(measure)] = _COMBINED[measure.combine](events[measure.name])
    return aggregates


_COMBINED: Mapping[Combine, Callable[[Column], Expression]] = {
    "sum": lambda column: column.sum(),
    "distinct": lambda column: column.nunique(),
    "any": lambda column: column.max(),
}


def _quantiles(events: Table, owners: Table, averaged: Sequence[Measure], aggregation: str) -> Table | None:
    """Per unit and period the requested percentile of each statistic's events; None where nothing asks for one."""
    if aggregation == "mean" or not averaged:
        return None
    in_unit = owners.inner_join(events, "owner")
    quantile = _QUANTILES[aggregation]
    return _per_unit(in_unit, averaged[0].fact, "quantiles").agg(
        **{_quantile(measure): in_unit[measure.name].quantile(quantile) for measure in averaged}
    )


def _per_unit(in_unit: Table, fact: MeasuredFact, part: str) -> GroupedTable:
    """Grouped by unit and period under names that no other part of the query has."""
    names = {f"{fact.name}_{part}_unit": in_unit.of_unit, f"{fact.name}_{part}_period": in_unit.period}
    return in_unit.group_by(**names)


def _rated(grid: Table, formulas: Sequence[Formula], aggregation: str) -> Table:
    """``grid`` with the score of every rating that ``formulas`` need and of their overall one (there is one alone), step
    by step: in one expression a value would be written out for each of its comparisons, hundreds of times, and planning
    would take longer than running."""
    overall = [formula for formula in formulas if isinstance(formula, Overall)]
    single = [formula for formula in formulas if isinstance(formula, Rating)]
    ratings = dict.fromkeys([*single, *(rating for formula in overall for rating in formula.of)])
    if not ratings:
        return grid
    grid = grid.mutate(**{f"{rating.bands}_value": _value(grid, rating.of, aggregation) for rating in ratings})
    grid = grid.mutate(**{f"{rating.bands}_score": _score(grid, rating) for rating in ratings})
    if overall:
        grid = grid.mutate(**{OVERALL: _overall([grid[f"{rating.bands}_score"] for rating in overall[0].of])})
    return grid


def _cell(grid: Table, formula: Formula, aggregation: str) -> Column:
    if isinstance(formula, Overall):
        return _named(grid[OVERALL])
    if isinstance(formula, Rating):
        return _named(grid[f"{formula.bands}_score"])
    value = _value(grid, formula, aggregation)
    return to_bigint(value) if isinstance(formula, Sum) else value.round(DECIMALS)


def _value(grid: Table, formula: Value, aggregation: str) -> NumericValue:
    measure = formula.measure
    if isinstance(formula, Sum):
        total = grid[_total(measure)].fill_null(0)
        return total if formula.less is None else total - grid[_total(formula.less)].fill_null(0)
    if isinstance(formula, Ratio):
        numerator = grid[_total(measure)].fill_null(0)
        over = grid[formula.over.name if isinstance(formula.over, RowColumn) else _total(formula.over)]
        value = numerator * formula.factor / over.nullif(0)
        return value.fill_null(0.0) if formula.zero else value
    mean = aggregation == "mean"
    value = grid[_total(measure)] / grid[_count(measure)].nullif(0) if mean else grid[_quantile(measure)]
    return (value / formula.unit).cast("float64")


def _score(grid: Table, rating: Rating) -> IntegerValue:
    """Elite 4 … Low 1; unknown where the value is. What never happened is no band of a rate: it scores 1."""
    value = grid[f"{rating.bands}_value"]
    bounds = [grid[f"{rating.bands}_{band}"] for band in BAND_NAMES]
    within = [value >= bound for bound in bounds] if rating.most else [value < bound for bound in bounds]
    never = [(value == 0, 1)] if rating.most else []
    return ibis.cases(*never, *((inside, 4 - at) for at, inside in enumerate(within)), (value.notnull(), 1))


def _overall(scores: Sequence[IntegerValue]) -> NumericValue:
    total = sum(score.fill_null(0) for score in scores)
    rated = sum(score.notnull().cast("int64") for score in scores)
    # Half rounds down.
    return (total / rated.nullif(0) - 0.5).ceil()


def _named(score: NumericValue) -> StringValue:
    return ibis.cases(*((score == points, name) for points, name in zip((4, 3, 2, 1), RATINGS, strict=True)))


def _total(measure: Measure) -> str:
    return f"{measure.fact.name}_{measure.name}_total"


def _count(measure: Measure) -> str:
    return f"{measure.fact.name}_{measure.name}_count"


def _quantile(measure: Measure) -> str:
    return f"{measure.fact.name}_{measure.name}_quantile"
