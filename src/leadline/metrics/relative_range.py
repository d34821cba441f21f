"""Ranges of days that are said by their distance from today: `last-month`, `last-4-weeks`, `quarter-to-date`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from leadline.field_types import Field, refusal, shown
from leadline.metrics.periods import first_of_month

EXAMPLES = (
    "last-week",
    "last-month",
    "last-quarter",
    "last-4-weeks",
    "last-12-months",
    "this-month",
    "quarter-to-date",
)
MOST = {"day": 3660, "week": 520, "month": 120, "quarter": 40, "year": 10}
"""How many of each unit may be asked for: ten years."""
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_UNIT = "|".join(MOST)
_LAST = re.compile(rf"(?:last|previous)-(?:([1-9][0-9]{{0,3}})-)?({_UNIT})s?")
_THIS = re.compile(rf"this-({_UNIT})|({_UNIT})-to-date")


@dataclass(frozen=True)
class RelativeRange:
    """The last ``count`` whole days, ISO weeks, calendar months, quarters or years that are over, or with ``count`` 0 the one that
    is not, up to today."""

    unit: str
    count: int

    @classmethod
    def parse(cls, text: str) -> RelativeRange | None:
        """The range that ``text`` names, in any letter case, with `-`, `_` or blanks between its words; None if it names none."""
        words = re.sub(r"[ _-]+", "-", text.strip().lower())
        if found := _LAST.fullmatch(words):
            count = int(found[1] or 1)
            return cls(found[2], count) if count <= MOST[found[2]] else None
        if found := _THIS.fullmatch(words):
            return cls(found[1] or found[2], 0)
        return None

    def several(self, count: int) -> RelativeRange | None:
        """``count`` of the unit, of a range that is one which is over; None for what cannot be."""
        if self.count <= 1 and count == 1:
            return self
        return RelativeRange(self.unit, count) if self.count == 1 and 1 <= count <= MOST[self.unit] else None

    def days(self, today: date) -> tuple[date, date]:
        """Its first and last day as of ``today``."""
        current = self._first_day(today, 0)
        return (
            (current, today) if self.count == 0 else (self._first_day(today, self.count), current - timedelta(days=1))
        )

    def _first_day(self, today: date, back: int) -> date:
        if self.unit in _MONTHS:
            months = _MONTHS[self.unit]
            return first_of_month(today.year, (today.month - 1) // months * months + 1 - back * months)
        if self.unit == "week":
            return today - timedelta(days=today.weekday() + 7 * back)
        return today - timedelta(days=back)


def relative_range(text: str) -> RelativeRange:
    """The range that ``text`` names. Raises ``ValueError``, saying what would do."""
    if found := RelativeRange.parse(text):
        return found
    raise ValueError(f"{shown(text)} is no range; {', '.join(EXAMPLES)} and their like are, up to ten years")


def _checked(value: Any) -> RelativeRange:
    if isinstance(value, str) and (found := RelativeRange.parse(value)):
        return found
    raise refusal("invalid_period", f"Invalid period: {shown(value)}; supported: {', '.join(EXAMPLES)} and their like")


RelativeDays = Annotated[RelativeRange, Field(_checked, {"type": "string", "examples": list(EXAMPLES)})]
"""A range of days by its distance from today."""
