"""Natural keys with a column that may be empty and one with a default: changes of one instant are all kept, and rows stored
before the key had these columns are still the same rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.lakes import Site
from leadline.engine import Engine
from leadline.ingest.delivery import ingest
from leadline.ingest.removal import remove
from leadline.lake.maintenance import check_lake, compact_lake
from leadline.schema import TABLES

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
CHANGES = TABLES["work_item_changes"]
BEFORE = replace(
    CHANGES,
    key=("project", "key", "changed_at", "field"),
    may_be_unknown=frozenset(),
    own_columns=tuple(column for column in CHANGES.own_columns if column.name != "sequence"),
)
"""The table as it was declared before."""
HEADER = "project,key,changed_at,field,from_value,to_value"


def change(value: str | None, **more: Any) -> dict[str, Any]:
    return {"project": "P", "key": "P-1", "changed_at": NOON, "field": "assignee", "to_value": value, **more}


def told(site: Site) -> list[tuple[Any, ...]]:
    return [(row["to_value"], row["sequence"], row["from_value"]) for row in site.rows("work_item_changes")]


def test_changes_of_one_instant_are_all_kept_and_again_are_the_same(site: Site, tmp_path: Path) -> None:
    lines = ["P,P-1,2026-03-05T12:00Z,assignee,ann,ben", "P,P-1,2026-03-05T12:00Z,assignee,ben,"]
    file = tmp_path / "work_item_changes.csv"
    for rows, counts in ((lines, (2, 0, 0)), (lines[::-1], (0, 0, 2)), (lines[1:], (0, 0, 1))):
        file.write_text("\n".join([HEADER, *rows]))
        (report,) = site.imports(file).files
        assert (report.added, report.updated, report.unchanged) == counts
    assert told(site) == [("ben", 0, "ann"), (None, 0, "ben")]
    assert check_lake(site.lake) == []


def test_a_sequence_tells_apart_what_has_the_same_value(site: Site) -> None:
    rows = [change("ann", sequence=0), change("ben", sequence=1), change("ann", sequence=2)]
    assert site.take("work_item_changes", rows).added == 3
    assert site.take("work_item_changes", [change("ann"), change("ann", sequence=2)]).unchanged == 2


def test_removing_one_leaves_those_of_which_nothing_is_known(site: Site) -> None:
    """A key with an unknown part equals no other, and must not be lost while another one goes."""
    site.take("work_item_changes", [change(None), change("ann"), change("ben")])
    keys = [{name: change("ann").get(name) for name in ("project", "key", "changed_at", "field", "to_value")}]
    schema = pa.schema([CHANGES.arrow_schema.field(name) for name in keys[0]])
    assert remove(site.project, CHANGES, pa.Table.from_pylist(keys, schema=schema)) == 1
    assert told(site) == [("ben", 0, None), (None, 0, None)]
    nothing = [{**keys[0], "to_value": None}]
    assert remove(site.project, CHANGES, pa.Table.from_pylist(nothing, schema=schema)) == 1
    assert told(site) == [("ben", 0, None)]


@pytest.mark.parametrize("compacted", [False, True])
def test_rows_of_before_are_the_same_rows_delivered_again(site: Site, *, compacted: bool) -> None:
    schema = BEFORE.arrow_schema
    for key in ("P-1", "P-2"):
        rows = [change("ann", key=key), change("ben", key=key, field="reporter"), change(None, key=key, field="sprint")]
        ingest(site.project, BEFORE, [pa.RecordBatch.from_pylist(rows, schema=schema)])
    assert check_lake(site.lake) == []
    assert {row["sequence"] for row in site.rows("work_item_changes")} == {0}
    if compacted:
        compact_lake(site.lake, "work_item_changes", writing=site.project.writing, now=NOON)
    again = [change("ann", sequence=0), change("ben", field="reporter"), change(None, field="sprint")]
    assert site.take("work_item_changes", again).unchanged == 3
    receipt = site.take("work_item_changes", [*again, change("zoe"), change("ann", from_value="ben")])
    assert (receipt.added, receipt.updated) == (1, 1)
    assert len(site.rows("work_item_changes")) == 7
    assert {row["sequence"] for row in site.rows("work_item_changes")} == {0}
    assert check_lake(site.lake) == []
    with Engine(temp_dir=site.temp) as engine:
        engine.bind_snapshot(site.lake.snapshot(), ["work_item_changes"])
        assert engine.execute("SELECT DISTINCT sequence FROM work_item_changes") == [(0,)]
