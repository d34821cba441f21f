"""What a metric is: its names, groups and unit, and the formulas by which it follows from measures of facts.

Parents aggregate the measures of all events below them, never the metrics of their children.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from leadline.errors import Detail, InvalidRequest
from leadline.metrics.measures import Measure, MeasuredFact, RowColumn

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000

DEVELOPER = "developer"
TEAM = "team"

PRODUCTIVITY = "productivity"
EFFICIENCY = "efficiency"
INSIGHTS = (PRODUCTIVITY, EFFICIENCY)


@dataclass(frozen=True)
class Sum:
    """The sum of a measure, less that of another (if any); 0 over nothing."""

    measure: Measure
    less: Measure | None = None


@dataclass(frozen=True)
class Count:
    """How many events have the measure."""

    measure: Measure


@dataclass(frozen=True)
class Ratio:
    """The sum of one measure over that of another, or over a number of the row itself, times ``factor`` (which may be one,
    too); over nothing empty or, if ``zero``, 0."""

    measure: Measure
    over: Measure | RowColumn
    factor: int | RowColumn = 1
    zero: bool = False


@dataclass(frozen=True)
class Statistic:
    """The mean, median or percentile of a measure over the events that have it, divided by ``unit``; empty over none."""

    measure: Measure
    unit: int = 1


@dataclass(frozen=True)
class Rating:
    """The band that a value falls in, by the bounds of the setting ``ratings.<bands>``; empty where the value is.

    ``most`` says that more is better, and then a value on a bound belongs to the better band; else to the worse one. With
    ``known`` a value of 0 is rated only where an event of that fact is known before the period's end, and a day of the
    period is over: of what nothing is known, there is no rating.
    """

    of: Ratio | Statistic
    bands: str
    most: bool = False
    known: MeasuredFact | None = None


@dataclass(frozen=True)
class Overall:
    """The rounded mean of ratings (Elite 4 … Low 1; half rounds down), over those that have a value; empty with fewer than
    two."""

    of: tuple[Rating, ...]


Value = Sum | Count | Ratio | Statistic
Formula = Value | Rating | Overall

MEAN_NAMES = {PRODUCTIVITY: "Avg", EFFICIENCY: "Mean"}
"""What the mean is called in a column's name, by insight."""
AGGREGATION_NAMES = {"median": "Median", "p90": "P90", "p95": "P95"}
"""What the other statistics are called."""
AGGREGATIONS = ("mean", *AGGREGATION_NAMES)


@dataclass(frozen=True)
class _Described:
    """What is said of every column of a catalogue. ``sources`` are the tables that it is computed from, ``also_in``
    groups that show it beside its own, ``aliases`` further names that requests may use."""

    column: str
    group: str
    unit: str
    definition: str
    sources: tuple[str, ...]
    also_in: tuple[str, ...] = field(default=(), kw_only=True)
    aliases: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it is in, its own first."""
        return (self.group, *self.also_in)

    @property
    def id(self) -> str:
        """The upper-case name; any case is accepted."""
        return self.column.upper()

    @property
    def names(self) -> frozenset[str]:
        """Every name that requests may use, in upper case."""
        return frozenset({self.id, *self.aliases})


@dataclass(frozen=True)
class ExportColumn(_Described):
    """A column that is no metric of developers or teams: of an export whose rows are something else. ``levels`` are those
    that have it, ``kind`` says in a word how it is computed."""

    levels: tuple[str, ...] = ()
    kind: str = "sum"


@dataclass(frozen=True)
class Metric(_Described):
    """One metric: ``column`` is its CSV column under the aggregation `mean`; ``developer`` and ``team`` are the formulas
    at each level (None: not shown there)."""

    developer: Formula | None
    team: Formula | None
    insight: str = PRODUCTIVITY

    @property
    def names(self) -> frozenset[str]:
        """Every name that requests may use, in upper case: with the name of each statistic and with none, too."""
        return super().names | {self.column_for(aggregation).upper() for aggregation in AGGREGATIONS} | {self._plain}

    @property
    def _plain(self) -> str:
        """The name without a statistic."""
        mean = MEAN_NAMES[self.insight]
        parts = self.column.split("_")
        return "_".join(part for part in parts if part != mean or self.kind != "statistic").upper()

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels at which it is shown."""
        return tuple(level for level in (DEVELOPER, TEAM) if self.formula(level) is not None)

    @property
    def kind(self) -> str:
        """The aggregation kind: `sum`, `count`, `ratio`, `statistic` (which follows the request's aggregation), or `rating` and
        `overall` (which follow what they rate)."""
        return type(self.team or self.developer).__name__.lower()

    def formula(self, level: str) -> Formula | None:
        """How it is computed at ``level``."""
        return self.developer if level == DEVELOPER else self.team

    def column_for(self, aggregation: str) -> str:
        """The CSV column: a statistic's name says which one it is."""
        if self.kind != "statistic":
            return self.column
        mean = MEAN_NAMES[self.insight]
        name = AGGREGATION_NAMES.get(aggregation, mean)
        return "_".join(name if part == mean else part for part in self.column.split("_"))


@dataclass(frozen=True)
class MetricColumn:
    """A metric as it was asked for: with a ``statistic`` of its own, or with that of the request (None)."""

    metric: Metric
    statistic: str | None = None

    @property
    def id(self) -> str:
        """The metric's id, or the upper-case name under its own statistic."""
        return self.metric.id if self.statistic is None else self.metric.column_for(self.statistic).upper()

    def aggregation(self, of_request: str) -> str:
        """The statistic it is taken with where the request asks for ``of_request``."""
        return self.statistic or of_request

    def name(self, of_request: str) -> str:
        """What the column is called in the file."""
        return self.metric.column_for(self.aggregation(of_request))

    @classmethod
    def named(cls, metric: Metric, name: str, of_request: str) -> MetricColumn:
        """``metric`` as ``name`` (one of its names, in any case) asks for it: a name that says another statistic than the
        mean is taken by its word, any other follows the request."""
        said = {metric.column_for(statistic).upper(): statistic for statistic in AGGREGATION_NAMES}
        statistic = said.get(name.strip().upper()) if metric.kind == "statistic" else None
        return cls(metric, None if statistic == of_request else statistic)

    @classmethod
    def variants(cls, metric: Metric) -> tuple[MetricColumn, ...]:
        """Every way in which ``metric`` can be asked for."""
        names = {metric.column_for(statistic): statistic for statistic in AGGREGATION_NAMES}
        own = [statistic for name, statistic in names.items() if name != metric.column]
        return tuple(cls(metric, statistic) for statistic in (None, *own))


CatalogueEntry = Metric | ExportColumn
"""A column that an export can have, as catalogues tell it."""


def unknown(what: str, name: str, known: list[str], field: str) -> InvalidRequest:
    """The refusal of a name that is none of ``known``, with the nearest of them; ``field`` is where it was asked for."""
    upper = {known_name.strip().upper(): known_name for known_name in known}
    near = [upper[known_name] for known_name in difflib.get_close_matches(name.strip().upper(), upper, n=3, cutoff=0.5)]
    hint = f"did you mean {', '.join(near)}?" if near else f"one of {', '.join(known)}"
    return InvalidRequest(
        f'Unknown {what} "{name}"; {hint}',
        code=f"unknown_{what.replace(' ', '_')}",
        details=[Detail(field, f"one of {', '.join(known)}")],
    )
