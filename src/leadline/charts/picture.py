"""Pictures of answers: the chart that is asked for, drawn on what an insight answers of one team."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from leadline.charts.chart import Categories, Chart, Events, Periods, Series, Teams
from leadline.charts.draw import Picture
from leadline.charts.rows import MOST_DOTS, Drawn, Event, Point, class_rows, dot_rows, period_rows, team_rows
from leadline.charts.words import a_week, range_text
from leadline.exports.insights.request import ONLY_ANSWERED
from leadline.metrics.goals import FREQUENCY, Goals, goal_of
from leadline.metrics.metric import PRODUCTIVITY, TEAM, ExportColumn
from leadline.metrics.periods import periods
from leadline.metrics.sprint_request import BY_SPRINT
from leadline.settings.categories import UNLINKED

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.exports.insights.models import InsightBody, InsightMetric, InsightRow

_MICRO = 1_000_000
_HOUR = 3600 * _MICRO
_SECONDS = {"days": 86_400, "hours": 3_600}
"""How many seconds a unit of durations has."""
STEPS = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "total": "period",
    BY_SPRINT: "sprint",
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
    data = periods_of(chart, body)
    points = _points([series.metric for series in data.series], body, rows, href)
    step = body.request.granularity
    drawn = period_rows(data, points, STEPS[step], trend=trend, goals=_by_metric(body, goals))
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
    points = {name: _points(chart.metrics, body, rows, href) for name, rows in lines.items()}
    step = body.request.granularity
    goal, words = _by_metric(body, goals).get(chart.data.metric), ""
    if goal is not None and chart.data.metric == FREQUENCY:
        words, goal = a_week(goal), goal * _mean_unit_days(body)
    return Picture(chart, team_rows(chart.data, points, STEPS[step], goal, words), about(body), step)


def _mean_unit_days(body: InsightBody) -> float:
    """How many days a whole period of the granularity of ``body`` has; longer ones on average over its range."""
    asked = body.request
    start, end = _day(asked.start_date), _day(asked.end_date)
    return fmean(
        period.unit_days for period in periods(start, end, ONLY_ANSWERED.get(asked.granularity, asked.granularity))
    )


def periods_of(chart: Chart, body: InsightBody) -> Periods:
    """What ``chart`` draws of the answer ``body``: what it says itself, or the categories that there are."""
    if isinstance(chart.data, Categories):
        ending = f"_{chart.data.measure}"
        metrics = [metric for metric in body.metrics if metric.id.endswith(ending.upper())]
        # At the end is what not every chart has, so that each of the others has the same colour on all.
        metrics.sort(key=lambda metric: metric.column.startswith(UNLINKED))
        return Periods(tuple(_category(metric, ending) for metric in metrics))
    assert isinstance(chart.data, Periods)  # noqa: S101 - charts of single things are drawn on those
    return chart.data


def _category(metric: InsightMetric, ending: str) -> Series:
    column = ExportColumn(metric.column, metric.group, metric.unit, metric.definition, (), title=metric.title)
    return Series(metric.id, metric.title.removesuffix(ending.replace("_", " ")), column=column)


def _points(metrics: Sequence[str], body: InsightBody, rows: Sequence[InsightRow], href: Href | None) -> list[Point]:
    columns = {metric.id: metric for metric in body.metrics if metric.id in metrics}
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
    chart: Chart,
    body: InsightBody,
    row: InsightRow,
    events: pa.Table,
    goals: Goals,
    *,
    href: str = "",
    most: int = MOST_DOTS,
) -> Picture:
    """``chart`` drawn on the ``events`` behind the value that ``row`` of the answer ``body`` has of its metric, as
    ``tracing.events_behind`` gives them; of dots the newest ``most``."""
    assert isinstance(chart.data, Events)  # noqa: S101 - charts of numbers over time are drawn on those
    drawn = _drawn(chart.data, body, row, events, goals, href, most)
    return Picture(chart, drawn, about(body), body.request.granularity)


def row_of(body: InsightBody) -> InsightRow:
    """The row of an answer of one team and one period; one without values where the team was not there."""
    from leadline.exports.insights.models import InsightRow

    return next(iter(body.rows), InsightRow(values={}))


def _drawn(
    data: Events, body: InsightBody, row: InsightRow, events: pa.Table, goals: Goals, href: str, most: int
) -> Drawn:
    from leadline.metrics.behind import MEASURED

    if data.bounds:
        return class_rows(data, how_many(events[MEASURED], data.bounds))
    (metric,) = (metric for metric in body.metrics if metric.id == data.metric)
    value = row.values.get(metric.column)
    whole = value * _SECONDS[metric.unit] if isinstance(value, int | float) else None
    goal = _by_metric(body, goals).get(metric.id)
    seconds = None if goal is None else goal * _SECONDS[metric.unit]
    return dot_rows(data, _events(_newest(events, most)), whole, href, seconds)


def how_many(durations: pa.ChunkedArray, hours: Sequence[float]) -> list[int]:
    """How many of ``durations`` (microseconds) are shorter than the first of ``hours``, shorter than the second, and so on; and how
    many are longer."""
    import pyarrow.compute as pc

    at_least = [pc.sum(pc.greater_equal(durations, int(bound * _HOUR))).as_py() or 0 for bound in hours]
    return [longer - longest for longer, longest in pairwise([len(durations), *at_least, 0])]


def _newest(behind: pa.Table, most: int) -> pa.Table:
    """So many of the events, by instant, then by key."""
    import pyarrow.compute as pc

    from leadline.metrics.behind import INSTANT, PARTS

    if behind.num_rows > most > 0:
        newest = pc.select_k_unstable(behind.select([INSTANT]), most, [(INSTANT, "descending")])
        behind = behind.filter(pc.greater_equal(behind[INSTANT], pc.min(behind[INSTANT].take(newest))))
    keys = [name for name in behind.column_names if name not in PARTS]
    ordered = behind.sort_by([(name, "ascending") for name in (INSTANT, *keys)])
    return ordered.slice(max(ordered.num_rows - most, 0))


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
