"""A home that 0.1.0 made opens: what it stored is read, its exports stay, connectors go on where they were.

``home-0.1.0.zip`` was made by that release: a project ``tools/<name>`` for each stub of ``sync.scenarios``, synced once; one
with git; and the default project with two trees, settings, a key, an upload to be reviewed and rows waiting in the inbox.
"""

from __future__ import annotations

import sqlite3
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from leadline.access import UNLIMITED
from leadline.db import cursors, inbox, jobs, keys, sources
from leadline.db.models import exports
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.ingest.delivery import ingest
from leadline.ingest.inbox import flush
from leadline.people import find_team, tree, trees, versions
from leadline.people.team_rules import team_rules
from leadline.schema import TABLES
from leadline.settings.rules import Filter
from leadline.sources.kit.settings import SourceSettings
from stubs.server import Tool, serving
from sync.harness import Rows, Scenario, Syncer, contents
from sync.scenarios import SCENARIOS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVERS = {
    "github": "127.0.0.1:35843",
    "gitlab": "127.0.0.1:46305",
    "jira cloud": "127.0.0.1:44979",
    "jira data center": "127.0.0.1:44667",
    "jenkins": "127.0.0.1:45477",
    "pagerduty": "127.0.0.1:45099",
    "files": "127.0.0.1:34931",
}
"""Where the stubs were when the home was made: ids and cursors bear it."""


READ_ONCE_MORE = {
    "github": ("graphql",),
    "gitlab": ("iterations",),
    "jira cloud": ("versions", "versions"),
    "jira data center": ("versions", "versions"),
}
"""What the first run after the upgrade asks for besides: outcomes of deployments that may have changed since, of which the
earlier release kept nothing, and what it did not read: versions of projects, iterations of groups."""

