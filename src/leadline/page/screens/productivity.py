"""The screen Productivity: how people of a team work, in groups of figures and charts, with the teams below it or its developers.

Names of developers are hidden until whoever looks asks for them, and for good where the project hides them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.errors import Forbidden
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import DEVELOPER, PRODUCTIVITY, TEAM
from leadline.page.boards import Line, ask, board_of, lines_of, side_by_side
from leadline.page.chart_figures import Choice, cards_of, look_up, metrics_over_time
from leadline.page.choices import NAMES, TREND
from leadline.page.parameters import Parameter
from leadline.page.screen import Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

MOST_PEOPLE = {"": 40, "all": 1000}
"""Developers in the table, by what the address says of ``people``; those that its order leaves out are said to be there."""
PEOPLE = Parameter("people", ("all",))
BY = Parameter("by", ("teams", "developers"))
"""What a row of the table is."""

GROUPS = {
    "Activity and velocity": ("PR_VELOCITY", "PR_CYCLE_TIME_DAYS_AVG", "AVG_TIME_TO_COMPLETE", "CODING_DAYS"),
    "Volume": ("PR_MERGED", "WORK_COMPLETED", "WORK_FEATURES_COMPLETED", "WORK_BUGS_COMPLETED"),
    "Quality": ("REWORK_PERCENT", "REWORK_PERCENT_RECENT", "PR_REVERTED_PERCENT", "PR_MISSING_TICKETS"),
    "Collaboration": ("REVIEW_COMMENTS_PER_PR_AVG", "REVIEW_TIME_TO_FIRST_COMMENT_HRS_AVG", "PR_WITHOUT_REVIEW"),
}
"""The cards: metrics by the headings that they stand under."""
COLUMNS = {
    "PR_MERGED": "PRs merged",
    "PR_CYCLE_TIME_DAYS_AVG": "Cycle time",
    "WORK_COMPLETED": "Work done",
    "CODING_DAYS": "Coding days",
    "REWORK_PERCENT": "Rework",
    "REVIEW_COMMENTS_PER_PR_AVG": "Comments per PR",
    "REVIEW_TIME_TO_FIRST_COMMENT_HRS_AVG": "First comment",
}
"""The columns of the table, which both levels have, and how they are headed."""
STACK = Choice(
    "stack",
    "What pull requests are stacked by",
    {"size": "Size", "work-type": "Work type"},
    {"size": "pull-requests-by-size", "work-type": "pull-requests-by-work-type"},
)
TOTALS = tuple(dict.fromkeys([*(metric for metrics in GROUPS.values() for metric in metrics), *COLUMNS]))
_OVER_TIME = (*TOTALS, *metrics_over_time(PRODUCTIVITY_CHARTS))
SERIES = tuple(dict.fromkeys(_OVER_TIME))


@dataclass(frozen=True)
class People:
    """The developers of a team: ``lines`` are those shown of ``total``. ``refused`` says why there are none to see."""

    lines: list[Line]
    total: int = 0
    refused: str = ""


@router.get("/productivity")
async def productivity(visit: LimitedReader) -> Response:
    """The groups of figures, the charts, and the table."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Productivity")
    view = view.checked(BY, NAMES, PEOPLE, TREND, STACK.parameter)
    charts = STACK.among(PRODUCTIVITY_CHARTS, view)
    board, _ = await side_by_side(
        board_of(visit, view, PRODUCTIVITY, totals=TOTALS, series=SERIES, level=TEAM), look_up(visit, view, charts)
    )
    view = board.view
    by_people = view.chosen(BY) == "developers" or not board.below
    context: dict[str, Any] = {
        "view": view,
        "board": board,
        "groups": GROUPS,
        "columns": COLUMNS,
        "charts": await cards_of(visit, charts, board, STACK),
        "people": await _people(visit, view) if by_people else None,
        "named": view.chosen(NAMES) == "shown",
    }
    return visit.html("productivity.html", title="Productivity", **context)


async def _people(visit: Visit, view: View) -> People:
    most = MOST_PEOPLE[view.chosen(PEOPLE)]
    asked = {"level": DEVELOPER, "granularity": "total", "limit": most, "sort": _order(view)}
    try:
        body = await ask(visit, view, PRODUCTIVITY, list(COLUMNS), **asked)
    except Forbidden as error:
        return People([], refused=error.message)
    return People(lines_of(view, body), body.total)


def _order(view: View) -> str:
    """The column that the answer is sorted by, as the address says it by the metric's id; the busiest first."""
    sort = view.query.get("sort", "")
    down, metric_id = sort.startswith("-"), sort.removeprefix("-").upper()
    if metric_id not in COLUMNS:
        down, metric_id = True, "PR_MERGED"
    return ("-" if down else "") + by_ids((metric_id,))[0].name(view.aggregation)


SCREEN = Screen("/productivity", "Productivity", "Insights", "productivity", router)
