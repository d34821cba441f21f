"""Charts as files, for people who are signed in: what the API gives to keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.api.charts import Look
from leadline.api.exports.charts import respond
from leadline.charts.catalogue import chart_named
from leadline.charts.document import CONTENT_TYPES
from leadline.charts.theme import THEMES
from leadline.errors import NotFound
from leadline.page.boards import asked_of
from leadline.page.choices import TREND
from leadline.page.parameters import Parameter
from leadline.page.screen import PageRoute, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader

router = new_router(PageRoute)

THEME = Parameter("theme", tuple(THEMES), "light")
"""What a chart is drawn for."""


def look_of(view: View, form: str) -> Look:
    """How the address of ``view`` says a chart is drawn. Raises ``InvalidRequest``."""
    view = view.checked(THEME, TREND).understood()
    return Look(form, view.chosen(THEME), trend=view.chosen(TREND) == "yes")


@router.get("/charts/{name}.{form}")
async def chart_file(visit: LimitedReader, name: str, form: Annotated[str, Path()]) -> Response:
    """A chart of the view that the address says."""
    chart, view = chart_named(name), await run_in_threadpool(view_of, visit)
    if form not in CONTENT_TYPES or view is None:
        raise NotFound(f"There is no such file of a chart; forms are {', '.join(CONTENT_TYPES)}")
    look, asked = look_of(view, form), asked_of(view.understood())
    file = await visit.state.charts.get(visit.request, visit.project, chart, asked, look, visit.access)
    return respond(file, chart.name, form, visit.request.headers.get("if-none-match"))
