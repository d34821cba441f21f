"""Sprints and the work items in them (further exports, A): when each sprint was, and what every item was in it, as stored tables.

Story points are whole ten-thousandths until they are shown, so that sums depend on no order; an estimate of more than a billion
is none. Instants are microseconds.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue, Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import DAY_US, attach
from leadline.derive.field_values import ALWAYS_US, done_stretches, holds, present_items, stretches_of
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us, to_bigint
from leadline.facts.accounts import with_developer
from leadline.facts.former_keys import FORMER_KEYS
from leadline.materialize.model import Model
from leadline.settings.profile import Profile

POINT = 10_000
"""Of these is a story point."""
_MOST_POINTS = 1e9
_HOUR_US = DAY_US // 24
_CLOSED = ("closed", "completed")

KEY = ("sprint_id", *ITEM)
POINTS, TICKETS = "points", "tickets"
MODES = (POINTS, TICKETS)
WORK = (
    "commit",
    "creep",
    "delivered_commit",
    "missed_commit",
    "removed_commit",
    "delivered_creep",
    "missed_creep",
)
"""What an item is of its sprint, in story points or as a ticket; each is a column for each of ``MODES``."""
WORK_COLUMNS = tuple(f"{name}_{mode}" for mode in MODES for name in WORK)


# -- sprints -----------------------------------------------------------------------------------------------------------


def _sprints(_profile: Profile) -> Table:
    rows = schema_table("sprints")
    rows = rows.mutate(is_closed=rows.state.strip().lower().isin(_CLOSED))
    # A sprint is one, however many boards show it; what the first of them does not know, the next one may.
    one = rows.group_by("sprint_id").agg(
        **{
            name: rows[name].argmin(rows.board)
            for name in ("name", "is_closed", "start_at", "end_at", "completed_at", "activated_at")
        },
        boards=rows.board.collect(distinct=True, order_by=rows.board),
    )
    one = one.mutate(
        started_at=one.activated_at.fill_null(one.start_at),
        ended_at=one.completed_at.fill_null(ibis.cases((one.is_closed, one.end_at))),
    )
    left_out = ibis.cases(
        (one.ended_at.isnull() & ~one.is_closed.fill_null(False), NOT_ENDED),
        (one.ended_at.isnull(), "its sprint has no known end"),
        (one.started_at.isnull(), "its sprint has no known start"),
        (one.started_at >= one.ended_at, "its sprint ended before it started"),
    )
    return one.select(
        "sprint_id",
        "boards",
        name=one.name.strip().nullif("").fill_null(one.sprint_id),
        started_us=epoch_us(one.started_at),
        ended_us=epoch_us(one.ended_at),
        left_out=left_out,
    )


NOT_ENDED = "its sprint has not ended"
"""Why a sprint is left out that is not over."""

SPRINTS = Model(
    "sprints",
    {
        "sprint_id": "string",
        "boards": "array<string>",
        "name": "string",
        "started_us": "int64",
        "ended_us": "int64",
        "left_out": "string",
    },
    expression=_sprints,
)
"""Every sprint once, with all boards that show it. ``left_out`` says in words why it counts nowhere."""


def _called() -> Table:
    """What sprints are called in items: their ids, and names that one has alone and that are no ids."""
    sprints = SPRINTS.table()
    by_id = sprints.select(called="sprint_id", sprint_id="sprint_id")
    names = sprints.group_by(called="name").agg(sprint_id=sprints.sprint_id.min(), several=sprints.count())
    names = names.filter(names.several == 1).drop("several").anti_join(by_id, "called")
    return by_id.union(names)


# -- which items are in which sprint -----------------------------------------------------------------------------------


def _memberships(items: Table) -> Table:
    """(sprint_id, ITEM, from_us, until_us): when items were in sprints; one is in none before it was created."""
    listed = items.select(*ITEM, value=items.sprints.join(";"))
    told = stretches_of("sprint", listed, FORMER_KEYS.table())
    created = items.select(*ITEM, created_us=epoch_us(items.created_at).fill_null(-ALWAYS_US))
    told = told.filter(told.value.notnull()).inner_join(created, ITEM)
    told = told.mutate(from_us=ibis.greatest(told.from_us, told.created_us))
    told = told.filter(told.from_us < told.until_us)
    single = told.select(*ITEM, "from_us", "until_us", called=told.value.split(";").unnest())
    single = single.mutate(called=single.called.strip())
    return single.inner_join(_called(), "called").select(*KEY, "from_us", "until_us").distinct()


def _pairs(items: Table) -> Table:
    """Items with the sprints that they were in at some time: while these ran, or ever, of those that are left out. ``at_start`` and
    ``at_end`` say when; ``in_us`` is when an item came first, or the start."""
    told, sprints = _memberships(items), SPRINTS.table()
    joined = told.inner_join(sprints, "sprint_id")
    during = (joined.from_us < joined.ended_us) & (joined.until_us > joined.started_us)
    joined = joined.filter(joined.left_out.notnull() | during)
    pairs = joined.group_by(*KEY).agg(
        sprint_left_out=joined.left_out.min(),
        started_us=joined.started_us.min(),
        ended_us=joined.ended_us.min(),
        at_start=(joined.from_us <= joined.started_us).any(),
        at_end=(joined.until_us >= joined.ended_us).any(),
        first_us=joined.from_us.min(),
        last_us=joined.until_us.max(),
    )
    return pairs.mutate(in_us=ibis.greatest(pairs.first_us, pairs.started_us))


# -- what they were then -----------------------------------------------------------------------------------------------


def points_of(text: StringValue) -> IntegerValue:
    """An estimate in ten-thousandths of a point; unknown if it is no number that one could be."""
    number = text.strip().try_cast("float64")
    fits = ((number >= 0) & (number <= _MOST_POINTS)).fill_null(False)
    return ibis.cases((fits, (number * POINT).round())).cast("int64")


def _estimates(pairs: Table, items: Table) -> Table:
    """Per pair the estimate when the item came (``points_in``) and at the end (``points_end``)."""
    now = items.select(*ITEM, value=items.story_points.cast("string"))
    told = stretches_of("story_points", now, FORMER_KEYS.table())
    joined = pairs.select(*KEY, "in_us", "ended_us").inner_join(told, ITEM)
    points = points_of(joined.value)
    return joined.group_by(*KEY).agg(
        points_in=points.max(where=holds(joined, joined.in_us)),
        points_end=points.max(where=holds(joined, joined.ended_us)),
    )


def _completions(pairs: Table) -> Table:
    """Per pair whether the item was done at the start and at the end, and since when at the start."""
    joined = pairs.select(*KEY, "started_us", "ended_us").inner_join(done_stretches(FORMER_KEYS.table()), ITEM)
    began_open = ~joined.value & (joined.from_us <= joined.started_us)
    return joined.group_by(*KEY).agg(
        done_at_start=joined.value.any(where=holds(joined, joined.started_us)),
        done_at_end=joined.value.any(where=holds(joined, joined.ended_us)),
        done_us=joined.until_us.max(where=began_open),
    )


def _assignees(pairs: Table, items: Table) -> Table:
    """Per pair who had the item at the end; what is left out has it as it is now."""
    told = stretches_of("assignee", items.select(*ITEM, value="assignee"), FORMER_KEYS.table())
    joined = pairs.select(*KEY, asked_us=pairs.ended_us.fill_null(ALWAYS_US - 1)).inner_join(told, ITEM)
    return joined.group_by(*KEY).agg(assignee=joined.value.strip().nullif("").max(where=holds(joined, joined.asked_us)))


def _in_sprints(profile: Profile) -> Table:
    items = present_items(FORMER_KEYS.table())
    pairs = _pairs(items)
    kind, resolution = (items[name].fill_null("").strip().lower() for name in ("type", "resolution"))
    described = items.select(
        *ITEM,
        "type",
        "labels",
        "source",
        excluded=kind.isin(profile["work_items.exclude_types"]),
        not_done=resolution.isin(profile["work_items.not_done_resolutions"]),
    )
    pairs = attach(pairs, KEY, _estimates(pairs, items), _completions(pairs), _assignees(pairs, items))
    pairs = with_developer(attach(pairs, ITEM, described), "assignee", "work")
    grace_us = profile["sprints.start_grace_days"] * DAY_US
    early = pairs.done_at_start.fill_null(False) & (pairs.done_us.fill_null(-ALWAYS_US) < pairs.started_us - grace_us)
    left_out = ibis.coalesce(
        pairs.sprint_left_out,
        ibis.cases((pairs.excluded, ibis.literal("its type ") + pairs.type + " is left out")),
        ibis.cases((early, "done before its sprint started: outside it")),
    )
    committed = pairs.at_start | (pairs.first_us <= pairs.started_us + profile["sprints.commit_grace_hours"] * _HOUR_US)
    pairs = pairs.mutate(
        left_out=left_out, committed=committed, done=pairs.done_at_end.fill_null(False) & ~pairs.not_done
    )
    return _measured(pairs)


def _measured(pairs: Table) -> Table:
    """The rows of ``SPRINT_ITEMS``."""
    counted = pairs.left_out.isnull()
    stays, committed = counted & pairs.at_end, counted & pairs.committed
    one = ibis.literal(1, "int64")
    points = _work(pairs, committed, stays, pairs.points_in.fill_null(0), pairs.points_end.fill_null(0))
    tickets = _work(pairs, committed, stays, one, one)
    unestimated = (committed & pairs.points_in.isnull()) | (stays & ~pairs.committed & pairs.points_end.isnull())
    shared = ("project", "labels", "sprint_id")
    return pairs.select(
        *KEY,
        "assignee",
        "developer",
        "bot",
        "labels",
        "started_us",
        "in_us",
        "points_in",
        "points_end",
        "at_end",
        "done",
        "committed",
        "left_out",
        happened_us="ended_us",
        out_us=ibis.cases((~pairs.at_end, pairs.last_us)),
        unestimated=unestimated.cast("int64"),
        taken_out=(counted & ~pairs.at_end).cast("int64"),
        event=ibis.row_number().over(ibis.window(order_by=list(KEY))),
        owner_key=ibis.dense_rank().over(ibis.window(order_by=[pairs[name] for name in shared])),
        **{f"{name}_{POINTS}": to_bigint(value) for name, value in points.items()},
        **{f"{name}_{TICKETS}": to_bigint(value) for name, value in tickets.items()},
    )


def _work(
    pairs: Table, committed: BooleanValue, stays: BooleanValue, at_start: IntegerValue, at_end: IntegerValue
) -> dict[str, IntegerValue]:
    """Each of ``WORK``, of items worth so much. A new estimate is scope: an increase creeps in, a decrease is removed."""
    kept = ibis.least(at_start, at_end)
    creep = at_end - ibis.cases((committed, kept), else_=0)

    def where(condition: BooleanValue, value: IntegerValue) -> IntegerValue:
        return ibis.cases((condition, value), else_=0)

    return {
        "commit": where(committed, at_start),
        "creep": where(stays, creep),
        "delivered_commit": where(committed & stays & pairs.done, kept),
        "missed_commit": where(committed & stays & ~pairs.done, kept),
        "removed_commit": where(committed, at_start - ibis.cases((stays, kept), else_=0)),
        "delivered_creep": where(stays & pairs.done, creep),
        "missed_creep": where(stays & ~pairs.done, creep),
    }


SPRINT_ITEMS = Model(
    "sprint_items",
    {
        **dict.fromkeys((*KEY, "assignee", "developer"), "string"),
        "bot": "boolean",
        "labels": "array<string>",
        **dict.fromkeys(("started_us", "in_us", "points_in", "points_end"), "int64"),
        **dict.fromkeys(("at_end", "done", "committed"), "boolean"),
        "left_out": "string",
        **dict.fromkeys(("happened_us", "out_us", "unestimated", "taken_out", "event", "owner_key"), "int64"),
        **dict.fromkeys(WORK_COLUMNS, "int64"),
    },
    expression=_in_sprints,
)
"""Every item in each sprint that it was in while that ran. ``happened_us`` is the sprint's end, which says the period; ``in_us``
when the item came (the start, of one that was there), ``out_us`` when one that did not stay went. ``left_out`` says in words why it
is nothing of the sprint; then all of ``WORK`` is 0. ``event`` numbers the rows, ``owner_key`` what rules of teams look at."""


def counted_items() -> Table:
    """Those of ``SPRINT_ITEMS`` that count."""
    return SPRINT_ITEMS.table().filter(lambda items: items.left_out.isnull())
