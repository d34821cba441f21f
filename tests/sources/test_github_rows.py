"""Recorded shapes in, rows out; and which server an address means."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.github.api import CLOUD, server
from leadline.sources.github.rows import (
    account,
    commit_row,
    deployment_rows,
    pull_request_rows,
    release_rows,
    repository_row,
    run_rows,
)
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from stubs.github_data import deployment, oid, pull, release, run, user, whole_commit


def connected(node: Any) -> Any:
    """A stub's object as an answer shows it: its lists as connections."""
    if isinstance(node, list):
        return {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [connected(element) for element in node],
        }
    return {name: connected(value) for name, value in node.items()} if isinstance(node, dict) else node


def test_a_pull_request() -> None:
    rows = pull_request_rows("acme/shop", connected(pull("acme/shop", 1, labels=2)))
    (row,) = rows["pull_requests"]
    assert row == {
        "repository": "acme/shop",
        "number": 1,
        "title": "SHOP-1 change",
        "body": "because \U0001f680",
        "author": "ada",
        "state": "merged",
        "draft": False,
        "created_at": "2026-01-05T10:00:00Z",
        "ready_at": "2026-01-05T10:05:00Z",
        "merged_at": "2026-01-05T10:45:00Z",
        "closed_at": "2026-01-05T10:45:00Z",
        "merged_by": "ben",
        "base_branch": "main",
        "head_branch": "SHOP-1-x",
        "merge_commit_sha": oid("acme/shop", "merge", 1),
        "additions": 9,
        "deletions": 3,
        "changed_files": 3,
        "labels": ["label 0", "label 1"],
        "assignees": ["cleo", "ada"],
        "url": "https://github.example.com/acme/shop/pull/1",
        "source": "github",
        "updated_at": "2026-01-05T10:50:00Z",
    }
    assert [file["path"] for file in rows["pull_request_files"]] == ["src/0.py", "src/1.py", "src/2.py"]
    assert rows["pull_request_commits"][0]["author"] == "ada"
    assert [review["state"] for review in rows["reviews"]] == ["commented", "approved"]
    assert [comment["kind"] for comment in rows["comments"]] == ["discussion", "discussion", "review", "review"]
    assert len({comment["comment_id"] for comment in rows["comments"]}) == 4


def test_a_pull_request_with_hardly_anything() -> None:
    node = connected(pull("acme/shop", 1))
    node.update(author=None, mergedBy=None, mergeCommit=None, body=None, files=None, reviews=None, state="OPEN")
    rows = pull_request_rows("acme/shop", node)
    assert set(rows) == {"pull_requests", "pull_request_commits"}
    assert rows["pull_requests"][0]["author"] is None


def test_a_review_not_sent_yet_is_nobodys_business() -> None:
    node = connected(pull("acme/shop", 1))
    node["reviews"]["nodes"][0]["state"] = "PENDING"
    rows = pull_request_rows("acme/shop", node)
    assert (len(rows["reviews"]), sum(comment["kind"] == "review" for comment in rows["comments"])) == (1, 1)


@pytest.mark.parametrize("change", [{"commits": "a text"}, {"labels": {"nodes": "x"}}, {"author": ["ada"]}])
def test_another_shape_is_named(change: dict[str, Any]) -> None:
    node = {**connected(pull("acme/shop", 1)), **change}
    with pytest.raises(Misshapen, match=next(iter(change))):
        pull_request_rows("acme/shop", node)


def test_accounts() -> None:
    assert account(None) is None
    assert account(user("ada")) == "ada"
    assert account({"login": "renovate", "__typename": "Bot"}) == "renovate[bot]"
    assert account({"login": "renovate[bot]", "type": "Bot"}) == "renovate[bot]"
    assert account({}) is None


@pytest.mark.parametrize(
    ("node_id", "number"),
    [
        ("DE_kwDOI0B2Tc40KOqF", "875096709"),  # as it is in a published payload
        ("DE_kwDOI0B2TbSAAAAA", None),
        ("DE_kwDOI0B2Tc6AAAAA", "2147483648"),
        ("DE_kwDOI0B2Tc8AAAACwYSrNg", "11836631862"),
        ("DE_kwDOI0B2Tc8AAAAC", None),
        ("DE_acme/shop_1", None),
        ("DE_é", None),
        ("MDEwOkRlcGxveW1lbnQxNDU5ODg3NDY=", None),
        (None, None),
    ],
)
def test_the_number_of_a_deployment_that_its_field_cannot_hold(node_id: str | None, number: str | None) -> None:
    node = {**connected(deployment("acme/shop", 1)), "databaseId": None, "id": node_id}
    ((row,),) = deployment_rows("acme/shop", node, "github").values()
    assert row["deployment_id"] == (number and f"github:{number}")


@pytest.mark.parametrize(
    ("states", "status", "finished"),
    [
        ((), "running", None),
        (("QUEUED", "IN_PROGRESS"), "running", None),
        (("IN_PROGRESS", "SUCCESS"), "success", "2026-01-05T10:12:00Z"),
        (("IN_PROGRESS", "SUCCESS", "INACTIVE"), "success", "2026-01-05T10:12:00Z"),
        (("IN_PROGRESS", "FAILURE"), "failure", "2026-01-05T10:12:00Z"),
        (("ERROR",), "failure", "2026-01-05T10:11:00Z"),
        (("FAILURE", "IN_PROGRESS"), "running", None),
        (("INACTIVE",), "cancelled", None),
    ],
)
def test_what_became_of_a_deployment(states: tuple[str, ...], status: str, finished: str | None) -> None:
    ((row,),) = deployment_rows("acme/shop", connected(deployment("acme/shop", 1, *states)), "github").values()
    assert (row["status"], row["finished_at"]) == (status, finished)
    assert row["deployment_id"].startswith("github:")


