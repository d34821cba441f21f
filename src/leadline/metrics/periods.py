"""Periods of an export: calendar days, ISO weeks, months or quarters, cut to the requested range.

A date range and a granularity come in; the periods go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

# Labels are English whatever the process's locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """One period: its label (`Jan 2026`, `2026-W05`, `Q1 2026`, `2026-01-05`) and its first and last day in range."""

    label: str
    start: date
    end: date


def periods(start: date, end: date, granularity: str) -> list[Period]:
    """The periods that ``start`` to ``end`` (both inclusive) touches, in order; weeks start on Monday (ISO 8601)."""
    found: list[Period] = []
    day = start
    while day <= end:
        label, following = _period_of(day, granularity)
        found.append(Period(label, day, min(following - _DAY, end)))
        day = following
    return found


def _period_of(day: date, granularity: str) -> tuple[str, date]:
    """The label of the period that ``day`` is in and the first day after it."""
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
