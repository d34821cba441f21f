"""Work whose outcome is the same for all who ask at the same time: it is done once for them, in one thread, so that many who ask
take no more than one does. For routes that need no key, and so know no rate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")


class SharedWork(Generic[T]):
    """``work``, which runs at most once at a time. Use from one event loop."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._running: asyncio.Future[T] | None = None

    async def outcome(self) -> T:
        """What the run in progress returns or raises, or else a new one."""
        if self._running is None:
            self._running = asyncio.ensure_future(run_in_threadpool(self._work))
            self._running.add_done_callback(self._end)
        # One who goes away takes nothing from the others.
        return await asyncio.shield(self._running)

    def _end(self, run: asyncio.Future[T]) -> None:
        self._running = None
        if not run.cancelled():
            run.exception()  # seen, also where all who asked are gone
