"""Structured logs: one line per event on stderr, as text for people or JSON for programs, and never a key in it. Every string in a
line, also of the libraries, is scrubbed of what looks like an API key, and neither request headers nor query strings are ever
logged. Whoever reads it holds up nothing (``log_stream``)."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadline.api.log_stream import unblocked
from leadline.api.request_id import HEADER, TRACEPARENT, RequestId
from leadline.errors import InvalidRequest
from leadline.tracing import Span, span

_KEY = re.compile(r"(?<![0-9a-z])(ll_[0-9a-f]{4,12})[0-9a-f]*_[0-9a-z]{8,}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

FORMS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error")

_ASKED_AGAIN = ("/healthz", "/readyz", "/metrics", "/exports/{exportId}")
"""How routes end that programs ask over and over: answered as they wish, these are told of at the level ``debug`` only."""

CLIENT_GONE = 499
"""The status, as proxies count it, of a request whose client went away, or was too slow, before there was an answer."""

log = structlog.get_logger("leadline.api")


def configure(form: str | None = None, stream: TextIO | None = None, *, level: str = "info") -> None:
    """Send all logs from ``level`` on to ``stream`` (stderr) in ``form``: ``json``, ``text``, or None for text on a terminal, else
    JSON. Raises ``InvalidRequest`` for another form or level."""
    stream = stream or sys.stderr
    form = (form or ("text" if stream.isatty() else "json")).strip().lower()
    if form not in FORMS:
        raise InvalidRequest(f"LEADLINE_LOG cannot be {form!r}; it must be one of {', '.join(FORMS)}")
    if level.strip().lower() not in LEVELS:
        raise InvalidRequest(f"LEADLINE_LOG_LEVEL cannot be {level!r}; it must be one of {', '.join(LEVELS)}")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(unblocked(stream))
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, scrub, renderer])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.strip().upper())
    # The request line below says more than the server's own.
    logging.getLogger("uvicorn.access").disabled = True
    # One line for every call to a tool, with the whole address: that of a redirected file may hold a signature.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def scrub(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace, anywhere in the event, what looks like an API key; its prefix stays, for finding the key."""
    return {name: _scrubbed(value) for name, value in event.items()}


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return _KEY.sub(r"\1_…", value)
    if isinstance(value, dict):
        return {name: _scrubbed(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(member) for member in value]
    return value


class LogRequests:
    """Logs each request when its answer is out: method, route, status, milliseconds, and the export it was about. Its id is in the
    answer and in every line until then. ``observe(route, method, status, seconds)`` is told the same, for the metrics."""

    def __init__(self, app: ASGIApp, observe: Callable[[str, str, int, float], None]) -> None:
        self.app = app
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        identity = RequestId.of(headers)
        method = _known_method(scope["method"])
        with (
            span(method, headers=headers, http_request_method=method, leadline_request=identity.id) as told,
            structlog.contextvars.bound_contextvars(**identity.in_trace(told.trace_id).fields),
        ):
            await self._answer(identity, told, scope, receive, send)

    async def _answer(self, identity: RequestId, told: Span, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        status = 500  # unless an answer says otherwise, nobody answered
        scope.setdefault("state", {})

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                told_to_client = MutableHeaders(scope=message)
                told_to_client[HEADER] = identity.id
                if identity.parent is not None:
                    told_to_client[TRACEPARENT] = identity.parent.answered(told.span_id)
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            if scope["state"].get("client_gone"):
                status = CLIENT_GONE
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", None)
            self.observe(route or "(none)", _known_method(scope["method"]), status, seconds)
            _tell(told, scope, route, status)
            _log_request(scope, route, status, seconds)


def _tell(told: Span, scope: Scope, route: str | None, status: int) -> None:
    """What is known of a request once it is answered. Its path may be somebody's text, its route is not."""
    if route is not None:
        told.rename(f"{_known_method(scope['method'])} {route}")
    told.tell(http_route=route, leadline_export=_export_of(scope))
    told.tell(**{"http.response.status_code": status})
    if status >= 500:
        told.fail(f"answered {status}")


def _export_of(scope: Scope) -> str | None:
    """The export that a request was about, if it was about one."""
    export = scope["state"].get("export") or scope.get("path_params", {}).get("exportId")
    return _CONTROL.sub("?", str(export))[:80] if export else None


def _log_request(scope: Scope, route: str | None, status: int, seconds: float) -> None:
    fields: dict[str, Any] = {"method": _known_method(scope["method"]), "status": status}
    # An unknown path is somebody's text: shown shortened, without control characters.
    fields["path"] = route or _CONTROL.sub("?", scope["path"])[:200]
    fields["ms"] = round(seconds * 1000, 2)
    if export := _export_of(scope):
        fields["export"] = export
    if key := scope["state"].get("key_id"):
        fields["key_id"] = key
    at = "warning" if status >= 500 else "debug" if status < 400 and fields["path"].endswith(_ASKED_AGAIN) else "info"
    getattr(log, at)("request", **fields)


def _known_method(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE") else "(other)"
