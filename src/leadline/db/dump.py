"""The metadata database as files: a line of JSON for each row of each table, the same from SQLite and PostgreSQL, and back."""

from __future__ import annotations

import json
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.migrate import CURRENT, require_own, upgrade
from leadline.db.models import Instant, metadata

LEFT_OUT = ("sessions", "sign_in_links", "locks", "schema_compatibility", "steps")
"""Tables of which nothing is kept: who is signed in, who holds what at this moment, and what follows from the schema."""
NUMBERS = "_numbers.json"
"""By table, the greatest number that a row of it ever had, though that row may be gone: none is given twice."""
_AT_ONCE = 1000


def dump(database: Database, folder: Path) -> dict[str, int]:
    """Write the tables, all as they are at one moment, to files in ``folder``; rows by table. Raises ``StoreError`` if a newer
    leadline has added some."""
    with database.moment() as connection:
        require_own(connection, "A backup")
        numbers = {
            table.name: _greatest(connection, table, column) for table in _kept() if (column := _numbered(table))
        }
        (folder / NUMBERS).write_text(json.dumps(numbers), encoding="utf-8")
        return {table.name: _write(connection, table, folder / f"{table.name}.jsonl") for table in _kept()}


def is_unused(database: Database) -> bool:
    """Whether nothing is in it but what every database has from the start. Raises ``StoreError`` as ``dump`` does."""
    with database.read() as connection:
        require_own(connection, "A restore")
        filled = [table.name for table in _kept() if connection.execute(sa.select(table).limit(1)).first() is not None]
    return set(filled) <= {"projects"}


def load(connection: sa.Connection, folder: Path, schema: str) -> None:
    """Replace all that is in the database by what ``dump`` of one of that ``schema`` wrote to ``folder``, and bring it to the
    newest. It ends half done if the process does, and can be begun again. Raises ``StoreError`` for a schema that is not known."""
    metadata.drop_all(connection)
    connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    upgrade(connection, None, to=schema)
    numbers = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
    for name in [table.name for table in metadata.sorted_tables if (folder / f"{table.name}.jsonl").exists()]:
        table = _as_it_is(connection, name)
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
            while some := [_decoded(table, json.loads(line)) for line in islice(lines, _AT_ONCE)]:
                connection.execute(sa.insert(table), some)
        if name in numbers and (column := _numbered(metadata.tables[name])):
            _go_on_after(connection, table, column, numbers[name])
    connection.commit()
    if schema != CURRENT:
        upgrade(connection, schema)


def _kept() -> list[sa.Table]:
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


# -- rows ----------------------------------------------------------------------------------------------------------------


def _write(connection: sa.Connection, table: sa.Table, path: Path) -> int:
    # JSON as text: null of JSON and no value are two things.
    columns = [sa.cast(c, sa.Text).label(c.name) if isinstance(c.type, sa.JSON) else c for c in table.columns]
    count = 0
    with path.open("w", encoding="utf-8") as lines:
        for row in connection.execution_options(yield_per=_AT_ONCE).execute(sa.select(*columns)):
            lines.write(
                json.dumps(row._asdict(), ensure_ascii=False, default=lambda day_or_instant: day_or_instant.isoformat())
                + "\n"
            )
            count += 1
    return count


def _as_it_is(connection: sa.Connection, name: str) -> sa.Table:
    """The table with the columns that it has in the database; text of JSON goes in as it is."""
    types = {column.name: column.type for column in metadata.tables[name].columns}
    found = sa.inspect(connection).get_columns(name)
    known = {column["name"]: types.get(column["name"], column["type"]) for column in found}
    return sa.Table(
        name,
        sa.MetaData(),
        *(sa.Column(column, sa.types.NullType() if isinstance(of, sa.JSON) else of) for column, of in known.items()),
    )


def _decoded(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(table.c[name].type, value) for name, value in row.items()}


def _value(of: sa.types.TypeEngine[Any], value: Any) -> Any:
    if value is None or not isinstance(of, Instant | sa.Date):
        return value
    return datetime.fromisoformat(value) if isinstance(of, Instant) else date.fromisoformat(value)


# -- numbers -------------------------------------------------------------------------------------------------------------


def _numbered(table: sa.Table) -> str | None:
    """The column whose values the database gives, if there is one."""
    column = table.autoincrement_column
    return None if column is None else column.name


def _greatest(connection: sa.Connection, table: sa.Table, column: str) -> int:
    present = connection.execute(sa.select(sa.func.max(table.c[column]))).scalar() or 0
    if connection.dialect.name == "sqlite":
        given = connection.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    else:
        last = sa.text("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:name, :column) AS regclass))")
        given = connection.execute(last, {"name": table.name, "column": column})
    return max(int(present), int(given.scalar() or 0))


def _go_on_after(connection: sa.Connection, table: sa.Table, column: str, number: int) -> None:
    if not number:
        return
    if connection.dialect.name == "sqlite":
        # Only tables that give no number twice have a line there, once there was a row.
        place = {"name": table.name, "number": number}
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), place)
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), place)
    else:
        go_on = sa.text("SELECT setval(pg_get_serial_sequence(:name, :column), :number)")
        connection.execute(go_on, {"name": table.name, "column": column, "number": number})
