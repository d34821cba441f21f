"""Measures: for each fact the columns that metrics sum, count or take a statistic of.

The stored facts (as unbound ibis tables) come in; per fact a table with developer, the instant of its period and one
column per measure goes out. A measure is null where the event does not have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis.expr.types import Table, Value

from leadline.facts.commits import COMMITS
from leadline.facts.pull_requests import PULL_REQUESTS
from leadline.facts.stored import Stored
from leadline.facts.work_items import WORK_ITEMS

WORK_TYPES = "work_types"
"""Bound per run: rule, type (lower case), work_type."""
DEVELOPER_RULES = "developer_rules"
"""Bound per run: developer, rule; developers not listed follow rule 0, the default."""

CODING_DAYS = "coding_days"
ACTIVE = "active_developers"

Measures = dict[str, Callable[[Table], Value]]


@dataclass(frozen=True)
class Measured:
    """A fact as metrics see it: ``table`` is what is ``stored``, with developer and happened_us; ``measures`` are columns
    derived from it."""

    stored: Stored
    table: Callable[[], Table]
    measures: Measures


def _one(_table: Table) -> Value:
    return ibis.literal(1, "int64")


def _flag(condition: Callable[[Table], Value]) -> Callable[[Table], Value]:
    return lambda table: condition(table).cast("int64")


def _column(name: str) -> Callable[[Table], Value]:
    return lambda table: table[name]


def _work_items() -> Table:
    """Completed items with their work type by the rule of their developer's team."""
    items = WORK_ITEMS.table()
    rules = ibis.table({"rule_developer": "string", "rule": "int64"}, name=DEVELOPER_RULES)
    types = ibis.table({"type_rule": "int64", "type_name": "string", "work_type": "string"}, name=WORK_TYPES)
    ruled = items.left_join(rules, items.developer == rules.rule_developer)
    ruled = ruled.mutate(rule=ruled.rule.fill_null(0))
    typed = ruled.left_join(types, [ruled.rule == types.type_rule, ruled.type == types.type_name])
    return typed.mutate(work_type=typed.work_type.fill_null("other"))


MEASURED: dict[str, Measured] = {
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
        _work_items,
        {
            "completed": _one,
            **{
                f"completed_{kind}": _flag(lambda table, kind=kind: table.work_type == kind)  # type: ignore[misc]
                for kind in ("feature", "bug", "other")
            },
            "complete": _column("complete_us"),
        },
    ),
}
