"""The process of ``stubs.object_store``: moto as S3, which counts requests and makes trouble when it is told to.

``PUT /-trouble-`` takes ``{"every": N, "latency": S}``: each request takes S seconds longer, and every Nth is answered with an
error that S3 knows, in turn before it is carried out and after. ``GET /-requests-`` tells how many there were since it was
last asked.
"""

from __future__ import annotations

import itertools
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server import threaded_moto_server as moto_server

_ERRORS = itertools.cycle([("503 Slow Down", "SlowDown"), ("500 Internal Server Error", "InternalError")])
Start = Callable[[str, list[tuple[str, str]]], Any]


class Unruly(moto_server.DomainDispatcherApplication):  # type: ignore[misc]
    """All requests go through it."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._turn = threading.Lock()
        self._requests, self._trouble = 0, {"every": 0, "latency": 0.0}

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/-trouble-":
            self._trouble = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            return _answer(start, "200 OK", b"")
        with self._turn:
            if path == "/-requests-":
                requests, self._requests = self._requests, 0
                return _answer(start, "200 OK", str(requests).encode())
            self._requests += 1
            number = self._requests
        time.sleep(self._trouble["latency"])
        return self._served(environ, start, number)

    def _served(self, environ: dict[str, Any], start: Start, number: int) -> Iterable[bytes]:
        every = self._trouble["every"]
        if not every or number % every:
            return super().__call__(environ, start)  # type: ignore[no-any-return]
        if number // every % 2:
            list(super().__call__(environ, lambda *_: lambda _: None))
        status, code = next(_ERRORS)
        return _answer(start, status, f"<Error><Code>{code}</Code><Message>Try again</Message></Error>".encode())


def _answer(start: Start, status: str, content: bytes) -> list[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))])
    return [content]


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto_server.DomainDispatcherApplication = Unruly
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until the process that started this one ends
    server.stop()


if __name__ == "__main__":
    main()
