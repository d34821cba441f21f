"""The query of time in status: for each team and period, or team and sprint, how long the items that ended in it were in each
status, as sums over these items and per item. Time ends when the item does (``facts.ticket_ends``). A sprint is in the range if it
ended in it, and has the items that were still in it at its end and ended while it ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
from ibis.expr.types import IntegerColumn, Table
from ibis.expr.types import Value as Expression

from leadline.derive.completion import ITEM
from leadline.derive.expressions import DAY_US
from leadline.derive.local_time import Offset, bounds_us
from leadline.engine import BoundTable, compiled
from leadline.engine.functions import epoch_us, rounded_ratio, to_bigint
from leadline.facts.ownership import in_period
from leadline.facts.sprints import SPRINT_ITEMS, SPRINTS, counted_items
from leadline.facts.status_visits import STATUS_VISITS
from leadline.facts.ticket_ends import TICKET_ENDS, instant_of_end
from leadline.materialize.model import Model
from leadline.metrics.binder import bind_scope
from leadline.metrics.bindings import DAYS, PERIODS, units
from leadline.metrics.metric import HOUR_US, TEAM
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.owners import in_units, with_place
from leadline.metrics.request import MetricsRequest
from leadline.metrics.sprint_columns import SPRINT
from leadline.metrics.sprint_rows import SHOWN_OF_SPRINT, in_order, with_sprints, zone_of
from leadline.metrics.status_columns import HOURS, ISSUES, STATISTICS, StatusColumns
from leadline.metrics.ticket_request import TICKET_LEADING, TICKET_TRAILING, WALL, WEEKDAYS, TicketDataRequest

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs

_MODELS = (TICKET_ENDS, STATUS_VISITS)
_SPRINT_MODELS = (*_MODELS, SPRINTS, SPRINT_ITEMS)
_STATUSES = BoundTable("counted_statuses", {"of_status": "string", "status_column": "int64"})
"""The column that each status is counted in."""
_WEEKS = BoundTable("working_weeks", {"monday_us": "int64", "saturday_us": "int64"})
"""The instants from which and before which it is Monday to Friday."""
_STATISTICS = dict(zip(STATISTICS, (0.5, 0.9), strict=True))
_PARTS = 20
"""Both are multiples of 1/20."""


@dataclass(frozen=True)
class Shape:
    """What the text of a query follows from, beside what is bound."""

    ends: str
    calendar: str
    dated: bool
    zone: Sequence[Offset]
    by_sprint: bool
    grace_days: int
    format: str

    @property
    def row(self) -> tuple[str, str]:
        """What tells rows apart."""
        return ("of_unit", "sprint_id" if self.by_sprint else "period")


def needed(request: TicketDataRequest) -> tuple[Model, ...]:
    """The stored tables that the rows of a request are made of."""
    return _SPRINT_MODELS if request.level == SPRINT else _MODELS


def time_in_status_query(inputs: QueryInputs[TicketDataRequest]) -> str:
    """Bind what is needed; the text of the query of all rows."""
    request, session, profile = inputs.request, inputs.session, inputs.profile
    session.facts.bind(needed(request))
    rows = MetricsRequest(
        tree=request.tree,
        team=request.team,
        start=request.start,
        end=request.end,
        metrics=(),
        level=TEAM,
        granularity=request.granularity,
        format=request.format,
        depth=request.depth,
    )
    scope = bind_scope(session.engine, inputs.timeline(request.start), rows, profile, inputs.today)
    by_sprint = request.level == SPRINT
    zone = zone_of(request, profile) if by_sprint else scope.zone
    grace = profile["sprints.start_grace_days"] if by_sprint else 0
    shape = Shape(request.ends, request.calendar, scope.dated, offset_marks(zone), by_sprint, grace, request.format)
    about = [request.ends, request.calendar, scope.dated, len(zone), by_sprint, grace]
    queries, engine = session.facts.queries, session.engine
    met = engine.arrow(
        with_offsets(queries.text("statuses met", about, lambda: compiled(_met(shape))), zone)
    ).to_pylist()
    columns = StatusColumns.of([row["status"] for row in met], request.statuses)
    _STATUSES.bind(engine, columns.of_status.items())
    earliest = min((row["since_us"] for row in met), default=0)
    _WEEKS.bind(engine, _weeks(earliest, request.end, profile.zone) if met and request.calendar == WEEKDAYS else ())
    # How texts are written matters to the sprints' alone.
    form = [request.format == "csv"] if by_sprint else []
    text = queries.text(
        "time in status", [*about, *form, list(columns.names)], lambda: compiled(_rows(columns.names, shape))
    )
    return with_offsets(text, zone)


def _weeks(earliest_us: int, last: date, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """From the week of an instant to that of a day."""
    day = datetime.fromtimestamp(earliest_us // 1_000_000, UTC).date() - timedelta(days=1)
    monday = day - timedelta(days=day.weekday())
    while monday <= last:
        yield bounds_us(monday, monday + timedelta(days=4), zone)
        monday += timedelta(days=7)


# -- rows --------------------------------------------------------------------------------------------------------------


def _ended(shape: Shape) -> Table:
    """The items that ended in the range, or in a sprint that did, each with its row and whose it is, once per unit. ``ended_us`` is
    when the item ended, ``happened_us`` the instant that says the period and in which team its person was."""
    ends = TICKET_ENDS.table()
    items = ends.select(*ITEM, "developer", ended_us=instant_of_end(shape.ends))
    items = items.filter(items.ended_us.notnull())
    items = _in_sprints(items, shape) if shape.by_sprint else items.mutate(happened_us=items.ended_us)
    items = in_period(items, shape.zone, DAYS).drop("day", "of_day")
    return in_units(with_place(items, "developer", "happened_us", dated=shape.dated)).drop("place", "person")


def _in_sprints(items: Table, shape: Shape) -> Table:
    """``items`` once for each sprint in which they were at its end and while which they ended; before its start only within the
    grace in which what is done is the sprint's all the same."""
    in_sprints = counted_items()
    in_sprints = in_sprints.filter(in_sprints.at_end).select(*ITEM, "sprint_id", "started_us", "happened_us")
    joined = items.inner_join(in_sprints, ITEM)
    earliest = joined.started_us - shape.grace_days * DAY_US
    return joined.filter(joined.ended_us.between(earliest, joined.happened_us)).drop("started_us")


