"""When the time of a work item in its statuses ends: when it was resolved, or when the first of its versions was released."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us
from leadline.facts.work_items import ITEMS
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

_INSTANTS = {"issue_resolved_at": "resolved_us", "version_release_date": "released_us"}


def instant_of_end(end: str) -> str:
    """The column of ``TICKET_ENDS`` that says when time ends by ``end``, as requests call it."""
    return _INSTANTS[end]


def _ends(_profile: Profile) -> Table:
    items = ITEMS.table()
    items = items.filter(items.developer.notnull() & items.left_out.isnull())
    named = schema_table("work_items").select(*ITEM, name=lambda t: t.fix_versions.unnest())
    versions = schema_table("versions").select("project", "name", "released_at")
    released = named.inner_join(versions, ["project", "name"])
    released = released.group_by(ITEM).agg(released_at=released.released_at.min())
    items = attach(items, ITEM, released)
    done = (items.current_category == "done").fill_null(True)
    ends = items.select(
        *ITEM,
        "developer",
        resolved_us=ibis.cases((done, epoch_us(items.completed_at))),
        released_us=epoch_us(items.released_at),
    )
    return ends.filter(ends.resolved_us.notnull() | ends.released_us.notnull())


TICKET_ENDS = Model(
    "ticket_ends",
    {**dict.fromkeys((*ITEM, "developer"), "string"), **dict.fromkeys(_INSTANTS.values(), "int64")},
    expression=_ends,
)
"""Work items of known developers that are resolved (as completed work, and done now) or of which a version was released."""
