"""Local calendar dates of UTC instants: bounds of a date range and the offsets of a time zone in it, in microseconds.

Local dates are found with these few numbers rather than with an engine's own time zone data, so that every engine and
release agrees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Self
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def bounds_us(start: date, end: date, zone: ZoneInfo) -> tuple[int, int]:
    """The UTC instants (µs since 1970) from which and before which local dates lie in ``start`` to ``end``."""
    return _local_midnight(start, zone), _local_midnight(end + _DAY, zone)


def noon_us(day: date, zone: ZoneInfo) -> int:
    """The UTC instant (µs since 1970) of a day's local noon."""
    return _microseconds(datetime.combine(day, time(12), zone).astimezone(UTC))


def _local_midnight(day: date, zone: ZoneInfo) -> int:
    return _microseconds(datetime.combine(day, time.min, zone).astimezone(UTC))


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Offset:
    """An offset from UTC in force before the instant ``until`` (None: to the end); both in µs."""

    until: int | None
    offset: int


class RangeOffsets(tuple[Offset, ...]):
    """The offsets over a range of days, which lies from the instant ``since`` on and before the instant ``before`` (µs)."""

    since: int
    before: int

    @classmethod
    def of(cls, changes: Iterable[Offset], since: int, before: int) -> Self:
        """Of these."""
        made = cls(changes)
        made.since, made.before = since, before
        return made

    @classmethod
    def over(cls, start: date, end: date, zone: ZoneInfo) -> Self:
        """Those of ``zone`` over the local days from ``start`` to ``end``."""
        return cls.of(offsets(start, end, zone), *bounds_us(start, end, zone))


def offsets(start: date, end: date, zone: ZoneInfo) -> list[Offset]:
    """The offsets of ``zone`` over the range, in order of time."""
    low = datetime.combine(start, time.min, UTC) - 2 * _DAY
    high = datetime.combine(end, time.min, UTC) + 3 * _DAY
    offsets_in_force: list[Offset] = []
    step = timedelta(hours=12)
    instant = low
    while instant < high:
        following = instant + step
        if _offset(instant, zone) != _offset(following, zone):
            change = _change_between(instant, following, zone)
            offsets_in_force.append(Offset(_microseconds(change), _offset(instant, zone)))
        instant = following
    return [*offsets_in_force, Offset(None, _offset(instant, zone))]


@cache
def all_offsets(zone: ZoneInfo) -> tuple[Offset, ...]:
    """The offsets of ``zone`` on all days that anything of a team's work can be of."""
    return tuple(offsets(date(1970, 1, 1), date(2099, 12, 31), zone))


def _offset(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset()
    return (offset or timedelta()) // timedelta(microseconds=1)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second of the offset in force at ``after``."""
    old_offset = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle <= before:
            break
        before, after = (middle, after) if _offset(middle, zone) == old_offset else (before, middle)
    return after
