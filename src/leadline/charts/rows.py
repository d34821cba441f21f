"""The rows that charts are drawn on, made of what insights and facts answer, and the same as a table for reading.

A row of the kind `goal`, if there is one, says ``goal`` (in the unit of the axis) and ``text``.
Rows of numbers over time say ``start`` (ISO date), ``period`` (in words), ``series``, ``order``, ``kind`` (`part` or `whole`),
``value`` (in the unit of the axis), ``exact`` (as answered), ``text``, ``of`` (of how many things), ``count``, ``share``
(`3 of 41`), ``href`` (where the rows behind it are) and ``trend``, where they have it. Rows of single things say ``kind``
(`dot`, or `whole` for the line), ``happened``, ``name``, ``value`` (seconds), ``text`` and ``href``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from statistics import linear_regression
from types import MappingProxyType
from typing import Any

from leadline.charts.chart import Events, Periods, Series, Teams
from leadline.charts.words import (
    Scale,
    day_text,
    duration_scale,
    is_duration,
    number,
    range_text,
    span_text,
    unit_text,
    value_text,
)
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import CatalogueEntry

Row = Mapping[str, Any]
Goals = Mapping[str, float]
"""Goals by metric, each in its unit."""
NO_GOALS: Goals = MappingProxyType({})
_DAY_HOURS = 24


@dataclass(frozen=True)
class Point:
    """What is answered for one period by metric id: the values, of how many ``things`` each is, and where its rows are."""

    start: date
    end: date
    values: Mapping[str, Any]
    counts: Mapping[str, int | None] = field(default_factory=dict)
    things: Mapping[str, str] = field(default_factory=dict)
    hrefs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The numbers of a chart for who reads them: the columns' titles, and a row of texts for each line."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def with_goal(self, text: str, *, column: int) -> Table:
        """The same with a last line for the goal, which stands in ``column``."""
        cells = ("Goal", *(text if at == column else "" for at in range(1, len(self.columns))))
        return Table(self.columns, (*self.rows, cells))


@dataclass(frozen=True)
class Drawn:
    """What a chart is drawn on: its rows, the unit of its axis, and the table."""

    rows: tuple[Row, ...]
    unit: str
    table: Table


def period_rows(
    data: Periods, points: Sequence[Point], per: str, *, trend: bool = False, goals: Goals = NO_GOALS
) -> Drawn:
    """The rows of ``data`` over ``points``, in order of time; ``per`` names the length of a period in words (`week`). ``goals`` are
    by metric."""
    shown = [*data.parts, *([data.whole] if data.whole else [])]
    scale = _scale(shown, points, per)
    rows: list[dict[str, Any]] = []
    for order, series in enumerate(shown):
        of_series = [_row(data, series, order, point, scale, per) for point in points]
        rows += of_series
    if trend:
        _add_trend([row for row in rows if row["kind"] == ("whole" if data.whole else "part")])
    table = _table(data, points, per)
    series = data.whole or data.parts[0]
    if (goal := goals.get(series.metric)) is not None and (data.whole or len(data.parts) == 1):
        text = value_text(goal, series.declared, per)
        rows.append(_goal_row(scale.of(goal), text))
        table = table.with_goal(text, column=data.series.index(series) + 1)
    return Drawn(tuple(rows), scale.unit, table)


def _goal_row(goal: float, text: str) -> dict[str, Any]:
    return {"kind": "goal", "goal": goal, "text": f"Goal: {text}"}


def _scale(shown: Sequence[Series], points: Sequence[Point], per: str) -> Scale:
    tops = [sum(abs(point.values.get(series.metric) or 0) for series in shown) for point in points]
    return _scale_of(shown[0].declared, tops, per)


def _scale_of(metric: CatalogueEntry, tops: Sequence[float], per: str) -> Scale:
    """The scale of an axis that reaches to ``tops``."""
    if not is_duration(metric):
        return Scale(unit_text(metric, per))
    return duration_scale(metric.unit, max(tops, default=0))


def _row(data: Periods, series: Series, order: int, point: Point, scale: Scale, per: str) -> dict[str, Any]:
    kind = "whole" if series is data.whole else "part"
    row = {
        "series": series.label,
        "order": order,
        "kind": kind,
        **_value_row(series.metric, series.declared, point, scale, per),
    }
    if data.count is not None:
        row["count"] = point.values.get(data.count.metric)
    value, count = row["exact"], point.counts.get(series.metric)
    if series.declared.unit == "%" and count and value is not None:
        row["share"] = f"{round(value * count / 100)} of {count:,}"
    return row


def _value_row(metric_id: str, column: CatalogueEntry, point: Point, scale: Scale, per: str) -> dict[str, Any]:
    """What a row says of one value."""
    value = point.values.get(metric_id)
    row: dict[str, Any] = {
        "start": point.start.isoformat(),
        "period": range_text(point.start, point.end),
        "value": None if value is None else scale.of(value),
        "exact": value,
        "text": value_text(value, column, per),
    }
    if (count := point.counts.get(metric_id)) is not None:
        row["of"] = f"{count:,} {point.things.get(metric_id, '')}".rstrip()
    if metric_id in point.hrefs:
        row["href"] = point.hrefs[metric_id]
    return row


def team_rows(
    data: Teams, lines: Mapping[str, Sequence[Point]], per: str, goal: float | None = None, goal_text: str = ""
) -> Drawn:
    """The rows of ``data`` over the points of each team, by name, in order of time. ``goal`` is that of the first of them, in the
    unit of the metric and, where that does not say it, in words."""
    metric = data.declared
    tops = [abs(point.values.get(data.metric) or 0) for points in lines.values() for point in points]
    scale = _scale_of(metric, tops, per)
    rows: list[Row] = [
        {"series": name, "order": order, "kind": "part", **_value_row(data.metric, metric, point, scale, per)}
        for order, (name, points) in enumerate(lines.items())
        for point in points
    ]
    table = _team_table(data, lines, metric, per)
    if goal is not None and lines:
        text = goal_text or value_text(goal, metric, per)
        rows.append(_goal_row(scale.of(goal), text))
        table = table.with_goal(text, column=1)
    return Drawn(tuple(rows), scale.unit, table)


def _team_table(data: Teams, lines: Mapping[str, Sequence[Point]], metric: CatalogueEntry, per: str) -> Table:
    texts: dict[str, list[str]] = {}
    for points in lines.values():
        for point in points:
            text = value_text(point.values.get(data.metric), metric, per)
            texts.setdefault(range_text(point.start, point.end), []).append(text)
    return Table(("Period", *lines), tuple((period, *values) for period, values in texts.items()))


def _add_trend(rows: Sequence[dict[str, Any]]) -> None:
    """Give the first of each period's ``rows`` the line of least squares over the sums of what is known; it needs two."""
    periods: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        periods.setdefault(row["start"], []).append(row)
    sums = [[row["value"] for row in parts if row["value"] is not None] for parts in periods.values()]
    known = [(at, sum(values)) for at, values in enumerate(sums) if values]
    if len(known) < 2:
        return
    slope, intercept = linear_regression(*zip(*known, strict=True))
    for at, (first, *_) in enumerate(periods.values()):
        first["trend"] = intercept + slope * at


