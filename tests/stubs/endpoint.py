"""A stub of an endpoint that is told of events: keeps what it gets, checks signatures, and answers as it is told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One message as it came."""

    id: str
    timestamp: int
    signature: str
    body: bytes
    path: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def signed_with(self, secret: str) -> bool:
        """Whether the signature is right, as the scheme says."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = f"{self.id}.{self.timestamp}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return self.signature == f"v1,{expected}"


@dataclass
class Endpoint:
    """What came, and the ``answer`` (status, headers) to the next message."""

    url: str = ""
    answer: Callable[[Received], tuple[int, dict[str, str]]] = lambda _message: (204, {})
    received: list[Received] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.received]


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint on a free port of the loopback."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = Received(
                self.headers["webhook-id"],
                int(self.headers["webhook-timestamp"]),
                self.headers["webhook-signature"],
                body,
                self.path,
            )
            with endpoint.guard:
                endpoint.received.append(message)
            status, headers = endpoint.answer(message)
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
