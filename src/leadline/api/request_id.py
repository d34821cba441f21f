"""Which request a line of a log is about: the id that its client or a proxy gave it, or one of our own. The answer has it, too, and
the trace that the request came with."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

from starlette.datastructures import Headers

HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
"""Ids as programs make them; another would be somebody's text in the log."""
TRACEPARENT = "traceparent"
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?"
)
"""One of W3C Trace Context; versions to come may say more."""


@dataclass(frozen=True)
class Parent:
    """The span of a client's trace that a request came of, by a ``traceparent``."""

    trace: str
    span: str
    flags: str

    @classmethod
    def of(cls, text: str) -> Parent | None:
        """As ``text`` says; None for what says nothing."""
        said = _TRACEPARENT.fullmatch(text)
        if said is None or (said["version"] == "00" and said["more"]):
            return None
        return cls(said["trace"], said["span"], said["flags"])

    def answered(self, span: str | None) -> str:
        """The ``traceparent`` of the answer: of the same trace, and of our ``span`` in it, if it has one."""
        return f"00-{self.trace}-{span or self.span}-{self.flags}"


@dataclass(frozen=True)
class RequestId:
    """``id`` of the request, and of the ``trace`` that it is part of (None: of none); the ``parent`` that it came with."""

    id: str
    trace: str | None
    parent: Parent | None = None

    @classmethod
    def of(cls, headers: Headers) -> RequestId:
        """As the headers say: ``X-Request-ID``, else the trace's id, else a new one."""
        parent = Parent.of(headers.get(TRACEPARENT, ""))
        trace = parent.trace if parent else None
        given = headers.get(HEADER, "")
        return cls(given if _PLAIN.fullmatch(given) else trace or secrets.token_hex(16), trace, parent)

    def in_trace(self, trace: str | None) -> RequestId:
        """As part of ``trace``, if there is one that spans are told of."""
        return self if trace is None else replace(self, trace=trace)

    @property
    def fields(self) -> dict[str, str]:
        """For every line of the log that is written while the request is answered."""
        return {"request_id": self.id, **({"trace_id": self.trace} if self.trace else {})}
