"""Completed work items as business alignment counts them: with their story points and the time logged on them."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach
from leadline.engine import schema_table
from leadline.facts.categories import PARENTS
from leadline.facts.work_items import WORK_ITEMS
from leadline.materialize.model import Model
from leadline.settings.categories import HIERARCHY
from leadline.settings.profile import Profile

POINT_PARTS = 10_000
"""Story points are counted in parts, so that sums depend on no order."""
_MOST_POINTS = 10**9


def _items(profile: Profile) -> Table:
    described = schema_table("work_items").select(*ITEM, "story_points", "time_spent_seconds")
    items = attach(WORK_ITEMS.table(), ITEM, described)
    if profile[HIERARCHY] == "leaves":
        parents = PARENTS.table().select(project="parent_project", key="parent_key").distinct()
        items = items.anti_join(parents, ITEM)
    points = ibis.least(items.story_points.fill_null(0.0), _MOST_POINTS) * POINT_PARTS
    return items.select(
        *ITEM,
        "developer",
        "happened_us",
        points=points.round().cast("int64"),
        seconds=items.time_spent_seconds.fill_null(0),
        logged=items.time_spent_seconds.notnull(),
    )


BUSINESS_ITEMS = Model(
    "business_items",
    {
        **dict.fromkeys((*ITEM, "developer"), "string"),
        **dict.fromkeys(("happened_us", "points", "seconds"), "int64"),
        "logged": "boolean",
    },
    expression=_items,
)
"""Completed items of known developers; ``points`` are in ``POINT_PARTS``, ``logged`` says whether time is known. Where leaves alone
count, those without children."""
