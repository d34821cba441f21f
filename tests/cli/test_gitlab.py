"""``leadline sources`` and ``leadline sync gitlab`` as a user runs them: whole, killed, and what they print."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stubs.gitlab import TOKEN, Hub
from stubs.gitlab_data import project
from stubs.server import serving

from .running import Leadline

ENV = {"GITLAB_TOKEN": TOKEN}


@pytest.fixture
def hub() -> Hub:
    shop = project("acme/web/shop", 1, merge_requests=3, issues=2, releases=1, deployments=1, pipelines=2)
    return Hub(projects=[shop, project("acme/docs", 2)])


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with serving(hub) as address:
        yield address


def test_a_source_from_its_adding_to_its_removal(leadline: Leadline, hub: Hub, url: str) -> None:
    added = leadline("sources", "add", "gitlab", "acme/web/*", "--url", url, "--name", "code", "--every", "15m").stdout
    assert "Added code" in added
    (listed,) = leadline.json("sources", "list")
    assert (listed["name"], listed["targets"], listed["succeededAt"]) == ("code", ["acme/web/*"], None)
    assert "answers; 1 projects of acme/web" in leadline("sources", "test", "code", env=ENV).stdout
    done = leadline("sync", env=ENV)
    assert "3 pull_requests added" in done.stdout
    assert "2 work_items added" in done.stdout
    assert leadline("sync", env=ENV).stdout.startswith("code: nothing new (1 calls, ")
    (status,) = leadline.json("status")["sources"]
    assert (status["name"], status["state"], status["configured"], status["error"]) == ("code", "done", True, None)
    assert "its data stays" in leadline("sources", "remove", "code", "--yes").stdout
    assert leadline.rows()["pull_requests"] == 3


def test_a_token_that_expires_is_seen_in_the_status_and_stored_nowhere(leadline: Leadline, hub: Hub, url: str) -> None:
    leadline("sync", "gitlab", "acme", "--url", url, "--deploys", "schedule=nightly", env=ENV)
    done = leadline("sync", "gitlab", "acme", "--url", url, code=1, env={"GITLAB_TOKEN": "glpat_expired_secret"})
    assert "refuses the token from the variable GITLAB_TOKEN (Invalid token)" in done.stderr
    (status,) = leadline.json("status")["sources"]
    assert status["state"] == "failed"
    assert "Invalid token" in status["error"]
    for path in leadline.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert TOKEN.encode() not in content
            assert b"glpat_expired_secret" not in content


def test_what_is_left_out_is_said(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.hidden, hub.role = {"pipelines"}, 10
    done = leadline("sync", "gitlab", "acme", "nobody", "--url", url, code=1, env=ENV)
    assert "no group, user or project 'nobody'" in done.stderr
    assert "left out: pipelines of 2 projects of acme: the token's role there is too low (Guest)" in done.stdout
    assert "left out pipelines of 2 projects" in leadline("status").stdout


def test_killed_again_and_again(leadline: Leadline, hub: Hub, url: str, tmp_path: Path) -> None:
    hub.projects = [project(f"acme/r{at}", at, merge_requests=30, deployments=2, pipelines=3) for at in range(1, 4)]
    straight = Leadline(tmp_path / "straight", leadline.cwd)
    straight("sync", "gitlab", "acme", "--url", url, env=ENV)
    (leadline.cwd / "token").write_text(TOKEN)
    for answered in (2, 7):
        hub.requests.clear()
        hub.latency = 0.05
        process = leadline.start("sync", "gitlab", "acme", "--url", url, "--token-file", "token")
        deadline = time.monotonic() + 60
        while len(hub.requests) < answered and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait(30)
    hub.latency = 0.0
    leadline("sync", "gitlab", "acme", "--url", url, env=ENV)
    assert leadline.rows() == straight.rows()
    leadline("status", "--check")
