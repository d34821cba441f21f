"""Tables in a bucket: what two machines write both read, nobody overwrites what another wrote, and files are copied once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.errors import LockLost, StoreError, VersionsGone
from leadline.lake import Lake, TableWriter
from leadline.lake.bucket import Bucket
from leadline.lake.history import versions_at
from leadline.lake.maintenance import check_lake, clear_table, compact_table, drop_history
from leadline.lease import Lease
from leadline.schema import TABLES
from stubs.object_store import ObjectStore

from .test_lake import NOW, RELEASES, add, tags, writer, writing

LATER = NOW + timedelta(days=100)


@pytest.fixture
def address(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in object_store.environ.items():
        monkeypatch.setenv(name, value)
    return object_store.new_bucket() + "/lakes/one"


def mine() -> str:
    return "ours"


@pytest.fixture
def lake(address: str, tmp_path: Path) -> Lake:
    return Lake(Bucket(address, tmp_path / "copies", mine))


@pytest.fixture
def other(address: str, tmp_path: Path) -> Lake:
    """The same lake on another machine."""
    return Lake(Bucket(address, tmp_path / "copies of the other", mine))


def copies(lake: Lake) -> list[Path]:
    assert isinstance(lake.storage, Bucket)
    return sorted(lake.storage.copies.glob("*/*.parquet"))


def test_what_one_machine_writes_another_reads_from_a_copy_that_it_makes_once(lake: Lake, other: Lake) -> None:
    assert not lake.has_data()
    assert lake.versions() == other.versions() == {}
    add(lake, "v1", "v2")
    add(other, "v3")
    assert tags(lake) == tags(other) == ["v1", "v2", "v3"]
    assert lake.has_data()
    before = [path.stat().st_mtime_ns for path in copies(other)]
    assert len(before) == 2
    assert tags(other) == ["v1", "v2", "v3"]
    assert [path.stat().st_mtime_ns for path in copies(other)] == before
    assert check_lake(lake) == check_lake(other) == []


def test_a_snapshot_stays_what_it_was(lake: Lake, other: Lake) -> None:
    add(lake, "v1")
    pinned = other.versions()
    add(lake, "v2", removed=writer(lake).files())
    assert tags(other, pinned) == ["v1"]
    assert tags(other) == ["v2"]


def test_versions_after_a_checkpoint_are_found(lake: Lake, other: Lake) -> None:
    add(lake, "v1")
    lake.open_delta("releases").create_checkpoint()
    for tag in ("v2", "v3"):
        add(lake, tag)
    assert other.version("releases") == lake.version("releases") == 3
    assert tags(other) == ["v1", "v2", "v3"]
    assert lake.log_files("releases", 3)[-1].endswith("3.json")


def test_versions_of_an_instant_are_told_by_the_log(lake: Lake, other: Lake) -> None:
    add(lake, "v1")
    moment = datetime.now(UTC)
    time.sleep(0.05)
    add(lake, "v2")
    assert versions_at(other, moment) == {"releases": 1}
    assert versions_at(other, NOW - timedelta(days=1)) == {}


def test_of_two_who_write_from_the_same_version_one_is_told(lake: Lake, other: Lake) -> None:
    """Both believe to hold the lock: the store lets one log entry be written."""
    add(lake, "v1")
    first, second = writer(lake), writer(other)
    first.commit(added=[staged(lake, "v2")], message="first")
    late = staged(other, "v3")
    with pytest.raises(LockLost):
        second.commit(added=[late], message="second")
    assert late.exists()
    assert tags(lake) == tags(other) == ["v1", "v2"]


def test_one_entry_of_a_version_is_let_in_though_both_have_looked(
    lake: Lake, other: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between looking at the newest version and writing the next one."""
    add(lake, "v1")
    second = writer(other)
    real = TableWriter._require

    def requires(self: TableWriter, delta: object) -> None:
        real(self, delta)  # type: ignore[arg-type]
        if self is second:
            add(lake, "v2")

    monkeypatch.setattr(TableWriter, "_require", requires)
    with pytest.raises(LockLost):
        second.commit(added=[staged(other, "v3")], message="second")
    assert tags(lake) == ["v1", "v2"]


def test_a_lease_that_is_not_the_newest_writes_nothing(lake: Lake) -> None:
    add(lake, "v1")
    with pytest.raises(LockLost):
        TableWriter(lake, RELEASES, Lease("lake:releases", 1, lambda: 1)).commit(
            added=[staged(lake, "v2")], message="old"
        )
    assert tags(lake) == ["v1"]


