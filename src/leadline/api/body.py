"""Request bodies: raw bytes in, a JSON object out, or one refusal that says where the text stops making sense.

The documented examples carry comments and trailing commas, so text that is not strict JSON is read as JSON5 (by
``pyjson5``). Everything that could hurt further inside is refused here: too large, too deep, not UTF-8, numbers that are
none, characters that no database stores.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import Request

from leadline.errors import InvalidRequest, LeadlineError

MAX_BYTES = 1 << 20
"""Largest body, 1 MiB; the longest sensible request is a few KiB."""

MAX_DEPTH = 32
"""Deepest nesting of objects and arrays; a documented request has three levels."""

_DRAIN_BYTES = 16 << 20
"""How much of a refused body is still read and dropped: a client that is cut off while sending may never see why."""


class TooLarge(LeadlineError):
    """The body is larger than ``MAX_BYTES``."""

    code = "too_large"
    http_status = 413


class UnsupportedMediaType(LeadlineError):
    """The body is declared as something other than JSON in UTF-8, or as compressed."""

    code = "unsupported_media_type"
    http_status = 415


async def read_object(request: Request) -> dict[str, Any]:
    """The request's body as an object. Raises ``UnsupportedMediaType``, ``TooLarge`` or ``InvalidRequest``."""
    check_headers(request.headers)
    return parse_object(await _read(request.stream(), request.headers.get("content-length", "")))


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse a declared type that is not JSON (none declared is fine), a charset but UTF-8, and any compression."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(f"A body with Content-Encoding {encoding[:40]!r} is not taken; send it uncompressed")
    declared, _, parameters = headers.get("content-type", "").lower().partition(";")
    kind = declared.strip()
    if kind and not (kind.endswith(("/json", "+json", "/json5"))):
        raise UnsupportedMediaType(f"A body of type {kind[:80]!r} is not taken; send Content-Type: application/json")
    charset = next((p.partition("=")[2] for p in parameters.split(";") if p.strip().startswith("charset=")), "utf-8")
    if charset.strip().strip('"') not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"A body in {charset[:40]!r} is not taken; send it in UTF-8")


async def _read(stream: AsyncIterator[bytes], declared: str) -> bytes:
    body, refused = bytearray(), 0
    oversized = declared.isdigit() and int(declared) > MAX_BYTES
    async for chunk in stream:
        if oversized or len(body) + len(chunk) > MAX_BYTES:
            oversized = True
            refused += len(chunk)
            if refused > _DRAIN_BYTES:
                break
        else:
            body += chunk
    if oversized:
        raise TooLarge(f"The body is larger than {MAX_BYTES} bytes, the most that is taken")
    return bytes(body)


def parse_object(raw: bytes) -> dict[str, Any]:
    """``raw`` as an object: strict JSON, else JSON5. Raises ``InvalidRequest``."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed(f"it is not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise _malformed("it is empty; send a JSON object")
    value = _parse(text)
    if not isinstance(value, dict):
        raise _malformed(f"it is {_kind(value)}; send an object, as in " + '{"scope": {…}, "dateRange": {…}}')
    _check_values(value)
    return value


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        return _parse_lenient(text)


def _parse_lenient(text: str) -> Any:
    import pyjson5

    try:
        return pyjson5.decode(text, MAX_DEPTH)
    except pyjson5.Json5NestingTooDeep:
        raise _malformed(f"it is nested deeper than {MAX_DEPTH} levels") from None
    except pyjson5.Json5DecoderException as error:
        raise _malformed(f"it is not JSON (comments and trailing commas may be there): {error.message}") from None
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _malformed(f"the key {twice[:80]!r} is given twice")
    return value


def _check_values(value: Any) -> None:
    """Refuse, wherever they are, what JSON5 or Python would let through: depth, NaN, lone surrogates, NUL."""
    open_values = [(value, 1)]
    while open_values:
        at, depth = open_values.pop()
        if isinstance(at, dict | list):
            if depth > MAX_DEPTH:
                raise _malformed(f"it is nested deeper than {MAX_DEPTH} levels")
            members = [*at.keys(), *at.values()] if isinstance(at, dict) else at
            open_values.extend((member, depth + 1) for member in members)
        elif isinstance(at, float) and not math.isfinite(at):
            raise _malformed("NaN and infinite numbers mean nothing here")
        elif isinstance(at, str) and not is_storable(at):
            raise _malformed("it has a text with a NUL or half a surrogate pair in it")


def is_storable(text: str) -> bool:
    """Whether every database can store ``text``: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "an array"}
    return names.get(type(value), "no object")


def _malformed(why: str) -> InvalidRequest:
    return InvalidRequest(f"The body cannot be read: {why}", code="malformed_body")
