"""The generator's work table space: one temporary DuckDB file, its randomness, and the macros of working time.

All randomness is ``hash(hash(seed, what, a, b))``: the same for the same options whatever the order or number of threads, as
long as DuckDB's hash is the same (its version is pinned).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.schema import Table
from leadline.silent_duckdb import silent

if TYPE_CHECKING:
    import pyarrow as pa

Rows = list[dict[str, object]]
"""Rows of a table of the stage, all with the same keys."""
MEMORY_LIMIT = "1500MB"
"""What the generator may hold before it spills; the lake's own limit comes on top."""
BATCH_ROWS = 100_000

_MACROS = (
    # A uniform draw in (0, 1). The outer hash breaks the linear relation between draws that differ in one number alone.
    "CREATE MACRO u(what, a, b) AS "
    "((hash(hash($seed::BIGINT, what, a::BIGINT, b::BIGINT)) >> 11)::DOUBLE + 0.5) / 9007199254740992.0",
    "CREATE MACRO pick(what, a, b, n) AS floor(u(what, a, b) * n)::BIGINT",
    "CREATE MACRO expo(what, a, b, mean) AS -(mean) * ln(u(what, a, b))",
    "CREATE MACRO normal(what, a, b) AS sqrt(-2 * ln(u(what, a, b))) * cos(2 * pi() * u(what || ' angle', a, b))",
    "CREATE MACRO choice(list, what, a, b) AS (list)[1 + pick(what, a, b, len(list))]",
    "CREATE MACRO sha_of(what, a, b) AS sha1('leadline demo $seed ' || what || ' ' || a || ' ' || b)",
    # A point of working time: hour of day by the fraction of the working day done. The last fifth of a Friday of those
    # who work at weekends lies on Saturday: still in order, and at a weekend now and then.
    "CREATE MACRO moment(midnight, gap, weekender, day_from, day_hours, w) AS midnight + to_seconds(floor(3600 * "
    "CASE WHEN weekender AND gap AND w - floor(w) > 0.8 THEN 34 + (w - floor(w) - 0.8) * 40 "
    "ELSE day_from + day_hours * (w - floor(w)) END)::BIGINT)",
    # The point of working time at or after an instant; ``dates`` is the row of its local day.
    "CREATE MACRO working_point(idx, worked, midnight, day_from, day_hours, instant) AS idx + CASE WHEN worked THEN "
    "greatest(0, least(0.999, (epoch(instant) - epoch(midnight)) / 3600 - day_from) / day_hours) ELSE 0 END",
)


class Stage:
    """One temporary DuckDB database. Use as a context manager; the file is the caller's to remove."""

    def __init__(self, path: Path, *, seed: int, start: datetime, cut: datetime, threads: int | None = None) -> None:
        import duckdb

        self._connection = silent(duckdb.connect(str(path)))
        settings = {"memory_limit": MEMORY_LIMIT, "TimeZone": "UTC", "preserve_insertion_order": False}
        if threads is not None:
            settings["threads"] = threads
        for name, value in settings.items():
            self._connection.execute(f"SET {name} = '{value}'")
        for macro in _MACROS:
            self.run(macro.replace("$seed", str(int(seed))))
        # Instants are kept without offset, in UTC, until they leave.
        self.run(f"CREATE MACRO cut() AS TIMESTAMP '{cut:%Y-%m-%d %H:%M:%S}'")
        self.run(f"CREATE MACRO start() AS TIMESTAMP '{start:%Y-%m-%d %H:%M:%S}'")

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, statement: str, *, as_written: bool = False) -> None:
        """Executes one statement. ``as_written`` keeps its joins in their order, each right side held in memory: for long
        chains of joins with small tables, where reordering would hold the large side instead, many times over."""
        disabled = "join_order,build_side_probe_side" if as_written else ""
        self._connection.execute(f"SET disabled_optimizers = '{disabled}'")
        self._connection.execute(statement)

    def load(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Makes ``table`` from rows that all have the same keys."""
        import pyarrow as pa

        self._connection.register("loaded", pa.Table.from_pylist([dict(row) for row in rows]))
        self.run(f"CREATE TABLE {table} AS SELECT * FROM loaded")
        self._connection.unregister("loaded")

    def batches(self, table: Table, query: str) -> Iterator[pa.RecordBatch]:
        """The rows of ``query`` as batches of ``table``: columns by name, those it does not name are unknown. Instants
        without offset are UTC."""
        self._connection.execute("SET disabled_optimizers = ''")
        relation = self._connection.sql(query)
        if unknown := set(relation.columns) - set(table.arrow_schema.names):
            raise AssertionError(f"{table.name} has no columns {sorted(unknown)}")
        fields = [field for field in table.arrow_schema if field.name in relation.columns]
        columns = ", ".join(f'"{field.name}"::{_sql_type(field)} AS "{field.name}"' for field in fields)
        # Delivered as tools are read, repository by repository: readers of a few of them then find them close together.
        order = " ORDER BY repository" if table.key[0] == "repository" else ""
        reader = self._connection.sql(f"SELECT {columns} FROM ({query}){order}").to_arrow_reader(BATCH_ROWS)
        yield from reader


def _sql_type(field: pa.Field) -> str:
    text = str(field.type)
    return {
        "string": "VARCHAR",
        "int64": "BIGINT",
        "double": "DOUBLE",
        "bool": "BOOLEAN",
        "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
    }.get(text, "VARCHAR[]")


def later(relation: str, *, who: str, after: str, delay: str, name: str) -> str:
    """SQL: ``relation`` with one more instant ``name``: ``after`` plus ``delay`` working days in the time of person
    ``who``. At least three minutes later; NULL where ``who`` or ``after`` is. ``delay`` may use the relation's columns
    and the person's ``slowness``."""
    return f"""
        SELECT t.* EXCLUDE (w_then, pattern, day_from, day_hours, weekender, slowness),
            greatest(moment(c.midnight, c.gap, t.weekender, t.day_from, t.day_hours, t.w_then),
                     {after} + INTERVAL 3 MINUTE) AS {name}
        FROM (
            SELECT t.*, pace.pattern, pace.day_from, pace.day_hours, pace.weekender, pace.slowness,
                working_point(d.idx, d.worked, d.midnight, pace.day_from, pace.day_hours, {after}) + {delay} AS w_then
            FROM ({relation}) t
            LEFT JOIN pace ON pace.p = {who}
            LEFT JOIN dates d ON d.pattern = pace.pattern
                AND d.day = ({after} + to_seconds((3600 * pace.utc_offset)::BIGINT))::DATE
        ) t
        LEFT JOIN calendar c ON c.pattern = t.pattern AND c.idx = floor(t.w_then)::BIGINT
    """
