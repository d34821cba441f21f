"""Rows by whether AI tools had part in their events: a commit by its mark, a pull request and a work item by whether they are
assisted, a unit of lead time by which of the two it is, a deployment by whether it carried an assisted pull request, an
incident by its deployment. Use of tools is all theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import attach
from leadline.metrics.measures import (
    AiCommits,
    AiPullRequests,
    AiUsage,
    Associations,
    Commits,
    Deployments,
    Failures,
    Incidents,
    Lead,
    MeasuredFact,
    PullRequests,
    WorkItems,
)

if TYPE_CHECKING:
    from leadline.materialize.model import Model

ASSISTED, NONE, ALL = "assisted", "none", "all"
PARTS = (ASSISTED, NONE, ALL)
"""What each row is of, in this order."""
FLAG = "is_assisted"
"""The column of events that says whether AI tools had part in one."""
COUNTED = PullRequests.merged
"""By how many of these a row is small."""
ENOUGH = 5

_PULLS, _ITEMS = ("repository", "number"), ("project", "key")
KEYS: Mapping[MeasuredFact, Mapping[str, tuple[str, ...]]] = {
    **{fact: {"AI_COMMITS": ("repository", "sha")} for fact in (Commits.FACT, AiCommits.FACT)},
    **{fact: {"AI_PULLS": _PULLS} for fact in (PullRequests.FACT, AiPullRequests.FACT)},
    **{fact: {"AI_ITEMS": _ITEMS} for fact in (WorkItems.FACT, Associations.FACT)},
    Lead.FACT: {"AI_ITEMS": _ITEMS, "AI_PULLS": _PULLS},
    **{fact: {"AI_DEPLOYMENTS": ("deployment_id", "service")} for fact in (Deployments.FACT, Failures.FACT)},
    Incidents.FACT: {"AI_INCIDENTS": ("incident_id",)},
    AiUsage.FACT: {},
}
"""By fact, the stored tables of what is assisted, and by which columns an event is found in them; without any, all events are."""


def models(facts: Iterable[MeasuredFact]) -> list[Model]:
    """The stored tables that parts of ``facts`` are told by."""
    from leadline.facts import ai_marks

    names = dict.fromkeys(name for fact in facts for name in KEYS[fact.single or fact])
    return [getattr(ai_marks, name) for name in names]


def flagged(fact: MeasuredFact) -> Table:
    """The events of ``fact``, each with whether AI tools had part in it (``FLAG``)."""
    # What is stored summed up is taken of single events, which are marked.
    fact = fact.single or fact
    events = fact.events.table()
    if not KEYS[fact]:
        return events.mutate(**{FLAG: ibis.literal(True)})
    for model, (name, keys) in zip(models([fact]), KEYS[fact].items(), strict=True):
        table = model.table()
        if "ai_tool" in table.columns:
            table = table.filter(table.ai_tool.notnull())
        events = attach(events, keys, table.select(*keys, **{name: ibis.literal(True)}))
    assisted = ibis.or_(*(events[name].fill_null(False) for name in KEYS[fact]))
    return events.mutate(**{FLAG: assisted}).drop(*KEYS[fact])


def part_of(events: Table, part: str) -> Table:
    """Those of ``events`` (``FLAG``) that a ``part`` has."""
    return events if part == ALL else events.filter(events[FLAG] if part == ASSISTED else ~events[FLAG])
