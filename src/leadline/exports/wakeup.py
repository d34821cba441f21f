"""Wakes the workers of this process the moment an export is queued in it; other processes poll the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_guard = threading.Lock()
_sleepers: dict[Path, list[threading.Event]] = {}


@contextmanager
def listening(home: Path) -> Iterator[threading.Event]:
    """An event that is set whenever something was queued in ``home`` by this process."""
    event = threading.Event()
    with _guard:
        _sleepers.setdefault(home, []).append(event)
    try:
        yield event
    finally:
        with _guard:
            _sleepers[home].remove(event)


def wake(home: Path) -> None:
    """Wake every worker of this process that serves ``home``."""
    with _guard:
        for event in _sleepers.get(home, ()):
            event.set()
