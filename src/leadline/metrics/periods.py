"""Periods of an export: calendar days, ISO weeks, months or quarters, cut to the requested range, or the range itself; and
how many units of time a range has."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

# Labels are English whatever the process's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = timedelta(days=1)

RANGE = "range"
"""The granularity of a report: the whole range is one period."""


@dataclass(frozen=True)
class Period:
    """One period: its label (`Jan 2026`, `2026-W05`, `Q1 2026`, `2026-01-05`) and its first and last day in range."""

    label: str
    start: date
    end: date


def periods(start: date, end: date, granularity: str) -> list[Period]:
    """The periods that ``start`` to ``end`` (both inclusive) touches, in order; weeks start on Monday (ISO 8601)."""
    if granularity == RANGE:
        return [Period(f"{start}/{end}", start, end)]
    in_range: list[Period] = []
    day = start
    while day <= end:
        label, following = _period_of(day, granularity)
        in_range.append(Period(label, day, min(following - _DAY, end)))
        day = following
    return in_range


def units_of(start: date, end: date, unit: str) -> Fraction:
    """How many days (`daily`), weeks of seven days (`weekly`) or calendar months (`monthly`) there are from ``start`` to
    ``end``, both inclusive. A month that is only partly in the range counts by the share of its days."""
    days = (end - start).days + 1
    if unit == "monthly":
        return sum((_share_of_month(month) for month in periods(start, end, "monthly")), Fraction(0))
    return Fraction(days, 7 if unit == "weekly" else 1)


def _share_of_month(month: Period) -> Fraction:
    return Fraction((month.end - month.start).days + 1, calendar.monthrange(month.start.year, month.start.month)[1])


def _period_of(day: date, granularity: str) -> tuple[str, date]:
    if granularity == "daily":
        return day.isoformat(), day + _DAY
    if granularity == "weekly":
        year, week, weekday = day.isocalendar()
        return f"{year}-W{week:02d}", day + timedelta(days=8 - weekday)
    if granularity == "monthly":
        return f"{_MONTHS[day.month - 1]} {day.year}", _first_of_month(day.year, day.month + 1)
    quarter = (day.month - 1) // 3 + 1
    return f"Q{quarter} {day.year}", _first_of_month(day.year, quarter * 3 + 1)


def _first_of_month(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
