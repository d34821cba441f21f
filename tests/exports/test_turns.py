"""Who is served next: projects take turns, and small exports are made beside a long one; on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadline.db import jobs
from leadline.db.jobs import Export
from leadline.db.models import exports
from leadline.errors import StoreError
from leadline.exports import beside
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.metrics.request import Control

from .conftest import NOW, Clock, Gate, at_work, files_below, now_of, produce, queue, worker

LEASE = timedelta(seconds=15)


def other(home: Home, name: str) -> Project:
    return home.project("default", name, create=True)


CASES = {
    "one asks for much": ("", "", "aaab", "abaa"),
    "fewest running": ("a", "", "aab", "baa"),
    "fewest of three": ("aab", "", "abc", "cba"),
    "longest ago": ("", "abc", "cab", "abc"),
    "never": ("", "ab", "abc", "cab"),
    "running before begun": ("b", "a", "abab", "aabb"),
}
"""Letters are projects: of which exports are running, were begun one after another and are over, are queued; and the
order in which they are claimed if each is over at once."""


def test_projects_take_turns(database_home: Home, clock: Clock) -> None:
    projects = {name: other(database_home, name) for name in "abc"}
    names = {project.id: name for name, project in projects.items()}
    db = database_home.db
    for case, (running, begun, queued, order) in CASES.items():
        with db.write() as connection:
            connection.execute(exports.delete())
        for number, name in enumerate(begun):
            at = NOW - timedelta(minutes=10 - number)
            queue(projects[name], state=jobs.COMPLETED, started_at=at, completed_at=at, attempts=1)
        for name in running:
            held = {"state": jobs.PROCESSING, "worker": "busy", "lease_until": NOW + timedelta(hours=1), "attempts": 1}
            queue(projects[name], started_at=NOW - timedelta(hours=1), **held)
        for number, name in enumerate(queued):
            queue(projects[name], created_at=NOW + timedelta(milliseconds=number))
        served = ""
        while (claim := jobs.claim(db, "worker", clock.forward(seconds=1), clock.now + LEASE)) is not None:
            served += names[claim.export.project_id]
            assert jobs.fail(db, claim, {}, clock.now)
        assert served == order, case


def test_what_takes_long_is_not_claimed_as_small(database_project: Project, clock: Clock) -> None:
    db = database_project.db
    queue(database_project, takes_long=True)
    dies = queue(database_project, created_at=NOW + timedelta(seconds=1))
    for attempt in (1, 2):
        assert jobs.waiting(db, clock.now, small=True)
        claim = jobs.claim(db, f"small {attempt}", clock.now, clock.now + LEASE, small=True)
        assert claim is not None
        assert (claim.export.id, claim.export.attempts) == (dies.id, attempt)
        clock.forward(minutes=1)
    # One that ended its workers twice is left to those that do nothing else meanwhile.
    assert not jobs.waiting(db, clock.now, small=True)
    assert jobs.claim(db, "small", clock.now, clock.now + LEASE, small=True) is None
    assert jobs.waiting(db, clock.now)


def until(project: Project, export: Export, *states: str) -> Export:
    deadline = time.monotonic() + 60
    while (now := now_of(project, export)).state not in states:
        assert time.monotonic() < deadline, now.state
        time.sleep(0.02)
    return now


def now_worker(home: Home, run: Any) -> Worker:
    return worker(home, lambda: datetime.now(UTC), run)


def test_small_exports_are_made_beside_a_long_one(database_home: Home, gate: Gate) -> None:
    """By the one worker there is, also those of the same project; what turns out to take long waits for it."""
    big, small = other(database_home, "big"), other(database_home, "small")
    tried: list[str] = []

    def run(project: Project, request: Any, pins: Any, path: Any, control: Control) -> Any:
        if request.metrics == ("long",):
            tried.append(path.parent.name)
            control.before_computing("commits", lambda: 10**9)
            return gate.produce(project, request, pins, path, control)
        control.before_computing("commits", lambda: beside.MOST_ROWS)
        return produce(project, request, pins, path, control)

    takes_long = {**queue_request(), "metrics": ["long"]}
    first = queue(big, request=takes_long)
    with at_work(now_worker(database_home, run)):
        assert gate.began.wait(60)
        second = queue(big, request=takes_long)
        for project in (small, big, small):
            done = until(project, queue(project, created_at=datetime.now(UTC)), jobs.COMPLETED)
            assert done.attempts == 1
        waiting = now_of(big, second)
        assert (waiting.state, waiting.takes_long, waiting.attempts) == (jobs.QUEUED, True, 0)
        assert now_of(big, first).state == jobs.PROCESSING
        gate.go.set()
        assert until(big, first, jobs.COMPLETED).takes_long is False
        assert until(big, second, jobs.COMPLETED).attempts == 1
    assert tried == [f"{first.id}-1", f"{second.id}-1", f"{second.id}-1"]
    assert not any("work" in name for name in files_below(big))


@pytest.mark.parametrize("trouble", ["takes its time", StoreError("Not enough memory"), MemoryError()], ids=str)
def test_what_turns_out_to_be_large_is_left_to_other_workers(
    home: Home, gate: Gate, monkeypatch: pytest.MonkeyPatch, trouble: str | Exception
) -> None:
    monkeypatch.setattr(beside, "MOST_SECONDS", 0.3)
    project, tried = home.project(), threading.Event()

    def run(project: Project, request: Any, pins: Any, path: Any, control: Control) -> Any:
        if request.metrics != ("large",) or tried.is_set():
            return gate.produce(project, request, pins, path, control)
        tried.set()
        if isinstance(trouble, Exception):
            raise trouble
        while True:
            control.check()
            time.sleep(0.02)

    queue(project)
    with at_work(now_worker(home, run)):
        assert gate.began.wait(60)
        large = queue(project, request={**queue_request(), "metrics": ["large"]})
        assert tried.wait(60)
        deadline = time.monotonic() + 60
        while not now_of(project, large).takes_long:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert (now_of(project, large).state, now_of(project, large).attempts) == (jobs.QUEUED, 0)
        gate.go.set()
        until(project, large, jobs.COMPLETED)


def test_stopping_puts_back_what_is_made_beside(home: Home) -> None:
    project, both = home.project(), threading.Semaphore(0)

    def run(_project: Project, _request: Any, _pins: Any, _path: Any, control: Control) -> Any:
        both.release()
        while True:
            control.check()
            time.sleep(0.02)

    queued = [queue(project), queue(project)]
    with at_work(now_worker(home, run)):
        for _ in queued:
            assert both.acquire(timeout=60)
    assert [(now.state, now.attempts) for now in (now_of(project, export) for export in queued)] == 2 * [
        (jobs.QUEUED, 0)
    ]


def queue_request() -> dict[str, Any]:
    from .conftest import REQUEST

    return REQUEST.document()
