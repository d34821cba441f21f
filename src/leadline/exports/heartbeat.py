"""Keeps a worker's claim alive while it runs, and tells the run when it must stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from leadline.db import Database, jobs
from leadline.db.outage import DATABASE_AWAY
from leadline.metrics.request import Control

_log = structlog.get_logger("leadline.exports")

BEAT_SECONDS = 0.2
"""How long after a cancel a run is told, at most."""
RENEW_SECONDS = 1.0
"""How often lease and progress are written: short runs never do."""
_IDLE_BEATS = 10


class Beating(Protocol):
    """What looks after a run."""

    def beat(self) -> None:
        """Look once."""


class Heartbeat:
    """The heartbeat of one run. ``lost``: the claim holds no longer; ``ending``: the worker is to end; ``overdue``: the run took
    more than its ``most_seconds`` (None: it may). ``on_beat`` is called with each beat of a run that is not short."""

    def __init__(
        self,
        db: Database,
        claim: jobs.Claim,
        control: Control,
        *,
        stop: threading.Event,
        lease: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self.lost = False
        self.ending = False
        self.overdue = False
        self.most_seconds: float | None = None
        self.on_beat: Callable[[], None] = lambda: None
        self._db, self._claim, self._control = db, claim, control
        self._stop, self._lease, self._clock = stop, lease, clock
        self._lease_until = claim.export.lease_until or clock()
        self._progress = 0.0
        self._began = self._renewed = time.monotonic()
        control.progress = self._note

    def beat(self) -> None:
        """Look after the run once."""
        if not (self.lost or self.ending):
            self.ending = self._stop.is_set()
            self.lost = not self._holds()
        seconds = time.monotonic() - self._began
        if seconds >= BEAT_SECONDS:
            self.on_beat()
        self.overdue = self.most_seconds is not None and seconds > self.most_seconds
        if self.lost or self.ending or self.overdue:
            # Again on every beat: between two queries there is nothing to interrupt.
            self._control.cancel()

    def _note(self, fraction: float) -> None:
        # Progress never goes back, and only a completed export is at 1.
        self._progress = max(self._progress, min(fraction, 0.99))

    def _holds(self) -> bool:
        """Whether the claim holds; prolongs it when it is time to."""
        try:
            if time.monotonic() - self._renewed < RENEW_SECONDS:
                return jobs.holds(self._db, self._claim)
            until = self._clock() + self._lease
            holds = jobs.renew(self._db, self._claim, until, self._progress)
        except DATABASE_AWAY:
            # No reason to stop before the lease is over: it may be back by then.
            return self._clock() < self._lease_until
        self._renewed, self._lease_until = time.monotonic(), until
        return holds


class HeartbeatThread:
    """The thread of one worker's heartbeats. It outlives short runs, so that each need not pay for a thread of its own,
    and ends by itself when there is nothing to look after for a while."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._current: Beating | None = None
        self._running = False

    @contextmanager
    def beating(self, heartbeat: Beating) -> Iterator[None]:
        """Let ``heartbeat`` beat during the block. One more beat may end after it; the fence makes that harmless."""
        with self._guard:
            self._current = heartbeat
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="export heartbeat", daemon=True).start()
        try:
            yield
        finally:
            with self._guard:
                self._current = None

    def _run(self) -> None:
        idle = 0
        while True:
            time.sleep(BEAT_SECONDS)
            with self._guard:
                current = self._current
                idle = idle + 1 if current is None else 0
                if idle > _IDLE_BEATS:
                    self._running = False
                    return
            try:
                if current is not None:
                    current.beat()
            except Exception:
                # A run that ends at this moment cannot be interrupted any more; nothing may end this thread.
                _log.debug("export heartbeat failed", exc_info=True)
