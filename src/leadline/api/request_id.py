"""Which request a line of a log is about: the id that its client or a proxy gave it, or one of our own. The answer has it, too."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

from starlette.datastructures import Headers

HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
"""Ids as programs make them; another would be somebody's text in the log."""
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
"""A ``traceparent`` (W3C Trace Context)."""


@dataclass(frozen=True)
class RequestId:
    """``id`` of the request, and of the ``trace`` that it is part of (None: of none)."""

    id: str
    trace: str | None

    @classmethod
    def of(cls, headers: Headers) -> RequestId:
        """As the headers say: ``X-Request-ID``, else the trace's id, else a new one."""
        traced = _TRACE.fullmatch(headers.get("traceparent", ""))
        trace = traced[1] if traced else None
        given = headers.get(HEADER, "")
        return cls(given if _PLAIN.fullmatch(given) else trace or secrets.token_hex(16), trace)

    def in_trace(self, trace: str | None) -> RequestId:
        """As part of ``trace``, if there is one that spans are told of."""
        return self if trace is None else replace(self, trace=trace)

    @property
    def fields(self) -> dict[str, str]:
        """For every line of the log that is written while the request is answered."""
        return {"request_id": self.id, **({"trace_id": self.trace} if self.trace else {})}
