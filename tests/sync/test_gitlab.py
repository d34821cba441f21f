"""GitLab through the frame into the lake: whole, resumed, incremental, one run at a time, whatever goes wrong on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadline.db import sources as source_rows
from leadline.derive.former_keys import former_keys
from leadline.derive.links import links, mentions
from leadline.engine import Engine
from leadline.home import Project
from stubs.gitlab import PASSING, Hub
from stubs.gitlab_data import (
    START,
    commit,
    deployment,
    issue,
    merge_request,
    note,
    pipeline,
    project,
    release,
    user,
    when,
)
from stubs.server import JSON, Fault, Request, Tool

from .harness import Syncer, after_records
from .scenarios import GITLAB

SCENARIO = GITLAB


@pytest.fixture
def hub(tool: Tool) -> Hub:
    assert isinstance(tool, Hub)
    return tool


def linked(project: Project) -> set[tuple[Any, ...]]:
    """Merge requests and the issues that they name."""
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot())
        found = engine.arrow(links(mentions(), former_keys())).to_pylist()
    return {(row["repository"], row["number"], row["project"], row["key"], row["seen"]) for row in found}


def now(hub: Hub) -> float:
    """Minutes since the beginning of the data, by the tool's clock."""
    return (hub.now() - START.timestamp()) / 60


def test_everything_there_is(sync: Syncer, hub: Hub) -> None:
    done = sync.good()
    rows = sync.tables()
    assert {name: len(found) for name, found in rows.items()} == {
        "repositories": 3,
        "pull_requests": 10,
        "pull_request_commits": 20,
        "pull_request_files": 30,
        "reviews": 10,
        "comments": 40,
        "work_items": 5,
        "releases": 2,
        "deployments": 3,
        "builds": 7,
        "tool_accounts": 3,
    }
    assert done.result.records == 10 + 5 + 2 + 3 + 7
    first = rows["pull_requests"][0]
    assert (first["repository"], first["state"], first["merged_at"], first["additions"]) == (
        "acme/shop",
        "merged",
        "2026-01-05 10:45:00+00",
        "9",
    )
    assert {row["repository"] for row in rows["pull_requests"]} == {"acme/shop", "acme/sub/web"}
    assert rows["deployments"][0]["status"] == "success"
    assert rows["deployments"][0]["finished_at"] == "2026-01-05 10:13:00+00"
    assert rows["work_items"][0]["key"] == "#1"
    assert linked(sync.project) == {("acme/shop", at, "acme/shop", f"#{at}", "body") for at in range(1, 6)}
    (row,) = source_rows.listed(sync.project.db, sync.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at is not None, row.configured) == ("done", True, False)
    assert max(hub.costs) <= 250


def test_nothing_new_is_one_call_for_a_hundred_projects(sync: Syncer, hub: Hub) -> None:
    hub.projects += [project(f"acme/r{at:03}", 100 + at, merge_requests=1, issues=1, pipelines=1) for at in range(97)]
    sync.good()
    versions = sync.project.lake.snapshot().versions
    assert sync.calls() == 1
    assert sync.project.lake.snapshot().versions == versions
    hub.projects += [project("acme/one-more", 999)]
    assert sync.calls() == 2 + 2  # two pages of projects; the new one's deployments and pipelines
    assert sync.calls() == 2


def test_only_what_is_new_is_read(later: Syncer, hub: Hub) -> None:
    shop = hub.projects[0]
    shop["mergeRequests"].append({**merge_request("acme/shop", 8), "updatedAt": when(now(hub))})
    shop["mergeRequests"][0].update(title="retold", updatedAt=when(now(hub)))
    shop["issues"][1].update(state="closed", closedAt=when(900), updatedAt=when(now(hub)))
    done = later.good()
    counts = done.result.tables["pull_requests"]
    assert (counts.added, counts.updated) == (1, 1)
    assert done.result.call_stats.calls == 3  # the overview, merge requests, issues
    rows = later.tables(["pull_requests", "work_items"])
    assert {row["title"] for row in rows["pull_requests"]} >= {"retold", "SHOP-8 change"}
    assert rows["work_items"][1]["completed_at"] == "2026-01-06 00:00:00+00"
    # An issue that moved to another project is there, and no longer here.
    shop["issues"][0].update(moved=True, state="closed", updatedAt=when(now(hub)))
    hub.projects[1]["issues"].append({**issue("acme/sub/web", 1), "updatedAt": when(now(hub))})
    later.good()
    rows = later.tables(["work_items"])
    assert [(row["project"], row["key"]) for row in rows["work_items"]] == [
        *(("acme/shop", f"#{at}") for at in (2, 3, 4, 5)),
        ("acme/sub/web", "#1"),
    ]


