"""GitLab's iterations as sprints: which there are, and in which issues were when; and servers that have none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from leadline.sources.gitlab.iterations import NONE_THERE
from sprints.asking import export, fill
from stubs.gitlab import Hub
from stubs.gitlab_data import event, iteration, project, when
from stubs.server import JSON, Fault, Tool

from .harness import Syncer, cut_until_through
from .scenarios import GITLAB, small_gitlab
from .test_gitlab import now

FIRST, SECOND = iteration(1, closed=True), iteration(2, title="Second")
DAY = 1440
REFUSED = Fault(403, JSON, b'{"message": "403 Forbidden"}')
TABLES = ("sprints", "work_items", "work_item_changes")


def group() -> Hub:
    """#1 went from the first iteration to the second and got heavier, #2 was put in and taken out, #3 was made in one."""
    hub = small_gitlab()
    hub.iterations = [FIRST, SECOND]
    issues = {issue["iid"]: issue for issue in hub.projects[0]["issues"]}
    issues["1"]["iteration"] = {"id": "gid://gitlab/Iteration/52"}
    issues["3"]["iteration"] = {"id": "gid://gitlab/Iteration/51"}
    hub.events = {
        "acme/shop#1 iterations": [
            event(12, 14 * DAY, iteration=SECOND, action="add"),
            event(11, 30, iteration=FIRST, action="add"),
        ],
        "acme/shop#1 weights": [event(21, 30, weight=2), event(22, 3 * DAY, weight=3)],
        "acme/shop#2 iterations": [
            event(13, 90, iteration=FIRST, action="add"),
            event(14, 2 * DAY, iteration=FIRST, action="remove"),
        ],
        "acme/shop#3 iterations": [],
    }
    return hub


SCENARIO = replace(GITLAB, small=group, tables=TABLES)


@pytest.fixture
def hub(tool: Tool) -> Hub:
    assert isinstance(tool, Hub)
    return tool


def asked(sync: Syncer, part: str) -> int:
    return sum(part in request.path for request in sync.tool.requests)


def sprints(sync: Syncer) -> dict[str, list[str]]:
    return {row["key"]: re.findall(r"'([^']*)'", row["sprints"] or "") for row in sync.rows("work_items")}


def changes(sync: Syncer) -> list[tuple[str, ...]]:
    names = ("key", "field", "changed_at", "from_value", "to_value")
    return [tuple(row[name] for name in names) for row in sync.rows("work_item_changes")]


def test_iterations_are_sprints(sync: Syncer) -> None:
    sync.good()
    first, second = sync.rows("sprints")
    assert (first["board"], first["name"], first["state"]) == ("acme", "2026-01-05 – 2026-01-18", "closed")
    assert (second["name"], second["state"]) == ("Second", "active")
    assert first["sprint_id"].endswith(":51")
    assert (first["start_at"], first["end_at"]) == ("2026-01-05 00:00:00+00", "2026-01-19 00:00:00+00")
    assert second["start_at"] == first["end_at"]


def test_issues_tell_in_which_they_were_when(sync: Syncer, hub: Hub) -> None:
    sync.good()
    first, second = (row["sprint_id"] for row in sync.rows("sprints"))
    assert sprints(sync) == {
        "#1": [first, second],
        "#2": [first],
        "#3": [first],
        "#4": [],
        "#5": [],
    }
    assert changes(sync) == [
        ("#1", "sprint", "2026-01-05 09:30:00+00", None, first),
        ("#1", "story_points", "2026-01-05 09:30:00+00", None, "2"),
        ("#1", "story_points", "2026-01-08 09:00:00+00", "2", "3"),
        ("#1", "sprint", "2026-01-19 09:00:00+00", first, second),
        ("#2", "sprint", "2026-01-05 10:30:00+00", None, first),
        ("#2", "sprint", "2026-01-07 09:00:00+00", first, None),
    ]
    assert {row["author"] for row in sync.rows("work_item_changes")} == {"ada"}
    # Weights are asked for where there were iterations, and nothing of issues that nobody touched since there are any.
    assert (asked(sync, "/resource_iteration_events"), asked(sync, "/resource_weight_events")) == (5, 2)
    beside, hub.iterations = sync.beside(), [{**FIRST, "created_at": when(5 * 30 + 10)}]
    hub.requests.clear()
    beside.good()
    assert asked(beside, "/resource_iteration_events") == 1