def test_builds_and_releases() -> None:
    ((row,),) = run_rows("acme/shop", run("acme/shop", 1), "github", DeployRules()).values()
    assert (row["status"], row["finished_at"]) == ("success", "2026-01-05T10:56:00Z")
    ((row,),) = run_rows("acme/shop", run("acme/shop", 1, "queued"), "github", DeployRules()).values()
    assert (row["status"], row["finished_at"]) == ("queued", None)
    ((row,),) = release_rows("acme/shop", release("acme/shop", 1)).values()
    assert (row["tag"], row["published_at"], row["prerelease"]) == ("v1", "2026-01-05T10:41:00Z", False)
    assert row["url"] == "https://github.com/acme/shop/releases/tag/v1"
    assert release_rows("acme/shop", {**release("acme/shop", 1), "isDraft": True}) == {}


DEPLOYS = DeployRules.parsed(["deploy*=production", "release.yml"])


@pytest.mark.parametrize(
    ("change", "environment"),
    [
        ({"name": "Deploy to the shop"}, "production"),
        ({"path": ".github/workflows/deploy.yaml"}, "production"),
        ({"path": ".github/workflows/release.yml@refs/heads/main"}, None),
        ({"name": None, "path": ".github/workflows/Release.yml"}, None),
    ],
)
def test_a_run_that_is_a_deployment(change: dict[str, Any], environment: str | None) -> None:
    node = {**run("acme/shop", 1), **change}
    ((row,),) = run_rows("acme/shop", node, "github", DEPLOYS).values()
    assert row["deployment_id"] == f"github:run:{node['id']}"
    assert (row["environment"], row["status"], row["triggered_by"]) == (environment, "success", "ben")
    assert set(run_rows("acme/shop", run("acme/shop", 1), "github", DEPLOYS)) == {"builds"}


@pytest.mark.parametrize(
    ("status", "conclusion", "expected"),
    [
        ("completed", "success", "success"),
        ("completed", "failure", "failure"),
        ("completed", "timed_out", "failure"),
        ("completed", "startup_failure", "failure"),
        ("completed", "cancelled", "cancelled"),
        ("completed", "skipped", "cancelled"),
        ("completed", "action_required", "cancelled"),
        ("queued", None, "running"),
        ("waiting", None, "running"),
    ],
)
def test_how_a_deployment_by_a_run_went(status: str, conclusion: str | None, expected: str) -> None:
    node = {**run("acme/shop", 1), "name": "deploy", "status": status, "conclusion": conclusion}
    ((row,),) = run_rows("acme/shop", node, "github", DEPLOYS).values()
    assert (row["status"], row["finished_at"] is None) == (expected, expected == "running")


def test_a_commit() -> None:
    node = connected(whole_commit("ab", 0, "ada", "cd", message="why\n\n"))
    row = commit_row("acme/shop", node)
    assert (row["parents"], row["message"], row["additions"]) == ("cd", "why", 3)
    merge = commit_row("acme/shop", connected(whole_commit("ab", 0, "ada", "cd", "ef")))
    assert (merge["parents"], merge["additions"], merge["deletions"]) == ("cd ef", None, None)
    bare = commit_row("acme/shop", {"oid": "ab", "author": None, "committer": None, "message": None})
    assert (bare["parents"], bare["author_email"], bare["message"]) == ("", None, None)
    with pytest.raises(Misshapen, match="author"):
        commit_row("acme/shop", {**node, "author": "ada"})


def test_a_repository_without_a_branch() -> None:
    row = repository_row({"nameWithOwner": "acme/new", "url": "u", "defaultBranchRef": None})
    assert row == {"repository": "acme/new", "url": "u", "default_branch": None}


@pytest.mark.parametrize(
    ("url", "host", "rest", "graphql"),
    [
        (None, CLOUD, "https://api.github.com", "https://api.github.com/graphql"),
        ("https://github.com/", CLOUD, "https://api.github.com", "https://api.github.com/graphql"),
        ("https://acme.ghe.com", "acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ("git.acme.test", "git.acme.test", "https://git.acme.test/api/v3", "https://git.acme.test/api/graphql"),
        ("https://git.acme.test:8443/api/v3", "git.acme.test:8443", None, "https://git.acme.test:8443/api/graphql"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", None, "http://127.0.0.1:8080/api/graphql"),
    ],
)
def test_addresses(url: str | None, host: str, rest: str | None, graphql: str) -> None:
    found = server(url)
    assert (found.host, found.graphql) == (host, graphql)
    assert rest is None or found.rest == rest


@pytest.mark.parametrize(
    "url", ["http://git.acme.test", "ftp://x", "https://", "https://me:pw@git.acme.test", "https://x:y"]
)
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(InvalidRequest, match="--url") as raised:
        server(url)
    assert "pw" not in str(raised.value)


def settings(*targets: str) -> list[SourceSettings]:
    return checked(SourceSettings("github", targets=targets))


def test_targets() -> None:
    first, second = settings("Acme/web-*", "acme/shop", "other")
    assert (first.name, first.targets) == ("github:acme", ("acme/web-*", "acme/shop"))
    assert (second.name, second.targets) == ("github:other", ("other/*",))
    assert SourceSettings.restored(first.kind, first.name, first.stored()) == first


@pytest.mark.parametrize("target", ["", "/shop", "acme/", "a/b/c", "https://github.com/acme", "-x"])
def test_targets_that_cannot_be(target: str) -> None:
    with pytest.raises(InvalidRequest, match="names no repositories"):
        settings(target)