def test_what_changed_just_before_a_run_is_read_again(sync: Syncer, hub: Hub) -> None:
    hub.projects[0]["mergeRequests"][0]["updatedAt"] = when(now(hub) - 1)
    sync.good()
    assert sync.calls() == 2
    hub.clock = 600
    assert sync.calls() == 2
    assert sync.calls() == 1


def test_what_vanished_from_a_merge_request_is_taken_away(later: Syncer, hub: Hub) -> None:
    first, second = hub.projects[0]["mergeRequests"][:2]
    del first["commits"][0], first["diffStats"][1:]
    first["notes"] = [each for each in first["notes"] if "approved" in each["body"]]
    second.update(notes=[], approvedBy=[])
    for each in (first, second):
        each["updatedAt"] = when(now(hub))
    done = later.good()
    assert {name: counts.removed for name, counts in done.result.tables.items() if counts.removed} == {
        "pull_request_commits": 1,
        "pull_request_files": 2,
        "reviews": 1,
        "comments": 4 + 4,
    }


def test_deleted_things_are_taken_away(later: Syncer, hub: Hub) -> None:
    shop = hub.projects[0]
    del shop["mergeRequests"][2], shop["mergeRequests"][-1], shop["issues"][1], shop["releases"][0]
    done = later.good()
    assert {name: counts.removed for name, counts in done.result.tables.items() if counts.removed} == {
        "pull_requests": 2,
        "pull_request_commits": 4,
        "pull_request_files": 6,
        "reviews": 2,
        "comments": 8,
        "work_items": 1,
        "releases": 1,
    }
    rows = later.tables()
    assert [row["number"] for row in rows["pull_requests"] if row["repository"] == "acme/shop"] == list("12456")
    assert [row["key"] for row in rows["work_items"]] == ["#1", "#3", "#4", "#5"]
    assert [row["tag"] for row in rows["releases"]] == ["v2"]
    assert later.calls() == 1
    # As many as before, and still not the same.
    del shop["mergeRequests"][2]
    shop["mergeRequests"].append({**merge_request("acme/shop", 8), "updatedAt": when(now(hub))})
    later.good()
    rows = later.tables(["pull_requests"])
    assert [row["number"] for row in rows["pull_requests"] if row["repository"] == "acme/shop"] == list("12568")


def test_long_lists_are_read_to_their_ends(sync: Syncer, hub: Hub) -> None:
    hub.projects = [project("acme/shop", 1)]
    large = merge_request("acme/shop", 8, commits=260, files=3000, notes=130, labels=125)
    large["approvedBy"] += [user(f"u{at}") for at in range(120)]
    hub.projects[0]["mergeRequests"].append(large)
    sync.good()
    rows = sync.tables()
    of_it = {name: sum(row.get("number") == "8" for row in found) for name, found in rows.items()}
    assert of_it["pull_request_commits"] == 260
    assert of_it["pull_request_files"] == 3000
    assert of_it["reviews"] == 121
    assert of_it["comments"] == 260
    (row,) = [row for row in rows["pull_requests"] if row["number"] == "8"]
    assert row["labels"].count("label ") == 125
    assert (row["additions"], row["changed_files"]) == ("9000", "3000")


def test_calls_per_merge_request(sync: Syncer, hub: Hub) -> None:
    requests = [merge_request("acme/shop", at, files=1) for at in range(1, 201)]
    for at in range(0, 200, 20):
        requests[at] = merge_request("acme/shop", at + 1, commits=150, files=350)
    hub.projects = [{**project("acme/shop", 1), "mergeRequests": requests}]
    done = sync.good()
    assert done.result.call_stats.calls / 200 <= 0.15


