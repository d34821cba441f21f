"""Sources over HTTP, against a stub of their tool: kinds, adding, trying, running, removing; what may not be said from afar, and
that no secret is ever in an answer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.people import send
from api.serving import Answer, Client, Served, serving
from leadline.administration import sources
from leadline.db import keys
from leadline.diagnostics.integrity import findings
from leadline.home import Home
from leadline.sources.kit.kinds import KINDS
from leadline.sync.run import SyncRun
from leadline.sync.schedule import due, run_if_due
from stubs import pagerduty
from stubs import server as stub

SOURCES = "/v2/sources"


@pytest.fixture
def tool() -> pagerduty.PagerDuty:
    shop = pagerduty.service(1, "Shop")
    return pagerduty.PagerDuty(services=[shop], incidents=[pagerduty.incident(n, shop, n) for n in (1, 2, 3)])


@pytest.fixture
def url(tool: pagerduty.PagerDuty, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tool's address; the server has its token."""
    monkeypatch.setenv("PAGERDUTY_TOKEN", pagerduty.TOKEN)
    with stub.serving(tool) as address:
        yield address


@pytest.fixture
def admin(empty: Served) -> Client:
    return empty.as_("admin")


def added(client: Client, **body: Any) -> dict[str, Any]:
    """The one source that was added."""
    answer = send(client, "POST", SOURCES, {"kind": "pagerduty", **body})
    assert answer.status == 200, answer.body
    (source,) = answer.json["sources"]
    return dict(source)


def refused(client: Client, **body: Any) -> tuple[int, str, list[str]]:
    """Status, sentence, and the members that the details name."""
    answer = send(client, "POST", SOURCES, body)
    return answer.status, answer.json["error"], [detail["field"] for detail in answer.json.get("details", [])]


def test_from_adding_to_removal(empty: Served, admin: Client, url: str) -> None:
    assert admin.get(SOURCES).json == {"sources": []}
    source = added(admin, url=url, targets=["Sh*"], every="15m", name="duty")
    one = f"{SOURCES}/{source['id']}"
    assert (source["name"], source["every"], source["state"]) == ("duty", "15m", "never run")
    assert source["token"] == "the variable PAGERDUTY_TOKEN"
    tried = send(admin, "POST", f"{one}/test", None).json
    assert (tried["works"], tried["noun"], tried["seen"], tried["hidden"]) == (True, "services", ["Shop"], [])
    project = empty.home.project()
    assert project.lake.snapshot().row_counts() == {}
    run_if_due(SyncRun(project), "duty", environ=os.environ)
    (read,) = admin.get(SOURCES).json["sources"]
    assert (read["state"], read["rows"]["incidents"], read["error"]) == ("done", 3, None)
    asked = send(admin, "POST", f"{one}/run", None).json
    assert asked["requestedAt"] == asked["nextRunAt"]
    assert [row.name for row in due(project, datetime.now(UTC))] == ["duty"]
    run_if_due(SyncRun(project), "duty", environ=os.environ)
    assert admin.get(one).json["requestedAt"] is None
    gone = admin.send("DELETE", one)
    assert (gone.status, gone.body) == (204, b"")
    for answer in (admin.get(one), admin.send("DELETE", one), send(admin, "POST", f"{one}/run", None)):
        assert (answer.status, answer.json["code"]) == (404, "unknown_source")
    assert project.lake.snapshot().row_counts()["incidents"] == 3


