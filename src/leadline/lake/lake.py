"""The Delta tables of one project in one place: pinned snapshots out, Parquet files in, by a ``TableWriter``.

Every table of the schema has its own sub-folder, readable by any Delta reader. What was never committed is invisible and is
cleared away later.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from leadline.errors import StoreError, VersionsGone, first_line
from leadline.lake.snapshot import DataFile, Manifest, Snapshot
from leadline.lake.storage import LOG, Folder, Storage
from leadline.schema import TABLES
from leadline.turns import Turns

if TYPE_CHECKING:
    from deltalake import DeltaTable

KEEP_DAYS = 40
"""Versions younger than this stay readable: longer than an export file is kept by default, so it can be repeated."""

CONFIGURATION = {
    "delta.checkpointInterval": "50",
    "delta.logRetentionDuration": f"interval {KEEP_DAYS} days",
    "delta.deletedFileRetentionDuration": f"interval {KEEP_DAYS} days",
}
_LOG_ENTRY = re.compile(r"^(\d{20})\.(?:json|checkpoint\..*parquet|checkpoint\.parquet)$")
_MANIFESTS_KEPT = 128


class Lake:
    """The Delta tables of one project in a ``storage``, or in the folder that is given: one sub-folder per table of
    ``leadline.schema``.

    Safe to share between threads; any number of processes may open the same place. ``new_id`` names new files and
    must never repeat.
    """

    def __init__(self, storage: Storage | Path, *, new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self.storage: Storage = Folder(storage) if isinstance(storage, Path) else storage
        self._new_id = new_id
        self._manifests: OrderedDict[tuple[str, int], Manifest] = OrderedDict()
        self._guard = threading.Lock()
        self._turns = Turns()

    @property
    def where(self) -> str:
        """Where the tables lie, for messages."""
        return self.storage.where

    # -- reading ---------------------------------------------------------------------------------------------------

    def snapshot(self, versions: Mapping[str, int] | None = None, *, verify: bool = True) -> Snapshot:
        """Pins the newest version of every table, or exactly the ``versions`` given (table name → Delta version).

        Raises ``StoreError`` when a table's log cannot be read or a version asked for is gone: its log, or (``verify``)
        a file of it.
        """
        if versions is None:
            return self.newest(TABLES)
        manifests = {name: self._manifest(name, version) for name, version in versions.items()}
        if verify:
            for name, manifest in manifests.items():
                self._require_files(name, manifest)
        return Snapshot(manifests, self.storage.bring)

    def newest(self, tables: Iterable[str]) -> Snapshot:
        """Pins the newest version of ``tables`` alone: what is wrong with another table is no matter. Raises ``StoreError``."""
        return Snapshot(
            {name: self._manifest(name, version) for name, version in self._newest(tables).items()}, self.storage.bring
        )

    def versions(self) -> dict[str, int]:
        """The newest Delta version of every table that was ever written. Raises ``StoreError``."""
        return self._newest(TABLES)

    def _newest(self, tables: Iterable[str]) -> dict[str, int]:
        found = self.storage.each(self.version, tables)
        return {name: version for name, version in found.items() if version is not None}

    def version(self, table: str) -> int | None:
        """The newest Delta version of ``table``; None when it was never written. Costs looks at no more files than there are
        versions between two checkpoints, however many the log keeps. Raises ``StoreError``."""
        log = log_of(table)
        try:
            newest = self._checkpointed(log)
            if newest is not None:
                return self.storage.following(log, newest)
            entries = [_LOG_ENTRY.match(name) for name in self.storage.names(log)]
            return max((int(entry.group(1)) for entry in entries if entry), default=None)
        except OSError as error:
            reason = error.strerror or first_line(error)
            raise StoreError(f"Table {table} of the lake in {self.where} cannot be read: {reason}") from error

    def _checkpointed(self, log: str) -> int | None:
        """The version of the newest checkpoint, if the ``log`` says which and it is there."""
        try:
            version = int(json.loads(self.storage.read(f"{log}/_last_checkpoint"))["version"])
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            return None
        return version if self.storage.exists(f"{log}/{version:020d}.checkpoint.parquet") else None

    def log_files(self, table: str, version: int) -> list[str]:
        """The names of the files of the log from which ``version`` of ``table``, the newest, is read; those that are there."""
        log = log_of(table)
        checkpoint = self._checkpointed(log)
        first = 0 if checkpoint is None else checkpoint + 1
        base = [] if checkpoint is None else [f"{log}/_last_checkpoint", f"{log}/{checkpoint:020d}.checkpoint.parquet"]
        entries = (f"{log}/{number:020d}.json" for number in range(first, version + 1))
        return [*base, *(entry for entry in entries if self.storage.exists(entry))]

    def committed(self, table: str, version: int) -> float:
        """When a version was committed (seconds since 1970), by its entry in the log; 0 where there is none any more."""
        try:
            return self.storage.stored(f"{log_of(table)}/{version:020d}.json").modified
        except FileNotFoundError:
            return 0.0

    def has_data(self) -> bool:
        """Whether anything was ever written, be it readable or not."""
        return any(self._is_there(name) for name in TABLES)

    def _is_there(self, table: str) -> bool:
        try:
            return bool(self.storage.names(log_of(table)))
        except OSError:
            return True

    def _manifest(self, table: str, version: int) -> Manifest:
        """The files of one version. Versions never change, so they are remembered."""
        if (manifest := self._remembered(table, version)) is not None:
            return manifest
        with self._turns.turn((table, version)):
            if (manifest := self._remembered(table, version)) is None:
                manifest = Manifest(version, self.data_files(table, self.open_delta(table, version)))
                self.remember(table, manifest)
            return manifest

    def _remembered(self, table: str, version: int) -> Manifest | None:
        with self._guard:
            if (manifest := self._manifests.get((table, version))) is not None:
                self._manifests.move_to_end((table, version))
            return manifest

    def remember(self, table: str, manifest: Manifest) -> None:
        """Keep the files of a version, so that its log need not be read for them."""
        with self._guard:
            self._manifests[table, manifest.version] = manifest
            while len(self._manifests) > _MANIFESTS_KEPT:
                self._manifests.popitem(last=False)

    def open_delta(self, table: str, version: int | None = None) -> DeltaTable:
        """The library's handle of ``table`` at ``version`` (newest by default). Raises ``StoreError``."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            return DeltaTable(self.storage.location(table), version=version)
        except (DeltaError, OSError) as error:
            where = f"Table {table} of the lake in {self.where}"
            if version is None:
                raise StoreError(f"{where}: its log cannot be read ({first_line(error)})") from error
            raise VersionsGone(f"{where}: version {version} is gone or cannot be read ({first_line(error)})") from error

    def data_files(self, table: str, delta: DeltaTable) -> tuple[DataFile, ...]:
        """The files of ``table`` at the version that ``delta`` is at, oldest first."""
        import pyarrow as pa

        actions = pa.table(delta.get_add_actions(flatten=True))
        rows = actions.column("num_records").to_pylist() if "num_records" in actions.column_names else None
        told = (actions.column(name).to_pylist() for name in ("path", "size_bytes", "modification_time"))
        files = [
            (
                modified,
                DataFile(
                    self.storage.local(table, unquote(path)), size, -1 if rows is None or rows[at] is None else rows[at]
                ),
            )
            for at, (path, size, modified) in enumerate(zip(*told, strict=True))
        ]
        # The log lists files in no fixed order; readers get one, so that a version always reads the same way.
        return tuple(file for _, file in sorted(files, key=lambda item: (item[0], item[1].path.name)))

    def _require_files(self, table: str, manifest: Manifest) -> None:
        if (lost := self.storage.lost(table, manifest.files)) is not None:
            raise VersionsGone(
                f"Version {manifest.version} of table {table} is gone: its file {lost.path.name} was cleared"
            )

    # -- writing ---------------------------------------------------------------------------------------------------

    def staging_folder(self, table: str) -> Path:
        """A fresh folder of this machine for files on their way in. The caller removes it when done."""
        folder = self.storage.staging(table) / self._new_id()
        folder.mkdir(parents=True)
        return folder

    def new_file(self) -> str:
        """A name for a new file of a table."""
        return f"part-{self._new_id()}.parquet"


def log_of(table: str) -> str:
    """The name of the folder of the log of ``table``."""
    return f"{table}/{LOG}"
