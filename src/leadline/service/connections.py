"""HTTP/1.1 connections that cannot be held: what a client may send and how long it may take are bounded, and where all connections
are taken, the one whose client has kept the server waiting longest makes room. uvicorn's own protocol bounds none of this, and its
limit of connections refuses whoever comes last, probes too. Every refusal has the one error shape.

A connection is looked at once a second (``check``); the time that a client may take is counted from when the server began to wait
for it, so that the time the server itself takes never counts."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import resource
import socket
from collections import OrderedDict
from enum import Enum
from typing import Any, cast

import h11
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from leadline.errors import LeadlineError

log = structlog.get_logger("leadline.server")

MAX_HEAD = 16 << 10
"""Largest request line and headers together, in bytes."""

HEAD_SECONDS = 10.0
"""How long a request's line and headers may take, from the connection's start or the end of the answer before."""

BODY_SECONDS = 300.0
"""How long a request's body may take in all."""

STALL_SECONDS = 30.0
LEAST_RATE = 1 << 10
"""Bytes a second that a client must send or take, over every ``STALL_SECONDS`` in which the server waits for it."""

REST_SECONDS = 10.0
"""How long the rest of a body is dropped after the answer: a client that is cut off while sending may never see it."""

READ_BYTES = 16 << 10
"""Bytes read at a time. What was read is worked through at once, so more would keep others from their turn."""

FREE_CHUNKS = 1_000
LEAST_CHUNK = 16
"""Chunks of a body that may be of any size, and the bytes that more of them must have on average: each costs as much as thousands
of bytes."""

UNSENT_BYTES = 64 << 10
"""What the system keeps of an answer that the client does not take, beside as much in the process."""

OTHER_FILES = 256
"""Files that a server has open for other things than connections and downloads."""

MOST_FILES = 65_536


class Wait(Enum):
    """What of a client the server waits for."""

    HEAD = "its next request's line and headers"
    BODY = "its request's body"
    REST = "the rest of a body that is dropped"
    READING = "its reading of the answer"
    LEAVING = "its reading of the last answer"


