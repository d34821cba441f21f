"""The query behind an export of sprints: what items are in their sprints, summed per unit and sprint, then per row, then divided.

An item of a sprint counts once in each unit that has it; a sprint is a unit's if one of its items is, and in the range if it ended
in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import ArrayValue, IntegerValue, NumericValue, Table, Value

from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import rounded_ratio, to_bigint
from leadline.facts.item_ownership import bind_item_owners, needed, owned_items
from leadline.facts.ownership import in_period
from leadline.facts.sprints import POINT, POINTS, WORK, counted_items
from leadline.facts.sprints import TICKETS as TICKET_COLUMNS
from leadline.metrics.binder import BoundScope, bind_scope
from leadline.metrics.bindings import DAYS, PERIODS, units
from leadline.metrics.metric import TEAM
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.periods import RANGE
from leadline.metrics.request import MetricsRequest
from leadline.metrics.run import QueryInputs
from leadline.metrics.sprint_columns import (
    COMMITS,
    SPRINT,
    STORY_POINTS,
    TAKEN_OUT,
    TOTAL,
    TOTALS,
    UNESTIMATED,
    CountOf,
    Formula,
    PerSprint,
    Share,
    Spread,
    SprintColumn,
    Work,
    by_ids,
)
from leadline.metrics.sprint_columns import SPRINTS as SPRINTS_OF_ROW
from leadline.metrics.sprint_request import BY_SPRINT, SPRINT_LEADING, SprintRequest
from leadline.metrics.sprint_rows import SHOWN_OF_SPRINT, in_order, safe_text, with_sprints, zone_of


def sprint_query(inputs: QueryInputs[SprintRequest]) -> str:
    """The SQL text of the rows of a request, after all that it reads was bound."""
    session, request, profile = inputs.session, inputs.request, inputs.profile
    session.facts.bind(needed)
    inputs.control.progress(0.7)
    scope = bind_scope(session.engine, inputs.timeline(request.start), _units_of(request), profile, inputs.today)
    numbers = _unit_numbers(scope, request)
    bind_item_owners(session.engine, scope.stretches, request.team, numbers, profile, session.facts.spellings)
    zone = zone_of(request, profile)
    shape = [list(request.metrics), request.level, request.granularity, request.mode, request.format == "csv"]
    text = session.facts.queries.text(
        "sprints",
        [*shape, len(zone), scope.dated],
        lambda: compiled(rows(request, by_ids(request.metrics), offset_marks(len(zone)), dated=scope.dated)),
    )
    return with_offsets(text, zone)


def _units_of(request: SprintRequest) -> MetricsRequest:
    """The teams of a request by its periods, as exports of metrics have them."""
    granularity = RANGE if request.granularity == BY_SPRINT else request.granularity
    scope = (request.tree, request.team, request.start, request.end)
    return MetricsRequest(*scope, (), TEAM, granularity, format=request.format, names=request.names)


def _unit_numbers(scope: BoundScope, request: SprintRequest) -> dict[int, int]:
    """The numbers of units by their ref ids."""
    if scope.tree is None:
        assert scope.membership is not None  # noqa: S101 -- one of the two there is
        nodes = [unit.node for unit in scope.membership.teams]
    else:
        tree = scope.tree
        nodes = list(tree.subtree(tree.root if request.team is None else tree.by_ref[request.team]))
    return {node.ref_id: number for number, node in enumerate(nodes)}


def rows(
    request: SprintRequest, columns: Sequence[SprintColumn], zone: Sequence[Offset], *, dated: bool = False
) -> Table:
    """Every row with its columns, in the documented order."""
    unit = units(TEAM, dated).table()
    of_sprints = _per_sprint(request, zone)
    if request.level == SPRINT or request.granularity == BY_SPRINT:
        summed = of_sprints if request.level == SPRINT else _per_dates(of_sprints, request)
        grid = summed.inner_join(unit, summed.of_unit == unit.unit)
        single = "sprint_id" in grid.columns
        grid = grid.order_by(in_order(grid) if single else ["End_Date", "Start_Date", "unit"])
    else:
        period = PERIODS.table()
        summed = _summed(of_sprints, ["of_unit", "period"], {})
        grid = unit.cross_join(period)
        same = [unit.unit == summed.of_unit, period.period == summed.period]
        grid = grid.left_join(summed, same).order_by("period", "unit")
    scale = POINT if request.mode == STORY_POINTS else 1
    cells = {column.column: _cell(grid, column.formula, scale) for column in columns}
    # Names differ for the engine in more than letter case.
    leading = {**{name: name for name in SPRINT_LEADING[TEAM]}, **(SHOWN_OF_SPRINT if request.level == SPRINT else {})}
    return grid.select(**{name: grid[column] for name, column in leading.items()}, **cells)


# -- sums --------------------------------------------------------------------------------------------------------------


def _per_sprint(request: SprintRequest, zone: Sequence[Offset]) -> Table:
    """The sums of every unit and sprint that ended in the range, with the days of the sprint and what it is called."""
    events = in_period(counted_items(), zone, DAYS)
    owned = owned_items(events).select("of_unit", "event").distinct()
    items = owned.inner_join(events, "event")
    mode = POINTS if request.mode == STORY_POINTS else TICKET_COLUMNS
    unestimated = items.unestimated.sum() if request.mode == STORY_POINTS else ibis.literal(0, "int64")
    summed = items.group_by("of_unit", "sprint_id", "period").agg(
        **{part: to_bigint(items[f"{part}_{mode}"].sum()) for part in WORK},
        **{UNESTIMATED: to_bigint(unestimated), TAKEN_OUT: to_bigint(items.taken_out.sum())},
    )
    told = with_sprints(summed, zone, request.format)
    return told.mutate(
        **{SPRINTS_OF_ROW: ibis.literal(1, "int64")},
        Granularity=told.shown_name if request.granularity == BY_SPRINT else told.label,
    )


def _per_dates(of_sprints: Table, request: SprintRequest) -> Table:
    """Sprints of one unit that share their days as one, called like the first of them by code point."""
    keys = ["of_unit", "Start_Date", "End_Date"]
    return _summed(of_sprints, keys, {"Granularity": safe_text(request.format)(of_sprints.name.min())})


def _summed(of_sprints: Table, keys: list[str], further: dict[str, Value]) -> Table:
    """The sums of several sprints by ``keys``, and of each what it delivered and committed to."""
    parts = (*WORK, UNESTIMATED, SPRINTS_OF_ROW)
    order = of_sprints.sprint_id
    return of_sprints.group_by(keys).agg(
        **{part: to_bigint(of_sprints[part].sum()) for part in parts},
        **{TOTALS: TOTAL.of(of_sprints).collect(order_by=order), COMMITS: of_sprints.commit.collect(order_by=order)},
        **further,
    )


# -- cells -------------------------------------------------------------------------------------------------------------


def _cell(row: Table, formula: Formula, scale: int) -> Value:
    """A value of ``formula``; ``scale`` units of a sum are one point or ticket."""
    if isinstance(formula, CountOf):
        return to_bigint(row[formula.what].fill_null(0))
    if isinstance(formula, Spread):
        return _spread(row, formula, scale)
    if isinstance(formula, Share):
        return rounded_ratio(_total(row, formula.work) * formula.factor, _total(row, formula.over))
    if isinstance(formula, PerSprint):
        return rounded_ratio(_total(row, formula.work), row[SPRINTS_OF_ROW].fill_null(0) * scale)
    total = _total(row, formula)
    return total if scale == 1 else rounded_ratio(total, ibis.literal(scale, "int64"))


def _total(row: Table, work: Work) -> IntegerValue:
    return to_bigint(work.of(row).fill_null(0))


def _spread(row: Table, formula: Spread, scale: int) -> NumericValue:
    totals, commits = row[TOTALS], row[COMMITS]
    if formula.relative:
        pairs = totals.zip(commits).filter(lambda pair: pair.f2 > 0)
        values = pairs.map(lambda pair: pair.f1 * 100.0 / pair.f2)
    else:
        values = totals.map(lambda total: total / float(scale))
    return _deviation(values).round(4)


def _deviation(values: ArrayValue) -> NumericValue:
    """The sample standard deviation, summed in the order of the list."""
    number = values.length()
    mean = values.sums() / number
    squares = values.map(lambda value: (value - mean) * (value - mean)).sums()
    return ibis.cases((number > 1, (squares / (number - 1)).sqrt()))
