"""A chart with its data: the specification that whoever draws it is handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leadline.charts.chart import Chart, Spec
from leadline.charts.forms import GOAL, TREND
from leadline.charts.rows import Drawn, Row
from leadline.charts.theme import params

TITLE_HEIGHT = 52
"""What the lines over a chart take, so that it is as high as without."""
CONTAINER = "container"
"""The width of a chart that is as wide as its place on a page."""


def bound(
    spec: Spec,
    rows: Sequence[Row],
    *,
    unit: str = "",
    step: str = "monthly",
    theme: str = "light",
    width: int | str = CONTAINER,
    title: Sequence[str] = (),
) -> dict[str, Any]:
    """``spec`` with its rows, the unit of its axis, the length of its periods (``step``, a granularity), its colours and size.
    ``title`` are lines over it, the first of which is its name."""
    height = spec["height"] + TITLE_HEIGHT
    words = {"title": {"text": title[0], "subtitle": list(title[1:])}, "height": height} if title else {}
    # A layer without rows has no extent, of which Vega warns.
    without = tuple(name for name in (TREND, GOAL) if not any(name in row for row in rows))
    layers = [layer for layer in spec["layer"] if not (without and layer.get("name", "").startswith(without))]
    said = [{"name": "unit", "value": unit}, {"name": "step", "value": step}]
    return {
        **spec,
        **words,
        "layer": layers,
        "width": width,
        "params": [*params(theme), *said],
        "data": {"values": list(rows)},
    }


@dataclass(frozen=True)
class Picture:
    """A chart with what it is drawn on. ``about`` says in a line of whom and when, ``step`` is the granularity."""

    chart: Chart
    drawn: Drawn
    about: str
    step: str

    def spec(self, theme: str = "light", width: int | str = CONTAINER, *, titled: bool = True) -> dict[str, Any]:
        """The whole specification."""
        title = (self.chart.title, self.about) if titled else ()
        return bound(
            self.chart.spec,
            self.drawn.rows,
            unit=self.drawn.unit,
            step=self.step,
            theme=theme,
            width=width,
            title=title,
        )
