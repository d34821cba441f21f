"""What Explore shows: any metrics of one kind, by level, length of period and statistic; and the same as a request of the API and
as the command that writes the file. The table is the answer to that very request."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool

from leadline.charts.catalogue import metric_chart
from leadline.charts.chart import Chart
from leadline.charts.draw import Picture
from leadline.charts.forms import MOST_LINES
from leadline.charts.goals import goals_of_answer
from leadline.charts.picture import team_picture
from leadline.exports.export_kind import ExportKind, Option
from leadline.exports.insights.answer import TooManyRows
from leadline.exports.insights.models import InsightBody, InsightRow
from leadline.exports.insights.request import PARAMETERS
from leadline.exports.kinds import KINDS
from leadline.metrics.goals import Goals
from leadline.metrics.metric import (
    DEVELOPER,
    EFFICIENCY,
    FLOW,
    INSIGHTS,
    PRODUCTIVITY,
    SERVICE,
    TEAM,
    Metric,
    MetricColumn,
)
from leadline.page.boards import ask, rows_link
from leadline.page.offers import by_groups, chosen_metrics, metrics_at
from leadline.page.view import View
from leadline.page.visit import Visit

MOST_METRICS = 8
MOST_CHARTS = 4
"""The first of the metrics, of which there are charts."""
DEFAULT = {
    PRODUCTIVITY: ("PR_MERGED", "PR_CYCLE_TIME_DAYS_AVG"),
    EFFICIENCY: ("LTTC_MEAN_DAYS", "CFR_PERCENT"),
    FLOW: ("WIP_AVG", "THROUGHPUT"),
}


@dataclass(frozen=True)
class Exploration:
    """``metrics`` of the team of ``view`` with all below it, a row for each team or developer (``level``) and period."""

    view: View
    kind: ExportKind
    level: str
    metrics: Sequence[Metric]

    @property
    def groups(self) -> list[tuple[str, list[Metric]]]:
        """What can be chosen."""
        return by_groups(_offered(self.kind.name, self.level))

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the insight, those that are not what its kind takes by itself."""
        days = (
            {"dateFrom": self.view.start.isoformat(), "dateTo": self.view.end.isoformat()}
            if self.view.period is None
            else {"period": self.view.period}
        )
        level = {_level_parameter(self.kind): self.level}
        looks = {"granularity": self.view.granularity, "aggregation": self.view.aggregation}
        columns = [metric.column for metric in self.metrics]
        return {"teamId": str(self.view.team.ref_id), **days, **level, **looks, "metrics": columns}

    @property
    def body(self) -> dict[str, Any]:
        """The same as the body of a create."""
        body: dict[str, Any] = {}
        for name, value in self.asked.items():
            *parts, member = PARAMETERS[name].split(".")
            place = body
            for part in parts:
                place = place.setdefault(part, {})
            place[member] = value
        return body

    def chart(self, metric: Metric) -> Chart:
        """The chart of one of the metrics."""
        return metric_chart(MetricColumn(metric))


def _level_parameter(kind: ExportKind) -> str:
    """The parameter that says what the option ``--level`` of a kind does."""
    (place,) = (option.field for option in kind.command.options if option.flag == "--level")
    return next(name for name, of_body in PARAMETERS.items() if of_body == place)


def exploration_of(view: View) -> Exploration:
    """What the address of ``view`` says; what of it was not understood is among the problems of the view."""
    kind = kind_in(view.query)
    levels = [level for level in (TEAM, DEVELOPER, SERVICE) if level in KINDS[kind].leading]
    level = view.query.get("level", "").lower()
    level = level if level in levels else levels[0]
    view, metrics = chosen_metrics(view, _offered(kind, level), DEFAULT[kind], MOST_METRICS)
    return Exploration(view, KINDS[kind], level, metrics)


def kind_in(query: Mapping[str, str]) -> str:
    """The kind that an address with ``query`` is of."""
    kind = query.get("kind", "")
    return kind if kind in INSIGHTS else PRODUCTIVITY


