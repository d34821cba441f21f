"""The screen Compare: any metrics of the teams below, of up to six teams side by side, or of one team in two ranges of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.errors import InvalidRequest
from leadline.exports.requests import check_length
from leadline.metrics.metric import TEAM, Metric
from leadline.page.boards import NAME
from leadline.page.comparisons import Comparison, other_range, teams_below, teams_side_by_side, two_ranges
from leadline.page.offers import by_groups, chosen_metrics, metrics_at, team_choices
from leadline.page.parameters import Parameter, order_by
from leadline.page.saved import saved_of
from leadline.page.screen import Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit
from leadline.people import Node

router = new_router()

MOST_METRICS = 12
MOST_TEAMS = 6
"""Teams side by side."""
DEFAULT = ("LTTC_MEAN_DAYS", "DF_DEPLOYMENT_COUNT", "CFR_PERCENT", "PR_MERGED", "PR_CYCLE_TIME_DAYS_AVG", "CODING_DAYS")
WAYS = {"below": "Teams below", "teams": "Teams side by side", "periods": "Two periods"}
"""What is compared, by what the address says of ``of``."""
THAN = {"previous": "The days before", "year": "A year before", "own": "Other days"}
"""What days are compared with, by what the address says of ``than``."""
OF, OTHER = Parameter("of", tuple(WAYS), next(iter(WAYS))), Parameter("than", tuple(THAN), next(iter(THAN)))


@router.get("/compare")
async def compare(visit: LimitedReader) -> Response:
    """The comparison that the address says."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Compare")
    offered = metrics_at(TEAM)
    view, metrics = chosen_metrics(view, offered, DEFAULT, MOST_METRICS)
    view = view.checked(OF, OTHER, order_by((NAME, *(metric.id for metric in metrics))))
    way = view.chosen(OF)
    view, teams = _teams(view) if way == "teams" else (view, [])
    view, other = await run_in_threadpool(_other_days, visit, view) if way == "periods" else (view, None)
    context: dict[str, Any] = {
        "view": view,
        "way": way,
        "ways": WAYS,
        "comparison": await _compared(visit, view, metrics, teams, other),
        "metric_groups": by_groups(offered),
        "saved": await run_in_threadpool(saved_of, visit),
        "team_choices": team_choices(view) if way == "teams" else [],
        "chosen_teams": {str(team.ref_id) for team in teams},
        "most_teams": MOST_TEAMS,
        "than": view.chosen(OTHER),
        "than_choices": THAN,
        "other": other,
    }
    return visit.html("compare.html", title="Compare", **context)


async def _compared(
    visit: Visit, view: View, metrics: Sequence[Metric], teams: Sequence[Node], other: tuple[date, date] | None
) -> Comparison:
    if other is not None:
        return await two_ranges(visit, view, metrics, other)
    if teams:
        return await teams_side_by_side(visit, view, metrics, teams)
    return await teams_below(visit, view, metrics)


def _teams(view: View) -> tuple[View, list[Node]]:
    """The teams that the address names, at most so many; else the first of those below."""
    named = view.listed("teams")
    known = {name: view.tree.by_ref[int(name)] for name in named if name.isdecimal() and int(name) in view.tree.by_ref}
    nodes, unknown = list(known.values()), [repr(name[:40]) for name in named if name not in known]
    problems = [f"There is no team {' or '.join(unknown[:MOST_TEAMS])} in {view.tree.name}"] if unknown else []
    if len(nodes) > MOST_TEAMS:
        problems.append(f"{len(nodes)} teams are chosen; the first {MOST_TEAMS} are shown")
    shown = nodes or view.children.get(view.team.ref_id) or [view.team]
    return view.only("teams", list(known)[:MOST_TEAMS], problems), shown[:MOST_TEAMS]


def _other_days(visit: Visit, view: View) -> tuple[View, tuple[date, date]]:
    """The days to compare with; those before where the address says no others that could be."""
    try:
        start, end = other_range(view, view.chosen(OTHER))
        check_length(visit.project, start, end, view.tree.name, "The range to compare with")
    except InvalidRequest as error:
        return view.without(error.message, OTHER.name, "than_from", "than_to"), other_range(view, "previous")
    return view, (start, end)


SCREEN = Screen("/compare", "Compare", "Insights", "compare", router)
