"""Runs queued exports, one at a time per worker, until told to stop.

A claim is a lease, kept alive by a heartbeat, and every finish is fenced by it, so that an export survives the death of its
worker and is completed once. What it reads is pinned by its first worker; a later one repeats the same.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import structlog

from leadline.db import inbox, jobs
from leadline.db.outage import DATABASE_AWAY, lost
from leadline.errors import LeadlineError, StoreError
from leadline.exports import files
from leadline.exports.cleaning import clean
from leadline.exports.export_kind import ExportKind
from leadline.exports.heartbeat import Heartbeat, HeartbeatThread
from leadline.exports.kinds import KINDS
from leadline.exports.maintenance import maintain
from leadline.exports.service import Pin, deliver_and_pin
from leadline.exports.wakeup import listening
from leadline.home import Home, Project
from leadline.ingest.inbox import due
from leadline.ingest.pushed import deliver_pushed
from leadline.metrics.request import Cancelled, Control, Pins, Produced, RowsRequest
from leadline.project_faults import ProjectFaults, sentence
from leadline.tracing import span

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

LEASE = timedelta(seconds=15)
POLL_SECONDS = 0.1
CLEANING_SECONDS = 600
MAINTENANCE_SECONDS = 3600
"""How often an idle worker looks after the lake's files."""
DELIVERY_SECONDS = 1.0
"""How often an idle worker looks whether pushed rows are due for the lake; an export has them delivered before it reads."""
IDLE_SECONDS = 60
"""How long what speeds up the next export (an engine and its memory) is kept without one."""
_AFTER_TROUBLE_SECONDS, _LONGEST_TROUBLE_SECONDS = 1.0, 30.0
"""How long a worker that cannot work (a disk that is full, a database that is away) waits to try again: longer each time."""

Produce = Callable[[Project, RowsRequest, Pins, Path, Control], Produced]
"""A run. The file it leaves is whole and flushed to the disk when it returns."""

_log = structlog.get_logger("leadline.exports")
_utc_now = partial(datetime.now, UTC)


