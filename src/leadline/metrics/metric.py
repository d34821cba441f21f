"""What a metric is: its names, groups and unit, and the formulas by which it follows from measures of facts.

Parents aggregate the measures of all events below them, never the metrics of their children.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from leadline.errors import Detail, InvalidRequest
from leadline.metrics.measures import Measure, MeasuredFact, RowColumn

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000

DEVELOPER = "developer"
TEAM = "team"
SERVICE = "service"

PRODUCTIVITY = "productivity"
EFFICIENCY = "efficiency"
FLOW = "flow"
INSIGHTS = (PRODUCTIVITY, EFFICIENCY, FLOW)


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
class Scaled:
    """The sum of a measure, divided by ``unit``; 0 over nothing."""

    measure: Measure
    unit: int


@dataclass(frozen=True)
class Known:
    """A value that is empty in periods of which nothing was read: those before the first event, whoever's, that has the measure
    ``by``, and those after the last one."""

    of: Sum | Ratio | Scaled
    by: Measure


@dataclass(frozen=True)
class Basis:
    """What ``LOC_Added_AI`` is of, in a word: `commits` where an event has the first flag, else `lines` where one has the second;
    empty where none has either."""

    commits: Sum
    lines: Sum


@dataclass(frozen=True)
class Percentile(Statistic):
    """The median or percentile ``at`` of a measure, whatever statistic a request asks for."""

    at: str = field(kw_only=True)


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


Value = Sum | Count | Ratio | Statistic | Scaled
Formula = Value | Known | Basis | Rating | Overall


def values_of(formula: Formula) -> tuple[Value, ...]:
    """What is computed of events for ``formula``: itself, or what it rates."""
    if isinstance(formula, Overall):
        return tuple(rating.of for rating in formula.of)
    if isinstance(formula, Basis):
        return (formula.commits, formula.lines)
    return (formula.of,) if isinstance(formula, (Rating, Known)) else (formula,)


def measures_of(value: Value) -> tuple[Measure, ...]:
    """The measures that ``value`` is computed of."""
    parts = (value.measure, getattr(value, "over", None), getattr(value, "less", None))
    return tuple(measure for measure in parts if isinstance(measure, Measure))


def ratings_of(formulas: Iterable[Formula]) -> list[Rating]:
    """The ratings among ``formulas`` and those that an overall one is of, each once."""
    of_each = (formula.of if isinstance(formula, Overall) else (formula,) for formula in formulas)
    return list(dict.fromkeys(rating for ratings in of_each for rating in ratings if isinstance(rating, Rating)))


def measures_by_fact(values: Iterable[Value]) -> dict[MeasuredFact, list[Measure]]:
    """The measures that ``values`` read, each once and in order of name, by fact."""
    needed: dict[MeasuredFact, set[Measure]] = {}
    for value in values:
        for measure in measures_of(value):
            needed.setdefault(measure.fact, set()).add(measure)
    return {fact: sorted(measures, key=lambda measure: measure.name) for fact, measures in needed.items()}


def of_services(formula: Formula) -> bool:
    """Whether ``formula`` is of events that a service has alone: deployments and incidents."""
    return all(measure.fact.team_events for value in values_of(formula) for measure in measures_of(value))


def counted_by(value: Value) -> Measure:
    """The measure whose events ``value`` is of: what it is divided by if that is of events, too; else what it sums, counts or
    averages."""
    over = value.over if isinstance(value, Ratio) else None
    return over if isinstance(over, Measure) else value.measure


def things_of(formula: Formula, unit: str) -> str:
    """What the events are called that ``formula`` is of, in the plural, where the unit of lead time is ``unit``."""
    return "ratings" if isinstance(formula, Overall) else counted_by(values_of(formula)[0]).things(unit)


MEAN_NAMES = {PRODUCTIVITY: "Avg", EFFICIENCY: "Mean", FLOW: "Mean"}
"""What the mean is called in a column's name, by insight."""
AGGREGATION_NAMES = {"median": "Median", "p90": "P90", "p95": "P95"}
"""What the other statistics are called."""
AGGREGATIONS = ("mean", *AGGREGATION_NAMES)


_NOT_IN_WORDS = frozenset({*MEAN_NAMES.values(), "Days", "Hrs", "Percent"})


def _in_words(column: str) -> str:
    """A column's name as words, without the unit and the statistic: `PR cycle time`."""
    first, *others = (part for part in column.split("_") if part not in _NOT_IN_WORDS)
    return " ".join([first, *(word if word.isupper() else word.lower() for word in others)])


@dataclass(frozen=True)
class _Described:
    """What is said of every column of a catalogue. ``sources`` are the tables that it is computed from, ``also_in``
    groups that show it beside its own, ``aliases`` further names that requests may use. ``title`` is what people call it (empty:
    the words of the column), ``better`` says whether `higher` or `lower` values are better (empty: neither)."""

    column: str
    group: str
    unit: str
    definition: str
    sources: tuple[str, ...]
    also_in: tuple[str, ...] = field(default=(), kw_only=True)
    aliases: tuple[str, ...] = field(default=(), kw_only=True)
    title: str = field(default="", kw_only=True)
    better: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", _in_words(self.column))

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it is in, its own first."""
        return (self.group, *self.also_in)

    @property
    def id(self) -> str:
        """The upper-case name; any case is accepted."""
        return self.column.upper()

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that requests may use, in upper case."""
        return frozenset({self.id, *self.aliases})


@dataclass(frozen=True)
class ExportColumn(_Described):
    """A column that is no metric of developers or teams: of an export whose rows are something else. ``levels`` are those
    that have it, ``kind`` says in a word how it is computed, ``of`` in the plural of what things (empty: it is not counted)."""

    levels: tuple[str, ...] = ()
    kind: str = "sum"
    of: str = ""


@dataclass(frozen=True)
class Metric(_Described):
    """One metric: ``column`` is its CSV column under the aggregation `mean`; ``developer`` and ``team`` are the formulas
    at each level (None: not shown there). A team's formula is one of services, too, if it is of their events alone."""

    developer: Formula | None
    team: Formula | None
    insight: str = PRODUCTIVITY

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that requests may use, in upper case: with the name of each statistic and with none, too."""
        of_statistics = (self.column_for(aggregation).upper() for aggregation in AGGREGATIONS)
        return frozenset({self.id, *self.aliases, *of_statistics, self._plain})

    @property
    def _plain(self) -> str:
        """The name without a statistic."""
        mean = MEAN_NAMES[self.insight]
        parts = self.column.split("_")
        return "_".join(part for part in parts if part != mean or self.kind != "statistic").upper()

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels at which it is shown."""
        return tuple(level for level in (DEVELOPER, TEAM, SERVICE) if self.formula(level) is not None)

    @property
    def kind(self) -> str:
        """The aggregation kind: `sum`, `scaled` (a sum in another unit), `count`, `ratio`, `statistic` (which follows the request's
        aggregation), `percentile` (which does not), `basis` (what another column is of), or `rating` and `overall` (which follow
        what they rate)."""
        formula = self.team or self.developer
        return type(formula.of if isinstance(formula, Known) else formula).__name__.lower()

    def formula(self, level: str) -> Formula | None:
        """How it is computed at ``level``."""
        if level == SERVICE:
            return self.team if self.team is not None and of_services(self.team) else None
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

    def title(self, of_request: str) -> str:
        """What people call the column."""
        statistic = self.aggregation(of_request)
        named = self.metric.kind == "statistic" and statistic != "mean"
        return f"{self.metric.title} ({statistic})" if named else self.metric.title

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
