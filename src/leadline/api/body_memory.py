"""Memory for the bodies of requests in progress: however many clients send large bodies, and however slowly, no more than so much
of them is held at a time. Those who come later are read later: meanwhile the system keeps their senders waiting. Bodies without a
key have memory of their own, so that strangers keep nobody from pushing."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Scope

from leadline.errors import LeadlineError

FREE_BYTES = 64 << 10
"""The part of each body that takes none of this memory: small ones never wait for large ones."""

KEYED_BYTES = 128 << 20
"""For bodies of requests with a key."""

UNKEYED_BYTES = 64 << 20
"""For those of webhooks, whose signature can be checked only when they are there."""

WAIT_SECONDS = 10.0
"""How long a request may wait for its memory."""

_HELD = "body_memory"


class Busy(LeadlineError):
    """More is sent than can be taken now."""

    code = "busy"
    http_status = 503


class Memory:
    """``size`` bytes, given in the order asked for. Use from one event loop; ask for no more than ``size``."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int) -> None:
        """Take ``amount`` bytes as soon as they are there. Raises ``Busy`` if that takes too long."""
        if not self._waiting and amount <= self._free:
            self._free -= amount
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await asyncio.wait_for(turn, WAIT_SECONDS)
        except TimeoutError:
            # One that asked for much and gave up may have kept others waiting.
            self.give(0)
            raise Busy("More is being sent than the server can take now; send it again in a few seconds") from None

    def give(self, amount: int) -> None:
        """Give back ``amount`` bytes."""
        self._free += amount
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._free):
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= wanted
                turn.set_result(None)


@dataclass
class BodyMemory:
    """The memory of one server."""

    keyed: Memory = field(default_factory=lambda: Memory(KEYED_BYTES))
    unkeyed: Memory = field(default_factory=lambda: Memory(UNKEYED_BYTES))

    async def hold(self, request: Request, amount: int) -> None:
        """Take what a body of at most ``amount`` bytes needs, until ``release``. Raises ``Busy``."""
        memory = self.keyed if hasattr(request.state, "key_id") else self.unkeyed
        await memory.take(amount)
        request.scope["state"][_HELD] = (memory, amount)


def keep(scope: Scope, amount: int) -> None:
    """Give back all but ``amount`` bytes of what the request holds."""
    memory, held = scope.get("state", {}).pop(_HELD, (None, 0))
    if memory is not None:
        memory.give(held - min(amount, held))
        scope["state"][_HELD] = (memory, min(amount, held))


def release(scope: Scope) -> None:
    """Give back all that the request holds."""
    keep(scope, 0)
