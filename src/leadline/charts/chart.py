"""What a chart is: the numbers that it shows, how they are drawn, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from leadline.charts.columns import BUSINESS, declared, insight_of
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import TEAM, CatalogueEntry

Spec = Mapping[str, Any]
"""A Vega-Lite specification without data: rows are bound to it as values, never written into it."""


@dataclass(frozen=True)
class Series:
    """One line, or one part of a bar: a metric by its id, what it is called, and the role of its colour. ``column`` is said of what
    no catalogue has, since it follows from settings."""

    metric: str
    label: str
    role: str = "accent"
    column: CatalogueEntry | None = None

    @property
    def declared(self) -> CatalogueEntry:
        """The metric in the catalogue."""
        return self.column or declared(self.metric)


@dataclass(frozen=True)
class Periods:
    """Numbers of one team over time, a period after the other: ``parts`` are drawn as the chart says, ``whole`` (if any) is
    what they are parts of, ``count`` (if any) says of how many things each period's numbers are. All are of one insight."""

    parts: tuple[Series, ...]
    whole: Series | None = None
    count: Series | None = None
    level: str = TEAM

    @property
    def series(self) -> tuple[Series, ...]:
        """All of them, in the order of the table."""
        return (*self.parts, *(series for series in (self.whole, self.count) if series is not None))

    @cached_property
    def insight(self) -> str:
        """The insight that has them."""
        (insight,) = {insight_of(series.metric) for series in self.series}
        return insight

    @property
    def unit(self) -> str:
        """The unit of the parts."""
        return self.parts[0].declared.unit


@dataclass(frozen=True)
class Categories:
    """A measure of what work was for, over time: which categories are its parts, an answer says. ``metrics`` ask for it; the ids of
    the parts end as ``measure`` says."""

    metrics: tuple[str, ...]
    measure: str
    insight: str = BUSINESS


@dataclass(frozen=True)
class Events:
    """The single things behind a metric of durations, over the whole range. ``bounds`` (hours), if any, sort them into classes that
    are counted; else each is a dot."""

    metric: str
    bounds: tuple[float, ...] = ()

    @property
    def insight(self) -> str:
        """The insight that has the metric."""
        return by_ids((self.metric,))[0].metric.insight


@dataclass(frozen=True)
class Teams:
    """One metric over time, a line for each of several teams. ``column`` is said of what no catalogue of metrics has."""

    metric: str
    column: CatalogueEntry | None = None

    @property
    def declared(self) -> CatalogueEntry:
        """The metric in its catalogue."""
        return self.column or declared(self.metric)

    @property
    def insight(self) -> str:
        """The insight that has the metric."""
        return insight_of(self.metric)


@dataclass(frozen=True)
class Chart:
    """One chart. ``reading`` says in a sentence how to read it. ``spec`` is drawn on what ``data`` says."""

    name: str
    title: str
    reading: str
    data: Periods | Categories | Events | Teams
    spec: Spec = field(repr=False)

    @property
    def insight(self) -> str:
        """The insight whose numbers it shows: `productivity`, `efficiency`, `flow`, `sprint` or `ba`."""
        return self.data.insight

    @property
    def metrics(self) -> tuple[str, ...]:
        """The ids of the metrics that it shows."""
        if isinstance(self.data, Periods):
            return tuple(series.metric for series in self.data.series)
        return self.data.metrics if isinstance(self.data, Categories) else (self.data.metric,)
