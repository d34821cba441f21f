"""Rows into the lake: natural key and updated_at decide, whatever the order, the cutting and the repetition."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lakes import Site
from leadline.engine import Engine
from leadline.errors import InvalidInput, StoreError
from leadline.ingest import delivery, resolution, staging
from leadline.ingest.delivery import Receipt, ingest
from leadline.ingest.removal import remove
from leadline.lake.maintenance import check_lake
from leadline.schema import TABLES

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def item(key: str, title: str, version: int | None, labels: list[str] | None = None) -> dict[str, Any]:
    updated = None if version is None else DAY + timedelta(days=version)
    return {"project": "P", "key": key, "title": title, "updated_at": updated, "labels": labels}


def fold(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rule of the data model, one row after the other."""
    table: dict[str, dict[str, Any]] = {}
    for row in rows:
        present = table.get(row["key"])
        older = (
            present is not None
            and present["updated_at"] is not None
            and row["updated_at"] is not None
            and row["updated_at"] < present["updated_at"]
        )
        if not older:
            table[row["key"]] = row
    return table


def counts(receipt: Receipt) -> tuple[int, int, int, int, int]:
    """Rows added, updated, unchanged, repeated and left out."""
    made = receipt.decision
    return made.added, made.updated, made.unchanged, made.repeated, made.left_out


def titles(site: Site) -> dict[str, str]:
    return {row["key"]: row["title"] for row in site.rows("work_items")}


