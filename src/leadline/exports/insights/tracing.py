"""Traces cells: which kind of rows has the cells of a request, and the answers that they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leadline.access import UNLIMITED, Access
from leadline.errors import InvalidRequest
from leadline.exports.cursor import Cursor
from leadline.exports.export_kind import ExportKind
from leadline.exports.insights.business_cells import BusinessCells
from leadline.exports.insights.cells import Cells, Place
from leadline.exports.insights.metric_cells import MetricCells
from leadline.exports.insights.models import CellBody
from leadline.exports.insights.sprint_cells import SprintCells
from leadline.home import Project
from leadline.metrics.business_request import BusinessRequest
from leadline.metrics.request import Control, MetricsRequest, PeriodRows, RowsRequest
from leadline.metrics.sprint_request import SprintRequest
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Runner

_CELLS: Mapping[type, type[Cells[Any]]] = {
    MetricsRequest: MetricCells,
    SprintRequest: SprintCells,
    BusinessRequest: BusinessCells,
}


def cells_of(request: PeriodRows) -> type[Cells[Any]]:
    """What traces the cells of a request that is ``traceable``."""
    return _CELLS[type(request)]


def traceable(kind: ExportKind, rows: RowsRequest) -> PeriodRows:
    """The request whose cells are traced. Raises ``InvalidRequest`` for a kind whose rows are not."""
    if type(rows) not in _CELLS or not isinstance(rows, PeriodRows):
        raise InvalidRequest(f"Cells of {kind.name} exports are not traced to rows of facts", code="not_traced")
    if getattr(rows, "split", None) is not None:
        raise InvalidRequest("Cells of rows that are split are not traced to rows of facts", code="not_traced")
    return rows


def cell(
    runner: Runner,
    project: Project,
    request: PeriodRows,
    place: Place,
    at: Cursor,
    control: Control,
    access: Access = UNLIMITED,
) -> CellBody:
    """The cell at ``place`` of the rows of ``request``, which is within ``access``, on the versions of ``at``; and a page of what
    is behind it from ``at`` on, by instant. Raises ``InvalidRequest`` or ``NotFound`` for a place that there is not, and what a
    run raises."""
    kind = cells_of(request)
    of_column = kind.of_column(request, place.column, Profile.of(at.pins.settings))
    with runner.inputs(project, of_column, at.pins, control) as inputs:
        return kind(project, inputs, at, access).answer(place)


def events_behind(
    runner: Runner, project: Project, request: PeriodRows, at: Cursor, control: Control, access: Access = UNLIMITED
) -> pa.Table:
    """All events behind the first cell of ``request``, which is of metrics and has one column, on the versions of ``at``: the
    columns of their fact's key and those of ``behind.PARTS``, in no order. Raises what ``cell`` raises."""
    assert isinstance(request, MetricsRequest)  # noqa: S101 -- charts are of metrics
    with runner.inputs(project, request, at.pins, control) as inputs:
        return MetricCells(project, inputs, at, access).unordered_events(unit=0, period=0)
