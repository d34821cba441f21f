"""How processes that serve end when they are told to: soon, whatever they wait for at that moment (a lock, a database that is
away, a library that does not listen)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def end_within(seconds: float, status: int = 0) -> None:
    """See to it that this process has ended by then. What it was doing is dropped as by a kill, which is safe: leases run out,
    and what was not finished is not there. Callable from a signal handler."""
    timer = threading.Timer(seconds, os._exit, args=(status,))
    timer.daemon = True
    timer.start()


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block and the process in good order (status 0), as long as nothing else handles it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
