"""The query of business alignment: completed work items summed by owner, period and category, then per row's unit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import IntegerValue, Table, Value

from leadline.derive.completion import ITEM
from leadline.derive.local_time import Offset
from leadline.engine import BoundTable, compiled
from leadline.engine.functions import rounded_ratio, to_bigint
from leadline.facts import effort
from leadline.facts.business_items import BUSINESS_ITEMS, POINT_PARTS
from leadline.facts.categories import CATEGORY_STEPS, bind_categories, with_category, with_ruleset
from leadline.facts.ownership import in_period
from leadline.metrics.binder import bind_scope
from leadline.metrics.bindings import DAYS, PERIODS, size_name, units
from leadline.metrics.business_columns import FTE, HOURS, PERCENT, POINTS, TICKETS, BusinessColumn, chosen
from leadline.metrics.business_request import LEADING, TRAILING, BusinessRequest
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.owners import developers, in_units, with_place
from leadline.metrics.periods import periods
from leadline.settings.categories import CATEGORIES, HIERARCHY

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.home import Project
    from leadline.materialize.model import Model
    from leadline.materialize.session import Session
    from leadline.metrics.binder import BoundScope
    from leadline.metrics.run import QueryInputs
    from leadline.people.timeline import Timeline

_AMOUNTS = {POINTS: "points", TICKETS: "tickets", HOURS: "seconds"}
EFFORT, _SHARES = _OF_EFFORT = ("effort", "shares")
_OF_UNITS = {"TICKETS": "tickets", "STORY_POINTS": "points", "TIME_SPENT": "seconds", "FTE": EFFORT}
"""What is summed, by what shares are of."""
_PARTS = {"points": POINT_PARTS, "seconds": 3600, EFFORT: effort.DAY_PARTS}
"""How many parts of an amount are a story point, an hour or a day."""


def amount_of(column: BusinessColumn, unit: str) -> str:
    """What of its items, or `effort` of shares of days, a column is made of where shares are of ``unit``."""
    if column.measure in _AMOUNTS:
        return _AMOUNTS[column.measure]
    return _OF_UNITS[unit] if column.measure == PERCENT else EFFORT


def parts_of(column: BusinessColumn, unit: str) -> int:
    """How many parts of the amount of a column are one of what it is told in: a story point, a ticket, an hour, a day."""
    return _PARTS.get(amount_of(column, unit), 1)


WORKDAYS = BoundTable("workdays", {"workdays_period": "int64", "workdays": "int64"})
"""How many days from Monday to Friday each period has so far."""


@dataclass(frozen=True)
class _Shape:
    """What the text of the query follows from: the columns, how many categories there are, what shares are of and the level;
    whether people move; how items take the categories of those above them; and whether it is told of how many things values are."""

    columns: Sequence[BusinessColumn]
    categories: int
    unit: str
    level: str
    hierarchy: str
    dated: bool
    sized: bool = False

    @property
    def state(self) -> list[Any]:
        """The same as JSON."""
        names = [[column.name, column.measure, column.rank] for column in self.columns]
        sized = ["sized"] if self.sized else []
        return [names, self.categories, self.unit, self.level, self.hierarchy, self.dated, *sized]

    @property
    def amounts(self) -> list[str]:
        """What is summed of items."""
        counted = [_AMOUNTS[column.measure] for column in self.columns if column.measure in _AMOUNTS]
        counted += self._of_shares
        of_items = any(name != EFFORT for name in counted)
        counted += [_AMOUNTS[TICKETS]] if self.sized and of_items else []
        return [name for name in dict.fromkeys(counted) if name != EFFORT]

    @property
    def needs_effort(self) -> bool:
        """Whether days are shared."""
        return EFFORT in self._of_shares or any(column.measure == FTE for column in self.columns)

    @property
    def _of_shares(self) -> list[str]:
        return [_OF_UNITS[self.unit]] if any(column.measure == PERCENT for column in self.columns) else []

    def ranks(self, amount: str) -> range:
        """The ranks of what ``amount`` can be of."""
        return range(self.categories + (2 if amount in _OF_EFFORT else 1))

    def is_of_effort(self, column: BusinessColumn) -> bool:
        """Whether the column is of shared days, else it is of completed items."""
        return amount_of(column, self.unit) == EFFORT


def tables(project: Project, request: BusinessRequest) -> Collection[str]:
    """The lake's tables that a run of ``request`` reads."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import sources_of

    columns = chosen(project.profile(request.tree)[CATEGORIES], request.unit, request.groups, request.metrics)
    return sources_of(project, project.profile(request.tree), BUILD_POLICY, _models(columns, request.unit))


