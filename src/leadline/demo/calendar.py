"""Working time: which days each working pattern works, when they begin in UTC, and how busy they are.

A pattern is a site with the weekdays somebody there never works. People move along the numbered working days of their
pattern, so whatever they do falls into their own working hours and keeps its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from leadline.demo.names import SITES, Site
from leadline.demo.stage import Rows

LEAD_IN_DAYS = 150
"""Days before the first one that work items may reach back to."""
TAIL_DAYS = 150
"""Days after the last one in which unfinished work would go on; never shown."""
OFF_DAYS: tuple[tuple[int, ...], ...] = ((), (5,), (3,), (4, 5), (1,))
"""ISO weekdays never worked: everybody else's, then those of part-timers."""
HALF_DAYS = ((12, 24), (12, 31))
"""Days of which half is off everywhere where they are no holidays."""
QUIET = 0.12
"""How much of a usual day is done on one between the years."""


@dataclass(frozen=True)
class Span:
    """The days of a demo: ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def cut(self) -> datetime:
        """The first UTC instant after the demo; nothing in it happens then or later."""
        return datetime.combine(self.last + timedelta(days=1), datetime.min.time(), tzinfo=UTC)


def span(until: date, months: int) -> Span:
    """The ``months`` calendar months that end with ``until``."""
    number = until.year * 12 + until.month - 1 - months
    year, month = divmod(number, 12)
    for day in range(until.day, 0, -1):  # 31 March less one month is the last day of February
        try:
            return Span(date(year, month + 1, day) + timedelta(days=1), until)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def pattern(site: int, off: int) -> int:
    """The number of the working pattern of ``SITES[site]`` and ``OFF_DAYS[off]``."""
    return site * len(OFF_DAYS) + off


def _is_worked(site: Site, off_days: tuple[int, ...], day: date) -> bool:
    weekday = day.isoweekday()
    return weekday <= 5 and weekday not in off_days and (day.month, day.day) not in site.holidays


def _free_share(site: Site, day: date) -> float:
    """The share of a weekday that everybody has off there: public holidays, the halves of days before feasts."""
    if day.isoweekday() > 5:
        return 0.0
    return 1.0 if (day.month, day.day) in site.holidays else 0.5 if (day.month, day.day) in HALF_DAYS else 0.0


def busyness(day: date) -> float:
    """Share of a usual day's work done on ``day``: quiet around Christmas and New Year, slower in August and on Fridays."""
    if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
        return QUIET
    return (0.8 if day.month == 8 else 1.0) * (1.0, 1.08, 1.08, 1.0, 0.84, 1.0, 1.0)[day.weekday()]


def rows(demo: Span) -> tuple[Rows, Rows]:
    """The rows of ``calendar`` and of ``dates`` for all patterns. ``midnight`` is the UTC instant (without offset) of
    the local midnight; ``gap`` says that the next day is not worked."""
    calendar: Rows = []
    dates: Rows = []
    for number, site in enumerate(SITES):
        for off, off_days in enumerate(OFF_DAYS):
            working, every = _pattern_rows(demo, pattern(number, off), site, off_days)
            calendar += working
            dates += every
    return calendar, dates


def _pattern_rows(demo: Span, number: int, site: Site, off_days: tuple[int, ...]) -> tuple[Rows, Rows]:
    working: Rows = []
    every: Rows = []
    day, last = demo.first - timedelta(days=LEAD_IN_DAYS), demo.last + timedelta(days=TAIL_DAYS)
    zone = ZoneInfo(site.zone)
    while day <= last:
        midnight = datetime.combine(day, datetime.min.time(), tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        worked = _is_worked(site, off_days, day)
        common = {"pattern": number, "day": day, "idx": len(working), "midnight": midnight}
        every.append({**common, "worked": worked, "free": _free_share(site, day)})
        if worked:
            gap = not _is_worked(site, off_days, day + timedelta(days=1))
            working.append({**common, "gap": gap, "busy": busyness(day)})
        day += timedelta(days=1)
    return working, every


def standard_offset_hours(site: Site) -> float:
    """The site's offset from UTC in winter, in hours: near enough to tell the local day of an instant."""
    offset = datetime(2024, 1, 15, tzinfo=ZoneInfo(site.zone)).utcoffset()
    return (offset or timedelta()).total_seconds() / 3600
