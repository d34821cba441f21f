"""Which version of an org tree is in force when: an org tree is in force from a day, until the day before another one is.

Days are local ones, in the time zone in force for the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from leadline.db.trees import VersionRow, in_order
from leadline.errors import Detail, InvalidRequest
from leadline.field_types import FIRST_YEAR, LAST_YEAR
from leadline.home import Project

BEGINNING = date.min
"""As the first day of a tree: it is in force from the beginning."""
FROM_BEGINNING = "beginning"
"""How users say so."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class InForce:
    """A version of a tree, and the days on which it is in force: from ``start`` (``BEGINNING``: always before ``end``) to ``end``,
    both included (None: until another one is). ``people`` is what versions with the same people have in common."""

    version: int
    start: date
    end: date | None
    loaded_at: datetime
    people: str

    @property
    def from_day(self) -> date | None:
        """The first day as it is stored and shown; None for the beginning."""
        return None if self.start == BEGINNING else self.start


History = Sequence[InForce]
"""The versions of a tree that are in force on some day, in the order of their days."""


def history_of(versions: Iterable[VersionRow]) -> History:
    """The history that ``versions`` make."""
    rows = in_order(versions)
    ends = [None if row.from_day is None else row.from_day - _DAY for row in rows[1:]]
    return [
        InForce(row.version, row.from_day or BEGINNING, end, row.created_at, row.people_hash or row.content_hash)
        for row, end in zip(rows, [*ends, None], strict=True)
    ]


def on_day(history: History, day: date) -> InForce | None:
    """What is in force on ``day``; None before the first tree."""
    return next((entry for entry in reversed(history) if entry.start <= day), None)


def nearest(history: History, day: date) -> InForce:
    """What is in force on ``day`` or, before the first tree, that one."""
    return on_day(history, day) or history[0]


def within(history: History, start: date, end: date) -> History:
    """What is in force on some day from ``start`` to ``end``."""
    return [entry for entry in history if entry.start <= end and (entry.end is None or entry.end >= start)]


def today(project: Project, tree_name: str, now: datetime | None = None) -> date:
    """The local day of ``now`` (default: this moment) in the time zone in force for a tree."""
    return (now or datetime.now(UTC)).astimezone(project.profile(tree_name).zone).date()


def day_of(text: str, field: str) -> date:
    """The day that ``text`` says, as yyyy-MM-dd, or ``BEGINNING``. Raises ``InvalidRequest`` naming ``field``."""
    plain = text.strip()
    if plain.lower() == FROM_BEGINNING:
        return BEGINNING
    would_do = f'a day as yyyy-MM-dd, or "{FROM_BEGINNING}"'
    try:
        day = date.fromisoformat(plain) if len(plain) == len("2026-01-31") else BEGINNING
    except ValueError:
        day = BEGINNING
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidRequest(
            f"{field} cannot be {text[:80]!r}; it must be {would_do}",
            code="invalid_date",
            details=[Detail(field, would_do)],
        )
    return day
