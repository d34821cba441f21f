"""Puts pseudonyms in place of people who are forgotten in what tables hold already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.engine import Engine, parquet_relation
from leadline.engine.sql_text import sql_list
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, change_table, staging
from leadline.ingest.forgetting import count_changed, pseudonymous
from leadline.ingest.repair import remove_repeats_held
from leadline.ingest.staging import StagingWriter
from leadline.lake import TableWriter
from leadline.lake.maintenance import drop_history
from leadline.people.forgotten import Forgotten
from leadline.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Look:
    """Looks through tables for those who are ``forgotten``; ``heard`` is told the rows that were looked at."""

    project: Project
    forgotten: Forgotten
    heard: Callable[[int], None]

    def count(self, table: Table) -> int:
        """How many rows of the newest version of ``table`` name them."""
        files = self.project.lake.newest([table.name]).files(table.name)
        with self._engine() as engine:
            return sum(self._counts(engine, table, files).values())

    def rewrite(self, table: Table) -> int:
        """Put pseudonyms in their place in ``table``, in one commit; how many rows were changed. What its earlier versions said is
        gone afterwards. Raises as ``change_table``."""
        return change_table(self.project, table, self._rewritten)

    def _rewritten(self, writer: TableWriter) -> int:
        table = writer.table
        with self._engine() as engine, staging(writer.lake, table) as folder:
            if counts := self._counts(engine, table, writer.files()):
                staged = StagingWriter(table, folder)
                for path in counts:
                    for batch in _batches(engine, table, path):
                        staged.write(pseudonymous(self.forgotten, table, batch))
                writer.commit(added=staged.close(), removed=list(counts), message="forget")
                # Who had several accounts of one tool has one by now.
                remove_repeats_held(self.project, writer)
        if table.personal:
            drop_history(writer)
        return sum(counts.values())

    def _counts(self, engine: Engine, table: Table, files: Sequence[str]) -> dict[str, int]:
        """How many rows of each of ``files`` name somebody; only files that have any."""
        counts: dict[str, int] = {}
        for path in files if table.personal else ():
            for batch in _batches(engine, table, path):
                if rows := count_changed(self.forgotten, table, batch):
                    counts[path] = counts.get(path, 0) + rows
                self.heard(batch.num_rows)
        return counts

    def _engine(self) -> Engine:
        return Engine.of(self.project.home, most_memory=MEMORY_LIMIT)


def _batches(engine: Engine, table: Table, path: str) -> Iterator[pa.RecordBatch]:
    schema = table.arrow_schema
    for batch in engine.reader(f"SELECT {sql_list(schema.names)} FROM {parquet_relation([path], schema)}"):
        yield batch.cast(schema)
