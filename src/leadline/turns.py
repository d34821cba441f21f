"""Turns of threads: what several ask for at the same moment is made by the first of them, and the others find it made."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class Turns:
    """One turn at a time per key. Who takes one looks for what the turn before may have made; nothing is kept of keys that nobody
    has or waits for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, key: Hashable) -> Iterator[None]:
        """Wait until nobody else has the turn of ``key``, and have it meanwhile."""
        with self._guard:
            lock, people = self._taken.get(key, (threading.Lock(), 0))
            self._taken[key] = lock, people + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, people = self._taken.pop(key)
                if people > 1:
                    self._taken[key] = lock, people - 1
