"""Lakes for the tests of this folder: rows in, rows out, with a real lock between threads and processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from leadline.engine import Engine
from leadline.ingest import ImportReport, Receipt, import_paths, ingest
from leadline.ingest.delivery import LockFactory
from leadline.lake import Lake
from leadline.schema import TABLES


@dataclass
class Site:
    """A lake in a folder, with what ingesting needs around it; ``engine`` serves to deliver and to look, if one is lent."""

    folder: Path
    engine: Engine | None = None

    @property
    def lake(self) -> Lake:
        return Lake(self.folder / "lake")

    @property
    def temp(self) -> Path:
        return self.folder / "temp"

    @property
    def lock(self) -> LockFactory:
        @contextmanager
        def locked(name: str) -> Iterator[None]:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / f"{name.replace(':', '-')}.lock", os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

        return locked

    def take(self, table: str, *batches: Sequence[Mapping[str, Any]]) -> Receipt:
        """Ingests the rows, one record batch per sequence."""
        schema = TABLES[table].arrow_schema
        made = [pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema) for rows in batches]
        return ingest(self.lake, TABLES[table], made, lock=self.lock, temp_dir=self.temp, engine=self.engine)

    def imports(self, *paths: Path, **options: Any) -> ImportReport:
        return import_paths(self.lake, list(paths), lock=self.lock, temp_dir=self.temp, **options)

    def rows(self, table: str, versions: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """The table's rows ordered by key; instants as texts."""
        declared = TABLES[table]
        columns = ", ".join(
            f'CAST("{field.name}" AS VARCHAR) AS "{field.name}"'
            if pa.types.is_timestamp(field.type)
            else f'"{field.name}"'
            for field in declared.arrow_schema
        )
        with nullcontext(self.engine) if self.engine else Engine(temp_dir=self.temp) as engine:
            engine.bind_snapshot(self.lake.snapshot(versions), [table])
            found = engine.arrow(f"SELECT {columns} FROM {table} ORDER BY {', '.join(declared.key)}")
        return [dict(row) for row in found.to_pylist()]

    def files(self) -> set[str]:
        """Every file in the lake's folder, for tests that nothing was left or changed."""
        return {str(path.relative_to(self.folder)) for path in (self.folder / "lake").rglob("*") if path.is_file()}
