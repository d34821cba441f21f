"""Rows that do not tell every column: what they tell is applied, the rest stays, in every way in alike."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lakes import Site
from leadline.engine import Engine
from leadline.ingest import resolution
from leadline.ingest.delivery import Receipt, ingest
from leadline.lake.maintenance import check_lake
from leadline.schema import TABLES
from leadline.schema.table import TOLD, told_mask

DAY = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = TABLES["work_items"]
COLUMNS = ("title", "labels", "story_points", "updated_at")
Row = dict[str, Any]


def key(name: str) -> Row:
    return {"project": "P", "key": name}


def item(name: str, **told: Any) -> Row:
    return {**key(name), **told}


def version(day: int) -> datetime:
    return DAY + timedelta(days=day)


# -- the rule, one row after the other ---------------------------------------------------------------------------------


def fold(rows: Sequence[Row]) -> dict[str, Row]:
    """The rule of the data model, one row after the other."""
    table: dict[str, Row] = {}
    for row in rows:
        present = table.setdefault(row["key"], {})
        mine, theirs = row.get("updated_at"), present.get("updated_at")
        if mine is None or theirs is None or mine >= theirs:
            present.update(row)
    return table


def take(site: Site, rows: Sequence[Row]) -> Receipt:
    """Ingests rows of which each tells what it has: in one batch, or if all tell the same, in one without the other columns."""
    schema, names = ITEMS.arrow_schema, {frozenset(row) for row in rows}
    if len(names) == 1:
        told = [field for field in schema if field.name in rows[0]]
        return ingest(
            site.project, ITEMS, [pa.RecordBatch.from_pylist(rows, schema=pa.schema(told))], engine=site.engine
        )
    masked = [{**row, TOLD: told_mask(ITEMS, row)} for row in rows]
    batch = pa.RecordBatch.from_pylist(masked, schema=schema.append(pa.field(TOLD, pa.int64())))
    return ingest(site.project, ITEMS, [batch], engine=site.engine)


def stored(site: Site) -> dict[str, Row]:
    return {
        row["key"]: {name: row[name] for name in COLUMNS[:-1] if row[name] is not None}
        for row in site.rows("work_items")
    }


def expected(rows: Sequence[Row]) -> dict[str, Row]:
    return {
        name: {column: row[column] for column in COLUMNS[:-1] if row.get(column) is not None}
        for name, row in fold(rows).items()
    }


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from([None, "one", "two"]),
        "labels": st.sampled_from([None, ["x"], ["x", "y"]]),
        "story_points": st.sampled_from([None, 1.0, 2.0]),
    },
)
KEYS = st.sampled_from("ABC")
VERSIONS = st.integers(0, 4).map(version)
ROWS = st.one_of(
    # In a file all rows tell the same columns; objects may differ.
    st.lists(
        st.tuples(KEYS, VALUES, st.fixed_dictionaries({}, optional={"updated_at": st.none() | VERSIONS})), max_size=9
    ),
    st.lists(
        st.tuples(KEYS, st.fixed_dictionaries({"title": st.sampled_from([None, "one", "two"])}), st.just({})),
        max_size=9,
    ),
    st.lists(
        st.tuples(
            KEYS,
            st.fixed_dictionaries({"story_points": st.sampled_from([None, 1.0])}),
            st.fixed_dictionaries({"updated_at": st.none() | VERSIONS}),
        ),
        max_size=9,
    ),
).map(lambda rows: [item(name, **told, **updated) for name, told, updated in rows])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(ROWS, min_size=1, max_size=4), cut=st.integers(0, 9))
def test_any_cutting_gives_the_fold_in_delivery_order(engine: Engine, parts: list[list[Row]], cut: int) -> None:
    everything = [row for part in parts for row in part]
    for pieces in (parts, [everything], [everything[:cut], everything[cut:]]):
        with tempfile.TemporaryDirectory() as folder:
            site, delivered = Site(Path(folder), engine), []
            for piece in filter(None, pieces):
                before = fold(delivered)
                receipt = take(site, piece)
                delivered += piece
                _right_counts(receipt, before, fold(delivered), len(piece))
            assert stored(site) == expected(everything)
            assert check_lake(site.lake) == []
            assert (
                not [name for name in pq.read_schema(path).names if name == TOLD] if (path := _a_file(site)) else True
            )


def _a_file(site: Site) -> str | None:
    return next(iter(site.lake.snapshot().files("work_items")), None)


def _right_counts(receipt: Receipt, before: dict[str, Row], after: dict[str, Row], rows: int) -> None:
    def told(row: Row) -> Row:
        return {name: value for name, value in row.items() if value is not None}

    made = receipt.decision
    assert made.added == len(after.keys() - before.keys())
    assert made.updated == sum(told(before[name]) != told(after[name]) for name in before)
    assert made.added + made.updated + made.unchanged + made.repeated + made.left_out == rows
    assert (made.example is not None) == (made.repeated > 0)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(KEYS, VALUES, VERSIONS), min_size=1, max_size=8, unique_by=lambda row: (row[0], row[2])),
    again=st.lists(st.integers(0, 7), max_size=6),
    cuts=st.lists(st.integers(0, 14), max_size=3),
)
def test_repetition_changes_nothing_where_rows_have_versions(
    engine: Engine, rows: list[tuple[str, Row, datetime]], again: list[int], cuts: list[int]
) -> None:
    """Delivered once more at any later time, however cut: what is older than what is there is left out."""
    once = [item(name, **told, updated_at=updated) for name, told, updated in rows]
    more = [once[at % len(once)] for at in again]
    edges = [0, *sorted(cuts), len(once) + len(more)]
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), engine)
        for start, end in itertools.pairwise(edges):
            if piece := [*once, *more][start:end]:
                take(site, piece)
        assert stored(site) == expected(once)


@pytest.mark.parametrize("name", ["KEYS_PER_PASS", "HASHES_PER_PASS"])
def test_many_passes_combine_as_one(site: Site, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(resolution, name, 2)
    take(site, [item(str(number), title="first", story_points=1.0) for number in range(20)])
    receipt = take(site, [item(str(number), title="second") for number in range(0, 30, 2)])
    assert (receipt.added, receipt.updated) == (5, 10)
    titles = {name: (row["title"], row.get("story_points")) for name, row in stored(site).items()}
    assert titles == {
        str(number): ("first" if number % 2 else "second", 1.0 if number < 20 else None)
        for number in [*range(20), *range(20, 30, 2)]
    }


# -- every way in ------------------------------------------------------------------------------------------------------


def write(folder: Path, suffix: str, rows: list[Row]) -> Path:
    """A file whose columns are those of the first row."""
    path = folder / f"work_items.{suffix}"
    names = list(rows[0])
    if suffix == "csv":
        cells = [["" if row[name] is None else str(row[name]) for name in names] for row in rows]
        path.write_text("\n".join(",".join(line) for line in [names, *cells]))
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_column_that_a_file_lacks_keeps_its_value_and_an_empty_cell_makes_it_unknown(
    site: Site, tmp_path: Path, suffix: str
) -> None:
    for rows in (
        [item("A", title="first", story_points=1.0), item("B", title="first", story_points=2.0)],
        [item("A", title="second")],
        [item("B", story_points=None)],
        [key("A"), key("C")],
    ):
        assert site.imports(write(tmp_path, suffix, rows)).ok
    assert stored(site) == {"A": {"title": "second", "story_points": 1.0}, "B": {"title": "first"}, "C": {}}


def test_objects_of_a_file_may_each_tell_something_else(site: Site, tmp_path: Path) -> None:
    first = [item("A", title="first", story_points=1.0), item("A", labels=["x"]), item("B", title="b"), key("A")]
    (report,) = site.imports(write(tmp_path, "jsonl", first)).files
    assert (report.added, report.repeated, report.unchanged) == (2, 2, 0)
    (report,) = site.imports(write(tmp_path, "jsonl", [item("A", story_points=None), item("B", story_points=3)])).files
    assert (report.updated, report.unchanged) == (2, 0)
    assert stored(site) == {"A": {"title": "first", "labels": ["x"]}, "B": {"title": "b", "story_points": 3.0}}
    (report,) = site.imports(write(tmp_path, "jsonl", [item("A", title="first"), item("B", labels=None)])).files
    assert (report.updated, report.unchanged) == (0, 2)


def test_what_is_older_is_left_out_whatever_it_tells(site: Site, tmp_path: Path) -> None:
    """Also a column of which nothing was told yet: a row is as old as it says."""
    site.imports(write(tmp_path, "csv", [item("A", title="new", updated_at="2026-02-02T00:00:00Z")]))
    old = [item("A", story_points=1, updated_at="2026-02-01T00:00:00Z")]
    (report,) = site.imports(write(tmp_path, "csv", old)).files
    assert (report.updated, report.unchanged, report.left_out) == (0, 0, 1)
    assert stored(site) == {"A": {"title": "new"}}


# -- the report --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_two_rows_of_one_key_are_applied_in_order_and_told_with_their_lines(
    site: Site, tmp_path: Path, suffix: str
) -> None:
    rows = [
        item("Z", title="z"),
        item("A", title="first"),
        item("B", title="b"),
        item("A", title="second"),
        item("B", title="b"),
    ]
    (report,) = site.imports(write(tmp_path, suffix, rows)).files
    assert (report.rows, report.added, report.updated, report.unchanged, report.repeated) == (5, 3, 0, 1, 1)
    first = 2 if suffix == "csv" else 1
    assert report.repeat_lines == (first + 1, first + 3)
    assert stored(site)["A"] == {"title": "second"}
    (report,) = site.imports(write(tmp_path, suffix, rows)).files
    assert (report.updated, report.unchanged, report.repeated) == (0, 4, 1)


def test_lines_of_repeated_rows_are_those_of_the_file(site: Site, tmp_path: Path) -> None:
    """Rows that are refused, and cells over several lines, shift them."""
    path = tmp_path / "work_items.csv"
    path.write_text('project,key,title,story_points\nP,A,"one\n\n1",1\nP,A,two,many\nP,B,"b\nb",1\nP,A,three,2\n')
    (report,) = site.imports(path, skip_bad_rows=True).files
    assert (report.refused_rows, report.repeated, report.repeat_lines) == (1, 1, (2, 8))
    path.write_text('project,key,title,story_points\nP,A,"one\n\n1",1\nP,B,"b\nb",1\nP,A,three,2\n')
    (report,) = site.imports(path).files
    assert (report.refused_rows, report.repeated, report.repeat_lines) == (0, 1, (2, 7))
