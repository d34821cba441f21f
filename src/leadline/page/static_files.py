"""Files that pages load: styles, scripts, pictures, fonts. The address of each has the digest of its content in it, so browsers
keep it for ever and a new version has a new address."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from leadline.api.negotiation import takes_gzip
from leadline.errors import NotFound

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"

_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml", ".txt": "text/plain"}
_COMPRESSED_ALREADY = (".woff2", ".png")
# The address of another file here, as style sheets write it.
_REFERENCE = re.compile(r'url\("(?!/)([^"]+)"\)')


@dataclass(frozen=True)
class Asset:
    """A file as it is sent. ``gzipped`` is None where compressing saves nothing."""

    body: bytes
    gzipped: bytes | None
    media_type: str
    digest: str


@cache
def asset(name: str) -> Asset:
    """The file ``name`` (with ``/``), read once. Raises ``NotFound``."""
    path = FOLDER / name
    if name not in _names():
        raise NotFound(f"There is no file {name[:80]!r}")
    body = path.read_bytes()
    if path.suffix == ".css":
        body = _REFERENCE.sub(lambda found: f'url("{static_url(found[1])}")', body.decode()).encode()
    gzipped = None if path.suffix in _COMPRESSED_ALREADY else gzip.compress(body, 9, mtime=0)
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(body, gzipped, media_type, hashlib.sha256(body).hexdigest()[:16])


@cache
def _names() -> frozenset[str]:
    return frozenset(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


def static_url(name: str) -> str:
    """The address of a file. Raises ``NotFound``, so that a template cannot name one that is not there."""
    return f"/static/{asset(name).digest}/{name}"


def send(request: Request, digest: str, name: str) -> Response:
    """Answer with a file. Raises ``NotFound``, also where the content is not that of the address any more."""
    file = asset(name)
    if digest != file.digest:
        raise NotFound("This file has changed; load the page again")
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if file.gzipped is not None and takes_gzip(request.headers.get("accept-encoding")):
        return Response(file.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)
