"""The fact `work-items`: one row per work item with its start, its completion and whose it was then. Durations are whole
microseconds."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM, completed_items
from leadline.derive.expressions import attach, between, not_negative
from leadline.engine.functions import INSTANT, epoch_us
from leadline.facts.accounts import with_developer
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.pull_requests import LINKS
from leadline.materialize.model import Model
from leadline.settings.profile import Profile


def assigned_items() -> Table:
    """The rows of ``ITEMS``."""
    return ITEMS.table()


def _assigned(profile: Profile) -> Table:
    items = with_developer(completed_items(FORMER_KEYS.table()), "assignee", "work")
    kind, resolution = (items[name].fill_null("").strip().lower() for name in ("type", "resolution"))
    left_out = ibis.cases(
        (kind.isin(profile["work_items.exclude_types"]), ibis.literal("its type ") + items.type + " is left out"),
        (
            resolution.isin(profile["work_items.not_done_resolutions"]),
            ibis.literal("its resolution ") + items.resolution + " is not completed work",
        ),
    )
    items = items.mutate(
        left_out=left_out,
        done_at=items.completed_at,
        not_done=resolution.isin(profile["work_items.not_done_resolutions"]),
        completed_at=ibis.cases((left_out.isnull(), items.completed_at)),
    )
    return items.select(*ITEMS.columns)


def work_items_fact(profile: Profile) -> Table:
    """``assigned_items`` with complete_us: from creation or start, as the profile says; null if that instant is unknown."""
    items = assigned_items()
    start = items.started_at if profile["work_items.complete_from"] == "started" else items.created_at
    return items.mutate(complete_us=not_negative(between(start, items.completed_at)))


def _counted(profile: Profile) -> Table:
    fact = work_items_fact(profile)
    counted = fact.filter(fact.completed_at.notnull() & fact.developer.notnull())
    return counted.select(
        *ITEM, "developer", "complete_us", type=counted.type.strip().lower(), happened_us=epoch_us(counted.completed_at)
    )


def _associated(_profile: Profile) -> Table:
    items = assigned_items()
    counted = items.filter(items.completed_at.notnull() & items.developer.notnull())
    linked = LINKS.table().select(*ITEM).distinct().mutate(linked=True)
    counted = attach(counted, ITEM, linked)
    return counted.select(
        *ITEM, "developer", happened_us=epoch_us(counted.completed_at), linked=counted.linked.fill_null(False)
    )


ITEMS = Model(
    "items",
    {
        **dict.fromkeys((*ITEM, "type", "assignee", "developer"), "string"),
        "bot": "boolean",
        **dict.fromkeys(("created_at", "started_at", "completed_at"), INSTANT),
        "left_out": "string",
        "current_category": "string",
        "done_at": INSTANT,
        "not_done": "boolean",
    },
    expression=_assigned,
)
"""Every work item with its ``assignee`` at completion and whose that account is. ``left_out`` says in words why it is no
completed work; then it has no ``completed_at``, but may have ``done_at``. ``not_done``: by its resolution. ``current_category`` is
what its status means now."""

WORK_ITEMS = Model(
    "work_items",
    {
        **dict.fromkeys((*ITEM, "developer"), "string"),
        "happened_us": "int64",
        "type": "string",
        "complete_us": "int64",
    },
    expression=_counted,
)
"""Completed items of known developers: what metrics count; ``type`` is the whole name in lower case."""

ASSOCIATIONS = Model(
    "associations",
    {**dict.fromkeys((*ITEM, "developer"), "string"), "happened_us": "int64", "linked": "boolean"},
    expression=_associated,
)
"""Completed items of known developers, and whether a pull request is linked to each."""
