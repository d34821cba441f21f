"""What a metric is: its names, groups and unit, and the formulas by which it follows from measures of facts.

Parents aggregate the measures of all events below them, never the metrics of their children.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from leadline.errors import Detail, InvalidRequest
from leadline.metrics.measures import Measure, RowColumn

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
class Ratio:
    """The sum of one measure over that of another, or over a number of the row itself, times ``factor``; over nothing empty
    or, if ``zero``, 0."""

    measure: Measure
    over: Measure | RowColumn
    factor: int = 1
    zero: bool = False


@dataclass(frozen=True)
class Statistic:
    """The mean, median or percentile of a measure over the events that have it, divided by ``unit``; empty over none."""

    measure: Measure
    unit: int = 1


@dataclass(frozen=True)
class Rating:
    """The band that a value falls in, by the bounds of the setting ``ratings.<bands>``; empty where the value is.

    ``most`` says that more is better, and then a value on a bound belongs to the better band; else to the worse one.
    """

    of: Ratio | Statistic
    bands: str
    most: bool = False


@dataclass(frozen=True)
class Overall:
    """The rounded mean of ratings (Elite 4 … Low 1; half rounds down), over those that have a value."""

    of: tuple[Rating, ...]


Value = Sum | Ratio | Statistic
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
        """Every name that requests may use, in upper case: that under each aggregation, too."""
        return super().names | {self.column_for(aggregation).upper() for aggregation in AGGREGATIONS}

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels at which it is shown."""
        return tuple(level for level in (DEVELOPER, TEAM) if self.formula(level) is not None)

    @property
    def kind(self) -> str:
        """The aggregation kind: `sum`, `ratio`, `statistic` (which follows the request's aggregation), or `rating` and
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
