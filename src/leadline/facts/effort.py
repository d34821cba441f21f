"""Effort: the days of developers, each shared equally over the work items that were touched on it.

A day is one on which somebody did anything. Without anything done, a day from Monday to Friday is that of the items that were in
progress and the developer's at its noon. Absences reduce a day, and a day counts as far as somebody is employed (``fte``). At
weekends days count only as far as somebody's days of a period are no more than its days from Monday to Friday.

Shares are whole numbers of parts of a day, so that the shares of a day add up to it exactly and sums depend on no order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import DAY_US
from leadline.derive.local_time import bounds_us, day_number, noon_us
from leadline.engine import BoundTable
from leadline.facts.absences import ABSENCES, SHARE_PARTS
from leadline.facts.phases import over_time
from leadline.facts.touches import HAD_IN_PROGRESS, IN_PROGRESS, ITEM_TOUCHES, PULL_TOUCHES
from leadline.people.timeline import Stretch, Timeline
from leadline.people.violations import share_of

if TYPE_CHECKING:
    from leadline.engine import Backend

FTE_PARTS = 10_000
"""How much of a job somebody has is counted in parts."""
ITEM_PARTS = 55_440
"""So many parts can be shared by up to twelve items without a rest."""
DAY_PARTS = SHARE_PARTS * FTE_PARTS * ITEM_PARTS
"""The parts of a whole day."""
MODELS = (PULL_TOUCHES, ITEM_TOUCHES, HAD_IN_PROGRESS, ABSENCES)
"""The stored tables that effort reads."""

EFFORT_DAYS = BoundTable(
    "effort_days",
    {
        **dict.fromkeys(("effort_day", "effort_period", "noon_us", "workdays"), "int64"),
        "workday": "boolean",
        "day_text": "string",
    },
)
"""The days that count (days since 1970): the period of each, its noon, how many days of its period are from Monday to Friday,
whether it is one, and how it is written."""
DAY_SLICES = BoundTable(
    "day_slices", dict.fromkeys(("utc_day", "slice_from_us", "slice_until_us", "sliced_day"), "int64")
)
"""The parts of each of these days that lie on each day of UTC."""
EMPLOYMENT = BoundTable(
    "employment", {"employed": "string", "fte": "int64", "fte_from_us": "int64", "fte_until_us": "int64"}
)
"""How much of a job those have who do not have a whole one, in ``FTE_PARTS``, and when."""


def shares(people: Table | None = None) -> Table:
    """A row for each developer, day and item, or without an item for what is linked to none: ``effort_day``, ``effort_period``,
    ``noon_us``, ``workday``, the ``day`` as it is written, project, key, the ``parts`` of the day by absence and employment, of
    them those that are ``counted`` within its period, ``how`` it was touched, and of how many ``items`` it is one. ``people``
    (developer) keeps those."""
    spent = _numbered(_spent(people))
    days = _weighed(spent)
    same = [spent.developer == days.of_developer, spent.effort_day == days.of_day]
    weighed = spent.inner_join(days, same)
    employed = EMPLOYMENT.table()
    then = [weighed.developer == employed.employed]
    then += [weighed.noon_us >= employed.fte_from_us, weighed.noon_us < employed.fte_until_us]
    weighed = weighed.left_join(employed, then)
    fte = weighed.fte.fill_null(FTE_PARTS) * ITEM_PARTS
    return weighed.select(
        "developer",
        "effort_day",
        "effort_period",
        "noon_us",
        "workday",
        *ITEM,
        "how",
        "items",
        "absent",
        day=weighed.day_text,
        fte=weighed.fte.fill_null(FTE_PARTS),
        parts=_part(weighed.weight * fte, weighed),
        counted=_part(weighed.counted_weight * fte, weighed),
    )


def _part(of_day: ibis.Value, row: Table) -> ibis.Value:
    """What an item has of a day: a share, and one part of the rest for as many of the first ones as there are."""
    rest = of_day % row.items
    return (of_day - rest) // row.items + (row.place < rest).cast("int64")


def _spent(people: Table | None) -> Table:
    """Each developer's items by day, with ``how`` they were touched; without an item where only something was that has none."""
    touched = _touched(people)
    active = touched.select("developer", "effort_day").distinct()
    of_items = touched.filter(touched.key.notnull())
    linked = of_items.select("developer", "effort_day").distinct()
    unlinked = touched.anti_join(linked, ["developer", "effort_day"])
    presumed = _presumed(people).anti_join(active, ["developer", "effort_day"])
    all_of_them = ibis.union(of_items, unlinked, presumed)
    keys = ["developer", "effort_day", *ITEM]
    return all_of_them.group_by(keys).agg(
        how=all_of_them.how.collect(order_by=all_of_them.how, distinct=True).join(", ")
    )


