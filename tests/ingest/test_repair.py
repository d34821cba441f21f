"""Tables that hold keys more than once, made so in the way it happened: deliveries committed without a look at each other. They
become what they would be, had each delivery been resolved against those before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake.transaction import AddAction
from hypothesis import given, settings

from ingest.lakes import Site
from ingest.test_delivery import DAY, fold, item, rows_strategy
from leadline.engine import Engine
from leadline.ingest import resolution
from leadline.ingest.repair import remove_repeats
from leadline.lake.files import add_action
from leadline.lake.maintenance import check_lake
from leadline.schema import TABLES, Table


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


def deliver_blindly(site: Site, table: Table, *deliveries: Sequence[dict[str, Any]]) -> None:
    """Commit each delivery as one who resolved it before the others came and lost the lock since, without a fence."""
    folder = Path(site.lake.storage.location(table.name))
    folder.mkdir(parents=True, exist_ok=True)
    deltalake.DeltaTable.create(folder, table.arrow_schema, mode="ignore")
    for number, rows in enumerate(deliveries):
        path = folder / f"part-{number:02}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=table.arrow_schema), path)
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        action: AddAction = add_action(path, table)
        deltalake.DeltaTable(folder).create_write_transaction([action], "append", table.arrow_schema)


@settings(max_examples=30, deadline=None)
@given(rows=rows_strategy)
def test_what_stays_is_what_one_delivery_after_another_would_have_left(
    engine: Engine, rows: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site, expected = Site(Path(folder), engine), fold(rows)
        parts = [rows[start : start + 3] for start in range(0, len(rows), 3)]
        deliver_blindly(site, TABLES["work_items"], *parts)
        assert remove_repeats(site.project, TABLES["work_items"]) == len(rows) - len(expected)
        assert {row["key"]: row["title"] for row in site.rows("work_items")} == {
            key: row["title"] for key, row in expected.items()
        }
        assert check_lake(site.lake) == []


def test_rows_delivered_twice_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "KEYS_PER_PASS", 7)
    rows = [item(f"{number:03}", "same", number, ["x"]) for number in range(40)]
    deliver_blindly(site, TABLES["work_items"], rows, rows, [item("alone", "only", None)])
    (finding,) = check_lake(site.lake)
    assert finding.startswith("Table work_items has 40 natural keys more than once, 40 rows too many")
    version = site.lake.version("work_items")
    assert remove_repeats(site.project, TABLES["work_items"]) == 40
    assert check_lake(site.lake) == []
    assert [row["key"] for row in site.rows("work_items")] == sorted([*(row["key"] for row in rows), "alone"])
    assert site.lake.version("work_items") == (version or 0) + 1
    # What was pinned before reads as it did.
    assert len(site.rows("work_items", {"work_items": version or 0})) == 81


def test_the_first_row_stays_where_rows_never_change(site: Site) -> None:
    rows = [
        {"repository": "acme/shop", "sha": "a" * 40, "message": message, "committed_at": DAY}
        for message in ("first", "second")
    ]
    deliver_blindly(site, TABLES["commits"], *([row] for row in rows))
    assert remove_repeats(site.project, TABLES["commits"]) == 1
    assert [row["message"] for row in site.rows("commits")] == ["first"]


def test_a_good_table_is_left_as_it_is(site: Site) -> None:
    site.take("work_items", [item("a", "one", 1)], [item("b", "one", None)])
    version, files = site.lake.version("work_items"), site.files()
    for table in TABLES.values():
        assert remove_repeats(site.project, table) == 0
    assert site.lake.version("work_items") == version
    assert {file for file in site.files() ^ files if "locks" not in file} == set()
