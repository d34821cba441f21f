"""How reports of the use of AI tools are read: some days at a time, the last days again and again, since tools complete them later.

A tool's stream says in ``ask`` what a span of days brings; rows are those of the table `ai_usage`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from leadline.errors import Detail, InvalidRequest
from leadline.sources.kit.client import Client
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.streams import Stream
from leadline.sources.kit.text import Misshapen

TABLE = "ai_usage"
USUAL_DAYS = 90
"""Days that are read at first, where nobody says since when."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class UsageCursor(Cursor):
    """From which day on, and up to which, the reports of a tool were read (inclusive)."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Usage:
    """What a tool reports of some days. ``records``: things of the tool that the rows are of."""

    rows: list[Row]
    records: int
    skipped: tuple[Skipped, ...] = ()


def since_of(settings: SourceSettings) -> date | None:
    """The first day to read, if one is set. Raises ``InvalidRequest`` for what is no day."""
    text = settings.option("since")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"--since cannot be {text[:40]!r}; write a day, as 2026-01-31"
        raise InvalidRequest(message, details=[Detail("since", "a day, as 2026-01-31")]) from error


def today(client: Client) -> date:
    """The day in UTC by the tool's clock, as far as it is known."""
    return (client.tool_time or datetime.now(UTC)).astimezone(UTC).date()


class UsageStream(Stream[UsageCursor]):
    """The reports of one account of a tool."""

    cursor = UsageCursor
    span: ClassVar[int] = 1
    """Days that are asked for at once."""
    again: ClassVar[int] = 3
    """The last days, today among them, that are read again in every run."""

    def __init__(self, client: Client, subject: str, place: str, since: date | None) -> None:
        super().__init__(subject, f"usage of {subject}", f"{place}:usage")
        self._client, self._since = client, since

    @abstractmethod
    def ask(self, first: date, last: date, *, newest: bool) -> Usage:
        """What is reported of these days. ``newest``: they are among those that are read again. Raises as ``read`` does."""

    def due(self, _cursor: UsageCursor) -> bool:
        """Always: today goes on."""
        return True

    def read(self, cursor: UsageCursor) -> Iterator[Page]:
        """The days that were not read, from the first one wanted on, and the last ones again."""
        now = today(self._client)
        first = min(now, self._since or cursor.first or now - _DAY * (USUAL_DAYS - 1))
        newest = now - _DAY * (self.again - 1)
        start = first
        if cursor.first is not None and cursor.last is not None:
            start = max(first, min(cursor.last + _DAY, newest))
            for begun, ended in _backwards(first, cursor.first - _DAY, self.span):
                page, cursor = self._page(begun, ended, False, replace(cursor, first=begun))
                yield page
        for begun, ended in _forwards(start, newest - _DAY, self.span):
            page, cursor = self._page(begun, ended, False, UsageCursor(cursor.first or first, ended))
            yield page
        for begun, ended in _forwards(max(start, newest), now, self.span):
            page, cursor = self._page(begun, ended, True, UsageCursor(cursor.first or first, ended))
            yield page

    def _page(self, first: date, last: date, newest: bool, cursor: UsageCursor) -> tuple[Page, UsageCursor]:
        usage = self.ask(first, last, newest=newest)
        rows = {TABLE: usage.rows} if usage.rows else {}
        return self.page(rows, cursor, records=usage.records, skipped=usage.skipped), cursor


def _forwards(first: date, last: date, span: int) -> Iterator[tuple[date, date]]:
    while first <= last:
        ended = min(last, first + _DAY * (span - 1))
        yield first, ended
        first = ended + _DAY


def _backwards(first: date, last: date, span: int) -> Iterator[tuple[date, date]]:
    while first <= last:
        begun = max(first, last - _DAY * (span - 1))
        yield begun, last
        last = begun - _DAY


def number(node: Node, name: str) -> int | None:
    """A count, None where it is not told. Raises ``Misshapen`` for what is none."""
    value = node.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != int(value):
        raise Misshapen(f"its {name} is no count but {str(value)[:40]!r}")
    return int(value)


def text(node: Node, name: str) -> str:
    """A text that must be there. Raises ``Misshapen``."""
    value = node.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Misshapen(f"it has no {name}")
    return value.strip()


def total(values: Iterator[int | None] | list[int | None]) -> int | None:
    """The sum of what is told; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def added(row: Row | None, more: Row, counts: tuple[str, ...]) -> Row:
    """``row`` with the ``counts`` of ``more`` added to its own: one account may be in several records of a day."""
    if row is None:
        return more
    sums: dict[str, Any] = {name: total([row.get(name), more.get(name)]) for name in counts}
    return {**row, **sums}
