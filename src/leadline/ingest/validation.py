"""Checks raw rows that come one by one by the rules for those of files, and gives them their declared types. A ``RowValidator`` is
kept with its engine, so that a single row is checked in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadline.engine import Engine
from leadline.formats.rows import LINE, RawRow, Refusal, raw_batch
from leadline.ingest.conversion import accepted_query, refusals_query, rules
from leadline.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

_RAW = "raw"


class RowValidator:
    """Tells good rows from bad ones with ``engine``, which stays the caller's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queries: dict[str, tuple[str, str]] = {}

    def refusals(self, table: Table, rows: Sequence[RawRow]) -> list[Refusal]:
        """Every refused value of ``rows``, with the position of its row (from 0) as its ``line``."""
        if not rows:
            return []
        self._bind(table, rows)
        return [Refusal(*refused) for refused in self._engine.execute(self._queries_of(table)[0])]

    def typed(self, table: Table, rows: Sequence[RawRow]) -> list[pa.RecordBatch]:
        """The good rows of ``rows`` with the table's stored columns, in order; refused ones are left out."""
        if not rows:
            return []
        self._bind(table, rows)
        batches: list[pa.RecordBatch] = self._engine.arrow(self._queries_of(table)[1]).to_batches()
        return batches

    def _bind(self, table: Table, rows: Sequence[RawRow]) -> None:
        import pyarrow as pa

        batch = raw_batch([(at, row, "") for at, row in enumerate(rows)], table, records=False)
        self._engine.bind_arrow(_RAW, pa.Table.from_batches([batch]))

    def _queries_of(self, table: Table) -> tuple[str, str]:
        """The queries for refusals and for typed rows; a raw batch has all columns, so they are made once per table."""
        if table.name not in self._queries:
            import pyarrow as pa

            empty = raw_batch([(0, {}, "")], table, records=False)
            assert empty is not None  # noqa: S101 -- it has a row
            raw = {field.name: pa.types.is_list(field.type) for field in empty.schema}
            columns = rules(table, raw, (), thorough=True)
            self._queries[table.name] = (
                refusals_query(columns, _RAW, LINE, None),
                f"{accepted_query(columns, _RAW)} ORDER BY {LINE}",
            )
        return self._queries[table.name]
