"""Nothing that a repository says is run, and nothing is fetched: a table of traps, each of which git springs somewhere, by every
way to a repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from leadline.errors import LeadlineError
from leadline.sources.git.command import GitError, asking_environment, reading_environment
from leadline.sources.git.location import parse_location
from leadline.sources.git.log import LogReader, Walk
from leadline.sources.git.repository import open_repository
from leadline.sources.git.source import GitHistory
from stubs.git_history import History
from stubs.git_traps import (
    PROGRAMS,
    Trap,
    as_bare,
    as_folder,
    as_git_folder,
    as_submodule,
    as_url,
    as_work_tree,
    read,
)
from stubs.server import listening


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


@pytest.mark.parametrize("way", [as_folder, as_url])
@pytest.mark.parametrize(("key", "value"), PROGRAMS, ids=[key for key, _ in PROGRAMS])
def test_no_program_that_a_repository_names_is_run(
    trap: Trap, tmp_path: Path, key: str, value: str, way: Callable[[Trap, Path], Path | str]
) -> None:
    trap.arm(key, value)
    assert read(way(trap, tmp_path), tmp_path / "clones")[1] == 2
    assert not trap.pwned.exists()


@pytest.mark.parametrize("way", [as_folder, as_git_folder, as_bare, as_work_tree, as_submodule, as_url])
def test_nor_are_all_of_them_at_once_whatever_the_way(
    trap: Trap, tmp_path: Path, way: Callable[[Trap, Path], Path | str]
) -> None:
    for key, value in PROGRAMS:
        trap.arm(key, value)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    location = way(trap, elsewhere)
    trap.pwned.unlink(missing_ok=True)  # git itself, which made the way, may have stepped into it
    assert read(location, tmp_path / "clones")[1] == 2
    assert not trap.pwned.exists()


@pytest.mark.parametrize(
    ("key", "value", "command"),
    [
        ("core.fsmonitor", "{run}", ("status",)),
        ("diff.external", "{run}", ("log", "-p", "--ext-diff")),
        ("diff.trap.textconv", "{run}", ("log", "-p")),
        ("filter.trap.clean", "{run}", ("add", "--renormalize", ".")),
        ("include.path", "{include}", ("log", "-p", "--ext-diff")),
        ("remote.origin.uploadpack", "{run}", ("ls-remote", "origin")),
        ("alias.look", "!{run}", ("look",)),
    ],
)
def test_the_traps_are_alive(trap: Trap, key: str, value: str, command: tuple[str, ...]) -> None:
    """What the table proves, it proves of something: git itself, told to, runs these."""
    trap.arm(key, value)
    trap.history.git("config", "remote.origin.url", str(trap.history.folder))
    subprocess.run(["git", *command], cwd=trap.history.folder, check=False, capture_output=True, timeout=60)
    assert trap.pwned.exists()


# -- what is not there is not fetched ----------------------------------------------------------------------------------


@pytest.fixture
def partial_clone(trap: Trap, tmp_path: Path) -> Path:
    """A bare clone without the contents of files, whose remote is a command."""
    trap.history.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial.git"
    trap.history.git("clone", "-q", "--bare", "--filter=blob:none", trap.history.folder.as_uri(), str(clone))
    git = History(clone, init=False).git
    git("config", "remote.origin.url", f"ext::{trap.script}")
    git("config", "protocol.ext.allow", "always")
    return clone


def test_a_partial_clone_fetches_nothing_and_says_what_would_do(
    trap: Trap, partial_clone: Path, tmp_path: Path
) -> None:
    with pytest.raises(GitError, match=r"o/r: git log ended with .*is a partial clone.*fetch --refetch --no-filter"):
        read(partial_clone, tmp_path / "clones")
    for number, url in enumerate((partial_clone.as_uri(), f"file://{partial_clone}/")):
        with pytest.raises(LeadlineError):
            read(url, tmp_path / f"clones-{number}")
    assert not trap.pwned.exists()


def test_a_partial_clone_that_lacks_nothing_is_read(trap: Trap, partial_clone: Path, tmp_path: Path) -> None:
    for object_id in trap.history.git("rev-list", "--objects", "--all", "--no-object-names").split():
        kind = trap.history.git("cat-file", "-t", object_id)
        content = trap.history.raw("cat-file", kind, object_id)
        History(partial_clone, init=False).git("hash-object", "-w", "-t", kind, "--stdin", stdin=content)
    assert read(partial_clone, tmp_path / "clones")[1] == 2
    assert not trap.pwned.exists()


def test_a_configuration_that_changes_while_it_is_read(trap: Trap, tmp_path: Path) -> None:
    repository = open_repository(parse_location(str(trap.history.folder)), name=None, clones=tmp_path)
    state = repository.state()
    for key, value in (("diff.external", "{run}"), ("core.fsmonitor", "{run}"), ("diff.trap.textconv", "{run}")):
        trap.arm(key, value)
    trap.history.git("config", "extensions.partialClone", "origin")
    trap.history.git("config", "remote.origin.url", f"ext::{trap.script}")
    trap.history.git("config", "protocol.ext.allow", "always")
    blob = trap.history.git("rev-parse", "HEAD:f")
    (trap.history.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(GitError, match="git log ended with"):
        list(LogReader(repository, state, Walk(state.heads)).batches())
    assert not trap.pwned.exists()


def test_refs_that_are_packed_and_objects_that_are_repacked_while_it_is_read(trap: Trap, tmp_path: Path) -> None:
    repository = open_repository(parse_location(str(trap.history.folder)), name=None, clones=tmp_path)
    with repository.git.folder.view() as view:
        trap.history.git("gc", "-q")
        asked = ["git", f"--git-dir={view}", "for-each-ref", "--format=%(refname)"]
        listed = subprocess.check_output(asked, text=True, env=reading_environment(os.environ))
        assert listed.split() == ["refs/heads/main"]
        assert sum(map(len, repository.reachable(["HEAD"]))) == 2


# -- addresses ---------------------------------------------------------------------------------------------------------

ADDRESSES = [
    "ext::{run} %S",
    "ext://{run}",
    "EXT://{run}",
    "fd::3",
    "fd://3",
    "-oProxyCommand={run}:x",
    "ssh://-oProxyCommand={run}/x",
    "ssh://git@-oProxyCommand={run}/x",
    "--upload-pack={run}",
    "file:///--upload-pack={run}",
    "git@127.0.0.1:--upload-pack={run}",
    "foo::{run}",
    "nosuchhelper://{run}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_a_command(trap: Trap, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    for ask in (
        lambda history: history.check(),
        lambda history: history.repository.refresh(),
    ):
        with pytest.raises(LeadlineError):
            ask(GitHistory(parse_location(address.format(run=trap.script)), tmp_path / "clones", "o/r"))
    assert not trap.pwned.exists()


def test_a_redirect_to_a_file_or_an_alternate_elsewhere_is_not_followed(trap: Trap, tmp_path: Path) -> None:
    served = tmp_path / "www"
    bare = served / "repo.git"
    trap.history.git("clone", "-q", "--bare", str(trap.history.folder), str(bare))
    History(bare, init=False).git("update-server-info")
    secret = History(tmp_path / "secret")
    hidden = secret.commit("hidden", {"s": "1\n"})
    (bare / "info" / "refs").write_text(f"{hidden}\trefs/heads/main\n")
    (bare / "objects" / "info" / "http-alternates").write_text(f"{secret.folder.as_uri()}/.git/objects\n")
    (bare / "objects" / "info" / "alternates").write_text(f"{secret.folder}/.git/objects\n")

    class Redirecting(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/moved/"):
                self.send_response(302)
                self.send_header("Location", f"file://{secret.folder}/.git/{self.path.removeprefix('/moved/')}")
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
            pass

    with listening(partial(Redirecting, directory=str(served))) as address:
        for path in ("moved", "repo.git"):
            with pytest.raises(GitError):
                read(f"{address}/{path}", tmp_path / "clones")
    for file in (tmp_path / "clones").rglob("*"):
        assert hidden[2:] != file.name


def test_the_repository_we_happen_to_stand_in_does_not_count(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = History(tmp_path / "other")
    other.commit("other", {"o": "1\n"})
    trap.arm("url.ext::{run} .insteadOf", "file:")
    trap.history.git("config", "protocol.ext.allow", "always")
    monkeypatch.chdir(trap.history.folder)
    assert read(other.folder.as_uri(), tmp_path / "clones")[1] == 1
    assert not trap.pwned.exists()


def test_what_a_remote_calls_its_branch_is_no_option(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadline.sources.git import clone

    for said, branch in (
        ("ref: --delete\tHEAD\nref: refs/heads/main\tHEAD\n", "refs/heads/main"),
        ("ref: --delete\tHEAD\n", None),
        ("ref: refs/remotes/x\tHEAD\n", None),
    ):
        answer = f"{said}{'1' * 40}\trefs/heads/main\n"
        monkeypatch.setattr(clone._Remote, "run", lambda *_, answer=answer: answer)
        assert clone._remote_refs(tmp_path, clone._Remote("", "")) == (branch, {"refs/heads/main": "1" * 40})


# -- variables ---------------------------------------------------------------------------------------------------------


def test_variables_of_the_caller() -> None:
    """Reading heeds none of them; reaching a remote heeds those that say how, and no others."""
    base = {
        "PATH": "/bin",
        "GIT_DIR": "/x",
        "GIT_EXTERNAL_DIFF": "x",
        "GIT_CONFIG_PARAMETERS": "'a.b=c'",
        "GIT_SSH_COMMAND": "ssh -i key",
        "GIT_OBJECT_DIRECTORY": "/x",
        "GIT_QUARANTINE_PATH": "/x",
        "GIT_SHALLOW_FILE": "/x",
        "GIT_TRACE": "1",
        "GIT_SSL_CAINFO": "/ca",
    }
    reading = reading_environment(base)
    assert not set(base) - {"PATH"} & set(reading)
    assert (reading["GIT_ALLOW_PROTOCOL"], reading["GIT_NO_LAZY_FETCH"]) == ("", "1")
    asking = asking_environment(base, ())
    assert {name for name in base if name in asking} == {
        "PATH",
        "GIT_CONFIG_PARAMETERS",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
    }


def test_a_count_of_settings_that_is_none() -> None:
    asking = asking_environment({"GIT_CONFIG_COUNT": "many"}, (("a.b", "c"),))
    assert (asking["GIT_CONFIG_COUNT"], asking["GIT_CONFIG_KEY_0"]) == ("1", "a.b")


def test_the_users_own_ssh_command_is_kept(tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", str(trap.script))
    with pytest.raises(GitError):
        open_repository(parse_location("git@127.0.0.1:o/r"), name=None, clones=tmp_path / "clones").refresh()
    assert trap.pwned.exists()