rows_strategy = st.lists(
    st.builds(
        item,
        key=st.sampled_from(["A", "B", "C", "D"]),
        title=st.sampled_from(["one", "two", "three", "four", "five"]),
        version=st.one_of(st.none(), st.integers(0, 4)),
        labels=st.sampled_from([None, ["x"], ["x", "y"]]),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One for all examples: starting one costs more than what an example does with it."""
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@settings(max_examples=30, deadline=None)
@given(rows=rows_strategy, cuts=st.lists(st.integers(0, 14), max_size=3), batch=st.integers(1, 14))
def test_any_cutting_gives_the_fold_in_delivery_order(
    engine: Engine, rows: list[dict[str, Any]], cuts: list[int], batch: int
) -> None:
    edges = [0, *sorted(cuts), len(rows)]
    parts = [rows[start:end] for start, end in itertools.pairwise(edges)]
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), engine)
        counted = 0
        for part in parts:
            batches = [part[at : at + batch] for at in range(0, len(part), batch)]
            receipt = site.take("work_items", *batches)
            assert sum(counts(receipt)) == len(part)
            counted += receipt.added
        expected = fold(rows)
        found = {row["key"]: row for row in site.rows("work_items")}
        assert {key: (row["title"], row["labels"]) for key, row in found.items()} == {
            key: (row["title"], row["labels"]) for key, row in expected.items()
        }
        assert counted == len(expected)
        assert check_lake(site.lake) == []


@settings(max_examples=15, deadline=None)
@given(
    versions=st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 50)), unique=True, min_size=1, max_size=12),
    random=st.randoms(use_true_random=False),
)
def test_order_and_repetition_do_not_matter_when_every_row_has_its_version(
    engine: Engine, versions: list[tuple[str, int]], random: Any
) -> None:
    rows = [item(key, f"{key}{version}", version) for key, version in versions]
    contents = []
    for _ in range(2):
        shuffled = rows + random.sample(rows, len(rows) // 2)
        random.shuffle(shuffled)
        half = len(shuffled) // 2
        with tempfile.TemporaryDirectory() as folder:
            site = Site(Path(folder), engine)
            site.take("work_items", shuffled[:half])
            site.take("work_items", shuffled[half:])
            contents.append(site.rows("work_items"))
    assert contents[0] == contents[1]
    newest = {key: max(version for name, version in versions if name == key) for key, _ in versions}
    assert {row["key"]: row["title"] for row in contents[0]} == {key: f"{key}{v}" for key, v in newest.items()}


def test_the_same_rows_again_make_no_new_version_and_leave_no_file(site: Site) -> None:
    rows = [item("A", "one", 1, ["x"]), item("B", "two", None)]
    first = site.take("work_items", rows)
    files = site.files()
    again = site.take("work_items", rows)
    assert (again.added, again.updated, again.unchanged, again.version) == (0, 0, 2, first.version)
    assert site.files() == files


def test_nothing_delivered_creates_nothing(site: Site) -> None:
    assert site.take("work_items").version is None
    assert site.lake.snapshot().versions == {}


@pytest.mark.parametrize(
    ("before", "after", "wins"),
    [
        (1, 2, "after"),
        (2, 1, "before"),
        (1, 1, "after"),
        (None, 1, "after"),
        (1, None, "after"),
        (None, None, "after"),
    ],
)
def test_the_newer_row_replaces_the_older(site: Site, before: int | None, after: int | None, wins: str) -> None:
    site.take("work_items", [item("A", "before", before)])
    receipt = site.take("work_items", [item("A", "after", after)])
    assert titles(site) == {"A": wins}
    assert counts(receipt) == ((0, 1, 0, 0, 0) if wins == "after" else (0, 0, 0, 0, 1))


def test_a_row_is_replaced_whole(site: Site) -> None:
    site.take("work_items", [{**item("A", "one", 1), "assignee": "kim", "labels": ["x"]}])
    site.take("work_items", [item("A", "two", 2)])
    assert [(row["title"], row["assignee"], row["labels"]) for row in site.rows("work_items")] == [("two", None, None)]


def test_rows_that_differ_in_a_list_alone_are_different(site: Site) -> None:
    site.take("work_items", [item("A", "one", 1, None)])
    assert site.take("work_items", [item("A", "one", 1, ["x"])]).updated == 1
    assert site.take("work_items", [item("A", "one", 1, ["x", "y"])]).updated == 1
    assert site.take("work_items", [item("A", "one", 1, ["x;y"])]).updated == 1


def test_an_empty_list_and_an_empty_text_are_unknown(site: Site) -> None:
    site.take("work_items", [{**item("A", "", 1, []), "assignee": ""}])
    assert [(row["title"], row["assignee"], row["labels"]) for row in site.rows("work_items")] == [(None, None, None)]


def test_immutable_rows_keep_what_was_seen_first(site: Site) -> None:
    commit = {"repository": "acme/shop", "sha": "A1", "message": "first"}
    site.take("commits", [commit, {**commit, "message": "second"}])
    receipt = site.take("commits", [{**commit, "message": "third"}, {**commit, "sha": "b2"}])
    assert counts(receipt) == (1, 0, 0, 0, 1)
    assert [(row["sha"], row["message"]) for row in site.rows("commits")] == [("a1", "first"), ("b2", "first")]


def test_keys_compare_exactly_but_for_emails_of_people(site: Site) -> None:
    site.take("work_items", [item("a", "lower", 1), item("A", "upper", 1)])
    site.take(
        "developers", [{"email": "Kim@Acme.example", "role": "dev"}, {"email": "kim@acme.example", "role": "lead"}]
    )
    assert titles(site) == {"a": "lower", "A": "upper"}
    assert [(row["email"], row["role"]) for row in site.rows("developers")] == [("kim@acme.example", "lead")]


def test_keys_whose_parts_read_alike_together_stay_apart(site: Site) -> None:
    keys = [("a", "b:c"), ("a:b", "c"), ("", "a"), ("a1", "1"), ("a", "11")]
    rows = [{"repository": repository or "x", "tag": tag} for repository, tag in keys]
    site.take("releases", rows)
    assert site.take("releases", [{**row, "name": "n"} for row in rows]).updated == len(rows)
    assert len(site.rows("releases")) == len(rows)


def test_keys_that_share_a_hash_stay_apart(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "KEY_HASH", "CAST(hash({}) % 2 AS UBIGINT)")
    monkeypatch.setattr(resolution, "KEYS_PER_PASS", 1)
    first = [item(str(at), "one", 1) for at in range(50)]
    assert site.take("work_items", first).added == 50
    receipt = site.take("work_items", [item(str(at), "two", 2) for at in range(25, 75)])
    assert (receipt.added, receipt.updated) == (25, 25)
    assert titles(site) == {str(at): "one" if at < 25 else "two" for at in range(75)}


def test_passes_over_shares_of_the_hashes_give_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "HASHES_PER_PASS", 7)
    monkeypatch.setattr(resolution, "KEYS_PER_PASS", 5)
    rows = [item(str(at % 40), f"t{at}", at) for at in range(100)]
    assert site.take("work_items", rows).added == 40
    receipt = site.take("work_items", [item(str(at), "late", 500 if at % 2 else 0) for at in range(60)])
    assert counts(receipt) == (20, 20, 0, 0, 20)
    assert titles(site) == {
        str(at): "late" if at % 2 or at >= 40 else f"t{max(n for n in range(100) if n % 40 == at)}" for at in range(60)
    }


def test_only_files_that_hold_a_loser_are_rewritten(site: Site) -> None:
    site.take("work_items", [item("A", "one", 1)])
    site.take("work_items", [item("B", "one", 1)])
    kept, touched = site.lake.snapshot().files("work_items")
    site.take("work_items", [item("B", "two", 2)])
    files = site.lake.snapshot().files("work_items")
    assert kept in files
    assert touched not in files
    assert site.lake.snapshot().row_counts() == {"work_items": 2}


def test_an_older_version_reads_as_before(site: Site) -> None:
    version = site.take("work_items", [item("A", "one", 1)]).version
    assert version is not None
    site.take("work_items", [item("A", "two", 2), item("B", "two", 2)])
    assert [row["title"] for row in site.rows("work_items", {"work_items": version})] == ["one"]


def test_large_deliveries_are_cut_into_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "ROW_GROUP_ROWS", 10)
    monkeypatch.setattr(staging, "ROWS_PER_FILE", 40)
    batches = [[item(f"{at}-{row}", "one", 1) for row in range(7)] for at in range(20)]
    assert site.take("work_items", *batches).added == 140
    assert sorted(file.rows for file in site.lake.snapshot().data_files("work_items")) == [14, 42, 42, 42]
    assert site.take("work_items", [item("3-3", "two", 2)]).updated == 1
    assert check_lake(site.lake) == []


def test_many_small_files_are_merged_on_the_way(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TOO_MANY_SMALL_FILES", 4)
    for at in range(6):
        site.take("releases", [{"repository": "acme/shop", "tag": f"v{at}"}])
    assert len(site.lake.snapshot().files("releases")) == 2
    assert site.lake.snapshot().row_counts() == {"releases": 6}
    assert check_lake(site.lake) == []


def test_a_source_that_fails_leaves_nothing(site: Site) -> None:
    site.take("work_items", [item("A", "one", 1)])
    files = site.files()

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([item("B", "two", 1)], schema=TABLES["work_items"].arrow_schema)
        raise StoreError("the source broke")

    with pytest.raises(StoreError, match="the source broke"):
        ingest(site.project, TABLES["work_items"], batches())
    assert site.files() == files


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"project": ["P"], "key": ["A"], "colour": ["red"]}, "Table work_items has no column 'colour'"),
        ({"project": ["P"], "key": [None]}, "Table work_items: a row has no key, which is part of its natural key"),
        ({"project": ["P"], "key": [""]}, "Table work_items: a row has no key, which is part of its natural key"),
        ({"project": ["P"]}, "Table work_items: a row has no key, which is part of its natural key"),
        ({"project": ["P"], "key": ["A"], "created_at": ["soon"]}, "Table work_items, column created_at:"),
    ],
)
def test_rows_that_are_not_the_tables_are_refused(site: Site, batch: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ingest(site.project, TABLES["work_items"], [pa.RecordBatch.from_pydict(batch)])
    assert refused.value.message.startswith(message)
    assert site.lake.snapshot().versions == {}


def test_rows_are_removed_by_part_of_their_key(site: Site) -> None:
    rows = [{"repository": "acme/shop", "sha": sha, "path": path} for sha in ("a1", "b2") for path in ("x", "y")]
    site.take("commit_files", rows)
    keys = pa.table({"repository": ["acme/shop", "acme/shop"], "sha": ["B2", "ff"]})
    table = TABLES["commit_files"]
    assert remove(site.project, table, keys) == 2
    assert [(row["sha"], row["path"]) for row in site.rows("commit_files")] == [("a1", "x"), ("a1", "y")]
    version = site.lake.version("commit_files")
    assert remove(site.project, table, keys) == 0
    assert site.lake.version("commit_files") == version
    everything = pa.table({"repository": ["acme/shop"]})
    assert remove(site.project, table, everything) == 2
    assert site.rows("commit_files") == []


def test_rows_are_removed_by_their_key_alone(site: Site) -> None:
    with pytest.raises(InvalidInput, match="removed by repository, sha, path, not by additions"):
        remove(site.project, TABLES["commit_files"], pa.table({"additions": [1]}))


def test_files_nobody_can_read_any_more_are_cleared_on_the_way(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CLEAR_EVERY", 1)
    site.take("work_items", [item("A", "one", 1)])
    lost = site.lake.staging_folder("work_items")
    orphan = Path(site.lake.storage.location("work_items")) / "part-orphan.parquet"
    orphan.write_bytes(b"x")
    long_ago = (datetime.now(UTC) - timedelta(days=100)).timestamp()
    for path in (lost, orphan):
        os.utime(path, (long_ago, long_ago))
    site.take("work_items", [item("A", "two", 2)])
    assert not lost.exists()
    assert not orphan.exists()
    assert [row["title"] for row in site.rows("work_items", {"work_items": 1})] == ["one"]
    assert titles(site) == {"A": "two"}
