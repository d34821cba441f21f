"""The catalogue of sprints: the columns of their export, each with how it follows from the sums of a row.

A row is of items in sprints. ``Sums`` has what the items of a row are in all, in units of which ``scale`` are a point (or ticket);
a value is one whole number over another, so that it is divided and rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from leadline.errors import Detail, InvalidRequest
from leadline.metrics.catalogue import groups_in, named
from leadline.metrics.metric import TEAM, CatalogueEntry, ExportColumn, unknown

if TYPE_CHECKING:
    from ibis.expr.types import IntegerValue, Table

EntryT = TypeVar("EntryT", bound=CatalogueEntry)

SPRINT = "sprint"
LEVELS = (TEAM, SPRINT)
STORY_POINTS, TICKETS = MODES = ("STORY_POINTS", "TICKETS")
GROUPS = ("work", "delivery", "deliveryAnalysis", "analysis")
SPRINTS, UNESTIMATED, TAKEN_OUT = "sprints", "unestimated", "taken_out"
TOTALS, COMMITS = "totals", "commits"
"""Of a row of several sprints: what each delivered and what each was committed to, in lists of the same order."""
_SOURCES = ("sprints", "work_items", "work_item_changes")


@dataclass(frozen=True)
class Work:
    """A sum of what items are, in points or tickets: the sums of ``parts`` (see ``facts.sprints.WORK``) added up."""

    parts: tuple[str, ...]

    def of(self, row: Table) -> IntegerValue:
        """The sum in ``row``."""
        first, *others = (row[part] for part in self.parts)
        return sum(others, first)


@dataclass(frozen=True)
class Share:
    """One sum over another, times ``factor``; empty over 0."""

    work: Work
    over: Work
    factor: int = 100


@dataclass(frozen=True)
class PerSprint:
    """A sum over the sprints of the row; empty over none."""

    work: Work


@dataclass(frozen=True)
class CountOf:
    """How many: a column that is counted in either mode."""

    what: str


@dataclass(frozen=True)
class Spread:
    """The sample standard deviation over the sprints of the row; empty for fewer than two. Of what each delivered or, ``relative``,
    of the percentage that it is of what was committed to, without those that committed to nothing."""

    relative: bool = False


Formula = Work | Share | PerSprint | CountOf | Spread

COMMIT = Work(("commit",))
CREEP = Work(("creep",))
SIZE = Work(("commit", "creep"))
TOTAL = Work(("delivered_commit", "delivered_creep"))
REMOVED = Work(("removed_commit",))
CHURN = Work(("creep", "removed_commit"))


@dataclass(frozen=True)
class SprintColumn(ExportColumn):
    """A column of sprints with its ``formula``."""

    formula: Formula = field(default=COMMIT, kw_only=True)


def _column(
    column: str,
    group: str,
    unit: str,
    definition: str,
    formula: Formula,
    levels: tuple[str, ...] = LEVELS,
    better: str = "",
    title: str = "",
) -> SprintColumn:
    kinds: dict[type, str] = {Share: "ratio", PerSprint: "ratio", Spread: "statistic", CountOf: "count"}
    kind = kinds.get(type(formula), "sum")
    of = "sprints" if isinstance(formula, (PerSprint, Spread)) else "items in sprints"
    return SprintColumn(
        column,
        group,
        unit,
        definition,
        _SOURCES,
        better=better,
        title=title,
        levels=levels,
        kind=kind,
        of=of,
        formula=formula,
    )


_WORK, _DELIVERY, _SHARES, _ANALYSIS = GROUPS
_UNIT = "points or tickets"
"""The unit of sprints' work, whatever it is counted in."""
_UNITS = {STORY_POINTS: "points", TICKETS: "tickets"}

