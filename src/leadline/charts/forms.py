"""The forms that charts have, as Vega-Lite specifications: stacked bars, lines, deployments that failed, dots, classes.

What a row of data holds is said in ``rows``. Every expression here is one that Vega's interpreter can run, and none has a text
of a tool in it: names of teams, titles and the like are data only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadline.charts.chart import Series, Spec
from leadline.charts.theme import CONFIG, colour

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Names the language; nothing is fetched from there."""
HEIGHT = 220
TREND, GOAL = "trend", "goal"
"""What the names of layers begin with that are left out where no row has a trend, or a goal."""

_DAY_LABEL = "utcFormat(toDate(datum.value), '%-d %b')"
_PERIOD_LABEL = (
    "step === 'monthly' ? utcFormat(toDate(datum.value), utcmonth(toDate(datum.value)) === 0 ? '%b %Y' : '%b')"
    " : step === 'quarterly' ? utcFormat(toDate(datum.value), 'Q%q %Y')"
    " : step === 'yearly' ? utcFormat(toDate(datum.value), '%Y')"
    f" : {_DAY_LABEL}"
)
_ROOM = {"expr": "width / length(domain('x')) > 34 ? 1 : 0"}
"""Words at a bar or a point are shown where there is room for them."""
_PERIOD = {
    "field": "start",
    "type": "ordinal",
    "title": None,
    "axis": {"labelExpr": _PERIOD_LABEL},
    "scale": {"padding": 0.25},
}
_POINT = {**_PERIOD, "scale": {"padding": 0.5}}
_SHORTEST = 60
"""Durations (seconds) are drawn as at least this, since a scale of powers has no zero."""
_STEPS = {
    60: "1 min",
    600: "10 min",
    1800: "30 min",
    3600: "1 h",
    10_800: "3 h",
    21_600: "6 h",
    43_200: "12 h",
    86_400: "1 day",
    259_200: "3 days",
    604_800: "1 week",
    2_592_000: "30 days",
    31_536_000: "1 year",
}
_DASHES = ([1, 0], [6, 3], [2, 2])
_SHAPES = ("circle", "square", "triangle-up")
_TEAM_ROLES = ("ink", "first", "second", "third", "build", "failure")
_TEAM_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [10, 3], [4, 1])
_TEAM_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
_CATEGORY_ROLES = ("first", "second", "third", "build", "fourth", "failure", "goal")
MOST_LINES = len(_TEAM_ROLES)
"""Lines of a chart that can be told apart."""
_WHEN = {"field": "period", "title": "Period"}
_WHAT = {"field": "series", "title": "What"}
_VALUE = {"field": "text", "title": "Value"}
_OF = {"field": "of", "title": "Of"}


def drawing(*layers: Spec, height: int = HEIGHT, **more: Any) -> Spec:
    """A specification of ``layers`` over each other, as high as said and as wide as its place."""
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "layer": list(layers),
        "config": CONFIG,
        **more,
    }


def _only(condition: str, *further: Spec) -> list[Spec]:
    return [{"filter": condition}, *further]


def _measure(**more: Any) -> Spec:
    return {"field": "value", "type": "quantitative", "title": None, **more}


_UNIT: Spec = {
    "data": {"values": [{}]},
    "mark": {
        "type": "text",
        "align": "left",
        "baseline": "bottom",
        "x": -28,
        "y": -10,
        "fontSize": 11,
        "text": {"expr": "unit"},
    },
}
"""The unit, over the vertical axis: a parameter, since durations are shown in the unit that suits them."""


_WHOLE_SYMBOLS: Spec = {"symbolStrokeWidth": 0}
"""A legend's symbols of points: the dashes of their lines would fray them."""


def _legend(series: Sequence[Series], *, shape: bool = False) -> Spec:
    scale = {"domain": [part.label for part in series], "range": [colour(part.role) for part in series]}
    legend = {"symbolType": "square"} if not shape else _WHOLE_SYMBOLS
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend if len(series) > 1 else None}


def _trend(x: Spec = _PERIOD) -> Spec:
    """The line of least squares, where rows have one."""
    return {
        "name": TREND,
        "transform": _only("isValid(datum.trend)"),
        "mark": {"type": "line", "strokeDash": [5, 4], "strokeWidth": 1.5, "color": colour("trend"), "tooltip": False},
        "encoding": {"x": x, "y": _measure(field="trend"), "detail": {"field": "series"}},
    }


def _goal(y: Spec | None = None) -> list[Spec]:
    """A line at the goal with its words, where there is one; both on a ground of their own, since bars may lie behind."""
    line: Spec = {"type": "rule", "color": colour("goal"), "strokeDash": [2, 3], "strokeWidth": 1.5}
    words: Spec = {"type": "text", "x": "width", "align": "right", "baseline": "bottom", "dy": -4, "tooltip": False}
    told = [{"field": "text", "title": "Goal"}]
    return [
        _goal_layer("ground", {**line, "color": colour("surface"), "strokeDash": [1, 0], "strokeWidth": 4}, y),
        _goal_layer("line", line, y, tooltip=told),
        _goal_layer("halo", {**words, "stroke": colour("surface"), "strokeWidth": 4}, y, text={"field": "text"}),
        _goal_layer("words", {**words, "color": colour("goal")}, y, text={"field": "text"}),
    ]


