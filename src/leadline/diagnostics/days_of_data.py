"""Which days a project has data of: an export of others is all empty, and whoever made it should hear why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from leadline.schema import TABLES

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from leadline.home import Project


@dataclass(frozen=True)
class WithoutData:
    """Days, both included, on which no event is known of any table; ``first`` and ``last`` are the days of the first and the last
    event of all, None where there is none."""

    start: date
    end: date
    first: date | None
    last: date | None

    @property
    def sentence(self) -> str:
        """What is so, in words."""
        days = f"on {self.start}" if self.start == self.end else f"from {self.start} to {self.end}"
        if self.first is None:
            return f"there are no data {days}, nor of any other day"
        return f"there are no data {days}; there are some from {self.first} to {self.last}"

    def newest(self, days: int) -> tuple[date, date] | None:
        """The last ``days`` that have data; None where none has."""
        return None if self.last is None else (self.last - timedelta(days=days - 1), self.last)


def without_data(project: Project, start: date, end: date, tree: str | None = None) -> WithoutData | None:
    """What is to be said of the days from ``start`` to ``end``, in the time zone of ``tree``; None if they have data. Raises
    ``StoreError``."""
    from leadline.engine import Engine

    zone = project.profile(tree).zone
    snapshot = project.lake.snapshot()
    filled = [TABLES[name] for name, rows in snapshot.row_counts().items() if rows and TABLES[name].event_time]
    if not filled:
        return WithoutData(start, end, None, None)
    from leadline.derive.local_time import bounds_us

    from_us, before_us = bounds_us(start, end, zone)
    with Engine.of(project.home) as engine:
        engine.bind_snapshot(snapshot, [table.name for table in filled])
        for table in filled:
            happened = _events(table.name, str(table.event_time))
            within = happened.filter((happened.happened_us >= from_us) & (happened.happened_us < before_us))
            if engine.arrow(within.limit(1)).num_rows:
                return None
        bounds = [_bounds(_events(table.name, str(table.event_time))) for table in filled]
        found = [row for each in bounds for row in engine.arrow(each).to_pylist() if row["first"] is not None]
    if not found:
        return WithoutData(start, end, None, None)
    return WithoutData(
        start,
        end,
        _day(min(row["first"] for row in found), zone),
        _day(max(row["last"] for row in found), zone),
    )


def _events(table: str, column: str) -> Table:
    from leadline.engine.functions import epoch_us
    from leadline.engine.tables import schema_table

    rows = schema_table(table)
    return rows.select(happened_us=epoch_us(rows[column]))


def _bounds(events: Table) -> Table:
    return events.aggregate(first=events.happened_us.min(), last=events.happened_us.max())


def _day(micros: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).astimezone(zone).date()
