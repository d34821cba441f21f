"""What later syncs bring: new and replaced history, changed mailmaps, shallow and broken repositories, cut runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from leadline.db import cursors
from leadline.home import Project
from leadline.lease import Lease
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
from stubs.git_history import History, failed_sync, rows, shas, sync, sync_all, totals, versions


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "org" / "repo")
    made.commit("root", {"f": "1\n2\n3\n"})
    made.commit("second", {"g": "1\n"})
    return made


def assert_same(project: Project, history: History) -> None:
    """The lake has exactly the commits, files and lines that git has."""
    assert shas(project) == history.commit_ids()
    assert totals(project) == history.shortstat()


# -- going on ----------------------------------------------------------------------------------------------------------


def test_nothing_new_touches_nothing(project: Project, history: History) -> None:
    sync(project, history.folder)
    before = versions(project)
    for _ in range(2):
        result = sync(project, history.folder)
        assert (result.commits_added, result.files_added, result.vanished) == (0, 0, 0)
    history.git("tag", "on-known-commit", "main~1")
    assert sync(project, history.folder).refs == 2
    assert versions(project) == before


def test_nothing_new_loads_none_of_the_lake_libraries(project: Project, history: History) -> None:
    sync(project, history.folder)
    script = f"""
import sys
from pathlib import Path
from leadline.home import Home
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
home = Home.open(Path({str(project.home.path)!r}))
project = home.project()
results = sync_repositories(SyncRun(project), [{str(history.folder)!r}])
print([result.commits_added for result in results])
print([name for name in ("pyarrow", "duckdb", "deltalake", "ibis") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[0]", "[]"]


def test_new_commits_are_added(project: Project, history: History) -> None:
    sync(project, history.folder)
    history.git("checkout", "-q", "-b", "topic", "main~1")
    history.commit("topic", {"t": "1\n"})
    history.git("checkout", "-q", "main")
    history.commit("third", {"f": "1\n3\n"})
    history.merge("topic")
    result = sync(project, history.folder)
    assert (result.commits_added, result.files_added, result.vanished) == (3, 2, 0)
    assert_same(project, history)


def test_a_new_run_reads_only_what_is_new(project: Project, history: History) -> None:
    """Proportional cost: with the objects of the old history away, new commits can still be taken."""
    sync(project, history.folder)
    old = history.git("rev-parse", "main:f")
    history.commit("third", {"h": "1\n"})
    (history.folder / ".git" / "objects" / old[:2] / old[2:]).unlink()
    assert sync(project, history.folder).commits_added == 1


def test_same_bytes_whatever_the_steps(project: Project, history: History) -> None:
    sync(project, history.folder, name="in/steps")
    history.git("checkout", "-q", "-b", "topic")
    history.commit("topic", {"t": "1\n"})
    sync(project, history.folder, name="in/steps")
    history.git("checkout", "-q", "main")
    history.merge("topic")
    sync(project, history.folder, name="in/steps")
    sync(project, history.folder, name="at/once")
    for table in ("commits", "commit_files"):
        steps, once = (
            rows(project, table, "* EXCLUDE (repository)", f"repository = '{name}'") for name in ("in/steps", "at/once")
        )
        assert steps == once


# -- history replaced --------------------------------------------------------------------------------------------------


def test_an_amended_commit_replaces_the_old_one(project: Project, history: History) -> None:
    other = History(history.folder.parent / "other")
    other.commit("elsewhere", {"x": "1\n"})
    sync(project, other.folder)
    sync(project, history.folder)
    old = history.git("rev-parse", "HEAD")
    history.write({"g": "1\n2\n"})
    history.git("add", "-A")
    history.record("commit", "-q", "--amend", "-m", "amended")
    result = sync(project, history.folder)
    assert (result.commits_added, result.vanished) == (1, 1)
    assert old not in shas(project)
    assert rows(project, "commit_files", "sha", f"sha = '{old}'") == []
    assert shas(project) == history.commit_ids() | other.commit_ids()


def test_a_rebase_and_a_force_push_over_a_url(project: Project, history: History, tmp_path: Path) -> None:
    origin = History(tmp_path / "srv" / "team" / "app.git", bare=True)
    history.git("remote", "add", "origin", str(origin.folder))
    history.git("checkout", "-q", "-b", "topic")
    history.commit("a", {"a": "1\n"})
    history.commit("b", {"b": "1\n"})
    history.git("push", "-q", "origin", "main", "topic")
    url = origin.folder.as_uri()
    assert sync(project, url).commits_added == 4
    history.git("checkout", "-q", "main")
    history.commit("main goes on", {"f": "9\n"})
    history.git("checkout", "-q", "topic")
    history.record("rebase", "-q", "main")
    history.git("push", "-q", "--force", "origin", "main", "topic")
    result = sync(project, url)
    assert (result.repository, result.commits_added, result.vanished) == ("team/app", 3, 2)
    assert_same(project, history)


def test_a_deleted_branch_takes_its_own_commits_along(project: Project, history: History) -> None:
    history.git("checkout", "-q", "-b", "topic")
    history.commit("only there", {"a": "1\n"})
    history.git("checkout", "-q", "main")
    sync(project, history.folder)
    history.git("branch", "-q", "-D", "topic")
    assert sync(project, history.folder).vanished == 1
    assert_same(project, history)


def test_a_merged_and_deleted_branch_takes_nothing_along(project: Project, history: History) -> None:
    history.git("checkout", "-q", "-b", "topic")
    history.commit("topic", {"a": "1\n"})
    history.git("checkout", "-q", "main")
    sync(project, history.folder)
    history.merge("topic")
    history.git("branch", "-q", "-d", "topic")
    result = sync(project, history.folder)
    assert (result.commits_added, result.vanished) == (1, 0)
    assert_same(project, history)


def test_old_history_that_was_cleared_away(project: Project, history: History) -> None:
    sync(project, history.folder)
    history.git("checkout", "-q", "--orphan", "fresh")
    history.commit("all anew", {"n": "1\n"})
    history.git("branch", "-q", "-M", "fresh", "main")
    history.git("reflog", "expire", "--expire=now", "--all")
    history.git("gc", "-q", "--prune=now")
    result = sync(project, history.folder)
    assert (result.commits_added, result.vanished) == (1, 2)
    assert_same(project, history)


def test_commits_from_elsewhere_never_vanish(project: Project, history: History) -> None:
    """Rows somebody imported for the same repository are theirs to remove."""
    import pyarrow as pa

    from leadline.ingest.delivery import ingest
    from leadline.schema import TABLES

    batch = pa.RecordBatch.from_pylist([{"repository": "org/repo", "sha": "f" * 40, "source": "github"}])
    ingest(project, TABLES["commits"], [batch])
    history.git("branch", "gone")
    sync(project, history.folder)
    history.record("commit", "-q", "--amend", "-m", "amended")
    history.git("branch", "-D", "gone")
    assert sync(project, history.folder).vanished == 1
    assert shas(project) == history.commit_ids() | {"f" * 40}


# -- mailmap -----------------------------------------------------------------------------------------------------------


def test_a_changed_mailmap_reaches_old_commits(project: Project, history: History) -> None:
    sync(project, history.folder)
    history.commit("map", {".mailmap": "Ada Lovelace <al@example.org> <ada@example.com>\n"})
    result = sync(project, history.folder)
    assert (result.commits_added, result.commits_updated, result.vanished) == (1, 2, 0)
    assert {(row["author_name"], row["author_email"]) for row in rows(project, "commits")} == {
        ("Ada Lovelace", "al@example.org")
    }
    history.commit("unmap", {".mailmap": None})
    assert sync(project, history.folder).commits_updated == 3
    assert {row["author_email"] for row in rows(project, "commits")} == {"ada@example.com"}
    assert_same(project, history)


def test_a_mailmap_elsewhere(project: Project, history: History) -> None:
    history.commit("map", {"tools/people": "Ada <al@example.org> <ada@example.com>\n"})
    history.git("config", "mailmap.blob", "HEAD:tools/people")
    sync(project, history.folder)
    assert {row["author_email"] for row in rows(project, "commits")} == {"al@example.org"}


# -- shallow -----------------------------------------------------------------------------------------------------------


def test_a_shallow_clone_says_so_and_counts_nothing_twice(project: Project, history: History, tmp_path: Path) -> None:
    history.git("checkout", "-q", "-b", "topic")
    history.commit("topic", {"t": "1\n"})
    history.git("checkout", "-q", "main")
    history.commit("third", {"f": "1\n"})
    merge = history.merge("topic")
    last = history.commit("last", {"f": "1\n2\n"})
    shallow = History(tmp_path / "shallow", init=False)
    history.git("clone", "-q", "--depth=2", history.folder.as_uri(), str(shallow.folder))
    result = sync(project, shallow.folder)
    assert (result.repository, result.shallow, result.commits_added, result.files_added) == ("org/repo", True, 2, 1)
    assert result.notes[0].startswith("shallow: history before 2026-01-01 is missing")
    (edge,) = rows(project, "commits", "parents, additions, deletions", f"sha = '{merge}'")
    # Its parents are known although they are not there: it must not look like a commit with the whole tree as its work.
    assert edge == {"parents": history.git("show", "-s", "--format=%P", merge), "additions": None, "deletions": None}
    assert rows(project, "commit_files", "sha, path") == [{"sha": last, "path": "f"}]
    assert sync(project, shallow.folder).commits_added == 0

    shallow.git("fetch", "-q", "--deepen=1")
    assert sync(project, shallow.folder).commits_added == 2
    shallow.git("fetch", "-q", "--unshallow")
    result = sync(project, shallow.folder)
    assert (result.shallow, result.commits_added, result.commits_updated, result.notes) == (False, 2, 2, ())
    assert_same(project, history)


def test_a_clone_that_became_shallow_forgets_nothing(project: Project, history: History, tmp_path: Path) -> None:
    sync(project, history.folder)
    before = {table: rows(project, table) for table in ("commits", "commit_files")}
    shallow = tmp_path / "shallow"
    history.git("clone", "-q", "--depth=1", history.folder.as_uri(), str(shallow))
    result = sync(project, shallow, name="org/repo")
    assert (result.shallow, result.commits_added, result.commits_updated, result.vanished) == (True, 0, 0, 0)
    assert result.notes[1] == f"last time org/repo was read from {history.folder}"
    assert {table: rows(project, table) for table in before} == before
    history.record("commit", "-q", "--amend", "-m", "amended")
    History(shallow, init=False).git("fetch", "-q", "--depth=1", "origin", "+main:refs/remotes/origin/main")
    History(shallow, init=False).git("reset", "-q", "--hard", "origin/main")
    result = sync(project, shallow, name="org/repo")
    assert (result.commits_added, result.vanished) == (1, 0)
    assert any("a shallow clone cannot tell whether commits vanished" in note for note in result.notes)


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["main~1:f", "main~1:", "main~1"])
def test_a_missing_object_is_an_error_and_nothing_is_taken(project: Project, history: History, what: str) -> None:
    history.commit("third", {"f": "changed\n"})
    object_id = history.git("rev-parse", what)
    if what == "main~1:f":
        object_id = history.git("rev-parse", "main:f")
    file = history.folder / ".git" / "objects" / object_id[:2] / object_id[2:]
    content = file.read_bytes()
    file.unlink()
    message = failed_sync(project, history.folder)
    assert message.startswith("org/repo: git log ended with status 128: ")
    assert object_id in message
    assert versions(project) == {}
    assert cursors.get(project.db, project.id, "git", "org/repo") is None
    file.write_bytes(content)
    assert sync(project, history.folder).commits_added == 3
    assert_same(project, history)


def test_a_missing_object_late_in_a_long_stream(project: Project, history: History) -> None:
    """git has printed much, and rows have been staged, before it stops."""
    tip = history.git("rev-parse", "main")
    script = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.com> {1767300000 + n} +0000\ndata 1\nx\n"
        + (f"from {tip}\n" if n == 0 else "")
        + f"M 644 inline f{n % 50}\ndata 10\nline {n:04}\n"
        for n in range(3_000)
    )
    history.git("fast-import", "--quiet", "--force", stdin=script.encode())
    history.git("reset", "-q", "--hard", "main")
    last = history.commit("last", {"f": "last\n"})
    blob = history.git("rev-parse", f"{last}:f")
    (history.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    read: list[int] = []
    run = SyncRun(project, progress=lambda _, commits: read.append(commits))
    (result,) = sync_repositories(run, [str(history.folder)])
    assert result.error is not None
    assert "git log ended with status 128" in result.error.message
    assert read
    assert read[-1] > 1_000
    assert versions(project) == {}
    assert not list(Path(project.lake.where).glob("*/_staging/*"))


def test_a_corrupt_pack(project: Project, history: History) -> None:
    history.git("gc", "-q")
    (pack,) = (history.folder / ".git" / "objects" / "pack").glob("*.pack")
    content = bytearray(pack.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    pack.chmod(0o644)
    pack.write_bytes(content)
    assert failed_sync(project, history.folder).startswith("org/repo: git ")
    assert versions(project) == {}


def test_a_branch_that_points_at_nothing(project: Project, history: History) -> None:
    (history.folder / ".git" / "refs" / "heads" / "lost").write_text("1" * 40 + "\n")
    assert "refs/heads/lost" in failed_sync(project, history.folder)
    (history.folder / ".git" / "refs" / "heads" / "lost").write_text("")
    assert "ignoring broken ref refs/heads/lost" in failed_sync(project, history.folder)
    assert versions(project) == {}


def test_one_failing_repository_does_not_stop_the_others(project: Project, history: History, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    errors = [
        result.error for result in sync_all(project, tmp_path / "nowhere", tmp_path / "plain", history.folder, "ssh://")
    ]
    assert [error is None for error in errors] == [False, False, True, False]
    assert errors[0] is not None
    assert errors[1] is not None
    assert errors[0].message == (
        f"{tmp_path / 'nowhere'}: there is no such folder; give the path or the URL of a git repository"
    )
    assert errors[1].message == f"{tmp_path / 'plain'} is not a git repository; give the folder or the URL of one"
    assert_same(project, history)


def test_without_git(project: Project, history: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in failed_sync(project, history.folder)


# -- cut runs and several at once --------------------------------------------------------------------------------------


class Cut(BaseException):
    """Stands for the process ending."""


def cut_at(project: Project, name: str, turn: int = 1) -> Project:
    """The project, but a run ends when it would take the one called ``name`` for the ``turn``-th time."""
    seen = 0

    @contextmanager
    def lock(asked: str) -> Iterator[Lease]:
        nonlocal seen
        seen += asked == name
        if asked == name and seen == turn:
            raise Cut
        with project.lock(asked) as lease:
            yield lease

    cut = replace(project)
    cut.lock = lock  # type: ignore[method-assign]
    return cut


def test_a_run_cut_between_its_commits_is_made_good(project: Project, history: History) -> None:
    with pytest.raises(Cut):
        sync_all(cut_at(project, "lake:commits"), history.folder)
    assert (totals(project)[0], shas(project)) == (2, set())
    assert sync(project, history.folder).commits_added == 2
    assert_same(project, history)


def test_what_a_cut_run_took_can_still_vanish(project: Project, history: History) -> None:
    with pytest.raises(Cut):
        # The commits are in by then, the cursor is not.
        sync_all(cut_at(project, "lake:repositories"), history.folder)
    assert len(shas(project)) == 2
    history.record("commit", "-q", "--amend", "-m", "another second")
    assert sync(project, history.folder).vanished == 1
    assert_same(project, history)


def test_a_mailmap_run_that_was_cut_is_made_good(project: Project, history: History) -> None:
    sync(project, history.folder)
    history.commit("map", {".mailmap": "Ada <al@example.org> <ada@example.com>\n"})
    with pytest.raises(Cut):
        sync_all(cut_at(project, "lake:commits"), history.folder)
    history.git("revert", "--no-edit", "HEAD", env={"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"})
    sync(project, history.folder)
    assert {row["author_email"] for row in rows(project, "commits")} == {"ada@example.com"}
    assert_same(project, history)


def test_a_removal_that_was_cut_is_made_good(project: Project, history: History) -> None:
    sync(project, history.folder)
    history.record("commit", "-q", "--amend", "-m", "amended")
    with pytest.raises(Cut):
        # First to add, then to remove.
        sync_all(cut_at(project, "lake:commits", 2), history.folder)
    assert len(shas(project)) == 3
    assert sync(project, history.folder).vanished == 1
    assert_same(project, history)


SYNC_SCRIPT = """
import sys
from pathlib import Path
from leadline.home import Home
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
with Home.open(Path(sys.argv[1])) as home:
    project = home.project()
    for result in sync_repositories(SyncRun(project), sys.argv[2:]):
        if result.error is not None:
            raise result.error
        print(result.commits_added)
"""


def process(project: Project, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SYNC_SCRIPT, str(project.home.path), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    "moment", ["lake/commit_files/_staging/*", "lake/commit_files/_delta_log/*1.json", "lake/commits/_staging/*/*"]
)
def test_kill_9_leaves_a_state_the_next_run_makes_good(project: Project, history: History, moment: str) -> None:
    for number in range(5):
        history.commit(f"more {number}", {"f": f"{number}\n"})
    running = process(project, history.folder)
    deadline = time.monotonic() + 120
    while not list(project.folder.glob(moment)) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    sync(project, history.folder)
    assert_same(project, history)


def test_two_syncs_of_one_repository_at_once(project: Project, history: History) -> None:
    running = [process(project, history.folder) for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        outputs = list(pool.map(lambda each: each.communicate(timeout=120), running))
    assert [each.returncode for each in running] == [0, 0, 0], outputs
    assert sorted(int(output) for output, _ in outputs) == [0, 0, 2]
    assert_same(project, history)
