"""The pool of reports: as many at once as it should, none longer than it may, none for a client that went away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from api.serving import eventually
from leadline.api.report_pool import ReportPool
from leadline.errors import LeadlineError, StoreError
from leadline.home import Home
from leadline.metrics.request import Control
from leadline.metrics.run import Runner

LATE = LeadlineError("too late")


def request(receive: Callable[[], Awaitable[Any]] | None = None) -> Request:
    """A request whose client stays, or does what ``receive`` says."""

    async def stay() -> Any:
        await asyncio.Event().wait()

    return Request({"type": "http", "method": "POST", "headers": []}, receive or stay)


@pytest.fixture
def pool(home: Home) -> Iterator[ReportPool]:
    with_time = ReportPool(home, seconds=60)
    yield with_time
    with_time.close()


def endless(began: threading.Event, ended: threading.Event) -> Callable[[Runner, Control], str]:
    """Work that goes on until it is stopped."""

    def work(_runner: Runner, control: Control) -> str:
        began.set()
        try:
            while True:
                control.check()
                threading.Event().wait(0.005)
        finally:
            ended.set()

    return work


def test_what_the_work_returns_or_raises(pool: ReportPool) -> None:
    def broken(_runner: Runner, _control: Control) -> str:
        raise StoreError("no disk")

    async def asked() -> str:
        return await pool.run(request(), lambda _runner, _control: "done", LATE)

    assert asyncio.run(asked()) == "done"
    with pytest.raises(StoreError, match="no disk"):
        asyncio.run(pool.run(request(), broken, LATE))
    assert asyncio.run(asked()) == "done"


def test_what_takes_too_long_is_stopped(home: Home) -> None:
    began, ended = threading.Event(), threading.Event()
    pool = ReportPool(home, seconds=1)
    with pytest.raises(LeadlineError, match="too late"):
        asyncio.run(pool.run(request(), endless(began, ended), LATE))
    # Threads start when first needed; what was given up meanwhile never begins.
    assert not began.is_set() or ended.wait(60)
    pool.close()


def test_a_client_that_goes_away_stops_the_work(pool: ReportPool) -> None:
    began, ended = threading.Event(), threading.Event()

    async def leave() -> Any:
        while not began.is_set():
            await asyncio.sleep(0.005)
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        asyncio.run(pool.run(request(leave), endless(began, ended), LATE))
    assert ended.wait(60)


def test_no_more_than_so_many_at_once(home: Home) -> None:
    running: list[int] = []
    most: list[int] = []
    guard = threading.Lock()
    pair = threading.Barrier(2)

    def work(runner: Runner, _control: Control) -> Runner:
        with guard:
            running.append(1)
            most.append(len(running))
        pair.wait(60)
        with guard:
            running.pop()
        return runner

    async def many(pool: ReportPool) -> list[Runner]:
        return await asyncio.gather(*(pool.run(request(), work, LATE) for _ in range(8)))

    pool = ReportPool(home, seconds=60, at_once=2)
    runners = asyncio.run(many(pool))
    pool.close()
    assert max(most) == 2
    assert len(set(map(id, runners))) == 2, "each thread keeps its own"


def test_what_waits_too_long_never_begins(home: Home) -> None:
    release, second = threading.Event(), threading.Event()
    pool = ReportPool(home, seconds=0.3, at_once=1)

    def first(_runner: Runner, _control: Control) -> None:
        assert release.wait(60)

    async def two() -> list[Any]:
        asked = (pool.run(request(), work, LATE) for work in (first, lambda _runner, _control: second.set()))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert asyncio.run(two()) == [LATE, LATE]
    release.set()
    pool.close()
    assert not second.is_set()


def test_closing_stops_what_runs(home: Home) -> None:
    began, ended = threading.Event(), threading.Event()
    pool = ReportPool(home, seconds=60)

    async def asked() -> None:
        task = asyncio.ensure_future(pool.run(request(), endless(began, ended), LATE))
        while not began.is_set():
            assert not task.done()
            await asyncio.sleep(0.005)
        await asyncio.to_thread(pool.close)
        await task

    with pytest.raises(StoreError, match="about to stop"):
        asyncio.run(asked())
    assert ended.is_set()
    assert eventually(lambda: not [thread for thread in pool._threads if thread.is_alive()])


def test_what_is_asked_after_closing_is_refused_and_starts_no_thread(pool: ReportPool) -> None:
    pool.close()
    with pytest.raises(StoreError, match="about to stop"):
        asyncio.run(pool.run(request(), lambda _runner, _control: "done", LATE))
    assert not pool._threads


def test_what_is_kept_is_given_back_when_idle(home: Home) -> None:
    pool = ReportPool(home, seconds=60, idle_seconds=0.01)
    runner = asyncio.run(pool.run(request(), _opened, LATE))
    eventually(lambda: runner._sessions._engine is None)
    asyncio.run(pool.run(request(), _opened, LATE))
    pool.close()


def _opened(runner: Runner, _control: Control) -> Runner:
    runner._sessions.prepare()
    return runner