def _goal_layer(name: str, mark: Spec, y: Spec | None, **more: Any) -> Spec:
    encoding = {"y": y or _measure(field="goal"), **more}
    return {"name": f"{GOAL}-{name}", "transform": _only("datum.kind === 'goal'"), "mark": mark, "encoding": encoding}


def _counts() -> Spec:
    """Of how many things each bar is, above it."""
    return {
        "transform": [
            {"filter": "datum.kind === 'part'"},
            {
                "aggregate": [
                    {"op": "sum", "field": "value", "as": "top"},
                    {"op": "max", "field": "count", "as": "count"},
                ],
                "groupby": ["start"],
            },
            {"filter": "datum.count > 0"},
        ],
        "mark": {"type": "text", "baseline": "bottom", "dy": -4, "opacity": _ROOM, "tooltip": False},
        "encoding": {"x": _PERIOD, "y": _measure(field="top"), "text": {"field": "count", "format": ",d"}},
    }


def _stacked_bars(colours: Spec) -> Spec:
    return {
        "transform": _only("datum.kind === 'part' && isValid(datum.value)"),
        "mark": {"type": "bar", "stroke": colour("surface"), "strokeWidth": 0.75},
        "encoding": {
            "x": _PERIOD,
            "y": _measure(stack="zero"),
            "color": colours,
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [_WHEN, _WHAT, _VALUE, _OF],
        },
    }


def by_category() -> Spec:
    """Bars made of the categories that the rows name, in their order."""
    colours: Spec = {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "scale": {"range": [colour(role) for role in _CATEGORY_ROLES]},
        "legend": {"symbolType": "square", "labelLimit": 190},
    }
    return drawing(_stacked_bars(colours), _UNIT)


def stacked(parts: Sequence[Series], whole: Series | None = None, *, counted: bool = False) -> Spec:
    """Bars made of ``parts``; a tick where their ``whole`` is, and above each bar of how many things it is, if ``counted``."""
    bars = _stacked_bars(_legend([*parts, *([whole] if whole else [])]))
    ticks: Spec = {
        "transform": _only("datum.kind === 'whole' && isValid(datum.value)"),
        "mark": {
            "type": "tick",
            "thickness": 2,
            "width": {"band": 0.8},
            "color": colour("ink"),
            "orient": "horizontal",
        },
        "encoding": {"x": _PERIOD, "y": _measure(), "tooltip": [_WHEN, _WHAT, _VALUE, _OF]},
    }
    return drawing(bars, *([ticks] if whole else []), *([_counts()] if counted else []), _trend(), *_goal(), _UNIT)


def lines(parts: Sequence[Series]) -> Spec:
    """A line with a point per period for each of ``parts``, which differ in dashes and points, too."""
    labels = [part.label for part in parts]
    legend = {"legend": None} if len(parts) == 1 else {}
    dashes = {"field": "series", "scale": {"domain": labels, "range": list(_DASHES[: len(parts)])}, **legend}
    shapes = {"field": "series", "scale": {"domain": labels, "range": list(_SHAPES[: len(parts)])}, **legend}
    known = _only("isValid(datum.value)")
    shared: Spec = {"x": _POINT, "y": _measure(), "color": _legend(parts, shape=True)}
    line: Spec = {"transform": known, "mark": {"type": "line"}, "encoding": {**shared, "strokeDash": dashes}}
    points: Spec = {
        "transform": known,
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {**shared, "shape": shapes, "tooltip": [_WHEN, _WHAT, _VALUE, _OF]},
    }
    return drawing(line, points, _trend(_POINT), *_goal(), _UNIT)


def team_lines() -> Spec:
    """A line with a point per period for each team that the rows name, of at most ``MOST_LINES``; and one at the goal."""
    by_team: Spec = {"field": "series", "type": "nominal", "sort": None}
    shared: Spec = {
        "x": _POINT,
        "y": _measure(),
        "color": {
            **by_team,
            "scale": {"range": [colour(role) for role in _TEAM_ROLES]},
            "legend": {"labelLimit": 150, **_WHOLE_SYMBOLS},
        },
    }
    known = _only("isValid(datum.value)")
    line: Spec = {
        "transform": known,
        "mark": {"type": "line"},
        "encoding": {**shared, "strokeDash": {**by_team, "scale": {"range": list(_TEAM_DASHES)}}},
    }
    points: Spec = {
        "transform": known,
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {
            **shared,
            "shape": {**by_team, "scale": {"range": list(_TEAM_SHAPES)}},
            "tooltip": [_WHEN, {"field": "series", "title": "Team"}, _VALUE, _OF],
        },
    }
    return drawing(line, points, *_goal(), _UNIT)


def bars(part: Series) -> Spec:
    """A bar per period."""
    return stacked((part,))


