"""Exports across real processes: killed workers and simultaneous clients, on SQLite and PostgreSQL."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadline.db import jobs
from leadline.home import Project

from .conftest import files_below, load_trees, now_of, queue

PROGRAM = Path(__file__).with_name("process.py")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts processes that are gone when the test is."""
    started: list[subprocess.Popen[str]] = []

    def go(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(PROGRAM), *map(str, arguments)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield go
    for process in started:
        process.kill()
        process.wait(120)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_an_export_survives_kill_9_and_completes_once(
    database_project: Project, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    running, waiting = queue(database_project), queue(database_project)
    home = database_project.home
    first = start("worker", home.path, 1, tmp_path)
    until(lambda: any(tmp_path.glob(f"{running.id}-1.*")), "the first worker did not begin")
    first.kill()
    first.wait(120)
    assert now_of(database_project, running).state == jobs.PROCESSING

    second = start("worker", home.path, 1, tmp_path)
    until(lambda: any(tmp_path.glob(f"*.{second.pid}")), "the second worker did not begin")
    (tmp_path / "go").touch()
    until(lambda: jobs.counts(home.db)[jobs.COMPLETED] == 2, "not completed")

    done = now_of(database_project, running)
    assert (done.state, done.attempts) == (jobs.COMPLETED, 2)
    assert done.pinned is not None
    assert done.pinned["tables"] == {"commits": first.pid}
    assert str(first.pid) in gzip.decompress((database_project.folder / str(done.file)).read_bytes()).decode()
    assert now_of(database_project, waiting).attempts == 1
    runs = [path.name for path in tmp_path.iterdir() if path.name.startswith("exp_")]
    assert sorted(runs) == sorted(
        [f"{running.id}-1.{first.pid}", f"{running.id}-2.{second.pid}", f"{waiting.id}-1.{second.pid}"]
    )
    finished = [name for name in files_below(database_project) if not name.startswith(".work")]
    assert sorted(finished) == sorted([f"{running.id}-2.csv.gz", f"{waiting.id}.csv.gz"])


def test_identical_requests_of_several_processes_make_one_export(
    database_project: Project, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    load_trees(database_project, tmp_path)
    clients = [start("create", database_project.home.path, tmp_path) for _ in range(4)]
    until(lambda: len(list(tmp_path.glob("ready.*"))) == len(clients), "the clients did not start")
    (tmp_path / "go").touch()
    answers = [client.communicate(timeout=120)[0].split() for client in clients]
    assert len({export_id for export_id, _ in answers}) == 1
    assert sorted(reused for _, reused in answers) == ["False", "True", "True", "True"]
