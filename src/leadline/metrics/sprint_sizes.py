"""Of which items of sprints each value is, and of how many things."""

from __future__ import annotations

from functools import reduce
from operator import or_

from ibis.expr.types import ArrayValue, BooleanValue, IntegerValue, Table

from leadline.engine.functions import to_bigint
from leadline.facts.sprints import POINTS
from leadline.facts.sprints import TICKETS as TICKET_COLUMNS
from leadline.metrics.sprint_columns import (
    COMMITS,
    SPRINTS,
    STORY_POINTS,
    UNESTIMATED,
    CountOf,
    Formula,
    PerSprint,
    Share,
    Spread,
    Work,
)


def columns_of(mode: str) -> str:
    """How the columns of items are called that have their work as ``mode`` counts it."""
    return POINTS if mode == STORY_POINTS else TICKET_COLUMNS


def work_of(items: Table, work: Work, mode: str) -> IntegerValue:
    """What each of ``items`` has of ``work``, in ten-thousandths of a point or in tickets."""
    first, *others = (items[f"{part}_{columns_of(mode)}"] for part in work.parts)
    return sum(others, first)


def is_of(items: Table, formula: Formula, mode: str) -> BooleanValue:
    """Whether a value of ``formula`` is of an item: what is about sprints is of all of their items, work of those that had part in
    it, whether they were estimated or not."""
    if isinstance(formula, CountOf) and formula.what != SPRINTS:
        counts = mode == STORY_POINTS or formula.what != UNESTIMATED
        return items[formula.what] != 0 if counts else items.event.isnull()
    if isinstance(formula, (CountOf, PerSprint, Spread)):
        return items.event.notnull()
    works = (formula.work, formula.over) if isinstance(formula, Share) else (formula,)
    counted = dict.fromkeys((columns_of(mode), TICKET_COLUMNS))
    parts = (items[f"{part}_{columns}"] != 0 for work in works for part in work.parts for columns in counted)
    return reduce(or_, parts)


def size_of(row: Table, formula: Formula, items: IntegerValue) -> IntegerValue:
    """Of how many things a value is: of the ``items`` that it is of or, where it is about sprints, of these."""
    if isinstance(formula, Spread) and formula.relative:
        commits: ArrayValue = row[COMMITS]
        return to_bigint(commits.filter(lambda commit: commit > 0).length().fill_null(0))
    if isinstance(formula, (PerSprint, Spread)):
        return to_bigint(row[SPRINTS].fill_null(0))
    return to_bigint(items.fill_null(0))
