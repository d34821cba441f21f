"""``leadline sources`` and ``leadline sync bitbucket`` as a user runs them: whole, killed, and what they print."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stubs.bitbucket import ACCESS_TOKEN, TOKEN, USER, Hub
from stubs.bitbucket_data import repository
from stubs.server import serving

from .running import Leadline

ENV = {"BITBUCKET_TOKEN": TOKEN}
AS_USER = ("--user", USER)


@pytest.fixture
def hub() -> Hub:
    shop = repository("acme/shop", 1, pulls=3, pipelines=2, deployments=1)
    return Hub(repositories=[shop, repository("acme/docs", 2)])


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    with serving(hub) as address:
        yield address


def test_a_source_from_its_adding_to_its_removal(leadline: Leadline, hub: Hub, url: str) -> None:
    added = leadline(
        "sources", "add", "bitbucket", "acme/*", "--url", url, *AS_USER, "--name", "code", "--every", "15m"
    )
    assert "Added code" in added.stdout
    (listed,) = leadline.json("sources", "list")
    assert (listed["name"], listed["targets"], listed["succeededAt"]) == ("code", ["acme/*"], None)
    assert "answers; 2 repositories of acme" in leadline("sources", "test", "code", env=ENV).stdout
    done = leadline("sync", env=ENV)
    assert "3 pull_requests added" in done.stdout
    assert "1 deployments added" in done.stdout
    assert leadline("sync", env=ENV).stdout.startswith("code: nothing new (1 calls, ")
    (status,) = leadline.json("status")["sources"]
    assert (status["name"], status["state"], status["configured"], status["error"]) == ("code", "done", True, None)
    assert "its data stays" in leadline("sources", "remove", "code", "--yes").stdout
    assert leadline.rows()["pull_requests"] == 3


def test_tokens_are_stored_nowhere_and_their_kind_is_told(leadline: Leadline, hub: Hub, url: str) -> None:
    leadline("sync", "bitbucket", "acme", "--url", url, *AS_USER, env=ENV)
    leadline("sync", "bitbucket", "acme/shop", "--url", url, env={"BITBUCKET_TOKEN": ACCESS_TOKEN})
    refused = {
        ("ATATT3xOldOldOld", AS_USER): "refuses the token from the variable BITBUCKET_TOKEN (Token is invalid",
        (TOKEN, ()): "give --user with the email of its Atlassian account",
        (ACCESS_TOKEN, AS_USER): "leave out --user",
    }
    for (token, user), says in refused.items():
        done = leadline("sync", "bitbucket", "acme", "--url", url, *user, code=1, env={"BITBUCKET_TOKEN": token})
        assert says in done.stderr
        assert token not in done.stderr + done.stdout
    for path in leadline.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(token.encode() in content for token in (TOKEN, ACCESS_TOKEN, "ATATT3xOldOldOld"))


def test_what_is_left_out_is_said(leadline: Leadline, hub: Hub, url: str) -> None:
    hub.scopes = ("repository", "pullrequest")
    done = leadline("sync", "bitbucket", "acme", "nobody", "--url", url, *AS_USER, code=1, env=ENV)
    assert "has no workspace 'nobody'" in done.stderr
    assert "pipelines of acme/shop" in done.stdout
    assert "needs the scope pipeline; it has pullrequest, repository" in done.stdout
    assert "needs the scope pipeline" in leadline("status").stdout


def test_killed_again_and_again(leadline: Leadline, hub: Hub, url: str, tmp_path: Path) -> None:
    hub.repositories = [repository(f"acme/r{at}", at, pulls=30, pipelines=3, commits=1, files=1) for at in range(1, 4)]
    straight = Leadline(tmp_path / "straight", leadline.cwd)
    straight("sync", "bitbucket", "acme", "--url", url, *AS_USER, env=ENV)
    (leadline.cwd / "token").write_text(TOKEN)
    for answered in (2, 120):
        hub.requests.clear()
        hub.latency = 0.02
        process = leadline.start("sync", "bitbucket", "acme", "--url", url, *AS_USER, "--token-file", "token")
        deadline = time.monotonic() + 120
        while len(hub.requests) < answered and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait(30)
    hub.latency = 0
    leadline("sync", "bitbucket", "acme", "--url", url, *AS_USER, env=ENV)
    assert leadline.rows() == straight.rows()


@pytest.mark.parametrize("target", ["acme/web/shop", "/shop", "acme/", "ac me", "acme*"])
def test_targets_that_name_nothing_are_refused(leadline: Leadline, target: str) -> None:
    done = leadline("sources", "add", "bitbucket", target, *AS_USER, code=2)
    assert "names no repositories; write WORKSPACE" in done.stderr
