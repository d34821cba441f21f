"""Charts as screens show them: the specification for the browser, the same as a table, and the address of the
picture for who runs no scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from leadline.api.charts import with_goals
from leadline.charts.chart import Chart, Events, Periods
from leadline.charts.draw import Picture
from leadline.charts.picture import asked_of as asked_of_chart
from leadline.charts.picture import event_picture, period_picture
from leadline.charts.rows import Table
from leadline.exports.insights.kept import Kept
from leadline.exports.insights.models import InsightRow
from leadline.metrics.catalogue import by_ids
from leadline.page.boards import Board, asked_of, rows_link
from leadline.page.choices import OF_A_VIEW, TREND
from leadline.page.parameters import Parameter
from leadline.page.render import environment
from leadline.page.view import View
from leadline.page.visit import Visit

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Choice:
    """Charts that share one place on a screen: the address says as ``name`` which is drawn, the first unless it says another.
    ``titles`` and ``charts`` are what each is called and its name, by what the address says."""

    name: str
    label: str
    titles: Mapping[str, str]
    charts: Mapping[str, str]

    @property
    def parameter(self) -> Parameter:
        """What of the address it is."""
        return Parameter(self.name, self.charts, next(iter(self.charts)))

    def chosen(self, view: View) -> str:
        """What is drawn in ``view``."""
        return view.chosen(self.parameter)

    def among(self, charts: Sequence[Chart], view: View) -> list[Chart]:
        """``charts`` without those of the choice that are not drawn."""
        drawn = self.charts[self.chosen(view)]
        return [chart for chart in charts if chart.name == drawn or chart.name not in self.charts.values()]


@dataclass(frozen=True)
class ChartFigure:
    """What the macro ``chart`` shows; ``spec`` is JSON. ``known`` says whether there is anything to draw, ``folder`` where its
    files are, ``kept`` what of the address these are said, too."""

    chart: Chart
    spec: str
    table: Table
    view: View
    known: bool
    folder: str = "/charts"
    kept: tuple[str, ...] = (TREND.name,)

    def file(self, form: str, theme: str | None = None) -> str:
        """The address of the chart as a file; the theme is light if none is named."""
        left_out = {name: None for name in self.view.query if name not in (*OF_A_VIEW, *self.kept)}
        return self.view.link(f"{self.folder}/{self.chart.name}.{form}", **left_out, theme=theme)


MOST_DOTS = 500
"""Single things that a chart on a page draws; its files have more."""
MOST_CARDS = 32 << 20
"""Characters of charts that are kept, those that were looked at last."""


def metrics_over_time(charts: Sequence[Chart]) -> tuple[str, ...]:
    """The ids of the metrics that those of ``charts`` show which are of numbers over time."""
    shown = (metric for chart in charts if isinstance(chart.data, Periods) for metric in chart.metrics)
    return tuple(dict.fromkeys(shown))


async def cards_of(visit: Visit, charts: Sequence[Chart], board: Board, choice: Choice | None = None) -> list[Markup]:
    """``charts`` of the team of ``board`` as they stand on its screen. Those of single things are asked for; the others show what
    the board has. ``choice``: those of them that share a place. What was made of the same is not made again."""
    return [await _card(visit, chart, board, choice) for chart in charts]


async def look_up(visit: Visit, view: View, charts: Sequence[Chart]) -> None:
    """Have found what the cards of ``charts`` will ask for, beside what else the screen waits for."""
    for chart in charts:
        if isinstance(chart.data, Events):
            await _events(visit, view, chart)


async def _events(visit: Visit, view: View, chart: Chart) -> tuple[str, pa.Table]:
    """What ``chart`` draws dots of, or counts, and the digest of it."""
    asked = asked_of_chart(chart, asked_of(view))
    return await visit.state.insights.events(visit.request, visit.project, chart.insight, asked, visit.access)


async def _card(visit: Visit, chart: Chart, board: Board, choice: Choice | None) -> Markup:
    view = board.view
    if not isinstance(chart.data, Events):
        digest, draw = with_goals(board.digest, board.goals), partial(_over_time, chart, board)
    else:
        of_events, events = await _events(visit, view, chart)
        digest = with_goals(of_events + board.digest, board.goals)
        draw = partial(_of_events, chart, board, events)
    cards: Kept[Markup] = visit.request.app.state.chart_cards
    key = json.dumps([digest, chart.name, view.path, sorted(view.query.items())])
    card = cards.get(key)
    if card is None:
        picture = await run_in_threadpool(draw)
        card = await run_in_threadpool(card_of, figure_of(picture, view), choice)
        cards.put(key, card, len(card))
    return card


def _over_time(chart: Chart, board: Board) -> Picture:
    view, kind = board.view, board.series.kind

    def behind(column: str, row: InsightRow) -> str:
        return rows_link(view, kind, column, start=row.start_date, end=row.end_date)

    trend = view.chosen(TREND) == "yes"
    return period_picture(chart, board.series, board.rows, board.goals, trend=trend, href=behind)


def _of_events(chart: Chart, board: Board, events: pa.Table) -> Picture:
    """The value beside the events is that of the board, which has it."""
    href = _listed(chart, board.view)
    return event_picture(chart, board.totals, board.own.row, events, board.goals, href=href, most=MOST_DOTS)


def _listed(chart: Chart, view: View) -> str:
    (column,) = by_ids(chart.metrics)
    return rows_link(view, chart.insight, column.name(view.aggregation), start=view.start, end=view.end)


def figure_of(
    picture: Picture, view: View, folder: str = "/charts", kept: tuple[str, ...] = (TREND.name,)
) -> ChartFigure:
    """``picture`` as it stands on a screen that shows ``view``."""
    spec = json.dumps(picture.spec(titled=False), ensure_ascii=False, separators=(",", ":"))
    known = any(row.get("value") for row in picture.drawn.rows)
    return ChartFigure(picture.chart, spec, picture.drawn.table, view, known, folder, kept)


def card_of(figure: ChartFigure, choice: Choice | None = None) -> Markup:
    """``figure`` in its card."""
    template = environment().get_template("chart_card.html")
    return Markup(template.render(view=figure.view, figure=figure, choice=choice))  # noqa: S704 -- a template escapes
