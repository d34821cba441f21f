"""``leadline sources`` and what ``leadline sync`` and ``leadline serve`` do with them, by git sources, which need no tool."""

from __future__ import annotations

import re
import shlex
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leadline.sources.kit.client import Unavailable
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.page import Skipped, Source
from leadline.sync.run import SyncResult, SyncRun
from stubs.every_tool import EVERY
from stubs.git_history import History

from .running import Leadline

DEADLINE = 60.0


@pytest.fixture
def shop(tmp_path: Path) -> History:
    history = History(tmp_path / "acme" / "shop")
    history.commit("one", {"a": "1\n"})
    return history


def test_git_repositories_are_sources_too(leadline: Leadline, shop: History, tmp_path: Path) -> None:
    web = History(tmp_path / "acme" / "web")
    web.commit("one", {"b": "1\n"})
    web.commit("two", {"b": "2\n"})
    added = leadline("sources", "add", "git", shop.folder, web.folder, "--every", "15m").stdout
    assert added.count("Added git:acme/") == 2
    listed = leadline.json("sources", "list")
    assert [(row["name"], row["every"], row["token"]) for row in listed] == [
        ("git:acme/shop", "15m", None),
        ("git:acme/web", "15m", None),
    ]
    assert "1 refs" in leadline("sources", "test", "git:acme/shop").stdout
    only = leadline("sync", "--source", "git:acme/web").stdout
    assert "git:acme/web: 2 commits added, 2 commit_files added" in only
    assert "acme/shop" not in only
    both = leadline("sync").stdout
    assert "git:acme/shop: 1 commits added" in both
    assert "git:acme/web: nothing new" in both
    assert leadline.rows()["commits"] == 3
    assert "no source 'x'" in leadline("sync", "--source", "x", code=1).stderr


def test_a_name_that_does_not_resolve_is_no_connection_at_once(leadline: Leadline) -> None:
    leadline("sources", "add", "gitlab", "acme", "--url", "https://tool.invalid", "--name", "code")
    refused = leadline("sources", "test", "code", env={"GITLAB_TOKEN": "glpat-secret"}, code=1)
    assert "the name tool.invalid cannot be resolved" in refused.stderr
    assert "waiting" not in refused.stderr
    leadline("sources", "add", "git", "https://tool.invalid/acme/shop.git", "--name", "shop")
    told = leadline("sync", env={"GITLAB_TOKEN": "glpat-secret"}, code=1).stderr
    assert "error: code: GitLab at tool.invalid could not be read: the name tool.invalid cannot be resolved" in told
    assert "error: shop: " in told
    assert told.count("is the address right?") == 2
    assert "attempts" not in told


def test_the_status_tells_the_next_run(leadline: Leadline, shop: History) -> None:
    leadline("sources", "add", "git", shop.folder, "--every", "off", "--name", "asked")
    leadline("sources", "add", "git", shop.folder, "--every", "3h", "--name", "every three hours")
    leadline("sync")
    asked, scheduled = leadline.json("status")["sources"]
    assert (asked["name"], asked["nextRunAt"], asked["state"]) == ("asked", None, "done")
    assert scheduled["nextRunAt"] > scheduled["succeededAt"]
    alone = leadline("status").stdout
    assert "No server reads them on their schedules now" in alone
    assert scheduled["nextRunAt"][:16] not in alone.replace(" ", "T")
    server = leadline.start("serve", "--port", "0", "--workers", "0")
    assert server.stdout is not None
    assert server.stdout.readline().startswith(b"leadline answers")
    deadline = time.monotonic() + 120
    while "No server reads" in (served := leadline("status").stdout):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert scheduled["nextRunAt"][:13] in served.replace(" ", "T")
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=60)
    assert "No server reads" in leadline("status").stdout


@pytest.mark.parametrize("span", ["", "1w", "60"])
def test_an_impossible_schedule(leadline: Leadline, shop: History, span: str) -> None:
    done = leadline("sources", "add", "git", shop.folder, "--every", span, code=2)
    assert "15m, 30m, 1h" in done.stderr


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\tb", "a\nb", "x" * 101])
def test_an_impossible_name(leadline: Leadline, shop: History, name: str) -> None:
    done = leadline("sources", "add", "git", shop.folder, "--name", name, code=2)
    assert "at most 100 characters on one line, without /" in done.stderr
    assert leadline.json("sources", "list") == []


def test_a_name_is_for_one_source(leadline: Leadline, shop: History) -> None:
    done = leadline("sources", "add", "git", shop.folder, shop.folder, "--name", "both", code=2)
    assert "for one source" in done.stderr


def test_the_command_that_is_told_can_be_run(leadline: Leadline, shop: History) -> None:
    added = leadline("sources", "add", "git", shop.folder, "--name", "Ada's 🚀 $HOME").stdout
    command = shlex.split(added.split("`")[1])
    assert command == ["leadline", "sources", "test", "Ada's 🚀 $HOME"]
    leadline(*command[1:])


def test_instants_are_folded_between_date_and_time(leadline: Leadline, shop: History) -> None:
    leadline("sources", "add", "git", shop.folder, "--name", "x" * 40)
    leadline("sync")
    wide = leadline("sources", "list").stdout
    assert re.search(r"\d-\d\dT\d\d:\d\d:\d\dZ", wide)
    narrow = leadline("sources", "list", env={"COLUMNS": "60"}).stdout
    assert re.search(r"\d{4}-\d\d-\d\d$", narrow, re.MULTILINE)
    assert re.search(r" \d\d:\d\d:\d\dZ$", narrow, re.MULTILINE)


