"""The columns of business alignment: which there are follows from the categories, which are shown from what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leadline.metrics.metric import DEVELOPER, TEAM, ExportColumn, unknown
from leadline.settings.categories import UNCATEGORIZED, UNLINKED, column_form

POINTS, TICKETS, HOURS, PERCENT, FTE = "story_points", "tickets", "time_spent_hours", "percent", "fte"
COUNTED = (POINTS, TICKETS, HOURS)
CATEGORIZED, UNCATEGORIZED_GROUP, EFFORT, SHARE = GROUPS = ("CATEGORIZED", "UNCATEGORIZED", "EFFORT", "SHARE")
DEFAULT_GROUPS = (CATEGORIZED, UNCATEGORIZED_GROUP)
EFFORT_UNITS = ("TICKETS", "STORY_POINTS", "TIME_SPENT", "FTE")
ANY = "Category"
"""Stands for every category in the name of a column."""


@dataclass(frozen=True)
class BusinessColumn:
    """One column: a measure of what is of the category ``rank``; one more than the categories' is what is uncategorized, two more
    what is unlinked."""

    name: str
    measure: str
    rank: int

    @property
    def id(self) -> str:
        """What requests call it."""
        return self.name.upper()


def columns_of(categories: Sequence[str], unit: str) -> list[BusinessColumn]:
    """All columns of ``categories``, in the order of files; shares are of the effort ``unit``."""
    measures = (*COUNTED, PERCENT, FTE)
    columns = [
        BusinessColumn(f"{column_form(category)}_{measure}", measure, rank)
        for rank, category in enumerate(categories)
        for measure in measures
    ]
    unlinked = (*((PERCENT,) if unit == "FTE" else ()), FTE)
    columns += [BusinessColumn(f"{UNLINKED}_{measure}", measure, len(categories) + 1) for measure in unlinked]
    return [*columns, *(BusinessColumn(f"{UNCATEGORIZED}_{one}", one, len(categories)) for one in measures)]


def chosen(
    categories: Sequence[str], unit: str, groups: Iterable[str], names: Iterable[str], *, logged: bool = True
) -> list[BusinessColumn]:
    """Those of ``columns_of`` that ``groups`` bring or that are called one of ``names`` (upper case; ``CATEGORY_…`` calls those of
    every category). ``logged`` says whether any time is known, without which groups bring no columns of it. Raises
    ``InvalidRequest`` (``unknown_metric``)."""
    columns, wanted = columns_of(categories, unit), set(groups)
    named = {column.id for name in names for column in _called(name, columns, len(categories))}
    return [
        column
        for column in columns
        if column.id in named or (_group_of(column, len(categories)) in wanted and (logged or column.measure != HOURS))
    ]


def _called(name: str, columns: Sequence[BusinessColumn], categories: int) -> list[BusinessColumn]:
    if found := [column for column in columns if column.id == name]:
        return found
    found = [column for column in columns if column.rank < categories and f"{ANY}_{column.measure}".upper() == name]
    if not found:
        raise unknown("metric", name, [column.name for column in columns], "metrics")
    return found


def _group_of(column: BusinessColumn, categories: int) -> str:
    if column.measure in COUNTED:
        return CATEGORIZED if column.rank < categories else UNCATEGORIZED_GROUP
    return SHARE if column.measure == PERCENT else EFFORT


_UNITS = {POINTS: "points", TICKETS: "count", HOURS: "hours", PERCENT: "%", FTE: "developers"}
_MEANS = {
    POINTS: "Story points of the items of {} that were completed in the period; an item without any counts 0.",
    TICKETS: "Items of {} that were completed in the period.",
    HOURS: "Hours logged on the items of {} that were completed in the period. Groups bring it only where any time is known.",
    PERCENT: "Share of {} in all of the row, by `options.effortUnit`.",
    FTE: "Days that developers spent on items of {} ÷ days from Monday to Friday of the period so far.",
}
_SOURCES = {
    **dict.fromkeys(COUNTED, ("work_items", "work_item_changes")),
    PERCENT: ("work_items", "work_item_changes"),
    FTE: ("work_items", "work_item_changes", "pull_requests", "commits", "reviews", "comments", "absences"),
}
_WHOSE = {ANY: "the category", UNCATEGORIZED: "no category", UNLINKED: "what is linked to no item"}


def catalogue() -> tuple[ExportColumn, ...]:
    """The columns as they are told before it is known which categories there are."""
    ours = [(ANY, (*COUNTED, PERCENT, FTE)), (UNCATEGORIZED, (*COUNTED, PERCENT, FTE)), (UNLINKED, (FTE,))]
    entries = [
        _told(BusinessColumn(f"{name}_{measure}", measure, rank), _WHOSE[name], 1, EFFORT_UNITS[0])
        for rank, (name, measures) in enumerate(ours)
        for measure in measures
    ]
    return tuple(sorted(entries, key=lambda entry: GROUPS.index(entry.group)))


def described(categories: Sequence[str], unit: str, columns: Iterable[BusinessColumn]) -> tuple[ExportColumn, ...]:
    """``columns`` of ``categories`` as they are told; shares are of the effort ``unit``."""
    names = (*categories, _WHOSE[UNCATEGORIZED], _WHOSE[UNLINKED])
    return tuple(_told(column, names[column.rank], len(categories), unit) for column in columns)


def _told(column: BusinessColumn, whose: str, categories: int, unit: str) -> ExportColumn:
    measure = column.measure
    of_days = measure == FTE or (measure == PERCENT and unit == EFFORT_UNITS[-1])
    return ExportColumn(
        column.name,
        _group_of(column, categories),
        _UNITS[measure],
        _MEANS[measure].format(whose),
        _SOURCES[measure],
        levels=(TEAM, DEVELOPER),
        kind="ratio" if measure == PERCENT else "sum",
        of="shares of days" if of_days else "completed work items",
    )
