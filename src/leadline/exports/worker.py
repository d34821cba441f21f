"""Runs queued exports, one at a time per worker, until told to stop.

A claim is a lease, kept alive by a heartbeat, and every finish is fenced by it, so that an export survives the death of its
worker and is completed once. What it reads is pinned by its first worker; a later one repeats the same.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import structlog

from leadline.db import inbox, jobs, steps
from leadline.db.outage import DATABASE_AWAY
from leadline.errors import LeadlineError, StoreError
from leadline.exports import beside, files
from leadline.exports.beside import Beside
from leadline.exports.cleaning import clean
from leadline.exports.export_kind import ExportKind
from leadline.exports.failure import failure, is_of_memory
from leadline.exports.heartbeat import Heartbeat, HeartbeatThread
from leadline.exports.helping import Shared, Watch, finds_what_is_computed_here, help_with
from leadline.exports.kinds import KINDS
from leadline.exports.maintenance import maintain
from leadline.exports.pace import Every, Trouble
from leadline.exports.service import Pin, deliver_and_pin
from leadline.exports.since import since_of, without_since
from leadline.exports.wakeup import POLL_SECONDS, listening
from leadline.home import Home, Project
from leadline.ingest.inbox import due
from leadline.ingest.pushed import deliver_pushed
from leadline.metrics.request import Cancelled, Control, Pins, Produced, RowsRequest
from leadline.project_faults import ProjectFaults, sentence
from leadline.tracing import span

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

LEASE = timedelta(seconds=15)
CLEANING_SECONDS = 600
MAINTENANCE_SECONDS = 3600
"""How often an idle worker looks after the lake's files."""
DELIVERY_SECONDS = 1.0
"""How often an idle worker looks whether pushed rows are due for the lake; an export has them delivered before it reads."""
IDLE_SECONDS = 60
"""How long what speeds up the next export (an engine and its memory) is kept without one."""
_HELPED = 100
"""Runs that a worker remembers to have helped with."""
_NOT_OURS = "cancelled or taken over"
Produce = Callable[[Project, RowsRequest, Pins, Path, Control], Produced]
"""A run. The file it leaves is whole and flushed to the disk when it returns."""

_log = structlog.get_logger("leadline.exports")
_utc_now = partial(datetime.now, UTC)


