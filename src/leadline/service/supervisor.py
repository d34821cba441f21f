"""Worker processes of a server: started, restarted when they die, woken when an export is queued, ended with the server.

A home and a number come in; the processes run beside the server so that an export never holds up a request. Each is
tied to the server by a pipe: when the server ends, even by ``kill -9``, the pipe closes and the worker stops.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import structlog

from leadline.exports.wakeup import listening

log = structlog.get_logger("leadline.api")

_CHECK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_STEADY_SECONDS = 30.0


class Supervisor:
    """``count`` worker processes on the home at ``home`` (absolute). ``start``, then ``stop`` in the end."""

    def __init__(self, home: Path, count: int) -> None:
        self._home = home
        self._slots = [_Slot(home) for _ in range(count)]
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the workers and what watches them."""
        for slot in self._slots:
            slot.start(time.monotonic())
        self._threads = [
            threading.Thread(target=target, name=target.__name__, daemon=True) for target in (self._watch, self._relay)
        ]
        for thread in self._threads:
            thread.start()

    def alive(self) -> tuple[int, int]:
        """How many workers run, and how many should."""
        return sum(slot.alive() for slot in self._slots), len(self._slots)

    def ask_to_stop(self) -> None:
        """Let the workers know; returns at once (callable from a signal handler)."""
        self._stopping.set()
        for slot in self._slots:
            slot.close_pipe()

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
                slot.keep_alive(time.monotonic())

    def _relay(self) -> None:
        with listening(self._home) as queued:
            while not self._stopping.is_set():
                if queued.wait(timeout=_CHECK_SECONDS):
                    queued.clear()
                    for slot in self._slots:
                        slot.wake()


class _Slot:
    """One worker process and its successors."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._restart_at: float | None = None
        self._closed = False

    def start(self, now: float) -> None:
        # Unbuffered: a wake-up must leave at once.
        command = [sys.executable, "-m", "leadline.service.worker_process", str(self._home)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0)
        self._started, self._restart_at = now, None
        if self._closed:  # asked to stop in this moment
            self.close_pipe()

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def keep_alive(self, now: float) -> None:
        """Start a successor of a dead worker, after a pause that grows while workers die young."""
        if self.alive() or self._closed:
            return
        if self._restart_at is None:
            self._pause = (
                _FIRST_PAUSE if now - self._started > _STEADY_SECONDS else min(self._pause * 2, _LONGEST_PAUSE)
            )
            self._restart_at = now + self._pause
            status = self._process.returncode if self._process else None
            log.warning("export worker ended", exit_status=status, restart_in=round(self._pause, 1))
        elif now >= self._restart_at:
            try:
                self.start(now)
            except OSError as error:  # no memory or no process to be had: try again later
                log.error("export worker could not be started", error=str(error))
                self._started, self._restart_at = now, None

    def wake(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            # A dead worker needs no waking, its successor looks for itself.
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(b"\n")

    def close_pipe(self) -> None:
        self._closed = True
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self, deadline: float) -> None:
        self.close_pipe()
        if self._process is None:
            return
        try:
            self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
