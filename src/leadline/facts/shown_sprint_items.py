"""The fact of items in sprints as ``leadline facts`` shows it, with the teams and the reasons in words."""

from __future__ import annotations

import ibis
from ibis.expr.types import IntegerValue, StringValue, Table, TimestampValue

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, joined, reasons
from leadline.derive.field_values import present_items
from leadline.engine.functions import INSTANT, from_epoch_us, rounded_ratio
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.item_ownership import owned_items
from leadline.facts.shown_of_teams import teams_by_ways
from leadline.facts.sprints import KEY, POINT, POINTS, SPRINT_ITEMS, SPRINTS, WORK


def sprint_items() -> Table:
    """One row per sprint and item that was in it."""
    items = SPRINT_ITEMS.table()
    sprints = SPRINTS.table().select("sprint_id", sprint="name", boards="boards")
    described = present_items(FORMER_KEYS.table()).select(*ITEM, "type", "title", "url", "created_at")
    owned = items.select(*KEY, "event").inner_join(owned_items(items), "event").drop("event")
    table = attach(attach(items, ["sprint_id"], sprints), ITEM, described)
    table = attach(table, KEY, teams_by_ways(owned, KEY))
    counted = table.left_out.isnull()
    return table.mutate(
        started_at=_instant(table.started_us),
        ended_at=_instant(table.happened_us),
        in_at=_instant(ibis.cases((counted, table.in_us))),
        out_at=_instant(ibis.cases((counted, table.out_us))),
        committed=ibis.cases((counted, table.committed)),
        done=ibis.cases((counted, table.done)),
        points_at_start=rounded_ratio(table.points_in, POINT),
        points_at_end=rounded_ratio(table.points_end, POINT),
        why=joined(table.left_out.fill_null(""), ibis.cases((counted, _story(table)), else_=""), _whose(table)),
        **{f"{name}_{POINTS}": rounded_ratio(table[f"{name}_{POINTS}"], POINT) for name in WORK},
    )


def _instant(us: IntegerValue) -> TimestampValue:
    return from_epoch_us(us).cast(INSTANT)


def _story(table: Table) -> StringValue:
    """What became of an item that counts."""
    raised = table.points_end.fill_null(0) > table.points_in.fill_null(0)
    lowered = table.points_end.fill_null(0) < table.points_in.fill_null(0)
    stays, came = table.at_end, table.in_us > table.started_us
    return reasons(
        (table.committed & ~came, "there at the start"),
        (table.committed & came, "added soon after the start: committed"),
        (~table.committed & stays, "added while the sprint ran: creep"),
        (~table.committed & ~stays, "added while the sprint ran, and taken out again"),
        (table.committed & ~stays, "taken out while the sprint ran"),
        (table.committed & stays & raised, "its estimate was raised: creep"),
        (table.committed & stays & lowered, "its estimate was lowered: removed"),
        (stays & table.done, "delivered"),
        (stays & ~table.done, "missed"),
        (table.unestimated > 0, "no estimate: counts 0 points"),
    )


def _whose(table: Table) -> StringValue:
    counted = table.left_out.isnull()
    return ibis.cases(
        (~counted, ibis.literal("")),
        (table.how.notnull(), ibis.literal("teams by ") + table.how.join("; by ")),
        (table.bot, "no team: its assignee is a bot, and no rule matches it"),
        (table.assignee.isnull(), "no team: nobody had it at the end of the sprint, and no rule matches it"),
        (table.developer.isnull(), "no team: its assignee is no known developer, and no rule matches it"),
        else_="no team: its assignee was in no team without a rule of its own, and no rule matches it",
    )
