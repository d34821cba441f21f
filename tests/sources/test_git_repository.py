"""Finding, cloning and fetching repositories: real ones, over file and HTTP URLs on the loopback."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil
import pytest

from leadline.errors import InvalidInput, InvalidRequest
from leadline.sources.git import command
from leadline.sources.git.command import GitError
from leadline.sources.git.location import parse_location
from leadline.sources.git.repository import Repository, open_repository
from stubs.git_history import History
from stubs.server import listening


def opened(location: Path | str, clones: Path, name: str | None = None) -> Repository:
    return open_repository(parse_location(str(location)), name=name, clones=clones)


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "srv" / "org" / "repo")
    made.commit("one", {"f": "1\n"})
    return made


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    return tmp_path / "clones"


def test_what_is_no_repository(tmp_path: Path, history: History, clones: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("x")
    (history.folder / "inner" / "deep").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="plain is not a git repository"):
        opened(tmp_path / "plain", clones)
    with pytest.raises(InvalidRequest, match="file is a file"):
        opened(tmp_path / "file", clones)
    with pytest.raises(InvalidInput, match=f"inside the repository {history.folder}; give {history.folder}$"):
        opened(history.folder / "inner" / "deep", clones)


def test_a_torn_repository_is_refused(history: History, clones: Path) -> None:
    shutil.rmtree(history.folder / ".git" / "objects")
    with pytest.raises(InvalidInput, match="not a git repository"):
        opened(history.folder, clones)


def test_the_default_branch(history: History, clones: Path, tmp_path: Path) -> None:
    assert opened(history.folder, clones).state().default_branch == "main"
    clone = tmp_path / "clone"
    history.git("clone", "-q", str(history.folder), str(clone))
    History(clone, init=False).git("checkout", "-q", "-b", "working")
    assert opened(clone, clones).state().default_branch == "main"
    history.git("checkout", "-q", "--detach")
    assert opened(history.folder, clones).state().default_branch is None


def test_a_url_is_cloned_once_and_then_fetched(history: History, clones: Path) -> None:
    repository = opened(history.folder.as_uri(), clones)
    assert (repository.name, repository.git.git_dir) == ("org/repo", clones / "org" / "repo.git")
    repository.refresh()
    first = repository.state()
    assert first.heads == (history.git("rev-parse", "main"),)
    history.git("checkout", "-q", "-b", "a")
    history.commit("two", {"f": "2\n"})
    history.git("tag", "-a", "-m", "v1", "v1")
    history.git("update-ref", "refs/pull/1/head", history.commit("three", {"f": "3\n"}))
    history.git("reset", "-q", "--hard", "HEAD~1")
    repository.refresh()
    assert set(repository.state().heads) == {history.git("rev-parse", ref) for ref in ("main", "a")}
    # A branch where a folder of branches has to be, another default branch, a tag that moved, a tag that went.
    history.git("checkout", "-q", "-b", "trunk")
    history.git("branch", "-q", "-D", "a", "main")
    history.git("branch", "a/b", "trunk~1")
    history.git("tag", "-d", "v1")
    repository.refresh()
    state = repository.state()
    assert set(state.heads) == {history.git("rev-parse", ref) for ref in ("trunk", "trunk~1")}
    assert (state.refs, state.default_branch) == (2, "trunk")


def test_an_empty_remote(tmp_path: Path, clones: Path) -> None:
    empty = History(tmp_path / "srv" / "empty.git", bare=True)
    repository = opened(empty.folder.as_uri(), clones)
    repository.refresh()
    assert repository.state().heads == ()


def test_nothing_of_the_user_is_run_in_the_clone(
    history: History, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "template" / "hooks" / "reference-transaction"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[init]\n\ttemplateDir = {hook.parent.parent}\n[core]\n\thooksPath = {hook.parent}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    opened(history.folder.as_uri(), clones).refresh()
    assert not (tmp_path / "ran").exists()


def test_the_users_url_rewriting_is_kept(
    history: History, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(f'[url "{history.folder.parent.as_uri()}/"]\n\tinsteadOf = https://git.example.com/org/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    repository = opened("https://git.example.com/org/repo", clones)
    repository.refresh()
    assert repository.state().heads == (history.git("rev-parse", "main"),)
    assert repository.url == "https://git.example.com/org/repo"


def test_a_remote_that_is_not_there(clones: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="org/none: there is no such folder"):
        opened((tmp_path / "org" / "none").as_uri(), clones).refresh()
    with pytest.raises(GitError, match=r"org/none: git ls-remote ended with status 128: .*(refused|connect)"):
        opened("git://127.0.0.1:1/org/none", clones).refresh()


@contextmanager
def http_server(folder: Path, password: str | None) -> Iterator[str]:
    """Serves ``folder`` read-only to user ``me`` with ``password``; yields host and port."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            wanted = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
            if password is not None and self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
            pass

    with listening(Handler) as address:
        yield address.removeprefix("http://")


@pytest.mark.skipif(
    not Path(subprocess.check_output(["git", "--exec-path"], text=True).strip(), "git-remote-http").exists(),
    reason="this git cannot speak HTTP",
)
def test_passwords_are_used_and_neither_kept_nor_shown(history: History, clones: Path, tmp_path: Path) -> None:
    bare = tmp_path / "www" / "org" / "repo.git"
    history.git("clone", "-q", "--bare", str(history.folder), str(bare))
    History(bare, init=False).git("update-server-info")
    with http_server(tmp_path / "www", "s3cret") as address:
        repository = opened(f"http://me:s3cret@{address}/org/repo.git", clones)
        repository.refresh()
        assert repository.state().heads == (history.git("rev-parse", "main"),)
        assert repository.url == f"http://{address}/org/repo.git"
        assert "s3cret" not in repr(repository)
        for file in clones.rglob("*"):
            assert not file.is_file() or b"s3cret" not in file.read_bytes(), file
        # Neither a question on the terminal nor a hang: an error.
        wrong = opened(f"http://me:wr0ng@{address}/org/repo.git", clones)
        with pytest.raises(GitError, match="Authentication failed") as refused:
            wrong.refresh()
        assert "wr0ng" not in refused.value.message
        with pytest.raises(GitError, match="could not read Username"):
            opened(f"http://{address}/org/repo.git", clones).refresh()
    with pytest.raises(GitError, match="git ls-remote ended with status 128") as unreachable:
        repository.refresh()
    assert "s3cret" not in unreachable.value.message
    # What was fetched before is still there.
    assert repository.state().heads == (history.git("rev-parse", "main"),)


def test_a_git_that_waits_for_ever_is_ended_with_all_it_has_started(clones: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/repo.git"
        failures: list[GitError] = []

        def ask() -> None:
            try:
                opened(url, clones).refresh()
            except GitError as error:
                failures.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        silent.settimeout(10)
        asked, _ = silent.accept()  # git is there, and waits
        # Of this test alone: others may have started processes that stay.
        running = [child for child in psutil.Process().children(recursive=True) if url in child.cmdline()]
        assert running
        command.end_all()
        thread.join(timeout=10)
        assert "was ended by signal 9" in str(failures[0])
        _, left = psutil.wait_procs(running, timeout=10)
        assert left == []
        asked.close()
