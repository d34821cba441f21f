"""The Delta tables of one project under one folder: pinned snapshots out, Parquet files in, by a ``TableWriter``.

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
from leadline.lake.files import table_location
from leadline.lake.snapshot import DataFile, Manifest, Snapshot
from leadline.schema import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable

LOG = "_delta_log"
STAGING = "_staging"
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
    """The Delta tables of one project under ``root``; one sub-folder per table of ``leadline.schema``.

    Safe to share between threads; any number of processes may open the same folder. ``new_id`` names new files and
    must never repeat.
    """

    def __init__(self, root: Path, *, new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self.root = Path(root).absolute()
        table_location(self.root)
        self._new_id = new_id
        self._manifests: OrderedDict[tuple[str, int], Manifest] = OrderedDict()
        self._guard = threading.Lock()

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
                _require_files(name, manifest)
        return Snapshot(manifests)

    def newest(self, tables: Iterable[str]) -> Snapshot:
        """Pins the newest version of ``tables`` alone: what is wrong with another table is no matter. Raises ``StoreError``."""
        versions = {name: self.version(name) for name in tables}
        return Snapshot(
            {name: self._manifest(name, version) for name, version in versions.items() if version is not None}
        )

    def version(self, table: str) -> int | None:
        """The newest Delta version of ``table``; None when it was never written. Costs looks at no more files than there are
        versions between two checkpoints, however many the log keeps. Raises ``StoreError``."""
        log = self.folder(table) / LOG
        try:
            newest = _checkpointed(log)
            if newest is None:
                entries = [_LOG_ENTRY.match(entry.name) for entry in log.iterdir()]
                return max((int(entry.group(1)) for entry in entries if entry), default=None)
            while (log / f"{newest + 1:020d}.json").exists():
                newest += 1
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"Table {table} of the lake in {self.root} cannot be read: {error.strerror}") from error
        return newest

    def has_data(self) -> bool:
        """Whether anything was ever written, be it readable or not."""
        return any((self.folder(name) / LOG).exists() for name in TABLES)

    def folder(self, table: str) -> Path:
        """Where ``table`` is stored."""
        return self.root / table

    def _manifest(self, table: str, version: int) -> Manifest:
        """The files of one version. Versions never change, so they are remembered."""
        with self._guard:
            if (manifest := self._manifests.get((table, version))) is not None:
                self._manifests.move_to_end((table, version))
                return manifest
        manifest = Manifest(version, data_files(self.folder(table), self.open_delta(table, version)))
        self.remember(table, manifest)
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
            return DeltaTable(table_location(self.folder(table)), version=version)
        except (DeltaError, OSError) as error:
            where = f"Table {table} of the lake in {self.root}"
            if version is None:
                raise StoreError(f"{where}: its log cannot be read ({first_line(error)})") from error
            raise VersionsGone(f"{where}: version {version} is gone or cannot be read ({first_line(error)})") from error

    # -- writing ---------------------------------------------------------------------------------------------------

    def staging_folder(self, table: str) -> Path:
        """A fresh folder on the table's own disk for files on their way in. The caller removes it when done."""
        folder = self.folder(table) / STAGING / self._new_id()
        folder.mkdir(parents=True)
        return folder

    def new_file(self, table: str) -> Path:
        """A path for a new file of ``table``."""
        return self.folder(table) / f"part-{self._new_id()}.parquet"


def _checkpointed(log: Path) -> int | None:
    """The version of the newest checkpoint, if the log says which and it is there."""
    try:
        version = int(json.loads((log / "_last_checkpoint").read_bytes())["version"])
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None
    return version if (log / f"{version:020d}.checkpoint.parquet").exists() else None


def data_files(folder: Path, delta: DeltaTable) -> tuple[DataFile, ...]:
    """The files of a table in ``folder`` at the version that ``delta`` is at, oldest first."""
    import pyarrow as pa

    actions = pa.table(delta.get_add_actions(flatten=True))
    rows = actions.column("num_records").to_pylist() if "num_records" in actions.column_names else None
    files = [
        (modified, DataFile(folder / unquote(path), size, -1 if rows is None or rows[at] is None else rows[at]))
        for at, (path, size, modified) in enumerate(
            zip(
                *(actions.column(name).to_pylist() for name in ("path", "size_bytes", "modification_time")), strict=True
            )
        )
    ]
    # The log lists files in no fixed order; readers get one, so that a version always reads the same way.
    return tuple(file for _, file in sorted(files, key=lambda item: (item[0], item[1].path.name)))


def _require_files(table: str, manifest: Manifest) -> None:
    for file in manifest.files:
        if not file.path.exists():
            raise VersionsGone(
                f"Version {manifest.version} of table {table} is gone: its file {file.path.name} was cleared"
            )
