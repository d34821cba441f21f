"""The columns of time in status, which follow from what statuses are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from leadline.metrics.metric import TEAM, ExportColumn
from leadline.metrics.sprint_columns import SPRINT

_TAKEN = frozenset({"total", "total_lead_time"})
"""Statuses of these names would have the columns of all statuses."""

TOTALS = {
    "total_issues": ExportColumn(
        "total_issues", "total", "count", "Work items whose time ended in the row.", ("work_items",), title="Work items"
    ),
    "total_lead_time_hours": ExportColumn(
        "total_lead_time_hours",
        "total",
        "hours",
        "The sum of the hours in all statuses that are shown.",
        ("work_items", "work_item_changes"),
        title="Time in all statuses",
    ),
}
"""The columns of all statuses."""
_OF_STATUS = {
    "hours": ("hours", "Hours that the items of the row were in the status {}, summed."),
    "issues": ("count", "Items of the row that were in the status {}."),
    "hours_median": ("hours", "The median of an item's hours in the status {}, over the items that were in it."),
    "hours_p90": ("hours", "The 90th percentile of an item's hours in the status {}, over the items that were in it."),
}
"""The columns of a status by their endings, each with its unit and its definition."""
_TITLES = {"hours": "", "issues": ": work items", "hours_median": ": median", "hours_p90": ": 90th percentile"}


def told_columns(names: Iterable[str]) -> tuple[ExportColumn, ...]:
    """What is said of those columns of a row, called ``names``, that are no description of it."""
    told = (TOTALS[name] if name in TOTALS else _told(name) for name in names)
    levels = (TEAM, SPRINT)
    return tuple(replace(column, levels=levels) for column in told if column is not None)


def status_of(column: str) -> str | None:
    """What the status is called whose ``column`` it is; None where it is of no single status."""
    if column in TOTALS:
        return None
    ending = next((ending for ending in sorted(_OF_STATUS, key=len, reverse=True) if column.endswith(f"_{ending}")), "")
    return column.removesuffix(f"_{ending}") if ending else None


def _told(name: str) -> ExportColumn | None:
    status = status_of(name)
    if status is None:
        return None
    ending = name.removeprefix(f"{status}_")
    unit, definition = _OF_STATUS[ending]
    words = status.replace("_", " ").capitalize()
    return ExportColumn(
        name,
        status,
        unit,
        definition.format(words),
        ("work_items", "work_item_changes"),
        title=words + _TITLES[ending],
    )


def column_name(status: str) -> str:
    """What the columns of a status are called: its name in lower case, with `_` for all but letters and digits."""
    name = re.sub(r"[\W_]+", "_", status.strip().lower()).strip("_")
    return f"{name}_status" if name in _TAKEN else name or "unnamed"


ISSUES, HOURS = "issues", "hours"
STATISTICS = ("median", "p90")
"""How columns are called after the status that they are of: how many items, how long in all, and how long an item (`hours_…`)."""
_UNITS = {ISSUES: "count", HOURS: "hours", **{f"{HOURS}_{name}": "hours" for name in STATISTICS}}


def unit_of(column: str) -> str | None:
    """The unit of a column of numbers, of one status or of all; None of any other."""
    return next((unit for ending, unit in _UNITS.items() if column.endswith(f"_{ending}")), None)


@dataclass(frozen=True)
class StatusColumns:
    """The columns of an export, in order; ``of_status`` says which one a status is counted in. Statuses that are called alike but
    for letter case and signs are one."""

    names: Sequence[str]
    of_status: Mapping[str, int]

    @classmethod
    def of(cls, met: Iterable[str], asked: Sequence[str]) -> StatusColumns:
        """Those ``asked`` for (names of columns), of the statuses that were ``met``; without any all of these, by name."""
        by_name = {status: column_name(status) for status in met}
        names = tuple(asked) or tuple(sorted(set(by_name.values())))
        places = {name: number for number, name in enumerate(names)}
        return cls(names, {status: places[name] for status, name in by_name.items() if name in places})
