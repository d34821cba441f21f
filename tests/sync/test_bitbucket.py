"""Bitbucket through the frame into the lake: whole, resumed, incremental, whatever goes wrong on the way, and what changes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from leadline.db import sources as source_rows
from leadline.sources.kit.client import LIMIT_WAITS
from stubs.bitbucket import ACCESS_TOKEN, Hub
from stubs.bitbucket_data import (
    BOT,
    OPEN,
    START,
    TEAM,
    comment,
    commit,
    deployment,
    environment,
    participant,
    pipeline,
    pull_request,
    repository,
    sha,
    uid,
    update,
    user,
    verdict,
    when,
)
from stubs.server import SERVER_ERROR, Fault, Request, Tool

from .harness import Syncer, after_records
from .scenarios import BITBUCKET

SCENARIO = BITBUCKET
Node = dict[str, Any]


@pytest.fixture
def hub(tool: Tool) -> Hub:
    assert isinstance(tool, Hub)
    return tool


def now(hub: Hub) -> float:
    """Minutes since the beginning of the data, by the tool's clock."""
    return (hub.now() - START.timestamp()) / 60


def push(hub: Hub, at: int) -> Node:
    """A repository to which something was pushed a moment ago."""
    hub.repositories[at]["updated_on"] = when(now(hub))
    return hub.repositories[at]


def parts(requests: list[Request]) -> list[str]:
    """What was asked for, by the last part of each path that is no number or sha."""
    named = ("diffstat", "commit")
    return [
        next((part for part in named if f"/{part}/" in request.path), request.path.rpartition("/")[2])
        for request in requests
    ]


ONE = ["activity", "commits", "diffstat", "commit"]
"""What a merged pull request is asked for."""


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
        "deployments": 3,
        "builds": 7,
        "tool_accounts": 3,
    }
    assert done.result.records == 10 + 3 + 7
    first = rows["pull_requests"][0]
    assert (first["repository"], first["state"], first["merged_at"], first["additions"], first["merge_commit_sha"]) == (
        "acme/shop",
        "merged",
        "2026-01-05 10:45:00+00",
        "9",
        sha("acme/shop", "merge", 1),
    )
    assert {row["repository"] for row in rows["pull_requests"]} == {"acme/shop", "acme/web"}
    assert {(row["environment"], row["status"]) for row in rows["deployments"]} == {("Production", "success")}
    assert rows["builds"][0]["build_id"].startswith("127.0.0.1:") or rows["builds"][0]["build_id"].startswith("tool:")
    (row,) = source_rows.listed(sync.project.db, sync.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at is not None) == ("done", True)


def test_what_a_first_run_asks_for(sync: Syncer, hub: Hub) -> None:
    asked = parts(sync.requests())
    lists = ["pullrequests", "pipelines"]
    shop = ["pullrequests", *ONE * 7, "pipelines", "environments", "deployments"]
    # Whether there are deployments is asked once there are pipelines.
    web = ["pullrequests", *ONE * 3, "pipelines", "environments", "deployments"]
    assert asked == ["acme", *lists, *shop, *web]


def days_after(hub: Hub, days: float) -> None:
    """It is so long after the beginning of the data."""
    hub.clock = START.timestamp() + days * 86_400 - time.time()


def test_lists_are_asked_for_in_every_run_then_daily_then_weekly(sync: Syncer, hub: Hub) -> None:
    lists = ["pullrequests", "pipelines"]
    days_after(hub, 10)
    sync.good()
    assert parts(sync.requests()) == ["acme", *lists * 3]
    days_after(hub, 20)
    assert parts(sync.requests()) == ["acme", *lists * 3]  # asked last ten days ago
    assert parts(sync.requests()) == ["acme"]
    push(hub, 0)
    assert parts(sync.requests()) == ["acme", *lists]
    days_after(hub, 21.5)
    assert parts(sync.requests()) == ["acme", *lists * 3]
    days_after(hub, 200)
    assert parts(sync.requests()) == ["acme", *lists * 3]
    days_after(hub, 206)
    assert parts(sync.requests()) == ["acme"]
    days_after(hub, 208)
    assert parts(sync.requests()) == ["acme", *lists * 3]