def test_squashed_and_fast_forwarded_ones(sync: Syncer, hub: Hub) -> None:
    hub.projects = [project("acme/shop", 1, merge_requests=4)]
    requests = hub.projects[0]["mergeRequests"]
    requests[0].update(mergeCommitSha=None, squashCommitSha="5" * 40)
    requests[1].update(mergeCommitSha=None, diffHeadSha="f" * 40)
    requests[2].update(state="opened", mergeCommitSha=None, mergedAt=None, diffHeadSha="e" * 40)
    requests[3].update(state="closed", mergeCommitSha=None, mergedAt=None, closedAt=when(250))
    sync.good()
    rows = sync.tables(["pull_requests"])["pull_requests"][:4]
    assert [row["merge_commit_sha"] for row in rows] == ["5" * 40, "f" * 40, None, None]
    assert [row["state"] for row in rows] == ["merged", "merged", "open", "closed"]
    assert [row["merged_by"] for row in rows] == ["ben", "ben", None, None]
    assert rows[3]["closed_at"] == "2026-01-05 13:10:00+00"


# -- interruptions -----------------------------------------------------------------------------------------------------


def test_what_comes_while_a_backfill_is_cut(sync: Syncer, hub: Hub) -> None:
    hub.projects = [project("acme/shop", 1, merge_requests=60, pipelines=250, commits=1, files=1)]
    shop = hub.projects[0]
    for wanted in (30, 60 + 110):  # in the middle of the merge requests, then of the pipelines
        with pytest.raises(KeyboardInterrupt):
            sync.good(progress=after_records(wanted), rows_at_a_time=90)
        shop["pipelines"].append(pipeline("acme/shop", 300 + wanted, updatedAt=when(now(hub))))
        if wanted == 30:
            shop["mergeRequests"].append({**merge_request("acme/shop", 61), "updatedAt": when(now(hub))})
            shop["mergeRequests"][3].update(title="retold", updatedAt=when(now(hub)))
    sync.good()
    rows = sync.tables(["pull_requests", "builds"])
    assert sum(row["repository"] == "acme/shop" for row in rows["pull_requests"]) == 61
    assert sum(row["repository"] == "acme/shop" for row in rows["builds"]) == 252
    assert sum(row["title"] == "retold" for row in rows["pull_requests"]) == 1
    hub.clock = 600
    sync.good()
    assert sync.calls() == 1


def test_a_cursor_the_server_forgot(sync: Syncer, hub: Hub) -> None:
    hub.projects = [project("acme/shop", 1, merge_requests=45, commits=1, files=1)]

    with pytest.raises(KeyboardInterrupt):
        sync.good(progress=after_records(25), rows_at_a_time=40)

    def forget(request: Request) -> Fault | None:
        asked = request.body or {"query": ""}
        if "mergeRequests" in asked["query"] and asked["variables"].get("after") and not forgotten:
            forgotten.append(request)
            body = b'{"errors": [{"message": "Please provide a valid cursor"}]}'
            return Fault(200, JSON, body)
        return None

    forgotten: list[Request] = []
    hub.faults = forget
    sync.good()
    assert forgotten
    assert len(sync.tables(["pull_requests"])["pull_requests"]) == 45


# -- troubles ----------------------------------------------------------------------------------------------------------


