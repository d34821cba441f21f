"""The screen AI: who uses AI tools, what they had part in, and how work with and without them compares; with the teams below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.charts.ai import AI_CHARTS
from leadline.charts.words import counted
from leadline.metrics.metric import EFFICIENCY, PRODUCTIVITY, TEAM
from leadline.page.boards import PART, PARTS, Board, Line, ask, board_of, lines_of, side_by_side
from leadline.page.chart_figures import cards_of, metrics_over_time
from leadline.page.choices import TREND
from leadline.page.figures import Figure
from leadline.page.missing import ACTIVITY
from leadline.page.screen import Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

GROUPS = {
    "Use": ("AI_ADOPTION_PERCENT", "AI_ACTIVE_DAYS", "AI_LICENSED", "AI_COST"),
    "Part in the work": ("PR_AI_PERCENT", "COMMITS_AI_PERCENT", "CODE_AI_PERCENT", "PR_MERGED_BY_AGENTS"),
    "Lines": ("LOC_ADDED_AI", "AI_LINES_SUGGESTED", "AI_LINES_ACCEPTED", "AI_ACCEPTANCE_PERCENT"),
}
"""The cards: metrics by the headings that they stand under."""
COLUMNS = {
    "AI_ADOPTION_PERCENT": "Adoption",
    "AI_ACTIVE_DAYS": "Active days",
    "PR_AI_ASSISTED": "PRs",
    "PR_AI_PERCENT": "Of all PRs",
    "COMMITS_AI_PERCENT": "Of commits",
    "CODE_AI_PERCENT": "Of code",
    "AI_ACCEPTANCE_PERCENT": "Accepted",
}
"""The columns of the table, and how they are headed."""
BASIS = "CODE_AI_BASIS"
BOUND = {"commits": "at most: nobody counts lines, so all of a marked commit are", "lines": "as lines are counted"}
"""What the share of code is of, in words, by what the basis says."""
_UNREAD = "No report of these days says so: connect Copilot, Cursor or Claude Code, or push rows of ai_usage."
_OF_USE = (*GROUPS["Use"], "AI_LINES_SUGGESTED", "AI_LINES_ACCEPTED", "AI_ACCEPTANCE_PERCENT")
WHY = {
    **dict.fromkeys(_OF_USE, _UNREAD),
    "PR_AI_PERCENT": "No pull request was merged in these days.",
    **dict.fromkeys(("COMMITS_AI_PERCENT", "CODE_AI_PERCENT"), "No commit of these days is credited to the team."),
}
"""Why a figure may be unknown."""
TOTALS = tuple(dict.fromkeys([*(metric for metrics in GROUPS.values() for metric in metrics), *COLUMNS, BASIS]))
SERIES = tuple(dict.fromkeys([*TOTALS, *metrics_over_time(AI_CHARTS)]))

COMPARED: Mapping[str, Sequence[str]] = {
    PRODUCTIVITY: (
        "PR_MERGED",
        "PR_CYCLE_TIME_DAYS_AVG",
        "REVIEW_TIME_TO_FIRST_COMMENT_HRS_AVG",
        "REVIEW_COMMENTS_PER_PR_AVG",
        "PR_REVERTED_PERCENT",
        "REWORK_PERCENT",
        "WORK_COMPLETED",
    ),
    EFFICIENCY: ("LTTC_MEAN_DAYS", "DF_DEPLOYMENT_COUNT", "CFR_PERCENT", "MTTR_MEAN_DAYS"),
}
"""The metrics that are compared, by the insights that have them."""


@dataclass(frozen=True)
class Compared:
    """One metric of what AI tools had part in, of what they had not, and of all. ``small``: of so few pull requests that it says
    little."""

    figures: Mapping[str, Figure]
    small: Mapping[str, bool]

    @property
    def whole(self) -> Figure:
        """The figure of all."""
        return self.figures["all"]


@router.get("/ai")
async def ai(visit: LimitedReader) -> Response:
    """The figures, the comparison, the charts, and the teams below."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="AI")
    view = view.checked(TREND)
    board = await board_of(visit, view, PRODUCTIVITY, totals=TOTALS, series=SERIES, level=TEAM)
    profile = await run_in_threadpool(visit.project.profile, view.tree.name)
    context: dict[str, Any] = {
        "view": board.view,
        "board": board,
        "missing": await run_in_threadpool(ACTIVITY.of, visit.project),
        "groups": GROUPS,
        "columns": COLUMNS,
        "why": WHY,
        "units": {"AI_COST": profile["ai.currency"]},
        "notes": _notes(board),
        "parts": PARTS,
        "compared": await _compared(visit, view),
        "charts": await cards_of(visit, AI_CHARTS, board),
    }
    return visit.html("ai.html", title="AI", **context)


def _notes(board: Board) -> dict[str, str]:
    """What is said under some figures in place of how many things they are of."""
    users = board.own["AI_ADOPTION_PERCENT"].count
    return {
        "CODE_AI_PERCENT": BOUND.get(str(board.own[BASIS].value), ""),
        "AI_ADOPTION_PERCENT": "" if users is None else f"{counted(users, 'developer')} used one",
    }


async def _compared(visit: Visit, view: View) -> list[Compared]:
    """Every metric of ``COMPARED`` in its parts."""
    brought = await side_by_side(_split(visit, view, PRODUCTIVITY), _split(visit, view, EFFICIENCY))
    return [
        Compared(
            {part: line[metric] for part, line in lines.items()},
            {part: bool((line.row.key or {}).get("Small")) for part, line in lines.items()},
        )
        for metrics, lines in zip(COMPARED.values(), brought, strict=True)
        if lines
        for metric in metrics
    ]


async def _split(visit: Visit, view: View, kind: str) -> dict[str, Line]:
    """The team's row of ``kind`` by its part; nothing where the team was not there in these days."""
    level = {"level": TEAM} if kind == PRODUCTIVITY else {}
    asked = {"granularity": "total", "depth": 0, "splitBy": "ai", **level}
    body = await ask(visit, view, kind, COMPARED[kind], **asked)
    return {str((line.row.key or {})[PART]): line for line in lines_of(view, body)}


SCREEN = Screen("/ai", "AI", "Insights", "ai", router)
