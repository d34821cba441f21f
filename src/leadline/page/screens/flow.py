"""The screen Flow: how work items flow through a team (what comes and goes, what is in progress, how long it takes), when what is
left will be done, and the teams below it."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.charts.flow import FLOW_CHARTS
from leadline.metrics.metric import FLOW
from leadline.page.boards import board_of
from leadline.page.chart_figures import cards_of, metrics_over_time
from leadline.page.choices import TREND
from leadline.page.forecasts import ASK, QUESTIONS, forecast_of
from leadline.page.missing import WORK_ITEMS
from leadline.page.screen import Screen, new_router
from leadline.page.view import view_of
from leadline.page.visit import LimitedReader

router = new_router()

GROUPS = {
    "Cycle time": (
        "CYCLE_TIME_MEDIAN_DAYS",
        "CYCLE_TIME_P85_DAYS",
        "CYCLE_TIME_P95_DAYS",
        "FLOW_EFFICIENCY_PERCENT",
    ),
    "Work in progress": ("WIP_AVG", "WIP_END", "WIP_AGE_MEDIAN_DAYS", "WIP_AGE_P85_DAYS"),
    "Throughput": ("ARRIVALS", "THROUGHPUT", "REOPENED"),
}
"""The cards: metrics by the headings that they stand under."""
COLUMNS = {
    "THROUGHPUT": "Completed",
    "ARRIVALS": "Started",
    "WIP_AVG": "In progress",
    "CYCLE_TIME_MEDIAN_DAYS": "Cycle time",
    "CYCLE_TIME_P85_DAYS": "Cycle time (p85)",
    "FLOW_EFFICIENCY_PERCENT": "Flow efficiency",
    "REOPENED": "Reopened",
}
"""The columns of the table, and how they are headed."""
_CYCLE = "No work item whose start is known was completed in these days."
_AGE = "No work item whose start is known was in progress at the end of these days."
WHY = {
    **dict.fromkeys(("CYCLE_TIME_MEDIAN_DAYS", "CYCLE_TIME_P85_DAYS", "CYCLE_TIME_P95_DAYS"), _CYCLE),
    **dict.fromkeys(("WIP_AGE_MEDIAN_DAYS", "WIP_AGE_P85_DAYS"), _AGE),
    "FLOW_EFFICIENCY_PERCENT": "Nothing was completed in these days that could have been in a status of waiting: the setting "
    "flow.wait_statuses says which these are.",
}
"""Why a figure may be unknown."""
TOTALS = tuple(metric for metrics in GROUPS.values() for metric in metrics)
SERIES = tuple(dict.fromkeys([*TOTALS, *metrics_over_time(FLOW_CHARTS)]))


@router.get("/flow")
async def flow(visit: LimitedReader) -> Response:
    """The figures, the forecast, the charts, and the teams below."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Flow")
    view = view.checked(ASK, TREND)
    board = await board_of(visit, view, FLOW, totals=TOTALS, series=SERIES)
    context: dict[str, Any] = {
        "view": board.view,
        "board": board,
        "missing": await run_in_threadpool(WORK_ITEMS.of, visit.project),
        "groups": GROUPS,
        "columns": COLUMNS,
        "why": WHY,
        "questions": QUESTIONS,
        "forecast": await forecast_of(visit, view),
        "charts": await cards_of(visit, FLOW_CHARTS, board),
    }
    return visit.html("flow.html", title="Flow", **context)


SCREEN = Screen("/flow", "Flow", "Insights", "flow", router)
