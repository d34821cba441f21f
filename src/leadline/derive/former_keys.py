"""Keys that work items had before they were moved: what names one means the item, and so does what is still there under it."""

from __future__ import annotations

import ibis
from ibis.expr.types import StringValue, Table

from leadline.engine import schema_table

_NUMBER = r"^#?[0-9]+$"


def mention_of(project: StringValue, key: StringValue) -> StringValue:
    """The form in which texts mention an item: `PROJ-123`, or `name#12` for a bare number, where name is the project in
    lower case."""
    numbered = project.lower() + "#" + key.replace("#", "")
    return ibis.cases((key.re_search(_NUMBER), numbered), else_=key.upper())


def former_keys() -> Table:
    """Every former key: ``mention`` (its form), ``project`` and ``key`` of the item that had it, and ``old_project`` and
    ``old_key`` of the rows that are still there under it.

    Of two items that say they were each other, the one that was moved last is the item.
    """
    claims = _claims()
    items = schema_table("work_items")
    rows = items.select(old_project="project", old_key="key", old_mention=mention_of(items.project, items.key))
    joined = claims.left_join(rows, claims.mention == rows.old_mention)
    back = claims.select(back_mention="mention", back_project="project", back_key="key", back_at="moved_at")
    undone = joined.inner_join(
        back,
        [
            joined.old_project == back.back_project,
            joined.old_key == back.back_key,
            joined.own_mention == back.back_mention,
            joined.moved_at <= back.back_at,
        ],
    )
    last = joined.anti_join(undone.select("mention", "project", "key").distinct(), ["mention", "project", "key"])
    # An item that is itself a former one hands on what it was called before.
    present = _one_each(last).rename(was_project="old_project", was_key="old_key")
    handed = last.left_join(present, [last.project == present.was_project, last.key == present.was_key])
    named = handed.select(
        "mention",
        project=handed.now_project.fill_null(handed.project),
        key=handed.now_key.fill_null(handed.key),
        old_project="old_project",
        old_key="old_key",
    )
    own = (named.project == named.old_project) & (named.key == named.old_key)
    return named.filter(~own.fill_null(False)).distinct()


def _claims() -> Table:
    """What items say they were called, and when they ceased to be (as long ago as can be where nothing says it)."""
    items = schema_table("work_items")
    listed = items.filter(items.former_keys.length() > 0)
    listed = listed.select("project", "key", was=listed.former_keys.unnest(), moved_at=ibis.null("timestamp('UTC', 6)"))
    changes = schema_table("work_item_changes")
    changed = changes.filter((changes.field.lower() == "key") & (changes.from_value != ""))
    changed = changed.select("project", "key", was="from_value", moved_at="changed_at")
    claims = listed.union(changed)
    claims = claims.select(
        "project",
        "key",
        mention=mention_of(claims.project, claims.was.strip()),
        own_mention=mention_of(claims.project, claims.key),
        moved_at=claims.moved_at.fill_null(ibis.timestamp("1970-01-01", timezone="UTC").cast("timestamp('UTC', 6)")),
    )
    claims = claims.filter(claims.mention != claims.own_mention)
    return claims.group_by("project", "key", "mention", "own_mention").agg(moved_at=claims.moved_at.max())


def _one_each(former: Table) -> Table:
    """The item that each row under a former key is: now_project and now_key, the first by key if several say so."""
    there = former.filter(former.old_key.notnull())
    return there.group_by("old_project", "old_key").agg(
        now_project=there.project.argmin(there.key), now_key=there.key.min()
    )


def without_former(items: Table, former: Table) -> Table:
    """``items`` (project, key, …) without those rows that are still there under a former key."""
    old = former.filter(former.old_key.notnull()).select(project="old_project", key="old_key").distinct()
    return items.anti_join(old, ["project", "key"])


def under_present_key(changes: Table, former: Table) -> Table:
    """``changes`` (project, key, …) of items under whatever key, under the present one."""
    moved = _one_each(former)
    joined = changes.left_join(moved, [changes.project == moved.old_project, changes.key == moved.old_key])
    return joined.mutate(
        project=joined.now_project.fill_null(joined.project), key=joined.now_key.fill_null(joined.key)
    ).drop("old_project", "old_key", "now_project", "now_key")
