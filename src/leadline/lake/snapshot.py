"""What a reader sees of the lake: for each table one Delta version and the Parquet files that make it up.

A snapshot never changes, however much is imported, replaced or compacted meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table version. ``rows`` is the count its commit recorded, -1 where none was."""

    path: Path
    size: int
    rows: int


@dataclass(frozen=True)
class Manifest:
    """The files of one version of one table, oldest first as far as the log tells."""

    version: int
    files: tuple[DataFile, ...]


Bring = Callable[[str, Sequence[DataFile]], None]
"""Has files of a table on this machine."""


class Snapshot:
    """Pinned versions of the lake's tables. ``versions`` maps table name → Delta version; a table never written is
    absent and reads as empty."""

    def __init__(self, manifests: Mapping[str, Manifest], bring: Bring) -> None:
        self._manifests = dict(manifests)
        self._bring = bring
        self._allowed: frozenset[str] | None = None
        self.versions: dict[str, int] = {name: manifest.version for name, manifest in self._manifests.items()}

    def of(self, tables: Iterable[str]) -> Snapshot:
        """The same versions of ``tables`` alone; it raises ``AssertionError`` when asked for the files of another."""
        kept = {name: manifest for name in tables if (manifest := self._manifests.get(name)) is not None}
        part = Snapshot(kept, self._bring)
        part._allowed = frozenset(tables)
        return part

    def data_files(self, table: str) -> tuple[DataFile, ...]:
        """The files of ``table`` with size (bytes) and row count."""
        if self._allowed is not None and table not in self._allowed:
            raise AssertionError(f"{table} is read and not declared")
        manifest = self._manifests.get(table)
        return manifest.files if manifest is not None else ()

    def files(self, table: str) -> list[str]:
        """Absolute paths of the table's Parquet files, which are on this machine then; [] when it has none. Raises
        ``VersionsGone`` and ``StoreError`` where they cannot be brought here."""
        return self.brought(table, self.data_files(table))

    def brought(self, table: str, files: Sequence[DataFile]) -> list[str]:
        """The absolute paths of some of its files, as of ``files``."""
        self._bring(table, files)
        return [str(file.path) for file in files]

    def row_counts(self) -> dict[str, int]:
        """Rows per table as the commits recorded them; nothing is scanned."""
        return {name: sum(max(file.rows, 0) for file in manifest.files) for name, manifest in self._manifests.items()}
