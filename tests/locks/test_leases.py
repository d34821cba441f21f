"""A lock is a lease: whoever took it last may write, and nobody else, however the others lost it."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from leadline.db import Database, cursors, leases
from leadline.db.projects import ensure_project
from leadline.errors import LockLost, StoreError
from leadline.lake import Lake, TableWriter
from leadline.lake.maintenance import check_lake
from leadline.lake.writer import APP
from leadline.lease import Lease
from leadline.schema import TABLES

from .losing import end_sessions, lose_locks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RELEASES = TABLES["releases"]


def row_file(lake: Lake, tag: str) -> Path:
    path = lake.staging_folder("releases") / "row.parquet"
    row = {"repository": "acme/shop", "tag": tag, "published_at": NOW}
    pq.write_table(pa.Table.from_pylist([row], schema=RELEASES.arrow_schema), path)
    return path


def tags(lake: Lake) -> list[str]:
    files = Lake(lake.storage).snapshot().files("releases")
    return sorted(tag for file in files for tag in pq.read_table(file).column("tag").to_pylist())


def lake_writer(lake: Lake, number: int, *, newest: int | None = None) -> TableWriter:
    return TableWriter(lake, RELEASES, Lease("lake:releases", number, lambda: newest or number))


# -- any order of taking, losing and writing -----------------------------------------------------------------------------


class Holders(RuleBasedStateMachine):
    """Three who take a lock, lose it unnoticed, and write to a table and to the database under what they believe to hold."""

    database: Database
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.name = uuid4().hex
        self.lake = Lake(self.folder / self.name)
        self.project_id = ensure_project(self.database, "o", self.name, NOW)
        self.stacks: dict[int, ExitStack] = {}
        self.leases: dict[int, Lease] = {}
        self.writers: dict[int, TableWriter] = {}
        self.holder: int | None = None
        self.newest = 0
        self.version: int | None = None
        self.written = 0
        self.in_table: list[str] = []
        self.in_database: list[str] = []

    actors = st.integers(0, 2)

    @rule(actor=actors)
    def take(self, actor: int) -> None:
        if actor in self.leases:
            return
        stack = self.stacks[actor] = ExitStack()
        lease = stack.enter_context(self.database.lock_if_free(self.name))
        assert (lease is None) == (self.holder is not None)
        if lease is not None:
            assert lease.number > self.newest
            self.holder, self.newest, self.leases[actor] = actor, lease.number, lease
            self.writers[actor] = TableWriter(self.lake, RELEASES, lease)

    @rule()
    def lose(self) -> None:
        lose_locks(self.database)
        self.holder = None

    @rule(actor=actors)
    def let_go(self, actor: int) -> None:
        self.leases.pop(actor, None)
        self.stacks.pop(actor, ExitStack()).close()
        if self.holder == actor:
            self.holder = None

    @rule(actor=actors)
    def read_again(self, actor: int) -> None:
        if (lease := self.leases.get(actor)) is not None:
            self.writers[actor] = TableWriter(self.lake, RELEASES, lease)

    @rule(actor=actors)
    def commit(self, actor: int) -> None:
        if (lease := self.leases.get(actor)) is None:
            return
        writer, tag = self.writers[actor], self._next()
        good = lease.number == self.newest and writer.version == self.version
        file = row_file(self.lake, tag)
        if good:
            self.version = writer.commit(added=[file], message="test")
            self.in_table.append(tag)
        else:
            with pytest.raises(LockLost):
                writer.commit(added=[file], message="test")
            assert file.exists()
            if self.version is None:  # whoever comes first makes the table, without rows
                self.version = self.lake.version("releases")

    @rule(actor=actors)
    def store(self, actor: int) -> None:
        if (lease := self.leases.get(actor)) is None:
            return
        name = self._next()
        if lease.number == self.newest:
            cursors.put(self.database, self.project_id, "test", name, {}, NOW, under=lease)
            self.in_database.append(name)
        else:
            with pytest.raises(LockLost):
                cursors.put(self.database, self.project_id, "test", name, {}, NOW, under=lease)

    def _next(self) -> str:
        self.written += 1
        return f"{self.written:03}"

    @invariant()
    def nothing_is_lost_and_nothing_doubled(self) -> None:
        assert tags(self.lake) == self.in_table
        assert sorted(cursors.of_source(self.database, self.project_id, "test")) == self.in_database

    def teardown(self) -> None:
        for stack in self.stacks.values():
            stack.close()


def test_who_took_the_lock_last_writes_and_nobody_else(database: Database, tmp_path: Path) -> None:
    Holders.database, Holders.folder = database, tmp_path
    run_state_machine_as_test(Holders, settings=settings(max_examples=25, stateful_step_count=25))


# -- numbers ---------------------------------------------------------------------------------------------------------------


def test_numbers_grow_though_the_clock_goes_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.lock("a") as first:
        pass
    monkeypatch.setattr("leadline.db.leases.time.time_ns", lambda: 1_000)
    with database.lock("a") as second:
        assert second.number == first.number + 1
    with database.lock("b") as other:
        assert other.number == 1


def test_a_database_that_was_restored_gives_greater_numbers_than_before(database: Database) -> None:
    with database.lock("a") as before:
        pass
    with database.write() as connection:
        connection.execute(leases.locks.delete())
    with database.lock("a") as after:
        assert after.number > before.number
        after.require()
    with pytest.raises(LockLost, match="The lock a was lost to another process"):
        before.require()


def test_names_of_any_length_are_different_locks(database: Database) -> None:
    long = "x" * 600
    with database.lock(long + "1") as one, database.lock(long + "2") as other:
        one.require()
        other.require()


def test_asking_whether_a_lock_is_free_takes_nothing_from_its_holder(database: Database) -> None:
    with database.lock("a") as lease:
        assert not database.is_free("a")
        lease.require()
    assert database.is_free("a")
    lease.require()


def test_work_whose_lock_was_lost_is_not_undone_by_letting_it_go(database: Database) -> None:
    """What was written without the lock was refused by where it was written; what is left is good."""
    with database.lock("a"):
        lose_locks(database)

    def fails() -> None:
        with database.lock("a"):
            lose_locks(database)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with database.lock("a") as lease:
        lease.require()


def test_who_waits_for_a_lock_goes_on_waiting_when_the_session_ends(postgresql: Any, postgresql_template: str) -> None:
    database = Database.open(postgresql.create(template=postgresql_template))
    taken = threading.Event()

    def take() -> None:
        with database.lock("a") as lease:
            lease.require()
            taken.set()

    waiting = threading.Thread(target=take)
    with database.lock("a"):
        waiting.start()
        ended, until = 0, time.monotonic() + 60
        while ended < 2 and time.monotonic() < until:
            ended += end_sessions(database, holding=False)
            time.sleep(0.01)
        assert ended == 2
        assert not taken.is_set()
    assert taken.wait(60)
    waiting.join(60)
    database.close()


# -- commits ---------------------------------------------------------------------------------------------------------------


def test_a_commit_carries_the_number_and_an_older_one_is_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake_writer(lake, 7).commit(added=[row_file(lake, "v1")], message="test")
    assert DeltaTable(Path(lake.storage.location("releases"))).transaction_version(APP) == 7
    with pytest.raises(LockLost, match="Table releases was written by another process"):
        lake_writer(lake, 6).commit(added=[row_file(lake, "v2")], message="test")
    lake_writer(lake, 8).commit(added=[row_file(lake, "v3")], message="test")
    assert tags(lake) == ["v1", "v3"]


def test_a_commit_that_does_not_follow_from_the_newest_version_is_refused(tmp_path: Path) -> None:
    """Whatever its number is: that of a delivery which removes nothing would go through, and its rows be there twice."""
    lake = Lake(tmp_path / "lake")
    stale = lake_writer(lake, 9)
    lake_writer(lake, 3).commit(added=[row_file(lake, "v1")], message="test")
    with pytest.raises(LockLost):
        stale.commit(added=[row_file(lake, "v1")], message="test")
    assert tags(lake) == ["v1"]


def test_widening_a_table_is_refused_as_any_commit(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    schema = pa.schema([field for field in RELEASES.arrow_schema if field.name != "name"])
    Path(lake.storage.location("releases")).mkdir(parents=True)
    DeltaTable.create(Path(lake.storage.location("releases")), schema)
    with pytest.raises(LockLost, match="The lock lake:releases was lost"):
        lake_writer(lake, 5, newest=6).commit(added=[row_file(lake, "v1")], message="test")
    assert lake.version("releases") == 0


def test_a_commit_that_took_place_before_something_failed_has_taken_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there is room for the log entry, and none for the checkpoint after it."""
    lake = Lake(tmp_path / "lake")
    create = DeltaTable.create_write_transaction

    def fails_afterwards(*arguments: Any, **options: Any) -> None:
        create(*arguments, **options)
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DeltaTable, "create_write_transaction", fails_afterwards)
        writer = lake_writer(lake, 1)
        version = writer.commit(added=[row_file(lake, "v1")], message="test")
    assert (version, tags(lake)) == (1, ["v1"])
    assert writer.commit(removed=writer.files(), message="test") == 2
    assert check_lake(lake) == []


def test_a_commit_that_the_disk_refuses_leaves_its_files_where_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    writer, file = lake_writer(lake, 1), row_file(lake, "v1")

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DeltaTable, "create_write_transaction", fails)
        with pytest.raises(StoreError, match="could not be committed: No space left"):
            writer.commit(added=[file], message="test")
    assert file.exists()
    writer.commit(added=[file], message="test")
    assert tags(lake) == ["v1"]
