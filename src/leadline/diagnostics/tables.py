"""What is in a lake, table by table: rows, version, and the newest event of each source.

Row counts come from the commits; only the event times are scanned.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadline.engine import Engine
from leadline.exports.answers import Body, Instant
from leadline.home import Project
from leadline.schema import TABLES, Table


class TableSourceStatus(Body):
    """One source within a table: '' are rows that name none. ``newest_event`` is None when no row has an instant."""

    source: str
    rows: int
    newest_event: Instant | None


class TableStatus(Body):
    """A table of the lake: its rows, Delta version (None: never written) and sources, by name."""

    table: str
    rows: int
    version: int | None
    newest_event: Instant | None
    sources: list[TableSourceStatus]


def table_states(project: Project) -> list[TableStatus]:
    """The state of every table in documented order. Raises ``StoreError`` if the lake cannot be read."""
    snapshot = project.lake.snapshot()
    counts = snapshot.row_counts()
    filled = [TABLES[name] for name, rows in counts.items() if rows]
    sources: dict[str, list[TableSourceStatus]] = {}
    if filled:
        with Engine(temp_dir=project.temp) as engine:
            engine.bind_snapshot(snapshot, [table.name for table in filled])
            sources = {table.name: _sources(engine, table) for table in filled}
    return [
        TableStatus(
            table=name,
            rows=counts.get(name, 0),
            version=snapshot.versions.get(name),
            newest_event=max((row.newest_event for row in sources.get(name, ()) if row.newest_event), default=None),
            sources=sources.get(name, []),
        )
        for name in TABLES
    ]


def _sources(engine: Engine, table: Table) -> list[TableSourceStatus]:
    if not table.accounts and table.event_time is None:
        return []
    source = "coalesce(source, '')" if table.accounts else "''"
    # As microseconds: an integer needs no time zone library on its way to Python.
    newest = f"max(epoch_us({table.event_time}))" if table.event_time else "NULL"
    rows = engine.execute(f'SELECT {source} AS s, count(*), {newest} FROM "{table.name}" GROUP BY s ORDER BY s')
    return [TableSourceStatus(source=name, rows=number, newest_event=_instant(us)) for name, number, us in rows]


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
