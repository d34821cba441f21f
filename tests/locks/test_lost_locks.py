"""A lock that was lost doubles nothing and loses nothing, for every kind of writer: the holder is stopped at its commit, its
session ends, another does the same work meanwhile, then the holder goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy.exc import SQLAlchemyError

from api.serving import put
from leadline.db import cursors, inbox, sources
from leadline.db.inbox import Delivery
from leadline.errors import LockLost, StoreError
from leadline.exports.maintenance import maintain
from leadline.facts.deployment_contents import CARRIED, state
from leadline.facts.policy import BUILD_POLICY
from leadline.home import Home, Project
from leadline.ingest import delivery
from leadline.ingest.importing import import_paths
from leadline.ingest.pushed import deliver_pushed
from leadline.ingest.removal import remove
from leadline.lake.maintenance import check_lake
from leadline.materialize import folders
from leadline.materialize.session import session
from leadline.people import load_org, tree
from leadline.schema import TABLES
from leadline.sources.kit.settings import SourceSettings
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.git_history import History, rows

from .losing import after_looking, before_looking, lose_locks, once

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Work = Callable[[Project, Path], object]
INCIDENTS = TABLES["incidents"]


def incidents(*numbers: int) -> list[dict[str, Any]]:
    return [{"incident_id": f"i{number}", "title": "a", "created_at": NOW} for number in numbers]


def ids(project: Project) -> list[str]:
    return sorted(row["incident_id"] for row in rows(project, "incidents"))


def keys(*numbers: int) -> pa.Table:
    return pa.table({"incident_id": [f"i{number}" for number in numbers]})


def imports(project: Project, folder: Path) -> None:
    file = folder / "incidents.csv"
    file.write_text("incident_id,title,created_at\ni1,a,2026-03-01T12:00:00Z\ni2,a,2026-03-01T12:00:00Z\n", "utf-8")
    assert import_paths(project, [file]).ok


def push(project: Project, *numbers: int) -> None:
    content = "\n".join(f'{{"incident_id": "i{number}", "created_at": "2026-03-01T12:00:00Z"}}' for number in numbers)
    inbox.add(project.db, [Delivery(project.id, "incidents", len(numbers), content)], NOW)


def pushes(project: Project, _: Path) -> None:
    push(project, 1, 2)
    deliver_pushed(project)
    assert inbox.totals(project.db)["waiting"] == 0


def removes(project: Project, _: Path) -> None:
    remove(project, INCIDENTS, keys(3, 4))


def compacts(project: Project, _: Path) -> None:
    list(maintain(project.home, NOW))


def compacts_and_delivers(project: Project, folder: Path) -> None:
    compacts(project, folder)
    put(project, incidents=incidents(1, 2))


def syncs(project: Project, folder: Path) -> SourceResult:
    if not (folder / "history").exists():
        history = History(folder / "history")
        for number in range(3):
            history.commit(f"change {number}", {"file": f"{number}\n"})
    settings = SourceSettings.restored("git", "shop", {"targets": [str(folder / "history")], "every": 0})
    return run_source(SyncRun(project), settings)


BEFORE = (3, *range(10, 30))
WRITERS: dict[str, tuple[Work, Work, tuple[int, ...]]] = {
    "import": (imports, imports, (1, 2, *BEFORE)),
    "push": (pushes, pushes, (1, 2, *BEFORE)),
    "removal": (removes, removes, BEFORE[1:]),
    "removal beside a delivery": (removes, imports, (1, 2, *BEFORE[1:])),
    "compaction": (compacts, compacts_and_delivers, (1, 2, *BEFORE)),
}


@pytest.fixture(params=[before_looking, after_looking], ids=["before-it-looks", "after-it-looked"])
def stopped(request: pytest.FixtureRequest) -> Callable[..., list[bool]]:
    """Has something happen while a writer is stopped at a commit."""
    chosen: Callable[..., list[bool]] = request.param
    return chosen


@pytest.mark.parametrize("writer", WRITERS)
def test_every_row_is_there_once_whoever_wrote_without_the_lock(
    database_project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped: Callable[..., list[bool]],
    writer: str,
) -> None:
    project = database_project
    first, second, expected = WRITERS[writer]
    for number in BEFORE:  # a file each
        put(project, incidents=incidents(number))

    def meanwhile() -> None:
        assert lose_locks(project.db)
        second(project, tmp_path)

    happened = stopped(monkeypatch, meanwhile)
    first(project, tmp_path)
    assert happened
    assert ids(project) == sorted(f"i{number}" for number in expected)
    assert check_lake(project.lake) == []


def test_a_delivery_to_a_table_that_is_not_there_yet(
    database_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: Callable[..., list[bool]]
) -> None:
    def meanwhile() -> None:
        lose_locks(database_project.db)
        imports(database_project, tmp_path)

    happened = stopped(monkeypatch, meanwhile)
    imports(database_project, tmp_path)
    assert happened
    assert ids(database_project) == ["i1", "i2"]
    assert check_lake(database_project.lake) == []


def test_a_delivery_that_loses_the_lock_every_time_takes_nothing_and_says_so(
    database_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadline.lake.writer import TableWriter

    put(database_project, incidents=incidents(3))
    commit, others = TableWriter.commit, iter(range(10, 100))

    def overtaken(*arguments: Any, **options: Any) -> int:
        lose_locks(database_project.db)
        with database_project.writing(INCIDENTS):
            next(others)
        return commit(*arguments, **options)

    monkeypatch.setattr(TableWriter, "commit", overtaken)
    with pytest.raises(LockLost, match=r"The lock 1:lake:incidents was lost .* was not written\. Try again"):
        imports(database_project, tmp_path)
    assert next(others) == 10 + delivery._TRIES
    assert ids(database_project) == ["i3"]


# -- who works under another lock ----------------------------------------------------------------------------------------


def test_pushed_rows_of_before_do_not_replace_newer_ones(
    database_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who lost the inbox' lock has rows in hand that others have delivered since, and newer ones after them."""
    project = database_project

    def title(text: str) -> None:
        content = f'{{"incident_id": "i1", "title": "{text}"}}'
        inbox.add(project.db, [Delivery(project.id, "incidents", 1, content)], NOW)

    def meanwhile() -> None:
        lose_locks(project.db)
        title("new")
        deliver_pushed(project)

    title("old")
    happened = once(monkeypatch, delivery, "repeated_within", meanwhile)  # the inbox' lock is held, the table's not yet
    deliver_pushed(project)
    assert happened
    assert [row["title"] for row in rows(project, "incidents")] == ["new"]
    assert inbox.totals(project.db)["waiting"] == 0