def _models(columns: Sequence[BusinessColumn], unit: str) -> tuple[Model, ...]:
    """The stored tables that a query of ``columns`` reads."""
    measures = {column.measure for column in columns}
    spent = FTE in measures or (PERCENT in measures and _OF_UNITS[unit] == EFFORT)
    return (BUSINESS_ITEMS, *CATEGORY_STEPS, *(effort.MODELS if spent else ()))


def bind(inputs: QueryInputs[BusinessRequest], check: Callable[[int], None] = lambda _rows: None) -> BoundScope:
    """Bind what the rows of a request are computed from. ``check`` hears how many there are and may refuse them."""
    session, request, profile = inputs.session, inputs.request, inputs.profile
    named = chosen(profile[CATEGORIES], request.unit, request.groups, request.metrics)
    session.facts.bind(_models(named, request.unit))
    stretches = inputs.timeline(request.start)
    bound = bind_scope(session.engine, stretches, request.rows, profile, inputs.today)
    check(bound.rows)
    bind_categories(session.engine, stretches, profile)
    bind_days(session.engine, inputs, stretches)
    return bound


def query(
    inputs: QueryInputs[BusinessRequest], *, sized: bool = False, check: Callable[[int], None] = lambda _rows: None
) -> str:
    """Binds what the rows of a request are computed from and returns the SQL text of the query that gives them; ``sized``: with a
    column for each that says of how many things its values are. ``check`` hears how many rows there are and may refuse them."""
    return text_of(inputs, bind(inputs, check), sized=sized)


def text_of(inputs: QueryInputs[BusinessRequest], bound: BoundScope, *, sized: bool) -> str:
    """The SQL text of ``query``, after all was ``bound``."""
    session, request, profile = inputs.session, inputs.request, inputs.profile
    categories, logged = profile[CATEGORIES], _is_any_logged(session)
    columns = chosen(categories, request.unit, request.groups, request.metrics, logged=logged)
    shape = _Shape(columns, len(categories), request.unit, request.level, profile[HIERARCHY], bound.dated, sized)
    marks = offset_marks(bound.zone)
    state = [*shape.state, len(marks)]
    text = session.facts.queries.text("business", state, lambda: compiled(_rows(shape, marks)))
    return with_offsets(text, bound.zone)


def bind_days(engine: Backend, inputs: QueryInputs[BusinessRequest], stretches: Timeline) -> None:
    """Bind the days on which effort can be: those of each period that are not to come."""
    request, profile = inputs.request, inputs.profile
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
    sizes = {size_name(column.name): _size(grid, column, shape) for column in shape.columns} if shape.sized else {}
    return grid.select(*LEADING[shape.level], **cells, **{TRAILING: grid[TRAILING]}, **sizes)


def _sums(shape: _Shape, zone: Sequence[Offset]) -> Table:
    """Per unit and period the amounts of each category: summed by place first, since most places are of several units."""
    # Of one team there are few items, whose categories are asked.
    items = with_place(in_period(BUSINESS_ITEMS.table(), zone, DAYS), "developer", "happened_us", dated=shape.dated)
    items = categorized_items(items, shape.categories, shape.hierarchy)
    in_place = items.group_by("place", "period", "category").agg(**{name: items[name].sum() for name in shape.amounts})
    in_unit = in_units(in_place)
    totals = _totals(in_unit, shape, shape.amounts)
    return in_unit.group_by(items_unit=in_unit.of_unit, items_period=in_unit.period).agg(**totals)