def test_small_files_are_merged_and_cleared_and_the_copies_of_all_machines_with_them(lake: Lake, other: Lake) -> None:
    for tag in ("v1", "v2", "v3"):
        add(lake, tag)
    assert tags(other) == ["v1", "v2", "v3"]
    pinned = lake.versions()
    assert compact_table(lambda table: writing(lake, table), RELEASES) == (3, 1)
    assert tags(other) == ["v1", "v2", "v3"]
    clear_table(lake, RELEASES, now=LATER, keep_days=0)
    assert lake.storage.names("releases") == [path.name for path in copies(lake)]
    assert len(copies(lake)) == 1
    assert tags(lake) == ["v1", "v2", "v3"]
    assert clear_table(other, RELEASES, now=LATER, keep_days=0) == 0
    assert len(copies(other)) == 1
    with pytest.raises(VersionsGone):
        lake.snapshot(pinned)


def test_a_history_that_is_dropped_is_gone_from_the_bucket_and_from_the_copies(lake: Lake) -> None:
    add(lake, "v1")
    held = writer(lake)
    held.commit(added=[staged(lake, "v2")], removed=held.files(), message="erase")
    assert drop_history(held) > 0
    assert len(copies(lake)) == 1
    assert lake.storage.names("releases") == [copies(lake)[0].name]
    assert tags(lake) == ["v2"]


def test_a_file_that_is_damaged_or_gone_is_found(lake: Lake, other: Lake) -> None:
    add(lake, "v1")
    add(lake, "v2")
    first, second = lake.storage.names("releases")
    lake.storage.remove(f"releases/{first}")
    (finding,) = check_lake(other)
    assert finding == f"Table releases, file {first} is missing"
    with pytest.raises(VersionsGone):
        tags(other)
    assert second


def test_the_tables_of_another_database_are_neither_read_nor_written(lake: Lake, address: str, tmp_path: Path) -> None:
    """Who does not hold its locks."""
    add(lake, "v1")
    stranger = Lake(Bucket(address, tmp_path / "copies of a stranger", lambda: "theirs"))
    (tmp_path / "restored").mkdir()
    for act in (stranger.versions, lambda: add(stranger, "v2"), lambda: stranger.storage.take_in(tmp_path, "restored")):
        with pytest.raises(StoreError, match="another home's database"):
            act()
    assert tags(lake) == ["v1"]


def test_a_bucket_is_tried_out(lake: Lake) -> None:
    assert lake.storage.findings() == []
    assert lake.storage.names("_delta_log-probe") == []


def test_a_bucket_that_is_not_there_is_said(object_store: ObjectStore, address: str, tmp_path: Path) -> None:
    lake = Lake(Bucket("s3://not-there/lake", tmp_path, mine))
    assert lake.storage.findings() == [
        "There is no bucket s3://not-there/lake; make it first, or correct LEADLINE_LAKE"
    ]
    with pytest.raises(StoreError, match="releases"):
        add(lake, "v1")


def test_a_store_that_does_not_answer_is_said(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    lake = Lake(Bucket(address, tmp_path, mine))
    (finding,) = lake.storage.findings()
    assert finding.startswith(f"{address} cannot be read or written: ")
    with pytest.raises(StoreError, match="cannot be read"):
        lake.versions()


def test_a_copy_that_was_cut_off_is_no_copy(lake: Lake, other: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    add(lake, "v1")
    (name,) = lake.storage.names("releases")
    import obstore

    assert isinstance(lake.storage, Bucket)
    content = lake.storage.read(f"releases/{name}")
    obstore.put(lake.storage._store, f"releases/{name}", content[:-10])
    with pytest.raises(StoreError, match="bytes instead of"):
        tags(other)
    assert copies(other) == []
    assert [tmp for tmp in other.storage.local("releases", "x").parent.iterdir() if tmp.is_file()] == []


KILLED = """
import sys
from pathlib import Path
from lake.test_lake import add
from leadline.lake import Lake
from leadline.lake.bucket import Bucket
lake = Lake(Bucket(sys.argv[1], Path(sys.argv[2]), lambda: "ours"))
for number in range(1000):
    add(lake, f"{sys.argv[3]}-{number}")
    print(number, flush=True)
"""


def test_who_is_killed_while_writing_loses_nothing_that_was_written(lake: Lake, address: str, tmp_path: Path) -> None:
    """Each delivery is there whole or not at all, whatever the write in which the process was killed."""
    written = []
    for kill in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, address, str(tmp_path / "copies"), f"k{kill}"],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        done = [process.stdout.readline() for _ in range(2)]
        time.sleep(kill * 0.013)
        process.send_signal(signal.SIGKILL)
        done += process.stdout.read().splitlines()
        process.wait(30)
        written += [f"k{kill}-{int(number)}" for number in done if number.strip()]
        found = set(tags(lake))
        assert set(written) <= found
        assert len(found) <= len(written) + kill + 1, "at most the one that was being written when it was killed"
    assert check_lake(lake) == []
    assert add(lake, "after")


def staged(lake: Lake, tag: str) -> Path:
    path = lake.staging_folder("releases") / "rows.parquet"
    row = {"repository": "acme/shop", "tag": tag, "published_at": NOW}
    pq.write_table(pa.Table.from_pylist([row], schema=TABLES["releases"].arrow_schema), path)
    return path