def test_a_source_is_read_by_who_has_its_lock(
    database_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: Callable[..., list[bool]]
) -> None:
    project, done = database_project, list[SourceResult]()

    def meanwhile() -> None:
        lose_locks(project.db)
        done.append(syncs(project, tmp_path))

    stopped(monkeypatch, meanwhile)
    overtaken = syncs(project, tmp_path)
    assert done[0].error is None
    assert isinstance(overtaken.error, LockLost)
    (row,) = sources.listed(project.db, project.id)
    assert (row.outcome or {})["state"] == "done"
    assert len(rows(project, "commits")) == 3
    assert check_lake(project.lake) == []
    assert syncs(project, tmp_path).error is None


def test_cursors_are_stored_by_who_has_the_sources_lock(
    database_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are in, the cursor is not: it must not be set back to what was read before."""
    project = database_project
    stored: dict[str, Any] = {}

    def meanwhile() -> None:
        lose_locks(project.db)
        History(tmp_path / "history", init=False).commit("later", {"file": "later\n"})
        syncs(project, tmp_path)
        stored.update(cursors.of_source(project.db, project.id, "git"))

    happened = once(monkeypatch, cursors, "put_all", meanwhile)
    assert isinstance(syncs(project, tmp_path).error, LockLost)
    assert happened
    assert stored
    assert cursors.of_source(project.db, project.id, "git") == stored
    assert len(rows(project, "commits")) == 4


def test_an_org_tree_is_put_in_force_by_who_has_its_lock(
    database_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadline.people import store

    project = database_project

    def loads(*names: str) -> None:
        file = tmp_path / f"{names[0]}.csv"
        lines = [
            f"{name}@example.com,{name}," + ("" if name == names[0] else f"{names[0]}@example.com") for name in names
        ]
        file.write_text("\n".join(["email,full_name,manager_email", *lines]) + "\n", "utf-8")
        load_org(project, file, "Engineering", now=NOW)

    def meanwhile() -> None:
        lose_locks(project.db)
        loads("lin", "ada")

    happened = once(monkeypatch, store, "_place", meanwhile)
    with pytest.raises(LockLost):
        loads("ada", "lin")
    assert happened
    assert tree(project, "Engineering").version == 1
    assert tree(project, "Engineering").root.manager == "lin@example.com"
    loads("ada", "lin")
    assert tree(project, "Engineering").version == 2


# -- stored facts -----------------------------------------------------------------------------------------------------------


def deploys(project: Project, *numbers: int) -> None:
    shas = [f"{number:040x}" for number in range(numbers[-1] + 1)]
    commits = [
        {"repository": "acme/shop", "sha": shas[number], "parents": " ".join(shas[:number][-1:]), "committed_at": NOW}
        for number in numbers
    ]
    deployments = [
        {
            "deployment_id": f"d{number}",
            "repository": "acme/shop",
            "sha": shas[number],
            "environment": "production",
            "status": "success",
            "finished_at": NOW + timedelta(hours=number),
        }
        for number in numbers
    ]
    put(project, commits=commits, deployments=deployments)


def carried(project: Project) -> list[tuple[str, str]]:
    versions = project.lake.snapshot().versions
    with session(project, versions, {}, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind([CARRIED])
        return sorted(opened.engine.execute(f"SELECT sha, deployment_id FROM {CARRIED.bound_name}"))


@pytest.mark.parametrize("moment", ["begin", "grow", "finish"])
@pytest.mark.parametrize("new", [True, False], ids=["from-nothing", "going-on"])
def test_what_a_step_keeps_is_changed_by_who_has_its_lock(
    database_project: Project, monkeypatch: pytest.MonkeyPatch, moment: str, new: bool
) -> None:
    project = database_project
    if not new:
        deploys(project, 0, 1, 2)
        carried(project)
    deploys(project, *range(3 if not new else 0, 6))
    results = []

    def meanwhile() -> None:
        lose_locks(project.db)
        results.append(carried(project))

    happened = once(monkeypatch, state.State, moment, meanwhile)
    results.append(carried(project))
    assert happened
    deploys(project, 6)
    results.append(carried(project))
    expected = [(f"{number:040x}", f"d{number}") for number in range(1, 7)]  # the first carries nothing
    assert results == [expected[:-1], expected[:-1], expected]
    (kept,) = (project.folder / "cache" / "facts").glob("state-carried")
    assert len(list(kept.iterdir())) == 1


def test_facts_that_two_computed_at_once_are_there_once(
    database_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, results = database_project, []
    deploys(project, 0, 1, 2)

    def meanwhile() -> None:
        lose_locks(project.db)
        results.append(carried(project))

    happened = once(monkeypatch, folders.BuildRecord, "write", meanwhile)
    results.append(carried(project))
    assert happened
    assert results == [[(f"{number:040x}", f"d{number}") for number in (1, 2)]] * 2
    assert not list((project.folder / "cache" / "facts").glob(".*"))


# -- processes, and sessions that end at any time -------------------------------------------------------------------------

STOPPED_AT_ITS_COMMIT = """
import os, signal, sys
from pathlib import Path
from leadline.home import Home
from leadline.ingest.importing import import_paths
from leadline.lake.writer import TableWriter
commit = TableWriter.commit
def stopped(*arguments, **options):
    TableWriter.commit = commit
    print("at its commit", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return commit(*arguments, **options)
TableWriter.commit = stopped
with Home.open(Path(sys.argv[1])) as home:
    (file,) = import_paths(home.project(), [Path(sys.argv[2])]).files
    print(file.error, file.added, file.unchanged, flush=True)
"""


def test_an_import_that_was_stopped_inside_its_lock(database_home: Home, tmp_path: Path) -> None:
    project = database_home.project()
    imports(project, tmp_path)
    remove(project, INCIDENTS, keys(1, 2))
    command = [sys.executable, "-c", STOPPED_AT_ITS_COMMIT, str(database_home.path), str(tmp_path / "incidents.csv")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "at its commit\n"
    assert lose_locks(project.db)
    imports(project, tmp_path)
    holder.send_signal(signal.SIGCONT)
    told, _ = holder.communicate(timeout=120)
    assert (holder.returncode, told.splitlines()[-1]) == (0, "None 0 2")
    assert ids(project) == ["i1", "i2"]
    assert check_lake(project.lake) == []


def test_pushes_under_sessions_that_end_now_and_then(database_home: Home, tmp_path: Path, seed: int) -> None:
    project, random = database_home.project(), Random(seed)
    pushing, failures = threading.Event(), list[BaseException]()

    def deliver() -> None:
        with closing(Home.open(database_home.path).db) as database:
            mine = Project(Home(database_home.settings, database), project.id, project.organization, project.name)
            while not pushing.is_set():
                try:
                    deliver_pushed(mine)
                except (SQLAlchemyError, StoreError):
                    continue  # it is tried again, as a worker does
                except BaseException as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(60):
        push(project, number, number + 1000)
        if random.random() < 0.5:
            time.sleep(random.random() * 0.03)
            lose_locks(project.db)
    pushing.set()
    for thread in threads:
        thread.join(120)
    deliver_pushed(project)
    assert failures == []
    assert ids(project) == sorted(f"i{number}" for number in (*range(60), *range(1000, 1060)))
    assert check_lake(project.lake) == []
    assert inbox.totals(project.db) == {"waiting": 0, "refused": 0}
