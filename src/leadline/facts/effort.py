"""Effort: the days of developers, each shared equally over the work items that were touched on it.

A day is one on which somebody did anything. Without anything done, a day from Monday to Friday is that of the items that were in
progress and the developer's at its noon. Absences reduce a day, and a day counts as far as somebody is employed (``fte``). At
weekends days count only as far as somebody's days of a period are no more than its days from Monday to Friday.

Shares are whole numbers of parts of a day, so that the shares of a day add up to it exactly and sums depend on no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import DAY_US, attach
from leadline.derive.local_time import bounds_us, day_number, noon_us
from leadline.engine import BoundTable
from leadline.engine.functions import to_bigint
from leadline.facts.absences import ABSENCES, SHARE_PARTS
from leadline.facts.phases import over_time
from leadline.facts.touches import HAD_IN_PROGRESS, IN_PROGRESS, ITEM_TOUCHES, PULL_TOUCHES
from leadline.people.timeline import Stretch, Timeline

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


def shares(
    people: Table | None = None, *, told: bool = True, of_days: Callable[[Table], Table] = lambda days: days
) -> Table:
    """A row for each developer, day and item, or without an item for what is linked to none: ``effort_day``, ``effort_period``,
    ``noon_us``, ``workday``, the ``day`` as it is written, project, key, the ``parts`` of the day by absence and employment, of
    them those that are ``counted`` within its period, of how many ``items`` it is one and, if ``told``, ``how`` it was touched.
    ``people`` (developer) keeps those. ``of_days`` adds to the days (developer, noon_us) what else is wanted of each, or
    leaves some out."""
    spent = _spent(people, told)
    days = _weighed(spent)
    shared = attach(spent, [*_DAY, *ITEM], _placed(spent, days))
    shared = shared.inner_join(of_days(days), _DAY)
    fte = shared.fte * ITEM_PARTS
    parts = {"parts": _part(shared.weight * fte, shared), "counted": _part(shared.counted_weight * fte, shared)}
    return shared.mutate(**parts).drop("nth", "weight", "counted_weight", "workdays")


_DAY = ["developer", "effort_day"]
_EVENLY = 12
"""A day is shared by so many items without a rest."""


def _part(of_day: ibis.Value, row: Table) -> ibis.Value:
    """What an item has of a day: a share, and one part of the rest for as many of the first ones as there are."""
    rest = of_day % row.items
    return (of_day - rest) // row.items + (row.nth < rest).fill_null(False).cast("int64")


def _placed(spent: Table, days: Table) -> Table:
    """The ``nth`` place of each item among those of its day, where there are so many that there may be a rest."""
    crowded = spent.semi_join(days.filter(days["items"] > _EVENLY), _DAY)
    in_order = ibis.window(group_by=_DAY, order_by=[crowded.project, crowded.key])
    return crowded.select(*_DAY, *ITEM, nth=ibis.row_number().over(in_order))


def _spent(people: Table | None, told: bool) -> Table:
    """Each developer's items by day, once; without an item where only something was touched that has none. ``told``: with ``how``
    they were touched."""
    touched = _touched(people, told)
    of_items = touched.filter(touched.key.notnull())
    unlinked = touched.filter(touched.key.isnull()).anti_join(of_items, _DAY)
    presumed = _presumed(people).anti_join(touched, _DAY).select(*touched.columns).distinct()
    all_of_them = ibis.union(of_items, unlinked, presumed)
    if not told:
        return all_of_them
    return all_of_them.group_by([*_DAY, *ITEM]).agg(
        how=all_of_them.how.collect(order_by=all_of_them.how, distinct=True).join(", ")
    )


def _touched(people: Table | None, told: bool) -> Table:
    """What was touched on which day, each once; ``told``: in each way once."""
    columns = ("developer", "happened_us", *ITEM, *(["how"] if told else []))
    touched = ibis.union(*(model.table().select(*columns) for model in (PULL_TOUCHES, ITEM_TOUCHES)))
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
    kept = [name for name in columns if name != "happened_us"]
    return dated.select(*kept, effort_day="sliced_day").distinct()


def _presumed(people: Table | None) -> Table:
    """The items that were in progress and somebody's at noon of days from Monday to Friday."""
    had, days = HAD_IN_PROGRESS.table(), EFFORT_DAYS.table()
    if people is not None:
        had = had.semi_join(people, "developer")
    noons = days.filter(days.workday)
    at_noon = had.inner_join(noons, [noons.noon_us >= had.from_us, noons.noon_us < had.until_us])
    return at_noon.select("developer", *ITEM, how=ibis.literal(IN_PROGRESS), effort_day="effort_day")


def _weighed(spent: Table) -> Table:
    """The days of each developer: what is known of each, of how many ``items`` it is, what it weighs by absence, and as far as it
    counts within its period (``counted_weight``), and what its developer had of a job."""
    days = spent.group_by(_DAY).agg(items=spent.count())
    days = days.inner_join(EFFORT_DAYS.table().rename(day="day_text"), "effort_day")
    absences, employed = ABSENCES.table().rename(absent_day="day"), EMPLOYMENT.table()
    days = days.left_join(absences, [days.developer == absences.person, days.effort_day == absences.absent_day])
    then = [days.developer == employed.employed]
    then += [days.noon_us >= employed.fte_from_us, days.noon_us < employed.fte_until_us]
    days = days.left_join(employed, then)
    absent = days.share.fill_null(0)
    days = days.mutate(absent=absent, weight=SHARE_PARTS - absent, fte=days.fte.fill_null(FTE_PARTS))
    days = days.drop("person", "absent_day", "share", "employed", "fte_from_us", "fte_until_us")
    days = attach(days, _DAY, _at_weekends(days))
    return days.mutate(counted_weight=days.weekend_weight.fill_null(days.weight)).drop("weekend_weight")


def _at_weekends(days: Table) -> Table:
    """How much of the days that are not from Monday to Friday counts: those of a period in order, while there is room."""
    of_period = ["developer", "effort_period"]
    weekend = days.filter(~days.workday)
    weekdays = days.filter(days.workday).semi_join(weekend, of_period)
    weekend = attach(weekend, of_period, weekdays.group_by(of_period).agg(on_weekdays=to_bigint(weekdays.weight.sum())))
    up_to_it = ibis.cumulative_window(group_by=of_period, order_by=[weekend.effort_day])
    before = to_bigint(weekend.weight.sum().over(up_to_it)) - weekend.weight
    room = weekend.workdays * SHARE_PARTS - weekend.on_weekdays.fill_null(0) - before
    return weekend.select(*_DAY, weekend_weight=ibis.greatest(ibis.least(weekend.weight, room), 0))


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
        for email, share in tree.part_time.items():
            employment.setdefault(email, round(share * FTE_PARTS))
    return employment
