"""Recorded shapes in, rows out; what targets and addresses mean."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.gitlab.api import server
from leadline.sources.gitlab.rows import (
    account,
    accounts,
    deployment_rows,
    issue_rows,
    merge_request_rows,
    pipeline_rows,
    release_rows,
    repository_row,
    utc,
)
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from stubs.gitlab_data import deployment, issue, merge_request, note, pipeline, release, sha, user

NO_RULES = DeployRules()
LISTS = ("labels", "approvedBy", "commits", "notes", "assignees")


def connected(node: dict[str, Any]) -> dict[str, Any]:
    """A stub's object as an answer shows it: its lists as connections."""
    return {name: {"nodes": value} if name in LISTS else value for name, value in node.items()}


def test_a_merge_request() -> None:
    rows = merge_request_rows("acme/shop", connected(merge_request("acme/shop", 1, labels=2)))
    (row,) = rows["pull_requests"]
    assert row == {
        "repository": "acme/shop",
        "number": 1,
        "title": "SHOP-1 change",
        "body": "because of #1 \U0001f680",
        "author": "ada",
        "state": "merged",
        "draft": False,
        "created_at": "2026-01-05T10:00:00.000Z",
        "ready_at": "2026-01-05T10:05:00.000Z",
        "merged_at": "2026-01-05T10:45:00.000Z",
        "closed_at": "2026-01-05T10:45:00.000Z",
        "merged_by": "ben",
        "base_branch": "main",
        "head_branch": "SHOP-1-x",
        "merge_commit_sha": sha("acme/shop", "merge", 1),
        "additions": 9,
        "deletions": 3,
        "changed_files": 3,
        "labels": ["label 0", "label 1"],
        "assignees": ["cleo", "ada"],
        "url": "https://gitlab.example.com/acme/shop/-/merge_requests/1",
        "source": "gitlab",
        "updated_at": "2026-01-05T10:50:00.000Z",
    }
    assert [file["path"] for file in rows["pull_request_files"]] == ["src/0.py", "src/1.py", "src/2.py"]
    assert rows["pull_request_commits"][0]["author"] == "ada"
    (review,) = rows["reviews"]
    assert (review["author"], review["state"], review["submitted_at"]) == (
        "ben",
        "approved",
        "2026-01-05T10:30:00.000Z",
    )
    assert [comment["kind"] for comment in rows["comments"]] == ["discussion", "discussion", "review", "review"]
    assert len({comment["comment_id"] for comment in rows["comments"]}) == 4
    assert {each["account"]: each["email"] for each in rows["tool_accounts"]} == {
        "ada": "ada@example.com",
        "ben": None,
        "cleo": None,
    }


@pytest.mark.parametrize(
    ("state", "becomes", "merged_by", "merge_sha"),
    [
        ("opened", "open", None, None),
        ("locked", "open", None, None),
        ("closed", "closed", None, None),
        ("merged", "merged", "ben", sha("acme/shop", "merge", 1)),
        ("OPENED", "open", None, None),
    ],
)
def test_states(state: str, becomes: str, merged_by: str | None, merge_sha: str | None) -> None:
    node = {**connected(merge_request("acme/shop", 1)), "state": state}
    (row,) = merge_request_rows("acme/shop", node)["pull_requests"]
    assert (row["state"], row["merged_by"], row["merge_commit_sha"]) == (becomes, merged_by, merge_sha)
    assert (row["merged_at"] is not None) == (becomes == "merged")


@pytest.mark.parametrize(
    ("merge", "squash", "found"),
    [("m", "s", "m"), ("m", None, "m"), (None, "s", "s"), (None, None, sha("acme/shop", "head", 1))],
)
def test_the_commit_of_a_merge(merge: str | None, squash: str | None, found: str) -> None:
    node = {**connected(merge_request("acme/shop", 1)), "mergeCommitSha": merge, "squashCommitSha": squash}
    assert merge_request_rows("acme/shop", node)["pull_requests"][0]["merge_commit_sha"] == found


@pytest.mark.parametrize(
    ("body", "is_ready"),
    [
        ("marked this merge request as **ready**", True),
        ("unmarked this merge request as a **Draft**", True),
        ("unmarked as a **Work In Progress**", True),
        ("unmarked as a **Draft**", True),
        ("marked this merge request as **draft** from 0a1b2c", False),
        ("marked as a **Work In Progress**", False),
        ("changed title from **Draft: x** to **x**", False),
    ],
)
def test_when_it_became_ready(body: str, is_ready: bool) -> None:
    node = merge_request("acme/shop", 2)
    node["notes"] = [note(2, body, "ada", 30, system=True), note(1, body, "ada", 20, system=True)]
    (row,) = merge_request_rows("acme/shop", connected(node))["pull_requests"]
    assert row["ready_at"] == ("2026-01-05T09:20:00.000Z" if is_ready else None)
    # What people write is no event.
    for each in node["notes"]:
        each["system"] = False
    (row,) = merge_request_rows("acme/shop", connected(node))["pull_requests"]
    assert row["ready_at"] is None