def test_only_what_changed_is_read(later: Syncer, hub: Hub) -> None:
    shop = push(hub, 0)
    moment = now(hub)
    shop["_pullrequests"].append({**pull_request("acme/shop", 8), "updated_on": when(moment)})
    shop["_pullrequests"][0].update(title="retold", updated_on=when(moment))
    before = len(hub.requests)
    done = later.good()
    counts = done.result.tables["pull_requests"]
    assert (counts.added, counts.updated) == (1, 1)
    assert parts(hub.requests[before:]) == ["acme", "pullrequests", *ONE * 2, "pipelines"]
    assert {row["title"] for row in later.rows("pull_requests")} >= {"retold"}


def test_what_is_taken_back_and_deleted_goes(later: Syncer, hub: Hub) -> None:
    first = push(hub, 0)["_pullrequests"][0]
    first["_activity"] = [
        update(60, "ada"),
        comment(1000, 70, "cleo", deleted=True),
        comment(1001, 71, "cleo"),
        verdict("approval", 90, "ben"),
        update(105, "ben", "MERGED"),
    ][::-1]
    first.update(participants=[participant("ben", None)], updated_on=when(now(hub)), _commits=first["_commits"][:1])
    later.good()

    def of_first(table: str) -> list[dict[str, Any]]:
        return [row for row in later.rows(table) if (row["repository"], row["number"]) == ("acme/shop", "1")]

    assert [(row["author"], row["state"]) for row in of_first("reviews")] == [("5b90d99f:ben", "dismissed")]
    assert [row["comment_id"] for row in of_first("comments")] == ["1001"]
    assert len(of_first("pull_request_commits")) == 1


def test_pull_requests_of_every_kind(sync: Syncer, hub: Hub) -> None:
    shop = hub.repositories[0]
    pulls = shop["_pullrequests"]
    pulls[0].update(merge_commit=None)  # fast forward: the last commit of the source
    pulls[1].update(state="DECLINED", merge_commit=None, _activity=[update(150, "ben", "DECLINED"), update(120, "ada")])
    pulls[2].update(state="SUPERSEDED", merge_commit=None, _activity=[update(210, "ben", "SUPERSEDED")])
    pulls[3].update(**OPEN, draft=True)
    pulls[4].update(author=None, source={"branch": {"name": "x"}, "commit": None, "repository": None})
    pulls[5].update(author=BOT, closed_by=TEAM)
    pulls[6].update(_activity=[])
    sync.good()
    found = {row["number"]: row for row in sync.rows("pull_requests") if row["repository"] == "acme/shop"}
    assert {number: row["state"] for number, row in found.items()} == {
        **dict.fromkeys(("1", "5", "6", "7"), "merged"),
        **dict.fromkeys(("2", "3"), "closed"),
        "4": "open",
    }
    assert found["1"]["merge_commit_sha"] == sha("acme/shop", 1, 1)
    assert (found["2"]["merged_at"], found["2"]["closed_at"]) == (None, "2026-01-05 11:30:00+00")
    assert (found["4"]["draft"], found["4"]["closed_at"], found["4"]["merge_commit_sha"]) == ("true", None, None)
    assert (found["5"]["author"], found["6"]["author"]) == (None, "Renovate[bot]")
    assert found["6"]["merged_by"] == "acme[bot]"
    assert found["7"]["merged_at"] == "2026-01-05 16:45:00+00"  # of the merge commit


def test_more_of_everything_than_a_page_has(sync: Syncer, hub: Hub) -> None:
    shop = hub.repositories[0]
    first = shop["_pullrequests"][0]
    first["_activity"] += [comment(5000 + at, 70, "cleo") for at in range(120)]
    first["_commits"] += [commit("acme/shop", 30, "ada", "more", at) for at in range(130)]
    file = first["_files"][0]
    first["_files"] += [{**file, "new": {"type": "commit_file", "path": f"many/{at}"}} for at in range(600)]
    hub.repositories += [repository(f"acme/r{at:03}", 100 + at) for at in range(150)]
    sync.good()
    rows = sync.tables()
    assert len(rows["comments"]) == 40 + 120
    assert len(rows["pull_request_commits"]) == 20 + 130
    assert len(rows["pull_request_files"]) == 30 + 600
    assert len(rows["repositories"]) == 153