def _offered(kind: str, level: str) -> list[Metric]:
    return [metric for metric in metrics_at(level) if metric.insight == kind]


# -- charts ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lines:
    """Charts over time of the team and the first of those directly below it; ``left_out`` says how many more there are, ``refused``
    why there are no charts."""

    pictures: Sequence[Picture]
    left_out: int = 0
    refused: str = ""


async def lines_of(visit: Visit, exploration: Exploration, metrics: Sequence[Metric]) -> Lines:
    """A chart for each of ``metrics`` that teams have."""
    view, kind = exploration.view, exploration.kind.name
    of_teams = [metric for metric in metrics if metric.formula(TEAM) is not None and metric.unit != "rating"]
    if not of_teams:
        return Lines(
            [], refused="These metrics are of single developers alone, or no numbers: there is no line of a team."
        )
    level = {"level": TEAM} if kind == PRODUCTIVITY else {}
    try:
        body = await ask(visit, view, kind, [metric.id for metric in of_teams], depth=1, **level)
    except TooManyRows:
        return Lines(
            [], refused="These are more periods and teams than a chart can show: choose fewer days or longer periods."
        )
    lines = _by_team(body, view)
    shown = dict(list(lines.items())[:MOST_LINES])
    goals = await run_in_threadpool(goals_of_answer, visit.project, body)
    pictures = [_picture(exploration.chart(metric), body, shown, view, goals) for metric in of_teams]
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
    chart: Chart, body: InsightBody, lines: Mapping[str, Sequence[InsightRow]], view: View, goals: Goals
) -> Picture:
    def behind(column: str, row: InsightRow) -> str:
        team = row.team and row.team.ref_id
        return rows_link(view.bare, body.kind, column, start=row.start_date, end=row.end_date, team=team)

    return team_picture(chart, body, lines, goals, href=behind)


# -- the same elsewhere ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copied:
    """A text to copy: what it is, and the text."""

    title: str
    text: str


def copies(exploration: Exploration, base: str) -> list[Copied]:
    """The request for a server at ``base``, and the command. The key is in the variable ``API_KEY``."""
    address = f"{base}/v2/insights/{exploration.kind.name}"
    return [
        Copied("curl", _curl(f"{address}?{urlencode(exploration.asked, doseq=True)}")),
        Copied("Python", _python(address, exploration.asked)),
        Copied("Command line", _command(exploration)),
    ]


def _curl(address: str) -> str:
    return f'curl -fsS -H "authorization: ApiKey $API_KEY" \\\n  {shlex.quote(address)}\n'


def _python(address: str, asked: Mapping[str, Any]) -> str:
    members = "".join(f"    {name!r}: {value!r},\n" for name, value in asked.items())
    return f"""import json
import os
import urllib.parse
import urllib.request

query = {{
{members}}}
request = urllib.request.Request(
    {address!r} + "?" + urllib.parse.urlencode(query, doseq=True),
    headers={{"authorization": "ApiKey " + os.environ["API_KEY"]}},
)
with urllib.request.urlopen(request) as answer:
    insight = json.load(answer)
for row in insight["rows"]:
    print(row)
"""


def _command(exploration: Exploration) -> str:
    body, kind = exploration.body, exploration.kind
    days = body["dateRange"]
    said = [("--team", body["scope"]["teamId"])]
    said += [(f"--{name}", days[name]) for name in ("start", "end", "period") if name in days]
    said += [(option.flag, text) for option in kind.command.options if (text := _value(body, option))]
    options = " \\\n  ".join(f"{flag} {shlex.quote(text)}" for flag, text in said)
    return f"leadline export {kind.name} \\\n  {options} \\\n  -o {kind.name}.csv\n"


def _value(body: Mapping[str, Any], option: Option) -> str:
    """What ``body`` says where the option would; '' where it says nothing."""
    value: Any = body
    for part in option.field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return ",".join(value) if isinstance(value, list) else value or ""
