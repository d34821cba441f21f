"""Queries are compiled once for all time zones and ranges: numbers that occur nowhere else stand for offsets and for the instants
between which the range lies, which are put into the text."""

from __future__ import annotations

from collections.abc import Sequence

from leadline.derive.local_time import Offset, RangeOffsets

_MARK = 8_640_086_400_864_000_000
_SINCE, _BEFORE = _MARK - 2, _MARK - 1


def with_offsets(text: str, zone: Sequence[Offset]) -> str:
    """A text that was compiled for ``offset_marks``, with the offsets of ``zone`` in their places."""
    numbers: dict[int, int] = {}
    for mark, offset in zip(offset_marks(zone), zone, strict=True):
        numbers[mark.offset] = offset.offset
        if mark.until is not None and offset.until is not None:
            numbers[mark.until] = offset.until
    if isinstance(zone, RangeOffsets):
        numbers |= {_SINCE: zone.since, _BEFORE: zone.before}
    for place, number in numbers.items():
        text = text.replace(str(place), f"({number})")
    return text


def offset_marks(zone: Sequence[Offset]) -> Sequence[Offset]:
    """Stands for offsets like those of ``zone``: numbers that occur nowhere else in a query."""
    marks = [Offset(_MARK + 2 * number, _MARK + 2 * number + 1) for number in range(len(zone))]
    marks = [*marks[:-1], Offset(None, marks[-1].offset)]
    return RangeOffsets.of(marks, _SINCE, _BEFORE) if isinstance(zone, RangeOffsets) else marks
