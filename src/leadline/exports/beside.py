"""Small exports beside a long one: while a worker's run takes long, a thread of its own makes what others would wait for.

Which export is small shows while it is made: one that finds stored tables missing for which many rows must be read, that takes too
long or needs more memory is put back into the queue, marked, and left to workers that have the time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, Self

PART = 0.2
"""Of a worker's memory, what is for small exports."""
MOST_ROWS = 100_000
"""Rows that may be read for one stored table in between: some tenths of a second."""
MOST_SECONDS = 5.0
"""How long a run in between may take: so long others wait for it at most."""


class NotSmall(Exception):
    """The run would take long; nothing was computed for it."""


def only_little(_table: str, rows: Callable[[], int]) -> None:
    """To be asked before a stored table is computed. Raises ``NotSmall`` if many rows must be read."""
    if rows() > MOST_ROWS:
        raise NotSmall


class SmallWorker(Protocol):
    """Makes small exports."""

    def run_beside(self, wanted: threading.Event, stop: threading.Event) -> None:
        """Work while it is ``wanted``, until ``stop`` is set or there was nothing to do for a while."""


class Beside:
    """The thread beside one worker; a context manager that ends with it. ``make`` makes who works in it, once needed."""

    def __init__(self, make: Callable[[], SmallWorker], stop: threading.Event) -> None:
        self._make, self._stop = make, stop
        self._wanted = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for its end, which comes soon after ``stop`` is set."""
        if (thread := self._thread) is not None:
            thread.join()

    def begin(self) -> None:
        """The worker's run has begun to take long."""
        with self._guard:
            if self._wanted.is_set():
                return
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="small exports", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """The worker's run is over: what is queued, it makes itself. One that is being made goes on."""
        self._wanted.clear()

    def _run(self) -> None:
        while True:
            self._make().run_beside(self._wanted, self._stop)
            with self._guard:
                if self._stop.is_set() or not self._wanted.is_set():
                    self._thread = None
                    return
