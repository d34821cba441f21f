"""The columns of time in status, which follow from what statuses are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_TAKEN = frozenset({"total", "total_lead_time"})
"""Statuses of these names would have the columns of all statuses."""


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