class Worker:
    """One worker of ``home``; use it from one thread. ``name`` must be unique among all workers of the database.
    ``produce`` runs an export (default: its metrics, with an engine kept between runs). ``small``: it makes small exports only, and
    leaves others to the rest. Who calls ``run_one`` closes the worker at the end (or uses it as a context manager); ``run`` does
    so itself."""

    def __init__(
        self,
        home: Home,
        *,
        name: str | None = None,
        produce: Produce | None = None,
        pin: Pin | None = None,
        clock: Callable[[], datetime] = _utc_now,
        lease: timedelta = LEASE,
        small: bool = False,
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
        self._small = small
        self._beside: Beside | None = None
        self._helped: deque[tuple[str, int, tuple[str, ...]]] = deque(maxlen=_HELPED)

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
        cleaning, delivery = Every(CLEANING_SECONDS), Every(DELIVERY_SECONDS)
        maintenance = Every(MAINTENANCE_SECONDS, at_once=False)
        preparing, trouble = self._preparing(), Trouble(self.name)
        busy, idle_since = False, time.monotonic()
        self._beside = Beside(self._small_one, stop)
        with listening(self._home.path, self._home.db) as queued, self._beside:
            while not stop.is_set():
                try:
                    self._put_back()
                    # After a run there mostly is some.
                    busy = (busy or self._is_waiting()) and self.run_one()
                    trouble.over()
                    if busy:
                        idle_since = time.monotonic()
                        continue
                    if self._help() or next(preparing, None) is not None:
                        continue
                    if time.monotonic() - idle_since > IDLE_SECONDS:
                        self.close()
                    if cleaning.due():
                        clean(self._home, self._clock(), self._cleaning_faults)
                    if maintenance.due():
                        preparing = maintain(self._home, self._clock(), self._maintenance_faults)
                    if delivery.due():
                        self._deliver_pushed()
                except Exception as error:
                    busy = False
                    stop.wait(trouble.pause(error))
                queued.rest(stop)

    def _small_one(self) -> Worker:
        """The worker that makes small exports beside this one, while its run takes long."""
        return Worker(
            self._home.with_part(beside.PART),
            name=f"{self.name}:small",
            produce=self._produce,
            pin=self._pin,
            clock=self._clock,
            lease=self._lease,
            small=True,
        )

    def run_beside(self, wanted: threading.Event, stop: threading.Event) -> None:
        """Make exports while it is ``wanted``, until ``stop`` is set or there was nothing to do for a while."""
        self._stop = stop
        trouble, idle_since = Trouble(self.name), time.monotonic()
        with listening(self._home.path, self._home.db) as queued, self:
            while not stop.is_set() and time.monotonic() - idle_since < IDLE_SECONDS:
                if not wanted.wait(POLL_SECONDS):
                    continue
                try:
                    self._put_back()
                    if self._is_waiting() and self.run_one():
                        idle_since = time.monotonic()
                        continue
                    trouble.over()
                except Exception as error:
                    stop.wait(trouble.pause(error))
                queued.rest(stop)

    def _is_waiting(self) -> bool:
        """Whether there is work. Asking takes no lock."""
        return jobs.waiting(self._home.db, self._clock(), small=self._small)

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

    def _shared(self, project: Project, claim: jobs.Claim, control: Control, *, helps: bool = False) -> Shared:
        return Shared(project, claim, self.name, control, self._clock, self._lease, helps)

    def _help(self) -> bool:
        """Compute some of what a long run of another worker lacks, if one does: whether there was something to do."""
        for export in steps.asking_for_help(self._home.db, self._clock()):
            project, asked = self._project(export.project_id), (export.id, export.attempts, tuple(export.help or ()))
            if asked not in self._helped and finds_what_is_computed_here(project, export):
                control = Control()
                shared = control.sharing = self._shared(project, jobs.Claim(export), control, helps=True)
                if self._help_one(shared):
                    self._helped.append(asked)
                return True
        return False

    def _help_one(self, shared: Shared) -> bool:
        """Whether there is nothing more to do for a run, as it has been helped or cannot be."""
        log = _log.bind(export_id=shared.claim.export.id, worker=self.name)
        try:
            if self._beside is not None:
                self._beside.begin()
            with self._heartbeats.beating(Watch(shared, self._stop)):
                help_with(self._kept_runner(), shared)
        except Cancelled:
            return False
        except LeadlineError as error:  # the run itself tells of it, if it meets it, too
            log.info("help with an export ended", error=sentence(error))
        finally:
            if self._beside is not None:
                self._beside.end()
        log.info("export helped with", tables=shared.computed)
        return True

    def run_one(self) -> bool:
        """Run the next export, if there is one: whether there was."""
        now = self._clock()
        claim = jobs.claim(self._home.db, self.name, now, now + self._lease, small=self._small)
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
        if self._small:
            control.before_computing, heartbeat.most_seconds = beside.only_little, beside.MOST_SECONDS
        elif self._beside is not None:
            heartbeat.on_beat = self._beside.begin
        work: Path | None = None
        try:
            project = self._project(export.project_id)
            work = files.work_folder(project.folder, export.id, export.attempts)
            if not self._small:
                control.sharing = self._shared(project, claim, control)
            with self._heartbeats.beating(heartbeat):
                finished, rows = self._write(project, claim, work, control)
                return self._complete(project, claim, finished, rows)
        except DATABASE_AWAY:
            # Nothing is known of the row then. It is put back as soon as the database is there, by this worker or, when its lease
            # has run out, by the next.
            self._left.append(claim)
            raise
        except Exception as error:
            return self._ended_by(error, claim, heartbeat, log)
        finally:
            heartbeat.on_beat = lambda: None
            if self._beside is not None:
                self._beside.end()
            if work is not None:
                shutil.rmtree(work, ignore_errors=True)

    def _ended_by(self, error: Exception, claim: jobs.Claim, heartbeat: Heartbeat, log: Any) -> str:
        """What becomes of an export whose run ended with ``error``."""
        stopped = heartbeat.ending or heartbeat.overdue
        if heartbeat.lost or (isinstance(error, Cancelled) and not stopped):
            return _NOT_OURS
        if self._small and (heartbeat.overdue or _is_of_size(error)):
            return "left to others" if jobs.release(self._home.db, claim, takes_long=True) else _NOT_OURS
        if heartbeat.ending:
            return "put back" if jobs.release(self._home.db, claim) else _NOT_OURS
        if not isinstance(error, LeadlineError):
            log.exception("export failed unexpectedly")
        body = failure(error, claim.export.id)
        return "failed" if jobs.fail(self._home.db, claim, body, self._clock()) else _NOT_OURS

    def _write(self, project: Project, claim: jobs.Claim, work: Path, control: Control) -> tuple[Path, int]:
        kind = _kind(claim.export)
        stored = claim.export.request
        request, since = kind.rows.request_of(without_since(stored)), since_of(stored)
        pins = self._pins(project, claim, kind, request)
        work.mkdir(parents=True, exist_ok=True)
        path = work / ("export" + files.FORMS[request.format].suffix)
        if self._produce is not None:
            produced = self._produce(project, request, pins, path, control)
        else:
            earlier = kind.earlier(request, since)
            produced = self._kept_runner().produce(project, request, pins, path, control, kind.rows.query, earlier)
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

            # What somebody set is also for what is made beside its long runs; the default leaves room for that.
            whole = self._small or self._home.settings.memory is None
            self._runner = Runner(self._home if whole else self._home.with_part(1 - beside.PART))
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
        files.keep(project.files, finished, name)
        now = self._clock()
        keep = timedelta(days=project.profile(export.request["tree"])["exports.keep_days"])
        result = jobs.Result(name, str(export.filename), str(export.content_type), rows, size, sha256)
        if not jobs.complete(self._home.db, claim, result, now, now + keep):
            files.drop(project.files, name)
            return _NOT_OURS
        for attempt in range(1, export.attempts):
            # What a worker left that died between the rename and the row's finish.
            files.drop(project.files, files.stored_name(export.id, attempt, suffix))
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
    """Start ``count`` workers in threads, which share threads and memory; they end soon after ``stop`` is set."""
    home = home.shared_by(count)
    _log.info("export workers compute", workers=count, each=str(home.limits))
    threads = [
        threading.Thread(target=Worker(home).run, args=(stop,), name=f"export worker {number + 1}", daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads


def _is_of_size(error: Exception) -> bool:
    """Whether the run is not small. One that needs more memory than it has in between is told as trouble with the store, too."""
    return isinstance(error, (beside.NotSmall, StoreError)) or is_of_memory(error)