def _table(data: Periods, points: Sequence[Point], per: str) -> Table:
    columns = ("Period", *(series.label for series in data.series))
    rows = tuple(
        (
            range_text(point.start, point.end),
            *(value_text(point.values.get(series.metric), series.declared, per) for series in data.series),
        )
        for point in points
    )
    return Table(columns, rows)


@dataclass(frozen=True)
class Event:
    """One thing: what it is called, when it happened, how many seconds it took."""

    name: str
    happened: datetime
    seconds: float


MOST_DOTS = 2000
"""Things that are drawn one by one: the newest. More cannot be told apart, and the line is of all of them."""


def dot_rows(
    data: Events, events: Sequence[Event], whole: float | None = None, href: str = "", goal: float | None = None
) -> Drawn:
    """A dot for each of ``events``; ``whole`` (seconds) is what the metric says of all that there are, ``goal`` what it should
    say, ``href`` where they are listed."""
    rows: list[dict[str, Any]] = [
        {
            "kind": "dot",
            "happened": event.happened.isoformat(),
            "period": day_text(event.happened.date()),
            "name": event.name,
            "value": event.seconds,
            "text": span_text(event.seconds),
            **({"href": href} if href else {}),
        }
        for event in events
    ]
    table = Table(("What", "When", "Took"), tuple((row["name"], row["period"], row["text"]) for row in rows))
    if whole is not None:
        title = by_ids((data.metric,))[0].metric.title
        rows.append({"kind": "whole", "series": title, "value": whole, "text": span_text(whole)})
    if goal is not None:
        rows.append(_goal_row(goal, span_text(goal)))
        table = table.with_goal(span_text(goal), column=2)
    return Drawn(tuple(rows), "", table)


def class_rows(data: Events, counts: Sequence[int]) -> Drawn:
    """How many things are in each class of ``data``, by how long they took: ``counts``, from the shortest on."""
    texts = [f"{count:,}" for count in counts]
    labels = _labels(data.bounds)
    rows = tuple(
        {"series": label, "order": order, "value": count, "text": text}
        for order, (label, count, text) in enumerate(zip(labels, counts, texts, strict=True))
    )
    return Drawn(rows, "", Table(("Took", "How many"), tuple(zip(labels, texts, strict=True))))


def _labels(hours: Sequence[float]) -> list[str]:
    ends = [f"under {number(hours[0])} h"]
    for low, high in pairwise(hours):
        size, unit = (1, "h") if high <= _DAY_HOURS else (_DAY_HOURS, "days")
        ends.append(f"{number(low / size)}–{number(high / size)} {unit}")
    return [*ends, f"{span_text(hours[-1] * 3600)} or more"]