def test_every_passing_fault_at_every_request(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    left: dict[str, list[str]] = {}

    def in_turn(request: Request) -> Fault | None:
        # What is no JSON first: after other troubles it would be taken for the wrong address.
        kinds = left.setdefault(request.asked, sorted(PASSING, key=lambda name: name != "HTML"))
        if not request.body and "timed out" in kinds:
            kinds.remove("timed out")  # only GraphQL says so in an answer like any other
        return PASSING[kinds.pop(0)] if kinds else None

    hub.faults = in_turn
    sync.good()
    assert sync.tables() == expected


def test_a_page_too_heavy_for_the_server_is_read_in_parts(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    timeout = Fault(504)
    hub.faults = lambda request: timeout if ((request.body or {}).get("variables", {}).get("size", 0)) > 4 else None
    hub.projects[0]["pipelines"], hub.projects[0]["issues"], hub.projects[0]["releases"] = [], [], []
    hub.projects[1]["pipelines"] = []
    sync.good()
    rows = sync.tables()
    for table in ("repositories", "pull_requests", "comments", "reviews", "pull_request_files"):
        assert rows[table] == expected[table]


def test_a_merge_request_too_heavy_by_itself_is_read_list_by_list(
    sync: Syncer, hub: Hub, expected: dict[str, Any]
) -> None:
    hub.faults = lambda request: (
        Fault(504) if request.body and "notes" in request.body["query"] and "things" in request.body["query"] else None
    )
    sync.good()
    assert sync.tables() == expected


def test_an_answer_in_part_is_no_answer(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    """Half an answer would look as if the missing merge requests did not exist."""

    def in_part(request: Request) -> Fault | None:
        if not request.body or "notes" not in request.body["query"] or request.body["variables"].get("size", 0) <= 4:
            return None
        things = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [None]}
        body = {"data": {"project": {"things": things}}, "errors": [{"message": "Timeout on MergeRequest.notes"}]}
        return Fault(200, JSON, json.dumps(body).encode())

    hub.faults = in_part
    sync.good()
    assert sync.tables() == expected


def test_a_list_that_git_cannot_give_is_left_out_and_told(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    hub.broken = lambda thing, name: name == "diffStats" and thing["title"] == "SHOP-5 change"
    done = sync()
    assert done.error is None
    (skipped,) = done.result.skipped
    assert (skipped.what, "all backends failing" in skipped.why) == ("diffStats of acme/shop!5", True)
    rows = sync.tables()
    assert len(rows["pull_requests"]) == 10
    assert len(rows["pull_request_files"]) == 27
    assert rows["comments"] == expected["comments"]


def test_a_project_whose_git_is_in_trouble(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    hub.broken = lambda thing, name: name == "repository" and thing["fullPath"] == "acme/empty"
    sync.good()
    rows = sync.tables()
    assert [row["default_branch"] for row in rows["repositories"]] == [None, "main", "main"]
    assert rows["pull_requests"] == expected["pull_requests"]


def test_an_older_server_lacks_fields(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    hub.unknown = {"closedAt", "weight", "publicEmail", "committedDate"}
    hub.projects[0]["issues"] = []  # where closedAt has always been
    sync.good()
    rows = sync.tables()
    without = [{**row, "closed_at": None} if row["state"] == "closed" else row for row in expected["pull_requests"]]
    assert rows["pull_requests"] == without
    assert rows["builds"] == expected["builds"]


@pytest.mark.parametrize(
    ("role", "state", "why"),
    [
        (10, "incomplete", "the token's role there is too low (Guest): it needs Reporter"),
        (20, "done", "the feature is off"),
        (0, "done", "the token's role is too low, or the feature is off"),
        (None, "done", "the token's role is too low, or the feature is off"),
    ],
)
def test_lists_that_may_not_be_seen_are_named(
    sync: Syncer, hub: Hub, expected: dict[str, Any], role: int | None, state: str, why: str
) -> None:
    """A role that is too low makes the run incomplete, a feature that is off does not; servers before 16.9 do not tell which."""
    hub.hidden = {"pipelines", "deployments", "issues"}
    if role is None:
        hub.unknown = {"maxAccessLevel"}
    else:
        hub.role = role
    for _ in range(2):  # also where deployments are not asked for again
        done = sync()
        assert (done.error, done.document()["state"]) == (None, state)
    done = sync()
    told = {skip.what: skip.why for skip in done.result.skipped}
    assert told["pipelines of 3 projects of acme"] == why
    assert ("403 Forbidden" in told.get("deployments of acme/shop", "")) == (role == 10)
    rows = sync.tables()
    assert (rows["deployments"], rows["builds"], rows["work_items"]) == ([], [], [])
    assert rows["reviews"] == expected["reviews"]
    hub.hidden = set()
    hub.clock += 8 * 86_400
    for moved in (moved for shown in hub.projects for moved in shown["pipelines"][:1]):
        moved["updatedAt"] = when(now(hub))
    sync.good()
    rows = sync.tables()
    assert len(rows["deployments"]) == 3
    assert len(rows["builds"]) == len(expected["builds"])
    assert rows["work_items"] == expected["work_items"]


def test_what_a_connection_may_see(sync: Syncer, hub: Hub) -> None:
    hub.hidden = {"deployments", "pipelines"}
    with sync.connected() as source:
        found = source.check()
    assert (found.owner, found.noun, found.things) == ("acme", "projects", ("acme/empty", "acme/shop", "acme/sub/web"))
    assert "deployments of acme/empty" in {one.what for one in found.hidden}
    assert len(hub.requests) == 6


def test_a_missing_scope_is_named(sync: Syncer, hub: Hub) -> None:
    hub.scopes = ("read_repository", "read_user")
    done = sync()
    assert done.error is not None
    assert "needs the scope read_api; it has read_repository, read_user" in done.error.message


def test_a_scope_that_rest_asks_for(sync: Syncer, hub: Hub) -> None:
    body = b'{"error": "insufficient_scope", "error_description": "higher", "scope": "api read_api"}'
    refused = Fault(403, JSON, body)
    hub.faults = lambda request: refused if "deployments" in request.path else None
    done = sync()
    assert done.error is None
    assert (
        "needs the scope api, read_api"
        in {skip.what: skip.why for skip in done.result.skipped}["deployments of acme/shop"]
    )


def test_odd_values(sync: Syncer, hub: Hub) -> None:
    shop = hub.projects[0]
    requests = shop["mergeRequests"]
    requests[0]["title"] = "NUL \x00 and half \ud800 and \U0001f9d1‍\U0001f680"
    requests[1]["draft"] = "perhaps"
    requests[2]["diffStats"] = "a text"
    requests[3]["author"] = user("ghost")
    requests[4]["author"] = user("project_7_bot_0a1b2c")
    shop["issues"][0]["labels"] = "none"
    shop["releases"][0]["commit"] = "x"
    shop["deployments"][0]["environment"] = "production"
    shop["pipelines"][0]["user"] = 7
    done = sync()
    assert done.error is None
    assert len(done.result.skipped) == 6, done.result.skipped
    assert {"acme/shop!3", "acme/shop#1", "release of acme/shop v1"} <= {skip.what for skip in done.result.skipped}
    rows = sync.tables()
    found = {row["number"]: row for row in rows["pull_requests"] if row["repository"] == "acme/shop"}
    assert set(found) == {"1", "4", "5", "6", "7"}
    assert found["1"]["title"] == "NUL  and half ? and \U0001f9d1‍\U0001f680"
    assert found["4"]["author"] is None
    assert found["5"]["author"] == "project_7_bot_0a1b2c[bot]"
    assert [len(rows[name]) for name in ("work_items", "releases", "deployments", "builds")] == [4, 1, 2, 6]


# -- what is wanted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (["acme/sh*"], ["acme/shop"]),
        (["acme/*/web"], ["acme/sub/web"]),
        (["acme/sub"], ["acme/sub/web"]),
        (["Acme/Shop"], ["acme/shop"]),
        (["acme/shop*", "acme/emp*"], ["acme/empty", "acme/shop"]),
        (["ada"], ["ada/notes"]),
    ],
)
def test_targets(sync: Syncer, hub: Hub, targets: list[str], names: list[str]) -> None:
    hub.projects.append(project("ada/notes", 9, issues=1))
    hub.users.add("ada")
    with sync.connected(*targets) as source:
        assert source.check().things == tuple(names)


def test_pipelines_that_deploy_by_rule(sync: Syncer, hub: Hub) -> None:
    hub.projects = [project("acme/shop", 1, pipelines=7)]
    runs = hub.projects[0]["pipelines"]
    runs[0]["name"] = "Deploy shop"
    runs[1]["ref"] = "release/1"
    runs[2].update(source="schedule", status="FAILED")
    runs[3].update(source="schedule", status="RUNNING", finishedAt=None)
    sync.good(deploys=("deploy*=production", "release/*", "schedule=nightly"))
    rows = sync.tables(["builds", "deployments"])
    assert len(rows["builds"]) == 3
    told = {(row["environment"], row["status"]) for row in rows["deployments"] if "pipeline/" in row["deployment_id"]}
    assert told == {("production", "success"), (None, "success"), ("nightly", "failure"), ("nightly", "running")}


# -- what changes later ------------------------------------------------------------------------------------------------


def test_pipelines_and_deployments_that_end_later(sync: Syncer, hub: Hub) -> None:
    shop = hub.projects[0]
    shop["deployments"][0] = deployment("acme/shop", 1, "running")
    shop["pipelines"][0] = pipeline("acme/shop", 1, "RUNNING")
    sync.good()
    rows = sync.tables(["builds", "deployments"])
    assert (rows["deployments"][0]["status"], rows["deployments"][0]["finished_at"]) == ("running", None)
    assert [row["status"] for row in rows["builds"]].count("running") == 1
    shop["deployments"][0] = {**deployment("acme/shop", 1, "failed"), "updated_at": when(now(hub))}
    shop["pipelines"][0] = pipeline("acme/shop", 1, "FAILED", updatedAt=when(now(hub)))
    assert sync.calls() == 3
    rows = sync.tables(["builds", "deployments"])
    assert rows["deployments"][0]["status"] == "failure"
    assert sorted({row["status"] for row in rows["builds"]}) == ["failed", "success"]


def test_deployments_made_without_a_job_are_looked_for_daily(sync: Syncer, hub: Hub) -> None:
    web = hub.projects[1]
    web["deployments"] = [deployment("acme/sub/web", 1, by_job=False)]
    sync.good()
    assert sync.calls() == 1
    hub.clock = 1.5 * 86_400
    web["deployments"].append({**deployment("acme/sub/web", 2, by_job=False), "updated_at": when(now(hub))})
    assert sync.calls() == 3  # iterations are looked for daily, too
    assert sum(row["repository"] == "acme/sub/web" for row in sync.tables()["deployments"]) == 2
    hub.clock = 9 * 86_400
    assert sync.calls() == 1 + 1 + 3


def test_many_deployments_of_one_second(sync: Syncer, hub: Hub) -> None:
    hub.projects = [project("acme/sub/web", 2)]
    web = hub.projects[0]
    web["deployments"] = [{**deployment("acme/sub/web", at), "updated_at": when(max(at, 300))} for at in range(1, 700)]
    sync.good()
    assert sum(row["repository"] == "acme/sub/web" for row in sync.tables()["deployments"]) == 699


def test_a_new_release(later: Syncer, hub: Hub) -> None:
    hub.projects[0]["releases"].append({**release("acme/shop", 3), "createdAt": when(now(hub))})
    assert later.calls() == 2
    assert [row["tag"] for row in later.tables()["releases"]] == ["v1", "v2", "v3"]


def test_a_transferred_project(later: Syncer, hub: Hub) -> None:
    hub.projects[0] = project("acme/sub/store", 1, merge_requests=7, issues=5, releases=2, deployments=3, pipelines=5)
    later.good()
    rows = later.tables()
    for name in ("repositories", "pull_requests", "reviews", "comments", "releases"):
        assert {row["repository"] for row in rows[name]} <= {"acme/sub/store", "acme/sub/web", "acme/empty"}
    assert len(rows["pull_requests"]) == 10
    assert {row["project"] for row in rows["work_items"]} == {"acme/sub/store"}
    assert len(rows["work_items"]) == 5
    # Two paths that were swapped.
    hub.projects[0] = project("acme/sub/web", 1, merge_requests=7, issues=5)
    hub.projects[1] = project("acme/sub/store", 2, merge_requests=3, issues=3)
    later.good(rows_at_a_time=15)
    rows = later.tables(["pull_requests", "work_items"])
    assert [row["repository"] for row in rows["pull_requests"]] == ["acme/sub/store"] * 3 + ["acme/sub/web"] * 7
    assert [row["project"] for row in rows["work_items"]] == ["acme/sub/store"] * 3 + ["acme/sub/web"] * 5


def test_reviews_that_are_taken_back(later: Syncer, hub: Hub) -> None:
    first = hub.projects[0]["mergeRequests"][0]
    first["notes"] += [
        note(1800, "requested changes", "cleo", 95, system=True),
        note(1801, "unapproved this merge request", "ben", 96, system=True),
    ]
    first.update(approvedBy=[], updatedAt=when(now(hub)), commits=[commit("acme/shop", 1, 9, 30, "ada")])
    later.good()
    rows = [row for row in later.tables()["reviews"] if (row["repository"], row["number"]) == ("acme/shop", "1")]
    assert [(row["author"], row["state"]) for row in rows] == [("ben", "dismissed"), ("cleo", "changes_requested")]
