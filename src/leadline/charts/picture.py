"""Pictures of answers: the chart that is asked for, drawn on what an insight answers of one team."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from leadline.charts.chart import Chart, Events, Periods, Teams
from leadline.charts.draw import Picture
from leadline.charts.rows import MOST_DOTS, Drawn, Event, Point, class_rows, dot_rows, period_rows, team_rows
from leadline.charts.words import number, range_text
from leadline.exports.insights.request import ONLY_ANSWERED
from leadline.metrics.goals import FREQUENCY, Goals, goal_of
from leadline.metrics.metric import PRODUCTIVITY, TEAM
from leadline.metrics.periods import periods

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.exports.insights.models import InsightBody, InsightRow

_MICRO = 1_000_000
_SECONDS = {"days": 86_400, "hours": 3_600}
"""How many seconds a unit of durations has."""
STEPS = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "total": "period",
}
"""What one period of a granularity is called."""

OF_SCOPE = ("orgTreeName", "teamId", "dateFrom", "dateTo", "period", "granularity", "aggregation")
"""The parameters of an insight that a chart has, too: of whom, when, in which periods, and how durations are summarized."""
Href = Callable[[str, "InsightRow"], str]
"""The address of the rows behind the value that a row has in a column."""


def asked_of(chart: Chart, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the insight that ``chart`` is drawn on: those ``asked`` for, of the team alone, with its metrics."""
    of_scope = {name: value for name, value in asked.items() if name in OF_SCOPE}
    level = {"level": TEAM} if chart.insight == PRODUCTIVITY else {}
    whole = {"granularity": "total"} if isinstance(chart.data, Events) else {}
    return {**of_scope, **level, **whole, "metrics": list(chart.metrics), "depth": 0}


def period_picture(
    chart: Chart,
    body: InsightBody,
    rows: Sequence[InsightRow],
    goals: Goals,
    *,
    trend: bool = False,
    href: Href | None = None,
) -> Picture:
    """``chart`` drawn on ``rows`` of the answer ``body``: those of one team, in order of time. ``goals`` are those of the team."""
    assert isinstance(chart.data, Periods)  # noqa: S101 - charts of single things are drawn on those
    points = _points(chart, body, rows, href)
    step = body.request.granularity
    drawn = period_rows(chart.data, points, STEPS[step], trend=trend, goals=_by_metric(body, goals))
    return Picture(chart, drawn, about(body), step)


def team_picture(
    chart: Chart,
    body: InsightBody,
    lines: Mapping[str, Sequence[InsightRow]],
    goals: Goals,
    *,
    href: Href | None = None,
) -> Picture:
    """``chart`` drawn on rows of the answer ``body``: those of each team, by name, in order of time. ``goals`` are those of the
    first."""
    assert isinstance(chart.data, Teams)  # noqa: S101 - other charts are of one team
    points = {name: _points(chart, body, rows, href) for name, rows in lines.items()}
    step = body.request.granularity
    goal, words = _by_metric(body, goals).get(chart.data.metric), ""
    if goal is not None and chart.data.metric == FREQUENCY:
        words, goal = f"{number(7 * goal)} a week", goal * _mean_unit_days(body)
    return Picture(chart, team_rows(chart.data, points, STEPS[step], goal, words), about(body), step)


def _mean_unit_days(body: InsightBody) -> float:
    """How many days a whole period of the granularity of ``body`` has; longer ones on average over its range."""
    asked = body.request
    start, end = _day(asked.start_date), _day(asked.end_date)
    return fmean(
        period.unit_days for period in periods(start, end, ONLY_ANSWERED.get(asked.granularity, asked.granularity))
    )


def _points(chart: Chart, body: InsightBody, rows: Sequence[InsightRow], href: Href | None) -> list[Point]:
    columns = {metric.id: metric for metric in body.metrics if metric.id in chart.metrics}
    return [
        Point(
            start=_day(row.start_date),
            end=_day(row.end_date),
            values={metric_id: row.values[metric.column] for metric_id, metric in columns.items()},
            counts={metric_id: (row.n or {}).get(metric.column) for metric_id, metric in columns.items()},
            things={metric_id: metric.of or "" for metric_id, metric in columns.items()},
            hrefs={}
            if href is None
            else {metric_id: href(metric.column, row) for metric_id, metric in columns.items()},
        )
        for row in rows
    ]


def _by_metric(body: InsightBody, goals: Goals) -> dict[str, float]:
    """The goals of the columns of ``body``, by metric."""
    found = {metric.id: goal_of(goals, metric.column) for metric in body.metrics}
    return {metric_id: goal.target for metric_id, goal in found.items() if goal is not None}


def event_picture(
    chart: Chart, body: InsightBody, behind: pa.Table, goals: Goals, *, href: str = "", most: int = MOST_DOTS
) -> Picture:
    """``chart`` drawn on the events ``behind`` the one value of ``body``, as ``cells.events_behind`` gives them; of dots the newest
    ``most``."""
    assert isinstance(chart.data, Events)  # noqa: S101 - charts of numbers over time are drawn on those
    drawn = _drawn(chart.data, body, behind, goals, href, most)
    return Picture(chart, drawn, about(body), body.request.granularity)


def _drawn(data: Events, body: InsightBody, behind: pa.Table, goals: Goals, href: str, most: int) -> Drawn:
    from leadline.metrics.behind import MEASURED

    if data.bounds:
        return class_rows(data, (duration / _MICRO for duration in behind[MEASURED].to_pylist()))
    (metric,), (row,) = body.metrics, body.rows
    value = row.values[metric.column]
    whole = value * _SECONDS[metric.unit] if isinstance(value, int | float) else None
    goal = _by_metric(body, goals).get(metric.id)
    seconds = None if goal is None else goal * _SECONDS[metric.unit]
    return dot_rows(data, _events(behind.slice(max(behind.num_rows - most, 0))), whole, href, seconds)


def _events(behind: pa.Table) -> list[Event]:
    from leadline.metrics.behind import INSTANT, MEASURED, PARTS

    keys = [name for name in behind.column_names if name not in PARTS]
    return [
        Event(
            " · ".join(str(event[name]) for name in keys if event[name] not in (None, "")),
            datetime.fromtimestamp(event[INSTANT] / _MICRO, UTC),
            event[MEASURED] / _MICRO,
        )
        for event in behind.to_pylist()
    ]


def _day(day: date | None) -> date:
    if day is None:
        raise AssertionError("rows of metrics have their days")
    return day


def about(body: InsightBody) -> str:
    """Of whom and when, in a line."""
    asked = body.request
    who = asked.team.path if asked.team else asked.org_tree_name
    aggregation = "" if asked.aggregation == "mean" else f" · {asked.aggregation}"
    step = "" if asked.granularity == "total" else f" · by {STEPS[asked.granularity]}"
    return f"{who} · {range_text(asked.start_date, asked.end_date)}{step}{aggregation}"
