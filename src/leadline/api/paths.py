"""One spelling for every address: documented base paths, doubled slashes and a trailing slash all reach the same route. The
documented base URLs end in a path and a slash, and the documented clients join with a slash: ``//v2/…`` under ``/gratis/sei/api``
must be ``/v2/…``. An ASGI middleware rewrites the path before routing; bodies pass untouched."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")


def normalize(path: str, prefixes: Sequence[str]) -> str:
    """``path`` (already percent-decoded) without a configured prefix, doubled slashes and a trailing slash. A prefix only counts as
    whole path segments; of several that fit the longest is taken, once."""
    path = _SLASHES.sub("/", path)
    for prefix in sorted(prefixes, key=len, reverse=True):
        if path == prefix or path.startswith(prefix + "/"):
            path = path[len(prefix) :]
            break
    return path.rstrip("/") or "/"


class NormalizePaths:
    """Rewrites the path of each request by ``normalize``."""

    def __init__(self, app: ASGIApp, prefixes: Sequence[str]) -> None:
        self.app = app
        self.prefixes = tuple(prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer under the normalized path."""
        if scope["type"] == "http" and (path := normalize(scope["path"], self.prefixes)) != scope["path"]:
            scope = {**scope, "path": path}
        await self.app(scope, receive, send)
