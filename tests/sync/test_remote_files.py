"""Files over HTTPS through the frame into the lake: every format, only when they changed, whatever is wrong with them."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.engine import Engine
from leadline.errors import InvalidRequest
from leadline.home import Project
from leadline.ingest import import_paths
from leadline.people import tree, trees
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.files import TOKEN, Files
from stubs.server import PASSING, TRUNCATED, Fault, Request, serving

HEADER = "incident_id,service,title,severity,created_at,resolved_at\n"


def line(number: int, title: str = "Down") -> str:
    return f"I-{number},cart,{title},high,2026-01-05T10:{number % 60:02}:00Z,2026-01-05T11:00:00Z\n"


def csv(count: int) -> bytes:
    return (HEADER + "".join(map(line, range(1, count + 1)))).encode()


def rows_of(count: int) -> list[dict[str, Any]]:
    names = HEADER.strip().split(",")
    return [dict(zip(names, line(number).strip().split(","), strict=True)) for number in range(1, count + 1)]


def parquet(count: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows_of(count)), sink)
    return sink.getvalue()


class Puller:
    """Reads one file into a project, and looks at what is there."""

    def __init__(self, project: Project, tool: Files, url: str) -> None:
        self.project, self.tool, self.url = project, tool, url
        self.waits: list[float] = []

    def __call__(
        self, path: str = "/incidents.csv", token: str = "", options: dict[str, str] | None = None, **changes: Any
    ) -> SourceResult:
        given = {name: (value,) for name, value in (options or {}).items()}
        (settings,) = checked(SourceSettings("files", targets=(self.url + path,), options=given))
        pull = replace(SyncRun(self.project), **changes)
        environ = {"FILES_TOKEN": token}
        return run_source(pull, settings, environ=environ, wait=self.waits.append, chance=lambda: 0.5)

    def good(self, path: str = "/incidents.csv", **changes: Any) -> SourceResult:
        done = self(path, **changes)
        assert done.error is None, done.error
        assert done.result.skipped == ()
        return done

    def rows(self, table: str = "incidents") -> list[dict[str, Any]]:
        with Engine(temp_dir=self.project.temp) as engine:
            engine.bind_snapshot(self.project.lake.snapshot(), (table,))
            return engine.arrow(f"SELECT * FROM {table} ORDER BY ALL").to_pylist()


@pytest.fixture
def tool() -> Files:
    return Files(files={"/incidents.csv": csv(5)})


@pytest.fixture
def puller(project: Project, tool: Files) -> Iterator[Puller]:
    with serving(tool) as url:
        yield Puller(project, tool, url)


FORMATS = {
    "csv": csv(5),
    "csv.gz": gzip.compress(csv(5)),
    "jsonl": "".join(json.dumps(row) + "\n" for row in rows_of(5)).encode(),
    "jsonl.gz": gzip.compress("".join(json.dumps(row) + "\n" for row in rows_of(5)).encode()),
    "json": json.dumps(rows_of(5), indent=2).encode(),
    "parquet": parquet(5),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_as_import_takes_them(puller: Puller, tool: Files, tmp_path: Path, name: str) -> None:
    tool.files[f"/x/incidents.{name}"] = FORMATS[name]
    assert puller.good(f"/x/incidents.{name}").result.records == 5
    found = puller.rows()
    assert len(found) == 5
    (tmp_path / "incidents.csv").write_bytes(csv(5))
    report = import_paths(puller.project, [tmp_path / "incidents.csv"])
    assert (report.files[0].unchanged, report.files[0].added) == (5, 0)


def test_table_and_format_given_or_told(puller: Puller, tool: Files) -> None:
    tool.files["/latest"] = FORMATS["jsonl"]
    assert "does not tell its format" in str(puller("/latest", options={"table": "incidents"}).error)
    tool.types["/latest"] = "application/x-ndjson; charset=utf-8"
    puller.good("/latest", options={"table": "incidents"})
    tool.files["/other"] = FORMATS["csv.gz"]
    puller.good("/other", options={"table": "incidents", "format": "csv"})  # packed, though it is not said
    assert len(puller.rows()) == 5


def test_open_tables_keep_further_columns(puller: Puller, tool: Files) -> None:
    tool.files["/developers.csv"] = b"Email,Full_Name,Level\nADA@example.com,Ada,L5\n"
    puller.good("/developers.csv")
    (row,) = puller.rows("developers")
    assert (row["email"], row["full_name"], row["attributes"]) == ("ada@example.com", "Ada", '{"Level":"L5"}')


@pytest.mark.parametrize("validators", ["both", "etag", "modified", "none"])
def test_what_has_not_changed_is_not_read_again(puller: Puller, tool: Files, validators: str) -> None:
    tool.validators = validators
    puller.good()
    versions = puller.project.lake.snapshot().versions
    done = puller.good()
    assert (done.result.figures.calls, done.result.records) == (1, 0)
    assert tool.not_modified == (validators != "none")
    assert puller.project.lake.snapshot().versions == versions
    tool.files["/incidents.csv"] = csv(6)
    assert puller.good().result.tables["incidents"].added == 1
    tool.files["/incidents.csv"] = csv(2)  # rows that vanish stay
    puller.good()
    assert len(puller.rows()) == 6


def test_another_table_is_another_reading(puller: Puller, tool: Files) -> None:
    puller.good()
    assert puller.good(options={"table": "incidents"}).result.figures.calls == 1
    assert tool.not_modified == 1
    done = puller(options={"table": "builds"})
    assert done.error is not None
    assert "table builds has no such column" in done.error.message


def test_bad_rows_are_left_out_and_told(puller: Puller, tool: Files) -> None:
    bad = f"I-6,cart,x,high,yesterday,\nI-7,cart\n,cart,no id,low,2026-01-05T10:00:00Z,\n{line(8)}"
    tool.files["/incidents.csv"] = csv(5) + bad.encode() + b"I-9,cart,\xff,low,2026-01-05T10:00:00Z,\n"
    done = puller()
    assert done.error is None
    told = {each.what: each.why for each in done.result.skipped}
    assert told["incidents.csv, line 7"].startswith("created_at: not an instant")
    assert told["incidents.csv, line 8"] == "the row has 2 cells, the header has 6"
    assert told["incidents.csv, line 9"].startswith("incident_id: ")
    assert told["incidents.csv, line 11"].startswith("title: not UTF-8")
    assert len(told) == 4
    assert len(puller.rows()) == 6


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
def test_a_file_that_cannot_be_read(puller: Puller, tool: Files, path: str, content: bytes, says: str) -> None:
    tool.files[path] = content
    done = puller(path)
    assert done.error is not None
    assert says in done.error.message
    assert puller.rows() == []
    tool.files[path] = FORMATS[path.partition(".")[2]]
    puller.good(path)
    assert len(puller.rows()) == 5
    assert list(puller.project.temp.glob("files-*")) == []


def test_an_array_in_all_its_spellings(puller: Puller, tool: Files) -> None:
    odd = {"incident_id": '[1],{"', "title": '}\u2028\n\\" \U0001f680', "created_at": "2026-01-05T10:00:00Z"}
    text = (
        "\ufeff \n[\r\n"
        + json.dumps(odd, ensure_ascii=False, indent=1)
        + "\n,\n"
        + json.dumps(odd | {"incident_id": 12345678901234567890})
        + "\n] \n"
    )
    tool.files["/incidents.json"] = text.encode()
    puller.good("/incidents.json")
    assert [row["incident_id"] for row in puller.rows()] == ["12345678901234567890", '[1],{"']
    assert puller.rows()[1]["title"] == odd["title"]
    tool.files["/incidents.json"] = b" [ ] "
    puller.good("/incidents.json")
    tool.files["/incidents.json"] = b'[1, "two", null, {"incident_id": "x", "created_at": "2026-01-05"}]'
    done = puller("/incidents.json")
    assert [each.what for each in done.result.skipped] == [f"incidents.json, row {number}" for number in (1, 2, 3)]


# -- interruptions and faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csv", "json"])
def test_cut_after_any_page_and_resumed(puller: Puller, tool: Files, name: str) -> None:
    tool.files["/incidents.csv"] = csv(4_500)
    tool.files["/incidents.json"] = json.dumps(rows_of(4_500)).encode()
    delivered = cuts = 0
    while True:
        told: list[int] = []

        def cut(_subject: str, records: int, told: list[int] = told) -> None:
            told.append(records)
            if len(told) == 2:
                raise KeyboardInterrupt

        try:
            puller.good(f"/incidents.{name}", progress=cut, rows_at_a_time=1)
            break
        except KeyboardInterrupt:
            cuts += 1
        finally:
            delivered += told[-1]
    assert (cuts, delivered) == (2, 4_500)
    assert len(puller.rows()) == 4_500


def test_a_file_that_changes_between_a_cut_and_the_next_run(puller: Puller, tool: Files) -> None:
    tool.files["/incidents.csv"] = csv(2_500)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        puller.good(progress=cut, rows_at_a_time=1)
    tool.files["/incidents.csv"] = (
        HEADER.encode() + line(1, "Retold").encode() + csv(2_600).partition(b"\n")[2].partition(b"\n")[2]
    )
    puller.good()
    assert len(puller.rows()) == 2_600
    assert puller.rows()[0]["title"] == "Retold"


def test_two_at_once(puller: Puller, tool: Files) -> None:
    tool.latency = 0.02
    done: list[SourceResult] = []
    threads = [threading.Thread(target=lambda: done.append(puller.good())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(each.result.records for each in done) == [0, 5]


@pytest.mark.parametrize("fault", [name for name in PASSING if name not in ("HTML", "half a JSON")])
def test_a_fault_that_passes(puller: Puller, tool: Files, fault: str) -> None:
    tool.faults = lambda request: PASSING[fault] if request.number == 1 else None
    puller.good()
    assert len(puller.rows()) == 5
    assert len(puller.waits) == 1


def test_a_server_that_stays_down(puller: Puller, tool: Files) -> None:
    tool.faults = lambda _: TRUNCATED
    done = puller()
    assert done.error is not None
    assert "could not be read in 6 attempts" in done.error.message


def test_a_web_page_is_no_file(puller: Puller, tool: Files) -> None:
    tool.faults = lambda _: PASSING["HTML"]
    done = puller()
    assert done.error is not None
    assert "answered a web page instead of incidents.csv" in done.error.message


def test_too_large(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    from leadline.sources.remote_files import source as https_files

    download = https_files.Download
    with monkeypatch.context() as patched:
        patched.setattr(https_files, "Download", lambda *given: download(*given, most_bytes=100))
        assert "larger than" in str(puller().error)
    puller.good()


def test_a_disk_that_is_full(puller: Puller, tool: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's device that is always full stands for the disk."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    from leadline.sources.remote_files import source as https_files

    own = https_files.Download.to
    with monkeypatch.context() as patched:
        patched.setattr(https_files.Download, "to", lambda self, _, **known: own(self, Path("/dev/full"), **known))
        done = puller()
    assert done.error is not None
    assert "the disk is full" in done.error.message
    puller.good()
    assert len(puller.rows()) == 5


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_token_in_its_header(puller: Puller, tool: Files) -> None:
    tool.token = f"Bearer {TOKEN}"
    puller.good(token=TOKEN)
    tool.header, tool.token = "x-api-key", TOKEN
    puller.good(token=TOKEN, options={"header": "X-Api-Key"})
    wrong = puller(token="wrong-secret")
    assert wrong.error is not None
    assert "refuses the token from the variable FILES_TOKEN for incidents.csv" in wrong.error.message
    assert "wrong-secret" not in str(wrong.document())
    assert "wants a token" in str(puller().error)


def test_a_redirect_takes_no_secret_along(puller: Puller, tool: Files) -> None:
    other = Files(files={"/incidents.csv": csv(3)})
    with serving(other) as elsewhere:
        tool.elsewhere["/incidents.csv"] = f"{elsewhere}/incidents.csv"
        puller.good(token=TOKEN, options={"header": "X-Api-Key"})
        assert tool.requests[0].headers["x-api-key"] == TOKEN
        assert TOKEN not in str(other.requests[0].headers)
    tool.elsewhere["/incidents.csv"] = "http://data.example.com/incidents.csv"
    assert "not https" in str(puller().error)
    tool.elsewhere["/incidents.csv"] = "/incidents.csv"
    assert "more than 5 times" in str(puller().error)


@pytest.mark.parametrize(
    ("status", "says"), [(404, "has no incidents.csv at /incidents.csv"), (403, "without a token")]
)
def test_refusals(puller: Puller, tool: Files, status: int, says: str) -> None:
    def refused(_: Request) -> Fault:
        return Fault(status)

    tool.faults = refused
    assert says in str(puller().error)


def test_a_large_file_comes_a_thousand_rows_at_a_time(puller: Puller, tool: Files) -> None:
    tool.files["/incidents.csv"] = csv(30_000)
    seen: list[int] = []
    puller.good(progress=lambda _, records: seen.append(records))
    assert [later - before for before, later in itertools.pairwise([0, *seen])] == [1_000] * 30 + [0]
    assert len(puller.rows()) == 30_000


PEOPLE = "email,full_name,manager_email,team\nada@example.com,Ada,,Shop\nben@example.com,Ben,ada@example.com,Shop\n"


def test_developers_are_an_org_tree_that_is_kept_up_to_date(puller: Puller, tool: Files) -> None:
    def people() -> tuple[int, set[str]]:
        found = tree(puller.project, "Engineering")
        return found.version, set(found.developers)

    kept = {"org-tree": "Engineering"}
    tool.files["/developers.csv"] = PEOPLE.encode()
    puller.good("/developers.csv")
    assert trees(puller.project) == []
    puller.good("/developers.csv", options=kept)
    assert people() == (1, {"ada@example.com", "ben@example.com"})
    assert len(puller.rows("developers")) == 2
    calls = len(tool.requests)
    puller.good("/developers.csv", options=kept)
    assert (people()[0], len(tool.requests) - calls) == (1, 1)

    # Ben has left, Cleo came; then a file that is none.
    tool.files["/developers.csv"] = PEOPLE.replace("ben@", "cleo@").encode()
    puller.good("/developers.csv", options=kept)
    assert people() == (2, {"ada@example.com", "cleo@example.com"})
    tool.files["/developers.csv"] = PEOPLE.replace(",ada@", ",nobody@").encode()
    for _ in range(2):  # it is told again, until it is mended
        done = puller("/developers.csv", options=kept)
        assert done.error is not None
        assert "nobody@example.com" in str(done.error.details) + done.error.message
    assert people()[0] == 2
    tool.files["/developers.csv"] = PEOPLE.encode()
    puller.good("/developers.csv", options=kept)
    assert people() == (3, {"ada@example.com", "ben@example.com"})


def test_what_is_no_org_tree(puller: Puller, tool: Files) -> None:
    with pytest.raises(InvalidRequest, match="made of developers, not of incidents"):
        puller("/incidents.csv", options={"org-tree": "Engineering"})
    tool.files["/developers.jsonl"] = b'{"email": "ada@example.com", "full_name": "Ada"}\n'
    done = puller("/developers.jsonl", options={"org-tree": "Engineering"})
    assert done.error is not None
    assert "CSV" in done.error.message