# -- pipelines and deployments -----------------------------------------------------------------------------------------


def statuses(sync: Syncer, table: str) -> dict[str, str]:
    return {
        row["url"].rpartition("/")[2]: row["status"] for row in sync.rows(table) if row["repository"] == "acme/shop"
    }


def hours(hub: Hub) -> int:
    """The number of the pipeline that was created two hours ago."""
    return int(now(hub) / 60) - 2


def test_pipelines_and_deployments_that_end_later(sync: Syncer, hub: Hub) -> None:
    shop, latest = hub.repositories[0], hours(hub)
    shop["_pipelines"].append(pipeline("acme/shop", latest, None))
    shop["_deployments"].append(deployment("acme/shop", latest, None))
    sync.good()
    assert statuses(sync, "builds")[str(latest)] == "running"
    assert statuses(sync, "deployments")[str(latest)] == "running"
    # While they are at work they are asked for in every run.
    assert parts(sync.requests()) == ["acme", "pipelines", "environments", "deployments"]
    shop["_pipelines"][-1] = pipeline("acme/shop", latest, "FAILED")
    shop["_deployments"][-1] = deployment("acme/shop", latest, "FAILED")
    sync.good()
    assert statuses(sync, "builds")[str(latest)] == "failed"
    assert statuses(sync, "deployments")[str(latest)] == "failure"
    assert parts(sync.requests()) == ["acme", "pipelines"]


def test_a_pipeline_that_waits_for_somebody_is_looked_for_daily_and_its_deployments_always(
    sync: Syncer, hub: Hub
) -> None:
    days_after(hub, 60)
    shop, first = repository("acme/shop", 1), hours(hub)
    hub.repositories = [shop]
    shop["_pipelines"] = [pipeline("acme/shop", first, None, stage="PAUSED")]
    sync.good()
    days_after(hub, 63)
    new = [pipeline("acme/shop", hours(hub) - number / 5) for number in range(200)]
    for number, node in enumerate(new, 10_000):
        node["build_number"] = number
    shop["_pipelines"] += new
    looking = ["pipelines", "pipelines", "pipelines", "environments", "deployments"]

    def of_runs() -> list[str]:
        return [part for part in parts(sync.requests()) if part not in ("acme", "pullrequests")]

    assert of_runs() == looking  # three pages, down to the one that waits
    assert of_runs() == ["pipelines", "pipelines", "environments", "deployments"]
    shop["_pipelines"][0] = pipeline("acme/shop", first)
    shop["_deployments"] = [deployment("acme/shop", first)]
    sync.good()
    assert (len(sync.rows("deployments")), statuses(sync, "builds")[str(first)]) == (1, "paused")
    days_after(hub, 64.5)
    assert of_runs() == ["pipelines"] * 3
    assert statuses(sync, "builds")[str(first)] == "successful"
    assert of_runs() == ["pipelines", "pipelines"]


def test_a_pipeline_that_nobody_resumes_is_not_waited_for_for_ever(sync: Syncer, hub: Hub) -> None:
    hub.repositories[0]["_pipelines"][2] = pipeline("acme/shop", 3, None, stage="HALTED")
    days_after(hub, 200)
    sync.good()
    assert parts(sync.requests()) == ["acme"]


def test_deployments_to_environments_of_every_type(sync: Syncer, hub: Hub) -> None:
    shop = hub.repositories[0]
    shop["_deployments"] = [
        deployment("acme/shop", at, to=name) for at, name in enumerate(("Production", "Staging", "Test", "eu-west"), 1)
    ]
    shop["_deployments"] += [deployment("acme/shop", 5, "")]
    shop["_environments"] = [environment(name) for name in ("Production", "Staging", "eu-west")]
    sync.good()
    assert [row["environment"] for row in sorted(sync.rows("deployments"), key=lambda row: row["started_at"])] == [
        "Production",
        "Staging",
        uid("env", "Test").strip("{}"),
        "eu-west (Production)",
    ]


