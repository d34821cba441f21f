"""The query behind an export of sprints: what items are in their sprints, summed per unit and sprint, then per row, then divided.

An item of a sprint counts once in each unit that has it; a sprint is a unit's if one of its items is, and in the range if it ended
in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import ibis
from ibis.expr.types import ArrayValue, IntegerValue, NumericValue, Table, Value

from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import rounded_ratio, to_bigint
from leadline.facts.item_ownership import bind_item_owners, has_item_rules, needed, units_of_items
from leadline.facts.ownership import in_period
from leadline.facts.sprints import POINT, WORK, counted_items
from leadline.metrics.binder import BoundScope, bind_scope
from leadline.metrics.bindings import DAYS, PERIODS, size_name, units
from leadline.metrics.metric import TEAM
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.owners import NO_RULES, Ownership, in_units, with_place
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
from leadline.metrics.sprint_sizes import columns_of, is_of, size_of

UNIT, SPRINTS_BEHIND = " unit", " sprints"
"""The columns of sized rows that say the number of their unit, and which sprints they are of."""


def sprint_query(
    inputs: QueryInputs[SprintRequest], *, sized: bool = False, check: Callable[[int], None] = lambda _rows: None
) -> str:
    """The SQL text of the rows of a request, after all that it reads was bound; ``sized``: and a column for each that says of how
    many things its values are, with ``UNIT`` and ``SPRINTS_BEHIND``. ``check`` hears how many rows there are, if that is known
    before, and may refuse them."""
    session, request, profile = inputs.session, inputs.request, inputs.profile
    session.facts.bind(needed)
    inputs.control.progress(0.7)
    scope = bind_scope(session.engine, inputs.timeline(request.start), _units_of(request), profile, inputs.today)
    if request.of_periods:
        check(scope.rows)
    ruled = has_item_rules(scope.stretches, request.team, profile)
    if ruled or sized:  # who asks for what is behind a value asks whose each item is
        numbers = _unit_numbers(scope, request)
        bind_item_owners(session.engine, scope.stretches, request.team, numbers, profile, session.facts.spellings)
    zone = zone_of(request, profile)
    shape = [list(request.metrics), request.level, request.granularity, request.mode, request.format == "csv"]
    text = session.facts.queries.text(
        "sprints",
        [*shape, len(zone), scope.dated, ruled, *(["sized"] if sized else [])],
        lambda: compiled(
            rows(
                request,
                by_ids(request.metrics),
                offset_marks(zone),
                Ownership(has_team_rules=ruled, dated=scope.dated),
                sized=sized,
            )
        ),
    )
    return with_offsets(text, zone)


def _units_of(request: SprintRequest) -> MetricsRequest:
    """The teams of a request by its periods, as exports of metrics have them."""
    granularity = RANGE if request.granularity == BY_SPRINT else request.granularity
    scope = (request.tree, request.team, request.start, request.end)
    return MetricsRequest(
        *scope, (), TEAM, granularity, format=request.format, names=request.names, depth=request.depth
    )


def _unit_numbers(scope: BoundScope, request: SprintRequest) -> dict[int, int]:
    """The numbers of units by their ref ids."""
    if scope.tree is None:
        assert scope.membership is not None  # noqa: S101 -- one of the two there is
        nodes = [unit.node for unit in scope.membership.teams]
    else:
        tree = scope.tree
        top = tree.root if request.team is None else tree.by_ref[request.team]
        nodes = list(tree.down_to(top, request.depth))
    return {node.ref_id: number for number, node in enumerate(nodes)}


def rows(
    request: SprintRequest,
    columns: Sequence[SprintColumn],
    zone: Sequence[Offset],
    of_teams: Ownership = NO_RULES,
    *,
    sized: bool = False,
) -> Table:
    """Every row with its columns, in the documented order."""
    unit = units(TEAM, of_teams.dated).table()
    of_sprints = _per_sprint(request, zone, of_teams, [column.formula for column in columns] if sized else ())
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
    grid = _spread_over(grid, (column.formula for column in columns), scale)
    cells = {column.column: _cell(grid, column.formula, scale) for column in columns}
    # Names differ for the engine in more than letter case.
    leading = {**{name: name for name in SPRINT_LEADING[TEAM]}, **(SHOWN_OF_SPRINT if request.level == SPRINT else {})}
    sizes = _sizes(grid, columns) if sized else {}
    return grid.select(**{name: grid[column] for name, column in leading.items()}, **cells, **sizes)


def _sizes(grid: Table, columns: Sequence[SprintColumn]) -> dict[str, Value]:
    """Of how many things each value is, the number of the row's unit, and which sprints it is of."""
    sizes: dict[str, Value] = {
        size_name(column.column): size_of(grid, column.formula, grid[f"{_ITEMS}{number}"])
        for number, column in enumerate(columns)
    }
    sprints = grid[_IDS] if _IDS in grid.columns else ibis.array([grid.sprint_id])
    return {**sizes, UNIT: grid.unit, SPRINTS_BEHIND: sprints}


# -- sums --------------------------------------------------------------------------------------------------------------


_ITEMS, _IDS, _EACH = "items_", "sprint_ids", "each_sprint"
"""How many items each value is of, by its number; the sprints of a row; and what each of them delivered and committed to."""


