"""Jenkins' builds in their documented shapes, and the rows that become of them; addresses, names and rules that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.jenkins.api import jobs_tree, path_of
from leadline.sources.jenkins.jobs import Wanted
from leadline.sources.jenkins.rows import Job, rows_of
from leadline.sources.kit.deploy_rules import DeployRule
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from stubs.jenkins import START, build, checkout

JOB = Job(("shop", "api"))
BRANCH = Job(("shop", "api", "feature%2Fcart"), of_branch=True)
DEPLOY = Job(("shop", "deploy"), rule=DeployRule("*", None))


def row(job: Job, build: dict[str, Any]) -> dict[str, Any]:
    return rows_of("ci.example.com", job, build)[job.table][0]


@pytest.mark.parametrize(
    ("result", "building", "of_build", "of_deployment"),
    [
        ("SUCCESS", False, "success", "success"),
        ("UNSTABLE", False, "unstable", "failure"),
        ("FAILURE", False, "failure", "failure"),
        ("ABORTED", False, "aborted", "cancelled"),
        ("NOT_BUILT", False, "not_built", "cancelled"),
        (None, True, "running", "running"),
        ("SUCCESS", True, "running", "running"),  # it has its result, and is cleaning up
        (None, False, "unknown", "cancelled"),  # the server was stopped under it
    ],
)
def test_results(result: str | None, building: bool, of_build: str, of_deployment: str) -> None:
    made = build(7, result, building=building)
    assert row(JOB, made)["status"] == of_build
    assert row(DEPLOY, made)["status"] == of_deployment
    assert (row(JOB, made)["finished_at"] is None) == building


def test_a_freestyle_job() -> None:
    made = build(7, minutes=5)
    made["changeSet"] = {"kind": "git", "items": [{"commitId": "C" * 40}, {"revision": 12}, {}]}
    del made["changeSets"]
    found = row(DEPLOY, made)
    assert found["shas"] == ["c" * 40]
    assert (found["deployment_id"], found["sha"]) == (f"ci.example.com:shop/deploy:7:{START + 300_000}", f"{7:040x}")
    assert (found["started_at"], found["finished_at"]) == ("2026-01-05T08:05:00.000Z", "2026-01-05T08:06:30.000Z")


@pytest.mark.parametrize(
    ("name", "branch"),
    [
        ("refs/remotes/origin/main", "main"),
        ("refs/remotes/upstream/release/1.2", "release/1.2"),
        ("origin/feature/x", "feature/x"),
        ("refs/heads/main", "main"),
        ("main", "main"),
        ("detached", None),
    ],
)
def test_branches(name: str, branch: str | None) -> None:
    made = build(1, actions=[{}, checkout("acme/shop", "a" * 40, name)])
    assert row(JOB, made)["branch"] == branch


def test_of_several_checkouts_the_branch_counts() -> None:
    library = checkout("acme/library", "b" * 40, "master")
    own = checkout("acme/shop", "a" * 40, "feature/cart")
    assert row(BRANCH, build(1, actions=[library, own]))["repository"] == "acme/shop"
    assert row(JOB, build(1, actions=[library, own]))["repository"] == "acme/library"
    assert (row(BRANCH, build(1))["pipeline"], row(BRANCH, build(1))["branch"]) == ("shop/api", "feature/cart")


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("git@code.example.com:acme/shop.git", "acme/shop"),
        ("ssh://git@code.example.com:7999/acme/shop", "acme/shop"),
        ("https://user:secret@code.example.com/group/acme/shop.git", "acme/shop"),
        ("shop", None),
    ],
)
def test_repositories(url: str, repository: str | None) -> None:
    made = {**checkout("x/y", "a" * 40), "remoteUrls": [url]}
    assert row(JOB, build(1, actions=[made]))["repository"] == repository


@pytest.mark.parametrize(
    ("parameters", "environment", "rollback"),
    [
        ({}, None, False),
        ({"ENVIRONMENT": "prod", "ENV": "other"}, "prod", False),
        ({"Env": "staging"}, "staging", False),
        ({"TARGET": "eu", "ROLLBACK": "yes"}, "eu", True),
        ({"ENV": None, "rollback": 0}, None, False),
    ],
)
def test_parameters(parameters: dict[str, Any], environment: str | None, rollback: bool) -> None:
    found = row(DEPLOY, build(1, parameters=parameters))
    assert (found["environment"], found["rollback"], found["service"]) == (environment, rollback, "shop/deploy")
    ruled = Job(("shop", "deploy"), rule=DeployRule("*", "live"))
    assert row(ruled, build(1, parameters=parameters))["environment"] == "live"


def test_who_started_it_and_nobody() -> None:
    assert rows_of("ci", DEPLOY, build(1))["tool_accounts"] == [
        {"source": "jenkins", "account": "ada", "name": "Ada L."}
    ]
    alone = rows_of("ci", DEPLOY, build(1, user=None))
    assert ("tool_accounts" in alone, alone["deployments"][0]["triggered_by"]) == (False, None)
    assert "tool_accounts" not in rows_of("ci", JOB, build(1))


@pytest.mark.parametrize("change", [{"number": "7"}, {"timestamp": None}, {"timestamp": -1}, {"number": True}])
def test_a_build_without_its_place(change: dict[str, Any]) -> None:
    with pytest.raises(Misshapen):
        rows_of("ci", JOB, {**build(1), **change})


def test_paths_and_trees() -> None:
    assert path_of(("shop", "api", "feature%2Fcart")) == "/job/shop/job/api/job/feature%252Fcart"
    assert path_of(("a b", "c?d")) == "/job/a%20b/job/c%3Fd"
    assert jobs_tree(1) == "_class,jobs[_class,name,lastBuild[number,timestamp,building],jobs[name]{0,1}]"


def test_wanted() -> None:
    wanted = Wanted(("shop/api*", "Tools"))
    assert [wanted.has(name) for name in ("shop/api/main", "tools/x/y", "shop/web")] == [True, True, False]
    assert wanted.starts() == [("Tools",), ("shop",)]
    assert [wanted.may_have(names) for names in (("shop",), ("shop", "web"), ("tools", "x"))] == [True, False, True]
    assert Wanted(("shop", "shop/api")).starts() == [("shop",)]
    assert Wanted(("*/api",)).starts() == [()]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://ci.example.com", "jenkins:ci.example.com"),
        ("ci.example.com/jenkins/job/shop/", "jenkins:ci.example.com/jenkins"),
        ("http://localhost:8080/", "jenkins:localhost:8080"),
    ],
)
def test_names_of_sources(url: str, name: str) -> None:
    (found,) = checked(SourceSettings("jenkins", targets=("/shop/api/", "shop/*"), url=url))
    assert (found.name, found.targets) == (name, ("shop/api", "shop/*"))


@pytest.mark.parametrize(
    ("url", "targets", "says"),
    [
        (None, [], "needs --url"),
        ("http://ci.example.com", [], "--url cannot be"),
        ("https://ada:secret@ci.example.com", [], "must not hold a user or a password"),
        ("https://ci.example.com:x", [], "is no address"),
        ("https://ci.example.com", ["a//b"], "names no job"),
        ("https://ci.example.com", ["https://ci.example.com/job/a"], "names no job"),
    ],
)
def test_settings_that_cannot_be(url: str | None, targets: list[str], says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(SourceSettings("jenkins", targets=tuple(targets), url=url))
    assert says in caught.value.message
    assert "secret" not in caught.value.message
