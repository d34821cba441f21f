"""``sources remove --rows`` takes away what the source brought, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from leadline.administration import source_rows
from leadline.diagnostics.integrity import findings
from leadline.home import Home
from stubs import github, github_data, server
from stubs.every_tool import EVERY, Reached

from .running import Leadline, write_tables
from .test_sync import repository

OWN = {
    "pull_requests": "repository,number,state\nmine/app,1,open\n",
    "work_items": "project,key\nMINE,MINE-1\n",
    "builds": "build_id\nmine-1\n",
    "incidents": "incident_id\nmine-1\n",
    "ai_usage": "tool,day,account,source\nmine,2026-01-05,me,github\n",
}
"""Rows that no tool brought."""
TOKEN = {"GITHUB_TOKEN": github.TOKEN}


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "files"])
def test_all_that_a_tool_brought_goes_and_can_come_again(leadline: Leadline, kind: str) -> None:
    write_tables(leadline.cwd / "data", OWN)
    leadline("import", "data")
    with EVERY[kind]() as tool:
        reached: Reached = tool
        secret = {reached.variable: reached.secret}
        leadline("sources", "add", kind, *reached.targets, *reached.options, "--name", "it")
        leadline("sync", "--source", "it", env=secret)
        brought = leadline.rows()
        assert brought[reached.table] == 1 + reached.rows
        removed = leadline.json("sources", "remove", "it", "--rows", "--yes")["removed"]
        assert removed[reached.table] >= reached.rows
        assert leadline.rows()[reached.table] == 1
        assert leadline.json("sources", "list") == []
        assert leadline.json("status")["sources"] == []
        leadline("sources", "add", kind, *reached.targets, *reached.options, "--name", "it")
        leadline("sync", "--source", "it", env=secret)
        assert leadline.rows() == brought


class Two:
    """A home with two owners of one hub, what is mined of a folder, and nothing else."""

    def __init__(self, leadline: Leadline, url: str) -> None:
        self.leadline = leadline
        for name, target in (("one", "example"), ("two", "other/web-*")):
            leadline("sources", "add", "github", target, "--url", url, "--name", name)
        repository(leadline.cwd / "shop")
        leadline("sync", "git", "shop", "--name", "example/web-shop")
        leadline("sync", env=TOKEN)

    def pulls(self) -> dict[str, int]:
        rows = self.leadline("facts", "pull-requests", "-o", "-").stdout.splitlines()[1:]
        names = [row.split(",")[0] for row in rows]
        return {name: names.count(name) for name in names}

    def counts(self) -> Mapping[str, Any]:
        return self.leadline.rows()


@pytest.fixture
def two(leadline: Leadline) -> Any:
    repositories = {
        "example": [github_data.repository("example/web-shop", 1, pulls=3, runs=2)],
        "other": [github_data.repository("other/web-shop", 2, pulls=2, runs=1)],
    }
    with server.serving(github.Hub(repositories)) as url:
        yield Two(leadline, url)


def test_the_rows_of_another_source_of_the_kind_stay(two: Two) -> None:
    leadline = two.leadline
    before = two.counts()
    assert two.pulls() == {"example/web-shop": 3, "other/web-shop": 2}
    removed = leadline.json("sources", "remove", "one", "--rows", "--yes")["removed"]
    after = two.counts()
    assert two.pulls() == {"other/web-shop": 2}
    assert {
        table: rows - after.get(table, 0) for table, rows in before.items() if rows != after.get(table, 0)
    } == removed
    assert after["commits"] == before["commits"]  # git's own
    assert "nothing new" in leadline("sync", env=TOKEN).stdout


def test_it_asks_and_can_be_ended_in_the_middle(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    leadline = two.leadline
    before = two.counts()
    assert "--yes" in leadline("sources", "remove", "two", "--rows", code=2).stderr
    assert two.counts() == before

    def ending(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(source_rows, "_removed", ending)
        leadline("sources", "remove", "two", "--rows", "--yes", code=130)
    assert [one["name"] for one in leadline.json("sources", "list")] == ["one"]
    leadline("sources", "remove", "two", "--rows", "--yes")
    assert two.pulls() == {"example/web-shop": 3}
    with Home.open(leadline.home) as home:
        assert findings(home) == []


def test_names_that_leave_the_organization_out(leadline: Leadline) -> None:
    """Rows of Azure DevOps are of `project/repository`: two projects can be told apart, two organizations cannot."""
    with EVERY["azure"]() as tool:
        for name, target in (("shop", *tool.targets), ("ops", "example/Ops/tools"), ("all", "other")):
            leadline("sources", "add", "azure", target, *tool.options, "--name", name)
        leadline("sync", "--source", "shop", env={tool.variable: tool.secret})
        refused = leadline("sources", "remove", "shop", "--rows", "--yes", "--json", code=1)
        assert json.loads(refused.stderr)["code"] == "rows_not_told_apart"
        leadline("sources", "remove", "all", "--yes")
        assert leadline.json("sources", "remove", "ops", "--rows", "--yes")["removed"] == {}
        removed = leadline.json("sources", "remove", "shop", "--rows", "--yes")["removed"]
        assert removed["pull_requests"] == tool.rows
        assert {table for table, rows in leadline.rows().items() if rows} == {"repositories"}


def test_rows_that_nobody_can_tell_apart_stay(leadline: Leadline) -> None:
    for name in ("one", "two"):
        leadline("sources", "add", "jenkins", "--url", f"https://{name}.example.com", "--user", "x", "--name", name)
    done = leadline("sources", "remove", "one", "--rows", "--yes", "--json", code=1)
    assert json.loads(done.stderr)["code"] == "rows_not_told_apart"
    assert len(leadline.json("sources", "list")) == 2
