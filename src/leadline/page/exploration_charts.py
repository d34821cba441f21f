"""The charts of Explore: of each column that teams have, over time, with a line for the team and for each directly below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from leadline.charts.catalogue import column_chart
from leadline.charts.chart import Chart
from leadline.charts.draw import Picture
from leadline.charts.forms import MOST_LINES
from leadline.charts.goals import goals_of_answer
from leadline.charts.picture import team_picture
from leadline.exports.insights.answer import TooManyRows
from leadline.exports.insights.models import InsightBody, InsightRow
from leadline.metrics.goals import Goals
from leadline.metrics.metric import TEAM, CatalogueEntry
from leadline.page.boards import entry_of, has_rows_behind, rows_link
from leadline.page.exploration import Exploration, at_level, level_parameter
from leadline.page.view import View
from leadline.page.visit import Visit

NO_NUMBERS = frozenset({"rating", "word"})
"""The units of columns that are words."""


@dataclass(frozen=True)
class Lines:
    """Charts over time of the team and the first of those directly below it; ``left_out`` says how many more there are, ``refused``
    why there are no charts."""

    pictures: Sequence[Picture]
    left_out: int = 0
    refused: str = ""


async def lines_of(visit: Visit, exploration: Exploration, metrics: Sequence[CatalogueEntry]) -> Lines:
    """A chart for each of ``metrics`` that teams have."""
    of_teams = [metric for metric in at_level(metrics, TEAM) if metric.unit not in NO_NUMBERS]
    if not of_teams:
        return Lines(
            [], refused="These metrics are of single developers alone, or no numbers: there is no line of a team."
        )
    view, kind = exploration.view, exploration.kind
    asked = {name: said for name, said in exploration.asked.items() if name != "splitBy"}
    asked |= {**kind.brought_by([metric.column for metric in of_teams]), "depth": 1, level_parameter(kind): TEAM}
    try:
        answered = await visit.state.insights.get(visit.request, visit.project, kind.name, asked, visit.access)
    except TooManyRows:
        return Lines(
            [], refused="These are more periods and teams than a chart can show: choose fewer days or longer periods."
        )
    body = answered.body
    lines = _by_team(body, view)
    shown = dict(list(lines.items())[:MOST_LINES])
    goals = await run_in_threadpool(goals_of_answer, visit.project, body)
    ids = {metric.id for metric in of_teams}
    charts = [column_chart(entry_of(body, metric), metric.id) for metric in body.metrics if metric.id in ids]
    pictures = [_picture(chart, body, shown, exploration, goals) for chart in charts]
    return Lines(pictures, len(lines) - len(shown))


def _by_team(body: InsightBody, view: View) -> dict[str, list[InsightRow]]:
    """The rows of each team, the team of ``view`` first. Teams that are called the same are called by their path."""
    rows: dict[str, list[InsightRow]] = {}
    teams = {row.team.ref_id or "": row.team for row in body.rows if row.team}
    names = [team.name for team in teams.values()]
    called = {ref: team.name if names.count(team.name) == 1 else team.path for ref, team in teams.items()}
    own = str(view.team.ref_id)
    for ref in sorted(called, key=lambda ref: ref != own):
        rows[called[ref]] = [row for row in body.rows if row.team and row.team.ref_id == ref]
    return rows


def _picture(
    chart: Chart, body: InsightBody, lines: Mapping[str, Sequence[InsightRow]], exploration: Exploration, goals: Goals
) -> Picture:
    view = exploration.of_figures

    def behind(column: str, row: InsightRow) -> str:
        team = row.team and row.team.ref_id
        return rows_link(view, body.kind, column, start=row.start_date, end=row.end_date, team=team)

    return team_picture(chart, body, lines, goals, href=behind if has_rows_behind(body) else None)
