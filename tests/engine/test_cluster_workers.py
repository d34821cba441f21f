"""A cluster of a driver and two workers, each a process: one that is killed in the middle of a step delays it, and no more."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ibis
import psutil
import pytest

from leadline.engine import Interrupted, schema_table
from leadline.engine.connect import ConnectEngine
from leadline.home import Project
from leadline.materialize.model import Model
from leadline.materialize.steps import ConnectSteps
from metrics.world import deliver
from stubs.pods import Pods, running_cluster

from .test_connect import found, on

EACH = 1_000_000
LONG = Model(
    "long_there",
    {"repository": "string", "number": "int64", "rows": "int64", "sum": "int64"},
    expression=lambda _profile: (
        schema_table("commits")
        .mutate(n=ibis.range(0, EACH).unnest())
        .mutate(number=lambda t: t.n % 1000)
        .group_by("repository", "number")
        .agg(rows=lambda t: t.count(), sum=lambda t: (t.n * 7 % 1013).sum())
    ),
)
"""Takes a while, of a few rows."""
AT_ONCE = 30.0
"""Seconds: the query takes hours, and how fast this machine is today is no matter of the test."""
PEAK_BYTES = 1.5 * 2**30


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Pods]]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_worker_that_is_killed_in_a_step_only_delays_it(
    project: Project, cluster: tuple[str, Pods], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, pods = cluster
    deliver(project, "commits", [{"repository": f"o/{n % 3}", "sha": f"s{n}", "parents": ""} for n in range(12)])
    here = found(project, LONG)
    for folder in project.computed.glob("long_there-*"):
        folder.rename(folder.with_name("before"))
    at_work, killed = threading.Event(), list[bool]()
    write = ConnectEngine.write

    def kill() -> None:
        max(pods.running(), key=_seconds).kill()
        killed.append(at_work.is_set())

    def written(self: ConnectEngine, text: str, folder: Path) -> list[Path]:
        if not killed:
            at_work.set()
            threading.Thread(target=_when_busy, args=(pods, kill), daemon=True).start()
        try:
            return write(self, text, folder)
        finally:
            at_work.clear()

    monkeypatch.setattr(ConnectEngine, "write", written)
    monkeypatch.setattr(ConnectSteps.__init__, "__defaults__", ((1.0, 16.0, 16.0, 16.0),))
    assert found(on(project, address), LONG) == here
    assert killed == [True], "in the middle of the step"
    peak = max(_peak(process.pid) for process in pods.running())
    sys.stdout.write(f"a worker's peak: {peak >> 20} MiB\n")
    assert peak < PEAK_BYTES


@pytest.mark.slow
def test_a_step_on_workers_is_cancelled_at_once(cluster: tuple[str, Pods], tmp_path: Path) -> None:
    engine = ConnectEngine(cluster[0])
    engine.write("SELECT 1 AS a", tmp_path)
    threading.Timer(0.5, engine.interrupt).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        engine.write("SELECT count(*) AS n FROM range(100000000000) WHERE hash(id) = 5", tmp_path)
    assert time.monotonic() - began < AT_ONCE
    engine.close()


def _seconds(worker: psutil.Process) -> float:
    """How many seconds of processor it has had."""
    times = worker.cpu_times()
    return float(times.user + times.system)


def _when_busy(pods: Pods, act: Callable[[], None]) -> None:
    """Act once a worker has had half a second of processor more than at first."""
    deadline = time.monotonic() + 120
    while len(pods.running()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    first = {worker.pid: _seconds(worker) for worker in pods.running()}
    while time.monotonic() < deadline:
        if any(_seconds(worker) - first.get(worker.pid, 0) > 0.5 for worker in pods.running()):
            act()
            return
        time.sleep(0.02)


def _peak(process: int) -> int:
    """The most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) << 10
