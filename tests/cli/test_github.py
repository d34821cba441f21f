"""``leadline sources`` and ``leadline sync github`` as a user runs them: whole, killed, beside git, and what they print."""

from __future__ import annotations

import csv
import io
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from leadline.cli.interrupt import EXIT_CODE
from leadline.home import Home
from stubs.git_history import History
from stubs.github import TOKEN, App, Hub
from stubs.github_data import member, pull, repository, team, user
from stubs.server import Fault, Request, serving
from sync.harness import contents

from .running import Leadline, environment, write_tables

ENV = {"GITHUB_TOKEN": TOKEN}


@pytest.fixture
def hub() -> Hub:
    return Hub({"acme": [repository("acme/shop", 1, pulls=3, releases=1, deployments=1, runs=2)]})


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with serving(hub) as address:
        yield address


def test_a_source_from_its_adding_to_its_removal(leadline: Leadline, hub: Hub, url: str) -> None:
    leadline("settings", "timezone", "UTC")  # which makes the home
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
    assert "its data stays" in leadline("sources", "remove", "code", "--yes").stdout
    assert leadline.rows()["pull_requests"] == 3
    assert "no source 'code'" in leadline("sources", "remove", "code", "--yes", code=1).stderr


def test_sources_are_read_side_by_side_and_told_in_their_order(leadline: Leadline) -> None:
    met = threading.Barrier(2)

    def meet(request: Request) -> None:
        if request.number == 1:
            met.wait(120)

    hubs = [Hub({name: [repository(f"{name}/shop", 1, pulls=1)]}, faults=meet) for name in ("acme", "ajax")]
    with ExitStack() as stack:
        for hub in hubs:
            (name,) = hub.owners
            leadline("sources", "add", "github", name, "--url", stack.enter_context(serving(hub)), "--name", name)
        done = json.loads(leadline("sync", "--json", env=ENV).stdout)
    assert [(each["source"], each["state"]) for each in done] == [("acme", "done"), ("ajax", "done")]
    assert leadline.rows()["pull_requests"] == 2


def test_ctrl_c_ends_all_that_are_read(leadline: Leadline) -> None:
    asked, ended = threading.Barrier(3), threading.Event()

    def hang(request: Request) -> None:
        if request.number == 1:
            asked.wait(120)
        ended.wait(240)

    with ExitStack() as stack:
        stack.callback(ended.set)
        for name in ("acme", "ajax"):
            url = stack.enter_context(serving(Hub({name: [repository(f"{name}/shop", 1)]}, faults=hang)))
            leadline("sources", "add", "github", name, "--url", url, "--name", name)
        process = leadline.start("sync", env=environment(ENV))
        asked.wait(120)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=120)
    assert process.returncode == EXIT_CODE
    assert not out
    assert "interrupted" in errors.decode()
    assert "Traceback" not in errors.decode()


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
    both = leadline("sync", "github", "acme", "--token-file", "token", "--token-env", "X", code=2)
    assert "give one" in both.stderr


def test_one_that_fails_stops_no_other(leadline: Leadline, hub: Hub, url: str) -> None:
    done = leadline("sync", "github", "nobody", "acme", "--url", url, code=1, env=ENV)
    assert "no organization or user 'nobody'" in done.stderr
    assert "3 pull_requests added" in done.stdout


