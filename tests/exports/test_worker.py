"""Workers: claims, leases, take-over, fences, cancel, failure; on SQLite and PostgreSQL."""

from __future__ import annotations

import errno
import gzip
import hashlib
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.db import jobs
from leadline.errors import Detail, InvalidRequest
from leadline.exports import service
from leadline.exports.wakeup import wake
from leadline.home import Home, Project
from leadline.metrics.request import Cancelled, Pins

from .conftest import NOW, PINS, Clock, Gate, files_below, now_of, pin, produce, queue, worker

LEASE = timedelta(seconds=15)


def test_a_queued_export_is_completed(database_project: Project, clock: Clock) -> None:
    export = queue(database_project)
    assert worker(database_project.home, clock).run_one()

    done = now_of(database_project, export)
    assert (done.state, done.progress, done.row_count, done.attempts) == (jobs.COMPLETED, 1.0, 1, 1)
    assert (done.started_at, done.completed_at, done.expires_at) == (NOW, NOW, NOW + timedelta(days=30))
    assert (done.pinned, done.data_as_of) == (PINS.document(), NOW)
    assert done.worker is None
    assert done.lease_until is None
    assert files_below(database_project) == [f"{export.id}.csv.gz"]
    stored = (database_project.folder / str(done.file)).read_bytes()
    assert (done.size_bytes, done.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert gzip.decompress(stored).endswith(b"\r\n")
    assert not worker(database_project.home, clock).run_one()


@pytest.mark.parametrize(("form", "suffix"), [("csv", ".csv.gz"), ("jsonl", ".jsonl.gz"), ("parquet", ".parquet")])
def test_each_format_is_stored_under_its_name(project: Project, clock: Clock, form: str, suffix: str) -> None:
    export = queue(project)
    export = queue(project, request={**export.request, "format": form})
    first = worker(project.home, clock)
    assert first.run_one()
    assert first.run_one()
    assert f"{export.id}{suffix}" in files_below(project)


def test_exports_are_run_in_the_order_of_their_creation(database_project: Project, clock: Clock) -> None:
    order = []

    def note(*arguments: Any) -> Any:
        order.append(arguments[1].metrics)
        return produce(*arguments)

    for number in (2, 0, 1):
        request = {**queue_request(), "metrics": [str(number)]}
        queue(database_project, request=request, created_at=NOW + timedelta(seconds=number))
    one = worker(database_project.home, clock, note)
    while one.run_one():
        pass
    assert order == [("0",), ("1",), ("2",)]


def queue_request() -> dict[str, Any]:
    from .conftest import REQUEST

    return REQUEST.document()


def test_a_lease_that_holds_is_left_alone(database_project: Project, clock: Clock) -> None:
    queue(database_project)
    db = database_project.db
    assert jobs.claim(db, "first", NOW, NOW + LEASE) is not None
    assert not jobs.waiting(db, clock.forward(seconds=14.9))
    assert jobs.claim(db, "second", clock.now, clock.now + LEASE) is None
    assert jobs.waiting(db, clock.forward(seconds=0.1))


def test_an_expired_lease_is_taken_over_and_the_first_worker_is_fenced(database_project: Project, clock: Clock) -> None:
    export = queue(database_project)
    db = database_project.db
    first = jobs.claim(db, "first", NOW, NOW + LEASE)
    assert first is not None
    clock.forward(seconds=16)
    second = jobs.claim(db, "second", clock.now, clock.now + LEASE)
    assert second is not None
    assert second.export.attempts == 2

    result = jobs.Result("exports/first", "first.csv", "text/csv", 1, 1, "0")
    assert not jobs.holds(db, first)
    assert not jobs.renew(db, first, clock.now + LEASE, 0.9)
    assert not jobs.pin(db, first, {}, clock.now)
    assert not jobs.complete(db, first, result, clock.now, clock.now)
    assert not jobs.fail(db, first, {"error": "first"}, clock.now)
    assert not jobs.release(db, first)
    assert jobs.complete(db, second, replace(result, file="exports/second"), clock.now, clock.now)
    assert now_of(database_project, export).file == "exports/second"
    assert not jobs.complete(db, second, result, clock.now, clock.now)


def test_the_same_name_claiming_again_is_fenced_by_the_attempt(database_project: Project, clock: Clock) -> None:
    queue(database_project)
    db = database_project.db
    first = jobs.claim(db, "same", NOW, NOW + LEASE)
    second = jobs.claim(db, "same", clock.forward(seconds=16), clock.now + LEASE)
    assert first is not None
    assert second is not None
    assert not jobs.holds(db, first)
    assert jobs.holds(db, second)


def test_a_later_attempt_reads_what_the_first_pinned(database_project: Project, clock: Clock) -> None:
    export = queue(database_project)
    db = database_project.db
    first = jobs.claim(db, "first", NOW, NOW + LEASE)
    assert first is not None
    assert jobs.pin(db, first, PINS.document(), NOW)
    seen: list[Pins] = []

    def note(*arguments: Any) -> Any:
        seen.append(arguments[2])
        return produce(*arguments)

    clock.forward(seconds=16)
    later = worker(database_project.home, clock, note)
    later._pin = lambda _project, _tree: replace(PINS, tables={"commits": 99})
    left_behind = database_project.folder / "exports" / f"{export.id}.csv.gz"
    left_behind.parent.mkdir(parents=True)
    left_behind.write_bytes(b"the first attempt's")
    assert later.run_one()
    assert seen == [PINS]
    done = now_of(database_project, export)
    assert (done.state, done.data_as_of, done.started_at) == (jobs.COMPLETED, NOW, NOW)
    assert files_below(database_project) == [f"{export.id}-2.csv.gz"]


def test_an_export_whose_workers_keep_dying_is_given_up_after_a_while(database_project: Project, clock: Clock) -> None:
    """What kills its workers itself has an end, and leaves others their turn until then."""
    export = queue(database_project)
    other = queue(database_project, created_at=NOW + timedelta(hours=1))
    db = database_project.db
    attempts = others = 0
    while now_of(database_project, export).state != jobs.FAILED:
        claimed = jobs.claim(db, f"worker {attempts}", clock.now, clock.now + LEASE)
        if claimed is not None and claimed.export.id == export.id:
            attempts += 1
        elif claimed is not None:
            others += 1
            assert jobs.release(db, claimed)
        clock.forward(seconds=5)
    assert timedelta(minutes=30) <= clock.now - NOW <= timedelta(minutes=35)
    assert 10 <= attempts <= 30
    assert others > attempts
    failed = now_of(database_project, export)
    assert failed.error is not None
    assert f"given up after {attempts} attempts" in failed.error["error"]
    assert failed.error["code"] == "gave_up"
    assert now_of(database_project, other).state == jobs.QUEUED


@pytest.mark.parametrize(("kills", "every"), [(9, 86_400), (20, 76)], ids=["now and then", "many in a short time"])
def test_kills_from_outside_count_against_no_export(
    database_project: Project, clock: Clock, kills: int, every: int
) -> None:
    """Workers that die of what happens around them: few over a long time, with whole days in between, or many at once."""
    export = queue(database_project)
    for _ in range(kills):
        assert jobs.claim(database_project.db, "worker", clock.now, clock.now + LEASE) is not None
        clock.forward(seconds=every)
    assert worker(database_project.home, clock).run_one()
    assert now_of(database_project, export).state == jobs.COMPLETED


def test_a_worker_that_lost_its_lease_leaves_the_successors_file_alone(
    database_project: Project, clock: Clock, gate: Gate
) -> None:
    """The first worker is slow beyond its lease (its heartbeat does not beat on this clock); the second finishes."""
    export = queue(database_project)
    slow = worker(database_project.home, clock, gate.produce, lease=timedelta(0))
    thread = threading.Thread(target=slow.run_one)
    thread.start()
    assert gate.began.wait(120)
    assert worker(database_project.home, clock).run_one()
    thread.join(120)
    done = now_of(database_project, export)
    assert (done.state, done.attempts) == (jobs.COMPLETED, 2)
    assert files_below(database_project) == [f"{export.id}-2.csv.gz"]


def test_cancelled_while_queued_never_runs(database_project: Project, clock: Clock) -> None:
    export = queue(database_project)
    cancelled = service.cancel(database_project, export.id, kind="productivity", now=NOW)
    assert (cancelled.state, cancelled.completed_at) == (jobs.CANCELLED, NOW)
    assert not worker(database_project.home, clock).run_one()
    assert files_below(database_project) == []


def test_cancelled_while_running_stops_and_leaves_no_file(database_project: Project, clock: Clock, gate: Gate) -> None:
    export = queue(database_project)
    thread = threading.Thread(target=worker(database_project.home, clock, gate.produce).run_one)
    thread.start()
    assert gate.began.wait(120)
    assert service.cancel(database_project, export.id, kind="productivity", now=NOW).state == jobs.CANCELLED
    assert gate.interrupted.wait(60)
    thread.join(120)
    assert now_of(database_project, export).state == jobs.CANCELLED
    assert files_below(database_project) == []
    assert list((database_project.folder / "exports" / ".work").iterdir()) == []


def test_cancelled_too_late_for_the_run_still_leaves_no_file(database_project: Project, clock: Clock) -> None:
    export = queue(database_project)

    def cancel_at_the_end(*arguments: Any) -> Any:
        produced = produce(*arguments)
        service.cancel(database_project, export.id, kind="productivity", now=NOW)
        return produced

    assert worker(database_project.home, clock, cancel_at_the_end).run_one()
    assert now_of(database_project, export).state == jobs.CANCELLED
    assert files_below(database_project) == []


def test_a_refusal_fails_the_export_with_its_body(database_project: Project, clock: Clock) -> None:
    refusal = InvalidRequest("The tree is gone", code="gone", details=[Detail("scope", "load it again")])
    export = queue(database_project)

    def refuse(*_: Any) -> Any:
        raise refusal

    assert worker(database_project.home, clock, refuse).run_one()
    failed = now_of(database_project, export)
    assert (failed.state, failed.error, failed.completed_at) == (jobs.FAILED, refusal.body(), NOW)
    with pytest.raises(service.Conflict) as caught:
        service.stored_file(database_project, export.id, kind="productivity", now=NOW)
    assert caught.value.body() == refusal.body()


class OutOfMemoryException(Exception):
    """Named like DuckDB's."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryException("could not allocate"), "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (RuntimeError("IO Error: No space left on device"), "disk_full"),
        (ZeroDivisionError("inside /secret/path"), "internal_error"),
        (Cancelled(), None),
    ],
)
def test_a_crash_fails_the_export_without_showing_the_inside(
    project: Project, clock: Clock, error: Exception, code: str | None
) -> None:
    export = queue(project)

    def crash(_project: Any, _request: Any, _pins: Any, path: Path, _control: Any) -> Any:
        path.write_bytes(b"half")
        raise error

    assert worker(project.home, clock, crash).run_one()
    failed = now_of(project, export)
    if code is not None:
        assert failed.state == jobs.FAILED
        assert failed.error is not None
        assert failed.error["code"] == code
        assert failed.error["status"] == "failed"
        assert export.id in failed.error["error"]
        assert "secret" not in str(failed.error)
    assert files_below(project) == []


def test_a_pin_that_cannot_be_had_fails_the_export(project: Project, clock: Clock) -> None:
    export = queue(project)
    one = worker(project.home, clock)

    def refuse(_project: Project, _tree: str) -> Pins:
        raise InvalidRequest("Invalid orgTreeName", code="invalid_org_tree_name")

    one._pin = refuse
    assert one.run_one()
    failed = now_of(project, export)
    assert failed.error == {"status": "failed", "error": "Invalid orgTreeName", "code": "invalid_org_tree_name"}


def test_stopping_puts_the_running_export_back(database_project: Project, clock: Clock, gate: Gate) -> None:
    export = queue(database_project)
    stop = threading.Event()
    thread = threading.Thread(target=worker(database_project.home, clock, gate.produce).run, args=(stop,))
    thread.start()
    assert gate.began.wait(120)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    back = now_of(database_project, export)
    assert (back.state, back.attempts, back.worker) == (jobs.QUEUED, 0, None)
    assert files_below(database_project) == []
    assert worker(database_project.home, clock).run_one()
    assert now_of(database_project, export).state == jobs.COMPLETED


def test_a_long_run_keeps_its_lease_and_tells_its_progress(database_project: Project, gate: Gate) -> None:
    """On the real clock, with a lease shorter than the run: the heartbeat must prolong it."""
    from datetime import UTC, datetime

    export = queue(database_project)
    lease = timedelta(seconds=3)
    long = worker(
        database_project.home, lambda: datetime.now(UTC), lambda *a: (a[4].progress(0.4), gate.produce(*a))[1]
    )
    long._lease = lease
    thread = threading.Thread(target=long.run_one)
    thread.start()
    assert gate.began.wait(120)
    claimed = now_of(database_project, export)
    for _ in range(100):
        if (now_of(database_project, export).lease_until or NOW) > (claimed.lease_until or NOW):
            break
        threading.Event().wait(0.05)
    renewed = now_of(database_project, export)
    assert (renewed.lease_until or NOW) > (claimed.lease_until or NOW)
    assert renewed.progress == 0.4
    gate.go.set()
    thread.join(120)
    assert (now_of(database_project, export).state, now_of(database_project, export).attempts) == (jobs.COMPLETED, 1)


def test_workers_are_woken_at_once(home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """With polling all but switched off, an export queued in the same process still begins at once."""
    monkeypatch.setattr("leadline.exports.wakeup.POLL_SECONDS", 60)
    project, began, stop = home.project(), threading.Event(), threading.Event()
    thread = threading.Thread(
        target=worker(home, clock, lambda *a: (began.set(), produce(*a))[1]).run, args=(stop,), daemon=True
    )
    thread.start()
    queue(project)
    for _ in range(100):  # until the worker listens; waking it more often than needed does no harm
        wake(home.path)
        if began.wait(0.05):
            break
    assert began.is_set()
    stop.set()
    wake(home.path)
    thread.join(10)
    assert not thread.is_alive()


def test_many_workers_run_each_export_once(database_project: Project, clock: Clock) -> None:
    exports = [queue(database_project) for _ in range(60)]
    runs: list[str] = []

    def note(*arguments: Any) -> Any:
        runs.append(arguments[3].parent.name)
        return produce(*arguments)

    stop = threading.Event()
    threads = [threading.Thread(target=worker(database_project.home, clock, note).run, args=(stop,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(600):
        if jobs.counts(database_project.db)[jobs.COMPLETED] == len(exports):
            break
        threading.Event().wait(0.05)
    stop.set()
    for thread in threads:
        thread.join(120)
    assert sorted(runs) == sorted(f"{export.id}-1" for export in exports)
    assert jobs.counts(database_project.db, database_project.id) == {
        **dict.fromkeys(jobs.STATES, 0),
        jobs.COMPLETED: len(exports),
    }


def test_a_worker_outlives_trouble(project: Project, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadline.exports.pace._AFTER_TROUBLE_SECONDS", 0.01)
    export = queue(project)
    stop, one = threading.Event(), worker(project.home, clock)
    one._projects = _FailsOnce()  # the first look-up fails outside of any run's own error handling
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    for _ in range(200):
        if now_of(project, export).state == jobs.COMPLETED:
            break
        threading.Event().wait(0.02)
    stop.set()
    thread.join(10)
    # Put back before its lease ran out, and what the database did counts against no export.
    assert (now_of(project, export).state, now_of(project, export).attempts) == (jobs.COMPLETED, 1)


class _FailsOnce(dict[int, Project]):
    """A cache whose first use meets a database that is gone."""

    failed = False

    def __contains__(self, key: object) -> bool:
        if not self.failed:
            self.failed = True
            from sqlalchemy.exc import OperationalError

            raise OperationalError("SELECT", {}, Exception("the server is gone"))
        return super().__contains__(key)


def test_pins_of_the_helper_are_what_rows_hold() -> None:
    assert Pins.of(pin(None, "").document()) == PINS  # type: ignore[arg-type]
