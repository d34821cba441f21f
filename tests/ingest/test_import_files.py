"""Whole files: names, headers, encodings, packing, line numbers, all or nothing, skipping and dry runs."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from ingest.lakes import Site
from leadline.errors import InvalidRequest
from leadline.formats import csv_reader, files
from leadline.ingest import importing
from leadline.ingest.report import KEPT_REFUSALS

HEADER = "repository,number,title\n"


def refused(site: Site, path: Path) -> str:
    """Why the whole file was refused; nothing of it was taken."""
    before = site.files()
    (file,) = site.imports(path).files
    assert file.error is not None
    assert not file.taken
    assert (file.added, file.updated, file.refused_count) == (0, 0, 0)
    assert site.files() == before
    return file.error


def pulls(tmp_path: Path, content: str | bytes, name: str = "pull_requests.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("pull_requests.csv", "pull_requests"),
        ("Pull_Requests.CSV.GZ", "pull_requests"),
        ("pull_requests-2026.csv.gz", "pull_requests"),
        ("pull_requests.part2.csv", "pull_requests"),
        ("pull_requests_2026.parquet", "pull_requests"),
        ("pull_request_files.jsonl", "pull_request_files"),
        ("commits.csv", "commits"),
        ("commit_files.csv", "commit_files"),
        ("commitsx.csv", None),
        ("my_commits.csv", None),
    ],
)
def test_a_file_belongs_to_the_table_it_is_named_after(name: str, table: str | None) -> None:
    found = files.table_of(Path(name))
    assert (found.name if found else None) == table


def test_a_folder_is_taken_file_by_file(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "commits.csv").write_text("repository,sha\na,b\n")
    (folder / "notes.txt").write_text("hello")
    (folder / "things.csv").write_text("a\n1\n")
    pulls(folder, HEADER + "acme/shop,1,one\n")
    pulls(folder, HEADER + "acme/shop,2,two\n", "pull_requests-2.csv")
    (folder / "releases.csv").write_text("repository,tag,when\nacme/shop,v1,x\n")
    report = site.imports(folder)
    assert [(file.path.name, file.taken, file.added) for file in report.files] == [
        ("pull_requests-2.csv", True, 1),
        ("pull_requests.csv", True, 1),
        ("releases.csv", False, 0),
    ]
    assert [(path.name, reason) for path, reason in report.skipped] == [
        ("notes.txt", "not one of .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet"),
        ("things.csv", "not named after a table"),
    ]
    assert not report.ok
    assert "table releases has no such column" in str(report.files[-1].error)
    assert site.lake.snapshot().row_counts() == {"pull_requests": 2}


def test_the_table_can_be_named(site: Site, tmp_path: Path) -> None:
    report = site.imports(pulls(tmp_path, HEADER + "acme/shop,1,one\n", "export.csv"), table="pull_requests")
    assert [(file.table, file.added) for file in report.files] == [("pull_requests", 1)]


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("missing.csv", None, "There is no file or folder .*missing.csv"),
        ("export.csv", None, "export.csv is not named after a table; name the table"),
        ("export.xlsx", "commits", "export.xlsx is not one of .csv, .csv.gz"),
        ("export.csv", "comits", "There is no table 'comits'"),
    ],
)
def test_paths_that_cannot_be_imported_are_refused(
    site: Site, tmp_path: Path, name: str, table: str | None, message: str
) -> None:
    if name != "missing.csv":
        (tmp_path / name).write_text("x\n")
    with pytest.raises(InvalidRequest, match=message):
        site.imports(tmp_path / name, table=table)


# -- headers and whole files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "pull_requests.csv has no header row: the first line names the columns"),
        ("\n\n", "pull_requests.csv has no header row: the first line names the columns"),
        (
            "repository,number,autor\n",
            "pull_requests.csv: 'autor': table pull_requests has no such column; did you mean author?",
        ),
        ("repository,title\n", "pull_requests.csv: 'number': a key column is missing"),
        ("repository,number,Number \n", "pull_requests.csv: 'Number': the column is there twice"),
        ("repository,number,\n", "pull_requests.csv: 'column 3': the column has no name"),
        ("repository,number,=1+1\n", "pull_requests.csv: '=1+1': the column's name looks like a formula"),
        ("repository,number,@SUM\n", "pull_requests.csv: '@SUM': the column's name looks like a formula"),
        ('repository,number,"ti\ntle"\n', "line 1: the header row goes over several lines; is a quote left open?"),
        ('repository,"number\na,1\n', "pull_requests.csv, line 2: a quote is opened and never closed"),
        (b"repository,number,t\xefitle\n", "pull_requests.csv, line 1: the column names are not UTF-8"),
        ("repository,number\n".encode("utf-16"), "pull_requests.csv is UTF-16: save it as UTF-8"),
        (b"PK\x03\x04....", "looks like a zip archive or a workbook: export it as CSV"),
        (gzip.compress(b"repository,number\n", mtime=0), "looks gzip-compressed: name it .csv.gz or .jsonl.gz"),
    ],
)
def test_a_file_that_is_not_the_tables_is_refused_whole(
    site: Site, tmp_path: Path, content: str | bytes, message: str
) -> None:
    assert message in refused(site, pulls(tmp_path, content))


def test_every_finding_of_a_header_is_told(site: Site, tmp_path: Path) -> None:
    (file,) = site.imports(pulls(tmp_path, "repository;number\n1;2\n")).files
    assert [(detail.field, detail.message) for detail in file.details] == [
        ("repository;number", "table pull_requests has no such column; cells are separated by commas"),
        ("repository", "a key column is missing"),
        ("number", "a key column is missing"),
    ]


def test_packed_files_that_are_damaged_are_refused_whole(site: Site, tmp_path: Path) -> None:
    rows = "".join(f"acme/shop,{number},{number * 7919}\n" for number in range(20_000))
    packed = gzip.compress((HEADER + rows).encode())
    name = "pull_requests.csv.gz"
    cut = refused(site, pulls(tmp_path, packed[: len(packed) // 2], name))
    assert cut == "pull_requests.csv.gz is a truncated gzip file: fetch it again"
    broken = bytearray(packed)
    broken[-6] ^= 1
    assert "pull_requests.csv.gz is not a whole gzip file" in refused(site, pulls(tmp_path, bytes(broken), name))
    assert "pull_requests.csv.gz is not a whole gzip file" in refused(
        site, pulls(tmp_path, b"repository,number\n", name)
    )
    lines = gzip.compress(b'{"repository": "a", "number": 1}\n' * 20_000)
    assert "truncated gzip" in refused(site, pulls(tmp_path, lines[:-20], "pull_requests.jsonl.gz"))


def test_what_is_no_parquet_file_is_refused_whole(site: Site, tmp_path: Path) -> None:
    for content in (b"", b"repository,number\n", b"PAR1" + b"x" * 100 + b"PAR1"):
        message = refused(site, pulls(tmp_path, content, "pull_requests.parquet"))
        assert message.startswith("pull_requests.parquet is not a Parquet file: ")


# -- good files in odd shapes ------------------------------------------------------------------------------------------

SHAPES = {
    "plain": b"repository,number,title\nacme/shop,1,one\nacme/shop,2,two\n",
    "no newline at the end": b"repository,number,title\nacme/shop,1,one\nacme/shop,2,two",
    "byte order mark": b"\xef\xbb\xbfrepository,number,title\nacme/shop,1,one\nacme/shop,2,two\n",
    "carriage returns": b"repository,number,title\r\nacme/shop,1,one\r\nacme/shop,2,two\r\n",
    "carriage returns alone": b"repository,number,title\racme/shop,1,one\racme/shop,2,two\r",
    "any order, case and spaces": b" Title ,NUMBER, repository\none,1,acme/shop\ntwo,2,acme/shop\n",
    "quoted": b'"repository","number","title"\n"acme/shop","1","one"\n"acme/shop","2","two"\n',
    "blank lines": b"repository,number,title\n\nacme/shop,1,one\n\n\nacme/shop,2,two\n\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_odd_shapes_read_alike(site: Site, tmp_path: Path, shape: str) -> None:
    assert site.imports(pulls(tmp_path, SHAPES[shape])).ok
    assert [(row["number"], row["title"]) for row in site.rows("pull_requests")] == [(1, "one"), (2, "two")]
    packed = site.imports(pulls(tmp_path, gzip.compress(SHAPES[shape]), "pull_requests.csv.gz"))
    assert [(file.error, file.unchanged) for file in packed.files] == [(None, 2)]


def test_a_header_alone_is_an_empty_table(site: Site, tmp_path: Path) -> None:
    for content in (HEADER, HEADER.strip()):
        (file,) = site.imports(pulls(tmp_path, content)).files
        assert (file.error, file.rows, file.version) == (None, 0, None)


AWKWARD = (
    'repository,number,title\nacme/shop,1,"two\r\nlines, ""quoted"""\nacme/shop,2,5" disk\nacme/shop,3,"ünï ☃"\n'
    'acme/shop,4,"{""a"": 1}"\nacme/shop,5,a "b" c\n'
)