def test_sprints_are_counted_of_them(sync: Syncer, tmp_path: Path) -> None:
    """All were made in the running iteration: #1 and #3 are done, with three points each, and #2 was taken out."""
    sync.good()
    fill(
        sync.project,
        tmp_path,
        "email,full_name,manager_email\nmia@example.com,Mia,\nada@example.com,Ada,mia@example.com\n",
        {},
    )
    row, *_ = export(sync.project, tmp_path, granularity="SPRINT", metricLevel="sprint")
    assert (row["Sprint"], row["Board"], row["Start_Date"]) == ("2026-01-05 – 2026-01-18", "acme", "2026-01-05")
    columns = ("Sprint_Commit", "Sprint_Creep", "Delivered_Creep", "Total_Work_Delivered", "Tickets_Removed_Mid_Sprint")
    assert [float(row[column]) for column in columns] == [0, 6, 6, 6, 1]


def test_only_what_is_new_is_asked_for(sync: Syncer, hub: Hub) -> None:
    sync.good()
    assert sync.calls() == 1
    hub.clock += DAY * 60
    assert [request.path for request in sync.requests()] == ["/api/graphql", "/api/v4/groups/acme/iterations"]
    issue = hub.projects[0]["issues"][0]
    issue.update(iteration=None, updatedAt=when(now(hub)))
    hub.events["acme/shop#1 iterations"].append(event(15, 15 * DAY, iteration=SECOND, action="remove"))
    del hub.events["acme/shop#1 weights"][0]
    hub.requests.clear()
    sync.good()
    assert asked(sync, "_events") == 2
    first, second = (row["sprint_id"] for row in sync.rows("sprints"))
    assert [change[1:] for change in changes(sync) if change[0] == "#1"] == [
        ("sprint", "2026-01-05 09:30:00+00", None, first),
        ("story_points", "2026-01-08 09:00:00+00", None, "3"),
        ("sprint", "2026-01-19 09:00:00+00", first, second),
        ("sprint", "2026-01-20 09:00:00+00", second, None),
    ]
    del hub.projects[0]["issues"][0]
    sync.good()
    assert {change[0] for change in changes(sync)} == {"#2"}


def test_iterations_that_come_to_be_known_are_read_of_all_issues(sync: Syncer, hub: Hub) -> None:
    hub.iterations = []
    sync.good()
    assert sync.rows("sprints") == []
    assert asked(sync, "_events") == 0
    assert sprints(sync)["#2"] == []
    hub.clock += DAY * 60
    hub.iterations = [FIRST, SECOND]
    sync.good()
    assert len(changes(sync)) == 6
    assert asked(sync, "/resource_iteration_events") == 5
    assert sync.calls() == 1
    hub.clock += DAY * 60
    hub.iterations = []
    sync.good()
    assert sync.rows("sprints") == []


@pytest.mark.parametrize(("status", "unknown"), [(403, set()), (404, {"iteration"}), (404, set())])
def test_a_tier_without_iterations_is_no_trouble(sync: Syncer, hub: Hub, status: int, unknown: set[str]) -> None:
    hub.no_iterations, hub.unknown = status, unknown
    for issue in hub.projects[0]["issues"]:
        issue["iteration"] = None
    done = sync()
    assert done.error is None
    (skipped,) = done.result.skipped
    assert (skipped.what, skipped.why, skipped.gap) == ("iterations of acme", NONE_THERE, False)
    assert done.result.state == "done"
    assert (sync.rows("sprints"), changes(sync), asked(sync, "_events")) == ([], [], 0)
    assert not any(sprints(sync).values())
    assert sync.calls() == 1


def test_issues_that_tell_no_events_are_in_what_they_are_in(sync: Syncer, hub: Hub) -> None:
    hub.faults = lambda request: None if "resource_" not in request.path else REFUSED
    done = sync()
    assert done.error is None
    assert [skipped.what for skipped in done.result.skipped] == ["iterations of issues of acme/shop"]
    assert asked(sync, "_events") == 1
    first, second = (row["sprint_id"] for row in sync.rows("sprints"))
    assert sprints(sync) == {"#1": [second], "#2": [], "#3": [first], "#4": [], "#5": []}


def test_a_project_alone_and_a_user(sync: Syncer, hub: Hub) -> None:
    hub.users, hub.projects = {"ada"}, [*hub.projects, project("ada/tools", 9, issues=1)]
    sync.good("acme/shop")
    assert len(sync.rows("sprints")) == 2
    hub.requests.clear()
    sync.good("ada")
    assert asked(sync, "/iterations") == 0


def test_runs_that_are_cut_bring_the_same(sync: Syncer, monkeypatch: pytest.MonkeyPatch) -> None:
    sync.good()
    monkeypatch.setattr("leadline.sources.gitlab.streams.LIST", 2)
    beside = sync.beside()
    cut_until_through(beside)
    assert beside.tables() == sync.tables()
