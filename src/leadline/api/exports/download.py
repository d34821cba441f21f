"""How an export's file is sent: whole or in part, compressed or not, streamed.

Text exports are stored gzipped and sent as they lie with ``Content-Encoding: gzip``, so that a client which decodes gets
the text and one which does not gets a ``.gz``; a client that rules gzip out, and an export made with
``options.compression: none``, get it decompressed on the way. Memory use does not depend on the file's size.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import IO, Annotated, cast

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from leadline.api.negotiation import ByteRange, etag, not_modified, parse_range, takes_gzip
from leadline.api.query import Headers, HeaderText, MayBeAbsent, Parameters, choice, invalid_parameters
from leadline.errors import Detail, LeadlineError, NotFound, StoreError
from leadline.exports.service import StoredFile

PLAIN, GZIP = "none", "gzip"
"""The encodings that an address can ask for."""
CHUNK = 64 * 1024
"""Bytes read and sent at a time: what a client that does not read on holds."""


class FileHeaders(Headers):
    """What a client says about a file that it may have already."""

    accept_encoding: MayBeAbsent[HeaderText] = Field(
        None, description="Text is sent gzipped unless this rules gzip out.", examples=["gzip"]
    )
    if_none_match: MayBeAbsent[HeaderText] = Field(
        None, description="Entity tags that the client has.", examples=['"…"']
    )


class DownloadHeaders(FileHeaders):
    """What a client says about the part of a file that it wants."""

    range: MayBeAbsent[HeaderText] = Field(None, description="One range of bytes.", examples=["bytes=0-1023"])
    if_range: MayBeAbsent[HeaderText] = Field(
        None, description="The entity tag that `Range` is about.", examples=['"…"']
    )


class DownloadQuery(Parameters):
    """How the file is wanted, whatever the headers say."""

    encoding: MayBeAbsent[Annotated[str, choice(PLAIN, GZIP)]] = Field(
        None,
        description="`none`: text as it is; `gzip`: the `.gz` file itself, as `application/gzip`. By default the headers say.",
    )


def respond(stored: StoredFile, headers: FileHeaders, encoding: str | None = None) -> Response:
    """The answer to a download of ``stored``: 200, 206 or 304; the headers alone unless these are ``DownloadHeaders``. ``encoding``
    as in ``DownloadQuery``. Raises ``RangeNotSatisfiable``; ``InvalidRequest`` for a file that is not gzipped where that is wanted;
    ``NotFound`` if the file was cleaned away in this moment; ``StoreError`` if it is damaged."""
    if encoding == GZIP and not stored.gzip:
        raise invalid_parameters([Detail("encoding", "none; this file is compressed inside and not gzipped")])
    by_headers = stored.gzip and not stored.plain and takes_gzip(headers.accept_encoding)
    compressed = by_headers if encoding is None else encoding == GZIP
    tag = etag(stored.sha256, gzip=compressed)
    answer = _headers(stored, tag, compressed=compressed, asked=encoding is not None)
    if not_modified(headers.if_none_match, tag):
        kept = [name for name in ("ETag", "Vary", "Cache-Control") if name in answer]
        return Response(status_code=304, headers={name: answer[name] for name in kept})
    source = _open(stored, decompress=stored.gzip and not compressed)
    try:
        size = _size(source, stored.path)
        wanted = _range(headers, tag, size)
    except LeadlineError:
        source.close()
        raise
    part = wanted or ByteRange(0, size - 1)
    answer["Content-Length"] = str(part.length)
    if wanted is not None:
        answer["Content-Range"] = f"bytes {part.start}-{part.end}/{size}"
    if not isinstance(headers, DownloadHeaders):
        source.close()
        return Response(headers=answer)
    return StreamingResponse(_chunks(source, part), 206 if wanted is not None else 200, answer)


def _range(headers: FileHeaders, tag: str, size: int) -> ByteRange | None:
    if not isinstance(headers, DownloadHeaders):
        return None
    return parse_range(headers.range, headers.if_range, tag, size)


def _headers(stored: StoredFile, tag: str, *, compressed: bool, asked: bool) -> dict[str, str]:
    """``asked``: the encoding is what the address says. Then the compressed file is what is sent, not how."""
    headers = {
        "ETag": tag,
        **({} if asked else {"Vary": "Accept-Encoding"}),
        "Accept-Ranges": "bytes",
        # The key decides who may have it; a private cache may keep it but must ask again.
        "Cache-Control": "private, no-cache",
        "Content-Type": stored.content_type,
        "Content-Disposition": f'attachment; filename="{stored.filename}"',
    }
    if not compressed:
        return headers
    if not asked:
        return {**headers, "Content-Encoding": "gzip"}
    as_file = {
        "Content-Type": "application/gzip",
        "Content-Disposition": f'attachment; filename="{stored.filename}.gz"',
    }
    return {**headers, **as_file}


def _open(stored: StoredFile, *, decompress: bool) -> IO[bytes]:
    try:
        # Opened before the answer begins: a file removed later is still sent whole.
        source = stored.path.open("rb")
    except FileNotFoundError:
        raise NotFound("The export's file has expired; create the export again", code="expired") from None
    except OSError as error:
        raise StoreError(f"The export's file cannot be read: {error.strerror}") from error
    if os.fstat(source.fileno()).st_size != stored.size:  # nobody must take what is left of it for the file
        source.close()
        raise _damaged()
    return cast("IO[bytes]", _Gunzip(source)) if decompress else source


class _Gunzip(gzip.GzipFile):
    """Decompresses a file that it owns: closing it closes the file too."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(fileobj=source, mode="rb")
        self._source = source

    def close(self) -> None:
        super().close()
        self._source.close()


def _size(source: IO[bytes], path: Path) -> int:
    stored = os.fstat(source.fileno()).st_size
    return _decompressed_size(path, stored) if isinstance(source, _Gunzip) else stored


@lru_cache(maxsize=256)
def _decompressed_size(path: Path, _stored_size: int) -> int:
    """Bytes of the content: gzip's own note of it is only good below 4 GiB, so it is counted, once."""
    total = 0
    try:
        with gzip.open(path) as content:
            while block := content.read(CHUNK):
                total += len(block)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged() from error
    return total


def _damaged() -> StoreError:
    return StoreError("The export's file is damaged; create the export again with Cache-Control: no-cache")


def _chunks(source: IO[bytes], part: ByteRange) -> Iterator[bytes]:
    with closing(source):
        source.seek(part.start)
        left = part.length
        while left > 0 and (block := source.read(min(CHUNK, left))):
            left -= len(block)
            yield block
