"""One cell at a time: what is understood, and what is refused with which words, in every format alike."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.lakes import Site
from leadline.schema import TABLES, Column, ColumnType

KEYS: dict[str, dict[str, str]] = {
    "pull_requests": {"repository": "acme/shop", "number": "7"},
    "work_items": {"project": "P", "key": "P-1"},
    "deployments": {"deployment_id": "d1"},
    "developers": {"email": "kim@acme.example"},
}
Writer = Callable[[Path, str, list[dict[str, str]]], Path]


def write_csv(folder: Path, table: str, rows: list[dict[str, str]]) -> Path:
    path = folder / f"{table}.csv"
    with path.open("w", newline="", encoding="utf-8") as output:
        writer = csv.DictWriter(output, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(folder: Path, table: str, rows: list[dict[str, str]]) -> Path:
    path = folder / f"{table}.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(folder: Path, table: str, rows: list[dict[str, str]]) -> Path:
    path = folder / f"{table}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = [write_csv, write_jsonl, write_parquet]

UNDERSTOOD = [
    ("pull_requests", "created_at", "2026-01-31T09:30:00Z", "2026-01-31 09:30:00+00"),
    ("pull_requests", "created_at", "2026-01-31 09:30:00", "2026-01-31 09:30:00+00"),
    ("pull_requests", "created_at", "2026-01-31t09:30:00z", "2026-01-31 09:30:00+00"),
    ("pull_requests", "created_at", "2026-01-31T09:30:00.1234567+02:00", "2026-01-31 07:30:00.123456+00"),
    ("pull_requests", "created_at", "2026-01-31T09:30-0530", "2026-01-31 15:00:00+00"),
    ("pull_requests", "created_at", "2026-01-31", "2026-01-31 00:00:00+00"),
    ("pull_requests", "created_at", "1970-01-01", "1970-01-01 00:00:00+00"),
    ("pull_requests", "created_at", "2262-12-31T23:59:59Z", "2262-12-31 23:59:59+00"),
    ("pull_requests", "created_at", "2024-02-29", "2024-02-29 00:00:00+00"),
    ("pull_requests", "created_at", "", None),
    ("pull_requests", "additions", "007", 7),
    ("pull_requests", "additions", "+5", 5),
    ("pull_requests", "additions", "0", 0),
    ("pull_requests", "additions", "9223372036854775807", 2**63 - 1),
    ("pull_requests", "additions", "", None),
    ("pull_requests", "draft", "YES", True),
    ("pull_requests", "draft", "0", False),
    ("pull_requests", "draft", "False", False),
    ("pull_requests", "state", "MERGED", "merged"),
    ("pull_requests", "title", "=1+1", "=1+1"),
    ("pull_requests", "title", " NULL ", " NULL "),
    ("pull_requests", "additions", "12.0", 12),
    ("pull_requests", "additions", "9223372036854775807.00", 9223372036854775807),
    ("pull_requests", "merge_commit_sha", "ABCDEF", "abcdef"),
    ("pull_requests", "labels", "bug; ;back end;bug", ["bug", "back end", "bug"]),
    ("pull_requests", "labels", ";", None),
    ("work_items", "story_points", "2.50", 2.5),
    ("work_items", "story_points", "1e1", 10.0),
    ("deployments", "shas", "ABC;def", ["abc", "def"]),
    ("developers", "email", "Kim@Acme.EXAMPLE", "kim@acme.example"),
]

REFUSED = [
    ("pull_requests", "created_at", "31.01.2026", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "infinity", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "2026-01-31T24:00:00Z", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "2026-01-31T09:30:60Z", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    (
        "pull_requests",
        "created_at",
        "2026-01-31T09:30:00+99:00",
        "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z",
    ),
    ("pull_requests", "created_at", "01/02/2026", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "20260131", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "2026", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "2026-01-31 09:30 CET", "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z"),
    ("pull_requests", "created_at", "2026-02-30", "a date or time that does not exist"),
    ("pull_requests", "created_at", "2026-13-01T00:00:00Z", "a date or time that does not exist"),
    ("pull_requests", "created_at", "2025-02-29", "a date or time that does not exist"),
    ("pull_requests", "created_at", "1969-12-31T23:59:59Z", "outside the years 1970 to 2262"),
    ("pull_requests", "created_at", "2263-01-01", "outside the years 1970 to 2262"),
    ("pull_requests", "created_at", "0001-01-01T00:00:00Z", "outside the years 1970 to 2262"),
    ("pull_requests", "additions", "-1", "below 0"),
    ("pull_requests", "additions", "1.5", "not a whole number"),
    ("pull_requests", "additions", "1e3", "not a whole number"),
    ("pull_requests", "additions", "1_000", "not a whole number"),
    ("pull_requests", "additions", "0x1F", "not a whole number"),
    ("pull_requests", "additions", " 5", "not a whole number"),
    ("pull_requests", "additions", "12 files", "not a whole number"),
    ("pull_requests", "additions", "9223372036854775808", "too large a number"),
    ("pull_requests", "draft", "maybe", "none of true, false, 1, 0, yes, no"),
    ("pull_requests", "state", "done", "none of open, merged, closed"),
    ("pull_requests", "repository", "", "empty, but part of the natural key"),
    ("pull_requests", "number", "", "empty, but part of the natural key"),
    ("pull_requests", "number", "#7", "not a whole number"),
    ("work_items", "story_points", "-0.5", "below 0"),
    ("work_items", "story_points", "nan", "not a number"),
    ("work_items", "story_points", "1e999", "too large a number"),
    ("work_items", "story_points", "three", "not a number"),
]


@pytest.mark.parametrize("write", WRITERS)
def test_values_are_understood(site: Site, tmp_path: Path, write: Writer) -> None:
    for table in sorted({table for table, *_ in UNDERSTOOD}):
        cases = [case[1:] for case in UNDERSTOOD if case[0] == table]
        last = TABLES[table].key[-1]
        columns = {**KEYS[table], **{column: "" for column, *_ in cases}}
        rows = [
            {**columns, last: columns[last] if column == last else f"1{at:03}", column: text}
            for at, (column, text, _) in enumerate(cases)
        ]
        (file,) = site.imports(write(tmp_path, table, rows)).files
        assert (file.error, file.refused_count, file.added) == (None, 0, len(cases))
        for row, (column, text, expected) in zip(site.rows(table), cases, strict=True):
            assert row[column] == expected, (column, text)


@pytest.mark.parametrize("write", WRITERS)
def test_values_are_refused_with_line_column_value_and_reason(site: Site, tmp_path: Path, write: Writer) -> None:
    tables = {table for table, *_ in REFUSED}
    for table in sorted(tables):
        cases = [case for case in REFUSED if case[0] == table]
        columns = {**KEYS[table], **{column: "" for _, column, *_ in cases}}
        rows = [{**columns, **KEYS[table], column: text} for _, column, text, _ in cases]
        report = site.imports(write(tmp_path, table, rows))
        (file,) = report.files
        first_line = 2 if write is write_csv else 1
        assert [(one.line, one.column, one.value, one.reason) for one in file.refused] == [
            (first_line + at, column, text, reason) for at, (_, column, text, reason) in enumerate(cases)
        ]
        assert not file.taken
        assert (file.rows, file.refused_rows, file.refused_count) == (len(cases), len(cases), len(cases))
    assert site.lake.snapshot().versions == {}
    assert not [name for name in site.files() if name.endswith(".parquet")]


def test_every_column_of_every_table_can_be_imported(site: Site, tmp_path: Path) -> None:
    texts = {
        ColumnType.TEXT: "text",
        ColumnType.INTEGER: "3",
        ColumnType.DECIMAL: "1.5",
        ColumnType.BOOLEAN: "yes",
        ColumnType.INSTANT: "2026-01-31T09:30:00Z",
        ColumnType.LIST: "a;b",
    }
    typed: dict[ColumnType, Any] = {
        ColumnType.TEXT: "text",
        ColumnType.INTEGER: 3,
        ColumnType.DECIMAL: 1.5,
        ColumnType.BOOLEAN: True,
        ColumnType.INSTANT: "2026-01-31 09:30:00+00",
        ColumnType.LIST: ["a", "b"],
    }

    def written(column: Column, value: Any) -> Any:
        return "2026-01-31" if column.is_day else column.values[0] if column.values else value

    paths = [
        write_csv(
            tmp_path,
            table.name,
            [{column.name: written(column, texts[column.type]) for column in table.columns}],
        )
        for table in TABLES.values()
    ]
    report = site.imports(*paths)
    assert [file.error for file in report.files] == [None] * len(TABLES)
    for table in TABLES.values():
        (row,) = site.rows(table.name)
        assert {name: value for name, value in row.items() if name != "attributes"} == {
            column.name: written(column, typed[column.type]) for column in table.columns
        }


def test_json_types_are_understood(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "pull_requests.jsonl"
    path.write_text(
        '{"repository": "acme/shop", "number": 7, "draft": true, "labels": ["a;b", "c"], "additions": 12}\n'
        "\n"
        '{"Repository ": "acme/shop", "number": "8", "draft": null, "labels": "a;b", "title": 5}\n'
    )
    assert site.imports(path).ok
    assert [
        (row["number"], row["draft"], row["labels"], row["additions"], row["title"])
        for row in site.rows("pull_requests")
    ] == [
        (7, True, ["a;b", "c"], 12, None),
        (8, None, ["a", "b"], None, "5"),
    ]


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("[1]", "", "not a JSON object"),
        ('{"repository": "a"', "", "not JSON: Expecting ',' delimiter at character 19"),
        ('{"repository": "a", "number": 1.5}', "number", "not a whole number"),
        ('{"repository": "a", "number": 1e2}', "number", "not a whole number"),
        ('{"repository": "a", "number": NaN}', "number", "NaN is no JSON number"),
        ('{"repository": "a", "number": 1, "number": 2}', "number", "the column is there twice"),
        ('{"repository": "a", "number": 1, "NUMBER": 2}', "number", "the column is there twice"),
        ('{"repository": "a", "number": [1]}', "number", "a list where one value belongs"),
        ('{"repository": "a", "number": 1, "title": {"x": 1}}', "title", "an object where one value belongs"),
        ('{"repository": "a", "number": 1, "labels": [["x"]]}', "labels", "the list holds something that is no text"),
        ('{"repository": "a", "number": 1, "title": "\\ud800"}', "title", "half a surrogate pair: not Unicode text"),
        ('{"repository": "a", "number": 1, "title": "\\u0000"}', "title", "contains a NUL byte"),
        ('{"number": 1}', "repository", "empty, but part of the natural key"),
        ("[" * 100_000, "", "nested too deeply"),
        (
            '{"repository": "a", "number": 1, "autor": "kim"}',
            "autor",
            "table pull_requests has no such column; did you mean author?",
        ),
    ],
)
def test_json_lines_are_refused(site: Site, tmp_path: Path, line: str, column: str, reason: str) -> None:
    path = tmp_path / "pull_requests.jsonl"
    path.write_text(f'{{"repository": "acme/shop", "number": 7}}\n{line}\n')
    (file,) = site.imports(path).files
    assert [(one.line, one.column, one.reason) for one in file.refused] == [(2, column, reason)]
    assert (file.rows, file.refused_rows) == (2, 1)


def test_parquet_types_are_understood(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "pull_requests.parquet"
    table = pa.table(
        {
            "repository": pa.array(["acme/shop"] * 2).dictionary_encode(),
            "number": pa.array([1, 2], pa.int32()),
            "additions": pa.array([3.0, float("nan")]),
            "draft": pa.array([True, None]),
            "labels": pa.array([["a;b"], []], pa.large_list(pa.large_string())),
            "created_at": pa.array([0, 1_769_851_800_123_456_789], pa.timestamp("ns", "Europe/Berlin")),
            "merged_at": pa.array([0, 1_769_851_800], pa.timestamp("s")),
            "closed_at": pa.array([0, 20_484], pa.date32()),
        }
    )
    pq.write_table(table, path)
    report = site.imports(path)
    assert report.files[0].error is None
    first, second = site.rows("pull_requests")
    assert (first["number"], first["additions"], first["draft"], first["labels"]) == (1, 3, True, ["a;b"])
    assert (second["number"], second["additions"], second["draft"], second["labels"]) == (2, None, None, None)
    assert [second[name] for name in ("created_at", "merged_at", "closed_at")] == [
        "2026-01-31 09:30:00.123456+00",
        "2026-01-31 09:30:00+00",
        "2026-01-31 00:00:00+00",
    ]


def test_a_lakes_own_parquet_files_can_be_imported(site: Site, tmp_path: Path) -> None:
    write_csv(tmp_path, "developers", [{"email": "kim@acme.example", "role": "dev", "Cost Centre": "12", "Desk": ""}])
    write_csv(tmp_path, "pull_requests", [{**KEYS["pull_requests"], "labels": "a;b", "merged_at": "2026-01-31"}])
    assert site.imports(tmp_path).ok
    copies = tmp_path / "copies"
    copies.mkdir()
    snapshot = site.lake.snapshot()
    for table in ("developers", "pull_requests"):
        (file,) = snapshot.files(table)
        (copies / f"{table}.parquet").write_bytes(Path(file).read_bytes())
    report = site.imports(copies)
    assert [(file.error, file.unchanged) for file in report.files] == [(None, 1), (None, 1)]


def test_further_columns_of_an_open_table_are_kept(site: Site, tmp_path: Path) -> None:
    rows = [
        {"email": "a@acme.example", "Cost Centre": 'A "1"', "Desk": "", "attributes": ""},
        {"email": "b@acme.example", "Cost Centre": "", "Desk": "", "attributes": '{"Shirt":"L"}'},
        {"email": "c@acme.example", "Cost Centre": "2", "Desk": "x", "attributes": '{"Shirt":"M"}'},
        {"email": "d@acme.example", "Cost Centre": "", "Desk": "", "attributes": ""},
    ]
    expected = [
        {"Cost Centre": 'A "1"'},
        {"Shirt": "L"},
        {"Shirt": "M", "Cost Centre": "2", "Desk": "x"},
        None,
    ]
    for write in WRITERS:
        report = site.imports(write(tmp_path, "developers", rows))
        assert report.files[0].error is None, write
        kept = [row["attributes"] for row in site.rows("developers")]
        assert [None if text is None else json.loads(text) for text in kept] == expected, write


def test_attributes_that_are_no_object_are_refused(site: Site, tmp_path: Path) -> None:
    for text in ("{", "[1]", "5"):
        (file,) = site.imports(write_csv(tmp_path, "developers", [{"email": "a@x.example", "attributes": text}])).files
        assert [(one.column, one.value, one.reason) for one in file.refused] == [
            ("attributes", text, "not a JSON object")
        ]
