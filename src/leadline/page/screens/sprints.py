"""The screen Sprints: what sprints of a team committed to, what became of it and how steady that is; each sprint, and the teams
below."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.charts.sprints import SPRINT_CHARTS
from leadline.metrics.sprint_columns import SPRINT
from leadline.page.boards import Line, ask, board_of, lines_of
from leadline.page.chart_figures import cards_of, metrics_over_time
from leadline.page.choices import TREND
from leadline.page.counted_in import WORK
from leadline.page.missing import SPRINTS
from leadline.page.screen import Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

MOST_SPRINTS = 100
"""Sprints in the table, the newest; those that are left out are said to be there."""
GROUPS = {
    "Delivery": (
        "SPRINT_VELOCITY",
        "TOTAL_WORK_DELIVERED",
        "COMMITTED_WORK_DELIVERED_PERCENT",
        "TOTAL_WORK_DELIVERED_PERCENT",
    ),
    "Scope": ("SPRINT_COMMIT", "SCOPE_CREEP_PERCENT", "CHURN_RATE", "WORK_REMOVAL_RATE_PERCENT"),
    "Predictability": (
        "PREDICTABILITY_RELIABILITY_OF_COMMITMENT",
        "PREDICTABILITY_DELIVERY_CONSISTENCY",
        "SPRINTS",
        "UNESTIMATED_ITEMS",
    ),
}
"""The cards: columns by the headings that they stand under."""
COLUMNS = {
    "SPRINTS": "Sprints",
    "SPRINT_VELOCITY": "Velocity",
    "TOTAL_WORK_DELIVERED": "Delivered",
    "COMMITTED_WORK_DELIVERED_PERCENT": "Of commitment",
    "SCOPE_CREEP_PERCENT": "Creep",
    "CHURN_RATE": "Churn",
    "PREDICTABILITY_RELIABILITY_OF_COMMITMENT": "Spread",
}
"""The columns of the table of teams, and how they are headed."""
OF_SPRINTS = {
    "SPRINT_COMMIT": "Committed",
    "SPRINT_CREEP": "Added",
    "REMOVED_COMMIT": "Taken out",
    "TOTAL_WORK_DELIVERED": "Delivered",
    "COMMITTED_WORK_DELIVERED_PERCENT": "Of commitment",
    "CHURN_RATE": "Churn",
    "UNESTIMATED_ITEMS": "No estimate",
}
"""The same of the table of sprints."""
_NONE = "No sprint with work in it ended in these days."
WHY = {
    **dict.fromkeys((metric for metrics in GROUPS.values() for metric in metrics), _NONE),
    **dict.fromkeys(GROUPS["Predictability"][:2], "Two sprints or more must have ended in these days."),
}
"""Why a figure may be unknown."""
TOTALS = tuple(dict.fromkeys([*(metric for metrics in GROUPS.values() for metric in metrics), *COLUMNS]))
SERIES = tuple(dict.fromkeys([*TOTALS, *metrics_over_time(SPRINT_CHARTS)]))


@router.get("/sprints")
async def sprints(visit: LimitedReader) -> Response:
    """The figures, the charts, the sprints, and the teams below."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Sprints")
    view = view.checked(TREND, WORK.parameter)
    mode = WORK.meant_by(view.query)
    board = await board_of(visit, view, SPRINT, totals=TOTALS, series=SERIES, computationMode=mode)
    ended, in_all = await _sprints(visit, view, mode)
    context: dict[str, Any] = {
        "view": board.view,
        "board": board,
        "missing": await run_in_threadpool(SPRINTS.of, visit.project),
        "groups": GROUPS,
        "columns": COLUMNS,
        "of_sprints": OF_SPRINTS,
        "why": WHY,
        "works": WORK.titles,
        "work": WORK.of(view.query),
        "sprints": ended,
        "left_out": in_all - len(ended),
        "charts": await cards_of(visit, SPRINT_CHARTS, board),
    }
    return visit.html("sprints.html", title="Sprints", **context)


async def _sprints(visit: Visit, view: View, mode: str) -> tuple[list[Line], int]:
    """The team's newest sprints that ended in the days of ``view``, the newest first, and how many there are in all."""
    asked = {"level": SPRINT, "granularity": "monthly", "depth": 0, "computationMode": mode}
    body = await ask(visit, view, SPRINT, list(OF_SPRINTS), **asked, sort="-End_Date", limit=MOST_SPRINTS)
    newest = sorted(lines_of(view, body), key=lambda line: (line.row.end_date or view.start, line.name), reverse=True)
    return newest, body.total


SCREEN = Screen("/sprints", "Sprints", "Insights", "sprints", router)
