"""Processes of a server's own, each tied to it by a pipe that is the child's standard input. A byte on the pipe wakes the child.
The pipe's end means that the server is gone, however it ended, or that it wants the child to stop: no child outlives its server.
A child that can work says so once by its standard output (``tell_ready``). ``ChildProcess`` is the server's end; a child's
``main`` calls ``run_tied``."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from leadline.permissions import private
from leadline.service.ending import leave

_NICENESS = 5
"""Children yield to requests: polling stays fast on a machine that is busy otherwise."""
_READY = b"\x06"
_to_server = -1


class ChildProcess:
    """``python -m module arguments``, started at once. Raises ``OSError`` if there is no process to be had."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        # Unbuffered: a wake-up must leave at once.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._told = self._process.stdout
        if self._told is not None:
            os.set_blocking(self._told.fileno(), False)
        self._ready = False

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    @property
    def ready(self) -> bool:
        """Whether it runs and has said that it can work."""
        if not self._ready and self._told is not None:
            with contextlib.suppress(OSError, ValueError):
                self._ready = _READY in (self._told.read(4096) or b"")
        return self._ready and self.exit_status is None

    def wake(self) -> None:
        """Let it know that there is work."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # a dead child needs no waking
                self._process.stdin.write(b"\n")

    def ask_to_stop(self) -> None:
        """Close the pipe; returns at once (callable from a signal handler)."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self, deadline: float) -> None:
        """Wait for its end until ``deadline`` (``time.monotonic``), then kill it."""
        self.ask_to_stop()
        try:
            self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._told is not None:
            self._told.close()


def run_tied(
    work: Callable[[], int], *, on_end: Callable[[], None], on_wake: Callable[[], None] = lambda: None
) -> None:
    """In the child: do ``work``, whose result is the exit status, while a thread listens to the server's pipe."""
    # What libraries print is nobody's to read; were the server's end of the pipe full, they would wait for ever.
    global _to_server  # noqa: PLW0603 - a process has one server
    _to_server = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides.
    threading.Thread(target=_listen, args=(on_wake, on_end), name="server's pipe", daemon=True).start()
    os.nice(_NICENESS)
    with private():
        status = work()
    leave(status)


def tell_ready() -> None:
    """In the child: let the server know that it can do its work."""
    with contextlib.suppress(OSError):  # the server is gone
        os.write(_to_server, _READY)


def _listen(on_wake: Callable[[], None], on_end: Callable[[], None]) -> None:
    while os.read(0, 4096):
        on_wake()
    on_end()
