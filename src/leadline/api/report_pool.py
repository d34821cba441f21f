"""Runs reports beside requests: a few at once, each stopped when its time is up or its client went away. Each thread of the pool
keeps its runner, and so the engine, between reports; after a while without any it gives the memory back. Threads start when first
needed."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.requests import ClientDisconnect, Request

from leadline.errors import LeadlineError, StoreError
from leadline.home import Home
from leadline.metrics.request import Cancelled, Control

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

T = TypeVar("T")

AT_ONCE = 2
"""Reports that run at the same time; others wait, and their time runs meanwhile."""
IDLE_SECONDS = 60.0
"""How long an engine and its memory are kept without a report."""
_STOP_SECONDS = 0.5
_QUIET_SECONDS = 0.2


class ReportTimeout(LeadlineError):
    """The report took longer than the server lets a request wait."""

    code = "report_timeout"
    http_status = 503


@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[Runner, Control], Any]
    control: Control
    outcome: Future[Any]


class ReportPool:
    """The reports of one server; ``close`` it at the end. ``seconds`` is how long a report may take, waiting included;
    the ``at_once`` that run at a time share threads and memory."""

    def __init__(
        self, home: Home, *, seconds: float, at_once: int = AT_ONCE, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.seconds = seconds
        self._home = home.shared_by(at_once)
        self._at_once = at_once
        self._idle_seconds = idle_seconds
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open: set[_Job] = set()
        self._guard = threading.Lock()
        self._closed = False

    async def run(self, request: Request | None, work: Callable[[Runner, Control], T], late: LeadlineError) -> T:
        """What ``work`` returns. Raises ``late`` when the time is up and ``ClientDisconnect`` when the client of
        ``request``, whose body was read, went away (None: nobody waits who could); the work is then stopped."""
        job = _Job(work, Control(), Future())
        self._take(job)
        result = asyncio.wrap_future(job.outcome)
        gone = asyncio.ensure_future(_client_gone(request))
        try:
            done, _ = await asyncio.wait({result, gone}, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
            if result in done:
                return cast("T", result.result())
        except Cancelled:
            raise StoreError("The server is about to stop; ask again in a moment") from None
        finally:
            gone.cancel()
            if not result.done():
                result.cancel()
                job.control.cancel()
        if gone in done:
            raise ClientDisconnect
        raise late

    async def quiet(self) -> None:
        """Wait until nothing is asked for: for what can wait."""
        while self._open:
            await asyncio.sleep(_QUIET_SECONDS)

    def _take(self, job: _Job) -> None:
        with self._guard:
            if self._closed:
                job.outcome.set_exception(Cancelled())
                return
            self._open.add(job)
            if len(self._threads) < min(self._at_once, len(self._open)):
                # A daemon: one that waits for a lock of another process must not hold up the end of this one.
                thread = threading.Thread(target=self._serve, name=f"report {len(self._threads) + 1}", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def _serve(self) -> None:
        from leadline.metrics.run import Runner

        with Runner(self._home) as runner:
            while True:
                try:
                    job = self._jobs.get(timeout=self._idle_seconds)
                except queue.Empty:
                    runner.close()
                    continue
                if job is None:
                    return
                _work(job, runner)
                with self._guard:
                    self._open.discard(job)

    def close(self) -> None:
        """Stop what runs and end the threads; what is asked later is refused."""
        with self._guard:
            self._closed = True
            threads, pending = self._threads, list(self._open)
        for job in pending:
            job.control.cancel()
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join(_STOP_SECONDS)


def _work(job: _Job, runner: Runner) -> None:
    if not job.outcome.set_running_or_notify_cancel():
        return  # given up while it waited
    try:
        job.control.check()
        job.outcome.set_result(job.work(runner, job.control))
    except BaseException as error:  # handed over to whoever waits, whatever it is
        job.outcome.set_exception(error)


async def _client_gone(request: Request | None) -> None:
    if request is None:
        await asyncio.Event().wait()
        return
    while (await request.receive())["type"] != "http.disconnect":
        pass