def test_what_a_try_or_a_run_says_is_in_the_words_of_members(
    empty: Served, admin: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = added(admin, url=url, name="duty")
    monkeypatch.delenv("PAGERDUTY_TOKEN")
    tried = send(admin, "POST", f"{SOURCES}/{source['id']}/test", None).json
    run_if_due(SyncRun(empty.home.project()), "duty", environ={})
    ran = admin.get(f"{SOURCES}/{source['id']}").json
    for said in (tried["error"], ran["error"]):
        assert "No token in the variable PAGERDUTY_TOKEN" in said
        assert "by token.env, token.file or a keyring" in said
        assert "--" not in said


def test_the_kinds_are_those_declared(admin: Client) -> None:
    listed = {kind["kind"]: kind for kind in admin.get("/v2/source-kinds").json["sourceKinds"]}
    assert list(listed) == list(KINDS)
    assert (listed["jira"]["urlNeeded"], listed["jira"]["tokenEnv"], listed["git"]["tokenEnv"]) == (
        True,
        "JIRA_TOKEN",
        None,
    )
    assert [option["name"] for option in listed["github"]["options"]] == ["app", "deploys"]


@pytest.mark.parametrize(
    ("body", "says", "where"),
    [
        ({}, "kind is required", ["kind"]),
        ({"kind": "gopher"}, "no kind of source 'gopher'", ["kind"]),
        ({"kind": 7}, "kind", ["kind"]),
        ({"kind": "github", "targets": "acme"}, "targets", ["targets"]),
        ({"kind": "github"}, "Name at least one", ["targets"]),
        ({"kind": "github", "targets": ["a b"]}, "names no repositories", ["targets"]),
        ({"kind": "github", "targets": ["acme"], "options": {"field": "x"}}, "no option 'field'", ["options"]),
        (
            {"kind": "jira", "url": "https://jira.example.com", "options": {"user": ["a", "b"]}},
            "once",
            ["options.user"],
        ),
        ({"kind": "jira"}, "Jira needs url", ["url"]),
        ({"kind": "jira", "url": "https://x.atlassian.net"}, "give options.user", ["options.user"]),
        ({"kind": "pagerduty", "url": "http://tool.example.com"}, "url cannot be", ["url"]),
        ({"kind": "pagerduty", "every": "1w"}, "every cannot be '1w'", ["every"]),
        ({"kind": "pagerduty", "name": "a/b"}, "without /", ["name"]),
        ({"kind": "github", "targets": ["acme", "other"], "name": "both"}, "for one source", ["name"]),
        ({"kind": "git", "targets": ["/etc"]}, "no address of a server", ["targets"]),
        ({"kind": "git", "targets": ["file:///etc"]}, "no address of a server", ["targets"]),
        ({"kind": "git", "targets": ["ext::sh -c true"]}, "no address of a server", ["targets"]),
        ({"kind": "git", "targets": ["https://a:b@git.example.com/a/b"]}, "with a password", ["targets"]),
        (
            {"kind": "pagerduty", "token": {"env": "LEADLINE_DATABASE_URL"}},
            "no variable for this secret",
            ["token.env"],
        ),
        ({"kind": "pagerduty", "token": {"env": "PAGERDUTY_TOKENS"}}, "no variable for this secret", ["token.env"]),
        ({"kind": "pagerduty", "token": {"file": "/etc/passwd"}}, "no name of such a file", ["token.file"]),
        ({"kind": "pagerduty", "token": {"file": "../lake"}}, "no name of such a file", ["token.file"]),
        ({"kind": "pagerduty", "token": {"file": ".."}}, "no name of such a file", ["token.file"]),
        ({"kind": "pagerduty", "token": {"env": "PAGERDUTY_TOKEN", "file": "duty"}}, "one place", ["token"]),
        (
            {"kind": "github", "targets": ["acme"], "webhookSecret": {"env": "HOME"}},
            "no variable",
            ["webhookSecret.env"],
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_member(
    admin: Client, body: dict[str, Any], says: str, where: list[str]
) -> None:
    status, sentence, fields = refused(admin, **body)
    assert (status, fields) == (400, where)
    assert says in sentence
    assert "--" not in sentence
    assert admin.get(SOURCES).json == {"sources": []}


def test_a_name_is_given_once_and_several_are_added_or_none(admin: Client) -> None:
    body = {"kind": "github", "targets": ["acme", "other"]}
    assert [source["name"] for source in send(admin, "POST", SOURCES, body).json["sources"]] == [
        "github:acme",
        "github:other",
    ]
    again = send(admin, "POST", SOURCES, {"kind": "github", "targets": ["new", "other"]})
    assert (again.status, again.json["code"]) == (409, "conflict")
    assert len(admin.get(SOURCES).json["sources"]) == 2


def test_where_there_are_several_projects_secrets_are_in_their_folders(
    empty: Served, admin: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of the server are those of whoever else has a project on it."""
    other = empty.home.project("other", "other", create=True)
    added(admin, url=url, name="while nobody uses the other")
    keys.create(other.db, other.id, "other", "viewer", now=datetime.now(UTC))
    for token in ({}, {"token": {"env": "PAGERDUTY_TOKEN"}}):
        status, sentence, fields = refused(admin, kind="pagerduty", url=url, **token)
        assert (status, fields) == (400, ["token.file"])
        assert "several projects" in sentence
    status, sentence, fields = refused(admin, kind="git", targets=["https://git.example.com/org/repo.git"])
    assert (status, fields) == (400, ["kind"])
    assert "share git's passwords and keys" in sentence
    monkeypatch.delenv("PAGERDUTY_TOKEN")
    source = added(admin, url=url, token={"file": "duty"})
    missing = send(admin, "POST", f"{SOURCES}/{source['id']}/test", None).json
    assert (missing["works"], "cannot be read" in missing["error"]) == (False, True)
    folder: Path = empty.home.project().folder / "secrets"
    folder.mkdir(parents=True)
    (folder / "duty").write_text(f"{pagerduty.TOKEN}\n")
    assert send(admin, "POST", f"{SOURCES}/{source['id']}/test", None).json["works"]
    assert findings(empty.home) == []  # the folder is known


def everything(client: Client, source: dict[str, Any]) -> list[Answer]:
    """All answers that tell of a source."""
    one = f"{SOURCES}/{source['id']}"
    tried = [send(client, "POST", f"{one}/{verb}", None) for verb in ("test", "run")]
    return [*tried, *(client.get(path) for path in (one, SOURCES, "/v2/status"))]


def test_no_answer_has_a_secret(empty: Served, admin: Client, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = added(admin, url=url)
    good = everything(admin, source)
    monkeypatch.setenv("PAGERDUTY_TOKEN", "u+wrong0123456789")
    run_if_due(SyncRun(empty.home.project()), source["name"], environ=os.environ)
    bad = everything(admin, source)
    assert not bad[0].json["works"]
    assert "PAGERDUTY_TOKEN" in bad[0].json["error"]
    assert bad[2].json["state"] == "failed"
    for answer in (*good, *bad):
        assert answer.status == 200
        assert not any(secret in answer.body.decode() for secret in (pagerduty.TOKEN, "u+wrong0123456789"))


def test_a_tool_that_makes_one_wait_is_not_waited_for(
    empty: Served, admin: Client, tool: pagerduty.PagerDuty, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = added(admin, url=url)
    tool.faults = lambda _request: stub.Fault(429, (("Retry-After", "600"),), b"{}")
    began = time.monotonic()
    tried = sources.try_connection(empty.home.project(), source["id"])
    assert not tried.works
    assert "a run would wait longer" in str(tried.error)
    assert time.monotonic() - began < 300  # the wait that was asked for is 600 s


def test_what_was_read_once_is_shown_and_can_be_removed_alone(empty: Served, admin: Client, url: str) -> None:
    project = empty.home.project()
    source = added(admin, url=url)
    admin.send("DELETE", f"{SOURCES}/{source['id']}")
    from leadline.db import sources as rows

    with project.lock("run") as lease:
        rows.started(project.db, project.id, "once", "gopher", {"targets": ["x"]}, datetime.now(UTC), under=lease)
    (once,) = admin.get(SOURCES).json["sources"]
    assert (once["configured"], once["targets"], once["token"]) == (False, ["x"], None)
    for verb in ("test", "run"):
        answer = send(admin, "POST", f"{SOURCES}/{once['id']}/{verb}", None)
        assert (answer.status, answer.json["code"]) == (409, "source_not_added")
    assert admin.send("DELETE", f"{SOURCES}/{once['id']}").status == 204


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 40, "1.0", "%00", "٣"])
def test_a_source_that_is_not_there(admin: Client, number: str) -> None:
    from urllib.parse import quote

    answer = admin.get(f"{SOURCES}/{quote(number, safe='%')}")
    assert (answer.status, answer.json["code"]) == (404, "unknown_source")


def test_another_projects_sources_are_not_there(empty: Served, admin: Client) -> None:
    source = added(admin)
    other = empty.home.project("other", "other", create=True)
    key = keys.create(other.db, other.id, "other", "admin", now=datetime.now(UTC)).key
    stranger = Client(empty.base, key)
    assert stranger.get(SOURCES).json == {"sources": []}
    for answer in (
        stranger.get(f"{SOURCES}/{source['id']}"),
        stranger.send("DELETE", f"{SOURCES}/{source['id']}"),
        send(stranger, "POST", f"{SOURCES}/{source['id']}/test", None),
    ):
        assert answer.status == 404
    assert len(admin.get(SOURCES).json["sources"]) == 1


@pytest.mark.parametrize("role", ["viewer", "ingestion"])
def test_they_are_for_admins(empty: Served, role: str) -> None:
    client = empty.as_(role)
    for path in (SOURCES, f"{SOURCES}/1", "/v2/source-kinds", "/v2/status", "/v2/identities"):
        assert client.get(path).status == 403
    for method, path in (("POST", SOURCES), ("POST", f"{SOURCES}/1/run"), ("PUT", "/v2/identities")):
        assert send(client, method, path, {}).status == 403


def test_the_status_is_the_commands(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home, serving(home, workers=0) as running:
        told = running.as_("admin").get("/v2/status").json
    assert (told["project"], told["sources"], told["unmatched"]["accounts"]) == ("default", [], 0)
    assert "check" not in told
