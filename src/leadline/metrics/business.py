"""The query of business alignment: completed work items summed by owner, period and category, then per row's unit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import IntegerValue, Table, Value

from leadline.derive.local_time import Offset
from leadline.engine import BoundTable, compiled
from leadline.engine.functions import rounded_ratio, to_bigint
from leadline.facts import effort
from leadline.facts.business_items import BUSINESS_ITEMS, POINT_PARTS
from leadline.facts.categories import CATEGORY_STEPS, bind_categories, with_category, with_ruleset
from leadline.facts.ownership import in_period
from leadline.facts.phases import with_phase
from leadline.metrics.binder import bind_scope
from leadline.metrics.bindings import DATED_MEMBERS, DAYS, MEMBERS, PERIODS, units
from leadline.metrics.business_columns import FTE, HOURS, PERCENT, POINTS, TICKETS, BusinessColumn, chosen
from leadline.metrics.business_request import LEADING, TRAILING, BusinessRequest
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.periods import periods
from leadline.settings.categories import CATEGORIES, HIERARCHY

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.materialize.model import Model
    from leadline.materialize.session import Session
    from leadline.metrics.run import QueryInputs
    from leadline.people.timeline import Timeline

_AMOUNTS = {POINTS: "points", TICKETS: "tickets", HOURS: "seconds"}
_EFFORT = "effort"
_OF_UNITS = {"TICKETS": "tickets", "STORY_POINTS": "points", "TIME_SPENT": "seconds", "FTE": _EFFORT}
"""What is summed, by what shares are of."""
_DIVIDED_BY = {POINTS: POINT_PARTS, HOURS: 3600}
WORKDAYS = BoundTable("workdays", {"workdays_period": "int64", "workdays": "int64"})
"""How many days from Monday to Friday each period has so far."""


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
        """What is summed of items."""
        counted = [_AMOUNTS[column.measure] for column in self.columns if column.measure in _AMOUNTS]
        return [name for name in dict.fromkeys([*counted, *self._of_shares]) if name != _EFFORT]

    @property
    def needs_effort(self) -> bool:
        """Whether days are shared."""
        return _EFFORT in self._of_shares or any(column.measure == FTE for column in self.columns)

    @property
    def _of_shares(self) -> list[str]:
        return [_OF_UNITS[self.unit]] if any(column.measure == PERCENT for column in self.columns) else []

    def ranks(self, amount: str) -> range:
        """The ranks of what ``amount`` can be of."""
        return range(self.categories + (2 if amount == _EFFORT else 1))


def tables(project: Project, request: BusinessRequest) -> Collection[str]:
    """The lake's tables that a run of ``request`` reads."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import sources_of

    columns = chosen(project.profile(request.tree)[CATEGORIES], request.unit, request.groups, request.metrics)
    return sources_of(project, project.profile(request.tree), BUILD_POLICY, _models(columns, request.unit))


def _models(columns: Sequence[BusinessColumn], unit: str) -> tuple[Model, ...]:
    """The stored tables that a query of ``columns`` reads."""
    measures = {column.measure for column in columns}
    spent = FTE in measures or (PERCENT in measures and _OF_UNITS[unit] == _EFFORT)
    return (BUSINESS_ITEMS, *CATEGORY_STEPS, *(effort.MODELS if spent else ()))


def query(inputs: QueryInputs[BusinessRequest]) -> str:
    """Binds what the rows of a request are computed from and returns the SQL text of the query that gives them."""
    session, request, profile = inputs.session, inputs.request, inputs.profile
    categories = profile[CATEGORIES]
    session.facts.bind(_models(chosen(categories, request.unit, request.groups, request.metrics), request.unit))
    stretches = inputs.timeline(request.start)
    bound = bind_scope(session.engine, stretches, request.rows, profile, inputs.today)
    bind_categories(session.engine, stretches, profile)
    _bind_days(inputs, stretches)
    logged = _is_any_logged(session)
    columns = chosen(categories, request.unit, request.groups, request.metrics, logged=logged)
    shape = _Shape(columns, len(categories), request.unit, request.level, profile[HIERARCHY], bound.dated)
    marks = offset_marks(len(bound.zone))
    state = [*shape.state, len(marks)]
    text = session.facts.queries.text("business", state, lambda: compiled(_rows(shape, marks)))
    return with_offsets(text, bound.zone)


