"""Charts as screens show them: the specification for the browser, the same as a table, and the address of the
picture for who runs no scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from leadline.api.charts import with_goals
from leadline.charts.chart import Chart, Periods
from leadline.charts.draw import Picture
from leadline.charts.picture import period_picture
from leadline.charts.rows import Table
from leadline.exports.insights.kept import Kept
from leadline.exports.insights.models import InsightRow
from leadline.metrics.catalogue import by_ids
from leadline.page.boards import Board, asked_of, rows_link
from leadline.page.choices import OF_A_VIEW
from leadline.page.render import environment
from leadline.page.view import View
from leadline.page.visit import Visit


@dataclass(frozen=True)
class Choice:
    """Charts that share one place on a screen: the address says as ``name`` which is drawn, the first unless it says another.
    ``titles`` and ``charts`` are what each is called and its name, by what the address says."""

    name: str
    label: str
    titles: Mapping[str, str]
    charts: Mapping[str, str]

    def chosen(self, view: View) -> str:
        """What is drawn in ``view``."""
        asked = view.query.get(self.name, "")
        return asked if asked in self.charts else next(iter(self.charts))

    def among(self, charts: Sequence[Chart], view: View) -> list[Chart]:
        """``charts`` without those of the choice that are not drawn."""
        drawn = self.charts[self.chosen(view)]
        return [chart for chart in charts if chart.name == drawn or chart.name not in self.charts.values()]


@dataclass(frozen=True)
class ChartFigure:
    """What the macro ``chart`` shows; ``spec`` is JSON. ``known`` says whether there is anything to draw, ``folder`` where its
    files are."""

    chart: Chart
    spec: str
    table: Table
    view: View
    known: bool
    folder: str = "/charts"

    def file(self, form: str) -> str:
        """The address of the chart as a file."""
        kept = {name: None for name in self.view.query if name not in OF_A_VIEW and name != "trend"}
        return self.view.link(f"{self.folder}/{self.chart.name}.{form}", **kept)


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


async def _card(visit: Visit, chart: Chart, board: Board, choice: Choice | None) -> Markup:
    view = board.view
    if isinstance(chart.data, Periods):
        digest, draw = with_goals(board.digest, board.goals), partial(_over_time, chart, board)
    else:
        single = await visit.state.charts.of_single_things(
            visit.request, visit.project, chart, asked_of(view), visit.access
        )
        digest, draw = single.digest, partial(single.drawn, href=_listed(chart, view), most=MOST_DOTS)
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

    trend = view.query.get("trend") == "yes"
    return period_picture(chart, board.series, board.rows, board.goals, trend=trend, href=behind)


def _listed(chart: Chart, view: View) -> str:
    (column,) = by_ids(chart.metrics)
    return rows_link(view, chart.insight, column.name(view.aggregation), start=view.start, end=view.end)


def figure_of(picture: Picture, view: View, folder: str = "/charts") -> ChartFigure:
    """``picture`` as it stands on a screen that shows ``view``."""
    spec = json.dumps(picture.spec(titled=False), ensure_ascii=False, separators=(",", ":"))
    known = any(row.get("value") for row in picture.drawn.rows)
    return ChartFigure(picture.chart, spec, picture.drawn.table, view, known, folder)


def card_of(figure: ChartFigure, choice: Choice | None = None) -> Markup:
    """``figure`` in its card."""
    template = environment().get_template("chart_card.html")
    return Markup(template.render(view=figure.view, figure=figure, choice=choice))  # noqa: S704 -- a template escapes
