"""A delivery beside what the lake has: rows by their positions, with what they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine import parquet_relation, quoted
from leadline.engine.sql_text import columns_of
from leadline.schema import ColumnType, Table
from leadline.schema.table import TOLD, told_mask

if TYPE_CHECKING:
    import pyarrow as pa

DELIVERED_POSITION = 1 << 62
FILE_SHIFT = 36
"""A row's position in delivery order is one number: delivered rows after present ones, then file, then row in the file
(2^36 rows a file, 2^26 files)."""


@dataclass(frozen=True)
class Meeting:
    """Files ``staged`` for ``table``, and those ``present`` in it. ``whole``: what is staged tells everything, whatever columns it
    has, as what is present does."""

    table: Table
    staged: Sequence[Path | str]
    present: Sequence[str]
    whole: bool = False

    @cached_property
    def everything(self) -> int:
        """What a row tells that tells all, as a mask."""
        return told_mask(self.table, self.table.arrow_schema.names)

    @cached_property
    def told(self) -> tuple[str, ...] | None:
        """The columns that every delivered row tells; None if they differ in that."""
        if self.whole:
            return tuple(self.table.arrow_schema.names)
        columns = {columns_of(str(path)) for path in self.staged}
        names = next(iter(columns)) if len(columns) == 1 else frozenset({TOLD})
        return None if TOLD in names else tuple(name for name in self.table.arrow_schema.names if name in names)

    @cached_property
    def untold(self) -> tuple[str, ...]:
        """The columns, besides the key's, that no delivered row tells, if they all tell the same."""
        told = self.told or self.table.arrow_schema.names
        return tuple(name for name in self.table.arrow_schema.names if name not in told and name not in self.table.key)

    def rows(self, columns: str) -> str:
        """A query of all rows, present and delivered: ``columns``, ``position``, whether ``delivered``, and what is ``told``."""
        parts = []
        if self.present:
            parts.append(self._rows(columns, self.present, 0, str(self.everything)))
        parts.append(self._rows(columns, self.staged, DELIVERED_POSITION, self._told_by(self.staged)))
        return " UNION ALL ".join(parts)

    def rows_of_file(self, columns: str, number: int) -> str:
        """As ``rows``, of the file whose rows have positions from ``number`` << ``FILE_SHIFT``."""
        at = number - (DELIVERED_POSITION >> FILE_SHIFT)
        if at < 0:
            return self._rows(columns, [self.present[number]], number << FILE_SHIFT, str(self.everything))
        return self._rows(columns, [self.staged[at]], number << FILE_SHIFT, self._told_by([self.staged[at]]))

    def _rows(self, columns: str, paths: Sequence[Path | str], start: int, told: str) -> str:
        schema = self.table.arrow_schema
        if TOLD in told:
            schema = schema.append(_told_field())
        return (
            f"SELECT {columns}, {start} + (file_index << {FILE_SHIFT}) + file_row_number AS position, "
            f"{start >= DELIVERED_POSITION} AS delivered, CAST({told} AS BIGINT) AS told "
            f"FROM {parquet_relation(paths, schema)}"
        )

    def _told_by(self, paths: Sequence[Path | str]) -> str:
        """An expression of what a row of ``paths`` tells: by the columns of its file, or as it says itself."""
        if self.whole:
            return str(self.everything)
        columns = [columns_of(str(path)) for path in paths]
        masks = [told_mask(self.table, names) for names in columns]
        by_file = f"{masks}[file_index + 1]" if len(set(masks)) > 1 else str(masks[0])
        return f"coalesce({quoted(TOLD)}, {by_file})" if any(TOLD in names for names in columns) else by_file


def _told_field() -> pa.Field:
    import pyarrow as pa

    return pa.field(TOLD, pa.int64())


def content_hash(table: Table, told: Sequence[str] | None) -> str:
    """A hash of a row's content, or of the columns ``told``. It stands for the row in one comparison only: whether a new version of
    a key says the same as the present one. Lists enter it as JSON, because DuckDB hashes an empty and an unknown list alike."""
    lists = {column.name for column in table.columns if column.type is ColumnType.LIST}
    columns = [
        f"CAST(to_json({quoted(name)}) AS VARCHAR)" if name in lists else quoted(name)
        for name in told or table.arrow_schema.names
    ]
    return f"hash({', '.join(columns)})"