class Connections(ServerState):
    """The connections of one server, at most ``most``: those longest without a sign of their client first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.by_activity: OrderedDict[BoundedProtocol, None] = OrderedDict()

    def make_room(self) -> bool:
        """Drop the first connection that waits for its client if there are too many; whether there is room now."""
        if len(self.by_activity) <= self.most:
            return True
        waiting = next((other for other in self.by_activity if other.waits_for() is not None), None)
        if waiting is None or waiting is next(reversed(self.by_activity)):
            return False
        waiting.drop()
        return True

    def check(self, now: float) -> None:
        """Drop connections whose client has taken too long at ``now`` (the event loop's time)."""
        for connection in list(self.connections):
            cast("BoundedProtocol", connection).check(now)


def connection_limit(wanted: int) -> int:
    """How many connections a server can take of those ``wanted``: each may have a file open beside its socket. The process's limit
    of open files is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft == resource.RLIM_INFINITY:
        return wanted
    limit = max(8, min(wanted, (soft - OTHER_FILES) // 2))
    if limit < wanted:
        log.warning("fewer connections than set: too few open files are allowed", connections=limit, open_files=soft)
    return limit


class BoundedParser(h11.Connection):
    """HTTP/1.1 with a bound for a request's head, wherever its bytes are cut, and for the number of its chunks; ``status`` is
    the answer to what was refused."""

    status = 400

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD)
        self._chunks = self._chunked = 0

    def next_event(self) -> Any:
        """As h11's. Raises ``RemoteProtocolError``."""
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.status = 431 if error.error_status_hint == 431 else 400
            raise
        if isinstance(event, h11.Data):
            self._count(event)
        elif isinstance(event, h11.Request):
            self._chunks = self._chunked = 0
            if _head_bytes(event) > MAX_HEAD:
                self.status = 431
                raise h11.RemoteProtocolError("Head too large")
        return event

    def _count(self, data: h11.Data) -> None:
        self._chunked += len(data.data)
        self._chunks += data.chunk_end
        if self._chunks > FREE_CHUNKS and self._chunked < self._chunks * LEAST_CHUNK:
            raise h11.RemoteProtocolError("Chunks too small")


def _head_bytes(request: h11.Request) -> int:
    # As written: the line's two blanks, version and end, and the colon, blank and end of each header.
    line = len(request.method) + len(request.target) + len(" HTTP/1.1\r\n") + 1
    return line + sum(len(name) + len(value) + 4 for name, value in request.headers) + 2


_REFUSALS = {
    400: LeadlineError("Invalid HTTP request received", code="malformed_http"),
    408: LeadlineError("The request did not arrive in time", code="too_slow"),
    431: LeadlineError(
        f"The address and headers are larger than {MAX_HEAD:,} bytes, the most that is taken", code="head_too_large"
    ),
    503: LeadlineError(
        "All connections of the server are taken; come again in a few seconds", code="too_many_connections"
    ),
}


class BoundedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """One connection."""

    server_state: Connections

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = BoundedParser()
        self._buffer = bytearray()
        self._received = self._drained = 0
        self._state: tuple[Any, ...] = ()
        self._since = self._asked_at = 0.0
        self._bytes_then = 0

    # -- what asyncio and uvicorn call ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, if there is or can be made room."""
        super().connection_made(cast("asyncio.Transport", transport))
        if hasattr(socket, "TCP_NOTSENT_LOWAT") and (raw := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self.check(self.loop.time())
        self.server_state.by_activity[self] = None
        if not self.server_state.make_room():
            self.refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.server_state.by_activity.pop(self, None)
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 -- asyncio's
        """Where to put what is read next."""
        self._buffer = bytearray(READ_BYTES)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Work through what was read."""
        data, self._buffer = bytes(memoryview(self._buffer)[:nbytes]), bytearray()
        self._received += nbytes
        self._touch()
        self.data_received(data)

    def resume_writing(self) -> None:
        """Go on with the answer: the client took some of it."""
        self._drained += 1
        self._touch()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's words say no more
        """Refuse what is no HTTP, or too much of it."""
        self.refuse(cast("BoundedParser", self.conn).status)

    def _touch(self) -> None:
        if self in self.server_state.by_activity:
            self.server_state.by_activity.move_to_end(self)

    # -- what bounds it ------------------------------------------------------------------------------------------------

    def waits_for(self) -> Wait | None:
        """What of the client the server waits for now; None while it works itself."""
        if self.transport.is_closing():
            return Wait.LEAVING
        if self.flow.write_paused:
            return Wait.READING
        sends_body = self.conn.their_state is h11.SEND_BODY
        if self.cycle is None or self.cycle.response_complete:
            return Wait.REST if sends_body else Wait.HEAD
        return Wait.BODY if sends_body and not self.flow.read_paused else None

    def check(self, now: float) -> None:
        """End the connection if at ``now`` its client has taken too long."""
        wait = self.waits_for()
        # A request that is over, or an answer that went on meanwhile, begins the time anew.
        state = (wait, self.cycle, self._drained)
        if state != self._state:
            if self.cycle not in self._state:
                self._asked_at = now
            self._begin(now, state)
            return
        waited = now - self._since
        if wait is Wait.HEAD and waited > HEAD_SECONDS:
            self._end_late(wait)
        elif wait is Wait.REST and waited > REST_SECONDS:
            self.transport.close()
        elif wait is Wait.BODY and now - self._asked_at > BODY_SECONDS:
            self._end_late(wait)
        elif wait in (Wait.BODY, Wait.READING, Wait.LEAVING) and waited > STALL_SECONDS:
            if self._moved() < LEAST_RATE * waited:
                self._end_late(wait)
            else:
                self._begin(now, state)

    def _begin(self, now: float, state: tuple[Any, ...]) -> None:
        self._state, self._since = state, now
        self._bytes_then = self._bytes()

    def _bytes(self) -> int:
        # What is left to send only shrinks while the server waits.
        receiving = self._state[0] is Wait.BODY
        return self._received if receiving else -self.transport.get_write_buffer_size()

    def _moved(self) -> int:
        return self._bytes() - self._bytes_then

    def _end_late(self, wait: Wait) -> None:
        began = bool(self.conn.trailing_data[0]) or wait is Wait.BODY
        if wait in (Wait.HEAD, Wait.BODY) and began:
            self.refuse(408)
        elif wait is Wait.HEAD:
            self.transport.close()
        else:
            self.drop()

    def drop(self) -> None:
        """End the connection at once, whatever was still to be said."""
        self.server_state.by_activity.pop(self, None)
        self.transport.abort()

    def refuse(self, status: int) -> None:
        """Answer with a refusal, unless an answer was begun, and close the connection."""
        body = json.dumps(_REFUSALS[status].body()).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
            ("connection", "close"),
            *([("retry-after", "5")] if status == 503 else []),
        ]
        reason = http.HTTPStatus(status).phrase.encode()
        response = h11.Response(status_code=status, headers=headers, reason=reason)
        with contextlib.suppress(h11.LocalProtocolError):  # an answer was already begun
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None and not self.cycle.response_complete:
            # What works on the request learns that nobody waits for it.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
