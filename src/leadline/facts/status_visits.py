"""The fact `status-visits`: one row per work item and visit to a status. All that is said of time in a status follows from it."""

from __future__ import annotations

from ibis.expr.types import Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, between, reasons
from leadline.derive.status_visits import status_visits
from leadline.engine.functions import INSTANT
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.work_items import ITEMS
from leadline.materialize.model import Model

STATUS_VISITS = Model(
    "status_visits",
    {
        **dict.fromkeys(ITEM, "string"),
        "number": "int64",
        **dict.fromkeys(("status", "category", "came_from"), "string"),
        **dict.fromkeys(("entered_at", "left_at"), INSTANT),
    },
    expression=lambda _profile: status_visits(FORMER_KEYS.table()),
)
"""Every visit of a work item to a status, by its ``number``; ``came_from`` is the category of the status before."""

STEPS = (ITEMS, STATUS_VISITS)


def shown_visits() -> Table:
    """The visits with the developer that the item belongs to, how long each was, and why where that is not known."""
    items = ITEMS.table().select(*ITEM, "assignee", "developer", "bot")
    visits = attach(STATUS_VISITS.table(), ITEM, items)
    return visits.mutate(
        visit_us=between(visits.entered_at, visits.left_at),
        why=reasons(
            (visits.assignee.isnull(), "no assignee"),
            (visits.bot, "bot: counts for nobody"),
            (visits.assignee.notnull() & visits.developer.isnull() & ~visits.bot, "assignee is no known developer"),
            (visits.status.isnull(), "its name is not known: no time in any status"),
            (visits.entered_at.isnull(), "since when is not known: no time in it"),
            (visits.entered_at.notnull() & visits.left_at.isnull(), "not left"),
        ),
    )
