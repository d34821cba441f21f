"""Files over HTTPS through the frame into the lake: every format, only when they changed, whatever is wrong with them."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.errors import InvalidRequest
from leadline.ingest.importing import import_paths
from leadline.people import tree, trees
from stubs.files import TOKEN, Files
from stubs.server import Fault, Request, serving

from .harness import Syncer, after_pages, cut_until_through
from .scenarios import FILES, HEADER, csv, line

SCENARIO = FILES


def rows_of(count: int) -> list[dict[str, Any]]:
    names = HEADER.strip().split(",")
    return [dict(zip(names, line(number).strip().split(","), strict=True)) for number in range(1, count + 1)]


def parquet(count: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows_of(count)), sink)
    return sink.getvalue()


FORMATS = {
    "csv": csv(5),
    "csv.gz": gzip.compress(csv(5)),
    "jsonl": "".join(json.dumps(row) + "\n" for row in rows_of(5)).encode(),
    "jsonl.gz": gzip.compress("".join(json.dumps(row) + "\n" for row in rows_of(5)).encode()),
    "json": json.dumps(rows_of(5), indent=2).encode(),
    "parquet": parquet(5),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_as_import_takes_them(sync: Syncer, tool: Files, tmp_path: Path, name: str) -> None:
    tool.files[f"/x/incidents.{name}"] = FORMATS[name]
    assert sync.good(f"/x/incidents.{name}").result.records == 5
    found = sync.rows("incidents")
    assert len(found) == 5
    (tmp_path / "incidents.csv").write_bytes(csv(5))
    report = import_paths(sync.project, [tmp_path / "incidents.csv"])
    assert (report.files[0].unchanged, report.files[0].added) == (5, 0)


def test_table_and_format_given_or_told(sync: Syncer, tool: Files) -> None:
    tool.files["/latest"] = FORMATS["jsonl"]
    assert "does not tell its format" in str(sync("/latest", table="incidents").error)
    tool.types["/latest"] = "application/x-ndjson; charset=utf-8"
    sync.good("/latest", table="incidents")
    tool.files["/other"] = FORMATS["csv.gz"]
    sync.good("/other", table="incidents", format="csv")  # packed, though it is not said
    assert len(sync.rows("incidents")) == 5


def test_open_tables_keep_further_columns(sync: Syncer, tool: Files) -> None:
    tool.files["/developers.csv"] = b"Email,Full_Name,Level\nADA@example.com,Ada,L5\n"
    sync.good("/developers.csv")
    (row,) = sync.rows("developers")
    assert (row["email"], row["full_name"], row["attributes"]) == ("ada@example.com", "Ada", '{"Level":"L5"}')


@pytest.mark.parametrize("validators", ["both", "etag", "modified", "none"])
def test_what_has_not_changed_is_not_read_again(sync: Syncer, tool: Files, validators: str) -> None:
    tool.validators = validators
    sync.good()
    versions = sync.project.lake.snapshot().versions
    done = sync.good()
    assert (done.result.call_stats.calls, done.result.records) == (1, 0)
    assert tool.not_modified == (validators != "none")
    assert sync.project.lake.snapshot().versions == versions
    tool.files["/incidents.csv"] = csv(6)
    assert sync.good().result.tables["incidents"].added == 1
    tool.files["/incidents.csv"] = csv(2)  # rows that vanish stay
    sync.good()
    assert len(sync.rows("incidents")) == 6


def test_another_table_is_another_reading(sync: Syncer, tool: Files) -> None:
    sync.good()
    assert sync.good(table="incidents").result.call_stats.calls == 1
    assert tool.not_modified == 1
    done = sync(table="builds")
    assert done.error is not None
    assert "table builds has no such column" in done.error.message


def test_bad_rows_are_left_out_and_told(sync: Syncer, tool: Files) -> None:
    bad = f"I-6,cart,x,high,yesterday,\nI-7,cart\n,cart,no id,low,2026-01-05T10:00:00Z,\n{line(8)}"
    tool.files["/incidents.csv"] = csv(5) + bad.encode() + b"I-9,cart,\xff,low,2026-01-05T10:00:00Z,\n"
    done = sync()
    assert done.error is None
    told = {skip.what: skip.why for skip in done.result.skipped}
    assert told["incidents.csv, line 7"].startswith("created_at: not an instant")
    assert told["incidents.csv, line 8"] == "the row has 2 cells, the header has 6"
    assert told["incidents.csv, line 9"].startswith("incident_id: ")
    assert told["incidents.csv, line 11"].startswith("title: not UTF-8")
    assert told["incidents.csv"].startswith("4 of 10 rows were refused")
    assert len(told) == 5
    assert len(sync.rows("incidents")) == 6


def test_a_file_is_in_trouble_until_every_row_of_it_can_be_taken(sync: Syncer, tool: Files) -> None:
    """Also if it has not changed since: what was refused is still missing."""
    tool.files["/incidents.csv"] = csv(5) + b"I-6,cart,x,high,yesterday,\n"
    for _ in range(2):
        assert sync().result.state == "incomplete"
    tool.files["/incidents.csv"] = csv(6)
    assert sync.good().result.state == "done"
    assert sync.good().result.records == 0


@pytest.mark.parametrize(
    "content",
    [
        HEADER.encode() + b"I-1,cart,x,high,yesterday,\nI-2,cart,x,high,01/02/2026,\n",  # by the table's rules
        HEADER.encode() + b"I-1,cart\nI-2\n",  # by the reader
        HEADER.encode() + b"I-1,cart\nI-2,cart,x,high,yesterday,\n",
    ],
)
def test_a_file_of_which_no_row_can_be_taken_has_failed(sync: Syncer, tool: Files, content: bytes) -> None:
    tool.files["/incidents.csv"] = content
    for _ in range(2):
        done = sync()
        assert done.result.state == "failed"
        assert "incidents.csv: no row can be taken; incidents.csv, line 2: " in str(done.error)
    assert sync.project.lake.version("incidents") is None
    tool.files["/incidents.csv"] = HEADER.encode()  # nothing to take is nothing refused
    assert sync.good().result.state == "done"


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("/incidents.csv", b"incident,created\n1,2\n", "table incidents has no such column"),
        ("/incidents.csv", b"", "has no header row"),
        ("/incidents.csv", b"PK\x03\x04xxxx", "looks like a zip archive"),
        ("/incidents.csv.gz", gzip.compress(csv(900))[:-20], "truncated gzip file"),
        ("/incidents.jsonl", b'{"id": 1}\n{"id": 2}\n', "no row can be taken"),
        ("/incidents.json", b'{"incidents": []}', "no JSON array of objects"),
        ("/incidents.json", b'[{"incident_id": "a"} {"incident_id": "b"}]', "neither a comma nor the array's end"),
        ("/incidents.json", b'[{"incident_id": "a"}, {"incident_id": ', "row 2: not JSON"),
        ("/incidents.json", b'[{"incident_id": "a"}] []', "more after the array's end"),
        ("/incidents.json", b'[{"incident_id": "\xff"}]', "is not UTF-8"),
        ("/incidents.json", b"[" * 100_000, "nested too deeply"),
        ("/incidents.parquet", parquet(5)[:200], "is not a Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read(sync: Syncer, tool: Files, path: str, content: bytes, says: str) -> None:
    tool.files[path] = content
    done = sync(path)
    assert done.error is not None
    assert says in done.error.message
    assert sync.rows("incidents") == []
    tool.files[path] = FORMATS[path.partition(".")[2]]
    sync.good(path)
    assert len(sync.rows("incidents")) == 5
    assert list(sync.project.temp.glob("files-*")) == []


def test_an_array_in_all_its_spellings(sync: Syncer, tool: Files) -> None:
    odd = {"incident_id": '[1],{"', "title": '}\u2028\n\\" \U0001f680', "created_at": "2026-01-05T10:00:00Z"}
    text = (
        "\ufeff \n[\r\n"
        + json.dumps(odd, ensure_ascii=False, indent=1)
        + "\n,\n"
        + json.dumps(odd | {"incident_id": 12345678901234567890})
        + "\n] \n"
    )
    tool.files["/incidents.json"] = text.encode()
    sync.good("/incidents.json")
    assert [row["incident_id"] for row in sync.rows("incidents")] == ["12345678901234567890", '[1],{"']
    assert sync.rows("incidents")[1]["title"] == odd["title"]
    tool.files["/incidents.json"] = b" [ ] "
    sync.good("/incidents.json")
    tool.files["/incidents.json"] = b'[1, "two", null, {"incident_id": "x", "created_at": "2026-01-05"}]'
    done = sync("/incidents.json")
    told = [f"incidents.json, row {number}" for number in (1, 2, 3)]
    assert [skip.what for skip in done.result.skipped] == [*told, "incidents.json"]


# -- interruptions and faults ------------------------------------------------------------------------------------------


def test_an_array_is_cut_after_any_page_and_resumed(sync: Syncer, tool: Files) -> None:
    tool.files["/incidents.json"] = json.dumps(rows_of(4_500)).encode()
    assert cut_until_through(sync, "/incidents.json") == (2, 4_500)
    assert len(sync.rows("incidents")) == 4_500


def test_a_file_that_changes_between_a_cut_and_the_next_run(sync: Syncer, tool: Files) -> None:
    tool.files["/incidents.csv"] = csv(2_500)

    with pytest.raises(KeyboardInterrupt):
        sync.good(progress=after_pages(1), rows_at_a_time=1)
    tool.files["/incidents.csv"] = (
        HEADER.encode() + line(1, "Retold").encode() + csv(2_600).partition(b"\n")[2].partition(b"\n")[2]
    )
    sync.good()
    assert len(sync.rows("incidents")) == 2_600
    assert sync.rows("incidents")[0]["title"] == "Retold"


def test_too_large(sync: Syncer, monkeypatch: pytest.MonkeyPatch) -> None:
    from leadline.sources.remote_files import connection

    download = connection.Download
    with monkeypatch.context() as patched:
        patched.setattr(connection, "Download", lambda *given: download(*given, most_bytes=100))
        assert "larger than" in str(sync().error)
    sync.good()


def test_a_disk_that_is_full(sync: Syncer, tool: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's device that is always full stands for the disk."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    from leadline.sources.remote_files.download import Download

    own = Download.to
    with monkeypatch.context() as patched:
        patched.setattr(Download, "to", lambda self, _, **known: own(self, Path("/dev/full"), **known))
        done = sync()
    assert done.error is not None
    assert "the disk is full" in done.error.message
    sync.good()
    assert len(sync.rows("incidents")) == 5


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_token_in_its_header(sync: Syncer, tool: Files) -> None:
    tool.token = f"Bearer {TOKEN}"
    sync.good(token=TOKEN)
    tool.header, tool.token = "x-api-key", TOKEN
    sync.good(token=TOKEN, header="X-Api-Key")
    wrong = sync(token="wrong-secret")
    assert wrong.error is not None
    assert "refuses the token from the variable FILES_TOKEN for incidents.csv" in wrong.error.message
    assert "wrong-secret" not in str(wrong.document())
    assert "wants a token" in str(sync().error)


def test_a_redirect_takes_no_secret_along(sync: Syncer, tool: Files) -> None:
    other = Files(files={"/incidents.csv": csv(3)})
    with serving(other) as elsewhere:
        tool.elsewhere["/incidents.csv"] = f"{elsewhere}/incidents.csv"
        sync.good(token=TOKEN, header="X-Api-Key")
        assert tool.requests[0].headers["x-api-key"] == TOKEN
        assert TOKEN not in str(other.requests[0].headers)
    tool.elsewhere["/incidents.csv"] = "http://data.example.com/incidents.csv"
    assert "not https" in str(sync().error)
    tool.elsewhere["/incidents.csv"] = "/incidents.csv"
    assert "more than 5 times" in str(sync().error)


@pytest.mark.parametrize(
    ("status", "says"), [(404, "has no incidents.csv at /incidents.csv"), (403, "without a token")]
)
def test_refusals(sync: Syncer, tool: Files, status: int, says: str) -> None:
    def refused(_: Request) -> Fault:
        return Fault(status)

    tool.faults = refused
    assert says in str(sync().error)


def test_a_large_file_comes_a_thousand_rows_at_a_time(sync: Syncer, tool: Files) -> None:
    tool.files["/incidents.csv"] = csv(30_000)
    seen: list[int] = []
    sync.good(progress=lambda _, records: seen.append(records))
    assert [later - before for before, later in itertools.pairwise([0, *seen])] == [1_000] * 30 + [0]
    assert len(sync.rows("incidents")) == 30_000


PEOPLE = "email,full_name,manager_email,team\nada@example.com,Ada,,Shop\nben@example.com,Ben,ada@example.com,Shop\n"


def test_developers_are_an_org_tree_that_is_kept_up_to_date(sync: Syncer, tool: Files) -> None:
    def people() -> tuple[int, set[str]]:
        found = tree(sync.project, "Engineering")
        return found.version, set(found.developers)

    tool.files["/developers.csv"] = PEOPLE.encode()
    sync.good("/developers.csv")
    assert trees(sync.project) == []
    sync.good("/developers.csv", org_tree="Engineering")
    assert people() == (1, {"ada@example.com", "ben@example.com"})
    assert len(sync.rows("developers")) == 2
    calls = len(tool.requests)
    sync.good("/developers.csv", org_tree="Engineering")
    assert (people()[0], len(tool.requests) - calls) == (1, 1)

    # Ben has left, Cleo came; then a file that is none.
    tool.files["/developers.csv"] = PEOPLE.replace("ben@", "cleo@").encode()
    sync.good("/developers.csv", org_tree="Engineering")
    assert people() == (2, {"ada@example.com", "cleo@example.com"})
    tool.files["/developers.csv"] = PEOPLE.replace(",ada@", ",nobody@").encode()
    for _ in range(2):  # it is told again, until it is mended
        done = sync("/developers.csv", org_tree="Engineering")
        assert done.error is not None
        assert "nobody@example.com" in str(done.error.details) + done.error.message
    assert people()[0] == 2
    tool.files["/developers.csv"] = PEOPLE.encode()
    sync.good("/developers.csv", org_tree="Engineering")
    assert people() == (3, {"ada@example.com", "ben@example.com"})


def test_what_is_no_org_tree(sync: Syncer, tool: Files) -> None:
    with pytest.raises(InvalidRequest, match="made of developers, not of incidents"):
        sync("/incidents.csv", org_tree="Engineering")
    tool.files["/developers.jsonl"] = b'{"email": "ada@example.com", "full_name": "Ada"}\n'
    done = sync("/developers.jsonl", org_tree="Engineering")
    assert done.error is not None
    assert "CSV" in done.error.message