class _Every:
    """Says when something is due that is done every so many ``seconds``, for the first time now (``at_once``) or then."""

    def __init__(self, seconds: float, *, at_once: bool = True) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + (0 if at_once else seconds)

    def due(self) -> bool:
        """Whether it is; if so, the next time is counted from here."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class _Trouble:
    """What keeps a worker from working: told once, while it is tried again after pauses that grow."""

    def __init__(self, worker: str) -> None:
        self._worker, self._told, self._pause = worker, "", _AFTER_TROUBLE_SECONDS

    def pause(self, error: Exception) -> float:
        """Tell of ``error`` unless that was told already; how long to wait (seconds). The database tells of itself."""
        text = "" if lost(error) else sentence(error)
        if text and text != self._told:
            foreseen = isinstance(error, (LeadlineError, OSError))
            _log.error(
                "export worker in trouble", worker=self._worker, error=text, exc_info=None if foreseen else error
            )
            self._told = text
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_TROUBLE_SECONDS)
        return pause if text else min(pause, _AFTER_TROUBLE_SECONDS)

    def over(self) -> None:
        """It works again."""
        self._told, self._pause = "", _AFTER_TROUBLE_SECONDS


class Worker:
    """One worker of ``home``; use it from one thread. ``name`` must be unique among all workers of the database.
    ``produce`` runs an export (default: its metrics, with an engine kept between runs). Who calls ``run_one`` closes
    the worker at the end (or uses it as a context manager); ``run`` does so itself."""

    def __init__(
        self,
        home: Home,
        *,
        name: str | None = None,
        produce: Produce | None = None,
        pin: Pin | None = None,
        clock: Callable[[], datetime] = _utc_now,
        lease: timedelta = LEASE,
    ) -> None:
        self.name = name or f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._home, self._produce, self._pin, self._clock, self._lease = home, produce, pin, clock, lease
        self._runner: Runner | None = None
        self._projects: dict[int, Project] = {}
        self._left: list[jobs.Claim] = []
        self._delivery_faults = ProjectFaults("Delivering the pushed rows")
        self._cleaning_faults = ProjectFaults("Cleaning the exports")
        self._maintenance_faults = ProjectFaults("Looking after the tables")
        self._heartbeats = HeartbeatThread()
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is kept between exports; another export takes it anew."""
        if self._runner is not None:
            self._runner.close()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. A run in progress is then abandoned and goes back into the queue."""
        with self:
            self._run_until(stop)

    def _run_until(self, stop: threading.Event) -> None:
        self._stop = stop
        cleaning, delivery = _Every(CLEANING_SECONDS), _Every(DELIVERY_SECONDS)
        maintenance = _Every(MAINTENANCE_SECONDS, at_once=False)
        steps, trouble = self._preparing(), _Trouble(self.name)
        busy, idle_since = False, time.monotonic()
        with listening(self._home.path) as queued:
            while not stop.is_set():
                try:
                    self._put_back()
                    # Asking whether there is work takes no lock; after a run there mostly is some.
                    busy = (busy or jobs.waiting(self._home.db, self._clock())) and self.run_one()
                    trouble.over()
                    if busy:
                        idle_since = time.monotonic()
                        continue
                    if next(steps, None) is not None:
                        continue
                    if time.monotonic() - idle_since > IDLE_SECONDS:
                        self.close()
                    if cleaning.due():
                        clean(self._home, self._clock(), self._cleaning_faults)
                    if maintenance.due():
                        steps = maintain(self._home, self._clock(), self._maintenance_faults)
                    if delivery.due():
                        self._deliver_pushed()
                except Exception as error:
                    busy = False
                    stop.wait(trouble.pause(error))
                queued.wait(POLL_SECONDS)
                queued.clear()

    def _put_back(self) -> None:
        """Put what was lost with the database back into the queue: that was no fault of the export."""
        while self._left:
            jobs.release(self._home.db, self._left[-1])
            self._left.pop()

    def _deliver_pushed(self) -> None:
        if not inbox.backlogs(self._home.db):
            return
        for number in due(self._home.db, self._clock()):
            if not self._delivery_faults.resting(number):
                project = self._project(number)
                with self._delivery_faults.kept_apart(project):
                    deliver_pushed(project, wait=False)

    def run_one(self) -> bool:
        """Run the next export, if there is one: whether there was."""
        now = self._clock()
        claim = jobs.claim(self._home.db, self.name, now, now + self._lease)
        if claim is None:
            return False
        log = _log.bind(export_id=claim.export.id, attempt=claim.export.attempts, worker=self.name)
        began = time.monotonic()
        export = claim.export
        with span(f"export {export.kind}", leadline_export=export.id, leadline_attempt=export.attempts) as told:
            state = self._run(claim, log)
            told.tell(leadline_state=state)
            if state == "failed":
                told.fail("the export failed; its row says why")
        log.info("export " + state, seconds=round(time.monotonic() - began, 3))
        return True

    def _run(self, claim: jobs.Claim, log: Any) -> str:
        export, control = claim.export, Control()
        heartbeat = Heartbeat(self._home.db, claim, control, stop=self._stop, lease=self._lease, clock=self._clock)
        work: Path | None = None
        try:
            project = self._project(export.project_id)
            work = files.work_folder(project.folder, export.id, export.attempts)
            with self._heartbeats.beating(heartbeat):
                finished, rows = self._write(project, claim, work, control)
                return self._complete(project, claim, finished, rows)
        except DATABASE_AWAY:
            # Nothing is known of the row then. It is put back as soon as the database is there, by this worker or, when its lease
            # has run out, by the next.
            self._left.append(claim)
            raise
        except Exception as error:
            if heartbeat.lost or (isinstance(error, Cancelled) and not heartbeat.ending):
                return "cancelled or taken over"
            if heartbeat.ending:
                return "put back" if jobs.release(self._home.db, claim) else "cancelled or taken over"
            if not isinstance(error, LeadlineError):
                log.exception("export failed unexpectedly")
            body = failure(error, export.id)
            return "failed" if jobs.fail(self._home.db, claim, body, self._clock()) else "cancelled or taken over"
        finally:
            if work is not None:
                shutil.rmtree(work, ignore_errors=True)

    def _write(self, project: Project, claim: jobs.Claim, work: Path, control: Control) -> tuple[Path, int]:
        kind = _kind(claim.export)
        request = kind.rows.request_of(claim.export.request)
        pins = self._pins(project, claim, kind, request)
        work.mkdir(parents=True, exist_ok=True)
        path = work / ("export" + files.FORMS[request.format].suffix)
        if self._produce is not None:
            produced = self._produce(project, request, pins, path, control)
        else:
            produced = self._kept_runner().produce(project, request, pins, path, control, kind.rows.query)
        control.check()
        return path, produced.rows

    def _preparing(self) -> Iterator[str]:
        """Steps to take while there is nothing to do, for the first exports' sake."""
        if self._produce is None:
            from leadline.exports.ahead import compile_ahead

            yield from self._kept_runner().prepare()
            yield from compile_ahead(self._home, self._kept_runner())

    def _kept_runner(self) -> Runner:
        if self._runner is None:
            from leadline.metrics.run import Runner

            self._runner = Runner(self._home)
        return self._runner

    def _pins(self, project: Project, claim: jobs.Claim, kind: ExportKind, request: RowsRequest) -> Pins:
        """What the export reads: as an earlier attempt pinned it, else what is newest now, pushed rows delivered."""
        if claim.export.pinned is not None:
            return Pins.of(claim.export.pinned)
        data_as_of = self._clock()
        pins = self._pin(project, request.tree) if self._pin is not None else deliver_and_pin(project, kind, request)
        if not jobs.pin(self._home.db, claim, pins.document(), data_as_of):
            raise Cancelled
        return pins

    def _complete(self, project: Project, claim: jobs.Claim, finished: Path, rows: int) -> str:
        export = claim.export
        suffix = files.FORMS[export.request["format"]].suffix
        name = files.stored_name(export.id, export.attempts, suffix)
        size, sha256 = files.digest(finished)
        files.move_into_place(finished, project.folder / name)
        now = self._clock()
        keep = timedelta(days=project.profile(export.request["tree"])["exports.keep_days"])
        result = jobs.Result(name, str(export.filename), str(export.content_type), rows, size, sha256)
        if not jobs.complete(self._home.db, claim, result, now, now + keep):
            (project.folder / name).unlink(missing_ok=True)
            return "cancelled or taken over"
        for attempt in range(1, export.attempts):
            # What a worker left that died between the rename and the row's finish.
            (project.folder / files.stored_name(export.id, attempt, suffix)).unlink(missing_ok=True)
        return "completed"

    def _project(self, number: int) -> Project:
        """The project of an id. Kept, since its lake remembers what it read."""
        if number not in self._projects:
            self._projects |= {
                project.id: project for project in self._home.projects() if project.id not in self._projects
            }
        return self._projects[number]


def _kind(export: jobs.Export) -> ExportKind:
    if export.kind not in KINDS:
        raise StoreError(
            f"Export {export.id} is of the kind {export.kind!r}, which this leadline does not know; a newer one queued it",
            code="unknown_kind",
        )
    return KINDS[export.kind]


def start(home: Home, count: int, stop: threading.Event) -> list[threading.Thread]:
    """Start ``count`` workers in threads; they end soon after ``stop`` is set."""
    threads = [
        threading.Thread(target=Worker(home).run, args=(stop,), name=f"export worker {number + 1}", daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads


def failure(error: Exception, export_id: str) -> dict[str, object]:
    """The error body of an export that ended with ``error``. Says nothing of the inside; the log does."""
    if isinstance(error, LeadlineError):
        return error.body()
    # DuckDB is not imported for the sake of its exceptions' names.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        code, sentence = (
            "out_of_memory",
            "needs more memory than there is; ask for fewer days or metrics or one team, or raise LEADLINE_MEMORY",
        )
    elif getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error):
        code, sentence = "disk_full", "found the disk full; free some space and create it again"
    else:
        code = "internal_error"
        sentence = "failed because of an internal error; the server's log says more under this id"
    return StoreError(f"Export {export_id} {sentence}", code=code).body()