def test_fast_and_exact_reading_agree(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pulls(tmp_path, AWKWARD)
    site.imports(path)
    fast = site.rows("pull_requests")
    assert [row["title"] for row in fast] == ['two\r\nlines, "quoted"', '5" disk', "ünï ☃", '{"a": 1}', 'a "b" c']

    def never(*_: object) -> None:
        raise csv_reader.NeedsExactReading

    monkeypatch.setattr(importing, "_stage_fast", never)
    exact = Site(site.folder.with_name("exact"))
    exact.imports(path)
    assert exact.rows("pull_requests") == fast


def test_good_files_take_the_fast_way(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("read row by row")

    monkeypatch.setattr(importing, "_stage_exact", never)
    rows = "".join(f'acme/shop,{number},"a, ""b""\nc"\r\n' for number in range(50_000))
    report = site.imports(pulls(tmp_path, HEADER + rows))
    assert [(file.error, file.added) for file in report.files] == [(None, 50_000)]


def test_records_longer_than_a_block_are_read(site: Site, tmp_path: Path) -> None:
    body = "x" * (csv_reader.BLOCK_BYTES + 10)
    assert site.imports(pulls(tmp_path, f"repository,number,body\nacme/shop,1,{body}\nacme/shop,2,y\n")).ok
    assert [len(row["body"]) for row in site.rows("pull_requests")] == [len(body), 1]


# -- refused rows ------------------------------------------------------------------------------------------------------

BAD_ROWS = b"""repository,number,title
acme/shop,1,"two
lines"
acme/shop,x,"three
more
lines"
acme/shop,3
acme/shop,4,four,more
acme/shop,5,b\xffd
acme/shop,6,n\x00l
acme/shop,7,"quoted"then not
acme/shop,-8,eight
acme/shop,9,nine
acme/shop,10,"never closed
acme/shop,11,eleven
"""
BAD_FINDINGS = [
    (7, "", "acme/shop,3", "the row has 2 cells, the header has 3"),
    (8, "", "acme/shop,4,four,more", "the row has 4 cells, the header has 3"),
    (9, "title", "b�d", "not UTF-8; save the file as UTF-8"),
    (10, "title", "n\x00l", "contains a NUL byte"),
    (
        11,
        "",
        'acme/shop,7,"quoted"then not\n',
        "text follows the closing quote of a cell; quotes inside a cell are doubled",
    ),
    (14, "", 'acme/shop,10,"never closed\nacme/shop,11,eleven\n', "a quote is opened and never closed"),
    (4, "number", "x", "not a whole number"),
    (12, "number", "-8", "below 0"),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_refused_rows_say_where_they_start(site: Site, tmp_path: Path, packed: bool, newline: bytes) -> None:
    content = BAD_ROWS.replace(b"\n", newline)
    path = pulls(
        tmp_path,
        gzip.compress(content) if packed else content,
        "pull_requests.csv.gz" if packed else "pull_requests.csv",
    )
    (file,) = site.imports(path).files
    ending = newline.decode()
    assert [(one.line, one.column, one.value, one.reason) for one in file.refused] == [
        (line, column, value.replace("\n", ending), reason) for line, column, value, reason in BAD_FINDINGS
    ]
    assert (file.rows, file.refused_rows, file.taken) == (10, 8, False)
    assert file.error is not None
    assert f"{path.name}: 8 values refused in 8 of 10 rows; nothing was taken (first: line " in file.error
    assert site.lake.snapshot().versions == {}


def test_skipping_takes_the_good_rows_and_writes_the_refused(site: Site, tmp_path: Path) -> None:
    path = pulls(tmp_path, BAD_ROWS)
    (file,) = site.imports(path, skip_bad_rows=True, refused_dir=tmp_path / "refused").files
    assert (file.error, file.rows, file.added, file.refused_rows) == (None, 10, 2, 8)
    assert [(row["number"], row["title"]) for row in site.rows("pull_requests")] == [(1, "two\nlines"), (9, "nine")]
    assert file.refused_file == tmp_path / "refused" / "pull_requests.csv.refused.csv"
    with file.refused_file.open(newline="", encoding="utf-8") as source:
        written = list(csv.DictReader(source))
    assert [(int(one["line"]), one["column"], one["value"], one["reason"]) for one in written] == BAD_FINDINGS
    assert {one["line"]: one["record"] for one in written}["4"] == 'acme/shop,x,"three\nmore\nlines"'
    assert {one["file"] for one in written} == {str(path)}


def test_skipping_without_bad_rows_writes_no_file(site: Site, tmp_path: Path) -> None:
    (file,) = site.imports(pulls(tmp_path, HEADER + "acme/shop,1,one\n"), skip_bad_rows=True).files
    assert (file.added, file.refused_file) == (1, None)
    assert not list(tmp_path.glob("*.refused.csv"))


def test_refusals_are_kept_up_to_a_number_and_all_counted(site: Site, tmp_path: Path) -> None:
    rows = "".join(f"acme/shop,x{number},\n" for number in range(KEPT_REFUSALS + 500))
    (file,) = site.imports(pulls(tmp_path, HEADER + rows)).files
    assert (len(file.refused), file.refused_count, file.refused_rows) == (
        KEPT_REFUSALS,
        KEPT_REFUSALS + 500,
        KEPT_REFUSALS + 500,
    )


def test_a_bad_row_at_the_end_of_a_large_file_takes_nothing(site: Site, tmp_path: Path) -> None:
    rows = "".join(f"acme/shop,{number},t\n" for number in range(200_000))
    before = site.imports(pulls(tmp_path, HEADER + "acme/shop,1,before\n")).files[0].version
    (file,) = site.imports(pulls(tmp_path, HEADER + rows + "acme/shop,,t\n")).files
    assert [(one.line, one.column, one.reason) for one in file.refused] == [
        (200_002, "number", "empty, but part of the natural key")
    ]
    assert site.lake.version("pull_requests") == before
    assert [row["title"] for row in site.rows("pull_requests")] == ["before"]


def test_a_value_of_many_megabytes_is_refused(site: Site, tmp_path: Path) -> None:
    huge = "x" * (files.LONGEST_FIELD + 1)
    (file,) = site.imports(pulls(tmp_path, f"repository,number,title\nacme/shop,1,{huge}\n")).files
    assert [(one.line, one.reason) for one in file.refused] == [
        (2, "a cell is longer than 8 MiB, or its quote is never closed")
    ]
    assert len(file.error or "") < 400
    line = f'{{"repository": "acme/shop", "number": 1, "title": "{huge}"}}\n'
    (file,) = site.imports(pulls(tmp_path, line, "pull_requests.jsonl")).files
    assert [(one.line, one.column, one.value, one.reason) for one in file.refused] == [
        (1, "title", "x" * 80, "longer than 8 MiB")
    ]


# -- dry runs and progress ---------------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_would_be_and_writes_nothing(site: Site, tmp_path: Path) -> None:
    site.imports(pulls(tmp_path, HEADER + "acme/shop,1,one\nacme/shop,2,two\n"))
    before = site.files()
    path = pulls(tmp_path, HEADER + "acme/shop,1,one\nacme/shop,2,new\nacme/shop,3,three\n")
    report = site.imports(path, dry_run=True)
    (file,) = report.files
    assert report.dry_run
    assert (file.added, file.updated, file.unchanged) == (1, 1, 1)
    bad = site.imports(pulls(tmp_path, BAD_ROWS), dry_run=True, skip_bad_rows=True).files[0]
    assert (bad.refused_rows, bad.refused_file) == (8, None)
    assert site.files() == before
    assert not list(site.temp.iterdir())
    assert not list(tmp_path.glob("*.refused.csv"))


@pytest.mark.parametrize("name", ["pull_requests.csv", "pull_requests.csv.gz"])
def test_progress_counts_bytes_and_rows_up_to_the_whole(site: Site, tmp_path: Path, name: str) -> None:
    rows = "".join(f"acme/shop,{number},{'t' * 90}{number * 7919}\n" for number in range(100_000))
    content = (HEADER + rows).encode()
    path = pulls(tmp_path, gzip.compress(content, 1) if name.endswith("gz") else content, name)
    reports: list[tuple[int, int, int]] = []
    site.imports(path, progress=lambda *figures: reports.append(figures))
    size = path.stat().st_size
    assert [done for done, _, _ in reports] == sorted(done for done, _, _ in reports)
    assert {total for _, total, _ in reports} == {size}
    assert reports[-1][0] == size
    assert len({rows for _, _, rows in reports}) > 2
