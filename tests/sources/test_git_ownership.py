"""Whose a repository is, and what it borrows, is judged before it is read; what is odd about it ends in a sentence."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from leadline.errors import InvalidInput, LeadlineError
from leadline.sources.git import folder as git_folder
from leadline.sources.git.command import GitError
from leadline.sources.git.location import parse_location
from leadline.sources.git.repository import open_repository
from stubs.git_traps import SOMEBODY, Trap, as_work_tree, give_away, read

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


@AS_ROOT
def test_a_repository_of_another_user_is_refused_unless_named_safe(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    config = tmp_path / "config"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = trap.history.folder
    (tmp_path / "elsewhere").mkdir()
    linked = as_work_tree(trap, tmp_path / "elsewhere")
    give_away(folder)
    says = f"another user.*git config --global --add safe.directory ({folder}|{linked})"
    for location in (folder, folder / ".git", linked, folder.as_uri(), f"file://{folder}/"):
        with pytest.raises(InvalidInput, match=says):
            read(location, tmp_path / "clones")
    config.write_text(f"[safe]\n\tdirectory = {folder}\n\tdirectory = {folder}/.git\n\tdirectory = {linked}\n")
    for number, location in enumerate((folder, folder / ".git", linked, folder.as_uri())):
        assert read(location, tmp_path / f"clones-{number}")[1] == 2
    config.unlink()
    # As git does for who became root by sudo.
    monkeypatch.setenv("SUDO_UID", str(SOMEBODY))
    assert read(folder, tmp_path / "clones")[1] == 2


@AS_ROOT
def test_an_address_that_the_user_rewrites_to_a_folder_is_judged_as_that_folder(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(f'[url "{trap.history.folder.parent}/"]\n\tinsteadOf = https://git.example.com/org/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert read("https://git.example.com/org/repo", tmp_path / "clones")[1] == 2
    give_away(trap.history.folder)
    with pytest.raises(InvalidInput, match="belongs to another user"):
        read("https://git.example.com/org/repo", tmp_path / "clones")


@AS_ROOT
@pytest.mark.parametrize("borrowed", ["objects", "objects/info/alternates", "packed-refs"])
def test_what_lies_outside_must_belong_to_the_same_owner(trap: Trap, tmp_path: Path, borrowed: str) -> None:
    """A repository that is named safe must not show, by a link, what its owner may not read."""
    trap.history.git("gc", "-q")
    clone = tmp_path / "clone"
    trap.history.git("clone", "-q", "--shared", str(trap.history.folder), str(clone))
    path = clone / ".git" / borrowed
    if borrowed != "objects/info/alternates":
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        path.symlink_to(trap.history.folder / ".git" / borrowed)
    assert read(clone, tmp_path / "clones")[1] == 2
    give_away(trap.history.folder)
    with pytest.raises(InvalidInput, match="which is not its owner's"):
        read(clone, tmp_path / "clones")


# -- odd repositories --------------------------------------------------------------------------------------------------


def test_borrowed_objects_are_read_by_a_relative_path_too(trap: Trap, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    trap.history.git("clone", "-q", "--shared", str(trap.history.folder), str(clone))
    (clone / ".git" / "objects" / "info" / "alternates").write_text("../../../org/repo/.git/objects\n")
    assert read(clone, tmp_path / "clones")[1] == 2
    assert read(clone.as_uri(), tmp_path / "clones")[1] == 2
    (clone / ".git" / "objects" / "info" / "alternates").write_text('"/quoted"\n')
    with pytest.raises(InvalidInput, match="borrows objects in a way"):
        read(clone, tmp_path / "clones")


@pytest.mark.parametrize("content", ["", "nonsense\n", "ref: refs/heads/a b\n", "ref: ../../elsewhere\n", "0" * 9000])
def test_a_head_that_names_nothing(trap: Trap, tmp_path: Path, content: str) -> None:
    repository = open_repository(parse_location(str(trap.history.folder)), name=None, clones=tmp_path)
    (trap.history.folder / ".git" / "HEAD").write_text(content)
    with pytest.raises(InvalidInput, match="is no HEAD"):
        repository.state()
    with pytest.raises(LeadlineError):
        open_repository(parse_location(str(trap.history.folder)), name=None, clones=tmp_path).state()


def test_a_head_that_is_a_pipe_or_a_link_elsewhere(trap: Trap, tmp_path: Path) -> None:
    repository = open_repository(parse_location(str(trap.history.folder)), name=None, clones=tmp_path)
    head = trap.history.folder / ".git" / "HEAD"
    head.unlink()
    os.mkfifo(head)
    with pytest.raises(InvalidInput, match="is no HEAD"):
        repository.state()
    head.unlink()
    head.symlink_to(sys.executable)
    with pytest.raises(InvalidInput, match="is no HEAD"):
        repository.state()
    head.unlink()
    head.symlink_to("refs/heads/main")  # as git wrote it long ago
    assert repository.state().default_branch == "main"


def test_a_pipe_in_place_of_a_file_keeps_nobody(trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = trap.history.folder / ".git" / "packed-refs"
    os.mkfifo(refs)
    with pytest.raises(InvalidInput, match="packed-refs is neither a file nor a folder"):
        read(trap.history.folder, tmp_path / "clones")
    refs.unlink()
    monkeypatch.setattr(git_folder, "_LOOK_SECONDS", 0.5)
    config = trap.history.folder / ".git" / "config"
    config.unlink()
    os.mkfifo(config)
    with pytest.raises(GitError, match="git did not answer within"):
        read(trap.history.folder, tmp_path / "clones")


def test_a_format_that_is_not_known_is_refused(trap: Trap, tmp_path: Path) -> None:
    trap.history.git("config", "core.repositoryFormatVersion", "1")
    trap.history.git("config", "extensions.objectFormat", "sha1")
    assert read(trap.history.folder, tmp_path / "clones")[1] == 2
    trap.history.git("config", "extensions.trap", "x")
    with pytest.raises(LeadlineError, match=r"trap"):
        read(trap.history.folder, tmp_path / "clones")


def test_a_mailmap_name_with_line_breaks_is_not_asked_for(trap: Trap, tmp_path: Path) -> None:
    trap.history.git("config", "mailmap.blob", "HEAD:f\nHEAD:f")
    repository, _ = read(trap.history.folder, tmp_path / "clones")
    assert repository.state().mailmap is None


def test_nothing_of_a_view_is_left_behind(trap: Trap, tmp_path: Path) -> None:
    repository, _ = read(trap.history.folder, tmp_path / "clones")
    before = repository.state()
    with repository.git.folder.view() as view:
        assert view.is_dir()
    assert not view.exists()
    assert repository.state() == before
