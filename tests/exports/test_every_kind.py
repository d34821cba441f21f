"""What holds of every kind of export: whatever looks after exports looks after all of them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.serving import HERE, Client, Served, fill, fill_delivery, serving
from cli.running import Leadline
from leadline.api.log import configure
from leadline.db import jobs
from leadline.db.models import exports
from leadline.db.trees import document
from leadline.errors import NotFound
from leadline.exports import service
from leadline.exports.cleaning import clean
from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.exports.worker import Worker
from leadline.home import Home
from leadline.people import BEGINNING, load_org, trees

HEADER = "email,full_name,manager_email,team"
RANGE = ("2025-01-01", "2025-12-31")


def body_of(kind: ExportKind) -> dict[str, Any]:
    """A small body of the kind."""
    body: dict[str, Any] = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": dict(zip(("start", "end"), RANGE, strict=True)),
        "options": {"granularity": "QUARTERLY"},
    }
    body |= {"fact": "deployments"} if kind.name == "facts" else {}
    return {**body, "metricGroups": [kind.groups[0]]} if kind.needs_columns else body


def options_of(kind: ExportKind) -> list[str]:
    """The same as options of the command."""
    has = {option.flag for option in kind.command.options}
    options = ["--granularity", "quarterly"] if "--granularity" in has else []
    options += ["--fact", "deployments"] if "--fact" in has else []
    return [*options, *(["--group", kind.groups[0]] if kind.needs_columns else [])]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("every")
    configure("json", io.StringIO())  # the server's lines would stand among a command's
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        fill_delivery(home.project())
        with serving(home) as running:
            yield running


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> ExportKind:
    declared: ExportKind = request.param
    return declared


@pytest.fixture
def client(served: Served, kind: ExportKind) -> Client:
    return Client(served.base, served.keys["viewer"], kind.path)


@pytest.fixture
def program(served: Served, tmp_path: Path) -> Leadline:
    return Leadline(served.home.path, tmp_path)


def file_of(served: Served, export_id: str) -> Path:
    return served.home.project().folder / "exports" / f"{export_id}.csv.gz"


def test_listed_and_counted(served: Served, client: Client, kind: ExportKind) -> None:
    export = client.completed(body_of(kind))
    assert export in [listed["exportId"] for listed in client.get(f"{kind.path}?{HERE}").json["exports"]]
    figures = served.client.get("/metrics").body.decode()
    assert f'leadline_export_duration_seconds_count{{kind="{kind.name}",state="completed"}}' in figures
    catalogue = client.get(f"{kind.catalogue_path}?{HERE}")
    assert catalogue.json["metrics"] if kind.catalogue() else catalogue.status == 404


SAID: dict[str, dict[str, Any]] = {
    "productivity": {
        "metricGroups": ["ACTIVITY", "activity"],
        "metrics": ["pr_merged"],
        "options": {"aggregationLevel": "TEAM", "granularity": "Weekly", "compression": "GZIP"},
    },
    "efficiency": {
        "metricGroups": ["Deployment_Frequency", "CFR"],
        "options": {"granularity": "WEEKLY", "format": "CSV"},
    },
    "ba": {
        "metricGroups": ["uncategorized", "Categorized"],
        "metrics": ["category_percent"],
        "options": {"granularity": "Quarterly", "metricLevel": "Team", "effortUnit": "story_points"},
    },
    "flow": {"metricGroups": ["WIP"], "metrics": ["THROUGHPUT"], "options": {"granularity": "QUARTERLY"}},
    "ticket-data": {
        "issueStatuses": ["In Progress", "DONE"],
        "options": {"calendar": "WALL", "granularity": "monthLY"},
    },
    "sprint": {
        "metricGroups": ["deliveryanalysis"],
        "metric": ["sprint_commit"],
        "options": {"granularity": "sprint", "aggregationLevel": "TEAM", "computationMode": "tickets"},
    },
    "facts": {"fact": "COMMITS", "options": {"format": "JSONL"}},
}
"""Bodies with words as nobody would normalize them."""


def test_a_poll_says_what_was_asked_for_as_it_was_said(client: Client, kind: ExportKind) -> None:
    words = {**SAID[kind.name], "scope": {"teamId": 1}, "dateRange": body_of(kind)["dateRange"]}
    made = client.create({**words, "scope": {"teamId": 1, "orgTreeName": None}, "nosuch": 1})
    assert made.status == 202, made.body
    polled = client.get(f"{kind.path}/{made.json['exportId']}").json
    scope = {name: value for name, value in polled["scope"].items() if name != "teamName"}
    told = {name: polled[name] for name in (*ALL_WORDS, "dateRange") if name in polled}
    assert {**told, "scope": scope, "options": words["options"]} == words
    assert words["options"].items() <= told["options"].items()
    assert "format" in told["options"], "what was left out is told as it was taken"
    again = client.create(told)
    assert (again.status, again.json["exportId"]) == (200, made.json["exportId"])


def test_an_export_of_an_earlier_release_is_told_in_normalized_words(
    client: Client, kind: ExportKind, served: Served
) -> None:
    """It kept no others."""
    export = client.create({**body_of(kind), **SAID[kind.name]}).json["exportId"]
    with served.home.db.write() as connection:
        connection.execute(exports.update().where(exports.c.id == export).values(given=None))
    polled = client.get(f"{kind.path}/{export}").json
    assert polled["scope"]["orgTreeName"] == "Engineering"
    assert polled["options"]["format"] in ("csv", "jsonl")
    told = {name: polled[name] for name in (*ALL_WORDS, "dateRange") if name in polled}
    again = client.create(told)
    assert (again.status, again.json["exportId"]) == (200, export), again.body


ALL_WORDS = ("scope", "metricGroups", "metrics", "metric", "issueStatuses", "fact", "options")


def test_the_command_writes_the_same_bytes(client: Client, kind: ExportKind, program: Leadline) -> None:
    export = client.completed(body_of(kind))
    start, end = RANGE
    options = ["--start", start, "--end", end, *options_of(kind)]
    program("export", kind.command_name, *options, "-o", "out.csv")
    stored = client.get(f"{kind.path}/{export}/download", accept_encoding="gzip").body
    assert (program.cwd / "out.csv").read_bytes() == gzip.decompress(stored)
    program("export", kind.command_name, *options, "--pins", export, "-o", "again.csv.gz")
    assert (program.cwd / "again.csv.gz").read_bytes() == stored


def test_a_difference_from_earlier_versions(client: Client, kind: ExportKind, program: Leadline) -> None:
    def lines_of(export: str) -> list[str]:
        stored = client.get(f"{kind.path}/{export}/download", accept_encoding="gzip").body
        return gzip.decompress(stored).decode().split("\r\n")[:-1]

    def changes(since: str) -> list[str]:
        body = body_of(kind)
        export = client.completed({**body, "options": {**body["options"], "since": since}})
        told = client.get(f"{kind.path}/{export}").json
        assert told["options"]["since"] == told["request"]["since"] == since
        assert told["download"]["filename"].partition("-20")[0].endswith("-changes")
        assert told["rowCount"] == len(lines_of(export)) - 1
        return lines_of(export)

    whole = client.completed(body_of(kind))
    header, *rows = lines_of(whole)
    assert rows
    assert changes(whole) == [f"{header},_change"]
    assert changes("2001-01-01T00:00:00Z") == [f"{header},_change", *(f"{row},insert" for row in rows)]
    start, end = RANGE
    options = ["--start", start, "--end", end, *options_of(kind), "--since", whole]
    program("export", kind.command_name, *options, "-o", "changes.csv")
    assert (program.cwd / "changes.csv").read_text() == f"{header},_change\n"


def test_status_shows_its_newest(client: Client, kind: ExportKind, program: Leadline) -> None:
    export = client.completed(body_of(kind), cache_control="no-cache")
    newest = {row["kind"]: row for row in program.json("status")["exports"]["newestCompleted"]}
    assert newest[kind.name]["exportId"] == export
    assert newest[kind.name]["tables"] == client.get(f"{kind.path}/{export}").json["tableVersions"]
    assert f"Newest completed: {export} at " in program("status").stdout


@pytest.mark.parametrize("damage", ["missing", "changed", "cut"])
def test_the_check_finds_a_damaged_file(
    served: Served, client: Client, kind: ExportKind, program: Leadline, damage: str
) -> None:
    export = client.completed(body_of(kind))
    file = file_of(served, export)
    data = file.read_bytes()
    assert "All is sound." in program("status", "--check").stdout
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    try:
        (finding,) = program.json("status", "--check", code=1)["check"]["findings"]
    finally:
        file.write_bytes(data)
    assert finding.startswith(f"export {export}: its file ")


def test_its_file_expires_and_what_it_is_pinned_to_stays(home: Home, tmp_path: Path, kind: ExportKind) -> None:
    fill(home.project(), tmp_path)
    project, now = home.project(), datetime.now(UTC)
    done = service.create(project, body_of(kind), kind=kind.name, created_by="key", now=now).export
    with Worker(home) as worker:
        assert worker.run_one()
    waiting = service.create(project, body_of(kind), kind=kind.name, created_by="key", now=now, fresh=True).export
    claim = jobs.claim(home.db, "worker", now, now + timedelta(days=365))
    assert claim is not None
    assert claim.export.id == waiting.id
    pinned = service.deliver_and_pin(project, kind, kind.rows.request_of(waiting.request))
    assert jobs.pin(home.db, claim, pinned.document(), now)
    people = tmp_path / "people.csv"
    for days, name in enumerate("xyz", start=1):
        people.write_text(f"{HEADER}\nada@example.org,Ada,,\nben@example.org,Ben,ada@example.org,{name}\n")
        load_org(project, people, "Engineering", now=now + timedelta(days=days), since=BEGINNING)

    assert clean(home, now + timedelta(days=40)) == 1
    with pytest.raises(NotFound, match="expired"):
        service.stored_file(project, done.id, kind=kind.name, now=now)
    (tree,) = trees(project)
    assert document(home.db, tree.id, pinned.trees["Engineering"]) is not None
    assert document(home.db, tree.id, pinned.trees["Engineering"] + 1) is None