def _visits(items: Table) -> Table:
    """The time of ``items`` (ended_us) in statuses that have a name: from entering to leaving, at most to the end."""
    visits = STATUS_VISITS.table()
    visits = visits.filter(visits.status.notnull() & visits.entered_at.notnull())
    visits = visits.select(
        *ITEM, "status", begun_us=epoch_us(visits.entered_at), left_us=epoch_us(visits.left_at)
    ).inner_join(items, ITEM)
    visits = visits.mutate(ended_us=ibis.least(visits.left_us.fill_null(visits.ended_us), visits.ended_us))
    return visits.filter(visits.ended_us > visits.begun_us)


def _met(shape: Shape) -> Table:
    """The statuses in which any of the items was, and since when."""
    items = _ended(shape).select(*ITEM, "ended_us").distinct()
    visits = _visits(items)
    return visits.group_by("status").agg(since_us=visits.begun_us.min())


def _counted(visits: Table, calendar: str) -> Table:
    """``visits`` with how much of each counts; what is on no day that does counts nothing."""
    if calendar == WALL:
        return visits.mutate(spent_us=visits.ended_us - visits.begun_us)
    weeks = _WEEKS.table()
    pieces = visits.left_join(weeks, [visits.begun_us < weeks.saturday_us, visits.ended_us > weeks.monday_us])
    spent = ibis.least(pieces.ended_us, pieces.saturday_us) - ibis.greatest(pieces.begun_us, pieces.monday_us)
    inside = pieces.monday_us.notnull()
    return pieces.mutate(spent_us=ibis.cases((inside, spent), else_=ibis.literal(0, "int64")))


