"""A long run is shared with idle workers of other machines, which compute in the same folder or have the same bucket: each step is
computed once, and its file is that of a worker alone; a large table is shared piece by piece. A helper may die or stand still."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.db import jobs
from leadline.db.jobs import Export
from leadline.demo import fill
from leadline.errors import StoreError
from leadline.exports import service
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.materialize import ranges
from leadline.materialize.computed_by import computed_by
from leadline.materialize.incremental import BuildRecord
from leadline.materialize.published import PublishedTables
from leadline.materialize.store import MaterializationStore
from stubs.object_store import ObjectStore

from .conftest import at_work, now_of

PIECE = 300
"""Rows, of some thousand that there are."""
PROGRAM = Path(__file__).with_name("helper_process.py")
BODY = {"scope": {"orgTreeName": "Engineering"}, "dateRange": {"start": "2026-02-01", "end": "2026-03-31"}}


@pytest.fixture(scope="module", params=["one folder", "one bucket"])
def machine(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql: Any,
    postgresql_template: str,
    request: pytest.FixtureRequest,
) -> Iterator[Project]:
    """A project with few rows on PostgreSQL, of which any is much to compute."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "one bucket":
            store: ObjectStore = request.getfixturevalue("object_store")
            for name, value in {**store.environ, "LEADLINE_LAKE": store.new_bucket()}.items():
                patch.setenv(name, value)
        patch.setenv("LEADLINE_DATABASE_URL", postgresql.create(template=postgresql_template))
        patch.setattr("leadline.materialize.sharing.LEAST_ROWS", 1)
        folder = tmp_path_factory.mktemp("first")
        patch.setenv("LEADLINE_CACHE", str(folder / "queries"))
        with Home.open(folder / "home") as home:
            fill(home.project(), developers=8, months=2, until=date(2026, 3, 31))
            yield home.project()


@pytest.fixture(scope="module")
def alone(machine: Project) -> str:
    """The digest of the file that a worker makes by itself."""
    export = created(machine)
    with Worker(machine.home) as worker:
        assert worker.run_one()
    return str(now_of(machine, export).sha256)


@pytest.fixture(autouse=True)
def nothing_computed(machine: Project, alone: str) -> None:
    if (published := PublishedTables.of(machine)) is not None:
        published.forget_all()
    shutil.rmtree(machine.computed, ignore_errors=True)


def created(project: Project) -> Export:
    now = datetime.now(UTC)
    return service.create(project, BODY, kind="productivity", created_by="key", now=now, fresh=True).export


