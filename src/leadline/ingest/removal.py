"""Takes rows out of the lake by their natural keys, in one commit: for things that vanished at their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadline.engine import Engine, parquet_relation, quoted
from leadline.engine.sql_text import sql_list
from leadline.errors import InvalidInput
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, change_table, staging
from leadline.ingest.forgetting import recognized
from leadline.ingest.resolution import write_rows
from leadline.ingest.staging import StagingWriter, lower_case_columns
from leadline.lake import TableWriter
from leadline.lease import Lease
from leadline.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa


def remove(project: Project, table: Table, keys: pa.Table, *, under: Lease | None = None) -> int:
    """Removes every row of ``table`` that matches a row of ``keys``; returns how many rows went. ``keys`` carries some or all
    natural key columns: with ``repository`` and ``sha`` all files of those commits go from ``commit_files``. Nothing is committed
    when nothing matches, or the lock ``under`` which the caller works was lost (``LockLost``). Raises ``InvalidInput`` for a column
    outside the key."""
    names = keys.column_names
    if not names or not set(names) <= set(table.key):
        raise InvalidInput(f"Rows of {table.name} are removed by {', '.join(table.key)}, not by {', '.join(names)}")
    return change_table(project, table, lambda writer: remove_held(project, writer, keys), under=under)


def same_as(table: Table, name: str) -> str:
    """The operator that tells whether two values of a key's column are the same."""
    return "IS NOT DISTINCT FROM" if name in table.may_be_unknown else "="


def _matches(table: Table, names: list[str]) -> str:
    """Whether a row of the table is one of those ``leaving``: never unknown, or rows would be lost."""
    if len(names) == 1:
        return f"{quoted(names[0])} IN (FROM leaving)"
    if table.may_be_unknown.isdisjoint(names):
        return f"({sql_list(names)}) IN (SELECT ({sql_list(names)}) FROM leaving)"
    same = " AND ".join(f"leaving.{quoted(name)} {same_as(table, name)} stored.{quoted(name)}" for name in names)
    return f"EXISTS (FROM leaving WHERE {same})"


def remove_held(project: Project, writer: TableWriter, keys: pa.Table) -> int:
    """As ``remove``, for a caller that holds the table's lock."""
    table, names = writer.table, keys.column_names
    keys = recognized(project, table, keys)
    if not keys.num_rows:
        return 0
    with Engine.of(project.home, most_memory=MEMORY_LIMIT) as engine:
        lower = lower_case_columns(table)
        engine.bind_arrow("keys", keys)
        engine.execute(
            "CREATE TABLE leaving AS SELECT DISTINCT "
            + ", ".join(f"lower({quoted(name)}) AS {quoted(name)}" if name in lower else quoted(name) for name in names)
            + " FROM keys"
        )
        return remove_matching(writer, engine, _matches(table, names))


def remove_matching(writer: TableWriter, engine: Engine, matches: str) -> int:
    """Removes every row of which ``matches`` holds, a condition on ``stored`` that is never unknown; how many went."""
    table, present = writer.table, writer.files()
    if not present:
        return 0
    scan = parquet_relation(present, table.arrow_schema)
    touched = dict(engine.execute(f"SELECT file_index, count(*) FROM {scan} AS stored WHERE {matches} GROUP BY ALL"))
    if not touched:
        return 0
    leaving = [present[at] for at in sorted(touched)]
    with staging(writer.lake, table) as folder:
        staged = StagingWriter(table, folder)
        scan = parquet_relation(leaving, table.arrow_schema)
        stay = f"SELECT {sql_list(table.arrow_schema.names)} FROM {scan} AS stored WHERE NOT ({matches})"
        write_rows(engine, stay, staged)
        writer.commit(added=staged.close(), removed=leaving, message="remove")
    return int(sum(touched.values()))
