"""Local dates from offsets agree with the time zone database, instant by instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.derive.local_time import Offset, bounds_us, day_number, offsets

ZONES = (
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
)
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_day(instant_us: int, zone: list[Offset]) -> int:
    """What the query does with the offsets."""
    offset = next(each.offset for each in zone if each.until is None or instant_us < each.until)
    return (instant_us + offset) // DAY_US


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(ZONES),
    start=st.dates(date(1990, 1, 1), date(2035, 12, 31)),
    length=st.integers(0, 800),
    at=st.floats(0, 1),
    fraction=st.integers(0, 999_999),
)
def test_the_local_day_is_the_zones(name: str, start: date, length: int, at: float, fraction: int) -> None:
    zone = ZoneInfo(name)
    end = start + timedelta(days=length)
    low, high = bounds_us(start, end, zone)
    instant = low + int((high - 1 - low) * at) // 1_000_000 * 1_000_000 + fraction
    instant = min(max(instant, low), high - 1)
    expected = (EPOCH + timedelta(microseconds=instant)).astimezone(zone).date()
    assert local_day(instant, offsets(start, end, zone)) == day_number(expected)
    assert start <= expected <= end


@pytest.mark.parametrize(
    ("name", "last_before", "first_after"),
    [
        # Clocks jump from 02:00 to 03:00 on 8 March 2026: the change is to the second.
        ("America/New_York", datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC), datetime(2026, 3, 8, 7, 0, 0, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            datetime(2026, 4, 4, 14, 59, 59, tzinfo=UTC),
            datetime(2026, 4, 4, 15, 0, 0, tzinfo=UTC),
        ),
    ],
)
def test_a_change_of_clocks_is_found_to_the_second(name: str, last_before: datetime, first_after: datetime) -> None:
    zone = ZoneInfo(name)
    found = offsets(date(2026, 3, 1), date(2026, 4, 30), zone)
    change = (first_after - EPOCH) // timedelta(microseconds=1)
    assert change in [one.until for one in found]
    assert zone.utcoffset(last_before.astimezone(zone)) != zone.utcoffset(first_after.astimezone(zone))


def test_utc_has_one_offset() -> None:
    assert offsets(date(2020, 1, 1), date(2026, 1, 1), ZoneInfo("UTC")) == [Offset(None, 0)]
