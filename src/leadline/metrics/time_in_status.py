"""The query of time in status: for each team and period how long the items that ended in it were in each status, as sums over these
items and per item. Time ends when the item does (``facts.ticket_ends``)."""

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
from leadline.derive.local_time import Offset, bounds_us
from leadline.engine import BoundTable, compiled
from leadline.engine.functions import epoch_us, rounded_ratio, to_bigint
from leadline.facts.ownership import in_period
from leadline.facts.phases import with_phase
from leadline.facts.status_visits import STATUS_VISITS
from leadline.facts.ticket_ends import TICKET_ENDS, instant_of_end
from leadline.metrics.binder import bind_scope
from leadline.metrics.bindings import DATED_MEMBERS, DAYS, MEMBERS, PERIODS, units
from leadline.metrics.metric import HOUR_US, TEAM
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.request import MetricsRequest
from leadline.metrics.status_columns import StatusColumns
from leadline.metrics.ticket_request import LEADING, WALL, WEEKDAYS, TicketDataRequest

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs

MODELS = (TICKET_ENDS, STATUS_VISITS)
_STATUSES = BoundTable("counted_statuses", {"of_status": "string", "status_column": "int64"})
"""The column that each status is counted in."""
_WEEKS = BoundTable("working_weeks", {"monday_us": "int64", "saturday_us": "int64"})
"""The instants from which and before which it is Monday to Friday."""
_STATISTICS = {"median": 0.5, "p90": 0.9}
_PARTS = 20
"""Both are multiples of 1/20."""


@dataclass(frozen=True)
class Shape:
    """What the text of a query follows from, beside what is bound."""

    ends: str
    calendar: str
    dated: bool
    zone: Sequence[Offset]


def time_in_status_query(inputs: QueryInputs[TicketDataRequest]) -> str:
    """Bind what is needed; the text of the query of all rows."""
    request, session, profile = inputs.request, inputs.session, inputs.profile
    session.facts.bind(MODELS)
    rows = MetricsRequest(
        request.tree, request.team, request.start, request.end, (), TEAM, request.granularity, format=request.format
    )
    scope = bind_scope(session.engine, inputs.timeline(request.start), rows, profile, inputs.today)
    marks = offset_marks(len(scope.zone))
    shape = Shape(request.ends, request.calendar, scope.dated, marks)
    about = [request.ends, request.calendar, scope.dated, len(scope.zone)]
    queries, engine = session.facts.queries, session.engine
    met = engine.arrow(
        with_offsets(queries.text("statuses met", about, lambda: compiled(_met(shape))), scope.zone)
    ).to_pylist()
    columns = StatusColumns.of([row["status"] for row in met], request.statuses)
    _STATUSES.bind(engine, columns.of_status.items())
    earliest = min((row["since_us"] for row in met), default=0)
    _WEEKS.bind(engine, _weeks(earliest, request.end, profile.zone) if met and request.calendar == WEEKDAYS else ())
    text = queries.text("time in status", [*about, list(columns.names)], lambda: compiled(_rows(columns.names, shape)))
    return with_offsets(text, scope.zone)


def _weeks(earliest_us: int, last: date, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """From the week of an instant to that of a day."""
    day = datetime.fromtimestamp(earliest_us // 1_000_000, UTC).date() - timedelta(days=1)
    monday = day - timedelta(days=day.weekday())
    while monday <= last:
        yield bounds_us(monday, monday + timedelta(days=4), zone)
        monday += timedelta(days=7)


# -- rows --------------------------------------------------------------------------------------------------------------


def _ended(shape: Shape) -> Table:
    """The items that ended in the range, each with its period and whose it is, once per unit."""
    ends = TICKET_ENDS.table()
    items = ends.select(*ITEM, "developer", happened_us=instant_of_end(shape.ends))
    items = in_period(items.filter(items.happened_us.notnull()), shape.zone, DAYS)
    items = items.select(*ITEM, "developer", "happened_us", "period")
    if not shape.dated:
        return MEMBERS.table().rename(developer="member").inner_join(items, "developer")
    items, members = with_phase(items, "developer", "happened_us"), DATED_MEMBERS.table().rename(developer="member")
    return members.inner_join(items, ["developer", "phase"]).drop("phase")


def _visits(items: Table) -> Table:
    """The time of ``items`` (happened_us) in statuses that have a name: from entering to leaving, at most to the end."""
    visits = STATUS_VISITS.table()
    visits = visits.filter(visits.status.notnull() & visits.entered_at.notnull())
    visits = visits.select(
        *ITEM, "status", begun_us=epoch_us(visits.entered_at), left_us=epoch_us(visits.left_at)
    ).inner_join(items, ITEM)
    visits = visits.mutate(ended_us=ibis.least(visits.left_us.fill_null(visits.happened_us), visits.happened_us))
    return visits.filter(visits.ended_us > visits.begun_us)


def _met(shape: Shape) -> Table:
    """The statuses in which any of the items was, and since when."""
    items = _ended(shape).select(*ITEM, "happened_us").distinct()
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
    """Every unit × period with its columns, in the documented order."""
    ended = _ended(shape)
    statuses = _STATUSES.table()
    visits = _visits(ended.select(*ITEM, "happened_us").distinct())
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
        summed |= {f"{name}_{number}": _in_parts(column, at) for name, at in _STATISTICS.items()}
    totals = items.group_by(totals_unit=items.of_unit, totals_period=items.period).agg(**summed)
    unit, period = units(TEAM, shape.dated).table(), PERIODS.table()
    grid = unit.cross_join(period)
    grid = grid.left_join(totals, [unit.unit == totals.totals_unit, period.period == totals.totals_period])
    grid = grid.order_by("period", "unit")
    return grid.select(**_cells(grid, names))


def _in_parts(column: IntegerColumn, at: float) -> Expression:
    return to_bigint((column.quantile(at) * _PARTS).round())


def _cells(grid: Table, names: Sequence[str]) -> dict[str, Expression]:
    sums = [grid[f"sum_{number}"].fill_null(0) for number in range(len(names))]
    total = sum(sums[1:], sums[0]) if sums else ibis.literal(0, "int64")
    cells: dict[str, Expression] = {
        **{name: grid[column] for name, column in zip(LEADING, ("Granularity", "Team", "Team_Hierarchy"), strict=True)},
        "total_issues": to_bigint(grid["items"].fill_null(0)),
        **{f"{name}_hours": _hours(value) for name, value in zip(names, sums, strict=True)},
        "total_lead_time_hours": _hours(total),
        **{name.lower(): grid[name] for name in ("Start_Date", "End_Date", "Team_Id")},
    }
    for number, name in enumerate(names):
        cells[f"{name}_issues"] = to_bigint(grid[f"count_{number}"].fill_null(0))
        for statistic in _STATISTICS:
            cells[f"{name}_hours_{statistic}"] = _hours(grid[f"{statistic}_{number}"], _PARTS)
    return cells


def _hours(amount: IntegerColumn, parts: int = 1) -> Expression:
    """Microseconds (or so many parts of one) as hours."""
    return rounded_ratio(amount, ibis.literal(HOUR_US * parts, "int64"))
