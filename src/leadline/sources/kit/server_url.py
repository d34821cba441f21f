"""The address of a tool's server as people give it: checked, and spelled in one way.

A secret is sent through TLS only, or to this machine, and an address, which is stored, holds none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from leadline.errors import InvalidRequest
from leadline.sources.kit.reach import LOOPBACK


@dataclass(frozen=True)
class Server:
    """``place``: host, port and path, which name it in cursors and ids; ``base``: its address, without a last slash."""

    place: str
    base: str


def split(text: str, what: str, example: str) -> SplitResult:
    """The parts of an address that may be read. ``what`` names it in errors (``--url``), ``example`` shows one.

    Raises ``InvalidRequest`` for anything else, without showing a password."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise InvalidRequest(f"{what} is no address ({error}); write it as {example}") from error
    if parts.username or parts.password:
        raise InvalidRequest(f"{what} must not hold a user or a password, because it is stored")
    is_odd = any(letter.isspace() or ord(letter) < 32 for letter in text)
    if is_odd or not host or parts.scheme not in ("https", "http") or (parts.scheme == "http" and host not in LOOPBACK):
        raise InvalidRequest(f"{what} cannot be {text[:80]!r}; write it as {example}")
    return parts


def server(url: str, *, example: str, pages: Sequence[str] = ()) -> Server:
    """The server at ``url``; a path ends before the first of ``pages``, which are parts of the tool's own addresses.

    Raises ``InvalidRequest`` for what is no such address."""
    parts = split(url.strip(), "--url", example)
    path: list[str] = []
    for part in filter(None, parts.path.split("/")):
        if part in pages:
            break
        path.append(part)
    host = (parts.hostname or "").lower()
    name = f"[{host}]" if ":" in host else host
    port = parts.port
    place = "/".join([name if port is None else f"{name}:{port}", *path])
    return Server(place, f"{parts.scheme}://{place}")