@contextmanager
def other_machine(machine: Project, folder: Path, how: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with a home of its own whose projects lie in the same folder or bucket; it takes no export itself."""
    home = folder / "home"
    home.mkdir()
    settings = machine.home.settings
    own = {"LEADLINE_DATABASE_URL": str(settings.database_url), "LEADLINE_CACHE": str(settings.cache)}
    if settings.lake is None:
        (home / "projects").symlink_to(machine.home.path / "projects")
    else:
        own["LEADLINE_LAKE"] = settings.lake
    command = [sys.executable, str(PROGRAM), str(home), str(folder), how, str(ranges.PIECE_ROWS)]
    process = subprocess.Popen(command, env={**os.environ, **own})
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


@contextmanager
def waits_for_help(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """The run goes on with its second table, or piece, when somebody helps."""
    compute, computed = MaterializationStore._compute, []

    def one(store: MaterializationStore, model: Any, place: Path) -> None:
        if computed:
            until(lambda: any(folder.glob("began.*")), "nobody helped")
        compute(store, model, place)
        computed.append(model.name)

    monkeypatch.setattr(MaterializationStore, "_compute", one)
    yield


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def first(machine: Project) -> Worker:
    # What a helper has that stands still is waited for so long.
    return Worker(machine.home, name="first", lease=timedelta(seconds=6))


def ended(machine: Project, export: Export) -> Export:
    until(lambda: now_of(machine, export).state not in (jobs.QUEUED, jobs.PROCESSING), "it goes on")
    return now_of(machine, export)


def workers(machine: Project) -> Counter[str]:
    """How many tables each worker has computed."""
    records = [BuildRecord.of(folder) for folder in machine.computed.iterdir() if not folder.name.startswith("state-")]
    return Counter(record.worker for record in records if record is not None)


def test_two_machines_share_a_run(
    machine: Project, alone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = created(machine)
    with waits_for_help(monkeypatch, tmp_path), other_machine(machine, tmp_path, "helps"), at_work(first(machine)):
        done = ended(machine, export)
    assert (done.state, done.sha256) == (jobs.COMPLETED, alone)
    by = workers(machine)
    assert set(by) == {"first", "second"}
    began = Counter(path.name.split(".")[1] for path in tmp_path.glob("began.*"))
    assert (by["second"], set(began.values())) == (len(began), {1})


@contextmanager
def noting_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Large tables are shared in pieces; which of them are computed here."""
    monkeypatch.setattr(ranges, "PIECE_ROWS", PIECE)
    compute, computed = MaterializationStore._compute, list[str]()

    def one(store: MaterializationStore, work: Any, place: Path) -> None:
        compute(store, work, place)
        computed.append(work.name)

    monkeypatch.setattr(MaterializationStore, "_compute", one)
    yield computed


def test_a_large_table_is_shared_piece_by_piece(
    machine: Project, alone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = created(machine)
    with (
        noting_pieces(monkeypatch) as own,
        waits_for_help(monkeypatch, tmp_path),
        other_machine(machine, tmp_path, "helps"),
        at_work(first(machine)),
    ):
        done = ended(machine, export)
    assert (done.state, done.sha256) == (jobs.COMPLETED, alone)
    theirs = [path.name.removeprefix("began.").rpartition(".")[0] for path in tmp_path.glob("began.*")]
    assert max(Counter(own + theirs).values()) == 1
    ours, helped = ({name.partition(".")[0] for name in names if "." in name} for names in (own, theirs))
    assert ours & helped, "no table was shared"
    assert ours | helped <= set(own), "who has the run puts its tables together"
    assert "DuckDB" in {found.who for found in computed_by([machine.computed])} <= {"DuckDB", "leadline"}
    assert [folder.name for folder in machine.computed.iterdir() if "." in folder.name.partition("-")[0]] == []


@pytest.mark.parametrize("in_pieces", [False, True], ids=["a table", "a piece"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stands still"])
def test_what_a_helper_leaves_is_computed_by_who_waits(
    machine: Project,
    alone: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    *,
    in_pieces: bool,
) -> None:
    if in_pieces:
        monkeypatch.setattr(ranges, "PIECE_ROWS", PIECE)
    export = created(machine)
    with (
        waits_for_help(monkeypatch, tmp_path),
        other_machine(machine, tmp_path, "hangs") as process,
        at_work(first(machine)),
    ):
        until(lambda: any(tmp_path.glob("began.*")), "nobody helped")
        os.kill(process.pid, number)
        done = ended(machine, export)
    assert (done.state, done.sha256, done.attempts) == (jobs.COMPLETED, alone, 1)
    assert set(workers(machine)) == {"first"}


def test_a_step_that_fails_fails_the_run_once(
    machine: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper that met it leaves, and who waits for it tells of it."""
    export = created(machine)
    with waits_for_help(monkeypatch, tmp_path), other_machine(machine, tmp_path, "fails") as process:
        one = MaterializationStore._compute

        def fails(store: MaterializationStore, model: Any, place: Path) -> None:
            one(store, model, place)
            if any(tmp_path.glob(f"began.{model.name}.*")):
                raise StoreError("Reading or writing failed: the disk")

        monkeypatch.setattr(MaterializationStore, "_compute", fails)
        with at_work(first(machine)):
            done = ended(machine, export)
        assert process.poll() is None
    assert (done.state, done.attempts) == (jobs.FAILED, 1)
    assert done.error is not None
    assert done.error["error"] == "Reading or writing failed: the disk"


def test_cancelling_a_run_stops_its_helpers(machine: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = created(machine)
    with waits_for_help(monkeypatch, tmp_path), other_machine(machine, tmp_path, "hangs"), at_work(first(machine)):
        until(lambda: any(tmp_path.glob("began.*")), "nobody helped")
        service.cancel(machine, export.id, kind="productivity", now=datetime.now(UTC))
        until((tmp_path / "cancelled").exists, "it goes on")
