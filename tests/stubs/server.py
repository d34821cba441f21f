"""What the stubs of tools share: answers over real sockets, with a clock, rate limits, latency and faults on demand.

A stub is a ``Tool`` whose ``answer`` takes a ``Request`` and gives status, headers and a body (anything JSON can hold, or
bytes as they are). ``serving`` gives the address of a server of it. ``faults`` is asked before every answer and may spoil it.
"""

from __future__ import annotations

import email.utils
import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Reply = tuple[int, dict[str, str], Any]
"""Status, headers, body: None (empty), bytes (as they are) or anything JSON can hold."""


@dataclass(frozen=True)
class Fault:
    """How one answer is spoilt: another status, headers and body; ``cut``: the connection ends in the middle of it."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    cut: bool = False


JSON = (("Content-Type", "application/json"),)
_HTML = (("Content-Type", "text/html"),)

SERVER_ERROR = Fault(502, _HTML, b"<html>Oops!</html>")
TRUNCATED = Fault(cut=True)
HALF_JSON = Fault(200, JSON, b'{"data": [{"id": 1, "na')
HTML = Fault(200, _HTML, b"<html>please sign in</html>")
TOO_MANY = Fault(429, (("Retry-After", "3"), *JSON), b'{"message": "slow down"}')
TOO_MANY_UNTIL_SOME_TIME = Fault(429, JSON, b'{"message": "slow down"}')
PASSING = {
    "server error": SERVER_ERROR,
    "truncated": TRUNCATED,
    "half a JSON": HALF_JSON,
    "HTML": HTML,
    "429": TOO_MANY,
    "429 without a time": TOO_MANY_UNTIL_SOME_TIME,
}
"""Faults after which the same request is answered well. A tool that has others of its own adds them."""


@dataclass(frozen=True)
class Request:
    """One request: its number from 1, and what it asks. ``path`` is unquoted and without parameters, ``url`` is as asked;
    ``headers`` have names in lower case; ``body`` is the JSON that was sent."""

    number: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any = None

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.url).path)

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def query(self) -> str:
        """The GraphQL that was sent; empty if none was."""
        return str((self.body or {}).get("query", ""))

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of ``query``."""
        return (self.body or {}).get("variables") or {}

    @property
    def asked(self) -> str:
        """What makes it the same request as another."""
        return f"{self.method} {self.url} {json.dumps(self.body, sort_keys=True)}"


@dataclass(kw_only=True)
class Tool:
    """A tool on loopback. ``limit``: requests until its rate limit is used up, which ``limits`` tells in its own headers."""

    faults: Callable[[Request], Fault | None] = lambda _: None
    latency: float = 0.0
    limit: int = 1_000_000
    clock: float = 0.0
    """Seconds that the tool's clock is off."""
    requests: list[Request] = field(default_factory=list)
    not_modified: int = 0

    def answer(self, request: Request) -> Reply:
        """What the tool answers. One request at a time is answered."""
        raise NotImplementedError

    def limits(self, left: int, reset: int) -> dict[str, str]:
        """Headers of every answer that tell of the limit: requests left, and when (seconds since 1970) it is renewed."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(reset),
        }

    def now(self) -> float:
        return time.time() + self.clock

    def etagged(self, request: Request, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """``body`` with its ETag, or 304 if the request has it."""
        etag = f'W/"{hashlib.sha256(json.dumps(body).encode()).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            self.not_modified += 1
            return 304, {"ETag": etag}, None
        return 200, {"ETag": etag, **(headers or {})}, body

    def headers(self) -> dict[str, str]:
        """Date and limits, as every answer has them."""
        now = self.now()
        left = max(0, self.limit - len(self.requests))
        return {"Date": email.utils.formatdate(now, usegmt=True), **self.limits(left, int(now) + 60)}


class Answering(BaseHTTPRequestHandler):
    """Answers in one piece, or the first half of it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def send(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
        head = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in headers.items())]
        head += [f"Content-Length: {max(1, len(content)) if cut else len(content)}", "", ""]
        # In one piece: a head and a body apart would wait for each other's acknowledgement.
        self.wfile.write("\r\n".join(head).encode() + (content[: len(content) // 2] if cut else content))
        if cut:
            self.close_connection = True


class Handler(Answering):
    tool: Tool
    lock: threading.Lock

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        tool = self.tool
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(raw) if raw else None
            request = Request(len(tool.requests) + 1, self.command, self.path, headers, body)
            tool.requests.append(request)
            fault = tool.faults(request)
            common = tool.headers()
        if tool.latency:
            time.sleep(tool.latency)
        if fault is not None and not fault.cut:
            self.send(fault.status, {**common, **dict(fault.headers)}, fault.body or b"")
            return
        with self.lock:
            status, extra, answer = tool.answer(request)
        content = b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = {} if isinstance(answer, bytes) else {"Content-Type": "application/json; charset=utf-8"}
        self.send(status, {**common, **kind, **extra}, content, cut=fault is not None)


class Server(ThreadingHTTPServer):
    """One whose callers may end at any time, as a command does that is killed: nothing is printed about it."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def listening(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on loopback that answers by ``handler``, until the block ends."""
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def serving(tool: Tool) -> AbstractContextManager[str]:
    """The address of a server of ``tool``, until the block ends."""
    return listening(type("ToolHandler", (Handler,), {"tool": tool, "lock": threading.Lock()}))
