"""Duties that one server of a home has at a time, of any number that serve it: who has one holds its lock, so that another takes it
over as soon as the one that had it ends, however it ends. And threads that look after something again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import structlog

from leadline.db import Database
from leadline.db.outage import DATABASE_AWAY
from leadline.lease import Lease

log = structlog.get_logger("leadline.api")


class Duty:
    """The duty whose lock is called ``name``. Of use to one thread; ``give_up`` in the end."""

    def __init__(self, db: Database, name: str) -> None:
        self._db, self._name = db, name
        self._held = ExitStack()
        self._lease: Lease | None = None

    def is_ours(self) -> bool:
        """Whether this server has it now: it takes it, if nobody has it."""
        if self._db.is_free(self._name):
            self._held.close()  # what went with its session, if it was held before
            self._lease = self._held.enter_context(self._db.lock_if_free(self._name))
        elif self._lease is not None and self._lease.newest() != self._lease.number:
            self.give_up()
        return self._lease is not None

    def give_up(self) -> None:
        """Let another server have it."""
        self._lease = None
        with suppress(*DATABASE_AWAY):
            self._held.close()


class LookingThread:
    """A thread that calls ``look`` every ``seconds``, and at once when ``hurry`` is called. A database that is away tells of
    itself; what else goes wrong is logged as ``trouble``, and looked again. ``start``, then ``stop`` in the end."""

    def __init__(self, look: Callable[[], None], seconds: float, *, name: str, trouble: str) -> None:
        self._look, self._seconds, self._trouble = look, seconds, trouble
        self._stopping, self._hurry = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def hurry(self) -> None:
        """Look again at once."""
        self._hurry.set()

    def ask_to_stop(self) -> None:
        """Look no more; returns at once (callable from a signal handler)."""
        self._stopping.set()
        self._hurry.set()

    def stop(self, seconds: float) -> None:
        """Wait for its end, for ``seconds`` at most."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(timeout=seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except DATABASE_AWAY:  # which tells so itself, once; it is asked again later
                pass
            except Exception:  # nothing may end this thread
                log.exception(self._trouble)
            self._hurry.wait(self._seconds)
            self._hurry.clear()
