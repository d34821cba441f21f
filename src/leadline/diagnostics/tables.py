"""What is in a lake, table by table: rows, version, and the newest event of each source.

A lake comes in; ``TableState`` rows go out. Row counts come from the commits; only the event times are scanned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadline.engine import Engine
from leadline.lake import Lake
from leadline.schema import TABLES, Table


@dataclass(frozen=True)
class SourceState:
    """One source within a table: '' is rows that name none. ``newest_event`` is None when no row has an instant."""

    source: str
    rows: int
    newest_event: datetime | None


@dataclass(frozen=True)
class TableState:
    """One table: its rows, Delta version (None: never written) and sources, by name."""

    table: str
    rows: int
    version: int | None
    newest_event: datetime | None
    sources: tuple[SourceState, ...]


def table_states(lake: Lake, *, temp_dir: Path) -> list[TableState]:
    """The state of every table in documented order. Raises ``StoreError`` if the lake cannot be read."""
    snapshot = lake.snapshot()
    counts = snapshot.row_counts()
    filled = [TABLES[name] for name, rows in counts.items() if rows]
    sources: dict[str, tuple[SourceState, ...]] = {}
    if filled:
        with Engine(temp_dir=temp_dir) as engine:
            engine.bind_snapshot(snapshot, [table.name for table in filled])
            sources = {table.name: _sources(engine, table) for table in filled}
    return [
        TableState(
            name,
            counts.get(name, 0),
            snapshot.versions.get(name),
            max((state.newest_event for state in sources.get(name, ()) if state.newest_event), default=None),
            sources.get(name, ()),
        )
        for name in TABLES
    ]


def _sources(engine: Engine, table: Table) -> tuple[SourceState, ...]:
    if not table.accounts and table.event_time is None:
        return ()
    source = "coalesce(source, '')" if table.accounts else "''"
    # As microseconds: an integer needs no time zone library on its way to Python.
    newest = f"max(epoch_us({table.event_time}))" if table.event_time else "NULL"
    rows = engine.execute(f'SELECT {source} AS s, count(*), {newest} FROM "{table.name}" GROUP BY s ORDER BY s')
    return tuple(SourceState(name, number, _instant(micros)) for name, number, micros in rows)


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