def test_what_is_left_out_is_said(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.forbidden = {"deployments": "Resource not accessible"}
    done = leadline("sync", "github", "acme", "--url", url, code=3, env=ENV)
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
    assert status == "interrupted"
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

GROUPS = ("lttc", "work_items", "df", "cfr", "mttr", "rating", "summary")


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(history: History) -> str:
    return iso(history.time)


def told_by_github(history: History) -> list[dict[str, Any]]:
    """Every commit of the repository, the oldest first, as GitHub tells of it."""
    form = "%x01%H%x00%P%x00%at%x00%ct%x00%an%x00%ae%x00%ce%x00%B%x00"
    found = []
    for part in history.git("log", "--reverse", "--numstat", f"--format={form}", "--branches").split("\x01")[1:]:
        sha, parents, authored, committed, name, email, committer, message, lines = part.split("\x00")
        counts = [line.split("\t")[:2] for line in lines.strip().splitlines()]
        found.append(
            {
                "id": f"C_{sha}",
                "oid": sha,
                "message": message,
                "authoredDate": iso(int(authored)),
                "committedDate": iso(int(committed)),
                "author": {"name": name, "email": email, "user": {"login": name.lower()}},
                "committer": {"email": committer},
                "parents": [{"oid": parent} for parent in parents.split()],
                "additions": sum(int(added) for added, _ in counts),
                "deletions": sum(int(deleted) for _, deleted in counts),
            }
        )
    return found


def both_worlds(folder: Path) -> tuple[History, dict[str, Any]]:
    """A git repository, and what GitHub says of the very same. Every third pull request is squashed."""
    history = History(folder)
    history.commit("begin", {"README": "shop\n"})
    found = repository("acme/shop", 1, deployments=2, runs=6)
    for number in range(1, 7):
        history.git("checkout", "-q", "-b", f"SHOP-{number}-x")
        node = pull("acme/shop", number, commits=0, files=0)
        listed = []
        for at in range(2):
            files = {f"src/{at}.py": f"line {number}\n" * (3 + number)}
            author = "Ada <ada@example.com>" if at else "Ben <ben@example.com>"
            listed.append(history.commit(f"SHOP-{number} part {at}", dict(files), author=author))
            node["files"].append({"path": f"src/{at}.py", "additions": 3 + number, "deletions": max(0, 2 + number - 3)})
        history.git("checkout", "-q", "main")
        node["createdAt"] = stamp(history)
        before = history.git("rev-parse", "HEAD").strip()
        if number % 3:
            merge = history.merge(f"SHOP-{number}-x")
            parents = [before, listed[-1]]
        else:
            history.git("merge", "-q", "--squash", f"SHOP-{number}-x")
            merge, parents = history.commit(f"SHOP-{number} (#{number})"), [before]
        node["mergeCommit"] = {"oid": merge, "parents": [{"oid": parent} for parent in parents]}
        node.update(mergedAt=stamp(history), updatedAt=stamp(history), closedAt=stamp(history), timelineItems=[])
        node.update(author=user("ada" if number % 2 else "ben"), additions=6 + 2 * number, deletions=2 * number)
        node.update(commits=listed, headRefOid=listed[-1])
        found["pullRequests"].append(node)
        found["runs"][number - 1]["head_sha"] = merge
    for deployment, node in zip(found["deployments"], found["pullRequests"][1::3], strict=True):
        deployment["commitOid"] = node["mergeCommit"]["oid"]
    found["history"] = told_by_github(history)
    found["defaultBranchRef"]["target"] = {"oid": history.git("rev-parse", "main")}
    by_sha = {commit["oid"]: commit for commit in found["history"]}
    for node in found["pullRequests"]:
        node["commits"] = [{"commit": by_sha[sha]} for sha in node["commits"]]
    return history, found


def exported(program: Leadline, kind: str, level: tuple[str, ...]) -> list[dict[str, str]]:
    days = ("--start", "2026-01-01", "--end", "2026-02-28", "--granularity", "monthly")
    text = program("export", kind, "--org-tree", "Shop", *days, *level, "-o", "-").stdout
    return list(csv.DictReader(io.StringIO(text)))


def commits(program: Leadline) -> list[dict[str, Any]]:
    """The rows of commits, less who brought them."""
    with Home.open(program.home) as home:
        rows = contents(home.project(), ["commits"])["commits"]
    return [{name: value for name, value in row.items() if name != "source"} for row in rows]


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
    alone, with_git = leadline.rows(), beside.rows()
    assert with_git.pop("commit_files") > 0
    assert alone == with_git
    assert commits(leadline) == commits(beside)
    filled: set[str] = set()
    for kind, level in (
        ("productivity", ("--level", "developer")),
        ("productivity", ("--level", "team")),
        ("efficiency", tuple(part for group in GROUPS for part in ("--group", group))),
    ):
        one, other = (exported(program, kind, level) for program in (leadline, beside))
        assert one == other
        filled |= {name for row in one for name, value in row.items() if value.strip("0.")}
    assert filled >= {"PR_Merged", "Coding_Days", "LOC_Added", "Rework_Percent_Recent"}
    assert filled >= {"LTTC_Mean_Days", "Build_Mean_Days", "DF_Deployment_Count", "Overall_Rating"}


def test_an_address_without_a_github_is_told_in_one_line(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.faults = lambda _: Fault(404, (("Content-Type", "application/json"),), b'{"message": "Not Found"}')
    done = leadline("sync", "github", "acme", "--url", url, code=1, env=ENV)
    (line,) = done.stderr.splitlines()
    assert "has no GraphQL API" in line


# -- teams -------------------------------------------------------------------------------------------------------------


MAPPED = """\
    source,account,email
    github,Ben,ben@acme.test
    """


def test_a_tree_of_the_organizations_teams(leadline: Leadline, hub: Hub, url: str, tmp_path: Path) -> None:
    hub.members = [member("Ada", "ada@acme.test"), member("ben", shown="ben@home.test"), member("cleo")]
    hub.teams = [
        team("engineering"),
        team("web", "Ada", "ben", "dan", above="engineering"),
        team("7", "ben", "cleo", above="engineering"),
    ]
    unread = leadline("org", "from-teams", "github:acme", code=1)
    assert "`leadline sync github acme` reads them" in unread.stderr
    unread = leadline("org", "from-teams", "github:acme@github.acme.test", code=1)
    assert "`leadline sync github acme --url https://github.acme.test` reads them" in unread.stderr
    leadline("sync", "github", "acme", "--url", url, env=ENV)
    leadline("import", write_tables(tmp_path / "mapped", {"identities": MAPPED}))
    made = leadline("org", "from-teams", "github:Acme", "-o", "teams.json")
    assert "2 accounts are nobody's and left out: cleo, dan" in made.stderr
    document = json.loads((leadline.cwd / "teams.json").read_text())
    assert document == {
        "name": "acme",
        "children": [
            {
                "name": "Engineering",
                "key": "engineering",
                "children": [
                    {"name": "7", "key": "team-7", "members": [{"email": "ben@acme.test", "full_name": "Ben"}]},
                    {
                        "name": "Web",
                        "key": "web",
                        "members": [{"email": "ada@acme.test", "full_name": "Ada"}, "ben@acme.test"],
                    },
                ],
            }
        ],
    }
    assert json.loads(leadline("org", "from-teams", "github:acme").stdout) == document
    leadline("org", "load", "teams.json", "--name", "Teams")
    (tree,) = leadline.json("org", "show")
    assert [(each["name"], each["developers"]) for each in tree["teams"]] == [
        ("Teams", 2),
        ("Engineering", 2),
        ("7", 1),
        ("Web", 2),
    ]
    assert "as github:example" in leadline("org", "from-teams", "acme", code=2).stderr


def test_an_app_from_the_command_line(leadline: Leadline, hub: Hub, url: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    hub.app = App("4711", key.public_key(), {"orgs/acme": {"id": 77, "suspended_at": None}})
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (leadline.cwd / "app.pem").write_text(pem)
    leadline("sources", "add", "github", "acme", "--url", url, "--app", "4711", "--token-file", "app.pem")
    assert "answers; 1 repositories of acme" in leadline("sources", "test", "github:acme@" + url[7:]).stdout
    assert "3 pull_requests added" in leadline("sync").stdout
    wrong = leadline("sources", "add", "github", "other", "--app", "no id", "--token-file", "app.pem", code=2)
    assert "--app cannot be 'no id'" in wrong.stderr
