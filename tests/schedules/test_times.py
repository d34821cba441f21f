"""When schedules are due: by the clocks of a place, also on the days when they are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import InvalidRequest
from leadline.schedules.times import Times


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES = {
    "the first of a month, in winter": ("0 6 1 * *", "Europe/Berlin", "2026-01-15T00:00", "2026-02-01T05:00"),
    "the first of a month, in summer": ("0 6 1 * *", "Europe/Berlin", "2026-06-15T00:00", "2026-07-01T04:00"),
    "at the instant itself it is over": ("0 6 1 * *", "UTC", "2026-02-01T06:00", "2026-03-01T06:00"),
    # Berlin goes from 02:00 to 03:00 on 29 March 2026, at 01:00 UTC.
    "skipped: at the next minute that exists": ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
    "the day after a skip": ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
    "skipped, just before": ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:59", "2026-03-29T01:00"),
    # And back from 03:00 to 02:00 on 25 October 2026, at 01:00 UTC: 02:30 is at 00:30 and at 01:30.
    "twice: the first": ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
    "twice: not the second": ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
    "twice: asked in the second hour": ("45 2 * * *", "Europe/Berlin", "2026-10-25T01:10", "2026-10-26T01:45"),
    "every half hour, in the hour that is twice": (
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:31",
        "2026-10-25T02:00",
    ),
    "every half hour, in the hour that is not there": (
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:31",
        "2026-03-29T01:00",
    ),
    "half an hour is skipped": ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:30"),
    "mondays": ("0 7 * * MON", "America/New_York", "2026-03-04T00:00", "2026-03-09T11:00"),
    "the last day of a leap year's February": ("0 0 L 2 *", "UTC", "2028-01-01T00:00", "2028-02-29T00:00"),
}


@pytest.mark.parametrize(("cron", "zone", "after", "expected"), CASES.values(), ids=CASES)
def test_next(cron: str, zone: str, after: str, expected: str) -> None:
    assert Times(cron, zone).next_after(utc(after)) == utc(expected)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "0 0 6 1 * *",
        "60 * * * *",
        "0 24 * * *",
        "0 0 30 2 *",
        "@daily",
        "0 6 1 * * ;",
        "a b c d e",
        "* " * 200,
    ],
)
def test_what_is_no_cron_line(cron: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^Invalid cron"):
        Times(cron, "UTC").check()


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")
LINES = ("*/7 * * * *", "30 2 * * *", "0 0 * * *", "15 */3 * * *", "0 6 1 * *", "59 1,2 * * 0")
instants = st.integers(1_322_697_600, 1_798_761_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""From December 2011 to the end of 2026."""


@given(instants, st.sampled_from(LINES), st.sampled_from(ZONES))
def test_the_next_ones_only_grow_and_the_last_is_the_one_before(instant: datetime, cron: str, zone: str) -> None:
    times = Times(cron, zone)
    first = times.next_after(instant)
    second = times.next_after(first)
    assert instant < first < second
    assert times.last_until(first) == first
    assert times.last_until(second - timedelta(microseconds=1)) == first
    assert times.last_until(instant) <= instant
    assert first <= times.next_after(times.last_until(instant)) or times.last_until(instant) == instant


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2011, 2026])
def test_a_daily_one_is_due_once_on_every_day_that_there_is(zone: str, year: int) -> None:
    times, at = Times("30 2 * * *", zone), datetime(year - 1, 12, 31, 12, tzinfo=UTC)
    found = []
    while (at := times.next_after(at)).year <= year:
        found.append(at.astimezone(ZoneInfo(zone)).date())
    skipped = {(earlier + timedelta(days=1)) for earlier, later in pairwise(found) if (later - earlier).days == 2}
    # Samoa had no 30 December 2011: what would have been due then is due as the next day begins, and there it is due again.
    apart = (zone, year) == ("Pacific/Apia", 2011)
    assert len(found) - len(set(found)) == (1 if apart else 0)
    assert len(skipped) == (1 if apart else 0)