def _bind_days(inputs: QueryInputs[BusinessRequest], stretches: Timeline) -> None:
    """Bind the days on which effort can be: those of each period that are not to come."""
    request, profile, engine = inputs.request, inputs.profile, inputs.session.engine
    days = [
        (period.start, period.end if inputs.today is None else min(period.end, inputs.today))
        for period in periods(request.start, request.end, request.granularity)
    ]
    effort.bind_effort(engine, stretches, profile.zone, days)
    WORKDAYS.bind(engine, ((number, effort.workdays(*of_period)) for number, of_period in enumerate(days)))


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
    if shape.needs_effort:
        spent, workdays = _effort_sums(shape), WORKDAYS.table()
        grid = grid.left_join(spent, [unit.unit == spent.effort_unit, period.period == spent.of_effort_period])
        grid = grid.inner_join(workdays, period.period == workdays.workdays_period)
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
    totals = _totals(in_unit, shape, shape.amounts)
    return in_unit.group_by(items_unit=in_unit.of_unit, items_period=in_unit.period).agg(**totals)


def _effort_sums(shape: _Shape) -> Table:
    """Per unit and period the parts of days spent on each category."""
    people = _members(shape).select("developer").distinct()
    spent, keys = effort.shares(people), ["developer"]
    if shape.dated:
        spent, keys = with_phase(spent, "developer", "noon_us"), ["developer", "phase"]
    spent = with_category(with_ruleset(spent, spent.noon_us), shape.hierarchy)
    rank = ibis.cases((spent.key.isnull(), shape.categories + 1), else_=spent.category.fill_null(shape.categories))
    spent = spent.mutate(category=rank)
    by_owner = spent.group_by(*keys, "effort_period", "category").agg(effort=spent.counted.sum())
    in_unit = _members(shape).inner_join(by_owner, keys)
    per_unit = in_unit.group_by(effort_unit=in_unit.of_unit, of_effort_period=in_unit.effort_period)
    return per_unit.agg(**_totals(in_unit, shape, [_EFFORT]))


def _totals(in_unit: Table, shape: _Shape, amounts: Sequence[str]) -> dict[str, Value]:
    return {
        _total(name, rank): in_unit[name].sum(where=in_unit.category == rank)
        for name in amounts
        for rank in shape.ranks(name)
    }


def _members(shape: _Shape) -> Table:
    """Whose items count for each unit."""
    return (DATED_MEMBERS if shape.dated else MEMBERS).table().rename(developer="member")


def _total(amount: str, rank: int) -> str:
    return f"{amount}_{rank}"


def _cell(grid: Table, column: BusinessColumn, shape: _Shape) -> Value:
    if column.measure == PERCENT:
        return _share(grid, _OF_UNITS[shape.unit], column.rank, shape)
    if column.measure == FTE:
        return rounded_ratio(_amount(grid, _EFFORT, column.rank), grid.workdays * effort.DAY_PARTS)
    amount = _amount(grid, _AMOUNTS[column.measure], column.rank)
    parts = _DIVIDED_BY.get(column.measure)
    return to_bigint(amount) if parts is None else rounded_ratio(amount, ibis.literal(parts, "int64"))


def _share(grid: Table, amount: str, rank: int, shape: _Shape) -> Value:
    amounts = [_amount(grid, amount, other) for other in shape.ranks(amount)]
    return rounded_ratio(amounts[rank] * 100, sum(amounts[1:], amounts[0]))


def _amount(grid: Table, amount: str, rank: int) -> IntegerValue:
    return grid[_total(amount, rank)].fill_null(0)
