"""The fact `effort`: a row per developer, day and work item, as `leadline facts` shows it, with why it is there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import StringValue, Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach, joined, reasons
from leadline.engine import compiled, schema_table
from leadline.engine.functions import INSTANT, from_epoch_us, rounded_ratio
from leadline.facts.absences import SHARE_PARTS
from leadline.facts.categories import bind_categories, with_category, with_ruleset
from leadline.facts.effort import DAY_PARTS, FTE_PARTS, bind_effort, shares
from leadline.facts.phases import ALWAYS
from leadline.facts.touches import HAD_IN_PROGRESS, IN_PROGRESS, ITEM_TOUCHES, PULL_TOUCHES
from leadline.people.timeline import Timeline
from leadline.settings.categories import CATEGORIES, HIERARCHY, UNCATEGORIZED, UNLINKED
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.materialize.session import Session

EFFORT = "effort"
"""The fact's name."""


def effort_rows(profile: Profile) -> Table:
    """The rows of the fact, with at least its documented columns."""
    spent = shares()
    spent = with_category(with_ruleset(spent, spent.noon_us), profile[HIERARCHY])
    described = schema_table("work_items").select(*ITEM, "type", "title", "url")
    spent = attach(spent, ITEM, described)
    names = [(spent.category == rank, name) for rank, name in enumerate(profile[CATEGORIES])]
    return spent.mutate(
        category=ibis.cases((spent.key.isnull(), UNLINKED), *names, else_=UNCATEGORIZED),
        project=spent.project.fill_null(""),
        key=spent.key.fill_null(""),
        share=rounded_ratio(spent.parts, ibis.literal(DAY_PARTS, "int64")),
        why=_why(spent),
        noon_at=from_epoch_us(spent.noon_us).cast(INSTANT),
    )


def _why(spent: Table) -> StringValue:
    presumed = spent.how == IN_PROGRESS
    return joined(
        reasons(
            (presumed, "nothing done: in progress and assigned at noon"),
            (~presumed, spent.how),
            (spent.items > 1, ibis.literal("one of ") + spent.items.cast("string") + " items of the day"),
            (spent.absent > 0, ibis.literal("absent for ") + _share(spent.absent, SHARE_PARTS) + " of the day"),
            (spent.fte < FTE_PARTS, ibis.literal("employed for ") + _share(spent.fte, FTE_PARTS)),
            (
                ~spent.workday,
                "at a weekend: counts as far as the days of a period are no more than those from Monday to Friday",
            ),
        )
    )


def _share(parts: ibis.Value, whole: int) -> StringValue:
    return rounded_ratio(parts, ibis.literal(whole, "int64")).cast("string")


def bind_days(
    opened: Session,
    profile: Profile,
    stretches: Timeline,
    days: tuple[date | None, date | None],
    today: date | None,
) -> None:
    """Bind what the rows of ``days`` (None: from the first of which anything is known, or without an end) are made of beside stored
    tables; no day is later than ``today`` or, without one, than the last of which anything is known."""
    bind_categories(opened.engine, stretches, profile)
    first, last = days
    ends = [day for day in (last, today) if day is not None]
    known = _known_days(opened, profile) if first is None or not ends else (date.min, date.max)
    first, until = first or known[0], min(ends) if ends else known[1]
    bind_effort(opened.engine, stretches, profile.zone, [(first, until)])


def _known_days(opened: Session, profile: Profile) -> tuple[date, date]:
    """The first and the last day on which anything was touched, or was begun; today where there is none."""
    text = opened.facts.queries.text("effort_days", None, lambda: compiled(_known()))
    (row,) = opened.engine.arrow(text).to_pylist()
    instants = (row["first_us"], row["last_us"])
    first, last = (
        datetime.now(UTC) if at is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
        for at in instants
    )
    return first.astimezone(profile.zone).date(), last.astimezone(profile.zone).date()


def _known() -> Table:
    had = HAD_IN_PROGRESS.table()
    begun = had.filter(had.from_us > -ALWAYS).select(happened_us="from_us")
    touched = [model.table().select("happened_us") for model in (PULL_TOUCHES, ITEM_TOUCHES)]
    instants = ibis.union(begun, *touched)
    return instants.agg(first_us=instants.happened_us.min(), last_us=instants.happened_us.max())
