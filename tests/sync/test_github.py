"""GitHub through the frame into the lake: whole, resumed, incremental, one run at a time, whatever goes wrong on the way."""

from __future__ import annotations

import copy
import json
import time
from datetime import datetime
from typing import Any

import pytest

from leadline.db import sources as source_rows
from stubs.github import Hub
from stubs.github_data import comment, deployment, pull, release, repository, review, run, user, when
from stubs.server import JSON, Fault, Request, Tool

from .harness import Syncer, after_records
from .scenarios import GITHUB

SCENARIO = GITHUB


@pytest.fixture
def hub(tool: Tool) -> Hub:
    assert isinstance(tool, Hub)
    return tool


def test_everything_there_is(sync: Syncer) -> None:
    done = sync.good()
    rows = sync.tables()
    assert {name: len(found) for name, found in rows.items()} == {
        "repositories": 3,
        "pull_requests": 10,
        "pull_request_commits": 20,
        "pull_request_files": 30,
        "reviews": 20,
        "comments": 40,
        "releases": 2,
        "deployments": 3,
        "builds": 7,
        "commits": 20 + 10,  # those that were squashed, and what became of them
        "tool_accounts": 0,  # of a user nobody is a member
    }
    assert done.result.records == 10 + 2 + 3 + 7 + 10
    first = rows["pull_requests"][0]
    assert (first["repository"], first["state"], first["merged_at"]) == (
        "acme/shop",
        "merged",
        "2026-01-05 10:45:00+00",
    )
    assert rows["deployments"][0]["status"] == "success"
    (row,) = source_rows.listed(sync.project.db, sync.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at is not None, row.configured) == ("done", True, False)