def share(part: Series) -> Spec:
    """A line of a share, and at each point what it is of: `3 of 41`."""
    mark: Spec = {"type": "text", "baseline": "bottom", "dy": -8, "opacity": _ROOM, "tooltip": False}
    words: Spec = {
        "transform": _only("isValid(datum.value) && isValid(datum.share)"),
        "mark": mark,
        "encoding": {"x": _POINT, "y": _measure(), "text": {"field": "share"}},
    }
    # On a ground of their own, since the line may pass behind them.
    ground = {**words, "mark": {**mark, "stroke": colour("surface"), "strokeWidth": 4}}
    line = lines((part,))
    return {**line, "layer": [*line["layer"], ground, words]}


def outcomes(good: Series, bad: Series) -> Spec:
    """Bars of what went well with what did not at the foot; above each bar how many of the latter, with a cross."""
    marks: Spec = {
        "transform": [
            {"joinaggregate": [{"op": "sum", "field": "value", "as": "top"}], "groupby": ["start"]},
            {"filter": f"datum.series === '{bad.label}' && datum.value > 0"},
            {"calculate": "'✕ ' + datum.value", "as": "words"},
        ],
        "mark": {
            "type": "text",
            "baseline": "bottom",
            "dy": -4,
            "opacity": _ROOM,
            "color": colour("failure"),
            "tooltip": False,
        },
        "encoding": {"x": _PERIOD, "y": _measure(field="top"), "text": {"field": "words"}},
    }
    bars_of = stacked((bad, good))
    return {**bars_of, "layer": [*bars_of["layer"], marks]}


def dots() -> Spec:
    """A dot per thing: when it happened and how long it took; and a line at what the metric says of all."""
    points: Spec = {
        "transform": _only("datum.kind === 'dot'", {"calculate": f"max(datum.value, {_SHORTEST})", "as": "drawn"}),
        "mark": {"type": "point", "filled": True, "size": 30, "opacity": 0.7, "color": colour("accent")},
        "encoding": {
            "x": {
                "field": "happened",
                "type": "temporal",
                "title": None,
                "scale": {"type": "utc"},
                "axis": {"format": "%-d %b"},
            },
            "y": _seconds(field="drawn"),
            "tooltip": [
                {"field": "name", "title": "What"},
                {"field": "period", "title": "When"},
                {**_VALUE, "title": "Took"},
            ],
        },
    }
    whole: Spec = {
        "transform": _only("datum.kind === 'whole'", {"calculate": f"max(datum.value, {_SHORTEST})", "as": "drawn"}),
        "mark": {"type": "rule", "strokeDash": [5, 4], "color": colour("ink")},
        "encoding": {"y": _seconds(field="drawn"), "tooltip": [_WHAT, _VALUE]},
    }
    goal = _seconds(field="goal")
    return drawing(points, whole, *_goal(goal))


def _seconds(**more: Any) -> Spec:
    """A vertical axis of durations on which twice as long is everywhere as far up."""
    words = " : ".join(f"datum.value === {seconds} ? '{text}'" for seconds, text in _STEPS.items())
    axis = {"values": list(_STEPS), "labelExpr": f"{words} : ''", "labelOverlap": False, "tickCount": 20, "title": None}
    return {"type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 12}, "axis": axis, **more}


def classes() -> Spec:
    """A bar for each class of durations, with how many are in it."""
    axis: Spec = {"field": "series", "type": "ordinal", "sort": None, "title": None}
    shared: Spec = {"x": axis, "y": _measure()}
    words: Spec = {
        "mark": {"type": "text", "baseline": "bottom", "dy": -4, "tooltip": False},
        "encoding": {**shared, "text": {"field": "value", "format": ",d"}},
    }
    columns: Spec = {
        "mark": {"type": "bar", "color": colour("accent")},
        "encoding": {**shared, "tooltip": [{"field": "series", "title": "Took"}, _VALUE]},
    }
    return drawing(columns, words)


def sparkline() -> Spec:
    """A line without words, and a dot at its end: beside a number that says them."""
    hidden: Spec = {"axis": None, "title": None}
    shared: Spec = {
        "x": {"field": "start", "type": "ordinal", **hidden, "scale": {"type": "point", "padding": 0.3}},
        "y": {"field": "value", "type": "quantitative", **hidden, "scale": {"zero": False, "padding": 4}},
    }
    line: Spec = {
        "transform": _only("isValid(datum.value)"),
        "mark": {"type": "line", "strokeWidth": 1.75, "color": colour("accent")},
        "encoding": {**shared, "tooltip": [_WHEN, _VALUE]},
    }
    end: Spec = {
        "transform": _only(
            "isValid(datum.value)",
            {"window": [{"op": "row_number", "as": "from_end"}], "sort": [{"field": "start", "order": "descending"}]},
            {"filter": "datum.from_end === 1"},
        ),
        "mark": {"type": "point", "size": 22, "color": colour("accent")},
        "encoding": {**shared, "tooltip": [_WHEN, _VALUE]},
    }
    return drawing(line, end, height=32)