MADE = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
"""Shortly after the earlier release read its tools."""
READ_AGAIN_LATER = {"github"}
"""Of whom more is asked a day later, come what may: by their clocks it is still that day."""
NOT_READ_BEFORE = frozenset({"versions", "iterations"})
"""Tables that the earlier release did not have, and how the streams are called that fill them."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with zipfile.ZipFile(Path(__file__).with_name("home-0.1.0.zip")) as made:
        made.extractall(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def previous(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.delenv("LEADLINE_DATABASE_URL", raising=False)
    with Home.open(folder) as opened:
        yield opened


# -- people and settings -----------------------------------------------------------------------------------------------


def test_trees_in_all_their_versions(previous: Home) -> None:
    project = previous.project()
    assert [(summary.name, summary.version) for summary in trees(project)] == [("Engineering", 2), ("Sales", 1)]
    assert list(tree(project, "Engineering").developers) == ["ada@example.com", "ben@example.com", "cyd@example.com"]
    assert list(tree(project, "Engineering", 1).developers) == ["ada@example.com", "ben@example.com"]
    assert find_team(project, "web")[1].path == "Sales/Web"


def test_settings_and_rules_of_teams(previous: Home) -> None:
    profile = previous.project().profile("Sales")
    assert (profile["timezone"], profile["bots"]) == ("Europe/Berlin", ("robot",))
    assert profile["lead_time.stages"] == ("coding", "review")
    assert profile["ratings.lead_time.elite"] == 1 / 7
    (rule,) = team_rules(tree(previous.project(), "Sales"), profile).rules
    assert rule.sets == {"repository": (Filter("equals", ("acme/web",)), Filter("not contains", ("old",)))}
    assert profile.team_rules["web"]["work_type"] == {"story": "feature"}
    assert profile.team_rules["web"]["integrations"] == {"SCM": ("github:acme",)}


def test_an_upload_is_reviewed_and_put_in_force(previous: Home) -> None:
    project = previous.project()
    review = versions.version(project, "ver_1").review
    assert review is not None
    assert [finding.error_type for finding in review.findings] == ["REQUIRED_FIELD_MISSING"]
    review = versions.map_fields(project, "ver_1", {"Boss": "manager_email"}, now=NOW).review
    assert review is not None
    assert review.changes is not None
    assert review.changes.removed == ("cyd@example.com",)
    assert versions.activate(project, "ver_1", now=NOW).active
    assert tree(project, "Engineering").version == 3


def test_keys(previous: Home) -> None:
    (key,) = keys.listed(previous.db, previous.project().id)
    assert (key.name, key.role, key.is_valid(NOW), key.access) == ("ci", "admin", True, UNLIMITED)


# -- pushed rows -------------------------------------------------------------------------------------------------------


def test_rows_that_waited_are_delivered_by_their_policies(previous: Home) -> None:
    project = previous.project()
    key = {"repository": "acme/shop", "number": 7}
    older = {**key, "title": "Old", "state": "open", "additions": 3, "updated_at": datetime(2026, 1, 5, tzinfo=UTC)}
    schema = TABLES["pull_requests"].arrow_schema
    ingest(project, TABLES["pull_requests"], [pa.RecordBatch.from_pylist([older], schema=schema)])
    assert flush(project, now=lambda: NOW) == 5
    assert inbox.refused(previous.db, project.id) == []
    (pull_request,) = contents(project, ["pull_requests"])["pull_requests"]
    assert (pull_request["title"], pull_request["state"], pull_request["additions"]) == ("New", "merged", "3")
    assert [row["comment_id"] for row in contents(project, ["comments"])["comments"]] == ["c1"]
    assert [row["incident_id"] for row in contents(project, ["incidents"])["incidents"]] == ["I-1"]
    assert project.lake.version("releases") is None, "what is said to be gone was not there"


# -- exports -----------------------------------------------------------------------------------------------------------


def test_exports_of_earlier_definitions_are_not_mixed_with_new_ones(previous: Home) -> None:
    """Files that are there stay as they were; what was begun under other definitions ends in words, not in other numbers."""
    project = previous.project("tools", "github")
    made = {file.name: file.read_bytes() for file in (project.folder / "exports").glob("exp_*")}
    assert len(made) == 2
    waiting = sa.select(exports.c.id).where(exports.c.state == jobs.COMPLETED).limit(1)
    with previous.db.write() as connection:  # as if its worker had died before the end
        (begun,) = connection.execute(waiting).scalars().all()
        values = {"state": jobs.QUEUED, "file": None, "sha256": None, "attempts": 0}
        connection.execute(exports.update().where(exports.c.id == begun).values(values))
    with Worker(previous) as worker:
        while worker.run_one():
            pass
    states = jobs.counts(previous.db, project.id)
    assert states == dict.fromkeys(jobs.STATES, 0) | {jobs.COMPLETED: 2, jobs.FAILED: 1}
    with previous.db.read() as connection:
        error = connection.execute(sa.select(exports.c.error).where(exports.c.id == begun)).scalar_one()
    assert error["code"] == "other_definitions"
    assert "make a new export" in error["error"]
    kept = {name for name in made if begun not in name}
    assert len(kept) == 1
    assert all((project.folder / "exports" / name).read_bytes() == made[name] for name in kept)


# -- sources -----------------------------------------------------------------------------------------------------------


def test_sources_and_their_last_runs(previous: Home) -> None:
    kinds = set()
    for name in [*SERVERS, "git"]:
        project = previous.project("tools", name.replace(" ", "-"))
        (row,) = sources.listed(previous.db, project.id, configured=True)
        settings = SourceSettings.restored(row.kind, row.name, row.settings)
        assert settings.stored() == row.settings
        assert row.outcome is not None
        assert row.outcome["state"] == "done"
        kinds.add(settings.kind)
    assert len(kinds) == 7


@pytest.mark.parametrize("name", SERVERS)
def test_connectors_read_only_what_is_new(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADLINE_DATABASE_URL", raising=False)
    scenario: Scenario = SCENARIOS[name]
    tool: Tool = scenario.small()
    if name in READ_AGAIN_LATER:
        tool.clock = MADE.timestamp() - time.time()
    with serving(tool) as url:
        _moved(folder, SERVERS[name], url.removeprefix("http://"))
        with Home.open(folder) as home:
            project = home.project("tools", name.replace(" ", "-"))
            sync = Syncer(project, tool, url, scenario)
            before = known_before(project, scenario)
            names = {name for _, name, _ in cursors.listed(home.db, project.id)}
            asked = [tuple(request.path.rpartition("/")[2] for request in sync.requests()) for _ in range(2)]
            assert asked == [scenario.nothing_new + READ_ONCE_MORE.get(name, ()), scenario.nothing_new]
            assert known_before(project, scenario) == before
            begun = {name for _, name, _ in cursors.listed(home.db, project.id)} ^ names
            assert all(any(table in name for table in NOT_READ_BEFORE) for name in begun)


def known_before(project: Project, scenario: Scenario) -> dict[str, set[tuple[object, ...]]]:
    """The rows of tables that the earlier release had."""
    rows = distinct(contents(project, scenario.tables))
    return {table: table_rows for table, table_rows in rows.items() if table not in NOT_READ_BEFORE}


def distinct(rows: Rows) -> dict[str, set[tuple[object, ...]]]:
    """Rows that are read again come under the stub's new address."""
    return {table: {tuple(row.values()) for row in table_rows} for table, table_rows in rows.items()}


def _moved(folder: Path, before: str, now: str) -> None:
    """The stub has another port today."""
    with closing(sqlite3.connect(folder / "leadline.db")) as database, database:
        for column in ("name", "value"):
            database.execute(f"UPDATE cursors SET {column} = replace({column}, ?, ?)", (before, now))
        database.execute("UPDATE sources SET settings = replace(settings, ?, ?)", (before, now))
