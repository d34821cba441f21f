"""How fast queued exports are served: 2,000 small-team exports by 20 clients at once, and the queue's own share of it.

Two runs, one after the other on the same home: the real one (every export computes its metrics) and one in which a run
writes a fixed file, which is the floor that the queue, the database and the file system set. Both must complete every
export exactly once. Needs no server: clients call what the API's handlers call, workers are processes as in ``serve``.

    python bench/export_queue.py [--exports 2000] [--clients 20] [--workers 1] [--developers 120]

With ``--beside``: how long small exports of one project take, from creation to completion, while another project's long runs
(all people, all facts to be computed) keep as many workers busy as there are.

    python bench/export_queue.py --beside 60 [--workers 1] [--developers 120] [--long-developers 1000]
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from leadline import people
from leadline.db import jobs
from leadline.db.models import exports
from leadline.demo import fill
from leadline.exports import service
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.metrics.request import Produced


def write_fixed(_project: Any, _request: Any, _pins: Any, path: Path, _control: Any) -> Produced:
    path.write_bytes(gzip.compress(b"a,b\r\n1,2\r\n", mtime=0))
    return Produced(1)


def work(folder: Path, stop: Any, *, fixed: bool) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (stop.wait(), ended.set()), daemon=True).start()
    with Path(os.devnull).open("w") as nowhere, Home.open(folder) as home:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        (Worker(home, produce=write_fixed) if fixed else Worker(home)).run(ended)


def bodies(project: Project, count: int) -> list[dict[str, Any]]:
    """One team and one quarter each, as a dashboard of every team would ask."""
    tree = people.tree(project, "Engineering")
    leaves = [node for node in tree.nodes if all(other.parent != node.ref_id for other in tree.nodes)]
    seeded = random.Random(1)
    return [
        {
            "scope": {"teamId": seeded.choice(leaves).ref_id},
            "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
            "options": {"granularity": seeded.choice(["weekly", "monthly"])},
        }
        for _ in range(count)
    ]


def run(home: Home, *, count: int, clients: int, workers: int, fixed: bool) -> float:
    """Seconds from the first creation to the last completion."""
    project = home.project()
    with home.db.write() as connection:
        connection.execute(exports.delete())
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    processes = [context.Process(target=work, args=(home.path, stop), kwargs={"fixed": fixed}) for _ in range(workers)]
    for process in processes:
        process.start()
    warm = service.create(
        project, bodies(project, 1)[0], kind="productivity", created_by="bench", now=datetime.now(UTC), fresh=True
    )
    while jobs.get(home.db, project.id, warm.export.id).state in (jobs.QUEUED, jobs.PROCESSING):  # type: ignore[union-attr]
        time.sleep(0.02)

    def create(body: dict[str, Any]) -> float:
        began = time.perf_counter()
        now = datetime.now(UTC)
        service.create(project, body, kind="productivity", created_by="bench", now=now, fresh=True)
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        latencies = sorted(pool.map(create, bodies(project, count)))
    queued = time.perf_counter() - began
    while jobs.counts(home.db)[jobs.QUEUED] + jobs.counts(home.db)[jobs.PROCESSING]:
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    stop.set()
    for process in processes:
        process.join(30)
    check(home, project, count + 1)
    print(
        f"{'fixed file' if fixed else 'metrics':>10}: {count} exports, {clients} clients, {workers} worker(s): "
        f"{seconds:6.1f} s, {count / seconds:6.1f}/s (queued within {queued:.1f} s; "
        f"create p50 {latencies[count // 2] * 1000:.1f} ms, p99 {latencies[count * 99 // 100] * 1000:.1f} ms)"
    )
    return seconds


def check(home: Home, project: Project, count: int) -> None:
    """Every export completed, on its first attempt, each with a file of its own."""
    with home.db.read() as connection:
        rows = connection.execute(sa.select(exports.c.state, exports.c.attempts, exports.c.file, exports.c.error)).all()
    states = Counter((row.state, row.attempts) for row in rows)
    if states != {(jobs.COMPLETED, 1): count}:
        errors = Counter(str(row.error) for row in rows if row.error)
        raise SystemExit(f"not all completed once: {states} {errors.most_common(3)}")
    if len({row.file for row in rows}) != count or not all((project.folder / row.file).exists() for row in rows):
        raise SystemExit("files are missing")


def beside(home: Home, *, count: int, workers: int) -> None:
    """Print how long small exports of the default project take beside long runs of the project ``long``."""
    project, long = home.project(), home.project("default", "long")
    context = multiprocessing.get_context("spawn")
    stop, ended = context.Event(), threading.Event()
    processes = [context.Process(target=work, args=(home.path, stop), kwargs={"fixed": False}) for _ in range(workers)]
    for process in processes:
        process.start()
    for body in bodies(project, 3):
        served(project, body)
    alone = [served(project, body) for body in bodies(project, count)]
    runs: list[float] = []
    busy = [threading.Thread(target=keep_busy, args=(long, ended, runs)) for _ in range(workers)]
    for thread in busy:
        thread.start()
    while jobs.counts(home.db, long.id)[jobs.PROCESSING] < workers:
        time.sleep(0.05)
    seeded = random.Random(2)
    latencies = []
    for body in bodies(project, count):
        time.sleep(seeded.uniform(0.05, 0.5))
        latencies.append(served(project, body))
    ended.set()
    for thread in busy:
        thread.join()
    stop.set()
    for process in processes:
        process.join(30)
    for what, seconds in (("alone", sorted(alone)), ("beside", sorted(latencies))):
        p50, p95 = seconds[count // 2], seconds[count * 95 // 100]
        print(f"{workers} worker(s), {what:>6}: p50 {p50:.2f} s, p95 {p95:.2f} s, most {seconds[-1]:.2f} s")
    print(f"long runs meanwhile: {len(runs)}, each {sum(runs) / max(1, len(runs)):.1f} s")


def served(project: Project, body: dict[str, Any]) -> float:
    """Seconds from an export's creation to its completion."""
    began = time.perf_counter()
    created = service.create(
        project, body, kind="productivity", created_by="bench", now=datetime.now(UTC), fresh=True
    ).export
    while (export := jobs.get(project.db, project.id, created.id)).state != jobs.COMPLETED:  # type: ignore[union-attr]
        if export is None or export.state not in (jobs.QUEUED, jobs.PROCESSING):
            raise SystemExit(f"not completed: {export}")
        time.sleep(0.01)
    return time.perf_counter() - began


def keep_busy(project: Project, ended: threading.Event, runs: list[float]) -> None:
    """Have exports of all people made one after another, each of which finds nothing computed."""
    everybody = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": "2025-07-01", "end": "2026-03-31"},
        "options": {"granularity": "weekly"},
    }
    while not ended.is_set():
        shutil.rmtree(project.computed, ignore_errors=True)
        runs.append(served(project, everybody))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--exports", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--developers", type=int, default=120)
    parser.add_argument("--beside", type=int, default=0, metavar="EXPORTS")
    parser.add_argument("--long-developers", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder)) as home:
        fill(home.project(), developers=options.developers, months=9, seed=1, until=date(2026, 3, 31))
        if options.beside:
            long = home.project("default", "long", create=True)
            fill(long, developers=options.long_developers, months=9, seed=2, until=date(2026, 3, 31))
            beside(home, count=options.beside, workers=options.workers)
            return
        sizes = {"count": options.exports, "clients": options.clients, "workers": options.workers}
        floor = run(home, **sizes, fixed=True)
        real = run(home, **sizes, fixed=False)
        print(f"metrics / fixed file: {real / floor:.1f}")


if __name__ == "__main__":
    main()