@pytest.mark.parametrize("orders", ["ignored", "refused"])
def test_deployments_in_no_order(sync: Syncer, hub: Hub, orders: str) -> None:
    hub.orders = orders
    shop = hub.repositories[0]
    shop["_deployments"] = [deployment("acme/shop", at) for at in range(1, 231)]
    sync.good()
    shop["_deployments"].append(deployment("acme/shop", 999))
    push(hub, 0)["_pipelines"].append(pipeline("acme/shop", 999))
    sync.good()
    assert len(sync.rows("deployments")) == 231


def test_pipelines_that_deploy_by_rule(sync: Syncer, hub: Hub) -> None:
    shop = hub.repositories[0]
    custom = {
        "type": "pipeline_ref_target",
        "ref_name": "main",
        "selector": {"type": "custom", "pattern": "deploy-live"},
    }
    shop["_pipelines"] = [
        pipeline("acme/shop", 1, target=custom),
        pipeline("acme/shop", 2),
        pipeline("acme/shop", 3, "ERROR"),
    ]
    shop["_pipelines"][2]["trigger"] = {"type": "pipeline_trigger_schedule", "name": "SCHEDULE"}
    shop["_deployments"] = []
    sync.good(deploys=("deploy-*=production", "schedule=nightly"))
    told = {(row["environment"], row["status"]) for row in sync.rows("deployments")}
    assert told == {("production", "success"), ("nightly", "failure")}
    assert len([row for row in sync.rows("builds") if row["repository"] == "acme/shop"]) == 1


# -- what is wanted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (["acme/sh*"], ["acme/shop"]),
        (["Acme/Shop"], ["acme/shop"]),
        (["acme/shop*", "acme/emp*"], ["acme/empty", "acme/shop"]),
        (["acme/web", "acme/shop"], ["acme/shop", "acme/web"]),
    ],
)
def test_targets(sync: Syncer, hub: Hub, targets: list[str], names: list[str]) -> None:
    with sync.connected(*targets) as source:
        assert source.check().things == tuple(names)


def test_one_repository_with_its_own_token(sync: Syncer, hub: Hub) -> None:
    """Which may not list the workspace."""
    hub.refused = {"/repositories/acme": 403}
    sync.good("acme/shop", token=ACCESS_TOKEN, user=None)
    assert {row["repository"] for row in sync.rows("pull_requests")} == {"acme/shop"}


def test_of_several_names_one_that_is_none_is_told(sync: Syncer, hub: Hub) -> None:
    done = sync("acme/shop", "acme/gone")
    assert done.document()["state"] == "incomplete"
    (skipped,) = done.result.skipped
    assert "has no repository acme/gone" in skipped.why
    assert len(sync.rows("pull_requests")) == 7


def test_forks_are_repositories_as_others(sync: Syncer, hub: Hub) -> None:
    hub.repositories[1]["parent"] = {"type": "repository", "full_name": "other/web", "uuid": uid("other")}
    sync.good()
    assert len(sync.rows("repositories")) == 3


# -- names that change -------------------------------------------------------------------------------------------------


def renamed(hub: Hub, at: int, name: str, **sizes: int) -> None:
    """The repository is called otherwise: its links and all."""
    number = {0: 1, 1: 2}[at]
    hub.repositories[at] = repository(name, number, **sizes)


