"""The screen Work allocation: what work of a team was for, by the categories of its settings, and who worked on it; with the teams
below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.charts.allocation import ALLOCATION_CHARTS
from leadline.charts.columns import BUSINESS
from leadline.exports.insights.models import InsightBody
from leadline.metrics.business_columns import FTE, GROUPS, HOURS, PERCENT, POINTS, TICKETS
from leadline.page.boards import Board, board_of
from leadline.page.chart_figures import cards_of
from leadline.page.counted_in import SHARE
from leadline.page.missing import WORK_ITEMS
from leadline.page.screen import Screen, new_router
from leadline.page.view import view_of
from leadline.page.visit import LimitedReader
from leadline.settings.categories import UNCATEGORIZED

router = new_router()

MEASURES = {PERCENT: "Share", TICKETS: "Tickets", POINTS: "Points", HOURS: "Hours logged", FTE: "Developers"}
"""What is told of a category, and how it is headed."""


@dataclass(frozen=True)
class Category:
    """A category: what it is called, and its columns by measure, those that there are."""

    title: str
    columns: Mapping[str, str]


@router.get("/allocation")
async def allocation(visit: LimitedReader) -> Response:
    """The categories, the charts, and the teams below."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Work allocation")
    view = view.checked(SHARE.parameter)
    asked = {"groups": list(GROUPS), "effortUnit": SHARE.meant_by(view.query)}
    board = await board_of(visit, view, BUSINESS, totals=(), series=(), **asked)
    categories = categories_of(board.totals)
    context: dict[str, Any] = {
        "view": board.view,
        "board": board,
        "missing": await run_in_threadpool(WORK_ITEMS.of, visit.project),
        "categories": categories,
        "measures": {name: text for name, text in MEASURES.items() if any(name in one.columns for one in categories)},
        "columns": {one.columns[PERCENT]: one.title for one in categories if PERCENT in one.columns},
        "uncategorized": _is_uncategorized(board, categories),
        "shares": SHARE.titles,
        "share": SHARE.of(view.query),
        "charts": await cards_of(visit, ALLOCATION_CHARTS, board),
    }
    return visit.html("allocation.html", title="Work allocation", **context)


def categories_of(body: InsightBody) -> list[Category]:
    """The categories of an answer, in its order."""
    found: dict[str, dict[str, str]] = {}
    for metric in body.metrics:
        measure = next(name for name in MEASURES if metric.column.endswith(f"_{name}"))
        title = metric.title.removesuffix(" " + measure.replace("_", " "))
        found.setdefault(title, {})[measure] = metric.id
    return [Category(title, columns) for title, columns in found.items()]


def _is_uncategorized(board: Board, categories: Sequence[Category]) -> bool:
    """Whether items were completed, and not one of them has a category."""
    counts = {one.title: board.own[one.columns[TICKETS]].value for one in categories if TICKETS in one.columns}
    return bool(counts.pop(UNCATEGORIZED, 0)) and not any(counts.values())


SCREEN = Screen("/allocation", "Work allocation", "Insights", "allocation", router)
