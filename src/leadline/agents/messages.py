"""What comes to the MCP server as a message: read before the library reads it, whose words for what is none are those of its own
programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Message, Receive

from leadline.api.answers import Json
from leadline.field_types import shown

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
"""Codes of JSON-RPC."""
_WOULD_DO = 'send {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, as MCP says'
_NESTED = "is nested too deeply"


async def read(receive: Receive, most: int) -> tuple[bytes, Receive]:
    """The body of a request, or its first ``most`` bytes and some more; and what gives all of it once again."""
    messages: list[Message] = []
    body = b""
    while len(body) <= most:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, again


def refusal(body: bytes) -> Response | None:
    """The answer to what is no message of JSON-RPC; None for one."""
    try:
        message = json.loads(body)
    except RecursionError:
        return _refused(PARSE_ERROR, f"Parse error: the body {_NESTED}; {_WOULD_DO}", None)
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        return _refused(PARSE_ERROR, f"Parse error: the body is not JSON in UTF-8{where}; {_WOULD_DO}", None)
    wrong = _wrong(message)
    if wrong is None:
        return None
    named = message.get("id") if isinstance(message, dict) else None
    return _refused(INVALID_REQUEST, f"Invalid request: {wrong}; {_WOULD_DO}", named if _is_id(named) else None)


def _wrong(message: Any) -> str | None:
    """Why ``message`` is none, if so: it is a request or a notice (with a method), or the answer to one of ours."""
    if isinstance(message, list):
        return "several messages in a list are not taken; one request has one"
    if not isinstance(message, dict):
        return f"a message is a JSON object, not {shown(message)}"
    for name, fits, needed in _MEMBERS:
        if not fits(message):
            return f"{name} {needed}{_given(message, name)}"
    return None if _is_taken(message) else "it is neither a request nor an answer of JSON-RPC 2.0"


_MEMBERS: tuple[tuple[str, Callable[[dict[str, Any]], bool], str], ...] = (
    ("jsonrpc", lambda message: message.get("jsonrpc") == "2.0", 'must be "2.0"'),
    ("id", lambda message: "id" not in message or _is_id(message["id"]), "must be a text or a whole number"),
    ("method", lambda message: bool(message.keys() & {"method", "result", "error"}), "is required"),
    ("method", lambda message: isinstance(message.get("method", ""), str), "must be a text"),
    ("params", lambda message: isinstance(message.get("params"), dict | None), "must be an object"),
)
"""What members of a message must be."""


def _is_taken(message: Mapping[str, Any]) -> bool:
    from mcp.types import jsonrpc_message_adapter

    try:
        jsonrpc_message_adapter.validate_python(message, by_name=False)
    except ValidationError:
        return False
    return True


def _is_id(value: Any) -> bool:
    return isinstance(value, str) or type(value) is int


def _given(message: Mapping[str, Any], name: str) -> str:
    return f", not {shown(message[name])}" if name in message else ""


def _refused(code: int, sentence: str, named: Any) -> Response:
    return Json({"jsonrpc": "2.0", "id": named, "error": {"code": code, "message": sentence}}, 400)
