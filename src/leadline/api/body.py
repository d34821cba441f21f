"""Request bodies: dependencies of routes that read one within its bounds, and say in OpenAPI what it is. FastAPI's own body
parameters are read before any dependency. These are read in the order of a route's parameters, so that nothing of a body is read
before its key was checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.api.body_memory import FREE_BYTES, BodyMemory, keep, release
from leadline.api.json_text import parse_object
from leadline.errors import LeadlineError

MAX_BYTES = 1 << 20
"""Largest body, 1 MiB; the longest sensible request is a few KiB."""

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


def _without_null(schema: dict[str, Any]) -> None:
    """A member that may be left out has no value then; null is not its default."""
    for member in schema["properties"].values():
        if member.get("default", ...) is None:
            del member["default"]


class RequestPart(BaseModel):
    """An object in a request, described for OpenAPI; its members are camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, json_schema_extra=_without_null)


@dataclass(frozen=True, eq=False)
class RequestBody:
    """A dependency that reads the body with ``read``; ``content`` is its type by media type, for OpenAPI."""

    read: Callable[[Request], Awaitable[Any]]
    content: Mapping[str, Any]
    description: str

    async def __call__(self, request: Request) -> Any:
        """What the body says. Raises ``UnsupportedMediaType``, ``TooLarge`` or ``InvalidRequest``."""
        return await self.read(request)


def json_body(
    model: Any, description: str = "", *, parse: Callable[[bytes], Any] | None = None, limit: int = MAX_BYTES
) -> RequestBody:
    """A body of ``model`` in JSON of at most ``limit`` bytes, as ``parse`` reads it (default: an object)."""
    read_text = parse or partial(parse_object, members=members_of(model))

    async def read(request: Request) -> Any:
        check_headers(request.headers)
        return await beside(read_text, await _read(request, limit))

    lenient = "JSON; comments and trailing commas (JSON5) are accepted."
    return RequestBody(read, {"application/json": model}, f"{description} {lenient}".strip())


def members_of(model: Any) -> list[str]:
    """Members that show what a body of ``model`` is: those that it must have, else some that it may have."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    names = {field.alias or name: field for name, field in model.model_fields.items()}
    return ([name for name, field in names.items() if field.is_required()] or list(names))[:_MOST_SHOWN]


_MOST_SHOWN = 3


async def read_typed(request: Request, kinds: Sequence[str], limit: int) -> tuple[str, bytes]:
    """The declared type (empty: none) and the body, of one of ``kinds`` or JSON and at most ``limit`` bytes. Raises
    ``UnsupportedMediaType`` or ``TooLarge``."""
    kind = check_headers(request.headers, kinds)
    return kind, await _read(request, limit)


async def read_bytes(request: Request, limit: int) -> bytes:
    """The request's body, whatever it is declared as. Raises ``UnsupportedMediaType`` if it is compressed, ``TooLarge``."""
    _refuse_compressed(request.headers)
    return await _read(request, limit)


async def beside(parse: Callable[..., Any], raw: bytes, *arguments: Any) -> Any:
    """What ``parse`` makes of a body: at once of a small one; in a thread of a large one, which would hold up every other
    request."""
    if len(raw) > _PARSED_AT_ONCE:
        return await run_in_threadpool(parse, raw, *arguments)
    return parse(raw, *arguments)


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


async def _read(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    whole = int(declared) if declared else limit  # in chunks, nobody knows
    memory: BodyMemory = request.app.state.leadline.bodies
    body, refused, oversized, held = bytearray(), 0, whole > limit, False
    async for chunk in request.stream():
        oversized = oversized or len(body) + len(chunk) > limit
        if oversized:
            body.clear()
            release(request.scope)
            refused += len(chunk)
            if refused > _DRAIN_BYTES:
                break
            continue
        if not held and len(body) + len(chunk) > FREE_BYTES:
            await memory.hold(request, whole)
            held = True
        body += chunk
    if oversized:
        raise TooLarge(f"The body is larger than {limit} bytes, the most that is taken")
    keep(request.scope, len(body))
    return bytes(body)
