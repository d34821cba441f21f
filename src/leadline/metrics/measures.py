"""Measures: for each fact the columns that metrics sum, count or take a statistic of.

The stored facts (as unbound ibis tables) come in; per fact a table with whose it is, the instant of its period and one
column per measure goes out. A measure is null where the event does not have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis.expr.types import Table, Value

from leadline.facts.commits import COMMITS
from leadline.facts.deployments import DEPLOYMENTS
from leadline.facts.incidents import INCIDENTS
from leadline.facts.lead_time import LEAD
from leadline.facts.ownership import developer_class, needed
from leadline.facts.pull_requests import PULL_REQUESTS
from leadline.facts.work_items import ASSOCIATIONS, WORK_ITEMS
from leadline.facts.work_types import with_work_type
from leadline.materialize.model import Model
from leadline.settings.setting import STAGES

CODING_DAYS = "coding_days"
ACTIVE = "active_developers"

Measures = dict[str, Callable[[Table], Value]]


@dataclass(frozen=True)
class Measured:
    """A fact as metrics see it: ``table`` is what is ``stored``, with happened_us; ``measures`` are columns derived from
    it. An event belongs to the person in its ``developer`` or, if ``placed``, to whom its ``place`` belongs."""

    stored: Model
    table: Callable[[], Table]
    measures: Measures
    placed: str = ""

    @property
    def reads(self) -> tuple[Model, ...]:
        """The stored tables that a query of it reads."""
        return needed(self.placed) if self.placed else (self.stored,)

    @property
    def owner(self) -> str:
        """The column that says whose an event is."""
        return "place" if self.placed else "developer"


def _one(_table: Table) -> Value:
    return ibis.literal(1, "int64")


def _flag(condition: Callable[[Table], Value]) -> Callable[[Table], Value]:
    return lambda table: condition(table).cast("int64")


def _column(name: str) -> Callable[[Table], Value]:
    return lambda table: table[name]


FACT_MEASURES: dict[str, Measured] = {
    "commits": Measured(
        COMMITS,
        COMMITS.table,
        {
            # These two are counted, not summed: see ``run``.
            CODING_DAYS: _column("day"),
            ACTIVE: _one,
            "lines_added": _column("additions"),
            "lines_removed": _column("deletions"),
        },
    ),
    "pull_requests": Measured(
        PULL_REQUESTS,
        PULL_REQUESTS.table,
        {
            "merged": _one,
            **{
                f"merged_{size}": _flag(lambda table, size=size: (table["size"] == size).fill_null(False))  # type: ignore[misc]
                for size in ("small", "medium", "large")
            },
            "refactored": _column("refactored"),
            "refactored_recent": _column("refactored_recent"),
            "refactored_legacy": lambda table: table.refactored - table.refactored_recent,
            "file_lines": _column("file_lines"),
            "lines": _column("lines"),
            "missing_tickets": _flag(lambda table: table.unlinked),
            "cycle": _column("cycle_us"),
            "comments": _column("comments"),
            "first_comment": _column("first_comment_us"),
        },
    ),
    "work_items": Measured(
        WORK_ITEMS,
        lambda: with_work_type(WORK_ITEMS.table()),
        {
            "completed": _one,
            **{
                f"completed_{kind}": _flag(lambda table, kind=kind: table.work_type == kind)  # type: ignore[misc]
                for kind in ("feature", "bug", "other")
            },
            "complete": _column("complete_us"),
        },
    ),
    "lead": Measured(
        LEAD,
        lambda: developer_class(LEAD.table()),
        {name: _column(f"{name}_us") for name in (*STAGES, "lead")},
    ),
    "associations": Measured(
        ASSOCIATIONS,
        ASSOCIATIONS.table,
        {"completed": _one, "linked": _flag(lambda table: table.linked)},
    ),
    "deployments": Measured(
        DEPLOYMENTS,
        DEPLOYMENTS.table,
        {
            "succeeded": _flag(lambda table: table.succeeded),
            "finished": _flag(lambda table: table.counted),
        },
        placed="deployments",
    ),
    "failures": Measured(
        DEPLOYMENTS,
        lambda: DEPLOYMENTS.table().filter(lambda table: table.failed_in.length() > 0),
        {"deployments": _one},
        placed="failures",
    ),
    "incidents": Measured(
        INCIDENTS, INCIDENTS.table, {"resolved": _one, "restore": _column("restore_us")}, placed="incidents"
    ),
}
