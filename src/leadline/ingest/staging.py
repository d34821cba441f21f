"""Writes typed rows, in the order they are delivered, to Parquet files in a table's staging folder. A file has the columns that
its rows tell, and ``TOLD`` beside them where not all tell the same. Files stay small enough that replacing one row later rewrites
little, and batches are written as they come, so memory does not grow with the delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidInput
from leadline.schema import ColumnType, Table
from leadline.schema.table import TOLD, default_of, told_mask

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 122_880
ROWS_PER_FILE = 4 * ROW_GROUP_ROWS
"""Rows per file: what an update of a single row rewrites at most."""

ROW_GROUP_BYTES = 48 << 20
"""A row group is cut here too: texts can be megabytes long, and a row group is held in memory."""
FILE_BYTES = 8 * ROW_GROUP_BYTES

LOWER_CASE_COLUMNS: dict[str, tuple[str, ...]] = {
    "developers": ("email",),
    "identities": ("source", "account", "email"),
    "tool_accounts": ("source", "account", "email"),
    "tool_teams": ("source", "team", "account", "parent"),
}
"""Columns compared without case, stored in lower case (data-model, "People and the org tree")."""


COMMIT_ID_COLUMNS = frozenset({"sha", "shas", "merge_commit_sha", "parents"})


def lower_case_columns(table: Table) -> frozenset[str]:
    """Columns of ``table`` stored in lower case: closed sets of values, commit ids, and the emails of people."""
    names = {column.name for column in table.columns if column.values or column.name in COMMIT_ID_COLUMNS}
    return frozenset(names | set(LOWER_CASE_COLUMNS.get(table.name, ())))


class StagingWriter:
    """Writes batches of one table into ``folder`` as numbered Parquet files; ``close`` returns their paths."""

    def __init__(self, table: Table, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.rows = 0
        self._folder = folder
        self._schema = table.arrow_schema
        self._bits = {name: told_mask(table, [name]) for name in self._schema.names}
        self._paths: list[Path] = []
        self._writer: Any = None
        self._rows_in_file = self._bytes_in_file = 0
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = self._bytes_waiting = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds one batch of stored columns, possibly with ``TOLD``; batches are gathered into large row groups."""
        if self._waiting and self._waiting[0].schema.names != batch.schema.names:
            self._flush()
        self.rows += batch.num_rows
        self._waiting.append(batch)
        self._rows_waiting += batch.num_rows
        self._bytes_waiting += batch.nbytes
        if self._rows_waiting >= ROW_GROUP_ROWS or self._bytes_waiting >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._rows_waiting:
            return
        table = self._as_told(pa.Table.from_batches(self._waiting))
        if self._writer is not None and self._writer.schema != table.schema:
            self._finish_file()
        self._rows_in_file += self._rows_waiting
        self._bytes_in_file += self._bytes_waiting
        self._waiting, self._rows_waiting, self._bytes_waiting = [], 0, 0
        if self._writer is None:
            path = self._folder / f"{len(self._paths):06d}.parquet"
            self._writer = pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
            self._paths.append(path)
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        if self._rows_in_file >= ROWS_PER_FILE or self._bytes_in_file >= FILE_BYTES:
            self._finish_file()

    def _as_told(self, rows: pa.Table) -> pa.Table:
        """``rows`` with the columns that they tell, in their declared types; with all and ``TOLD`` if they differ in that."""
        import pyarrow as pa

        names = [name for name in self._schema.names if name in rows.schema.names]
        if TOLD in rows.schema.names:
            masks = rows.column(TOLD).unique().to_pylist()
            if len(masks) > 1:
                schema = pa.schema([*(self._schema.field(name) for name in names), pa.field(TOLD, pa.int64())])
                return rows.select(schema.names).cast(schema)
            names = [name for name in names if masks[0] & self._bits[name]]
        return rows.select(names).cast(pa.schema([self._schema.field(name) for name in names]))

    def _finish_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._rows_in_file = self._bytes_in_file = 0

    def close(self) -> list[Path]:
        """Finishes the last file; the paths in delivery order."""
        self._flush()
        self._finish_file()
        return self._paths


def stage_batches(
    table: Table, batches: Iterable[pa.RecordBatch], folder: Path, progress: Callable[[int], None] | None = None
) -> tuple[list[Path], int]:
    """Writes ``batches`` into ``folder``; (paths in delivery order, rows). ``progress`` is told the rows so far."""
    writer = StagingWriter(table, folder)
    for batch in batches:
        writer.write(conform(batch, table))
        if progress is not None:
            progress(writer.rows)
    return writer.close(), writer.rows


def conform(batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
    """``batch`` with its columns in the order and types of ``table``: lower case where the table says so, empty texts outside the
    key and empty lists unknown. A column of the key with a default need not be there. Raises ``InvalidInput`` for a column the
    table has not, a type that cannot become the declared one, or a key that is unknown or empty."""
    import pyarrow as pa

    schema = table.arrow_schema
    if unknown := [name for name in batch.schema.names if name not in schema.names and name != TOLD]:
        raise InvalidInput(f"Table {table.name} has no column {unknown[0]!r}")
    lower = lower_case_columns(table)
    if missing := [name for name in table.required if name not in batch.schema.names]:
        raise InvalidInput(f"Table {table.name}: a row has no {missing[0]}, which is part of its natural key")
    told = [field for field in schema if field.name in batch.schema.names]
    arrays = []
    for field in told:
        try:
            array = batch.column(field.name).cast(field.type)
        except pa.ArrowException as error:
            raise InvalidInput(f"Table {table.name}, column {field.name}: {error}") from error
        array = _canonical(array, table, field.name, lower=field.name in lower)
        default = default_of(field)
        arrays.append(array if default is None else array.fill_null(default))
    if TOLD in batch.schema.names:
        told.append(pa.field(TOLD, pa.int64()))
        arrays.append(batch.column(TOLD))
    conforming = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(told))
    for name in table.required:
        _require_key(conforming.column(name), table, name)
    return conforming


def _canonical(array: pa.Array, table: Table, name: str, *, lower: bool) -> pa.Array:
    """One form per value, so that rows that mean the same compare equal."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.column.get(name)
    if column is None:
        return array
    if column.type is ColumnType.TEXT:
        if lower:
            array = pc.utf8_lower(array)
        return pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
    if column.type is ColumnType.LIST:
        if lower:
            texts = [
                None if items is None else [item and item.lower() for item in items] for items in array.to_pylist()
            ]
            array = pa.array(texts, array.type)
        return pc.if_else(pc.equal(pc.list_value_length(array), 0), pa.scalar(None, array.type), array)
    return array


def _require_key(array: pa.Array, table: Table, name: str) -> None:
    if array.null_count:
        raise InvalidInput(f"Table {table.name}: a row has no {name}, which is part of its natural key")
