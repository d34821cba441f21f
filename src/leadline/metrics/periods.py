"""Periods of rows: calendar days, ISO weeks, months, quarters or years, cut to the requested range, or the range itself; and how
many units of time a range has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

# Labels are English whatever the process's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = timedelta(days=1)

RANGE = "range"
"""The granularity of a report: the whole range is one period."""
YEARLY = "yearly"
"""The granularity of calendar years, which answers have and files do not."""


@dataclass(frozen=True)
class Period:
    """One period: its label (`Jan 2026`, `2026-W05`, `Q1 2026`, `2026`, `2026-01-05`), its first and last day in range, and how
    many days the whole of it has."""

    label: str
    start: date
    end: date
    unit_days: int

    def days_until(self, today: date | None) -> int:
        """Its days in range up to and with ``today``; all without one."""
        end = self.end if today is None else min(self.end, today)
        return max((end - self.start).days + 1, 0)


def periods(start: date, end: date, granularity: str) -> list[Period]:
    """The periods that ``start`` to ``end`` (both inclusive) touches, in order; weeks start on Monday (ISO 8601)."""
    if granularity == RANGE:
        return [Period(f"{start}/{end}", start, end, (end - start).days + 1)]
    in_range: list[Period] = []
    day = start
    while day <= end:
        label, first, following = _period_of(day, granularity)
        in_range.append(Period(label, day, min(following - _DAY, end), (following - first).days))
        day = following
    return in_range


def units_of(start: date, end: date, unit: str) -> Fraction:
    """How many days (`daily`), weeks of seven days (`weekly`) or calendar months (`monthly`) there are from ``start`` to
    ``end``, both inclusive. A month that is only partly in the range counts by the share of its days."""
    days = max((end - start).days + 1, 0)
    if unit == "monthly":
        return sum((_share_of_month(month) for month in periods(start, end, "monthly")), Fraction(0))
    return Fraction(days, 7 if unit == "weekly" else 1)


def _share_of_month(month: Period) -> Fraction:
    return Fraction((month.end - month.start).days + 1, month.unit_days)


def _period_of(day: date, granularity: str) -> tuple[str, date, date]:
    """The label of the whole period around ``day``, its first day and the first one after it."""
    if granularity == "daily":
        return day.isoformat(), day, day + _DAY
    if granularity == "weekly":
        year, week, weekday = day.isocalendar()
        monday = day - timedelta(days=weekday - 1)
        return f"{year}-W{week:02d}", monday, monday + timedelta(days=7)
    if granularity == "monthly":
        first, following = (first_of_month(day.year, day.month + months) for months in (0, 1))
        return f"{_MONTHS[day.month - 1]} {day.year}", first, following
    if granularity == YEARLY:
        return str(day.year), date(day.year, 1, 1), date(day.year + 1, 1, 1)
    quarter = (day.month - 1) // 3
    first, following = (first_of_month(day.year, quarter * 3 + months) for months in (1, 4))
    return f"Q{quarter + 1} {day.year}", first, following


def first_of_month(year: int, month: int) -> date:
    """The first day of a month, which may be counted on beyond 12 or back below 1."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
