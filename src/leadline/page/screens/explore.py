"""The screen Explore: any metrics by level, length of period and statistic, as charts and a table, to be downloaded as a file,
copied as a request or a command, and saved under a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from leadline.charts.document import CONTENT_TYPES
from leadline.diagnostics.days_of_data import WithoutData
from leadline.errors import Forbidden, InvalidRequest, NotFound
from leadline.exports import service
from leadline.exports.insights.answer import TooManyRows
from leadline.metrics.metric import DEVELOPER
from leadline.metrics.request import FORMATS, SPLIT
from leadline.page.boards import PARTS, Line, has_numbers
from leadline.page.boards import lines_of as rows_of
from leadline.page.chart_figures import card_of, figure_of
from leadline.page.charts import look_of
from leadline.page.choices import NAMES
from leadline.page.copies import copies
from leadline.page.days_of_data import without_data_of
from leadline.page.exploration import (
    EXPLORED,
    KIND,
    ROWS,
    Exploration,
    columns_of,
    exploration_of,
    kind_in,
    lengths_of,
    plural,
)
from leadline.page.exploration_charts import lines_of
from leadline.page.forms import Form
from leadline.page.saved import saved_of
from leadline.page.screen import PageRoute, Screen, new_router
from leadline.page.view import view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

MOST_CHARTS = 4
"""The first of the metrics, of which there are charts."""
MOST_ROWS = {"": 100, "all": 1000}
"""Rows of the table, by what the address says of ``rows``; files have all."""
FORMAT_NAMES = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet"}
_NAMED_BY = ("Developer", "Service", "Team")
"""The columns that rows are called by, the first that there is."""
_NOT_TOLD = (SPLIT[1], "Service")
"""What of a row's key its line says otherwise."""


@dataclass(frozen=True)
class Rows:
    """The rows of the table: ``lines`` are those shown of ``total``. ``refused`` says why there are none to see,
    ``without_data`` that nothing is known of the days."""

    lines: Sequence[Line]
    total: int = 0
    refused: str = ""
    without_data: WithoutData | None = None

    @property
    def key_columns(self) -> list[str]:
        """What rows say of what they are of beside whose and when."""
        key = (self.lines[0].row.key if self.lines else None) or {}
        return [name for name in key if name not in _NOT_TOLD and not name.endswith("_Id")]


@router.get("/explore")
async def explore(visit: LimitedReader) -> Response:
    """The charts, the table, and the same as requests."""
    exploration = await _explored(visit)
    if exploration is None:
        return visit.html("no_tree.html", title="Explore")
    view, kind = exploration.view, exploration.kind
    charts = await lines_of(visit, exploration, exploration.metrics[:MOST_CHARTS])
    figures = [figure_of(picture, view, "/explore/chart", exploration.kept) for picture in charts.pictures]
    context: dict[str, Any] = {
        "view": view,
        "exploration": exploration,
        "rows": await _rows(visit, exploration),
        "named_by": next(name for name in _NAMED_BY if name in kind.describing(exploration.level)),
        "parts": PARTS,
        "charts": [card_of(figure) for figure in figures],
        "lines": charts,
        "copies": copies(exploration, str(visit.request.base_url).rstrip("/")),
        "saved": await run_in_threadpool(saved_of, visit),
        "kinds": EXPLORED,
        "levels": {level: plural(level) for level in kind.leading},
        "lengths": lengths_of(kind),
        "formats": {form: FORMAT_NAMES[form] for form in FORMATS},
        "named": exploration.level != DEVELOPER or view.chosen(NAMES) == "shown",
    }
    return visit.html("explore.html", title="Explore", **context)


async def _explored(visit: Visit) -> Exploration | None:
    kind = kind_in(visit.request.query_params)
    view = await run_in_threadpool(view_of, visit, lengths_of(kind))
    return None if view is None else exploration_of(view, kind, await columns_of(visit, view, kind))


async def _rows(visit: Visit, exploration: Exploration) -> Rows:
    view = exploration.view
    asked = {**exploration.asked, "limit": MOST_ROWS[view.chosen(ROWS)], "sort": view.query.get("sort")}
    try:
        answered = await visit.state.insights.get(
            visit.request, visit.project, exploration.kind.name, asked, visit.access
        )
    except (Forbidden, TooManyRows) as error:
        return Rows([], refused=error.message)
    body = answered.body
    nothing = None if has_numbers(body.rows) else await without_data_of(visit, view)
    chosen = [metric.id for metric in exploration.metrics]
    lines = [
        Line(line.row, {name: line[name] for name in chosen if name in line.figures})
        for line in rows_of(exploration.of_figures, body)
    ]
    return Rows(lines, body.total, without_data=nothing)


@router.post("/explore/file")
async def file(visit: LimitedReader, form: Form) -> Response:
    """Have the file made, and show it."""
    exploration = await _explored(visit)
    if exploration is None:
        raise NotFound("There is no org tree, and so there are no rows")
    exploration.view.understood()
    made = await run_in_threadpool(_created, visit, exploration, str(form.get("format", "")))
    return RedirectResponse(f"/exports/{exploration.kind.name}/{made}", 303)


def _created(visit: Visit, exploration: Exploration, form: str) -> str:
    if form not in FORMATS:
        raise InvalidRequest(f"Files have no format {form[:40]!r}; they are {', '.join(FORMATS)}")
    body = exploration.body
    body["options"]["format"] = form
    kind = exploration.kind.name
    created = service.create(
        visit.project, body, kind=kind, created_by=visit.key.id, now=visit.now, access=visit.access
    )
    return created.export.id


async def chart_file(visit: LimitedReader, metric: str, form: Annotated[str, Path()]) -> Response:
    """The chart of one metric as a file."""
    if form not in CONTENT_TYPES:
        raise NotFound(f"There is no such file of a chart; forms are {', '.join(CONTENT_TYPES)}")
    exploration = await _of_metric(visit, metric)
    view = exploration.view.understood()
    lines = await lines_of(visit, exploration, exploration.metrics)
    if not lines.pictures:
        raise NotFound(lines.refused)
    content = await visit.state.charts.drawn(lines.pictures[0], look_of(view, form))
    headers = {"Cache-Control": "no-store"}
    if form == "html":
        headers["Content-Disposition"] = f'attachment; filename="{lines.pictures[0].chart.name}.html"'
    return Response(content, headers=headers, media_type=CONTENT_TYPES[form])


router.add_api_route("/explore/chart/{metric}.{form}", chart_file, route_class_override=PageRoute)


async def _of_metric(visit: Visit, metric: str) -> Exploration:
    """``metric`` alone, of the kind that the address names, or of whichever has it. Raises ``NotFound``."""
    said = visit.request.query_params.get(KIND.name)
    catalogued = [kind for kind in EXPLORED.values() if kind.catalogue()]
    for kind in [EXPLORED[said]] if said and said in EXPLORED else catalogued:
        view = await run_in_threadpool(view_of, visit, lengths_of(kind))
        if view is None:
            raise NotFound("There is no org tree, and so there are no charts")
        alone = replace(view, query={**view.query, KIND.name: kind.name, "metrics": metric}, problems=())
        exploration = exploration_of(alone, kind, await columns_of(visit, view, kind))
        if not exploration.view.problems:
            return replace(exploration, view=replace(exploration.view, problems=view.problems))
    raise NotFound(f"There is no metric {metric[:80]!r} of teams")


SCREEN = Screen("/explore", "Explore", "Insights", "explore", router)
