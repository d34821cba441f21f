"""Spans of what leadline does (requests, exports, runs of sources), sent to an OpenTelemetry collector whose variables are set.

Without them nothing is loaded and a span costs nothing. The SDK comes with the extra ``otel`` and reads its variables itself; only
OTLP over HTTP is spoken.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""The variables of which one must say where the collector is."""
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"
_SERVICE = "OTEL_SERVICE_NAME"
FLUSH_SECONDS = 1.0
"""How long the end of a process may wait for a collector."""

Value = str | int | float | bool


class _State:
    """Of this process: where its spans go, if anywhere."""

    provider: TracerProvider | None = None


class Span:
    """What is told of one piece of work; of one that nobody wants to know of, nothing is kept."""

    trace_id: str | None = None
    """The id of the trace that it is part of."""
    span_id: str | None = None
    """Its own id in that trace."""

    def tell(self, **attributes: Value | None) -> None:
        """What else is known of it; ``_`` in a name stands for a dot, unless the name has one already."""

    def rename(self, name: str) -> None:
        """What it is called, once that is known."""

    def fail(self, why: str) -> None:
        """It did not do what it should."""


_OFF = Span()


def configure(environ: Mapping[str, str] = os.environ) -> str | None:
    """Send spans from now on if the variables say where to; why that cannot be, if so. A second call changes nothing."""
    if _State.provider is not None or not is_wanted(environ):
        return None
    protocol = next((text for name in _PROTOCOLS if (text := environ.get(name, "").strip())), _SPOKEN)
    if protocol != _SPOKEN:
        return f"No spans are sent: {_PROTOCOLS[1]} is {protocol[:40]}, and leadline speaks {_SPOKEN}"
    try:
        _State.provider = _provider(environ)
    except ImportError:
        return "No spans are sent, though OTEL_… variables say where to: pip install 'leadline[otel]'"
    except ValueError as error:
        return f"No spans are sent: the OTEL_… variables cannot be used: {error}"
    return None


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the variables say where spans go."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    none = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return not is_off and not none and any(environ.get(name, "").strip() for name in ENDPOINTS)


def _provider(environ: Mapping[str, str]) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from leadline import __version__

    is_named = environ.get(_SERVICE, "").strip() or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    named = {} if is_named else {"service.name": "leadline"}
    provider = TracerProvider(
        resource=Resource.create({"service.version": __version__, **named}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


@contextmanager
def span(name: str, *, headers: Mapping[str, str] | None = None, **attributes: Value | None) -> Iterator[Span]:
    """A span while the block runs, below the one that is open; with the ``headers`` of a request, one of a server, in the trace
    that they name. What the block raises fails it. ``_`` in the names of ``attributes`` stands for a dot."""
    if _State.provider is None:
        yield _OFF
        return
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    context = None if headers is None else extract(headers)
    kind = SpanKind.INTERNAL if headers is None else SpanKind.SERVER
    tracer = _State.provider.get_tracer("leadline")
    with tracer.start_as_current_span(name, context, kind, record_exception=False) as opened:
        told = _Open(opened)
        told.tell(**attributes)
        yield told


class _Open(Span):
    def __init__(self, opened: OtelSpan) -> None:
        self._span = opened
        context = opened.get_span_context()
        self.trace_id, self.span_id = format(context.trace_id, "032x"), format(context.span_id, "016x")

    def tell(self, **attributes: Value | None) -> None:
        known = {
            name if "." in name else name.replace("_", "."): value
            for name, value in attributes.items()
            if value is not None
        }
        self._span.set_attributes(known)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, why[:500]))


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Send what waits, as the process ends. A collector that does not answer holds nobody up for longer than ``seconds``."""
    if (provider := _State.provider) is not None:
        sending = threading.Thread(target=provider.force_flush, name="spans", daemon=True)
        sending.start()
        sending.join(seconds)
