"""What is in a lake, table by table: rows, version, and the newest event of each source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from leadline.json_body import Body, Instant
from leadline.schema import TABLES, Table

if TYPE_CHECKING:
    from leadline.engine import Engine
    from leadline.home import Project


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
        from leadline.engine import Engine

        with Engine.of(project.home) as engine:
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
    import ibis

    from leadline.engine.functions import epoch_us
    from leadline.engine.tables import schema_table

    if not table.accounts and table.event_time is None:
        return []
    rows = schema_table(table.name)
    events = rows.select(
        source=rows.source.fill_null("") if table.accounts else ibis.literal(""),
        # As microseconds: an integer needs no time zone library on its way to Python.
        happened=epoch_us(rows[table.event_time]) if table.event_time else ibis.null("int64"),
    )
    by_source = events.group_by("source").agg(rows=events.count(), newest=events.happened.max()).order_by("source")
    return [
        TableSourceStatus(source=row["source"], rows=row["rows"], newest_event=_instant(row["newest"]))
        for row in engine.arrow(by_source).to_pylist()
    ]


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
