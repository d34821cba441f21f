"""Ranges said by their distance from today."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.metrics.periods import periods
from leadline.metrics.relative_range import EXAMPLES, MOST, RelativeRange

GRANULARITY = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly"}


# 29 November 2026 is a Sunday, 1 January 2027 a Friday of the last week of 2026, 2028 a leap year.
@pytest.mark.parametrize(
    ("text", "today", "start", "end"),
    [
        ("last-day", "2026-11-29", "2026-11-28", "2026-11-28"),
        ("last-3-days", "2027-01-01", "2026-12-29", "2026-12-31"),
        ("last-week", "2026-11-29", "2026-11-16", "2026-11-22"),
        ("last-week", "2026-11-30", "2026-11-23", "2026-11-29"),
        ("last-4-weeks", "2027-01-01", "2026-11-30", "2026-12-27"),
        ("last-month", "2026-01-31", "2025-12-01", "2025-12-31"),
        ("previous_month", "2028-03-31", "2028-02-01", "2028-02-29"),
        ("LAST 12 Months", "2026-11-29", "2025-11-01", "2026-10-31"),
        ("last-quarter", "2026-02-28", "2025-10-01", "2025-12-31"),
        ("last-2-quarters", "2026-11-29", "2026-04-01", "2026-09-30"),
        ("last-year", "2026-01-01", "2025-01-01", "2025-12-31"),
        ("this-week", "2026-11-29", "2026-11-23", "2026-11-29"),
        ("this-month", "2026-11-01", "2026-11-01", "2026-11-01"),
        ("month_to_date", "2026-11-29", "2026-11-01", "2026-11-29"),
        ("Quarter To Date", "2026-11-29", "2026-10-01", "2026-11-29"),
        ("this year", "2026-11-29", "2026-01-01", "2026-11-29"),
    ],
)
def test_days(text: str, today: str, start: str, end: str) -> None:
    found = RelativeRange.parse(text)
    assert found is not None
    assert found.days(date.fromisoformat(today)) == (date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    "text",
    [
        *("", "month", "last", "last-0-days", "last-01-days", "last-3661-days", "last-11-years", "next-month"),
        *("last-1.5-weeks", "this-2-months", "last-٣-days", "last-month last-month", "last-99999999999999999999-days"),
    ],
)
def test_what_names_none(text: str) -> None:
    assert RelativeRange.parse(text) is None


def test_examples_are_ranges() -> None:
    assert all(RelativeRange.parse(text) for text in EXAMPLES)


@given(st.dates(date(1999, 1, 1), date(2999, 12, 31)), st.sampled_from(sorted(GRANULARITY)), st.data())
def test_whole_periods_that_are_over_then_the_one_that_is_not(today: date, unit: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, MOST[unit]))
    start, end = RelativeRange(unit, count).days(today)
    current, now = RelativeRange(unit, 0).days(today)
    assert (end + timedelta(days=1), now) == (current, today)
    found = periods(start, end, GRANULARITY[unit])
    assert len(found) == count
    assert all(period.days_until(None) == period.unit_days for period in found)
    assert len(periods(current, today, GRANULARITY[unit])) == 1
