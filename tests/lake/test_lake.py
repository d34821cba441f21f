"""The Delta tables: commits, pinned snapshots, the check, merging and clearing, and that others can read them."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.errors import LockLost, StoreError
from leadline.lake import Lake, TableWriter
from leadline.lake.lake import CONFIGURATION, KEEP_DAYS
from leadline.lake.maintenance import Compaction, check_lake, compact_lake
from leadline.lake.storage import LOG, STAGING
from leadline.lease import Lease
from leadline.schema import TABLES, Table

RELEASES = TABLES["releases"]
NOW = datetime.now(UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home with spaces" / "lake")


def parquet(lake: Lake, *tags: str, repository: str | None = "acme/shop") -> Path:
    rows = [{"repository": repository, "tag": tag, "published_at": NOW} for tag in tags]
    path = lake.staging_folder("releases") / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=RELEASES.arrow_schema), path)
    return path


def writer(lake: Lake, table: Table = RELEASES) -> TableWriter:
    """For who took the lock of the table now, and knows of nobody else."""
    number = time.time_ns()
    return TableWriter(lake, table, Lease(f"lake:{table.name}", number, lambda: number))


@contextmanager
def writing(lake: Lake, table: Table) -> Iterator[TableWriter]:
    yield writer(lake, table)


def add(lake: Lake, *tags: str, removed: list[str] | None = None) -> int:
    return writer(lake).commit(added=[parquet(lake, *tags)], removed=removed or [], message="test")


def compact(lake: Lake, table: str | None = None, **options: Any) -> Compaction:
    return compact_lake(lake, table, writing=partial(writing, lake), **options)


def tags(lake: Lake, versions: dict[str, int] | None = None) -> list[str]:
    files = lake.snapshot(versions).files("releases")
    return sorted(tag for file in files for tag in pq.read_table(file).column("tag").to_pylist())


def test_a_lake_that_is_not_there_is_empty(lake: Lake) -> None:
    snapshot = lake.snapshot()
    assert (snapshot.versions, snapshot.row_counts(), snapshot.files("releases")) == ({}, {}, [])
    assert check_lake(lake) == []
    assert not Path(lake.where).exists()


def test_what_is_remembered_of_a_commit_is_what_its_log_says(lake: Lake) -> None:
    for tag in ("v1", "v2"):
        add(lake, tag)
    add(lake, "v3", removed=lake.snapshot().files("releases")[:1])
    remembered, read = lake.snapshot(), Lake(lake.storage).snapshot()
    assert remembered.versions == read.versions
    assert remembered.data_files("releases") == read.data_files("releases")


def test_commits_add_and_remove_files_at_once(lake: Lake) -> None:
    first = add(lake, "v1", "v2")
    before = lake.snapshot()
    second = add(lake, "v3", removed=before.files("releases"))
    assert second == first + 1
    assert tags(lake) == ["v3"]
    assert tags(lake, {"releases": first}) == ["v1", "v2"]
    assert before.versions == {"releases": first}
    assert [pq.read_metadata(file).num_rows for file in before.files("releases")] == [2]
    assert lake.snapshot().row_counts() == {"releases": 1}


def test_other_programs_read_the_table(lake: Lake) -> None:
    add(lake, "v1", "v2")
    table = deltalake.DeltaTable(Path(lake.storage.location("releases")))
    assert table.to_pyarrow_table().column("tag").to_pylist() == ["v1", "v2"]
    (action,) = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert (action["num_records"], action["min.tag"], action["max.tag"]) == (2, "v1", "v2")
    assert table.history(1)[0]["userMetadata"] == "test"


def test_a_file_somebody_else_replaced_cannot_be_removed(lake: Lake) -> None:
    add(lake, "v1")
    stale = lake.snapshot().files("releases")
    version = add(lake, "v2", removed=stale)
    with pytest.raises(StoreError, match=r"Table releases has no file part-\w+.parquet in version"):
        add(lake, "v3", removed=stale)
    assert lake.version("releases") == version
    assert check_lake(lake) == []


def test_a_version_that_is_gone_is_named(lake: Lake) -> None:
    version = add(lake, "v1")
    with pytest.raises(StoreError, match="version 99 is gone or cannot be read"):
        lake.snapshot({"releases": 99})
    with pytest.raises(StoreError, match=r"Table commits .*version 0 is gone"):
        lake.snapshot({"commits": 0})
    Path(lake.snapshot().files("releases")[0]).unlink()
    with pytest.raises(StoreError, match=f"Version {version} of table releases is gone: its file part-"):
        lake.snapshot({"releases": version})


def test_an_uncommitted_file_is_invisible(lake: Lake) -> None:
    add(lake, "v1")
    parquet(lake, "v2")
    pq.write_table(
        pa.Table.from_pylist([], schema=RELEASES.arrow_schema),
        Path(lake.storage.location("releases")) / "part-lost.parquet",
    )
    assert tags(lake) == ["v1"]
    assert check_lake(lake) == []


def test_a_column_declared_later_widens_the_table(lake: Lake) -> None:
    schema = pa.schema([field for field in RELEASES.arrow_schema if field.name != "name"])
    Path(lake.storage.location("releases")).mkdir(parents=True)
    deltalake.DeltaTable.create(Path(lake.storage.location("releases")), schema)
    old = Path(lake.storage.location("releases")) / "old.parquet"
    pq.write_table(pa.Table.from_pylist([{"repository": "acme/shop", "tag": "v0"}], schema=schema), old)
    writer(lake).commit(added=[old], message="old")
    add(lake, "v1")
    names = [field.name for field in deltalake.DeltaTable(Path(lake.storage.location("releases"))).schema().fields]
    assert set(names) == set(RELEASES.arrow_schema.names)
    assert tags(lake) == ["v0", "v1"]
    assert check_lake(lake) == []
    assert compact(lake, "releases", now=NOW).merged == 2
    (file,) = lake.snapshot().files("releases")
    assert pq.read_schema(file).names == RELEASES.arrow_schema.names


def test_other_threads_and_handles_see_a_commit_at_once(lake: Lake) -> None:
    other = Lake(lake.storage)
    assert other.snapshot().versions == {}
    version = add(lake, "v1")
    assert other.snapshot().versions == {"releases": version}


def test_versions_survive_checkpoints(lake: Lake) -> None:
    first = add(lake, "v1")
    for _ in range(55):
        add(lake, "v2", removed=lake.snapshot().files("releases"))
    assert list((Path(lake.storage.location("releases")) / "_delta_log").glob("*.checkpoint*.parquet"))
    fresh = Lake(lake.storage)
    assert tags(fresh) == ["v2"]
    assert tags(fresh, {"releases": first}) == ["v1"]


def test_the_log_keeps_what_may_be_asked_for_and_no_more(lake: Lake) -> None:
    """So its size is that of some weeks, however many versions there have been."""
    log = Path(lake.storage.location("releases")) / "_delta_log"
    for number in range(52):
        add(lake, f"v{number}")
    old = time.time() - (KEEP_DAYS + 1) * 86_400
    for entry in log.iterdir():
        os.utime(entry, (old, old))
    for number in range(52, 104):
        add(lake, f"v{number}")
    versions = sorted(int(entry.stem) for entry in log.glob("*.json"))
    interval = int(CONFIGURATION["delta.checkpointInterval"])
    assert versions[-1] == lake.version("releases")
    assert len(versions) <= 52 + interval
    assert versions[0] > 0
    assert len(tags(Lake(lake.storage))) == 104


def test_the_newest_version_is_found_without_a_look_at_every_other(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(53):
        add(lake, f"v{number}")
    newest = lake.version("releases")
    hint = Path(lake.storage.location("releases")) / "_delta_log" / "_last_checkpoint"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", lambda _self: pytest.fail("the whole log was listed"))
        assert lake.version("releases") == newest
    # A hint that is torn, of another form, or of a checkpoint that is not there says nothing.
    for text in ("", '{"version": 4', "[]", '{"version": null}', '{"version": 7}', '{"version": 999999}'):
        hint.write_text(text)
        assert lake.version("releases") == newest
    hint.unlink()
    assert lake.version("releases") == newest


# -- several processes -------------------------------------------------------------------------------------------------


def _add_many(root: str, name: str, count: int) -> None:
    lake = Lake(Path(root))
    for number in range(count):
        while True:
            with suppress(LockLost):
                add(lake, f"{name}-{number}")
                break


def test_processes_that_all_believe_to_hold_the_lock_lose_nothing_and_double_nothing(lake: Lake) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_many, args=(lake.where, name, 4)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert tags(lake) == sorted(f"{name}-{number}" for name in "abcd" for number in range(4))
    assert check_lake(lake) == []


# -- check -------------------------------------------------------------------------------------------------------------


def _missing(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def _garbled(file: Path) -> None:
    file.write_bytes(b"x" * file.stat().st_size)


@pytest.mark.parametrize(
    ("harm", "finding"),
    [
        (_missing, "Table releases, file {name} is missing"),
        (_cut, "Table releases, file {name} has {less} bytes instead of {size}"),
        (_garbled, "Table releases, file {name} is not a readable Parquet file"),
    ],
)
def test_the_check_finds_harmed_files(lake: Lake, harm: Callable[[Path], None], finding: str) -> None:
    add(lake, "v1")
    add(lake, "v2")
    file = lake.snapshot().data_files("releases")[0]
    harm(file.path)
    expected = finding.format(name=file.path.name, size=file.size, less=file.size - 1)
    assert check_lake(lake) == [expected]


def test_the_check_counts_rows(lake: Lake) -> None:
    add(lake, "v1")
    (file,) = lake.snapshot().data_files("releases")
    log = max((Path(lake.storage.location("releases")) / "_delta_log").glob("*.json"))
    log.write_text(
        log.read_text()
        .replace('\\"numRecords\\":1', '\\"numRecords\\":3')
        .replace('\\"numRecords\\": 1', '\\"numRecords\\": 3')
    )
    assert check_lake(Lake(lake.storage)) == [f"Table releases, file {file.path.name} has 1 rows instead of 3"]


def test_the_check_finds_keys_that_repeat_or_are_unknown(lake: Lake) -> None:
    add(lake, "v1", "v2")
    add(lake, "v2", "v3")
    writer(lake).commit(added=[parquet(lake, "v4", repository=None)], message="test")
    assert check_lake(lake) == [
        "Table releases has 1 rows without a natural key",
        "Table releases has 1 natural keys more than once, 1 rows too many; `leadline status --check --repair` leaves one of each",
    ]


def test_the_check_tells_of_a_broken_log(lake: Lake) -> None:
    add(lake, "v1")
    max((Path(lake.storage.location("releases")) / "_delta_log").glob("*.json")).write_text("{broken")
    (finding,) = check_lake(Lake(lake.storage))
    assert finding.startswith("Table releases of the lake in ")


# -- merging and clearing ----------------------------------------------------------------------------------------------


def test_compaction_merges_small_files_and_keeps_content_and_old_versions(lake: Lake) -> None:
    versions = [add(lake, f"v{number}") for number in range(5)]
    done = compact(lake, now=NOW)
    assert (done.merged, done.written, done.cleared) == (5, 1, 0)
    assert len(lake.snapshot().files("releases")) == 1
    assert tags(lake) == [f"v{number}" for number in range(5)]
    assert tags(lake, {"releases": versions[2]}) == ["v0", "v1", "v2"]
    assert check_lake(lake) == []
    # Who follows the log need not read the rows again.
    newest = Path(lake.storage.location("releases")) / LOG / f"{lake.version('releases'):020d}.json"
    actions = [action for line in newest.read_text().splitlines() for action in json.loads(line).items()]
    assert {body["dataChange"] for kind, body in actions if kind in ("add", "remove")} == {False}
    assert compact(lake, now=NOW).merged == 0


def test_clearing_takes_what_no_kept_version_reads_and_the_abandoned(lake: Lake) -> None:
    now = datetime.now(UTC)  # not when the module was loaded: what is staged is as old as this test
    first = add(lake, "v1")
    add(lake, "v2", removed=lake.snapshot().files("releases"))
    parquet(lake, "lost")
    (staged,) = [
        folder for folder in (Path(lake.storage.location("releases")) / STAGING).iterdir() if any(folder.iterdir())
    ]
    assert compact(lake, "releases", now=now).cleared == 0
    assert tags(lake, {"releases": first}) == ["v1"]
    compact(lake, "releases", now=now + timedelta(hours=23))
    assert staged.exists()
    compact(lake, "releases", now=now + timedelta(hours=25), keep_days=0)
    assert not staged.exists()
    assert tags(lake) == ["v2"]
    assert lake.version("releases") == first + 1
    with pytest.raises(StoreError, match="is gone"):
        lake.snapshot({"releases": first})
    assert check_lake(lake) == []
