"""The one query behind an export: facts summed per row's unit and period, then divided into metrics.

It reads stored facts and the tables of ``bindings``; ``sums`` says how events become those of units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
from ibis.expr.types import Column, IntegerValue, NumericValue, StringValue, Table
from ibis.expr.types import Value as Expression

from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import rounded_ratio, to_bigint
from leadline.facts.ownership import in_period
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.bindings import BAND_NAMES, DAYS, HEADS, PERIODS, RATING_BANDS, SIZE, size_name, units
from leadline.metrics.catalogue import by_ids
from leadline.metrics.knowledge import facts_to_be_known, first_day, first_days, read_by, read_days, read_end
from leadline.metrics.measures import DEVELOPERS, PERIOD_DAYS, Measure, MeasuredFact, RowColumn
from leadline.metrics.metric import (
    SERVICE,
    Basis,
    Count,
    Formula,
    Known,
    Metric,
    MetricColumn,
    Overall,
    Percentile,
    Rating,
    Ratio,
    Scaled,
    Statistic,
    Sum,
    Value,
    counted_by,
    measures_by_fact,
    ratings_of,
    values_of,
)
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.owners import NO_RULES, Ownership
from leadline.metrics.request import LEADING, SPLIT, TRAILING
from leadline.metrics.split import COUNTED, ENOUGH, FLAG, PARTS, flagged, part_of
from leadline.metrics.sums import QUANTILE_PARTS, count_of, own_events, quantile_of, quantiles_of, total_of, totals_of
from leadline.metrics.tools import of_tools

RATINGS = ("Elite", "High", "Medium", "Low")
OVERALL = "overall_score"


def sql(
    ids: Sequence[str],
    level: str,
    aggregation: str,
    zone: Sequence[Offset],
    has_team_rules: bool = False,
    queries: CompiledQueryCache | None = None,
    *,
    dated: bool = False,
    sized: bool = False,
    split: bool = False,
    nested: bool = False,
    tools: Sequence[str] = (),
) -> str:
    """``rows``, with the use of the AI ``tools`` alone if any are named, as DuckDB SQL. The offsets of ``zone`` are put into a text
    that is compiled once per shape of a request
    and kept in ``queries`` (default: in this process): compiling takes longer than the query of a small team."""
    of_teams = Ownership(has_team_rules, dated, level == SERVICE)
    marks = [name for name, asked in (("sized", sized), ("split", split), ("nested", nested)) if asked]
    shape = [list(ids), level, aggregation, len(zone), has_team_rules, dated, *marks, *([list(tools)] if tools else [])]

    def expression() -> Table:
        asked = by_ids(ids), level, aggregation, offset_marks(zone), of_teams
        every = split_rows(*asked) if split else rows(*asked, sized=sized, nested=nested)
        return of_tools(every, tools) if tools else every

    text = (queries or CompiledQueryCache()).text("export", shape, lambda: compiled(expression()))
    return with_offsets(text, zone)


def rows(
    columns: Sequence[MetricColumn],
    level: str,
    aggregation: str,
    zone: Sequence[Offset],
    of_teams: Ownership = NO_RULES,
    *,
    sized: bool = False,
    nested: bool = False,
) -> Table:
    """Every unit × period with its metric columns, in the documented order. ``sized``: and then, for each, of how many events its
    value is (``size_name``). ``nested``: some periods are parts of others (``bindings.PERIOD_PARTS``)."""
    grid, cells = _grid(columns, level, aggregation, zone, of_teams, sized=sized, nested=nested)
    last = {name: grid[name] for name in TRAILING.get(level, ())}
    sizes = {name: cells.pop(name) for name in list(cells) if name.endswith(SIZE)}
    return grid.order_by("period", "unit").select(*LEADING[level], **cells, **last, **sizes)


def split_rows(
    columns: Sequence[MetricColumn], level: str, aggregation: str, zone: Sequence[Offset], of_teams: Ownership
) -> Table:
    """As ``rows``, each thrice (``split.PARTS``): of what AI tools had part in, of what they had not, and of all; with the columns
    ``SPLIT`` after the leading ones."""
    parts = []
    for number, part in enumerate(PARTS):
        grid, cells = _grid(columns, level, aggregation, zone, of_teams, part=part)
        few = grid[total_of(COUNTED)].fill_null(0) < ENOUGH
        said = dict(zip(SPLIT, (ibis.literal(part, "string"), few), strict=True))
        last = {name: grid[name] for name in TRAILING.get(level, ())}
        parts.append(
            grid.select("period", "unit", *LEADING[level], **said, **cells, **last, part_number=ibis.literal(number))
        )
    everything = ibis.union(*parts)
    return everything.order_by("period", "unit", "part_number").drop("period", "unit", "part_number")


def _grid(
    columns: Sequence[MetricColumn],
    level: str,
    aggregation: str,
    zone: Sequence[Offset],
    of_teams: Ownership,
    *,
    sized: bool = False,
    nested: bool = False,
    part: str | None = None,
) -> tuple[Table, dict[str, Expression]]:
    """Every unit × period with all sums, and the columns to be taken of it."""
    unit, period = units(level, of_teams.dated).table(), PERIODS.table()
    taken = {column.name(aggregation): _taken(column, level, aggregation) for column in columns}
    formulas = [formula for formula, _ in taken.values()]
    values = [value for formula in formulas for value in values_of(formula)]
    values += [Sum(COUNTED)] if part else []
    quantiles = _quantiles_asked(taken.values())
    # One chain of joins over names of their own is one level of SQL; every level costs a small export its share.
    grid = unit.cross_join(period)
    if any(isinstance(formula, (Rating, Overall)) for formula in formulas):
        grid = grid.cross_join(RATING_BANDS.table())
    if of_teams.dated and any(getattr(value, "over", None) == DEVELOPERS for value in values):
        heads = HEADS.table()
        grid = grid.left_join(heads, [unit.unit == heads.heads_unit, period.period == heads.heads_period])
    for fact, measures in measures_by_fact(values).items():
        events = _events(fact, measures, zone, of_teams, part)
        of_fact = [value for value in values if value.measure.fact is fact]
        averaged = _measures_of(Statistic, of_fact)
        counted = {*averaged, *_measures_of(Count, of_fact), *(_sizes_of(fact, values) if sized else ())}
        totals = totals_of(events, measures, counted, nested=nested)
        for joined in (*totals, *quantiles_of(events, quantiles.get(fact, ()), nested=nested)):
            of_unit, of_period = joined.columns[:2]
            grid = grid.left_join(joined, [unit.unit == joined[of_unit], period.period == joined[of_period]])
    for fact, read in read_by(formulas).items():
        grid = grid.cross_join(read_days(fact, read, zone))
    for fact in facts_to_be_known(formulas):
        first = first_days(fact, zone, of_teams)
        grid = grid.left_join(first, unit.unit == first[first.columns[0]])
    valued = _rated(grid, formulas, aggregation)
    cells = {name: _cell(valued, formula, statistic) for name, (formula, statistic) in taken.items()}
    sizes = {size_name(name): _size(valued, formula) for name, (formula, _) in taken.items()} if sized else {}
    return valued, {**cells, **sizes}


def _events(
    fact: MeasuredFact, measures: Sequence[Measure], zone: Sequence[Offset], of_teams: Ownership, part: str | None
) -> Table:
    """The events of ``fact`` that are of any unit. Those of parts are read once for all of them."""
    if part is None:
        return own_events(fact, measures, in_period(fact.events.table(), zone, DAYS), of_teams)
    return part_of(own_events(fact, measures, in_period(flagged(fact), zone, DAYS), of_teams, [FLAG]), part)


def _sizes_of(fact: MeasuredFact, values: Iterable[Value]) -> set[Measure]:
    """The measures of ``fact`` whose events must be counted to say of how many ``values`` are."""
    return {measure for value in values if (measure := counted_by(value)).fact is fact and not measure.flag}


def _size(grid: Table, formula: Formula) -> IntegerValue:
    if isinstance(formula, Overall):
        scores = [grid[f"{rating.bands}_score"] for rating in formula.of]
        return sum((score.notnull().cast("int64") for score in scores[1:]), scores[0].notnull().cast("int64"))
    measure = counted_by(values_of(formula)[0])
    return to_bigint(grid[total_of(measure) if measure.flag else count_of(measure)].fill_null(0))


def _taken(column: MetricColumn, level: str, aggregation: str) -> tuple[Formula, str]:
    formula = _formula(column.metric, level)
    return formula, formula.at if isinstance(formula, Percentile) else column.aggregation(aggregation)


def _quantiles_asked(taken: Iterable[tuple[Formula, str]]) -> dict[MeasuredFact, list[tuple[Measure, str]]]:
    """The percentiles to take, each a measure and its statistic, by fact and in order of name."""
    asked: dict[MeasuredFact, set[tuple[Measure, str]]] = {}
    for formula, statistic in taken:
        for value in values_of(formula):
            if isinstance(value, Statistic) and statistic != "mean":
                asked.setdefault(value.measure.fact, set()).add((value.measure, statistic))
    return {fact: sorted(pairs, key=lambda pair: (pair[0].name, pair[1])) for fact, pairs in asked.items()}


def _formula(metric: Metric, level: str) -> Formula:
    formula = metric.formula(level)
    if formula is None:  # refused when the request was normalized
        raise AssertionError(f"{metric.id} has no formula at level {level}")
    return formula


def facts_of(columns: Sequence[MetricColumn], level: str) -> list[MeasuredFact]:
    """The facts that ``columns`` read, by name."""
    needed = measures_by_fact(value for column in columns for value in values_of(_formula(column.metric, level)))
    return sorted(needed, key=lambda fact: fact.name)


def _measures_of(kind: type[Value], values: Iterable[Value]) -> list[Measure]:
    measures = {value.measure for value in values if isinstance(value, kind)}
    return sorted(measures, key=lambda measure: measure.name)


def _rated(grid: Table, formulas: Sequence[Formula], aggregation: str) -> Table:
    """``grid`` with the score of every rating that ``formulas`` need and of their overall one (there is one alone), step
    by step: in one expression a value would be written out for each of its comparisons, hundreds of times, and planning
    would take longer than running."""
    overall = [formula for formula in formulas if isinstance(formula, Overall)]
    ratings = ratings_of(formulas)
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
    if isinstance(formula, Basis):
        untold, told = (_whole(grid, part) > 0 for part in (formula.commits, formula.lines))
        return ibis.cases((untold, "commits"), (told, "lines"))
    if isinstance(formula, Known):
        read = (grid.last_day >= grid[read_end(formula.by, "from")]) & (
            grid.first_day <= grid[read_end(formula.by, "until")]
        )
        return ibis.cases((read, _cell(grid, formula.of, aggregation)))
    if isinstance(formula, (Sum, Count)):
        return to_bigint(_whole(grid, formula))
    value = rounded_ratio(*_fraction(grid, formula, aggregation))
    return value.fill_null(0.0) if isinstance(formula, Ratio) and formula.zero else value


def _value(grid: Table, formula: Ratio | Statistic, aggregation: str) -> NumericValue:
    numerator, denominator = _fraction(grid, formula, aggregation)
    value = numerator / denominator.nullif(0)
    return value.fill_null(0.0) if isinstance(formula, Ratio) and formula.zero else value


def _whole(grid: Table, formula: Sum | Count) -> IntegerValue:
    if isinstance(formula, Count):
        return grid[count_of(formula.measure)].fill_null(0)
    total = grid[total_of(formula.measure)].fill_null(0)
    return total if formula.less is None else total - grid[total_of(formula.less)].fill_null(0)


def _fraction(grid: Table, formula: Ratio | Statistic | Scaled, aggregation: str) -> tuple[IntegerValue, IntegerValue]:
    """A value as one whole number over another, so that it is divided and rounded once."""
    if isinstance(formula, Scaled):
        return grid[total_of(formula.measure)].fill_null(0), ibis.literal(formula.unit, "int64")
    if isinstance(formula, Ratio):
        factor = grid[formula.factor.name] if isinstance(formula.factor, RowColumn) else formula.factor
        over = grid[formula.over.name if isinstance(formula.over, RowColumn) else total_of(formula.over)]
        return grid[total_of(formula.measure)].fill_null(0) * factor, over
    if aggregation == "mean":
        return grid[total_of(formula.measure)], grid[count_of(formula.measure)] * formula.unit
    return grid[quantile_of(formula.measure, aggregation)], ibis.literal(QUANTILE_PARTS * formula.unit, "int64")


def _score(grid: Table, rating: Rating) -> IntegerValue:
    """Elite 4 … Low 1; unknown where the value is. What did not happen is no band of a rate: it scores 1, where anything
    is known at all."""
    value = grid[f"{rating.bands}_value"]
    bounds = [grid[f"{rating.bands}_{band}"] for band in BAND_NAMES]
    within = [value >= bound for bound in bounds] if rating.most else [value < bound for bound in bounds]
    never = [(value == 0, ibis.literal(1, "int8"))] if rating.most else []
    if rating.known is not None:
        known = (grid[first_day(rating.known)] <= grid.last_day).fill_null(False) & (grid[PERIOD_DAYS.name] > 0)
        never = [((value == 0) & ~known, ibis.null("int8")), *never]
    return ibis.cases(*never, *((inside, 4 - at) for at, inside in enumerate(within)), (value.notnull(), 1))


def _overall(scores: Sequence[IntegerValue]) -> NumericValue:
    total = sum(score.fill_null(0) for score in scores)
    rated = sum(score.notnull().cast("int64") for score in scores)
    # Half rounds down.
    return ibis.cases((rated > 1, (total / rated - 0.5).ceil()))


def _named(score: NumericValue) -> StringValue:
    return ibis.cases(*((score == points, name) for points, name in zip((4, 3, 2, 1), RATINGS, strict=True)))
