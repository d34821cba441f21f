"""Downloads one file, if it has changed: streamed to disk, bounded, whole or not at all, the secret sent to its own host alone."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from leadline.errors import LeadlineError, NotFound, StoreError, Unauthenticated
from leadline.sources.kit.client import Answer, Client, Refused
from leadline.sources.kit.reach import LOOPBACK

MOST_BYTES = 8 << 30
"""A file larger than this is not read; exports of such a size come in parts."""
HOPS = 5
"""Redirects followed."""
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Secret:
    """A header and its value (empty: none is sent), and where the secret in it came from."""

    header: str
    value: str = field(repr=False)
    place: str


@dataclass(frozen=True)
class Changed:
    """A version of a file: its validators, as the server gave them, its content's digest, and its media type."""

    etag: str | None
    modified: str | None
    digest: str
    content_type: str


@dataclass(frozen=True)
class Download:
    """A file at ``url``, which messages call ``name``."""

    client: Client
    url: str
    name: str
    secret: Secret
    most_bytes: int = MOST_BYTES

    def to(self, path: Path, *, etag: str | None, modified: str | None) -> Changed | None:
        """Downloads the file to ``path``; None if it is still as ``etag`` or ``modified`` say. Raises ``StoreError`` if the disk
        cannot take it, ``Refused`` for what is no file or too large, ``Unauthenticated``, ``NotFound``, ``Unavailable``."""
        digest = hashlib.sha256()

        def take(answer: Answer, chunks: Iterator[bytes]) -> None:
            nonlocal digest
            digest = self._write(answer, chunks, path)

        conditions = {"If-None-Match": etag} if etag else {"If-Modified-Since": modified} if modified else {}
        answer = self._follow(take, conditions)
        if answer.status == 304:
            return None
        names = answer.headers
        return Changed(names.get("etag"), names.get("last-modified"), digest.hexdigest(), _content_type(answer))

    def content_type(self) -> str:
        """What the server says that the file is, without reading it. Raises as ``to`` does."""
        return _content_type(self._follow(lambda answer, _: self._require_file(answer), {}))

    def _write(self, answer: Answer, chunks: Iterator[bytes], path: Path) -> hashlib._Hash:
        self._require_file(answer)
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > self.most_bytes:
                        raise self._too_large()
                    digest.update(chunk)
                    file.write(chunk)
        except OSError as error:
            what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
            raise StoreError(
                f"{self.name} cannot be kept in {path.parent.parent} after {size:,} bytes: {what}"
            ) from error
        return digest

    def _require_file(self, answer: Answer) -> None:
        if _content_type(answer) in ("text/html", "application/xhtml+xml"):
            raise Refused(
                f"{self.client.tool} answered a web page instead of {self.name}; is the address right, and does it need a token?"
            )
        length = answer.headers.get("content-length", "")
        if length.isdigit() and int(length) > self.most_bytes:
            raise self._too_large()

    def _too_large(self) -> Refused:
        return Refused(f"{self.name} is larger than {self.most_bytes >> 20:,} MiB; let it be written in parts")

    def _follow(self, take: Callable[[Answer, Iterator[bytes]], None], conditions: dict[str, str]) -> Answer:
        """The last answer after redirects: 200 or 304. Raises what ``_problem`` makes of others."""
        url = self.url
        for _ in range(HOPS + 1):
            own = _origin(urlsplit(url)) == _origin(urlsplit(self.url))
            secret = {self.secret.header: self.secret.value} if own and self.secret.value else {}
            answer = self.client.stream(url, take, headers={**conditions, **secret})
            if answer.status in (200, 304):
                return answer
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                raise self._problem(answer)
            url = urljoin(url, location)
            parts = urlsplit(url)
            if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
                raise Refused(f"{self.client.tool} redirects {self.name} to an address that is not https")
        raise Refused(f"{self.client.tool} redirects {self.name} more than {HOPS} times")

    def _problem(self, answer: Answer) -> LeadlineError:
        if answer.status == 401:
            if self.secret.value:
                return Unauthenticated(
                    f"{self.client.tool} refuses the token from {self.secret.place} for {self.name}; it may have expired, or "
                    "belong into another header (--header)"
                )
            return Unauthenticated(
                f"{self.client.tool} wants a token for {self.name}; put one into {self.secret.place}"
            )
        if answer.status in (404, 410):
            return NotFound(f"{self.client.tool} has no {self.name} at {urlsplit(self.url).path}")
        who = f"the token from {self.secret.place}" if self.secret.value else "a request without a token"
        return Refused(f"{self.client.tool} refuses {self.name} to {who} (status {answer.status})")


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _content_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()
