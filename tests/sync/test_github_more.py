"""GitHub beyond its lists: signing in as an app, runs that are deployments, commits without git, and the members."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from leadline.db import cursors
from leadline.home import Home, Project
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
from stubs.github import PASSING, App, Hub
from stubs.github_data import member, oid, pull, repository, run, squash, team, whole_commit
from stubs.server import JSON, SERVER_ERROR, Fault, Request, Tool, serving

from .harness import Rows, Syncer, after_pages, contents
from .scenarios import GITHUB, small_github

SCENARIO = GITHUB


@pytest.fixture
def hub(tool: Tool) -> Hub:
    assert isinstance(tool, Hub)
    return tool


# -- as an app ---------------------------------------------------------------------------------------------------------


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(of: rsa.RSAPrivateKey | None = None) -> str:
    return (of or key()).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def app(hub: Hub, sync: Syncer) -> App:
    hub.app = App("4711", key().public_key(), {"orgs/acme": {"id": 77, "suspended_at": None}})
    sync.token = pem()
    return hub.app


@pytest.mark.parametrize("kind", ["orgs", "users"])
def test_an_app_signs_in(sync: Syncer, app: App, kind: str) -> None:
    app.installations = {f"{kind}/acme": {"id": 77, "suspended_at": None}}
    sync.good(app=("4711",))
    assert len(sync.rows("pull_requests")) == 10
    assert len(app.tokens) == 1


def test_a_key_in_one_line(sync: Syncer, app: App) -> None:
    sync.token = pem().strip().replace("\n", "\\n")
    sync.good(app=("4711",))


@pytest.mark.parametrize("hours", [-9, 9])
def test_a_clock_that_is_off(sync: Syncer, hub: Hub, app: App, hours: int) -> None:
    hub.clock = hours * 3600.0
    sync.good(app=("4711",))
    assert len(app.tokens) == 1


def test_a_token_is_renewed_before_it_ends(sync: Syncer, app: App) -> None:
    app.seconds = 200  # less than what a token must still be good for
    done = sync.good(app=("4711",))
    assert len(sync.rows("pull_requests")) == 10
    assert 1 < len(app.tokens) < done.result.call_stats.calls


def test_a_token_that_was_taken_back_is_renewed(sync: Syncer, hub: Hub, app: App) -> None:
    def revoke(request: Request) -> None:
        if request.number == 6:
            app.tokens.clear()

    hub.faults = revoke
    sync.good(app=("4711",))
    assert len(sync.rows("pull_requests")) == 10


def test_trouble_while_a_token_is_made_passes(sync: Syncer, hub: Hub, app: App) -> None:
    hub.faults = lambda request: Fault(502, (), b"") if request.number in (1, 3, 4) else None
    sync.good(app=("4711",))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"installations": {}}, "is not installed at acme; install it there"),
        (
            {"installations": {"orgs/acme": {"id": 77, "suspended_at": "2026-01-05T10:00:00Z"}}},
            "suspended at acme since 2026",
        ),
        ({"id": "9"}, "is --app its id"),
        ({"public_key": rsa.generate_private_key(65537, 2048).public_key()}, "could not be decoded"),
        ({"refusal": (403, "This installation has been suspended")}, "This installation has been suspended"),
    ],
)
def test_an_app_that_cannot_sign_in(sync: Syncer, app: App, change: dict[str, Any], says: str) -> None:
    for name, value in change.items():
        setattr(app, name, value)
    done = sync(app=("4711",))
    assert done.error is not None
    assert says in done.error.message
    assert "PRIVATE" not in str(done.document())


@pytest.mark.parametrize(
    "secret", ["ghp_a_token", "-----BEGIN RSA PRIVATE KEY-----\nxyz\n-----END RSA PRIVATE KEY-----"]
)
def test_what_is_no_key(sync: Syncer, app: App, secret: str) -> None:
    sync.token = secret
    done = sync(app=("4711",))
    assert done.error is not None
    assert "no private key of a GitHub App" in done.error.message
    assert secret not in done.error.message


def test_a_permission_that_an_app_lacks(sync: Syncer, hub: Hub, app: App) -> None:
    hub.forbidden = {
        "pullRequests": "Resource not accessible by integration",
        "runs": "Resource not accessible by integration",
    }
    done = sync(app=("4711",))
    assert done.error is None
    told = {skip.what: skip.why for skip in done.result.skipped}
    assert "needs the permission Pull requests: read-only" in told["pullRequests of 3 repositories of acme"]
    assert "actions=read" in told["builds of acme/shop"]


def whole_hub() -> Hub:
    """One with people, an app, and commits that wait for a second page."""
    hub = small_github()
    hub.members = [member("ada", "ada@acme.test"), member("ben")]
    hub.teams = [team("all", "ada"), team("web", *[f"m{at}" for at in range(130)], above="all")]
    hub.owners["acme"][0] = repository("acme/shop", 1, pulls=40, releases=2, deployments=3, runs=5, commits=6)
    hub.app = App("4711", key().public_key(), {"orgs/acme": {"id": 77, "suspended_at": None}})
    return hub


TABLES = ("pull_requests", "commits", "builds", "deployments", "tool_accounts", "tool_teams")


def everything(project: Project, faults: Callable[[Request], Fault | None] = lambda _: None) -> Rows:
    hub = whole_hub()
    hub.faults = faults
    with serving(hub) as url:
        sync = Syncer(project, hub, url, SCENARIO)
        sync.token = pem()
        sync.good(app=("4711",), deploys=("none*",))
        return contents(project, TABLES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with Home.open(tmp_path_factory.mktemp("whole")) as home:
        found = everything(home.project())
    assert [len(found[name]) for name in TABLES] == [43, 40 * 6 + 40 + 3 * 2 + 3, 7, 3, 2, 131]
    return found


@pytest.mark.parametrize("kind", list(PASSING))
def test_trouble_at_every_request(project: Project, whole: dict[str, Any], kind: str) -> None:
    """Every request meets the trouble once, also those for tokens, and is answered when it is made again."""

    def spoil(request: Request) -> Fault | None:
        return PASSING[kind] if request.number % 2 and (request.query or kind != "went wrong") else None

    assert everything(project, spoil) == whole


# -- runs that are deployments -----------------------------------------------------------------------------------------


def test_runs_that_are_deployments(sync: Syncer, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    conclusions = ("success", "timed_out", "skipped", None)
    for each, conclusion in zip(shop["runs"], conclusions, strict=False):
        status = "in_progress" if conclusion is None else "completed"
        each.update(name="Ship it", path=".github/workflows/deploy.yml@main", conclusion=conclusion, status=status)
    sync.good(deploys=("ship*=staging",))
    made = [row for row in sync.rows("deployments") if ":run:" in row["deployment_id"]]
    assert [(row["status"], row["environment"]) for row in made] == [
        ("success", "staging"),
        ("failure", "staging"),
        ("cancelled", "staging"),
        ("running", "staging"),
    ]
    assert (made[0]["pipeline"], made[0]["sha"], made[0]["triggered_by"]) == (
        "Ship it",
        shop["runs"][0]["head_sha"],
        "ben",
    )
    assert (made[0]["finished_at"], made[3]["finished_at"]) == ("2026-01-05 10:56:00+00", None)
    assert len(sync.rows("builds")) == 7 - 4


def test_a_deployment_that_is_run_again_days_later(sync: Syncer, hub: Hub) -> None:
    """By then, other runs are the newest, and GitHub lists runs by when they were made."""
    shop = hub.owners["acme"][0]
    shop["runs"] = [run("acme/shop", number) for number in range(1, 131)]
    shop["runs"][0]["conclusion"] = "failure"
    hub.owners = {"acme": [shop]}
    hub.clock = datetime(2026, 1, 11, tzinfo=UTC).timestamp() - datetime.now(UTC).timestamp()

    def first() -> tuple[str, str]:
        (row,) = [row for row in sync.rows("deployments") if row["deployment_id"].endswith(f":run:{identity}")]
        return row["status"], row["finished_at"]

    identity = shop["runs"][0]["id"]
    sync.good(deploys=("CI",))
    assert first() == ("failure", "2026-01-05 10:56:00+00")
    shop["runs"][0].update(conclusion="success", updated_at="2026-01-11T00:30:00Z")
    assert len(sync.requests(deploys=("CI",))) == 1
    hub.clock += 86_400
    sync.good(deploys=("CI",))
    assert first() == ("success", "2026-01-11 00:30:00+00")
    assert len(sync.requests(deploys=("CI",))) == 1


def test_a_rule_that_comes_later_and_goes_again(sync: Syncer, hub: Hub) -> None:
    for each in hub.owners["acme"][0]["runs"][:2]:
        each["path"] = ".github/workflows/deploy.yml"
    hub.owners["acme"][1]["runs"] = [run("acme/web", at) for at in range(1, 151)]
    hub.owners["acme"][1]["runs"][3]["path"] = ".github/workflows/deploy.yml"
    sync.good()
    first = sync.rows("builds"), sync.rows("deployments")
    assert [len(rows) for rows in first] == [155, 3]
    with pytest.raises(KeyboardInterrupt):
        sync(progress=after_pages(4), rows_at_a_time=1, deploys=("deploy.yml",))
    sync.good(deploys=("deploy.yml",))
    assert [len(sync.rows(name)) for name in ("builds", "deployments")] == [152, 6]
    assert sync.calls(deploys=("deploy.yml",)) == 1
    sync.good()
    assert (sync.rows("builds"), sync.rows("deployments")) == first
    assert sync.calls() == 1


# -- commits without git -----------------------------------------------------------------------------------------------


def shas(sync: Syncer, name: str = "acme/web") -> set[str]:
    return {row["sha"] for row in sync.rows("commits") if row["repository"] == name}


def test_a_commits_row(sync: Syncer) -> None:
    sync.good()
    (row,) = [row for row in sync.rows("commits") if row["sha"] == oid("acme/shop", "merge", 2)]
    assert row == {
        "repository": "acme/shop",
        "sha": oid("acme/shop", "merge", 2),
        "parents": oid("acme/shop", "merge", 1),
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "authored_at": "2026-01-05 11:44:00+00",
        "committer_email": "noreply@github.com",
        "committed_at": "2026-01-05 11:45:00+00",
        "message": "SHOP-2 change (#2)",
        "additions": "3",
        "deletions": "1",
        "source": "github",
        "updated_at": None,
    }


def merge(web: dict[str, Any], *commits: dict[str, Any]) -> None:
    """Put ``commits`` onto the default branch; the last is its head."""
    web["history"] += commits
    web["defaultBranchRef"]["target"] = {"oid": commits[-1]["oid"]}


def test_what_came_since_is_told_by_the_parents(sync: Syncer, hub: Hub) -> None:
    """An old branch that was merged lately has commits far below the former head."""
    web = repository("acme/web", 2, pulls=0)
    trunk = [whole_commit(oid("t", at), at * 60, "ada", *([oid("t", at - 1)] if at else [])) for at in range(350)]
    merge(web, *trunk)
    hub.owners["acme"][1] = web
    sync.good()
    assert len(shas(sync)) == 350
    old = whole_commit(oid("old"), 200 * 60 + 5, "ben", oid("t", 200))
    merge(web, old, whole_commit(oid("m"), 400 * 60, "ada", oid("t", 349), oid("old")))
    before = len(hub.requests)
    sync.good()
    assert len(shas(sync)) == 352
    # The overview, the two hundred commits that are newer than where the branch began, and what always comes with a push.
    assert len([request for request in hub.requests[before:] if "history" in request.query]) == 2
    (row,) = [row for row in sync.rows("commits") if row["sha"] == oid("m")]
    assert (row["parents"], row["additions"]) == (f"{oid('t', 349)} {oid('old')}", None)
    merge(web, whole_commit(oid("next"), 401 * 60, "ada", oid("m")))
    before = len(hub.requests)
    sync.good()
    assert len([request for request in hub.requests[before:] if "history" in request.query]) == 1
    assert sync.calls() == 1


def test_a_history_that_is_cut_and_grows_meanwhile(sync: Syncer, hub: Hub) -> None:
    web = repository("acme/web", 2)
    merge(web, *[whole_commit(oid("t", at), at, "ada", *([oid("t", at - 1)] if at else [])) for at in range(350)])
    hub.owners["acme"] = [web]
    with pytest.raises(KeyboardInterrupt):
        sync(progress=after_pages(3), rows_at_a_time=1)
    assert 0 < len(shas(sync)) < 350
    merge(web, whole_commit(oid("t", 350), 350, "ada", oid("t", 349)))
    before = len(hub.requests)
    sync.good()
    assert len(shas(sync)) == 351
    assert len([request for request in hub.requests[before:] if "history" in request.query]) <= 4


def test_a_branch_that_was_moved_by_force(sync: Syncer, hub: Hub) -> None:
    web = repository("acme/web", 2)
    merge(web, *[whole_commit(oid("t", at), at, "ada", *([oid("t", at - 1)] if at else [])) for at in range(250)])
    hub.owners["acme"] = [web]
    with pytest.raises(KeyboardInterrupt):
        sync(progress=after_pages(3), rows_at_a_time=1)
    del web["history"][100:]
    merge(web, whole_commit(oid("other"), 500, "ada", oid("t", 99)))
    hub.ancestries.clear()
    sync.good()
    assert {oid("other"), oid("t", 0)} <= shas(sync)


def test_only_commits_that_landed_otherwise_are_asked_for(sync: Syncer, hub: Hub) -> None:
    """Of a pull request merged as it is, the branch has the commits; of one that is open, they are proposals."""
    web = repository("acme/web", 2)
    merged_as_it_is, opened, closed = (pull("acme/web", at) for at in (1, 2, 3))
    merged_as_it_is["mergeCommit"]["parents"].append({"oid": merged_as_it_is["headRefOid"]})
    for each in (opened, closed):
        each.update(mergedAt=None, mergeCommit=None)
    web["pullRequests"] = [merged_as_it_is, opened, closed, pull("acme/web", 4)]
    merge(web, squash("acme/web", 4))
    hub.owners["acme"] = [web]
    sync.good()
    assert shas(sync) == {oid("acme/web", 4, 0), oid("acme/web", 4, 1), oid("acme/web", "merge", 4)}


def test_commits_too_heavy_for_the_server(sync: Syncer, hub: Hub) -> None:
    hub.owners["acme"] = [repository("acme/web", 2, pulls=30)]
    heavy = {oid("acme/web", "merge", 7), oid("acme/web", 9, 1)}

    def weigh(request: Request) -> Fault | None:
        if "nodes { oid } } additions deletions" not in request.query:
            return None
        asked = {str(identity)[2:] for identity in request.variables.get("ids", ())}
        if "history" in request.query:
            start = 0 if not request.variables["after"] else 1 + _place(request.variables["after"])
            asked = {oid("acme/web", "merge", 30 - at) for at in range(start, start + request.variables["size"])}
        return Fault(502, (), b"") if asked & heavy else None

    hub.faults = weigh
    sync.good()
    rows = {row["sha"]: row["additions"] for row in sync.rows("commits")}
    assert len(rows) == 90
    assert {sha for sha, additions in rows.items() if additions is None} == heavy


def _place(after: str) -> int:
    import base64
    import json

    return int(json.loads(base64.b64decode(after))[0])


def test_commits_that_are_refused(sync: Syncer, hub: Hub) -> None:
    refused = b'{"data": null, "errors": [{"type": "FORBIDDEN", "message": "no"}]}'

    def refuse(request: Request) -> Fault | None:
        commits = "on Commit" in request.query
        return Fault(200, JSON, refused) if commits else None

    hub.faults = refuse
    done = sync()
    assert done.error is None
    assert {skip.what for skip in done.result.skipped} == {
        f"commits of {part}acme/{name}" for part in ("", "pull requests of ") for name in ("shop", "web")
    }
    assert len(sync.rows("pull_requests")) == 10


def mined(sync: Syncer, folder: Path) -> str:
    """A git repository that is called acme/web, mined; its only commit."""
    environment = ("-c", "user.name=Eve", "-c", "user.email=eve@example.com")
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "file").write_text("text\n")
    subprocess.run(["git", "-C", folder, "add", "."], check=True)
    subprocess.run(["git", *environment, "-C", folder, "commit", "-qm", "begin"], check=True)
    list(sync_repositories(SyncRun(sync.project), [str(folder)], name="acme/web"))
    answer = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def test_where_git_is_read_its_commits_are_the_only_ones(sync: Syncer, hub: Hub, tmp_path: Path) -> None:
    sha = mined(sync, tmp_path / "web")
    sync.good()
    assert shas(sync) == {sha}
    assert len(shas(sync, "acme/shop")) == 21
    known = cursors.of_source(sync.project.db, sync.project.id, "github")
    assert sum(name.endswith("stream commits") for name in known) == 1


def test_git_that_is_read_later_replaces_what_github_said(sync: Syncer, hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "web"
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "file").write_text("text\n")
    subprocess.run(["git", "-C", folder, "add", "."], check=True)
    person = ("-c", "user.name=Eve", "-c", "user.email=eve@example.com")
    subprocess.run(["git", *person, "-C", folder, "commit", "-qm", "begin"], check=True)
    answer = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    sha = answer.stdout.strip()
    web = repository("acme/web", 2)
    merge(web, {**whole_commit(sha, 0, "ada"), "message": "as GitHub has it"})
    hub.owners["acme"] = [web]
    sync.good()
    assert [(row["sha"], row["source"]) for row in sync.rows("commits")] == [(sha, "github")]
    list(sync_repositories(SyncRun(sync.project), [str(folder)], name="acme/web"))
    (row,) = sync.rows("commits")
    assert (row["source"], row["author_email"], row["additions"]) == ("git", "eve@example.com", "1")
    sync.good()
    assert len(sync.rows("commits")) == 1


def test_a_server_that_is_down_is_not_asked_for_every_repository_where_git_is_read(sync: Syncer, hub: Hub) -> None:
    """Repositories of which everything but their empty lists is in git make pages without a call, which prove nothing."""
    names = [f"acme/r{number}" for number in range(60)]
    hub.owners["acme"] = [repository(name, number + 1, pulls=1) for number, name in enumerate(names)]
    for name in names:
        cursors.put(sync.project.home.db, sync.project.id, "git", name, {}, datetime.now(UTC))
    hub.faults = lambda request: None if "repositoryOwner(login" in request.query else SERVER_ERROR
    done = sync()
    assert done.error is not None
    assert [failed.what for failed in done.result.failed] == [
        "pulls of acme/r0",
        "builds of acme/r0",
        "pulls of acme/r1",
    ]
    assert len(hub.requests) <= 60
    assert sum(sync.waits) <= 300


# -- members -----------------------------------------------------------------------------------------------------------


def test_members(sync: Syncer, hub: Hub) -> None:
    hub.members = [
        member("ada", "b@acme.test", "a@acme.test"),
        member("ben", "x@acme.test", "y@acme.test", shown="y@acme.test"),
        member("cleo", shown="cleo@home.test"),
        {**member("dan"), "name": None},
    ]
    sync.good()
    rows = {row["account"]: (row["source"], row["email"], row["name"]) for row in sync.rows("tool_accounts")}
    assert rows == {
        "ada": ("github", "a@acme.test", "Ada"),
        "ben": ("github", "y@acme.test", "Ben"),
        "cleo": ("github", "cleo@home.test", "Cleo"),
        "dan": ("github", None, None),
    }
    assert sync.calls() == 1
    hub.clock = 90_000
    hub.members += [member(f"m{at}") for at in range(150)]
    # Once a day, as runs are, a page of a hundred at a time.
    before = len(hub.requests)
    sync.good()
    assert len([request for request in hub.requests[before:] if "membersWithRole" in request.query]) == 2
    assert len([request for request in hub.requests[before:] if "teams" in request.query]) == 2
    assert len(sync.rows("tool_accounts")) == 154


@pytest.mark.parametrize(("scopes", "emails", "accounts"), [("repo, read:org", 0, 1), ("repo", 0, 0)])
def test_members_that_a_token_may_see_less_of(sync: Syncer, hub: Hub, scopes: str, emails: int, accounts: int) -> None:
    hub.members = [member("ada", "ada@acme.test")]
    hub.scopes = scopes
    sync.good()
    rows = sync.rows("tool_accounts")
    assert (len(rows), sum(row["email"] is not None for row in rows)) == (accounts, emails)
    assert sync.calls() == 1


def test_teams(sync: Syncer, hub: Hub) -> None:
    hub.members = []
    hub.teams = [
        team("web", "ada", above="front"),
        team("all"),
        team("front", above="all"),
        team("data", *[f"m{at}" for at in range(230)]),
        *[team(f"t{at}", "ben") for at in range(120)],
    ]
    sync.good()
    rows = sync.rows("tool_teams")
    assert len(rows) == 1 + 230 + 120
    (row,) = [row for row in rows if row["account"] == "ada"]
    assert row == {
        "source": "github",
        "team": "acme/all/front/web",
        "account": "ada",
        "name": "Web",
        "parent": "acme/all/front",
        "above": "[All, Front]",
        "role": "maintainer",
        "updated_at": None,
    }
    assert sync.calls() == 1
    hub.clock = 90_000
    hub.teams = [team("web", "cleo", above="all"), *hub.teams[1:3], *hub.teams[4:]]
    sync.good()
    rows = sync.rows("tool_teams")
    assert len(rows) == 1 + 120
    assert [row["account"] for row in rows if row["name"] == "Web"] == ["cleo"]
