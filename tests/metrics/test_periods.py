"""Periods cover the range exactly once, cut at its ends, with the documented labels."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.metrics.periods import periods
from leadline.metrics.request import GRANULARITIES


@given(
    start=st.dates(date(1971, 1, 1), date(2200, 1, 1)),
    length=st.integers(0, 1830),
    granularity=st.sampled_from(GRANULARITIES),
)
def test_every_day_is_in_exactly_one_period(start: date, length: int, granularity: str) -> None:
    end = start + timedelta(days=length)
    found = periods(start, end, granularity)
    assert found[0].start == start
    assert found[-1].end == end
    assert all(after.start == before.end + timedelta(days=1) for before, after in pairwise(found))
    assert len({one.label for one in found}) == len(found)


@pytest.mark.parametrize(
    ("granularity", "start", "end", "expected"),
    [
        ("daily", "2026-02-28", "2026-03-01", [("2026-02-28",) * 3, ("2026-03-01",) * 3]),
        # 1 January 2027 is a Friday of the last week of 2026 (ISO 8601); the next Monday begins 2027-W01.
        (
            "weekly",
            "2026-12-30",
            "2027-01-05",
            [("2026-W53", "2026-12-30", "2027-01-03"), ("2027-W01", "2027-01-04", "2027-01-05")],
        ),
        (
            "monthly",
            "2025-12-15",
            "2026-01-02",
            [("Dec 2025", "2025-12-15", "2025-12-31"), ("Jan 2026", "2026-01-01", "2026-01-02")],
        ),
        (
            "quarterly",
            "2025-11-30",
            "2026-04-01",
            [
                ("Q4 2025", "2025-11-30", "2025-12-31"),
                ("Q1 2026", "2026-01-01", "2026-03-31"),
                ("Q2 2026", "2026-04-01", "2026-04-01"),
            ],
        ),
    ],
)
def test_labels_and_cuts(granularity: str, start: str, end: str, expected: list[tuple[str, str, str]]) -> None:
    found = periods(date.fromisoformat(start), date.fromisoformat(end), granularity)
    assert [(one.label, one.start.isoformat(), one.end.isoformat()) for one in found] == expected