def reviews(*said: tuple[str, str], approvers: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    node = merge_request("acme/shop", 2)
    node["notes"] = [note(at, body, who, at, system=True) for at, (who, body) in enumerate(said)]
    node["approvedBy"] = [user(who) for who in approvers]
    return [(row["author"], row["state"]) for row in merge_request_rows("acme/shop", connected(node))["reviews"]]


def test_reviews() -> None:
    approved, taken_back = "approved this merge request", "unapproved this merge request"
    assert reviews(("ben", approved), approvers=("ben",)) == [("ben", "approved")]
    assert reviews(("ben", approved), ("cleo", taken_back)) == [("ben", "approved")]
    assert reviews(("ben", approved), ("ben", taken_back)) == [("ben", "dismissed")]
    assert reviews(("ben", approved), ("ben", taken_back), ("ben", approved), approvers=("ben",)) == [
        ("ben", "dismissed"),
        ("ben", "approved"),
    ]
    reset = ("ada", "reset approvals from @ben and @dan.x by pushing to the branch")
    assert reviews(("ben", approved), ("cleo", approved), ("dan.x", approved), reset) == [
        ("ben", "dismissed"),
        ("cleo", "approved"),
        ("dan.x", "dismissed"),
    ]
    assert reviews(("ben", "requested changes"), ("ben", "left review comments without approving")) == [
        ("ben", "changes_requested"),
        ("ben", "commented"),
    ]
    assert reviews(("ben", "assigned to @ada")) == []
    assert reviews(approvers=("ben",)) == [("ben", "approved")]  # imported: nobody says when


def test_lists_that_could_not_be_read_give_no_key() -> None:
    node = {**connected(merge_request("acme/shop", 1)), "author": None, "mergeUser": None, "description": None}
    node.update(notes=None, diffStats=None, commits=None, labels=None)
    rows = merge_request_rows("acme/shop", node)
    assert set(rows) == {"pull_requests", "tool_accounts"}
    (row,) = rows["pull_requests"]
    assert (row["author"], row["additions"], row["changed_files"], row["labels"]) == (None, None, None, None)


@pytest.mark.parametrize(
    "change", [{"commits": "text"}, {"labels": {"nodes": "x"}}, {"author": ["a"]}, {"diffStats": 7}]
)
def test_another_shape_is_named(change: dict[str, Any]) -> None:
    node = {**connected(merge_request("acme/shop", 1)), **change}
    with pytest.raises(Misshapen, match=next(iter(change))):
        merge_request_rows("acme/shop", node)


def test_accounts() -> None:
    assert account(None) is None
    assert account(user("ada")) == "ada"
    assert account(user("ghost")) is None
    assert account({}) is None
    for name in ("project_12_bot", "project_12_bot_0a1b", "group_3_bot1", "group_3_bot_9f"):
        assert account(user(name)) == f"{name}[bot]"
    assert account(user("project_bot_fan")) == "project_bot_fan"
    rows = accounts([user("ada"), None, user("ada"), user("ghost"), user("project_1_bot"), {"username": "x"}])
    assert rows == [{"source": "gitlab", "account": "ada", "email": "ada@example.com", "name": "Ada"}]


def test_issues() -> None:
    rows = issue_rows("acme/shop", connected(issue("acme/shop", 1)))
    (row,) = rows["work_items"]
    assert row == {
        "project": "acme/shop",
        "key": "#1",
        "type": "Issue",
        "title": "Wish 1",
        "status": "closed",
        "status_category": "done",
        "assignee": "ada",
        "reporter": "cleo",
        "story_points": 3,
        "created_at": "2026-01-05T09:30:00.000Z",
        "completed_at": "2026-01-05T09:50:00.000Z",
        "labels": ["bug"],
        "url": "https://gitlab.example.com/acme/shop/-/issues/1",
        "time_spent_seconds": 5_400,
        "source": "gitlab",
        "updated_at": "2026-01-05T09:50:00.000Z",
    }
    assert {each["account"] for each in rows["tool_accounts"]} == {"ada", "cleo"}
    (row,) = issue_rows("acme/shop", connected({**issue("acme/shop", 2), "type": "TEST_CASE", "assignees": []}))[
        "work_items"
    ]
    assert (row["type"], row["status"], row["status_category"], row["completed_at"]) == (
        "Test case",
        "opened",
        "todo",
        None,
    )
    assert row["assignee"] is None
    assert "work_items" not in issue_rows("acme/shop", connected({**issue("acme/shop", 1), "moved": True}))


@pytest.mark.parametrize(
    ("status", "by_job", "becomes", "finished"),
    [
        ("success", True, "success", "2026-01-05T10:13:00.000Z"),
        ("failed", True, "failure", "2026-01-05T10:13:00.000Z"),
        ("canceled", True, "cancelled", "2026-01-05T10:13:00.000Z"),
        ("skipped", False, "cancelled", "2026-01-05T10:14:00.000Z"),
        ("success", False, "success", "2026-01-05T10:14:00.000Z"),
        ("running", True, "running", None),
        ("created", True, "running", None),
        ("blocked", False, "running", None),
    ],
)
def test_deployments(status: str, by_job: bool, becomes: str, finished: str | None) -> None:
    node = deployment("acme/shop", 1, status, by_job=by_job)
    ((row,),) = deployment_rows("acme/shop", node, "gitlab").values()
    assert (row["status"], row["finished_at"]) == (becomes, finished)
    assert row["deployment_id"] == f"gitlab:{node['id']}"
    assert (row["environment"], row["triggered_by"]) == ("production", "ben")


@pytest.mark.parametrize(
    ("status", "finished"),
    [("SUCCESS", True), ("FAILED", True), ("CANCELED", True), ("RUNNING", False), ("MANUAL", False)],
)
def test_pipelines(status: str, finished: bool) -> None:
    node = pipeline("acme/shop", 1, status)
    rows = pipeline_rows("acme/shop", node, "git.acme.test", "https://git.acme.test", NO_RULES)
    (row,) = rows["builds"]
    assert (row["status"], row["pipeline"], row["branch"]) == (status.lower(), "push", "main")
    assert (row["finished_at"] is not None) == finished
    assert row["build_id"].startswith("git.acme.test:")
    assert row["url"] == "https://git.acme.test/acme/shop/-/pipelines/1"


@pytest.mark.parametrize("change", [{"name": "Deploy now"}, {"source": "TRIGGER"}, {"ref": "release/7"}])
def test_pipelines_that_deploy(change: dict[str, Any]) -> None:
    rules = DeployRules.parsed(["deploy*=production", "trigger=production", "release/*=production"])
    rows = pipeline_rows(
        "acme/shop", pipeline("acme/shop", 1, "FAILED", **change), "gitlab", "https://gitlab.com", rules
    )
    assert "builds" not in rows
    (row,) = rows["deployments"]
    assert (row["environment"], row["status"], row["triggered_by"]) == ("production", "failure", "ada")
    assert "pipeline/" in row["deployment_id"]


def test_releases_and_repositories() -> None:
    ((row,),) = release_rows("acme/shop", release("acme/shop", 1)).values()
    assert (row["tag"], row["sha"], row["published_at"]) == (
        "v1",
        sha("acme/shop", "merge", 1),
        "2026-01-05T10:41:00.000Z",
    )
    assert row["url"] == "https://gitlab.com/acme/shop/-/releases/v1"
    row = repository_row({"fullPath": "acme/new", "webUrl": "u", "repository": None})
    assert row == {"repository": "acme/new", "url": "u", "default_branch": None}


def test_instants() -> None:
    assert utc("2026-01-05T10:00:00Z") == "2026-01-05T10:00:00.000Z"
    assert utc("2026-01-05T12:00:00.123456+02:00") == "2026-01-05T10:00:00.123Z"
    assert utc("yesterday") == "yesterday"
    assert utc(None) is None
    assert utc(7) == 7


@pytest.mark.parametrize(
    ("url", "host", "base"),
    [
        (None, "gitlab.com", "https://gitlab.com"),
        ("https://gitlab.com/", "gitlab.com", "https://gitlab.com"),
        ("https://www.gitlab.com/api/v4", "gitlab.com", "https://gitlab.com"),
        ("git.acme.test", "git.acme.test", "https://git.acme.test"),
        ("https://Git.Acme.test:8443/api/v4/", "git.acme.test:8443", "https://git.acme.test:8443"),
        ("https://acme.test/gitlab/", "acme.test/gitlab", "https://acme.test/gitlab"),
        ("https://acme.test/gitlab/api/graphql", "acme.test/gitlab", "https://acme.test/gitlab"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_addresses(url: str | None, host: str, base: str) -> None:
    found = server(url)
    assert (found.host, found.base) == (host, base)
    assert base.startswith(found.origin)


@pytest.mark.parametrize(
    "url", ["http://git.acme.test", "ftp://x", "https://", "https://me:pw@git.acme.test", "https://x:y"]
)
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(InvalidRequest, match="--url") as raised:
        server(url)
    assert "pw" not in str(raised.value)


def test_targets() -> None:
    targets = ("Acme/web-*", "acme/sub", "acme", "acme/sub/*/api")
    first, second = checked(SourceSettings("gitlab", targets=targets, url="https://git.acme.test"))
    assert (first.name, first.targets) == ("gitlab:acme@git.acme.test", ("Acme/web-*", "Acme"))
    assert (second.name, second.targets) == ("gitlab:acme/sub@git.acme.test", ("acme/sub", "acme/sub/*/api"))
    assert checked(SourceSettings("gitlab", targets=("acme",)))[0].name == "gitlab:acme"


@pytest.mark.parametrize("target", ["", "/", "*", "a//b", "https://gitlab.com/acme", "-x", "a b"])
def test_targets_that_cannot_be(target: str) -> None:
    with pytest.raises(InvalidRequest, match="names no projects"):
        checked(SourceSettings("gitlab", targets=(target,)))


def test_rules_that_cannot_be() -> None:
    with pytest.raises(InvalidRequest, match="--deploys"):
        checked(SourceSettings("gitlab", targets=("acme",), options={"deploys": ("x=",)}))
