"""Azure DevOps' records in the shapes that its API description gives them, and the rows that become of them."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.azure.api import headers, server
from leadline.sources.azure.connection import parts
from leadline.sources.azure.pipeline_rows import Naming, build_rows, record_rows, release_rows
from leadline.sources.azure.rows import account, accounts, pull_request_rows, utc
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.records import Rows
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from stubs.azure import CART
from stubs.azure_data import (
    ADA,
    BEN,
    NEVER,
    REVIEWERS,
    SERVICE,
    Node,
    build,
    comment,
    deployment,
    guid,
    identity,
    published,
    pull_request,
    record,
    sha,
    thread,
    vote,
    when,
)

NAMES = {CART["id"]: "Shop/cart"}


def naming(*rules: str) -> Naming:
    return Naming("azure:example", NAMES.get, DeployRules.parsed(rules))


def made(*threads: Node, **changes: Any) -> Rows:
    """The rows of a pull request with these threads, or its own."""
    node = pull_request(CART, 1, 0, **changes)
    details = {"threads": list(threads) or node["_threads"], "commits": node["_commits"]}
    details["changes"] = [{"item": {"path": path}} for path in node["_files"]]
    return pull_request_rows("Shop/cart", CART["webUrl"], {**node, **details})


def test_a_pull_request() -> None:
    rows = made()
    (row,) = rows["pull_requests"]
    assert row == {
        "repository": "Shop/cart",
        "number": 1,
        "title": "SHOP-1 Change \U0001f680",
        "body": "What and why",
        "author": "ada@example.com",
        "state": "merged",
        "draft": False,
        "created_at": "2026-01-05T09:00:00.000Z",
        "ready_at": None,
        "merged_at": "2026-01-05T09:30:00.000Z",
        "closed_at": "2026-01-05T09:30:00.000Z",
        "merged_by": "ben@example.com",
        "base_branch": "main",
        "head_branch": "feature/1",
        "merge_commit_sha": sha(f"{CART['id']} 1 merge"),
        "additions": None,
        "deletions": None,
        "changed_files": 2,
        "labels": None,
        "url": "https://dev.azure.com/example/Shop/_git/cart/pullrequest/1",
        "source": "azure",
        "updated_at": "2026-01-05T09:30:00.000Z",
    }
    assert [(row["path"], row["additions"]) for row in rows["pull_request_files"]] == [
        ("src/a.py", None),
        ("docs/b.md", None),
    ]
    assert {row["author"] for row in rows["pull_request_commits"]} == {"ada@example.com"}
    assert [(row["comment_id"], row["author"], row["kind"]) for row in rows["comments"]] == [
        ("11/1", "ben@example.com", "discussion"),
        ("11/2", "ada@example.com", "discussion"),
        ("12/1", "ben@example.com", "review"),
    ]
    (review,) = rows["reviews"]
    assert (review["review_id"], review["author"], review["state"]) == ("13", "ben@example.com", "approved")
    assert review["submitted_at"] == "2026-01-05T09:20:00.000Z"
    assert {(row["account"], row["name"]) for row in rows["tool_accounts"]} == {
        ("ada@example.com", "Ada Example"),
        ("ben@example.com", "Ben Example"),
    }


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"status": "abandoned"}, "state", "closed"),
        ({"status": "abandoned"}, "merged_at", None),
        ({"status": "abandoned"}, "merge_commit_sha", None),
        ({"status": "active", "closedDate": None}, "state", "open"),
        # Of an open one it is a merge that was tried.
        ({"status": "active", "closedDate": None}, "merge_commit_sha", None),
        ({"createdBy": None}, "author", None),
        ({"createdBy": SERVICE}, "author", "Shop Build Service (example)[bot]"),
        ({"labels": [{"id": "1", "name": "ops"}]}, "labels", ["ops"]),
        ({"closedDate": NEVER}, "closed_at", None),
        ({"sourceRefName": "refs/pull/3/merge"}, "head_branch", "refs/pull/3/merge"),
        ({"isDraft": True}, "draft", True),
        ({"description": None}, "body", None),
        ({"title": "a\x00b\ud800"}, "title", "ab?"),
    ],
)
def test_what_becomes_of_a_pull_request(change: dict[str, Any], column: str, value: Any) -> None:
    (row,) = made(**change)["pull_requests"]
    assert row[column] == value


def verdicts(*threads: Node, reviewers: list[Node] | None = None) -> list[tuple[str, str]]:
    rows = made(*threads, reviewers=reviewers or [])
    return [(row["author"].partition("@")[0], row["state"]) for row in rows["reviews"]]


def test_votes_are_reviews() -> None:
    assert verdicts(vote(2, 20, ADA, -10), vote(1, 10, BEN, 5), vote(3, 30, ADA, 10)) == [
        ("ben", "approved"),
        ("ada", "changes_requested"),
        ("ada", "approved"),
    ]
    assert verdicts(vote(1, 10, BEN, -5)) == [("ben", "changes_requested")]


def test_a_vote_that_is_taken_back_is_dismissed() -> None:
    assert verdicts(vote(1, 10, BEN, 10), vote(2, 20, BEN, 0)) == [("ben", "dismissed")]
    reset = [{**BEN, "vote": 0}]  # by a push, which takes all back
    assert verdicts(vote(1, 10, BEN, 10), reviewers=reset) == [("ben", "dismissed")]


def test_all_votes_that_a_push_takes_back_are_dismissed() -> None:
    reset = thread(3, 30, "ResetAllVotes")
    assert verdicts(vote(1, 10, BEN, 10), vote(2, 20, ADA, -5), reset, vote(4, 40, BEN, 10)) == [
        ("ben", "dismissed"),
        ("ada", "dismissed"),
        ("ben", "approved"),
    ]


def test_of_two_votes_at_one_instant_the_later_in_order_counts() -> None:
    assert verdicts(vote(2, 10, BEN, 0), vote(1, 10, BEN, 10)) == [("ben", "dismissed")]
    assert verdicts(vote(2, 10, BEN, 10), vote(1, 10, BEN, 0)) == [("ben", "approved")]


def test_who_completed_it_is_told_by_a_note_where_the_list_does_not() -> None:
    done = thread(9, 30, "StatusUpdate", comment(1, 30, SERVICE, commentType="system"), identities={"1": BEN})
    for name, value in (("CodeReviewStatus", "Completed"), ("CodeReviewStatusUpdatedByIdentity", "1")):
        done["properties"][name] = {"$type": "System.String", "$value": value}
    (row,) = made(done, closedBy=None)["pull_requests"]
    assert row["merged_by"] == "ben@example.com"
    (row,) = made(done, closedBy=None, status="abandoned")["pull_requests"]
    assert row["merged_by"] is None


def test_a_vote_without_a_note_has_no_time() -> None:
    rows = made(thread(1, 0, "MergeAttempt"), reviewers=[{**BEN, "vote": 10}, {**REVIEWERS, "vote": 10}])
    assert [(row["review_id"], row["submitted_at"]) for row in rows["reviews"]] == [("vote-ben@example.com", None)]


def test_who_voted_by_an_id() -> None:
    """As servers have it, and services had it."""
    noted = vote(1, 10, BEN, 10)
    noted["identities"] = None
    noted["properties"]["CodeReviewVotedByTfId"] = {"$value": BEN["id"].upper()}
    assert verdicts(noted, reviewers=[{**BEN, "vote": 10}]) == [("ben", "approved")]
    noted["properties"].pop("CodeReviewVotedByTfId")
    assert verdicts(noted) == [("ben", "approved")]  # who its note is by


def test_a_draft_that_is_published() -> None:
    (row,) = made(published(1, 10), published(2, 25))["pull_requests"]
    assert row["ready_at"] == "2026-01-05T09:10:00.000Z"


def test_comments_that_are_none() -> None:
    deleted = comment(2, 5, BEN, isDeleted=True, content=None)
    noted = comment(3, 6, SERVICE, commentType="system")
    rows = made(
        thread(1, 1, None, comment(1, 1, BEN), deleted, noted), thread(2, 1, None, comment(1, 1, BEN), isDeleted=True)
    )
    assert [row["comment_id"] for row in rows["comments"]] == ["1/1"]


def test_lists_that_were_refused_give_no_rows() -> None:
    node = {**pull_request(CART, 1, 0), "threads": None, "commits": None, "changes": None}
    rows = pull_request_rows("Shop/cart", None, node)
    assert set(rows) == {"pull_requests", "tool_accounts"}
    assert (rows["pull_requests"][0]["changed_files"], rows["pull_requests"][0]["url"]) == (None, None)


@pytest.mark.parametrize("change", [{"createdBy": "ada"}, {"reviewers": "ben"}, {"lastMergeCommit": "0a1b"}])
def test_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Misshapen):
        made(**change)


def test_a_vote_that_is_none() -> None:
    odd = vote(1, 1, BEN, 10)
    odd["properties"]["CodeReviewVoteResult"] = {"$value": "well"}
    with pytest.raises(Misshapen, match="a vote is 'well'"):
        made(odd)


def test_people() -> None:
    assert account(identity("EXAMPLE\\ada")) == "EXAMPLE\\ada"
    assert account({"id": guid("x"), "displayName": "Gone", "uniqueName": ""}) == guid("x")
    assert (account(REVIEWERS), account(None), account({})) == (None, None, None)
    (row,) = accounts([identity("EXAMPLE\\ada"), SERVICE, REVIEWERS, None])
    assert (row["account"], row["email"], row["name"]) == ("EXAMPLE\\ada", None, "Ada Example")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2016-11-01T16:28:08.8900118Z", "2016-11-01T16:28:08.890Z"),
        ("2016-11-01T16:30:35Z", "2016-11-01T16:30:35.000Z"),
        (NEVER, None),
        (None, None),
        ("soon", "soon"),
    ],
)
def test_times(text: str | None, instant: str | None) -> None:
    assert utc(text) == instant


# -- pipelines ---------------------------------------------------------------------------------------------------------


def test_a_build() -> None:
    (row,) = build_rows(build(CART, 7, 0), naming())["builds"]
    assert row == {
        "build_id": "azure:example:7",
        "repository": "Shop/cart",
        "pipeline": "shop-ci",
        "branch": "main",
        "sha": sha("build 7"),
        "status": "succeeded",
        "started_at": "2026-01-05T09:01:00.123Z",
        "finished_at": "2026-01-05T09:06:00.000Z",
        "url": "https://dev.azure.com/example/_build/results?buildId=7",
        "updated_at": "2026-01-05T09:06:00.000Z",
    }


def test_a_build_of_another_forge_or_of_what_is_not_read() -> None:
    of_github = build(CART, 7, repository={"id": "acme/shop", "type": "GitHub"})
    assert build_rows(of_github, naming())["builds"][0]["repository"] == "acme/shop"
    assert build_rows(build(CART, 7, repository={"id": guid("other"), "type": "TfsGit"}), naming()) == {}
    assert build_rows(build(CART, 7, repository=None), naming()) == {}


def test_a_build_that_is_a_deployment() -> None:
    (row,) = build_rows(build(CART, 7, 0, result="partiallySucceeded"), naming("shop-*=production"))["deployments"]
    assert (row["deployment_id"], row["environment"], row["status"]) == (
        "azure:example:build/7",
        "production",
        "success",
    )
    assert (row["triggered_by"], row["sha"]) == ("ada@example.com", sha("build 7"))


@pytest.mark.parametrize(
    ("result", "status", "finished"),
    [
        ("succeeded", "success", "2026-01-05T09:03:00.123Z"),
        ("succeededWithIssues", "success", "2026-01-05T09:03:00.123Z"),
        ("failed", "failure", "2026-01-05T09:03:00.123Z"),
        ("canceled", "cancelled", "2026-01-05T09:03:00.123Z"),
        (None, "running", None),
    ],
)
def test_a_deployment_to_an_environment(result: str | None, status: str, finished: str | None) -> None:
    ran = build(CART, 7, 0)
    (row,) = record_rows(record(3, ran, 0, result=result), "production", ran, naming())["deployments"]
    assert (row["deployment_id"], row["status"], row["finished_at"]) == (
        "azure:example:environment/3",
        status,
        finished,
    )
    assert (row["repository"], row["sha"], row["environment"]) == ("Shop/cart", sha("build 7"), "production")


def test_a_deployment_whose_build_is_gone() -> None:
    (row,) = record_rows(record(3, build(CART, 7)), "production", None, naming())["deployments"]
    assert (row["repository"], row["sha"], row["pipeline"]) == (None, None, "shop-ci")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "success"),
        ({"deploymentStatus": "failed"}, "failure"),
        ({"deploymentStatus": "notDeployed", "operationStatus": "Rejected"}, "cancelled"),
        ({"deploymentStatus": "notDeployed", "operationStatus": "Pending"}, "running"),
        ({"deploymentStatus": "inProgress"}, "running"),
    ],
)
def test_a_classic_deployment(change: dict[str, Any], status: str) -> None:
    (row,) = release_rows(deployment(CART, 5, 0, **change), naming())["deployments"]
    assert (row["deployment_id"], row["status"], row["environment"]) == ("azure:example:release/5", status, "PROD")
    assert (row["repository"], row["sha"], row["pipeline"]) == ("Shop/cart", sha("release 5"), "Shop CD")
    assert (row["finished_at"] is None) == (status == "running")


def test_a_classic_deployment_of_git_itself() -> None:
    node = deployment(CART, 5)
    of_git = {"definition": {"id": CART["id"]}, "version": {"id": sha("head")}}
    node["release"]["artifacts"] = [{"type": "Git", "isPrimary": True, "definitionReference": of_git}]
    (row,) = release_rows(node, naming())["deployments"]
    assert (row["repository"], row["sha"]) == ("Shop/cart", sha("head"))
    node["release"]["artifacts"] = []
    (row,) = release_rows({**node, "queuedOn": NEVER, "startedOn": NEVER, "completedOn": NEVER}, naming())[
        "deployments"
    ]
    assert (row["repository"], row["started_at"], row["finished_at"]) == (None, None, utc(when(304)))


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "url", "name", "pattern"),
    [
        ("Example", None, "azure:example", "*/*"),
        ("example/Shop", "https://dev.azure.com/example/", "azure:example", "shop/*"),
        ("example/Shop/web-*", "https://example.visualstudio.com", "azure:example", "shop/web-*"),
        ("Main", "https://azure.example.com/tfs/Main", "azure:main@azure.example.com/tfs", "*/*"),
        ("Main", "https://azure.example.com/tfs", "azure:main@azure.example.com/tfs", "*/*"),
    ],
)
def test_names(target: str, url: str | None, name: str, pattern: str) -> None:
    (source,) = checked(SourceSettings("azure", targets=(target,), url=url))
    assert source.name == name
    assert parts(source.targets[0])[1] == pattern


@pytest.mark.parametrize("target", ["*", "example/Shop/web/x", "-", "https://dev.azure.com/example"])
def test_no_repositories(target: str) -> None:
    with pytest.raises(InvalidRequest, match="names no repositories; write ORG"):
        checked(SourceSettings("azure", targets=(target,)))


def test_classic_releases_of_the_cloud_are_at_a_host_of_their_own() -> None:
    assert server(None, "example").releases == "https://vsrm.dev.azure.com"
    own = server("https://azure.example.com/tfs/Main", "main")
    assert (own.base, own.releases) == ("https://azure.example.com/tfs", "https://azure.example.com/tfs")


def test_tokens() -> None:
    assert headers("pat")["Authorization"] == "Basic OnBhdA=="
    assert headers("eyJ0eXAi.eyJh.c2ln")["Authorization"] == "Bearer eyJ0eXAi.eyJh.c2ln"
