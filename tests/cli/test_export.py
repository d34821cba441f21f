"""``leadline export productivity``: the API's bytes without a server, repeatable on recorded versions."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import signal
import time
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest

from leadline.exports import service
from leadline.exports.worker import Worker
from leadline.home import Home

from .running import Leadline

QUARTER = ["--start", "2026-01-01", "--end", "2026-03-31"]


def export(program: Leadline, *options: object, file: str = "out.csv", code: int = 0) -> Any:
    return program.json("export", "productivity", *QUARTER, "-o", file, *options, code=code)


def rows(program: Leadline, file: str = "out.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((program.cwd / file).read_bytes().decode())))


def test_a_csv_of_the_only_tree(company: Leadline) -> None:
    summary = export(company, "--metric", "PR_Merged,coding_days")
    data = (company.cwd / "out.csv").read_bytes()
    assert summary["rows"] == 12  # four developers, three months
    assert summary["sizeBytes"] == len(data)
    assert summary["sha256"] == hashlib.sha256(data).hexdigest()
    assert summary["request"]["tree"] == "Research"
    assert summary["pins"]["tables"]["pull_requests"] >= 0
    merged = {(row["Granularity"], row["Email"]): row["PR_Merged"] for row in rows(company)}
    assert merged["Jan 2026", "ben@example.com"] == "1"
    assert merged["Feb 2026", "dan@example.com"] == "1"
    assert sum(map(int, merged.values())) == 2


def test_the_bytes_are_those_of_the_api(company: Leadline) -> None:
    body = {
        "scope": {"orgTreeName": "Research"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "metricGroups": ["volume", "activity"],
        "options": {"aggregationLevel": "team", "granularity": "weekly"},
    }
    with Home.open(company.home) as home:
        project = home.project()
        now = datetime.now(UTC)
        made = service.create(project, body, kind="productivity", created_by="test", now=now)
        while Worker(home).run_one():
            pass
        stored = service.stored_file(project, made.export.id, kind="productivity")
        expected = stored.path.read_bytes()
    options = ["--group", "activity", "--group", "volume", "--level", "team", "--granularity", "Weekly"]
    export(company, *options, file="out.csv.gz")
    assert (company.cwd / "out.csv.gz").read_bytes() == expected
    export(company, *options)
    assert (company.cwd / "out.csv").read_bytes() == gzip.decompress(expected)
    # The recorded versions of the API's export give the same again, after newer data has landed.
    (company.cwd / "comments.csv").write_text(
        "repository,number,comment_id,author,created_at\nexample/shop,2,c9,ben-ito,2026-02-02T12:00:00Z\n"
    )
    (company.cwd / "pull_requests.csv").write_text(
        "repository,number,author,state,merged_at\nexample/shop,9,ben-ito,merged,2026-03-03T00:00:00Z\n"
    )
    company("import", "comments.csv", "pull_requests.csv")
    export(company, *options, file="new.csv")
    assert (company.cwd / "new.csv").read_bytes() != gzip.decompress(expected)
    export(company, *options, "--pins", made.export.id, file="again.csv")
    assert (company.cwd / "again.csv").read_bytes() == gzip.decompress(expected)


def test_repeating_on_the_pins_of_an_earlier_summary(company: Leadline) -> None:
    first = export(company)
    (company.cwd / "first.json").write_text(json.dumps(first))
    company("settings", "timezone", "Asia/Tokyo")
    again = export(company, "--pins", "first.json", file="again.csv")
    assert again["sha256"] == first["sha256"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not JSON"), ('{"pins": {"tables": {}}}', "does not name"), ("[1]", "does not name")],
)
def test_bad_pins(company: Leadline, text: str, says: str) -> None:
    (company.cwd / "pins.json").write_text(text)
    done = company("export", "productivity", *QUARTER, "-o", "x.csv", "--pins", "pins.json", code=1)
    assert says in done.stderr
    assert not (company.cwd / "x.csv").exists()


def test_stdout_takes_the_file_alone(company: Leadline) -> None:
    done = company("export", "productivity", *QUARTER, "-o", "-", "--level", "team")
    assert done.stdout.startswith("Granularity,Start_Date,End_Date,Team,Team_Id,Team_Hierarchy,")
    assert done.stderr == ""


@pytest.mark.parametrize(("file", "magic"), [("o.parquet", b"PAR1"), ("o.jsonl", b"{"), ("o.jsonl.gz", b"\x1f\x8b")])
def test_the_ending_says_the_format(company: Leadline, file: str, magic: bytes) -> None:
    export(company, file=file)
    assert (company.cwd / file).read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--org-tree", "Reserch"], 2, "Invalid --org-tree"),
        (["--team", "999999"], 2, "Invalid --team"),
        (["--metric", "PR_Mergd"], 2, "PR_Merged"),
        (["--group", "volumes"], 2, "volume"),
        (["--metric", "PR_Velocity"], 2, "PR_Velocity"),
        (["--pins", "exp_none"], 1, "no export 'exp_none'"),
    ],
)
def test_what_does_not_exist_is_named_with_its_option(
    company: Leadline, options: list[str], code: int, says: str
) -> None:
    done = company("export", "productivity", *QUARTER, "-o", "x.csv", *options, code=code)
    assert says in done.stderr
    assert "scope." not in done.stderr
    assert not (company.cwd / "x.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--start", "2026-02-01", "--end", "2026-01-01", "-o", "x.csv"], 2, "2026-02-01"),
        ([*QUARTER, "-o", "none/x.csv"], 1, "no folder none"),
        ([*QUARTER, "-o", "data"], 1, "data is a folder"),
        ([*QUARTER, "-o", "x.parquet.gz", "--format", "parquet"], 2, "compressed by itself"),
        ([*QUARTER, "-o", "x.csv", "--granularity", "hourly"], 2, "'hourly' is not one of"),
    ],
)
def test_what_cannot_be_written(company: Leadline, arguments: list[str], code: int, says: str) -> None:
    assert says in company("export", "productivity", *arguments, code=code).stderr


def test_without_a_tree_it_says_how_to_begin(leadline: Leadline) -> None:
    done = leadline("export", "productivity", *QUARTER, "-o", "x.csv", code=1)
    assert "`leadline org load FILE --name TREE`" in done.stderr


def test_several_trees_must_be_named(company: Leadline) -> None:
    company("org", "load", "data/developers.csv", "--name", "Other")
    done = company("export", "productivity", *QUARTER, "-o", "x.csv", code=2)
    assert "--org-tree: Other, Research" in done.stderr


def test_two_exports_to_one_file_at_once_leave_one_whole_file(company: Leadline) -> None:
    processes = [company.start("export", "productivity", *QUARTER, "-o", "out.csv", "--json") for _ in range(2)]
    summaries = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    digest = hashlib.sha256((company.cwd / "out.csv").read_bytes()).hexdigest()
    assert {summary["sha256"] for summary in summaries} == {digest}
    assert [path.name for path in company.cwd.iterdir() if path.name != "data"] == ["out.csv"]


def test_ctrl_c_while_the_reader_waits(company: Leadline) -> None:
    """Daily rows of a year do not fit the pipe, so the process is certainly still writing when it is interrupted."""
    arguments = ["--start", "2026-01-01", "--end", "2026-12-31", "--granularity", "daily", "-o", "-"]
    process = company.start("export", "productivity", *arguments)
    assert process.stdout is not None
    assert process.stdout.read(11) == b"Granularity"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors.decode().strip() == "interrupted; what was finished before stays, the rest was not kept"
    assert not list((company.home / "tmp").glob("output-*"))


def test_a_reader_that_goes_away_is_no_error(company: Leadline) -> None:
    arguments = ["--start", "2026-01-01", "--end", "2026-12-31", "--granularity", "daily", "-o", "-"]
    process = company.start("export", "productivity", *arguments)
    assert process.stdout is not None
    process.stdout.read(11)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_ctrl_c_leaves_no_file(company: Leadline) -> None:
    """Interrupted while the engine runs: either it had finished, and the file is whole, or there is none."""
    process = company.start("export", "productivity", "--start", "2022-01-01", "--end", "2026-12-31", "-o", "out.csv")
    deadline = time.monotonic() + 120
    while not list((company.home / "tmp").iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert errors.decode().strip() in ("interrupted; what was finished before stays, the rest was not kept", "")
    left = [path.name for path in company.cwd.iterdir() if path.name != "data"]
    assert (process.returncode, left) in ((130, []), (0, ["out.csv"]))
    assert not list((company.home / "tmp").iterdir())
    assert export(company)["rows"] == 12


@pytest.mark.parametrize(
    "command",
    [
        ["export", "productivity", "--metric", "PR_Merged"],
        ["report", "--productivity", "all"],
        ["facts", "pull-requests"],
    ],
    ids=lambda command: command[0],
)
def test_a_period_is_the_same_as_its_days_for_each_command(
    company: Leadline, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 2, 15, 12, tzinfo=UTC).astimezone(tz)

    for module in ("leadline.exports.requests", "leadline.cli.date_range"):
        monkeypatch.setattr(f"{module}.datetime", Clock)
    told = [
        company(*command, *days, "-o", "-").stdout
        for days in (["--period", "last month"], ["--start", "2026-01-01", "--end", "2026-01-31"], QUARTER)
    ]
    assert told[0] == told[1] != told[2]


NONE = ("--start", "2001-01-01", "--end", "2001-01-31")


@pytest.mark.parametrize(
    "command",
    [
        ("export", "productivity", *NONE, "-o", "out.csv"),
        ("export", "efficiency", "--group", "df", *NONE, "-o", "out.csv"),
        ("facts", "pull-requests", *NONE, "-o", "out.csv"),
        ("report", *NONE, "--productivity", "all"),
        ("chart", "lead-time", *NONE, "-o", "out.json"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_range_without_data_is_told_with_the_one_that_has_some(company: Leadline, command: tuple[str, ...]) -> None:
    told = "note: there are no data from 2001-01-01 to 2001-01-31; there are some from 20"
    assert told in company(*command).stderr
    assert "there are no data" not in company(*(word.replace("2001", "2026") for word in command)).stderr