def test_only_what_is_new_is_read(later: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    shop["pullRequests"].append(pull("acme/shop", 8))
    shop["pullRequests"][0]["title"] = "retold"
    shop["pullRequests"][0]["updatedAt"] = when(9000)
    done = later.good()
    counts = done.result.tables["pull_requests"]
    assert (counts.added, counts.updated) == (1, 1)
    # The overview, pull requests and their commits, and builds, since something was pushed.
    assert done.result.call_stats.calls == 4
    assert {row["title"] for row in later.tables(["pull_requests"])["pull_requests"]} >= {"retold", "SHOP-8 change"}


def test_what_vanished_from_a_pull_request_is_taken_away(later: Syncer, hub: Hub) -> None:
    first, second = hub.owners["acme"][0]["pullRequests"][:2]
    del first["commits"][0], first["files"][1:], first["comments"][0], first["reviews"][1]
    first["reviews"][0]["comments"] = []
    first["updatedAt"] = when(9000)
    second["comments"], second["updatedAt"] = [], when(9001)
    done = later.good()
    assert {name: counts.removed for name, counts in done.result.tables.items() if counts.removed} == {
        "pull_request_commits": 1,
        "pull_request_files": 2,
        "reviews": 1,
        "comments": 3 + 2,
    }
    rows = later.tables(["comments", "reviews"])
    of_first = [row for row in rows["comments"] if (row["repository"], row["number"]) == ("acme/shop", "1")]
    assert [row["kind"] for row in of_first] == ["discussion"]
    assert len(rows["reviews"]) == 19


def test_long_lists_are_read_to_their_ends(sync: Syncer, hub: Hub) -> None:
    large = pull("acme/shop", 8, commits=260, files=3000, reviews=45, comments=130, labels=25)
    large["reviews"][3]["comments"] = [comment(900_000 + at, "ben", 500) for at in range(230)]
    hub.owners["acme"][0]["pullRequests"].append(large)
    sync.good()
    rows = sync.tables()
    of_it = {name: sum(row.get("number") == "8" for row in found) for name, found in rows.items()}
    assert of_it["pull_request_commits"] == 260
    assert of_it["pull_request_files"] == 3000
    assert of_it["reviews"] == 45
    assert of_it["comments"] == 130 + 44 + 230
    (row,) = [row for row in rows["pull_requests"] if row["number"] == "8"]
    assert row["labels"].count("label ") == 25


def test_calls_per_pull_request(sync: Syncer, hub: Hub) -> None:
    hub.owners["acme"][0]["pullRequests"] = [pull("acme/shop", at) for at in range(1, 201)]
    for at in range(0, 200, 20):
        hub.owners["acme"][0]["pullRequests"][at] = pull("acme/shop", at + 1, commits=150, files=350)
    done = sync.good()
    assert done.result.call_stats.calls / 203 <= 1.2


# -- interruptions -----------------------------------------------------------------------------------------------------


def test_what_comes_while_a_backfill_is_cut(sync: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    shop["pullRequests"] += [pull("acme/shop", at) for at in range(8, 61)]
    shop["runs"] = [run("acme/shop", at) for at in range(1, 251)]
    for wanted in (30, 60 + 2 + 3 + 110):  # in the middle of the pull requests, then of the runs
        with pytest.raises(KeyboardInterrupt):
            sync.good(progress=after_records(wanted), rows_at_a_time=1)
        shop["runs"].append(run("acme/shop", 300 + wanted))
        if wanted == 30:
            shop["pullRequests"].append(pull("acme/shop", 61))
        shop["pushedAt"] = when(wanted * 600)
    sync.good()
    sync.good()
    rows = sync.tables(["pull_requests", "builds"])
    assert sum(row["repository"] == "acme/shop" for row in rows["pull_requests"]) == 61
    assert sum(row["repository"] == "acme/shop" for row in rows["builds"]) == 252
    assert sync.calls() == 1


def test_a_cursor_the_server_forgot(sync: Syncer, hub: Hub) -> None:
    hub.owners["acme"][0]["pullRequests"] += [pull("acme/shop", at) for at in range(8, 61)]

    with pytest.raises(KeyboardInterrupt):
        sync.good(progress=after_records(25), rows_at_a_time=1)

    def forget(request: Request) -> Fault | None:
        if request.variables.get("after") and "things: pullRequests" in request.query and not forgotten:
            forgotten.append(request)
            body = b'{"data": null, "errors": [{"type": "X", "message": "`y` does not appear to be a valid cursor."}]}'
            return Fault(200, JSON, body)
        return None

    forgotten: list[Request] = []
    hub.faults = forget
    sync.good()
    assert forgotten
    assert len(sync.tables(["pull_requests"])["pull_requests"]) == 63


# -- troubles ----------------------------------------------------------------------------------------------------------


def test_graphql_rate_limit_in_an_answer_of_200(sync: Syncer, hub: Hub) -> None:
    body = b'{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'
    limited = Fault(200, JSON, body)
    hub.faults = lambda request: limited if request.number == 2 else None
    sync.good()
    assert len(sync.waits) == 1
    assert 50 <= sync.waits[0] <= 62


def test_a_page_too_heavy_for_the_server_is_read_in_parts(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    timeout = Fault(504)
    hub.faults = lambda request: (
        timeout if request.variables.get("size", 0) > 5 and "commits(" in request.query else None
    )
    sync.good()
    assert sync.tables() == expected


def test_a_pull_request_too_heavy_by_itself_is_read_list_by_list(
    sync: Syncer, hub: Hub, expected: dict[str, Any]
) -> None:
    hub.faults = lambda request: Fault(504) if "commits(" in request.query and "things" in request.query else None
    sync.good()
    assert sync.tables() == expected


def test_an_answer_that_lacks_elements_is_no_answer(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    """Half an answer would look as if the missing pull requests did not exist."""

    def in_part(request: Request) -> Fault | None:
        if "things: pullRequests" not in request.query or request.variables["size"] <= 5:
            return None
        error = {
            "type": "RESOURCE_LIMITS_EXCEEDED",
            "path": ["repository", "things", "nodes", 0],
            "message": "too much",
        }
        things = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [None]}
        body = {"data": {"repository": {"things": things}}, "errors": [error]}
        return Fault(200, JSON, json.dumps(body).encode())

    hub.faults = in_part
    sync.good()
    assert sync.tables() == expected
    assert sync.waits == []


def test_a_list_refused_for_good_is_left_out_and_told(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    hub.forbidden = {"files": "Resource not accessible by personal access token"}
    done = sync()
    assert done.error is None
    assert {skip.what for skip in done.result.skipped} == {
        "files of pull requests of acme/shop",
        "files of pull requests of acme/web",
    }
    rows = sync.tables()
    assert rows["pull_request_files"] == []
    assert rows["pull_requests"] == expected["pull_requests"]


def test_a_record_of_another_shape_is_left_out_and_the_rest_is_taken(sync: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    numbers = [shop["releases"][0]["databaseId"], shop["deployments"][1]["databaseId"]]

    def misshape(body: dict[str, Any]) -> None:
        listed = (body["data"].get("repository") or {}).get("things") or {}
        for node in listed.get("nodes", ()):
            if node.get("databaseId") in numbers:
                node.update({"tagCommit": "v1"} if "tagCommit" in node else {"creator": 7})

    hub.misshape = misshape
    done = sync()
    assert done.error is None
    assert [skip.what for skip in done.result.skipped] == [
        f"release {numbers[0]} of acme/shop",
        f"deployment {numbers[1]} of acme/shop",
    ]
    rows = sync.tables()
    assert len(rows["releases"]) == len(shop["releases"]) - 1
    assert len(rows["deployments"]) == len(shop["deployments"]) - 1
    assert len(rows["builds"]) == 7


def test_deployments_and_runs_that_the_token_may_not_see(sync: Syncer, hub: Hub, expected: dict[str, Any]) -> None:
    hub.forbidden = {
        "deployments": "Resource not accessible by personal access token",
        "runs": "Resource not accessible",
    }
    done = sync()
    assert done.error is None
    told = {skip.what: skip.why for skip in done.result.skipped}
    said = "Resource not accessible by personal access token (needs the permission Deployments: read-only)"
    assert told["deployments of 3 repositories of acme"] == said
    assert "actions=read" in told["builds of acme/shop"]
    rows = sync.tables()
    assert (rows["deployments"], rows["builds"]) == ([], [])
    assert rows["reviews"] == expected["reviews"]
    assert done.document()["state"] == "incomplete"
    asked = len(hub.requests)
    again = sync()
    assert again.document()["state"] == "incomplete"
    assert {(skip.what, skip.why) for skip in again.result.skipped} == set(told.items())
    assert not [request for request in hub.requests[asked:] if request.path.endswith("/runs")]
    hub.forbidden = {}
    hub.clock += 86_400
    hub.owners["acme"][0]["pushedAt"] = when(99_000)
    sync.good()
    assert len(sync.tables()["deployments"]) == 3


def test_a_missing_scope_is_named(sync: Syncer, hub: Hub) -> None:
    body = b'{"message": "Must have admin rights"}'
    headers = (("X-Accepted-OAuth-Scopes", "repo"), ("X-OAuth-Scopes", "gist"), ("Content-Type", "application/json"))
    hub.faults = lambda _: Fault(403, headers, body)
    done = sync()
    assert done.error is not None
    assert "needs one of the scopes repo; it has gist" in done.error.message


def test_odd_values(sync: Syncer, hub: Hub) -> None:
    pulls = hub.owners["acme"][0]["pullRequests"]
    pulls[0]["title"] = "NUL \x00 and half \ud800 and \U0001f9d1‍\U0001f680"
    pulls[3]["author"] = None
    pulls[4]["author"] = {"login": "renovate", "__typename": "Bot"}

    def misshape(body: dict[str, Any]) -> None:
        listed = (body["data"].get("repository") or {}).get("things") or {}
        for node in listed.get("nodes", ()):
            if node.get("number") == 2 and "/acme/shop/" in node["url"]:
                node["additions"] = "many"
            if node.get("number") == 3 and "/acme/shop/" in node["url"]:
                node["commits"]["nodes"] = [{"commit": "a text"}]

    hub.misshape = misshape
    done = sync()
    assert done.error is None
    assert [skip.what for skip in done.result.skipped] == ["acme/shop#3", "pull_requests acme/shop 2"]
    rows = {row["number"]: row for row in sync.tables()["pull_requests"] if row["repository"] == "acme/shop"}
    assert set(rows) == {"1", "4", "5", "6", "7"}
    assert rows["1"]["title"] == "NUL  and half ? and \U0001f9d1‍\U0001f680"
    assert rows["4"]["author"] is None
    assert rows["5"]["author"] == "renovate[bot]"


# -- what changes later ------------------------------------------------------------------------------------------------


def test_a_deployment_that_ends_later(sync: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    hub.clock = -(time.time() - at(250))
    shop["deployments"][0] = deployment("acme/shop", 1, "IN_PROGRESS")
    sync.good()
    first = next(row for row in sync.tables()["deployments"] if row["status"] == "running")
    assert first["finished_at"] is None
    shop["deployments"][0] = deployment("acme/shop", 1, "IN_PROGRESS", "FAILURE")
    sync.good()
    (row,) = [row for row in sync.tables()["deployments"] if row["deployment_id"] == first["deployment_id"]]
    assert (row["status"], row["finished_at"]) == ("failure", "2026-01-05 10:12:00+00")
    assert sync.calls() <= 4


def outcomes(sync: Syncer) -> list[tuple[str, str]]:
    return [(row["status"], row["finished_at"][11:16]) for row in sync.rows("deployments")]


def test_an_outcome_that_changes_is_read_though_it_is_not_of_the_newest_deployment(sync: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    hub.clock = -(time.time() - at(3 * 24 * 60))
    sync.good()
    shop["deployments"][0] = deployment("acme/shop", 1, "IN_PROGRESS", "SUCCESS", "FAILURE")
    assert sync.calls() == 2
    assert outcomes(sync) == [("failure", "10:13"), ("success", "11:22"), ("success", "12:32")]
    assert sync.calls() == 1


def test_outcomes_of_a_week_are_read_again_once_a_day(sync: Syncer, hub: Hub) -> None:
    """The overview shows the newest alone."""
    shop = hub.owners["acme"][0]
    shop["deployments"] = [deployment("acme/shop", number, "SUCCESS") for number in range(1, 16)]
    hub.clock = -(time.time() - at(3 * 24 * 60))
    sync.good()
    shop["deployments"][0] = deployment("acme/shop", 1, "SUCCESS", "ERROR")
    assert sync.calls() == 1
    assert {status for status, _ in outcomes(sync)} == {"success"}
    hub.clock += 86_400
    sync.good()
    assert [status for status, _ in outcomes(sync)].count("failure") == 1
    assert sync.calls() == 1
    hub.clock += 7 * 86_400  # known for good by now
    sync.good()
    assert sync.calls() == 1


def test_a_run_that_ends_later(sync: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    hub.clock = -(time.time() - at(1000))
    shop["runs"][4] = run("acme/shop", 5, "in_progress")
    sync.good()
    assert [row["status"] for row in sync.tables()["builds"]].count("in_progress") == 1
    assert sync.calls() == 2
    assert hub.not_modified == 1
    shop["runs"][4] = run("acme/shop", 5)
    sync.good()
    assert {row["status"] for row in sync.tables()["builds"]} == {"success"}


def test_more_runs_than_a_search_gives(sync: Syncer, hub: Hub) -> None:
    hub.owners["acme"][1]["runs"] = [run("acme/web", at) for at in range(1, 1251)]
    for each in hub.owners["acme"][1]["runs"][300:620]:
        each["created_at"] = when(300 * 60)  # more than pages of one second
    sync.good()
    assert sum(row["repository"] == "acme/web" for row in sync.tables()["builds"]) == 1250


def test_a_new_release(later: Syncer, hub: Hub) -> None:
    hub.owners["acme"][0]["releases"] += [release("acme/shop", 3), {**release("acme/shop", 4), "isDraft": True}]
    later.good()
    assert [row["tag"] for row in later.tables()["releases"]] == ["v1", "v2", "v3"]


def test_a_renamed_repository(later: Syncer, hub: Hub) -> None:
    renamed = repository("acme/store", 1, pulls=7, releases=2, deployments=3, runs=5)
    hub.owners["acme"][0] = copy.deepcopy(renamed)
    later.good()
    rows = later.tables()
    for name in ("repositories", "pull_requests", "reviews", "comments", "releases"):
        assert {row["repository"] for row in rows[name]} <= {"acme/store", "acme/web", "acme/empty"}
    assert len(rows["pull_requests"]) == 10


def test_names_that_were_swapped(later: Syncer, hub: Hub) -> None:
    hub.owners["acme"][0] = repository("acme/web", 1, pulls=7, releases=2)
    hub.owners["acme"][1] = repository("acme/shop", 2, pulls=3)
    later.good()
    rows = later.tables()["pull_requests"]
    assert [row["repository"] for row in rows] == ["acme/shop"] * 3 + ["acme/web"] * 7


def test_a_draft_made_ready_and_a_dismissed_review(sync: Syncer, hub: Hub) -> None:
    first = hub.owners["acme"][0]["pullRequests"][0]
    first.update(isDraft=True, timelineItems=[], state="OPEN", mergedAt=None, closedAt=None, mergeCommit=None)
    sync.good()
    first.update(isDraft=False, timelineItems=[{"createdAt": when(70)}], updatedAt=when(9000))
    first["reviews"][0] = {**review("acme/shop", 1, 0, 80), "state": "DISMISSED", "updatedAt": when(9000)}
    first["mergedBy"] = user("cleo")
    sync.good()
    rows = sync.tables()
    assert (rows["pull_requests"][0]["ready_at"], rows["pull_requests"][0]["state"]) == (
        "2026-01-05 10:10:00+00",
        "open",
    )
    assert rows["reviews"][0]["state"] == "dismissed"


def at(minutes: float) -> float:
    """The instant ``minutes`` after the beginning of the data, in seconds."""
    return datetime.fromisoformat(when(minutes)).timestamp()
