"""A server of files on loopback: validators, redirects, encodings and a token, over real sockets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from stubs.server import Reply, Request, Tool

TOKEN = "filestub0123"


@dataclass
class Files(Tool):
    """``files`` by path. ``token``: what ``header`` must be (empty: nothing). ``elsewhere``: redirects by path."""

    files: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Mapping[str, str]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    header: str = "authorization"
    token: str = ""
    validators: str = "both"

    def limits(self, left: int, reset: int) -> dict[str, str]:  # noqa: ARG002 - as it is called
        return {}

    def answer(self, request: Request) -> Reply:
        if self.token and request.headers.get(self.header) != self.token:
            return 401, {"WWW-Authenticate": "Bearer"}, b"no"
        if request.path in self.elsewhere:
            return 302, {"Location": self.elsewhere[request.path]}, b""
        content = self.files.get(request.path)
        if content is None:
            return 404, {}, b"no such file"
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        # As long ago as the content says: every version has its own date.
        modified = f"Mon, 05 Jan 2026 10:{int(etag[1:3], 16) % 60:02}:{int(etag[3:5], 16) % 60:02} GMT"
        own = {"ETag": etag} if self.validators in ("both", "etag") else {}
        own |= {"Last-Modified": modified} if self.validators in ("both", "modified") else {}
        asked = request.headers.get("if-none-match")
        if (asked and asked == own.get("ETag")) or (
            not asked and "Last-Modified" in own and request.headers.get("if-modified-since") == modified
        ):
            self.not_modified += 1
            return 304, own, None
        kind = self.types.get(request.path)
        return 200, {**own, **({"Content-Type": kind} if kind else {}), **self.extra.get(request.path, {})}, content
