"""`rework.method` `line`: what `sync git` brings of deleted lines, from run to run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from leadline.db import cursors
from leadline.db import settings as stored_settings
from leadline.errors import StoreError
from leadline.home import Project
from leadline.sources.git.command import GitError
from leadline.sources.git.line_ages import store, walk
from leadline.sources.git.location import lines_folder
from stubs.git_history import History, rows, sync
from stubs.git_random import RandomHistory

NAME = "org/repo"


@pytest.fixture
def by_line(project: Project) -> Project:
    stored_settings.put(project.db, project.id, {"rework.method": "line"})
    return project


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "org" / "repo")


def deleted(project: Project) -> list[tuple[str, str, str, int]]:
    told = rows(project, "deleted_lines", "sha, path, origin, lines")
    return [(row["sha"], row["path"], row["origin"], row["lines"]) for row in told]


def states(project: Project) -> list[str]:
    folder = lines_folder(project.clones, NAME)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_lines_are_read_once_they_are_asked_for(project: Project, history: History) -> None:
    first = history.commit("1", {"a": "one\ntwo\n"})
    second = history.commit("2", {"a": "one\n2\n"})
    sync(project, history.folder)
    assert project.lake.version("deleted_lines") is None
    assert states(project) == []
    stored_settings.put(project.db, project.id, {"rework.method": "line"})
    before = project.lake.snapshot().versions
    sync(project, history.folder)
    after = project.lake.snapshot().versions
    assert {name for name, version in after.items() if before.get(name) != version} == {"deleted_lines"}
    assert deleted(project) == [(second, "a", first, 1)]
    assert len(states(project)) == 1
    sync(project, history.folder)
    assert project.lake.snapshot().versions == after


def test_new_commits_bring_their_lines_alone(
    by_line: Project, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = history.commit("1", {"a": "one\ntwo\n"})
    sync(by_line, history.folder)
    second = history.commit("2", {"a": "one\n2\n"})
    third = history.commit("3", {"a": "x\n"})
    walked: list[int] = []
    settle = walk.LineWalk.settle
    monkeypatch.setattr(walk.LineWalk, "settle", lambda self, heads: (walked.append(self.commits), settle(self, heads)))
    sync(by_line, history.folder)
    assert walked == [2]
    assert sorted(deleted(by_line)) == sorted(
        [(second, "a", first, 1), (third, "a", first, 1), (third, "a", second, 1)]
    )
    assert len(states(by_line)) == 2  # that of before goes once the new one is known to be in force
    sync(by_line, history.folder)
    assert len(states(by_line)) == 1


def test_a_history_that_is_rewritten_takes_its_lines_along(by_line: Project, history: History) -> None:
    first = history.commit("1", {"a": "one\ntwo\n"})
    history.commit("2", {"a": "one\n2\n"})
    sync(by_line, history.folder)
    history.git("reset", "-q", "--hard", first)
    other = history.commit("other", {"a": "1\ntwo\n"})
    sync(by_line, history.folder)
    assert deleted(by_line) == [(other, "a", first, 1)]
    history.git("reflog", "expire", "--expire=now", "--all")
    history.git("gc", "-q", "--prune=now")
    last = history.commit("last", {"a": "x\n"})
    sync(by_line, history.folder)
    assert sorted(deleted(by_line)) == sorted([(other, "a", first, 1), (last, "a", first, 1), (last, "a", other, 1)])


@pytest.mark.parametrize("when", ["before the state is written", "before the rows are written", "before the cursor is"])
def test_a_run_that_is_cut_anywhere_is_made_good(
    by_line: Project, history: History, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    first = history.commit("1", {"a": "one\ntwo\n"})
    sync(by_line, history.folder)
    second = history.commit("2", {"a": "one\n2\n"})

    def cut(*_: object, **__: object) -> None:
        raise StoreError("cut")

    with monkeypatch.context() as patch:
        if when == "before the state is written":
            patch.setattr(store, "save", cut)
        elif when == "before the rows are written":
            patch.setattr("leadline.sync.batch.commit_staged", cut)
        else:
            patch.setattr(cursors, "put_all", cut)
        with pytest.raises((StoreError, AssertionError)):
            sync(by_line, history.folder)
    third = history.commit("3", {"a": "2\n"})
    sync(by_line, history.folder)
    assert sorted(deleted(by_line)) == sorted([(second, "a", first, 1), (third, "a", first, 1)])
    sync(by_line, history.folder)
    assert len(states(by_line)) == 1


def test_a_state_that_is_lost_or_torn_is_made_anew(by_line: Project, history: History) -> None:
    history.commit("1", {"a": "one\ntwo\n"})
    history.commit("2", {"a": "one\n2\n"})
    sync(by_line, history.folder)
    before = deleted(by_line)
    (name,) = states(by_line)
    path = lines_folder(by_line.clones, NAME) / name
    path.unlink()
    sync(by_line, history.folder)
    assert (deleted(by_line), states(by_line)) == (before, [name])
    path.write_bytes(b"torn")
    history.commit("3", {"b": "x\n"})
    sync(by_line, history.folder)
    assert deleted(by_line) == before


def test_lines_that_git_cannot_tell_keep_nothing_else_from_being_read(
    by_line: Project, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.commit("1", {"a": "one\n"})
    second = history.commit("2", {"a": "two\n"})

    def fails(*_: object) -> None:
        raise GitError("o/r: git log ended")

    with monkeypatch.context() as patch:
        patch.setattr(walk.LineWalk, "_walk", fails)
        result = sync(by_line, history.folder)
    assert any("the age of lines could not be read" in note for note in result.notes)
    assert len(rows(by_line, "commits", "sha")) == 2
    sync(by_line, history.folder)
    assert [row[0] for row in deleted(by_line)] == [second]


def test_a_shallow_clone_knows_no_age_before_its_end(by_line: Project, history: History, tmp_path: Path) -> None:
    history.commit("1", {"a": "one\ntwo\nthree\n"})
    history.commit("2", {"a": "one\n2\nthree\n"})
    third = history.commit("3", {"a": "one\n2\n3\n"})
    last = history.commit("4", {"a": "x\n"})
    history.git("clone", "-q", "--depth=3", history.folder.as_uri(), str(tmp_path / "shallow" / "repo"))
    sync(by_line, tmp_path / "shallow" / "repo", name=NAME)
    assert deleted(by_line) == [(last, "a", third, 1)]


def test_since_leaves_lines_of_older_commits_out_and_knows_their_age(by_line: Project, history: History) -> None:
    first = history.commit("1", {"a": "one\ntwo\n"})
    history.commit("2", {"a": "one\n2\n"})
    last = history.commit("3", {"a": "x\n2\n"})
    since = datetime.fromtimestamp(int(history.git("log", "-1", "--format=%ct", last)), UTC)
    sync(by_line, history.folder, since=since)
    assert deleted(by_line) == [(last, "a", first, 1)]
    sync(by_line, history.folder, since=since - timedelta(hours=1))
    assert len(deleted(by_line)) == 2


@pytest.mark.parametrize("world", [1, 2])
def test_many_runs_bring_what_one_does(by_line: Project, tmp_path: Path, world: int) -> None:
    folder = tmp_path / "org" / "repo"
    folder.mkdir(parents=True)
    History(folder, init=False, bare=True).git("init", "-q", "--bare")
    random = RandomHistory(folder, Random(world))
    for _ in range(4):
        random.grow(5)
        sync(by_line, folder)
    at_once = by_line.home.project("default", "other", create=True)
    stored_settings.put(at_once.db, at_once.id, {"rework.method": "line"})
    sync(at_once, folder)
    assert sorted(deleted(by_line)) == sorted(deleted(at_once))
    assert deleted(by_line)
