"""The rows of the step `carried`, in Parquet files of its state: added to, taken from, and linked into a result.

Files never change once written, so that a result shares them with the state and with other results. Those of rows that were
added one by one are merged now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.facts.deployment_contents.state import RowFile, State
from leadline.materialize.folders import share

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 122_880
MOST_SMALL_FILES = 16
"""Small files of a kind beyond this number are merged."""


class Rows:
    """The files of one ``kind`` of rows; each has up to ``most`` rows and one with less than an eighth is small."""

    def __init__(self, state: State, kind: str, schema: pa.Schema, most: int) -> None:
        self._state = state
        self._kind = kind
        self._schema = schema
        self._most = most
        self._leaving: dict[str, set[str]] = {}
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._writer: Any = None
        self._open: RowFile | None = None

    @property
    def _files(self) -> list[RowFile]:
        return self._state.manifest.rows.setdefault(self._kind, [])

    def add(self, repository: str, rows: pa.Table) -> None:
        """Rows of a repository, to be written with those of others."""
        for start in range(0, rows.num_rows, ROW_GROUP_ROWS):
            self._copy(rows.slice(start, ROW_GROUP_ROWS), [repository])

    def _file(self) -> RowFile:
        import pyarrow.parquet as pq

        if self._open is None:
            self._open = self._state.row_file(self._kind)
            path = self._state.folder / self._open.name
            # Commit ids never repeat in a row group: a dictionary of them is as long as they are.
            repeated = [name for name in self._schema.names if name not in ("sha", "picked_by", "anchor")]
            self._writer = pq.ParquetWriter(
                path, self._schema, compression="zstd", compression_level=1, use_dictionary=repeated
            )
        return self._open

    def _write(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROW_GROUP_ROWS)
        self._waiting, self._waiting_rows = [], 0

    def _close(self) -> None:
        if self._open is not None:
            self._write()
            self._writer.close()
            self._open.size = (self._state.folder / self._open.name).stat().st_size
            self._open = self._writer = None

    def drop(self, repositories: Iterable[str]) -> None:
        """Take out all rows that these repositories have so far."""
        leaving = set(repositories)
        if self._open is not None and not leaving.isdisjoint(self._open.repositories):
            self._close()
        for file in self._files:
            if file is not self._open and (inside := leaving.intersection(file.repositories)):
                self._leaving.setdefault(file.name, set()).update(inside)

    def finish(self) -> None:
        """Write anew what rows were taken from, and merge small files if they are many."""
        self._close()
        for file in [written for written in self._files if written.name in self._leaving]:
            self._rewrite(file, self._leaving.pop(file.name))
        small = [file for file in self._files if file.rows < self._most // 8]
        if len(small) > MOST_SMALL_FILES:
            for file in small:
                self._rewrite(file, set())
        self._close()

    def abandon(self) -> None:
        """Let an open file go, unfinished."""
        if self._writer is not None:
            self._writer.close()

    def _rewrite(self, file: RowFile, leaving: set[str]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        self._files.remove(file)
        path = self._state.folder / file.name
        staying = [name for name in file.repositories if name not in leaving]
        if staying:
            gone = pa.array(sorted(leaving), pa.string())
            with pq.ParquetFile(path) as source:
                for batch in source.iter_batches(ROW_GROUP_ROWS):
                    names = pc.fill_null(batch.column("repository"), "")
                    self._copy(pa.Table.from_batches([batch.filter(pc.invert(pc.is_in(names, gone)))]), staying)
        path.unlink()

    def _copy(self, rows: pa.Table, repositories: Iterable[str]) -> None:
        if not rows.num_rows:
            return
        file = self._file()
        file.repositories = sorted({*file.repositories, *repositories})
        file.rows += rows.num_rows
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        if self._waiting_rows >= ROW_GROUP_ROWS:
            self._write()
        if file.rows >= self._most:
            self._close()

    def link(self, folder: Path) -> None:
        """Put all files into ``folder``; they take no room twice where the disk can share them."""
        for file in self._files:
            share(self._state.folder / file.name, folder / file.name)
