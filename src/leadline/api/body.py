"""Request bodies: raw bytes in, a JSON object out, or one refusal that says where the text stops making sense.

The documented examples carry comments and trailing commas, so text that is not strict JSON is read as JSON5 (by
``pyjson5``). Everything that could hurt further inside is refused here: too large, too deep, not UTF-8, numbers that are
none, characters that no database stores.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.errors import InvalidRequest, LeadlineError

MAX_BYTES = 1 << 20
"""Largest body, 1 MiB; the longest sensible request is a few KiB."""

MAX_DEPTH = 32
"""Deepest nesting of objects and arrays; a documented request has three levels."""

_PARSED_AT_ONCE = 64 << 10

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


async def read_text(request: Request, kinds: Sequence[str], limit: int) -> tuple[str, str]:
    """The declared type (empty: none) and the body as text, of one of ``kinds`` or JSON and at most ``limit`` bytes.

    Raises ``UnsupportedMediaType``, ``TooLarge`` or ``InvalidRequest``.
    """
    kind = check_headers(request.headers, kinds)
    return kind, _decoded(await _read(request.stream(), request.headers.get("content-length", ""), limit))


async def read_value(request: Request, limit: int = MAX_BYTES) -> Any:
    """The request's body as any JSON value of at most ``limit`` bytes; raises as ``read_object``."""
    check_headers(request.headers)
    raw = await _read(request.stream(), request.headers.get("content-length", ""), limit)
    # Reading megabytes of JSON would hold up every other request.
    return await run_in_threadpool(parse_value, raw) if len(raw) > _PARSED_AT_ONCE else parse_value(raw)


async def read_bytes(request: Request, limit: int) -> bytes:
    """The request's body, whatever it is declared as. Raises ``UnsupportedMediaType`` if it is compressed, ``TooLarge``."""
    _refuse_compressed(request.headers)
    return await _read(request.stream(), request.headers.get("content-length", ""), limit)


def check_headers(headers: Mapping[str, str], kinds: Sequence[str] = ()) -> str:
    """Refuse a declared type that is neither JSON nor one of ``kinds`` (none declared is fine), a charset but UTF-8, and
    any compression; the declared type."""
    _refuse_compressed(headers)
    declared, _, parameters = headers.get("content-type", "").lower().partition(";")
    kind = declared.strip()
    if kind and kind not in kinds and not kind.endswith(("/json", "+json", "/json5")):
        would_do = " or ".join(("application/json", *kinds))
        raise UnsupportedMediaType(f"A body of type {kind[:80]!r} is not taken; send Content-Type: {would_do}")
    charset = next((p.partition("=")[2] for p in parameters.split(";") if p.strip().startswith("charset=")), "utf-8")
    if charset.strip().strip('"') not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"A body in {charset[:40]!r} is not taken; send it in UTF-8")
    return kind


def _refuse_compressed(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(f"A body with Content-Encoding {encoding[:40]!r} is not taken; send it uncompressed")


async def _read(stream: AsyncIterator[bytes], declared: str, limit: int = MAX_BYTES) -> bytes:
    body, refused = bytearray(), 0
    oversized = declared.isdigit() and int(declared) > limit
    async for chunk in stream:
        if oversized or len(body) + len(chunk) > limit:
            oversized = True
            refused += len(chunk)
            if refused > _DRAIN_BYTES:
                break
        else:
            body += chunk
    if oversized:
        raise TooLarge(f"The body is larger than {limit} bytes, the most that is taken")
    return bytes(body)


def parse_object(raw: bytes) -> dict[str, Any]:
    """``raw`` as an object: strict JSON, else JSON5. Raises ``InvalidRequest``."""
    text = _decoded(raw)
    if not text.strip():
        raise malformed("it is empty; send a JSON object")
    value = _parse(text)
    if not isinstance(value, dict):
        raise malformed(f"it is {kind_of(value)}; send an object, as in " + '{"scope": {…}, "dateRange": {…}}')
    _check_values(value)
    return value


def parse_value(raw: bytes) -> Any:
    """``raw`` as a JSON value: strict JSON, else JSON5. Raises ``InvalidRequest``."""
    text = _decoded(raw)
    if not text.strip():
        raise malformed("it is empty; send JSON")
    value = _parse(text)
    _check_values(value)
    return value


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed(f"it is not UTF-8 at byte {error.start}") from None


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
        raise malformed(f"it is nested deeper than {MAX_DEPTH} levels") from None
    except pyjson5.Json5DecoderException as error:
        raise malformed(f"it is not JSON (comments and trailing commas may be there): {error.message}") from None
    except (ValueError, RecursionError):
        raise malformed("it is not JSON") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise malformed(f"the key {twice[:80]!r} is given twice")
    return value


def _check_values(value: Any) -> None:
    """Refuse, wherever they are, what JSON5 or Python would let through: depth, NaN, lone surrogates, NUL."""
    open_values = [(value, 1)]
    while open_values:
        at, depth = open_values.pop()
        if isinstance(at, dict | list):
            if depth > MAX_DEPTH:
                raise malformed(f"it is nested deeper than {MAX_DEPTH} levels")
            members = [*at.keys(), *at.values()] if isinstance(at, dict) else at
            open_values.extend((member, depth + 1) for member in members)
        elif isinstance(at, float) and not math.isfinite(at):
            raise malformed("NaN and infinite numbers mean nothing here")
        elif isinstance(at, str) and not is_storable(at):
            raise malformed("it has a text with a NUL or half a surrogate pair in it")


def is_storable(text: str) -> bool:
    """Whether every database can store ``text``: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "an array"}
    return names.get(type(value), "no object")


def malformed(why: str) -> InvalidRequest:
    """The refusal of a body that cannot be read."""
    return InvalidRequest(f"The body cannot be read: {why}", code="malformed_body")