def _effort_sums(shape: _Shape) -> Table:
    """Per unit and period the parts of days spent on each category: summed by item first, whose category is asked once."""

    def of_days(days: Table) -> Table:
        return with_place(by_rulesets(days), "developer", "noon_us", dated=shape.dated).drop("person")

    people = developers(dated=shape.dated).select("developer").distinct()
    spent = effort.shares(people, told=False, of_days=of_days)
    amounts = {EFFORT: spent.counted.sum(), **({_SHARES: (spent.counted != 0).sum()} if shape.sized else {})}
    of_item = spent.group_by("place", "effort_period", "ruleset", *ITEM).agg(**amounts)
    of_item = categorized_shares(of_item, shape.categories, shape.hierarchy)
    in_place = of_item.group_by("place", "effort_period", "category")
    in_unit = in_units(in_place.agg(**{name: of_item[name].sum() for name in amounts}))
    per_unit = in_unit.group_by(effort_unit=in_unit.of_unit, of_effort_period=in_unit.effort_period)
    return per_unit.agg(**_totals(in_unit, shape, list(amounts)))


def categorized_items(items: Table, categories: int, hierarchy: str) -> Table:
    """``items`` (of ``BUSINESS_ITEMS``) each as one of the `tickets`, with the rank of its category."""
    items = items.mutate(tickets=ibis.literal(1, "int64"))
    items = with_category(with_ruleset(items, items.happened_us), hierarchy)
    return items.mutate(category=items.category.fill_null(categories))


def by_rulesets(days: Table) -> Table:
    """``days`` (of ``effort.shares``) with the set of rules that their developer has on each."""
    return with_ruleset(days, days.noon_us)


def categorized_shares(spent: Table, categories: int, hierarchy: str) -> Table:
    """``spent`` (project, key, ruleset) with the rank of the category of each."""
    spent = with_category(spent, hierarchy)
    rank = ibis.cases((spent.key.isnull(), categories + 1), else_=spent.category.fill_null(categories))
    return spent.mutate(category=rank)


def _totals(in_unit: Table, shape: _Shape, amounts: Sequence[str]) -> dict[str, Value]:
    return {
        _total(name, rank): in_unit[name].sum(where=in_unit.category == rank)
        for name in amounts
        for rank in shape.ranks(name)
    }


def _total(amount: str, rank: int) -> str:
    return f"{amount}_{rank}"


def _cell(grid: Table, column: BusinessColumn, shape: _Shape) -> Value:
    if column.measure == PERCENT:
        return _share(grid, _OF_UNITS[shape.unit], column.rank, shape)
    if column.measure == FTE:
        return rounded_ratio(_amount(grid, EFFORT, column.rank), grid.workdays * effort.DAY_PARTS)
    amount = _amount(grid, _AMOUNTS[column.measure], column.rank)
    parts = _PARTS.get(_AMOUNTS[column.measure])
    return to_bigint(amount) if parts is None else rounded_ratio(amount, ibis.literal(parts, "int64"))


def _size(grid: Table, column: BusinessColumn, shape: _Shape) -> Value:
    """Of how many items, or shares of days, a value is: of all of the row, if it is a share."""
    amount = _SHARES if shape.is_of_effort(column) else _AMOUNTS[TICKETS]
    ranks = shape.ranks(amount) if column.measure == PERCENT else [column.rank]
    first, *others = (_amount(grid, amount, rank) for rank in ranks)
    return to_bigint(sum(others, first))


def _share(grid: Table, amount: str, rank: int, shape: _Shape) -> Value:
    amounts = [_amount(grid, amount, other) for other in shape.ranks(amount)]
    return rounded_ratio(amounts[rank] * 100, sum(amounts[1:], amounts[0]))


def _amount(grid: Table, amount: str, rank: int) -> IntegerValue:
    return grid[_total(amount, rank)].fill_null(0)