SPRINT_COLUMNS: tuple[SprintColumn, ...] = (
    _column("Sprint_Commit", _WORK, _UNIT, "What was in the sprint at its start, as estimated then.", COMMIT),
    _column(
        "Sprint_Creep",
        _WORK,
        _UNIT,
        "What was added while the sprint ran and was still in it at its end, as estimated then, and what estimates of committed "
        "items were raised by.",
        CREEP,
        better="lower",
    ),
    _column("Sprint_Size", _WORK, _UNIT, "Sprint_Commit + Sprint_Creep.", SIZE),
    _column(
        "Scope_Creep_Percent",
        _WORK,
        "percent",
        "Sprint_Creep ÷ Sprint_Commit × 100.",
        Share(CREEP, COMMIT),
        better="lower",
    ),
    _column(
        "Delivered_Commit",
        _DELIVERY,
        _UNIT,
        "Of committed items that were done at the end: the estimate at the start or, if it is lower, at the end.",
        Work(("delivered_commit",)),
        better="higher",
    ),
    _column(
        "Missed_Commit",
        _DELIVERY,
        _UNIT,
        "The same of committed items that were still in the sprint at its end and not done.",
        Work(("missed_commit",)),
        better="lower",
    ),
    _column(
        "Removed_Commit",
        _DELIVERY,
        _UNIT,
        "Committed items that were taken out before the end, and what estimates of the others were lowered by.",
        REMOVED,
        better="lower",
    ),
    _column(
        "Delivered_Creep",
        _DELIVERY,
        _UNIT,
        "Sprint_Creep of items that were done at the end.",
        Work(("delivered_creep",)),
    ),
    _column(
        "Missed_Creep",
        _DELIVERY,
        _UNIT,
        "Sprint_Creep of items that were not done at the end.",
        Work(("missed_creep",)),
        better="lower",
    ),
    _column("Total_Work_Delivered", _DELIVERY, _UNIT, "Delivered_Commit + Delivered_Creep.", TOTAL, better="higher"),
    _column(
        "Sprint_Velocity",
        _DELIVERY,
        f"{_UNIT} per sprint",
        "Total_Work_Delivered ÷ the sprints of the row.",
        PerSprint(TOTAL),
        (TEAM,),
        "higher",
    ),
    _column(
        "Total_Delivered_Work_Vs_Committed_Work",
        _DELIVERY,
        "ratio",
        "Total_Work_Delivered ÷ Sprint_Commit.",
        Share(TOTAL, COMMIT, 1),
        better="higher",
    ),
    _column(
        "Committed_Work_Delivered_Percent",
        _SHARES,
        "percent",
        "Delivered_Commit ÷ Sprint_Commit × 100.",
        Share(Work(("delivered_commit",)), COMMIT),
        better="higher",
    ),
    _column(
        "Creep_Work_Delivered_Percent",
        _SHARES,
        "percent",
        "Delivered_Creep ÷ Sprint_Creep × 100.",
        Share(Work(("delivered_creep",)), CREEP),
        better="higher",
    ),
    _column(
        "Total_Work_Delivered_Percent",
        _SHARES,
        "percent",
        "Total_Work_Delivered ÷ Sprint_Size × 100.",
        Share(TOTAL, SIZE),
        better="higher",
        title="Share of work delivered",
    ),
    _column(
        "Tickets_Removed_Mid_Sprint",
        _ANALYSIS,
        "count",
        "Items taken out while the sprint ran and not put back, whether they were committed or added.",
        CountOf(TAKEN_OUT),
        (SPRINT,),
        "lower",
    ),
    _column(
        "Churn_Rate",
        _ANALYSIS,
        "percent",
        "(Sprint_Creep + Removed_Commit) ÷ Sprint_Commit × 100.",
        Share(CHURN, COMMIT),
        better="lower",
    ),
    _column(
        "Work_Removal_Rate_Percent",
        _ANALYSIS,
        "percent",
        "Removed_Commit ÷ Sprint_Commit × 100.",
        Share(REMOVED, COMMIT),
        better="lower",
    ),
    _column(
        "Predictability_Delivery_Consistency",
        _ANALYSIS,
        _UNIT,
        "Sample standard deviation of Total_Work_Delivered over the sprints of the row; empty for fewer than two.",
        Spread(),
        (TEAM,),
        "lower",
    ),
    _column(
        "Predictability_Reliability_Of_Commitment",
        _ANALYSIS,
        "percent",
        "Sample standard deviation of Total_Work_Delivered ÷ Sprint_Commit × 100 over the sprints of the row that committed to "
        "anything; empty for fewer than two.",
        Spread(relative=True),
        (TEAM,),
        "lower",
    ),
    _column("Sprints", _ANALYSIS, "count", "The sprints of the row that ended in its period.", CountOf(SPRINTS)),
    _column(
        "Unestimated_Items",
        _ANALYSIS,
        "count",
        "Items without an estimate when they were committed to (added: at the end), which count 0 points; 0 of tickets.",
        CountOf(UNESTIMATED),
        better="lower",
    ),
    _column(
        "Average_Sprint_Size",
        _ANALYSIS,
        f"{_UNIT} per sprint",
        "Sprint_Size ÷ the sprints of the row.",
        PerSprint(SIZE),
    ),
)
"""All columns of sprints, in their order in files."""

_BY_ID = {column.id: column for column in SPRINT_COLUMNS}


def select(groups: Sequence[str], names: Sequence[str], level: str) -> tuple[SprintColumn, ...]:
    """The columns of ``groups`` and those called ``names`` (any case), merged, in the catalogue's order; both empty: all. Groups
    bring what the level has; a column asked for by name that it has not is refused. Raises ``InvalidRequest``."""
    group_names = {group.lower(): group for group in groups_in(SPRINT_COLUMNS)}
    wanted_groups = set()
    for group in groups:
        if group.strip().lower() not in group_names:
            raise unknown("metric group", group, list(group_names.values()), "metricGroups")
        wanted_groups.add(group_names[group.strip().lower()])
    by_name = {named(name, SPRINT_COLUMNS) for name in names}
    for column in by_name:
        if level not in column.levels:
            raise InvalidRequest(
                f"{column.column} is not available at level {level}; it is at {', '.join(column.levels)}",
                code="metric_not_at_level",
                details=[Detail("metrics", f"{column.column}: only at level {', '.join(column.levels)}")],
            )
    everything = not wanted_groups and not by_name
    return tuple(
        column
        for column in SPRINT_COLUMNS
        if column in by_name or (level in column.levels and (everything or not wanted_groups.isdisjoint(column.groups)))
    )


def by_ids(ids: Sequence[str]) -> tuple[SprintColumn, ...]:
    """The columns with these ids, in the order given."""
    return tuple(_BY_ID[column_id] for column_id in ids)


def in_work_unit(entry: EntryT, mode: str) -> EntryT:
    """A column of sprints with its unit where work is counted in ``mode``; any other as it is."""
    return replace(entry, unit=entry.unit.replace(_UNIT, _UNITS[mode]))
