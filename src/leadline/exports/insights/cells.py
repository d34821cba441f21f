"""The rows behind one cell of an insight or of an export: found by the measures that its value is computed of, at the versions that
were read for it, and shown as facts show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadline.access import UNLIMITED, Access
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.exports.cursor import Cursor
from leadline.exports.export_kind import ExportKind
from leadline.exports.fact_pages import plain
from leadline.exports.insights.columns import lead_unit, metric_of
from leadline.exports.insights.models import Cell, CellBody, CellRow
from leadline.facts.catalogue import FACTS
from leadline.facts.filters import Versions
from leadline.field_types import shown
from leadline.home import Project
from leadline.metrics.catalogue import by_ids
from leadline.metrics.measures import Measure
from leadline.metrics.metric import DEVELOPER, SERVICE, TEAM, Count, MetricColumn, Ratio, Statistic, Value
from leadline.metrics.request import Control, MetricsRequest, RowsRequest

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Bound, QueryInputs, Runner

MOST_ROWS = 200
"""Rows of an answer."""
UNTRACED = (
    "It is the mean of ratings, which are of different facts (ask for the rows behind one of these), or what a tool "
    "reports of its use"
)
NOTHING_TRACED: Mapping[str, Any] = {"facts": None, "untraced": UNTRACED, "count": 0, "rows": [], "next": None}
"""What is said of the rows behind a value that has none."""


@dataclass(frozen=True)
class Place:
    """Which cell: that of ``column`` in the row with the number ``row`` (from 0), or in that of a ``unit`` (a developer's email, a
    team's ref id, the name of a service or else of its repository) whose period begins on the day ``start`` (None: the first)."""

    column: str
    row: int | None = None
    unit: str | None = None
    start: date | None = None


@dataclass(frozen=True)
class Found:
    """A cell: its row, and the numbers of its unit and its period."""

    cells: Mapping[str, Any]
    unit: int
    period: int


def traceable(kind: ExportKind, rows: RowsRequest) -> MetricsRequest:
    """The request whose cells are traced. Raises ``InvalidRequest`` for a kind whose rows are not metrics."""
    if not isinstance(rows, MetricsRequest):
        raise InvalidRequest(f"Cells of {kind.name} exports are not traced to rows of facts", code="not_traced")
    if rows.split is not None:
        raise InvalidRequest("Cells of rows that are split are not traced to rows of facts", code="not_traced")
    return rows


def cell(
    runner: Runner,
    project: Project,
    request: MetricsRequest,
    place: Place,
    at: Cursor,
    control: Control,
    access: Access = UNLIMITED,
) -> CellBody:
    """The cell at ``place`` of the rows of ``request``, which is within ``access``, on the versions of ``at``; and at most
    ``MOST_ROWS`` of what is behind it from ``at`` on, by instant. Raises ``InvalidRequest`` or ``NotFound`` for a place that there
    is not, and what a run raises."""
    column = named_column(request, place.column)
    request = replace(request, metrics=(column.id,))
    with runner.inputs(project, request, at.pins, control) as inputs:
        return Cells(project, inputs, column, at, access).answer(place)


def events_behind(
    runner: Runner, project: Project, request: MetricsRequest, at: Cursor, control: Control, access: Access = UNLIMITED
) -> pa.Table:
    """All events behind the first cell of ``request``, which has one column, on the versions of ``at``: the columns of their
    fact's key and those of ``behind.PARTS``, by instant. Raises what ``cell`` raises."""
    (column,) = by_ids(request.metrics)
    with runner.inputs(project, request, at.pins, control) as inputs:
        cells = Cells(project, inputs, column, at, access)
        return cells.events(cells.found(Place(column.name(request.aggregation), row=0)))


def named_column(request: MetricsRequest, name: str) -> MetricColumn:
    """The column of ``request`` called ``name``, in any letter case. Raises ``InvalidRequest``."""
    columns = {column.name(request.aggregation).lower(): column for column in by_ids(request.metrics)}
    if (column := columns.get(name.strip().lower())) is None:
        hint = f"one of {', '.join(column.name(request.aggregation) for column in columns.values())}"
        sentence = f"There is no column {shown(name)} of metrics; {hint}"
        raise InvalidRequest(sentence, code="unknown_column", details=[Detail("column", hint)])
    return column


@dataclass(frozen=True)
class Cells:
    """The cells of the one column of a request, ``inputs`` being open on the versions of ``at``."""

    project: Project
    inputs: QueryInputs[MetricsRequest]
    column: MetricColumn
    at: Cursor
    access: Access = UNLIMITED

    @property
    def request(self) -> MetricsRequest:
        """The request of the column."""
        return self.inputs.request

    @cached_property
    def unit(self) -> str:
        """The unit of lead time."""
        return lead_unit(self.project, self.at.pins)

    @cached_property
    def value(self) -> Value | None:
        """What of the column can be traced."""
        from leadline.metrics.behind import traced

        return traced(self.column, self.request.level)

    @cached_property
    def bound(self) -> Bound:
        """What is bound for the request."""
        from leadline.metrics.run import bind

        return bind(self.inputs)

    @cached_property
    def table(self) -> pa.Table:
        """The column in all rows, with how many things each value is of."""
        from leadline.metrics.query import sql

        request, session, scope = self.request, self.inputs.session, self.bound.scope
        shape = (request.metrics, request.level, request.aggregation, scope.zone, self.bound.has_team_rules)
        text = sql(*shape, session.facts.queries, dated=scope.dated, sized=True)
        return session.engine.arrow(session.engine.remember(text))

    def answer(self, place: Place) -> CellBody:
        """The cell at ``place`` with a page of its rows."""
        found = self.found(place)
        return self.told(found, **self._behind(found))

    def told(self, found: Found, **behind: Any) -> CellBody:
        """The answer of a cell, with what is said of the rows behind it."""
        from leadline.metrics.query import size_name

        name = self.column.name(self.request.aggregation)
        return CellBody(
            data_as_of=self.at.as_of,
            table_versions=dict(sorted(self.at.pins.tables.items())),
            value=found.cells[name],
            n=found.cells[size_name(name)],
            metric=metric_of(self.request, self.column.id, self.unit),
            aggregation=_aggregation(self.column, self.request),
            **behind,
        )

    def found(self, place: Place) -> Found:
        """The cell at ``place``; rows are in order of their periods, then of their units. Raises ``NotFound``."""
        row = place.row if place.row is not None else _row_of(self.table, self.request, place)
        if row is None or not 0 <= row < self.table.num_rows:
            rows = "see the answer's rows" if place.row is None else f"there are {self.table.num_rows}, counted from 0"
            field = self.request.level if place.row is None else "row"
            raise NotFound(f"There is no such row; {rows}", code="unknown_row", details=[Detail(field, rows)])
        period, unit = divmod(row, self.bound.scope.units)
        return Found({name: values[0] for name, values in self.table.slice(row, 1).to_pydict().items()}, unit, period)

    def _behind(self, found: Found) -> Mapping[str, Any]:
        """What an answer says of the rows behind a cell."""
        from leadline.metrics.behind import shown_as

        if self.value is None:
            return NOTHING_TRACED
        events = self.events(found)
        page = events.slice(min(self.at.offset, events.num_rows), MOST_ROWS)
        fact, end = shown_as(self.value, self.unit).fact, self.at.offset + page.num_rows
        following = None if end >= events.num_rows else replace(self.at, offset=end).text(self.project)
        return {"facts": fact, "count": events.num_rows, "rows": self.rows(fact, page), "next": following}

    def events(self, found: Found) -> pa.Table:
        """All events behind the cell, by instant, then by key."""
        from leadline.metrics.behind import CELL, INSTANT, PARTS, behind_sql
        from leadline.metrics.owners import Ownership

        session = self.inputs.session
        CELL.bind(session.engine, [(found.unit, found.period)])
        scope, level = self.bound.scope, self.request.level
        of_teams = Ownership(self.bound.has_team_rules, scope.dated, level == SERVICE)
        events = session.engine.arrow(
            behind_sql(self.column.id, level, scope.zone, of_teams, self.unit, session.facts.queries)
        )
        keys = [name for name in events.column_names if name not in PARTS]
        return events.sort_by([(name, "ascending") for name in (INSTANT, *keys)])

    def rows(self, fact: str, events: pa.Table) -> list[CellRow]:
        """``events`` as rows of their fact, in the same order."""
        from leadline.facts.query import rows_with_keys

        assert self.value is not None  # noqa: S101 -- there are no events without
        if not events.num_rows:
            return []
        key, inputs = FACTS[fact].key, self.inputs
        pins = self.at.pins
        versions = Versions(pins.tables, pins.trees, inputs.profile, pins.today)
        found = rows_with_keys(
            self.project, inputs.session, fact, events.select(list(key)), versions, self.access, self.request.team
        )
        by_key = {tuple(row[name] for name in key): row for row in found.to_pylist()}
        rows = ((event, by_key[tuple(event[name] for name in key)]) for event in events.to_pylist())
        return [CellRow(row=plain(row), **_parts(event, self.value)) for event, row in rows]


def _aggregation(column: MetricColumn, request: MetricsRequest) -> str:
    kind = column.metric.kind
    return column.aggregation(request.aggregation) if kind == "statistic" else kind


# -- which cell --------------------------------------------------------------------------------------------------------

_UNIT_COLUMNS = {DEVELOPER: ("Email",), TEAM: ("Team_Id",), SERVICE: ("Service", "Repository")}
"""The columns of a row, the first of which that is not empty says whose it is."""


def _row_of(table: pa.Table, request: MetricsRequest, place: Place) -> int | None:
    names = _UNIT_COLUMNS[request.level]
    starts = table["Start_Date"].to_pylist()
    units = [next(filter(None, unit), "") for unit in zip(*(table[name].to_pylist() for name in names), strict=True)]
    wanted = ((place.unit or "").strip().lower(), place.start or request.start)
    rows = (row for row, key in enumerate(zip(units, starts, strict=True)) if (key[0].lower(), key[1]) == wanted)
    return next(rows, None)


# -- rows --------------------------------------------------------------------------------------------------------------


def _parts(event: Mapping[str, Any], value: Value) -> dict[str, Cell]:
    """What an event brings to the value."""
    parts: dict[str, Cell] = {
        "value": 1 if isinstance(value, Count) else _part(event["measured"], value.measure, value)
    }
    if isinstance(value, Ratio) and isinstance(value.over, Measure):
        parts["over"] = _part(event["over"], value.over, value)
    return parts


def _part(number: int | None, measure: Measure, value: Value) -> Cell:
    if number is None:
        return 0 if measure.flag else None
    if measure.combine == "distinct":
        return str(date.fromordinal(date(1970, 1, 1).toordinal() + number))
    return number / value.unit if isinstance(value, Statistic) and value.unit != 1 else number