def _per_sprint(request: SprintRequest, zone: Sequence[Offset], of_teams: Ownership, sized: Sequence[Formula]) -> Table:
    """The sums of every unit and sprint that ended in the range, where rows are of sprints with its days and what it is called; and
    how many items values of the formulas ``sized`` are of."""
    items = in_period(counted_items(), zone, DAYS)
    mode = columns_of(request.mode)
    amounts = {part: items[f"{part}_{mode}"] for part in WORK}
    amounts[UNESTIMATED] = items.unestimated if request.mode == STORY_POINTS else ibis.literal(0, "int64")
    amounts[TAKEN_OUT] = items.taken_out
    for number, formula in enumerate(sized):
        amounts[f"{_ITEMS}{number}"] = is_of(items, formula, request.mode).cast("int64")
    in_unit = _in_units(items.mutate(**amounts), list(amounts), of_teams)
    summed = in_unit.group_by("of_unit", "sprint_id", "period").agg(_sums(in_unit, amounts))
    summed = summed.mutate(**{SPRINTS_OF_ROW: ibis.literal(1, "int64")})
    if request.of_periods:  # which are called by themselves
        return summed
    told = with_sprints(summed, zone, request.format)
    return told.mutate(Granularity=told.shown_name if request.granularity == BY_SPRINT else told.label)


def _in_units(items: Table, amounts: Sequence[str], of_teams: Ownership) -> Table:
    """The ``amounts`` of ``items`` by sprint for each unit, of all at once that are the same units': of people who are in the same
    units, or what no rule tells apart."""
    if of_teams.has_team_rules:
        alike = items.group_by("sprint_id", "period", "owner_key", "developer", "happened_us")
        summed = alike.agg(_sums(items, amounts), event=items.event.min())
        return units_of_items(summed).inner_join(summed, "event")
    items = with_place(items, "developer", "happened_us", dated=of_teams.dated)
    return in_units(items.group_by("place", "sprint_id", "period").agg(_sums(items, amounts)))


def _sums(table: Table, names: Iterable[str]) -> list[Value]:
    return [to_bigint(table[name].sum()).name(name) for name in names]


def _per_dates(of_sprints: Table, request: SprintRequest) -> Table:
    """Sprints of one unit that share their days as one, called like the first of them by code point."""
    keys = ["of_unit", "Start_Date", "End_Date"]
    return _summed(of_sprints, keys, {"Granularity": safe_text(request.format)(of_sprints.name.min())})


def _summed(of_sprints: Table, keys: list[str], further: dict[str, Value]) -> Table:
    """The sums of several sprints by ``keys``, and of each what it delivered and committed to."""
    counts = [name for name in of_sprints.columns if name.startswith(_ITEMS)]
    parts = (*WORK, UNESTIMATED, SPRINTS_OF_ROW, *counts)
    order = of_sprints.sprint_id
    # Both lists of a row are put in order as one.
    each = ibis.struct({TOTALS: TOTAL.of(of_sprints), COMMITS: of_sprints.commit})
    ids = {_IDS: order.collect(order_by=order)} if counts else {}
    summed = of_sprints.group_by(keys).agg(
        _sums(of_sprints, parts),
        **{_EACH: each.collect(order_by=order)},
        **ids,
        **further,
    )
    totals = summed[_EACH].map(lambda sprint: sprint[TOTALS])
    commits = summed[_EACH].map(lambda sprint: sprint[COMMITS])
    return summed.mutate(**{TOTALS: totals, COMMITS: commits}).drop(_EACH)


# -- cells -------------------------------------------------------------------------------------------------------------


def _cell(row: Table, formula: Formula, scale: int) -> Value:
    """A value of ``formula``; ``scale`` units of a sum are one point or ticket."""
    if isinstance(formula, CountOf):
        return to_bigint(row[formula.what].fill_null(0))
    if isinstance(formula, Spread):
        return _spread(row, formula)
    if isinstance(formula, Share):
        return rounded_ratio(_total(row, formula.work) * formula.factor, _total(row, formula.over))
    if isinstance(formula, PerSprint):
        return rounded_ratio(_total(row, formula.work), row[SPRINTS_OF_ROW].fill_null(0) * scale)
    total = _total(row, formula)
    return total if scale == 1 else rounded_ratio(total, ibis.literal(scale, "int64"))


def _total(row: Table, work: Work) -> IntegerValue:
    return to_bigint(work.of(row).fill_null(0))


def _spread_over(grid: Table, formulas: Iterable[Formula], scale: int) -> Table:
    """``grid`` with the values and the mean of each spread that ``formulas`` ask for, step by step: within one expression the mean
    would be taken anew for each of the values."""
    asked = [formula for formula in dict.fromkeys(formulas) if isinstance(formula, Spread)]
    grid = grid.mutate(**{_values_of(formula): _values(grid, formula, scale) for formula in asked})
    return grid.mutate(**{_mean_of(formula): _mean(grid[_values_of(formula)]) for formula in asked})


def _values_of(formula: Spread) -> str:
    return "shares_delivered" if formula.relative else "delivered"


def _mean_of(formula: Spread) -> str:
    return f"{_values_of(formula)}_mean"


def _values(row: Table, formula: Spread, scale: int) -> ArrayValue:
    totals, commits = row[TOTALS], row[COMMITS]
    if formula.relative:
        pairs = totals.zip(commits).filter(lambda pair: pair.f2 > 0)
        return pairs.map(lambda pair: pair.f1 * 100.0 / pair.f2)
    return totals.map(lambda total: total / float(scale))


def _mean(values: ArrayValue) -> NumericValue:
    return values.sums() / values.length()


def _spread(row: Table, formula: Spread) -> NumericValue:
    """The sample standard deviation, summed in the order of the list."""
    values, mean = row[_values_of(formula)], row[_mean_of(formula)]
    number = values.length()
    squares = values.map(lambda value: (value - mean) * (value - mean)).sums()
    return ibis.cases((number > 1, (squares / (number - 1)).sqrt())).round(4)
