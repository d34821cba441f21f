"""Worker processes of a server: started, restarted when they die, woken when an export is queued, ended with the server. They run
beside the server, so that an export never holds up a request."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import structlog

from leadline.exports.wakeup import listening
from leadline.service.child_process import ChildProcess

log = structlog.get_logger("leadline.api")

_CHECK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_STEADY_SECONDS = 30.0


class Supervisor:
    """``count`` worker processes on the home at ``home`` (absolute). ``start``, then ``stop`` in the end."""

    def __init__(self, home: Path, count: int) -> None:
        self._home = home
        self._slots = [_Slot(home, count) for _ in range(count)]
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the workers and what watches them."""
        for slot in self._slots:
            slot.try_start(time.monotonic())
        self._threads = [
            threading.Thread(target=target, name=target.__name__, daemon=True) for target in (self._watch, self._relay)
        ]
        for thread in self._threads:
            thread.start()

    def ready(self) -> tuple[int, int]:
        """How many workers run and have proved that they can make exports, and how many should."""
        return sum(slot.ready() for slot in self._slots), len(self._slots)

    def ask_to_stop(self) -> None:
        """Let the workers know; returns at once (callable from a signal handler)."""
        self._stopping.set()
        for slot in self._slots:
            slot.ask_to_stop()

    def stop(self, seconds: float) -> None:
        """End the workers: those still there after ``seconds`` are killed."""
        self.ask_to_stop()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for slot in self._slots:
            slot.end(deadline)

    def _watch(self) -> None:
        while not self._stopping.wait(_CHECK_SECONDS):
            for slot in self._slots:
                try:
                    slot.keep_alive(time.monotonic())
                except Exception:  # nothing may end this thread: without it no worker is ever started again
                    log.exception("an export worker could not be looked after")

    def _relay(self) -> None:
        with listening(self._home) as queued:
            while not self._stopping.is_set():
                if queued.wait(timeout=_CHECK_SECONDS):
                    queued.clear()
                    for slot in self._slots:
                        slot.wake()


class _Slot:
    """One worker process of ``workers``, and its successors."""

    def __init__(self, home: Path, workers: int) -> None:
        self._home, self._workers = home, workers
        self._process: ChildProcess | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._restart_at: float | None = None
        self._stopping = False

    def start(self, now: float) -> None:
        self._process = ChildProcess("leadline.service.worker_process", str(self._home), str(self._workers))
        self._started, self._restart_at = now, None
        if self._stopping:  # asked to stop in this moment
            self._process.ask_to_stop()

    def try_start(self, now: float) -> None:
        try:
            self.start(now)
        except OSError as error:  # no memory or no process to be had: try again later
            log.error("export worker could not be started", error=str(error))
            self._started, self._restart_at = now, None

    def alive(self) -> bool:
        return self._process is not None and self._process.exit_status is None

    def ready(self) -> bool:
        return self._process is not None and self._process.ready

    def keep_alive(self, now: float) -> None:
        """Start a successor of a dead worker, after a pause that grows while workers die young."""
        if self.alive() or self._stopping:
            return
        if self._restart_at is None:
            self._pause = (
                _FIRST_PAUSE if now - self._started > _STEADY_SECONDS else min(self._pause * 2, _LONGEST_PAUSE)
            )
            self._restart_at = now + self._pause
            status = self._process.exit_status if self._process else None
            log.warning("export worker ended", exit_status=status, restart_in=round(self._pause, 1))
        elif now >= self._restart_at:
            self.try_start(now)

    def wake(self) -> None:
        # The successor of a dead worker looks for itself.
        if self._process is not None:
            self._process.wake()

    def ask_to_stop(self) -> None:
        self._stopping = True
        if self._process is not None:
            self._process.ask_to_stop()

    def end(self, deadline: float) -> None:
        self.ask_to_stop()
        if self._process is not None:
            self._process.end(deadline)
