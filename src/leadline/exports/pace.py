"""When a worker does what it does now and then, and how long it rests where it cannot work."""

from __future__ import annotations

import time

import structlog

from leadline.db.outage import lost
from leadline.errors import LeadlineError
from leadline.project_faults import sentence

_AFTER_TROUBLE_SECONDS, _LONGEST_TROUBLE_SECONDS = 1.0, 30.0
"""How long a worker that cannot work (a disk that is full, a database that is away) waits to try again: longer each time."""

_log = structlog.get_logger("leadline.exports")


class Every:
    """Says when something is due that is done every so many ``seconds``, for the first time now (``at_once``) or then."""

    def __init__(self, seconds: float, *, at_once: bool = True) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + (0 if at_once else seconds)

    def due(self) -> bool:
        """Whether it is; if so, the next time is counted from here."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class Trouble:
    """What keeps a worker from working: told once, while it is tried again after pauses that grow."""

    def __init__(self, worker: str) -> None:
        self._worker, self._told, self._pause = worker, "", _AFTER_TROUBLE_SECONDS

    def pause(self, error: Exception) -> float:
        """Tell of ``error`` unless that was told already; how long to wait (seconds). The database tells of itself."""
        text = "" if lost(error) else sentence(error)
        if text and text != self._told:
            foreseen = isinstance(error, (LeadlineError, OSError))
            _log.error(
                "export worker in trouble", worker=self._worker, error=text, exc_info=None if foreseen else error
            )
            self._told = text
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_TROUBLE_SECONDS)
        return pause if text else min(pause, _AFTER_TROUBLE_SECONDS)

    def over(self) -> None:
        """It works again."""
        self._told, self._pause = "", _AFTER_TROUBLE_SECONDS
