"""Queries are compiled once for all time zones: numbers that occur nowhere else stand for offsets, which are put into the text."""

from __future__ import annotations

from collections.abc import Sequence

from leadline.derive.local_time import Offset

_MARK = 8_640_086_400_864_000_000


def with_offsets(text: str, zone: Sequence[Offset]) -> str:
    """A text that was compiled for ``offset_marks``, with the offsets of ``zone`` in their places."""
    for mark, offset in zip(offset_marks(len(zone)), zone, strict=True):
        text = text.replace(str(mark.offset), f"({offset.offset})")
        if offset.until is not None:
            text = text.replace(str(mark.until), f"({offset.until})")
    return text


def offset_marks(count: int) -> list[Offset]:
    """Stands for ``count`` offsets: numbers that occur nowhere else in a query."""
    marks = [Offset(_MARK + 2 * number, _MARK + 2 * number + 1) for number in range(count)]
    return [*marks[:-1], Offset(None, marks[-1].offset)]