def test_a_renamed_repository(later: Syncer, hub: Hub) -> None:
    renamed(hub, 0, "acme/store", pulls=7, pipelines=5, deployments=3)
    later.good()
    rows = later.tables()
    for name in ("repositories", "pull_requests", "reviews", "comments", "pull_request_files"):
        assert {row["repository"] for row in rows[name]} <= {"acme/store", "acme/web", "acme/empty"}
    assert len(rows["pull_requests"]) == 10
    former = {row["repository"]: row["former_names"] for row in rows["repositories"]}
    assert former == {"acme/store": "[acme/shop]", "acme/web": None, "acme/empty": None}
    # Two names that were swapped.
    renamed(hub, 0, "acme/web", pulls=7)
    renamed(hub, 1, "acme/store", pulls=3)
    later.good(rows_at_a_time=15)
    assert [row["repository"] for row in later.rows("pull_requests")] == ["acme/store"] * 3 + ["acme/web"] * 7


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_broken_repository_beside_good_ones(sync: Syncer, hub: Hub) -> None:
    hub.faults = lambda request: SERVER_ERROR if "/acme/shop/" in request.path else None
    done = sync()
    assert done.error is None
    assert done.document()["state"] == "incomplete"
    assert [failed.what for failed in done.result.failed] == ["pull requests of acme/shop", "pipelines of acme/shop"]
    assert {row["repository"] for row in sync.rows("pull_requests")} == {"acme/web"}
    hub.faults = lambda _: None
    sync.good()
    assert len(sync.rows("pull_requests")) == 10


def test_a_repository_that_is_refused_beside_good_ones(sync: Syncer, hub: Hub) -> None:
    hub.refused = {"/acme/shop/pullrequests": 403, "/acme/shop/pipelines": 404}
    for _ in range(2):
        done = sync()
        assert done.document()["state"] == "incomplete"
        (refused,) = [one for one in done.result.skipped if one.gap]
        assert (refused.what, "Access denied." in refused.why) == ("pull requests of acme/shop", True)
    assert {row["repository"] for row in sync.rows("pull_requests")} == {"acme/web"}
    hub.refused = {}
    hub.clock += 8 * 86_400
    sync.good()
    assert len(sync.rows("pull_requests")) == 10


@pytest.mark.parametrize(("lacks", "lists"), [("pullrequest", "pull requests"), ("pipeline", "pipelines")])
def test_a_missing_scope_is_named(sync: Syncer, hub: Hub, lacks: str, lists: str) -> None:
    hub.scopes = tuple(scope for scope in hub.scopes if scope != lacks)
    done = sync()
    assert done.document()["state"] == "incomplete"
    told = {skip.what: skip.why for skip in done.result.skipped}
    assert set(told) == {f"{lists} of acme/{name}" for name in ("empty", "shop", "web")}
    has = ", ".join(sorted(hub.scopes))
    assert f"needs the scope {lacks}; it has {has}" in told[f"{lists} of acme/shop"]
    with sync.connected() as source:
        assert {skip.what for skip in source.check().hidden} >= {f"{lists} of acme/empty"}


def test_a_token_that_may_see_no_repositories(sync: Syncer, hub: Hub) -> None:
    hub.scopes = ("pullrequest",)
    done = sync()
    assert done.error is not None
    assert "needs the scope repository; it has pullrequest" in done.error.message


