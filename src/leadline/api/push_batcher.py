"""Takes pushed rows from many requests at once and stores them together: one durable transaction acknowledges them all. While one
group is being stored the next one gathers, so that the number of transactions does not grow with the number of requests. A push is
answered when its rows are on the disk."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.api.body_memory import Busy
from leadline.db import Database
from leadline.db.outage import DATABASE_AWAY, lost
from leadline.settings.engine_limits import EngineLimits

if TYPE_CHECKING:
    from leadline.ingest.inbox import Accepted, Push
    from leadline.ingest.validation import RowValidator

GROUP_ROWS = 20_000
"""Rows stored in one transaction, unless a single request has more."""
REST = 1.0
"""While pushes come in one after another, a group gathers for so many times as long as the one before took to store: what
storing costs hardly depends on the rows, so that it takes at most half of a processor however many there are."""
LONGEST_GATHER_SECONDS = 0.25
ANSWERED_AT_ONCE = 4
_PAUSE_SECONDS = 0.006
"""A whole group answered at once would keep the event loop from every other request meanwhile, so its requests are
answered at most so many in a row, with a pause in which others have their turn."""
_LIMITS = EngineLimits(1, 200_000_000)
STORE_SECONDS = 5.0
"""How long the last group may take at the end."""
MAX_WAITING_ROWS = 200_000
"""Rows that may wait for their transaction, in memory."""


@dataclass(frozen=True)
class _Waiting:
    push: Push
    stored: Future[Accepted] = field(default_factory=Future)


class PushBatcher:
    """Stores pushes in the inbox of ``db``. Its thread starts with the first push; ``close`` it at the end."""

    def __init__(self, db: Database, temp_dir: Path, now: Callable[[], datetime]) -> None:
        self._db, self._temp_dir, self._now = db, temp_dir, now
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._rows = 0
        self._thread: threading.Thread | None = None

    async def take(self, push: Push) -> Accepted:
        """What became of ``push``, once its good rows are on the disk. Raises ``Busy`` at once if too much waits already, or what
        the database raises; nothing is stored then."""
        waiting = _Waiting(push)
        with self._guard:
            if self._rows + len(push.rows) > MAX_WAITING_ROWS:
                raise Busy("More rows are being pushed than can be stored now; push them again in a few seconds")
            self._rows += len(push.rows)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="push batcher", daemon=True)
                self._thread.start()
            self._queue.put(waiting)
        return await asyncio.wrap_future(waiting.stored)

    def close(self) -> None:
        """Store what waits, then end the thread; a database that does not answer is not waited for, as nothing was acknowledged."""
        with self._guard:
            thread = self._thread
            self._queue.put(None)
        if thread is not None:
            thread.join(STORE_SECONDS)

    def _run(self) -> None:
        from leadline.engine import Engine
        from leadline.ingest.validation import RowValidator

        rest_until = float("-inf")
        with Engine(temp_dir=self._temp_dir, limits=_LIMITS) as engine:
            validator = RowValidator(engine)
            while (first := self._queue.get()) is not None:
                # A push that comes alone is stored at once.
                time.sleep(max(0.0, min(LONGEST_GATHER_SECONDS, rest_until - time.monotonic())))
                group, ended = self._gathered(first)
                began = time.monotonic()
                answers = self._store(validator, group)
                stored = time.monotonic()
                rest_until = stored + REST * (stored - began)
                self._answer(answers)
                if ended:
                    return

    def _gathered(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """The group that begins with ``first``, and whether the batcher ends after it."""
        group, rows = [first], len(first.push.rows)
        while rows < GROUP_ROWS:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
            rows += len(following.push.rows)
        return group, False

    def _store(self, validator: RowValidator, group: list[_Waiting]) -> list[tuple[_Waiting, Accepted | BaseException]]:
        """Store the rows of a group; what each of its requests is to be answered."""
        # A client that went away has cancelled: its rows were not acknowledged, so they need not be stored.
        wanted = [waiting for waiting in group if waiting.stored.set_running_or_notify_cancel()]
        try:
            return self._accepted(validator, wanted)
        finally:
            with self._guard:
                self._rows -= sum(len(waiting.push.rows) for waiting in group)

    def _accepted(
        self, validator: RowValidator, wanted: list[_Waiting]
    ) -> list[tuple[_Waiting, Accepted | BaseException]]:
        """What became of the pushes. Where they cannot be stored together, as something is wrong with one of them, each is by
        itself: no client answers for another's rows. Nothing was stored then, so nothing is stored twice."""
        from leadline.ingest.inbox import accept

        try:
            accepted = accept(self._db, validator, [waiting.push for waiting in wanted], self._now())
            return list(zip(wanted, accepted, strict=True))
        except BaseException as error:
            # Without the database all of them fail alike, and each takes long.
            if len(wanted) == 1 or isinstance(error, DATABASE_AWAY) or lost(error):
                return [(waiting, error) for waiting in wanted]
        return [answer for waiting in wanted for answer in self._accepted(validator, [waiting])]

    def _answer(self, answers: Sequence[tuple[_Waiting, Accepted | BaseException]]) -> None:
        for number, (waiting, answer) in enumerate(answers, 1):
            if isinstance(answer, BaseException):
                waiting.stored.set_exception(answer)
            else:
                waiting.stored.set_result(answer)
            if number % ANSWERED_AT_ONCE == 0:
                time.sleep(_PAUSE_SECONDS)
