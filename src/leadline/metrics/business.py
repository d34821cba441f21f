"""The query of business alignment: completed work items summed by owner, period and category, then per row's unit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import IntegerValue, Table, Value

from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import rounded_ratio, to_bigint
from leadline.facts.business_items import BUSINESS_ITEMS, POINT_PARTS
from leadline.facts.categories import CATEGORY_STEPS, bind_categories, with_category, with_ruleset
from leadline.facts.ownership import in_period
from leadline.facts.phases import with_phase
from leadline.metrics.binder import bind_scope
from leadline.metrics.bindings import DATED_MEMBERS, DAYS, MEMBERS, PERIODS, units
from leadline.metrics.business_columns import HOURS, PERCENT, POINTS, TICKETS, BusinessColumn, chosen
from leadline.metrics.business_request import LEADING, TRAILING, BusinessRequest
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.settings.categories import CATEGORIES, HIERARCHY

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.materialize.model import Model
    from leadline.materialize.session import Session
    from leadline.metrics.run import QueryInputs

_AMOUNTS = {POINTS: "points", TICKETS: "tickets", HOURS: "seconds"}
_OF_UNITS = {"TICKETS": "tickets", "STORY_POINTS": "points", "TIME_SPENT": "seconds"}
"""What is summed, by what shares are of."""
_DIVIDED_BY = {POINTS: POINT_PARTS, HOURS: 3600}


@dataclass(frozen=True)
class _Shape:
    """What the text of the query follows from: the columns, how many categories there are, what shares are of and the level;
    whether people move; and how items take the categories of those above them."""

    columns: Sequence[BusinessColumn]
    categories: int
    unit: str
    level: str
    hierarchy: str
    dated: bool

    @property
    def state(self) -> list[Any]:
        """The same as JSON."""
        names = [[column.name, column.measure, column.rank] for column in self.columns]
        return [names, self.categories, self.unit, self.level, self.hierarchy, self.dated]

    @property
    def amounts(self) -> list[str]:
        """What is summed."""
        shares = [_OF_UNITS[self.unit]] if any(column.measure == PERCENT for column in self.columns) else []
        counted = [_AMOUNTS[column.measure] for column in self.columns if column.measure in _AMOUNTS]
        return list(dict.fromkeys([*counted, *shares]))


def tables(project: Project, request: BusinessRequest) -> Collection[str]:
    """The lake's tables that a run of ``request`` reads."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import sources_of

    return sources_of(project, project.profile(request.tree), BUILD_POLICY, _MODELS)


_MODELS: tuple[Model, ...] = (BUSINESS_ITEMS, *CATEGORY_STEPS)


def query(inputs: QueryInputs[BusinessRequest]) -> str:
    """Binds what the rows of a request are computed from and returns the SQL text of the query that gives them."""
    session, request, profile = inputs.session, inputs.request, inputs.profile
    session.facts.bind(_MODELS)
    stretches = inputs.timeline(request.start)
    bound = bind_scope(session.engine, stretches, request.rows, profile, inputs.today)
    bind_categories(session.engine, stretches, profile)
    categories = profile[CATEGORIES]
    logged = _is_any_logged(session)
    columns = chosen(categories, request.groups, request.metrics, logged=logged)
    shape = _Shape(columns, len(categories), request.unit, request.level, profile[HIERARCHY], bound.dated)
    marks = offset_marks(len(bound.zone))
    state = [*shape.state, len(marks)]
    text = session.facts.queries.text("business", state, lambda: compiled(_rows(shape, marks)))
    return with_offsets(text, bound.zone)


def _is_any_logged(session: Session) -> bool:
    def any_logged() -> Table:
        items = BUSINESS_ITEMS.table()
        return items.agg(logged=items.logged.any())

    text = session.facts.queries.text("any_logged", None, lambda: compiled(any_logged()))
    return bool(session.engine.arrow(text)["logged"][0].as_py())


def _rows(shape: _Shape, zone: Sequence[Offset]) -> Table:
    """Every unit × period with its columns, in the documented order."""
    unit, period = units(shape.level, shape.dated).table(), PERIODS.table()
    grid = unit.cross_join(period)
    if shape.amounts:
        sums = _sums(shape, zone)
        grid = grid.left_join(sums, [unit.unit == sums.items_unit, period.period == sums.items_period])
    grid = grid.order_by("period", "unit")
    cells = {column.name: _cell(grid, column, shape) for column in shape.columns}
    return grid.select(*LEADING[shape.level], **cells, **{TRAILING: grid[TRAILING]})


def _sums(shape: _Shape, zone: Sequence[Offset]) -> Table:
    """Per unit and period the amounts of each category: summed by owner first, since most owners are of several units."""
    items = in_period(BUSINESS_ITEMS.table(), zone, DAYS)
    items = items.mutate(tickets=ibis.literal(1, "int64"))
    keys = ["developer"]
    if shape.dated:
        items, keys = with_phase(items, "developer", "happened_us"), ["developer", "phase"]
    items = with_category(with_ruleset(items, items.happened_us), shape.hierarchy)
    items = items.mutate(category=items.category.fill_null(shape.categories))
    by_owner = items.group_by(*keys, "period", "category").agg(**{name: items[name].sum() for name in shape.amounts})
    in_unit = _members(shape).inner_join(by_owner, keys)
    totals = {
        _total(name, rank): in_unit[name].sum(where=in_unit.category == rank)
        for name in shape.amounts
        for rank in range(shape.categories + 1)
    }
    return in_unit.group_by(items_unit=in_unit.of_unit, items_period=in_unit.period).agg(**totals)


def _members(shape: _Shape) -> Table:
    """Whose items count for each unit."""
    return (DATED_MEMBERS if shape.dated else MEMBERS).table().rename(developer="member")


def _total(amount: str, rank: int) -> str:
    return f"{amount}_{rank}"


def _cell(grid: Table, column: BusinessColumn, shape: _Shape) -> Value:
    if column.measure == PERCENT:
        return _share(grid, _OF_UNITS[shape.unit], column.rank, shape)
    amount = _amount(grid, _AMOUNTS[column.measure], column.rank)
    parts = _DIVIDED_BY.get(column.measure)
    return to_bigint(amount) if parts is None else rounded_ratio(amount, ibis.literal(parts, "int64"))


def _share(grid: Table, amount: str, rank: int, shape: _Shape) -> Value:
    amounts = [_amount(grid, amount, other) for other in range(shape.categories + 1)]
    return rounded_ratio(amounts[rank] * 100, sum(amounts[1:], amounts[0]))


def _amount(grid: Table, amount: str, rank: int) -> IntegerValue:
    return grid[_total(amount, rank)].fill_null(0)
