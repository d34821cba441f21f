"""How processes that serve end when they are told to: soon, whatever they wait for at that moment (a lock, a database that is
away, a library that does not listen), and whatever becomes of an exception that a signal raises. Finalizers and callbacks of
libraries swallow those, ``threading`` may be in the middle of its own book-keeping, and native libraries may wait for each other
while the interpreter is taken down; so the end is left to none of them."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from leadline import tracing

OPENING_SECONDS = 5.0
"""How long a process that is still opening its home may take to end in good order."""
SPANS_SECONDS = 0.4
"""How long the last spans may take to leave."""
_LAST_RESORT_SECONDS = 3.0
"""How much later the kernel ends a process in which not even a thread of Python's runs any more."""


def end_within(seconds: float, status: int = 0) -> None:
    """See to it that this process has ended by then. What it was doing is dropped as by a kill, which is safe: leases run out,
    and what was not finished is not there. Callable from a signal handler."""
    signal.setitimer(signal.ITIMER_REAL, seconds + _LAST_RESORT_SECONDS)
    # Not a ``threading.Thread``: to start one takes a lock that the interrupted code may hold.
    _thread.start_new_thread(_end_after, (seconds, status))


def _end_after(seconds: float, status: int) -> None:
    time.sleep(seconds)
    os._exit(status)


def leave(status: int = 0) -> None:
    """End this process, in which all is stored and closed. To take down the interpreter under native libraries only makes some of
    them complain, and others wait for ever."""
    tracing.flush(SPANS_SECONDS)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block and the process in good order (status 0), as long as nothing else handles it; and the process in any
    case."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        end_within(OPENING_SECONDS)
        sys.exit(0)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
