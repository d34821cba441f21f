"""``leadline sources`` and ``leadline sync github`` as a user runs them: whole, killed, beside git, and what they print."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from git_history import History
from github_data import pull, repository, user
from github_stub import TOKEN, Fault, Hub, serving

from .running import Leadline, write_tables

ENV = {"GITHUB_TOKEN": TOKEN}


@pytest.fixture
def hub() -> Hub:
    return Hub({"acme": [repository("acme/shop", 1, pulls=3, releases=1, deployments=1, runs=2)]})


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with serving(hub) as address:
        yield address


def test_a_source_from_its_adding_to_its_removal(leadline: Leadline, hub: Hub, url: str) -> None:
    empty = leadline("sync", code=1)
    assert "leadline sources add github ORG" in empty.stderr
    added = leadline("sources", "add", "github", "acme/sh*", "--url", url, "--name", "code").stdout
    assert "Added code" in added
    assert "already" in leadline("sources", "add", "github", "acme", "--url", url, "--name", "code", code=1).stderr
    (listed,) = leadline.json("sources", "list")
    assert (listed["name"], listed["targets"], listed["succeededAt"]) == ("code", ["acme/sh*"], None)
    assert "answers; 1 repositories of acme" in leadline("sources", "test", "code", env=ENV).stdout
    done = leadline("sync", env=ENV)
    assert done.stdout.startswith("code: 1 repositories added, 3 pull_requests added, ")
    assert leadline("sync", env=ENV).stdout.startswith("code: nothing new (1 calls, ")
    (status,) = leadline.json("status")["sources"]
    assert (status["name"], status["state"], status["configured"], status["error"]) == ("code", "done", True, None)
    assert status["lagTimeSeconds"] < 300
    text = leadline("status").stdout
    assert "Sources:" in text
    assert "Repositories:" not in text
    assert "its data stays" in leadline("sources", "remove", "code").stdout
    assert leadline.rows()["pull_requests"] == 3
    assert "no source 'code'" in leadline("sources", "remove", "code", code=1).stderr


def test_a_token_that_expires_is_seen_in_the_status_and_stored_nowhere(leadline: Leadline, hub: Hub, url: str) -> None:
    leadline("sync", "github", "acme", "--url", url, env=ENV)
    done = leadline("sync", "github", "acme", "--url", url, code=1, env={"GITHUB_TOKEN": "ghp_expired_secret"})
    assert "refuses the token from the variable GITHUB_TOKEN (Bad credentials)" in done.stderr
    (status,) = leadline.json("status")["sources"]
    assert status["state"] == "failed"
    assert status["succeededAt"] is not None
    assert "Bad credentials" in status["error"]
    for path in leadline.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert TOKEN.encode() not in content
            assert b"ghp_expired_secret" not in content


def test_the_token_from_a_file(leadline: Leadline, hub: Hub, url: str) -> None:
    (leadline.cwd / "token").write_text(f"{TOKEN}\n")
    leadline("sync", "github", "acme", "--url", url, "--token-file", "token")
    missing = leadline("sync", "github", "acme", "--url", url, "--token-file", "none", code=1)
    assert "cannot be read" in missing.stderr
    both = leadline("sync", "github", "acme", "--token-file", "token", "--token-env", "X", code=1)
    assert "give one" in both.stderr


def test_one_that_fails_stops_no_other(leadline: Leadline, hub: Hub, url: str) -> None:
    done = leadline("sync", "github", "nobody", "acme", "--url", url, code=1, env=ENV)
    assert "no organization or user 'nobody'" in done.stderr
    assert "3 pull_requests added" in done.stdout


def test_what_is_left_out_is_said(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.forbidden = {"deployments": "Resource not accessible"}
    done = leadline("sync", "github", "acme", "--url", url, env=ENV)
    assert "left out: deployments of 1 repositories of acme: Resource not accessible" in done.stdout
    assert "left out deployments of 1 repositories" in leadline("status").stdout


def test_killed_again_and_again(leadline: Leadline, hub: Hub, url: str, tmp_path: Path) -> None:
    hub.owners["acme"] = [repository(f"acme/r{at}", at, pulls=30, deployments=2, runs=3) for at in range(4)]
    straight = Leadline(tmp_path / "straight", leadline.cwd)
    straight("sync", "github", "acme", "--url", url, env=ENV)
    for answered in (1, 3, 6, 10):
        (leadline.cwd / "token").write_text(TOKEN)
        hub.requests.clear()
        hub.latency = 0.05
        process = leadline.start("sync", "github", "acme", "--url", url, "--token-file", "token")
        deadline = time.monotonic() + 60
        while len(hub.requests) < answered and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait(30)
    status = leadline.json("status")["sources"][0]["state"]
    assert status == "not ended"
    hub.latency = 0.0
    leadline("sync", "github", "acme", "--url", url, env=ENV)
    assert leadline.rows() == straight.rows()
    for program in (leadline, straight):
        program("status", "--check")


# -- beside git --------------------------------------------------------------------------------------------------------

PEOPLE = {
    "developers": """\
        email,full_name,manager_email,team
        grace@example.com,Grace,,Shop
        ada@example.com,Ada,grace@example.com,Shop
        ben@example.com,Ben,grace@example.com,Shop
        """,
    "identities": """\
        source,account,email
        github,ada,ada@example.com
        github,ben,ben@example.com
        github,cleo,grace@example.com
        """,
    "work_items": """\
        project,key,type,status,status_category,assignee,created_at,completed_at,source
        SHOP,SHOP-1,Story,Done,done,ada@example.com,2026-01-01T01:00:00Z,2026-01-05T09:00:00Z,jira
        """,
}

OF_DEVELOPERS = (
    *(
        "PR_CYCLE_TIME_DAYS_AVG",
        "PR_MERGED",
        "PR_MERGED_SMALL",
        "PR_MERGED_MEDIUM",
        "PR_MERGED_LARGE",
        "LOC_REFACTORED",
    ),
    *("PR_MISSING_TICKETS", "REVIEW_COMMENTS_PER_PR_AVG", "REVIEW_TIME_TO_FIRST_COMMENT_HRS_AVG"),
)
OF_TEAMS = (*OF_DEVELOPERS, "PR_VELOCITY", "LOC_TOTAL", "REWORK_PERCENT")
DORA = (
    "CODING_MEAN_DAYS",
    "REVIEW_MEAN_DAYS",
    "BUILD_MEAN_DAYS",
    "DF_DEPLOYMENT_COUNT",
    "TOTAL_SUCCESS",
    "CFR_PERCENT",
)
"""What GitHub alone knows as well as git does: nothing that counts the lines of commits or follows the commit graph."""


def stamp(history: History) -> str:
    return datetime.fromtimestamp(history.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def both_worlds(folder: Path) -> tuple[History, dict[str, Any]]:
    """A git repository, and what GitHub says of the very same."""
    history = History(folder)
    history.commit("begin", {"README": "shop\n"})
    found = repository("acme/shop", 1, deployments=2, runs=6)
    for number in range(1, 7):
        history.git("checkout", "-q", "-b", f"SHOP-{number}-x")
        node = pull("acme/shop", number, commits=0, files=0)
        for at in range(2):
            files = {f"src/{at}.py": f"line {number}\n" * (3 + number)}
            author = "Ada <ada@example.com>" if at else "Ben <ben@example.com>"
            sha = history.commit(f"SHOP-{number} part {at}", dict(files), author=author)
            commit = {"oid": sha, "authoredDate": stamp(history), "committedDate": stamp(history)}
            node["commits"].append({"commit": {**commit, "author": {"user": {"login": "ada" if at else "ben"}}}})
            node["files"].append({"path": f"src/{at}.py", "additions": 3 + number, "deletions": max(0, 2 + number - 3)})
        history.git("checkout", "-q", "main")
        node["createdAt"] = stamp(history)
        node["mergeCommit"] = {"oid": history.merge(f"SHOP-{number}-x")}
        node.update(mergedAt=stamp(history), updatedAt=stamp(history), closedAt=stamp(history), timelineItems=[])
        node.update(author=user("ada" if number % 2 else "ben"), additions=6 + 2 * number, deletions=2 * number)
        found["pullRequests"].append(node)
        found["runs"][number - 1]["head_sha"] = node["mergeCommit"]["oid"]
    for deployment, node in zip(found["deployments"], found["pullRequests"][1::3], strict=True):
        deployment["commitOid"] = node["mergeCommit"]["oid"]
    return history, found


def exported(program: Leadline, kind: str, metrics: tuple[str, ...], level: tuple[str, ...]) -> list[dict[str, str]]:
    options = [part for name in metrics for part in ("--metric", name)]
    days = ("--start", "2026-01-01", "--end", "2026-02-28", "--granularity", "monthly")
    text = program("export", kind, "--org-tree", "Shop", *days, *level, *options, "-o", "-").stdout
    return list(csv.DictReader(io.StringIO(text)))


def test_the_same_metrics_with_git_beside_it_and_without(
    leadline: Leadline, hub: Hub, url: str, tmp_path: Path
) -> None:
    history, found = both_worlds(tmp_path / "shop")
    hub.owners["acme"] = [found]
    beside = Leadline(tmp_path / "beside", leadline.cwd)
    data = write_tables(tmp_path / "people", PEOPLE)
    for program in (leadline, beside):
        program("import", data)
        program("org", "load", data / "developers.csv", "--name", "Shop")
        if program is beside:
            program("sync", "git", history.folder, "--name", "acme/shop")
        program("sync", "github", "acme", "--url", url, env=ENV)
    assert set(beside.rows()) - set(leadline.rows()) == {"commits", "commit_files"}
    for kind, metrics, level in (
        ("productivity", OF_DEVELOPERS, ("--level", "developer")),
        ("productivity", OF_TEAMS, ("--level", "team")),
        ("efficiency", DORA, ()),
    ):
        alone, with_git = (exported(program, kind, metrics, level) for program in (leadline, beside))
        assert alone == with_git
        filled = {name for row in alone for name, value in row.items() if value.strip("0.")}
        assert filled >= {"PR_Merged", "PR_Cycle_Time_Days_Avg"} or filled >= {"Build_Mean_Days", "DF_Deployment_Count"}


def test_an_address_without_a_github_is_told_in_one_line(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.faults = lambda _: Fault(404, (("Content-Type", "application/json"),), b'{"message": "Not Found"}')
    done = leadline("sync", "github", "acme", "--url", url, code=1, env=ENV)
    (line,) = done.stderr.splitlines()
    assert "has no GraphQL API" in line