def _rows(names: Sequence[str], shape: Shape) -> Table:
    """Every unit × period, or unit × sprint that has items, with its columns, in the documented order."""
    ended = _ended(shape)
    statuses = _STATUSES.table()
    visits = _visits(ended.select(*ITEM, "ended_us").distinct())
    visits = _counted(visits.inner_join(statuses, visits.status == statuses.of_status), shape.calendar)
    spent = {
        f"us_{number}": to_bigint(visits.spent_us.sum(where=visits.status_column == number))
        for number in range(len(names))
    }
    of_item = visits.group_by(ITEM).agg(**spent) if names else None
    items = ended if of_item is None else ended.left_join(of_item, ITEM)
    summed: dict[str, Expression] = {"items": items.count()}
    for number in range(len(names)):
        column = items[f"us_{number}"]
        summed |= {f"sum_{number}": column.sum(), f"count_{number}": column.count()}
        # Both at once: the values are put in order but once.
        summed[f"quantiles_{number}"] = column.quantile([*_STATISTICS.values()])
    totals = items.group_by([*shape.row]).agg(**summed, **({"period": items.period.min()} if shape.by_sprint else {}))
    return _of_sprints(totals, names, shape) if shape.by_sprint else _of_periods(totals, names, shape)


def _of_periods(totals: Table, names: Sequence[str], shape: Shape) -> Table:
    unit, period = units(TEAM, shape.dated).table(), PERIODS.table()
    totals = totals.rename(totals_unit="of_unit", totals_period="period")
    grid = unit.cross_join(period)
    grid = grid.left_join(totals, [unit.unit == totals.totals_unit, period.period == totals.totals_period])
    grid = grid.order_by("period", "unit")
    return grid.select(**_cells(grid, names, TEAM))


def _of_sprints(totals: Table, names: Sequence[str], shape: Shape) -> Table:
    unit, told = units(TEAM, shape.dated).table(), with_sprints(totals, shape.zone, shape.format)
    told = told.rename(Granularity="label")
    grid = told.inner_join(unit, told.of_unit == unit.unit)
    grid = grid.order_by(in_order(grid))
    return grid.select(**_cells(grid, names, SPRINT))


def _cells(grid: Table, names: Sequence[str], level: str) -> dict[str, Expression]:
    sums = [grid[f"sum_{number}"].fill_null(0) for number in range(len(names))]
    total = sum(sums[1:], sums[0]) if sums else ibis.literal(0, "int64")
    leading = ("Granularity", "Team", "Team_Hierarchy", *(SHOWN_OF_SPRINT.values() if level == SPRINT else ()))
    cells: dict[str, Expression] = {
        **{name: grid[column] for name, column in zip(TICKET_LEADING[level], leading, strict=True)},
        f"total_{ISSUES}": to_bigint(grid["items"].fill_null(0)),
        **{f"{name}_{HOURS}": _hours(value) for name, value in zip(names, sums, strict=True)},
        f"total_lead_time_{HOURS}": _hours(total),
        **dict(zip(TICKET_TRAILING, (grid[name] for name in ("Start_Date", "End_Date", "Team_Id")), strict=True)),
    }
    for number, name in enumerate(names):
        cells[f"{name}_{ISSUES}"] = to_bigint(grid[f"count_{number}"].fill_null(0))
        for place, statistic in enumerate(_STATISTICS):
            quantile = grid[f"quantiles_{number}"][place]
            cells[f"{name}_{HOURS}_{statistic}"] = _hours(to_bigint((quantile * _PARTS).round()), _PARTS)
    return cells


def _hours(amount: IntegerColumn, parts: int = 1) -> Expression:
    """Microseconds (or so many parts of one) as hours."""
    return rounded_ratio(amount, ibis.literal(HOUR_US * parts, "int64"))