def _touched(people: Table | None) -> Table:
    """What was touched on which day."""
    pulls = PULL_TOUCHES.table().select("developer", "happened_us", *ITEM, "how")
    touched = pulls.union(ITEM_TOUCHES.table().select(*pulls.columns), distinct=False)
    if people is not None:
        touched = touched.semi_join(people, "developer")
    slices = DAY_SLICES.table()
    touched = touched.mutate(of_utc_day=touched.happened_us // DAY_US)
    within = [
        touched.of_utc_day == slices.utc_day,
        touched.happened_us >= slices.slice_from_us,
        touched.happened_us < slices.slice_until_us,
    ]
    dated = touched.inner_join(slices, within)
    return dated.select("developer", *ITEM, "how", effort_day="sliced_day").distinct()


def _presumed(people: Table | None) -> Table:
    """The items that were in progress and somebody's at noon of days from Monday to Friday."""
    had, days = HAD_IN_PROGRESS.table(), EFFORT_DAYS.table()
    if people is not None:
        had = had.semi_join(people, "developer")
    noons = days.filter(days.workday)
    at_noon = had.inner_join(noons, [noons.noon_us >= had.from_us, noons.noon_us < had.until_us])
    return at_noon.select("developer", *ITEM, how=ibis.literal(IN_PROGRESS), effort_day="effort_day").distinct()


def _numbered(spent: Table) -> Table:
    """The items of each day counted and numbered, with what is known of the day."""
    of_day = ibis.window(group_by=["developer", "effort_day"])
    in_order = ibis.window(group_by=["developer", "effort_day"], order_by=[spent.project, spent.key])
    spent = spent.mutate(items=spent.how.count().over(of_day), place=ibis.row_number().over(in_order))
    days = EFFORT_DAYS.table().rename(of_effort_day="effort_day")
    return spent.inner_join(days, spent.effort_day == days.of_effort_day).drop("of_effort_day")


def _weighed(spent: Table) -> Table:
    """What each day of a developer weighs by absence, and as far as it counts within its period (``counted_weight``)."""
    names = ["effort_period", "workday", "workdays"]
    days = spent.select("developer", "effort_day", *names).distinct()
    absences = ABSENCES.table()
    days = days.left_join(absences, [days.developer == absences.person, days.effort_day == absences.day])
    absent = days.share.fill_null(0)
    days = days.select("developer", "effort_day", *names, absent=absent, weight=SHARE_PARTS - absent)
    of_weekend = ibis.cases((~days.workday, days.weight), else_=0)
    of_period = ibis.window(group_by=["developer", "effort_period"])
    up_to_it = ibis.cumulative_window(group_by=["developer", "effort_period"], order_by=[days.effort_day])
    weekdays = (days.weight - of_weekend).sum().over(of_period)
    room = days.workdays * SHARE_PARTS - weekdays - (of_weekend.sum().over(up_to_it) - of_weekend)
    days = days.mutate(room=room)
    within = ibis.cases((days.workday, days.weight), else_=ibis.greatest(ibis.least(days.weight, days.room), 0))
    return days.select(
        of_developer="developer", of_day="effort_day", absent="absent", weight="weight", counted_weight=within
    )


# -- bound -------------------------------------------------------------------------------------------------------------


def bind_effort(engine: Backend, stretches: Timeline, zone: ZoneInfo, periods: Iterable[tuple[date, date]]) -> None:
    """Bind the days of ``periods``, which are numbered through, each with its first and last day that counts; and who has how much
    of a job."""
    days: list[tuple[int, int, int, int, bool, str]] = []
    slices: list[tuple[int, int, int, int]] = []
    for number, (start, end) in enumerate(periods):
        in_period = [start + timedelta(days=at) for at in range((end - start).days + 1)]
        of_period = workdays(start, end)
        for day in in_period:
            first, until = bounds_us(day, day, zone)
            days.append((day_number(day), number, noon_us(day, zone), of_period, day.weekday() < 5, day.isoformat()))
            slices += [
                (utc, max(first, utc * DAY_US), min(until, (utc + 1) * DAY_US), day_number(day))
                for utc in range(first // DAY_US, (until - 1) // DAY_US + 1)
            ]
    EFFORT_DAYS.bind(engine, days)
    DAY_SLICES.bind(engine, slices)
    EMPLOYMENT.bind(engine, over_time(stretches, _employment, zone))


def workdays(start: date, end: date) -> int:
    """How many days from Monday to Friday there are from ``start`` to ``end``, both inclusive."""
    return sum((start + timedelta(days=at)).weekday() < 5 for at in range((end - start).days + 1))


def _employment(stretch: Stretch) -> dict[str, int]:
    """Those who do not have a whole job."""
    employment: dict[str, int] = {}
    for tree in stretch.trees:
        for developer in tree.developers.values():
            share = share_of(developer.attributes.get("fte", ""))
            if share is not None and share < 1:
                employment.setdefault(developer.email, round(share * FTE_PARTS))
    return employment