def test_a_limit_that_tells_nothing_is_waited_out(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    hub.budget = 20
    sync.good()
    assert len(sync.waits) >= 4
    assert all(30 <= seconds <= 900 for seconds in sync.waits)
    assert len(sync.waits) < LIMIT_WAITS
    assert sync.tables() == expected


def test_lists_of_a_pull_request_that_cannot_be_read(sync: Syncer, hub: Hub) -> None:
    """One that is too heavy for Bitbucket, one that is refused, one that is not there: the others are read."""
    pulls = hub.repositories[0]["_pullrequests"]
    heavy = Fault(555, (("Content-Type", "application/json"),), b'{"type": "error"}')
    hub.faults = lambda request: heavy if "/acme/shop:" in request.path and "_id=2&" in request.url else None
    hub.refused = {"/acme/shop/pullrequests/3/activity": 403}
    pulls[3]["_commits"] = None
    done = sync()
    told = {skip.what: skip.gap for skip in done.result.skipped}
    assert told == {
        "files of acme/shop#2": True,
        "activity of acme/shop#3": True,
        "commits of acme/shop#4": False,
    }
    assert len(sync.rows("pull_requests")) == 10
    files = {row["number"] for row in sync.rows("pull_request_files") if row["repository"] == "acme/shop"}
    assert files == {"1", "3", "4", "5", "6", "7"}


def test_lists_are_not_given_up_one_by_one_where_nothing_is_answered(sync: Syncer, hub: Hub) -> None:
    hub.faults = lambda request: SERVER_ERROR if "/acme/shop/pullrequests/" in request.path else None
    done = sync()
    assert [failed.what for failed in done.result.failed] == ["pull requests of acme/shop"]
    assert {row["repository"] for row in sync.rows("pull_requests")} == {"acme/web"}


def test_a_token_is_taken_to_no_other_server(sync: Syncer, hub: Hub) -> None:
    answer = hub.answer

    def elsewhere(request: Request) -> Any:
        status, headers, body = answer(request)
        if request.path.endswith("/acme/shop/pipelines"):
            body = {**body, "next": "https://elsewhere.example.com/2.0/repositories/acme/shop/pipelines?page=2"}
        return status, headers, body

    hub.answer = elsewhere  # type: ignore[method-assign]
    try:
        done = sync()
    finally:
        del hub.answer
    (skipped,) = done.result.skipped
    assert (skipped.what, "leads to 'https://elsewhere" in skipped.why) == ("pipelines of acme/shop", True)


def test_odd_values(sync: Syncer, hub: Hub) -> None:
    shop = hub.repositories[0]
    pulls = shop["_pullrequests"]
    pulls[0]["title"] = "NUL \x00 and half \ud800 and \U0001f9d1‍\U0001f680"
    pulls[1]["draft"] = "perhaps"
    pulls[2]["author"] = "ada"
    pulls[3]["_activity"] = [7]
    pulls[4]["_activity"] = [{"approval": {"date": None, "user": user("ben")}}]
    shop["_pipelines"][0]["target"] = "main"
    shop["_deployments"][0]["environment"] = "production"
    shop["mainbranch"] = None
    done = sync()
    assert done.error is None
    told = {skip.what for skip in done.result.skipped}
    assert {"acme/shop#3", "acme/shop#5", "pipeline 1 of acme/shop"} <= told
    found = {row["number"]: row for row in sync.rows("pull_requests") if row["repository"] == "acme/shop"}
    assert found["1"]["title"] == "NUL  and half ? and \U0001f9d1‍\U0001f680"
    assert "3" not in found
    assert (len(sync.rows("builds")), len(sync.rows("deployments"))) == (6, 2)


# -- size --------------------------------------------------------------------------------------------------------------


def test_a_workspace_of_a_realistic_size_is_read_once_and_then_only_its_changes(sync: Syncer, hub: Hub) -> None:
    """Forty repositories with 800 pull requests; the run is cut in the middle, goes on, and a second one reads what changed."""
    hub.repositories = [
        repository(f"acme/r{at:02}", 100 + at, pulls=20, pipelines=10, deployments=2, commits=1, files=1, comments=1)
        for at in range(40)
    ]
    with pytest.raises(KeyboardInterrupt):
        sync(progress=after_records(500), rows_at_a_time=200)
    cut = len(hub.requests)
    done = sync.good()
    assert {name: len(sync.rows(name)) for name in ("pull_requests", "comments", "builds", "deployments")} == {
        "pull_requests": 800,
        "comments": 1600,
        "builds": 400,
        "deployments": 80,
    }
    # Only what was read ahead of what was delivered is asked for again.
    assert len(hub.requests) <= 2 + 40 * (4 * 20 + 4) + cut // 2
    assert done.result.records <= 40 * 32 - 400
    for at in (3, 17):
        push(hub, at)["_pullrequests"].append({**pull_request(f"acme/r{at:02}", 21), "updated_on": when(now(hub))})
    again = sync.requests()
    assert parts(again) == ["acme", *["pullrequests", *ONE, "pipelines"] * 2]
    assert len(sync.rows("pull_requests")) == 802
