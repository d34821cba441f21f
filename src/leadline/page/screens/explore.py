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
from leadline.errors import Forbidden, InvalidRequest, NotFound
from leadline.exports import service
from leadline.exports.kinds import KINDS
from leadline.metrics.metric import DEVELOPER, INSIGHTS, SERVICE, TEAM
from leadline.metrics.request import FORMATS
from leadline.page.boards import Line, lines_of
from leadline.page.chart_figures import card_of, figure_of
from leadline.page.charts import look_of
from leadline.page.choices import GRANULARITIES
from leadline.page.exploration import (
    MOST_CHARTS,
    Exploration,
    copies,
    exploration_of,
    kind_in,
)
from leadline.page.exploration import lines_of as chart_lines
from leadline.page.forms import Form
from leadline.page.saved import saved_of
from leadline.page.screen import PageRoute, Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

LENGTHS = {"daily": "Days", **GRANULARITIES}
ROWS = {"": 100, "all": 1000}
"""Rows of the table, by what the address says of ``rows``; files have all."""
LEVELS = {TEAM: "Teams", DEVELOPER: "Developers", SERVICE: "Services"}
NAMES = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet"}


@dataclass(frozen=True)
class Rows:
    """The rows of the table: ``lines`` are those shown of ``total``. ``refused`` says why there are none to see."""

    lines: Sequence[Line]
    total: int = 0
    refused: str = ""


@router.get("/explore")
async def explore(visit: LimitedReader) -> Response:
    """The charts, the table, and the same as requests."""
    view = await run_in_threadpool(_view, visit)
    if view is None:
        return visit.html("no_tree.html", title="Explore")
    exploration, sort = _sorted(exploration_of(view))
    view = exploration.view
    charts = await chart_lines(visit, exploration, exploration.metrics[:MOST_CHARTS])
    context: dict[str, Any] = {
        "view": view,
        "exploration": exploration,
        "rows": await _rows(visit, exploration, sort),
        "charts": [card_of(figure_of(picture, view, "/explore/chart")) for picture in charts.pictures],
        "lines": charts,
        "copies": copies(exploration, str(visit.request.base_url).rstrip("/")),
        "saved": await run_in_threadpool(saved_of, visit),
        "kinds": {name: KINDS[name].title for name in INSIGHTS},
        "levels": {level: title for level, title in LEVELS.items() if level in exploration.kind.leading},
        "lengths": _lengths(exploration.kind.name),
        "formats": {form: NAMES[form] for form in FORMATS},
        "named": exploration.level != DEVELOPER or view.query.get("names") == "shown",
    }
    return visit.html("explore.html", title="Explore", **context)


def _view(visit: Visit) -> View | None:
    return view_of(visit, _lengths(kind_in(visit.request.query_params)))


def _lengths(kind: str) -> dict[str, str]:
    """The lengths of periods that a kind has."""
    (option,) = (option for option in KINDS[kind].command.options if option.field == "options.granularity")
    return {length: title for length, title in LENGTHS.items() if length in option.choices}


def _sorted(exploration: Exploration) -> tuple[Exploration, str | None]:
    """The column that the address sorts by; of one that there is not it says so."""
    sort = exploration.view.query.get("sort")
    columns = [metric.column_for(exploration.view.aggregation) for metric in exploration.metrics]
    if sort is None or sort.removeprefix("-") in {*columns, "Start_Date", exploration.level.capitalize()}:
        return exploration, sort
    problem = f"There is no column {sort.removeprefix('-')[:40]!r} to sort by"
    view = replace(exploration.view, problems=(*exploration.view.problems, problem))
    return replace(exploration, view=view), None


async def _rows(visit: Visit, exploration: Exploration, sort: str | None) -> Rows:
    view = exploration.view
    most = ROWS.get(view.query.get("rows", ""), ROWS[""])
    asked = {**exploration.asked, "limit": most, "sort": sort}
    try:
        answered = await visit.state.insights.get(
            visit.request, visit.project, exploration.kind.name, asked, visit.access
        )
    except Forbidden as error:
        return Rows([], refused=error.message)
    return Rows(lines_of(view.bare, answered.body), answered.body.total)


@router.post("/explore/file")
async def file(visit: LimitedReader, form: Form) -> Response:
    """Have the file made, and show it."""
    view = await run_in_threadpool(_view, visit)
    if view is None:
        raise NotFound("There is no org tree, and so there are no rows")
    exploration = exploration_of(view)
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
    view = await run_in_threadpool(_view, visit)
    if form not in CONTENT_TYPES or view is None:
        raise NotFound(f"There is no such file of a chart; forms are {', '.join(CONTENT_TYPES)}")
    exploration = _of_metric(view.understood(), metric)
    lines = await chart_lines(visit, exploration, exploration.metrics)
    if not lines.pictures:
        raise NotFound(lines.refused)
    content = await visit.state.charts.drawn(lines.pictures[0], look_of(view, form))
    headers = {"Cache-Control": "no-store"}
    if form == "html":
        headers["Content-Disposition"] = f'attachment; filename="{lines.pictures[0].chart.name}.html"'
    return Response(content, headers=headers, media_type=CONTENT_TYPES[form])


router.add_api_route("/explore/chart/{metric}.{form}", chart_file, route_class_override=PageRoute)


def _of_metric(view: View, metric: str) -> Exploration:
    """``metric`` alone, of whichever kind. Raises ``NotFound``."""
    for kind in INSIGHTS:
        asked = {**view.query, "kind": kind, "metrics": metric}
        exploration = exploration_of(replace(view, query=asked, problems=()))
        if not exploration.view.problems:
            return exploration
    raise NotFound(f"There is no metric {metric[:80]!r} of teams")


SCREEN = Screen("/explore", "Explore", "Insights", "explore", router)
