"""Screens on paper: what Delivery and Productivity show of a team (cards, charts, tables), as it goes into a file for a mail. The
numbers are those of the screens; ``paper_pages`` lays them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.charts.answers import Answers
from leadline.charts.chart import Chart, Events
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.draw import Picture
from leadline.charts.goals import goals_of_answer
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.metrics.metric import EFFICIENCY, PRODUCTIVITY, TEAM
from leadline.page.boards import COMPARED, Board, asked_of
from leadline.page.figures import Change, Figure
from leadline.page.screens import delivery, productivity
from leadline.page.view import View

MOST_ROWS = 200
"""Teams in a table."""
MOST_DOTS = 500
"""Single things in a chart."""


@dataclass(frozen=True)
class Card:
    """One figure with its change; ``note`` stands in place of what is unknown."""

    title: str
    figure: Figure
    change: Change | None
    rating: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    name: str
    cells: Sequence[str]


@dataclass(frozen=True)
class PaperTable:
    """A table of teams: ``columns`` over the cells; ``left_out`` rows are not in it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    left_out: int = 0


@dataclass(frozen=True)
class Section:
    """A screen: groups of cards under their headings, charts, and the table, if there are teams below."""

    title: str
    board: Board
    groups: Mapping[str, Sequence[Card]]
    pictures: Sequence[Picture]
    table: PaperTable | None


def sections_of(answers: Answers, view: View) -> list[Section]:
    """Delivery and Productivity of ``view``. Raises what ``Answers.body`` raises."""
    return [_delivery(answers, view), _productivity(answers, view)]


def _delivery(answers: Answers, view: View) -> Section:
    board = _board(answers, view, EFFICIENCY, delivery.TOTALS, delivery.SERIES)
    cards = [
        Card(
            measured.title,
            board.own[measured.metric],
            board.own[measured.metric].change,
            str(board.own[measured.rating].value or ""),
            delivery.why_unknown(measured, board),
        )
        for measured in delivery.FOUR
    ]
    columns = {measured.metric: measured.title for measured in delivery.FOUR} | {delivery.OVERALL: "Overall"}
    return Section("Delivery", board, {"": cards}, _pictures(answers, DELIVERY_CHARTS, view), _table(board, columns))


def _productivity(answers: Answers, view: View) -> Section:
    board = _board(answers, view, PRODUCTIVITY, productivity.TOTALS, productivity.SERIES, level=TEAM)
    groups = {
        heading: [Card(board.own[name].title, board.own[name], board.own[name].change) for name in metrics]
        for heading, metrics in productivity.GROUPS.items()
    }
    charts = productivity.STACK.among(PRODUCTIVITY_CHARTS, view)
    return Section("Productivity", board, groups, _pictures(answers, charts, view), _table(board, productivity.COLUMNS))


def _board(answers: Answers, view: View, kind: str, totals: Sequence[str], series: Sequence[str], **more: Any) -> Board:
    asked = {**asked_of(view), **more}
    first = answers.body(kind, {**asked, **COMPARED, "metrics": list(totals)})
    second = answers.body(kind, {**asked, "depth": 1, "metrics": list(series)})
    today = answers.now.astimezone(answers.project.profile(view.tree.name).zone).date()
    return Board(view, first, second, today, goals_of_answer(answers.project, first))


def _pictures(answers: Answers, charts: Sequence[Chart], view: View) -> list[Picture]:
    """The charts that have anything to draw."""
    pictures = [
        answers.picture(chart, asked_of(view), most=MOST_DOTS if isinstance(chart.data, Events) else 0)
        for chart in charts
    ]
    return [picture for picture in pictures if any(row.get("value") for row in picture.drawn.rows)]


def _table(board: Board, columns: Mapping[str, str]) -> PaperTable | None:
    if not board.below:
        return None
    shown = board.below[:MOST_ROWS]
    rows = [Row(line.name, [line[metric].text for metric in columns]) for line in shown]
    title = f"Teams of {board.view.team.name}"
    return PaperTable(title, list(columns.values()), rows, len(board.below) - len(shown))
