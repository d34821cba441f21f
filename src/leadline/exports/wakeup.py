"""Wakes workers the moment an export is queued: those of this process at once, those of others by PostgreSQL, which tells. With
SQLite other processes look for exports, often."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadline.db import Database
from leadline.db.notices import Listener

POLL_SECONDS = 0.1
"""How often who waits looks whether there is work, where nobody tells."""
TOLD_POLL_SECONDS = 5.0
"""How often where the database tells: for what it could not, and for exports whose workers died."""

_guard = threading.Lock()
_sleepers: dict[Path, list[threading.Event]] = {}
_listeners: dict[tuple[Path, int], tuple[Listener, int]] = {}
"""The listener of each home and open database of this process, and by how many it is used."""


class Wakeup(threading.Event):
    """Is set whenever something was queued that its owner is told of."""

    def __init__(self, listener: Listener | None = None) -> None:
        super().__init__()
        self._listener = listener

    def rest(self, stop: threading.Event) -> None:
        """Wait until there may be work, or ``stop`` is set."""
        until = time.monotonic() + TOLD_POLL_SECONDS
        while not (stop.is_set() or self.wait(POLL_SECONDS)):
            if self._listener is None or not self._listener.listening or time.monotonic() >= until:
                break
        self.clear()


@contextmanager
def listening(home: Path, db: Database | None = None) -> Iterator[Wakeup]:
    """What is set whenever something was queued in ``home`` by this process; and by any other, if it is told of it by ``db``."""
    event = Wakeup(None if db is None or db.is_sqlite else _listener(home, db))
    with _guard:
        _sleepers.setdefault(home, []).append(event)
    try:
        yield event
    finally:
        with _guard:
            _sleepers[home].remove(event)
        if db is not None:
            _leave(home, db)


def wake(home: Path) -> None:
    """Wake every worker of this process that serves ``home``."""
    with _guard:
        for event in _sleepers.get(home, ()):
            event.set()


def _listener(home: Path, db: Database) -> Listener:
    with _guard:
        found = _listeners.get((home, id(db)))
        listener, used = found or (Listener(db, lambda: wake(home)), 0)
        _listeners[home, id(db)] = (listener, used + 1)
        return listener


def _leave(home: Path, db: Database) -> None:
    with _guard:
        listener, used = _listeners.pop((home, id(db)), (None, 0))
        if listener is None:
            return
        if used > 1:
            _listeners[home, id(db)] = (listener, used - 1)
        else:
            listener.end()
