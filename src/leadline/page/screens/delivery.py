"""The screen Delivery: how fast a team's work reaches production and how often that goes wrong, with the teams below it or its
services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.words import a_week
from leadline.metrics.catalogue import by_ids
from leadline.metrics.goals import FREQUENCY, goal_of
from leadline.metrics.metric import EFFICIENCY, SERVICE
from leadline.metrics.periods import units_of
from leadline.page.bands import bands_in_words
from leadline.page.boards import NAME, Board, Line, ask, board_of, in_order, lines_of, side_by_side
from leadline.page.chart_figures import cards_of, look_up, metrics_over_time
from leadline.page.choices import TREND
from leadline.page.figures import Figure, ShownGoal
from leadline.page.parameters import Parameter
from leadline.page.saved import pinned_of
from leadline.page.screen import Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()


@dataclass(frozen=True)
class Measured:
    """One of the four: the metric and its rating, what it is called, and why the value may be unknown."""

    metric: str
    rating: str
    title: str
    unknown: str
    needs: str


FOUR = (
    Measured(
        "LTTC_MEAN_DAYS",
        "LTTC_RATING",
        "Lead time",
        "No work of these days has a lead time",
        "it needs completed work items or merged pull requests",
    ),
    Measured(
        "DF_DEPLOYMENT_COUNT",
        "DF_RATING",
        "Deployments",
        "No deployments known",
        "connect the tool that deploys, or push its runs",
    ),
    Measured(
        "CFR_PERCENT",
        "CFR_RATING",
        "Failure rate",
        "No production deployment finished in these days",
        "it needs deployments, and incidents or their outcomes",
    ),
    Measured(
        "MTTR_MEAN_DAYS",
        "MTTR_RATING",
        "Restore time",
        "No incident was resolved in these days",
        "it needs incidents: of PagerDuty or Jira, or pushed",
    ),
)
OVERALL = "OVERALL_RATING"
OF_SERVICES = tuple(measured for measured in FOUR if by_ids((measured.metric,))[0].metric.formula(SERVICE) is not None)
"""Those of the four that services have, too."""
_SERVICE_METRICS = tuple(name for measured in OF_SERVICES for name in (measured.metric, measured.rating))
BY = Parameter("by", ("teams", "services"))
"""What a row of the table is."""
MOST_SERVICES = 100
"""Services in the table; those that its order leaves out are said to be there."""
TOTALS = (*(name for measured in FOUR for name in (measured.metric, measured.rating)), OVERALL)
_OVER_TIME = metrics_over_time(DELIVERY_CHARTS)
SERIES = tuple(dict.fromkeys([*_OVER_TIME, *(measured.metric for measured in FOUR)]))


@router.get("/delivery")
async def delivery(visit: LimitedReader) -> Response:
    """The four, their charts, and the teams below or the services."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Delivery")
    view = view.checked(BY, TREND)
    board, _ = await side_by_side(
        board_of(visit, view, EFFICIENCY, totals=TOTALS, series=SERIES), look_up(visit, view, DELIVERY_CHARTS)
    )
    view = board.view
    profile = await run_in_threadpool(visit.project.profile, view.tree.name)
    a_day = deployments_a_day(view, board)
    context: dict[str, Any] = {
        "view": view,
        "board": board,
        "four": FOUR,
        "bands": {measured.metric: bands_in_words(profile, measured.rating) for measured in FOUR},
        "a_week": a_week(a_day),
        "frequency_goal": frequency_goal(board, a_day),
        "charts": await cards_of(visit, DELIVERY_CHARTS, board),
        "services": await services_of(visit, view) if by_services(view, board) else None,
        "of_services": OF_SERVICES,
        "most_services": MOST_SERVICES,
        "pinned": await run_in_threadpool(pinned_of, visit),
        "why": {measured.metric: why_unknown(measured, board) for measured in FOUR},
    }
    return visit.html("delivery.html", title="Delivery", **context)


def by_services(view: View, board: Board) -> bool:
    """Whether the table is of services: where the address says so, or there is no team below."""
    return view.chosen(BY) == "services" or not board.below


async def services_of(visit: Visit, view: View) -> list[Line]:
    """The services of the team, in the order that the address asks for."""
    body = await ask(visit, view, EFFICIENCY, _SERVICE_METRICS, level=SERVICE, granularity="total")
    return in_order(lines_of(view, body), view.query.get("sort", NAME))


def deployments_a_day(view: View, board: Board) -> float:
    """Deployments on each day of the range, up to today: as the rate of reports."""
    units = units_of(view.start, min(view.end, board.today), "daily")
    count = board.own["DF_DEPLOYMENT_COUNT"].value
    return float(count / units) if isinstance(count, int) and units else 0.0


def frequency_goal(board: Board, a_day: float) -> ShownGoal | None:
    """The goal of deployments, and whether so many ``a_day`` meet it."""
    goal = goal_of(board.goals, FREQUENCY)
    if goal is None:
        return None
    return ShownGoal(f"Goal: at least {a_week(goal.target)}", goal.met(a_day))


def why_unknown(measured: Measured, board: Board) -> str:
    """Why there is no figure, and what would help; '' where there is one."""
    figure = board.own[measured.metric]
    if figure.known and not (figure.value == 0 and _unrated(board.own[measured.rating])):
        return ""
    return f"{measured.unknown}: {measured.needs}."


def _unrated(rating: Figure) -> bool:
    return rating.value is None


SCREEN = Screen("/delivery", "Delivery", "Insights", "delivery", router)