def test_an_address_with_a_password_is_not_stored(leadline: Leadline) -> None:
    done = leadline("sources", "add", "git", "https://ada:s3cret@git.example.com/acme/shop.git", code=2)
    assert "credential helper" in done.stderr
    assert "s3cret" not in done.stderr
    assert leadline.json("sources", "list") == []


def test_a_repository_that_is_not_there(leadline: Leadline, shop: History) -> None:
    leadline("sources", "add", "git", shop.folder)
    shop.folder.rename(shop.folder.parent / "moved")
    assert "git:acme/shop" in leadline("sync", code=1).stderr + leadline("status").stdout
    (status,) = leadline.json("status")["sources"]
    assert (status["state"], status["succeededAt"]) == ("failed", None)
    leadline("sources", "test", "git:acme/shop", code=1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.url_needed], ids=lambda kind: kind.name)
def test_a_tool_that_is_somewhere_needs_an_address(leadline: Leadline, kind: Any) -> None:
    done = leadline("sources", "add", kind.name, "X", code=2)
    assert f"{kind.title} needs --url" in done.stderr


def wait_for(program: Leadline, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        (found,) = program.json("status")["sources"]
        if found["state"] == state:
            return dict(found)
        time.sleep(0.2)
    raise AssertionError(f"the source is {found['state']}, not {state}")


def test_serve_runs_what_is_due_unless_it_may_run_none(leadline: Leadline, shop: History) -> None:
    idle = leadline.start("serve", "--port", "0", "--workers", "0", "--syncs", "0")
    server = leadline.start("serve", "--port", "0", "--workers", "0")
    for process in (idle, server):
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"leadline answers")
    # Added while the servers run: it is noticed.
    leadline("sources", "add", "git", shop.folder)
    found = wait_for(leadline, "done")
    assert found["rows"] == {"commits": 1, "commit_files": 1}
    assert found["nextRunAt"] > found["startedAt"]
    for process in (idle, server):
        process.send_signal(signal.SIGTERM)
    _, errors = server.communicate(timeout=60)
    assert server.returncode == 0
    assert b'"source": "git:acme/shop"' in errors
    assert b'"event": "source read"' in errors
    _, errors = idle.communicate(timeout=60)
    assert b"source read" not in errors


def test_a_repository_by_another_name(leadline: Leadline, shop: History) -> None:
    leadline("sources", "add", "git", shop.folder, "--repository", "example/basket")
    leadline("sync")
    (listed,) = leadline.json("sources", "list")
    assert listed["name"] == "git:example/basket"
    assert [repository["repository"] for repository in leadline.json("status")["repositories"]] == ["example/basket"]
    both = leadline("sources", "add", "git", shop.folder, shop.folder, "--repository", "x/y", code=2)
    assert "one repository" in both.stderr


def test_what_was_only_mistyped_does_not_stay_in_the_status(leadline: Leadline) -> None:
    with EVERY["github"]() as tool:
        good = {tool.variable: tool.secret}
        leadline("sync", "github", "nobody", *tool.options, code=1, env=good)
        assert leadline.json("status")["sources"] == []
        leadline("sync", "github", "example", *tool.options, env=good)
        leadline("sync", "github", "example", *tool.options, code=1, env={tool.variable: "wr0ng"})
        (status,) = leadline.json("status")["sources"]
        assert (status["state"], status["configured"]) == ("failed", False)


def test_a_source_is_not_run_by_other_rules_than_its_own(leadline: Leadline) -> None:
    with EVERY["jenkins"]() as tool:
        good = {tool.variable: tool.secret}
        words = ("jenkins", *tool.targets, *tool.options)
        leadline("sources", "add", *words)
        done = leadline("sync", *words, "--deploys", "*", code=1, env=good)
        assert "was added with other options" in done.stderr
        leadline("sync", *words, env=good)
        assert set(leadline.rows()) & {"builds", "deployments"} == {"builds"}


@pytest.mark.parametrize(("broken", "code"), [((), 0), (("web",), 3), (("web", "shop"), 1)])
def test_the_exit_code_tells_what_was_read(
    leadline: Leadline,
    shop: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[str, ...],
    code: int,
) -> None:
    """0: all sources were read; 3: of one only a part; 1: one failed."""
    web = History(tmp_path / "acme" / "web")
    web.commit("one", {"b": "1\n"})
    leadline("sources", "add", "git", shop.folder, web.folder)
    read = SyncRun.run

    def run(self: SyncRun, source: Source) -> SyncResult:
        done = read(self, source)
        lists = {name: Skipped(f"builds of {name}", "the tool answered 502") for name in broken}
        if source.lock.endswith("web") and "web" in lists:
            return replace(done, failed=(lists["web"],), skipped=(lists["web"],), skipped_count=1)
        return (
            replace(done, error=Unavailable("no answer")) if source.lock.endswith("shop") and "shop" in lists else done
        )

    monkeypatch.setattr(SyncRun, "run", run)
    done = leadline("sync", code=code)
    said = "could not be read: builds of web: the tool answered 502" in done.stdout
    assert said == ("web" in broken)
    states = {each["name"]: each["state"] for each in leadline.json("status")["sources"]}
    assert states == {
        "git:acme/shop": "failed" if "shop" in broken else "done",
        "git:acme/web": "incomplete" if "web" in broken else "done",
    }
    assert ("git:acme/web: could not read builds of web" in leadline("status").stdout) == ("web" in broken)
