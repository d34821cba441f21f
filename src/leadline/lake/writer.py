"""Writes one Delta table for who holds its lock: finished Parquet files join and leave it in atomic commits.

A lock can be lost unnoticed. So a commit takes place only if the table still is what was read under the lock, and carries the
number of the lease (as a Delta transaction of ``APP``): of two who both believe to hold the lock one commits, the other is told.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.errors import LockLost, StoreError, first_line
from leadline.lake.files import add_action
from leadline.lake.lake import CONFIGURATION, Lake, log_of
from leadline.lake.snapshot import DataFile, Manifest
from leadline.lease import Lease
from leadline.schema import Table

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import CommitProperties

_log = logging.getLogger("leadline.lake")

APP = "leadline"
"""The application whose transactions in a table's log are the numbers of leases."""


class TableWriter:
    """Writes to ``table`` of ``lake`` under ``lease``, the lock of that table, and perhaps ``under`` another lock. ``version`` is
    the table's that was read, None while there is none; commits go on from there."""

    def __init__(self, lake: Lake, table: Table, lease: Lease, under: Lease | None = None) -> None:
        self.lake, self.table = lake, table
        self._lease, self._under = lease, under
        self.version = lake.version(table.name)

    def data_files(self) -> tuple[DataFile, ...]:
        """The files of the table that was read, with size and row count."""
        if self.version is None:
            return ()
        return self.lake.snapshot({self.table.name: self.version}, verify=False).data_files(self.table.name)

    def files(self) -> list[str]:
        """The paths of ``data_files``, which are on this machine then."""
        files = self.data_files()
        self.lake.storage.bring(self.table.name, files)
        return [str(file.path) for file in files]

    def commit(
        self, *, added: Sequence[Path] = (), removed: Sequence[str] = (), message: str, changes: bool = True
    ) -> int:
        """One atomic Delta commit: ``added`` Parquet files join, ``removed`` files (as ``files`` names them) leave. Returns the
        new version.

        ``added`` lie in a folder of ``Lake.staging_folder`` and are moved into place; ``message`` is kept in the table's history.
        Without ``changes`` the rows stay the same, which tells readers of the log that nothing is new.
        Raises ``LockLost`` when somebody else wrote to the table or took a lock, ``StoreError`` when a removed file is no part
        of the table or the disk fails. Nothing is changed then, and ``added`` lie where they lay.
        """
        delta = self._opened()
        current = {str(file.path): file.size for file in self.lake.data_files(self.table.name, delta)}
        if unknown := [path for path in removed if path not in current]:
            raise StoreError(
                f"Table {self.table.name} has no file {Path(unknown[0]).name} in version {delta.version()}"
            )
        with self._placed(added) as placed:
            leaving = {Path(path).name: current[path] for path in removed}
            self.version = self._commit(delta, placed, leaving, message, changes=changes)
        self.lake.storage.settle(self.table.name, self.version)
        _log.debug("%s: version %d, %s", self.table.name, self.version, message)
        delta.update_incremental()
        if delta.version() == self.version:
            self.lake.remember(self.table.name, Manifest(self.version, self.lake.data_files(self.table.name, delta)))
        return self.version

    def _commit(
        self, delta: DeltaTable, placed: Iterable[Path], leaving: dict[str, int], message: str, *, changes: bool
    ) -> int:
        from deltalake.transaction import RemoveAction

        now_ms = int(time.time() * 1000)
        actions: list[Any] = [add_action(path, self.table, changes=changes) for path in placed]
        actions += [RemoveAction(name, changes, now_ms, size) for name, size in leaving.items()]
        following = int(delta.version()) + 1
        with self._fenced(delta, "committed") as properties:
            properties.custom_metadata = {"userMetadata": message}
            delta.create_write_transaction(actions, "append", self.table.arrow_schema, commit_properties=properties)
        return following

    # -- the table that is written to ----------------------------------------------------------------------------------

    def _opened(self) -> DeltaTable:
        """The version that was read; the table is created when it is not there, and widened by columns declared since."""
        from deltalake import Schema

        if self.version is None:
            self.version = self._created()
        delta = self.lake.open_delta(self.table.name, self.version)
        stored = {field.name for field in delta.schema().fields}
        new = [field for field in Schema.from_arrow(self.table.arrow_schema).fields if field.name not in stored]
        if not new:
            return delta
        with self._fenced(delta, "widened") as properties:
            delta.alter.add_columns(new, commit_properties=properties)
        self.version += 1
        return self.lake.open_delta(self.table.name, self.version)

    def _created(self) -> int:
        """The first version, without rows; whoever makes it, it is the same."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        storage, schema = self.lake.storage, self.table.arrow_schema
        storage.prepare(self.table.name)
        try:
            place = storage.location(self.table.name)
            DeltaTable.create(place, schema, mode="ignore", configuration=dict(CONFIGURATION))
        except (DeltaError, OSError) as error:
            if self.lake.version(self.table.name) is None:  # else another process created it at the same moment
                raise StoreError(f"Table {self.table.name} could not be created: {first_line(error)}") from error
        return 0

    # -- the fence -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _fenced(self, delta: DeltaTable, done: str) -> Iterator[CommitProperties]:
        """One commit after ``delta``, with the properties handed out. Raises ``LockLost`` if a lease is not the newest or the table
        has a later version, and ``StoreError`` if it cannot be ``done``."""
        from deltalake.exceptions import DeltaError
        from deltalake.transaction import CommitProperties, Transaction

        self._require(delta)
        following = int(delta.version()) + 1
        try:
            # Not tried again on top of a later version: what is written follows from this one.
            yield CommitProperties(max_commit_retries=0, app_transactions=[Transaction(APP, self._lease.number)])
        except (DeltaError, OSError) as error:
            number = self._number_of(following)
            if number == self._lease.number:
                return  # it is in the log: what failed came after, such as a checkpoint
            if number is not None:
                raise self._lost(following) from error
            raise StoreError(f"Table {self.table.name} could not be {done}: {first_line(error)}") from error

    def _require(self, delta: DeltaTable) -> None:
        newest = self.lake.version(self.table.name)
        if newest != delta.version():
            raise self._lost(newest)
        if (delta.transaction_version(APP) or 0) > self._lease.number:
            raise self._lost(newest)
        self._lease.require()
        if self._under is not None:
            self._under.require()

    def _lost(self, version: int | None) -> LockLost:
        return LockLost(
            f"Table {self.table.name} was written by another process (version {version}) while this one held its lock, which it "
            "must have lost; what it was about to write was not written. Try again"
        )

    def _number_of(self, version: int) -> int | None:
        """The number of the lease that ``version`` was committed with, 0 for none; None if there is no such version."""
        try:
            entry = self.lake.storage.read(f"{log_of(self.table.name)}/{version:020d}.json")
        except FileNotFoundError:
            return None
        transactions = [action["txn"] for line in entry.splitlines() if "txn" in (action := json.loads(line))]
        return next((int(one["version"]) for one in transactions if one["appId"] == APP), 0)

    # -- files ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _placed(self, added: Iterable[Path]) -> Iterator[list[Path]]:
        """``added`` in the table under names of their own; back where they were if they are not committed."""
        storage, table = self.lake.storage, self.table.name
        places: list[tuple[Path, str]] = []
        try:
            for path in added:
                name = self.lake.new_file()
                storage.put(table, path, name)
                places.append((path, name))
            if places:
                storage.settle(table, None)
            yield [storage.local(table, name) for _, name in places]
        except Exception:  # not where the process is being ended: whether it is in the log is not known then
            for path, name in places:
                storage.take_back(table, path, name)
            raise
