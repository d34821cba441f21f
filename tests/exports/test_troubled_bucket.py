"""A home in a bucket that refuses, is slow, or is asked by who is killed: nothing is lost or twice, and an export
asks a number of times that does not grow."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from leadline.db import jobs
from leadline.diagnostics.integrity import findings
from leadline.engine import Engine
from leadline.exports import service
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.ingest.pushed import deliver_pushed
from leadline.schema import TABLES
from metrics.world import deliver
from stubs.object_store import ObjectStore

from .bucket_process import export, new_worker
from .conftest import load_trees

EVERY, LATENCY = 7, 0.05
TURN_SECONDS = 120.0
"""How long one process may take to do everything once: the machine is busy, and the bucket slow."""
SAID = {"ready", "releases", "incidents", "export", "turn"}
"""What the process says; the rest is its log."""
OF_EACH_TABLE, BESIDES = 2, 10
"""How many requests an export may cost."""


@pytest.fixture
def project(object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A small project in a bucket."""
    environ = {
        **object_store.environ,
        "LEADLINE_LAKE": object_store.new_bucket(),
        "LEADLINE_HOME": str(tmp_path / "home"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with Home.open(tmp_path / "home") as home:
        filled = home.project()
        load_trees(filled, tmp_path)
        moment = datetime(2026, 1, 5, 10, tzinfo=UTC)
        row = {"repository": "acme/app", "number": 1, "author": "dan@example.com", "merged_at": moment}
        deliver(filled, "pull_requests", [row])
        yield filled


def content(project: Project, export_id: str) -> bytes:
    name = service.stored_file(project, export_id, kind="productivity").path
    return name.read_bytes()


def test_requests_of_an_export_do_not_grow(object_store: ObjectStore, project: Project) -> None:
    worker = new_worker(project)
    export(worker, project)
    object_store.requests()
    export(worker, project)
    first = object_store.requests()
    with Engine(temp_dir=project.temp) as engine:
        for number in range(6):
            row = {"repository": "acme/app", "tag": f"v{number}", "published_at": datetime.now(UTC)}
            deliver(project, "releases", [row], engine=engine)
            if number == 3:
                project.lake.open_delta("releases").create_checkpoint()
    export(worker, project)
    object_store.requests()
    export(worker, project)
    sys.stdout.write(f"{first} requests\n")
    assert first <= OF_EACH_TABLE * len(TABLES) + BESIDES
    assert object_store.requests() <= first + 2, "a checkpoint is looked for, and what follows on it"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_or_twice_whatever_fails(
    object_store: ObjectStore, project: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Errors before and after what was asked for is done, a long way, and processes killed at any moment."""
    reference = content(project, export(new_worker(project), project))
    chance, told = random.Random(1), Counter[tuple[str, str]]()
    with object_store.trouble(every=EVERY, latency=LATENCY):
        for kill in range(max(2, int(request.config.getoption("--kills")) // 3)):
            told.update(killed(project, f"k{kill}", chance.uniform(0.0, 4.0) if kill else None))
        while Worker(project.home).run_one():
            pass
        deliver_pushed(project)
    deadline = time.monotonic() + TURN_SECONDS
    while (open_exports := unfinished(project)) and time.monotonic() < deadline:
        Worker(project.home).run_one() or time.sleep(0.2)
    assert open_exports == []
    for table, column in (("releases", "tag"), ("incidents", "incident_id")):
        wanted = {name for kind, name in told if kind == table}
        there = stored(project, table, column)
        assert wanted <= there.keys()
        assert set(there.values()) <= {1}
    exports = [name for kind, name in told if kind == "export"]
    assert {content(project, name) for name in exports} == {reference}
    assert findings(project.home) == []


def killed(project: Project, name: str, after: float | None) -> list[tuple[str, str]]:
    """What a process said until it was killed: so many seconds after it began to work, or after it has done everything once."""
    command = [sys.executable, "-m", "exports.bucket_process", str(project.home.path), name]
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[1]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("turn" if after is None else "ready"):
                break
        time.sleep(after or 0)
    finally:
        process.kill()
    lines += process.stdout.readlines()
    process.wait()
    words = [line.split() for line in lines if line.endswith("\n") and line.partition(" ")[0] in SAID]
    assert any(kind == "turn" for kind, _ in words) or after is not None, lines
    return [(kind, name) for kind, name in words]


def unfinished(project: Project) -> list[str]:
    import sqlalchemy as sa

    rows = project.db.rows(sa.text("SELECT id, state FROM exports"))
    return [row.id for row in rows if row.state in (jobs.QUEUED, jobs.PROCESSING)]


def stored(project: Project, table: str, column: str) -> Counter[str]:
    files = project.lake.snapshot().files(table)
    return Counter(name for file in files for name in pq.read_table(file, columns=[column]).column(0).to_pylist())
