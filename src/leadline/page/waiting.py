"""Pages that take longer than people like to look at nothing: after a moment there is a page that says so and asks again by itself,
while what was asked for goes on. Whoever asks again gets it as soon as it is there."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from leadline.page import cookies
from leadline.page.words import span

HELD_SECONDS = 1.5
"""How long a request is held up before the page that says so."""

KEPT_SECONDS = 60.0
"""How long a page that nobody asks for again is kept."""

MOST = 100
"""Pages that are waited for at a time; who comes on top is held up."""

AGAIN = "x-waiting"
"""The header by which a page that waits asks again."""

Answer = Callable[[Request], Awaitable[Response]]
Key = tuple[str, str]


@dataclass
class _Begun:
    """A page that is being made since ``at``, and was last asked for at ``asked``."""

    at: float
    asked: float
    task: asyncio.Future[Response] = field(init=False)

    @classmethod
    def of(cls, request: Request, answer: Answer) -> _Begun:
        """Begin it."""
        now = time.monotonic()
        begun = cls(now, now)
        begun.task = asyncio.ensure_future(begun.made(request, answer))
        return begun

    async def made(self, request: Request, answer: Answer) -> Response:
        """The page. Where the time for one answer was up, what was computed by then is kept, and the next try goes on from
        there, as long as somebody asks."""
        while True:
            request.state.late = False
            response = await answer(request)
            if not request.state.late or time.monotonic() - self.asked > KEPT_SECONDS:
                return response


class WaitingRoom:
    """What is waited for on one server. ``visit_of`` finds who asks, ``page`` makes the page that says so."""

    def __init__(
        self,
        visit_of: Callable[[Request], object | None],
        page: Callable[[Request, str], Response],
        *,
        held_seconds: float = HELD_SECONDS,
    ) -> None:
        self._visit_of = visit_of
        self._page = page
        self._held = held_seconds
        self._begun: OrderedDict[Key, _Begun] = OrderedDict()

    async def answer(self, request: Request, answer: Answer) -> Response:
        """What ``answer`` makes of ``request``, or the page that says that it takes a while."""
        key = _key(request)
        if key is None:
            return await answer(request)
        self._forget_old()
        begun = self._begun.get(key)
        if begun is not None and await run_in_threadpool(self._visit_of, request) is None:
            return await answer(request)  # signed out meanwhile
        if begun is None:
            if len(self._begun) >= MOST:
                return await answer(request)
            begun = self._begun[key] = _Begun.of(_staying(request), answer)
        begun.asked = time.monotonic()
        await asyncio.wait({begun.task}, timeout=self._held)
        if begun.task.done():
            self._begun.pop(key, None)
            return begun.task.result()
        if await run_in_threadpool(self._visit_of, request) is None:
            return await begun.task
        # Beside the loop, which all wait for: a page may be the first that looks at the data.
        return await run_in_threadpool(self._page, request, span(time.monotonic() - begun.at))

    def _forget_old(self) -> None:
        now = time.monotonic()
        for key, begun in list(self._begun.items()):
            if now - begun.asked > KEPT_SECONDS and begun.task.done():
                del self._begun[key]
                if not begun.task.cancelled():
                    begun.task.exception()  # which nobody asks for any more


def _key(request: Request) -> Key | None:
    """Whose page it is, of which address; None for what is no page that somebody looks at."""
    session = request.cookies.get(cookies.name(request))
    part = request.headers.get("hx-request") and not request.headers.get(AGAIN)
    if request.method != "GET" or not session or part or "text/html" not in request.headers.get("accept", "*/*"):
        return None
    return hashlib.sha256(session.encode()).hexdigest(), f"{request.url.path}?{request.url.query}"


def _staying(request: Request) -> Request:
    """``request`` as if whoever asks stayed: they do, though each time by another connection."""

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    return Request(request.scope, receive)
