"""JSON as it is written by hand: text in, values out, or one refusal that says where the text stops making sense. The documented
examples carry comments and trailing commas, so text that is not strict JSON is read as JSON5 (by ``pyjson5``). What could hurt
further inside is refused here: too deep, not UTF-8, numbers that are none, characters that no database stores."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from leadline.errors import InvalidRequest
from leadline.field_types import is_storable

MAX_DEPTH = 32
"""Deepest nesting of objects and arrays; a documented request has three levels."""

MAX_VALUES = 1_000_000
"""Most values of a document, counted as commas and brackets: each takes many times the memory of its text, and reading them
holds up everything else."""


def parse_object(raw: bytes, members: Sequence[str] = ()) -> dict[str, Any]:
    """``raw`` as an object: strict JSON, else JSON5. ``members`` are some that it should have, for who sent none. Raises
    ``InvalidRequest``."""
    text = decoded(raw)
    shown = ", ".join(f'"{name}": …' for name in members)
    would_do = "send a JSON object" + (f", as in {{{shown}}}" if members else "")
    if not text.strip():
        raise malformed(f"it is empty; {would_do}")
    value = _parse(text)
    if not isinstance(value, dict):
        raise malformed(f"it is {kind_of(value)}; {would_do}")
    _check_values(value)
    return value


def parse_value(raw: bytes) -> Any:
    """``raw`` as a JSON value: strict JSON, else JSON5. Raises ``InvalidRequest``."""
    text = decoded(raw)
    if not text.strip():
        raise malformed("it is empty; send JSON")
    value = _parse(text)
    _check_values(value)
    return value


def decoded(raw: bytes) -> str:
    """``raw`` as the text of JSON. Raises ``InvalidRequest`` unless it is UTF-8, or if it has more than ``MAX_VALUES`` values."""
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise malformed(f"it has more than {MAX_VALUES:,} values; send them in parts")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed(f"it is not UTF-8 at byte {error.start}") from None


def _plain(message: str) -> str:
    """What the parser says, without the spelling of its own values."""
    return re.sub(r"\bb'([^']*)'", r"\1", message)


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        return _parse_lenient(text)


def _parse_lenient(text: str) -> Any:
    import pyjson5

    try:
        value = pyjson5.decode(text, MAX_DEPTH)
    except pyjson5.Json5NestingTooDeep:
        raise malformed(f"it is nested deeper than {MAX_DEPTH} levels") from None
    except pyjson5.Json5DecoderException as error:
        raise malformed(
            f"it is not JSON (comments and trailing commas may be there): {_plain(error.message or '')}"
        ) from None
    except (ValueError, RecursionError):
        raise malformed("it is not JSON") from None
    _refuse_duplicates(text)
    return value


_WORD = re.compile(
    r"""//[^\n\r\u2028\u2029]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}\[\]:,]|[^\s{}\[\]:,"'/]+""", re.DOTALL
)


def _refuse_duplicates(text: str) -> None:
    """Refuse keys that are given twice in ``text``, which is JSON5: its reader takes the last one."""
    import pyjson5

    keys: list[set[str] | None] = []  # of the objects that are open; None for an array
    before = ""
    for word in _WORD.findall(text):
        if word.startswith(("//", "/*")):
            continue
        if word in ("{", "["):
            keys.append(set() if word == "{" else None)
        elif word in ("}", "]"):
            keys.pop()
        elif word == ":" and (seen := keys[-1]) is not None:
            (key,) = pyjson5.decode(f"{{{before}: 0}}")
            if key in seen:
                raise malformed(f"the key {key[:80]!r} is given twice")
            seen.add(key)
        before = word


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


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "an array"}
    return names.get(type(value), "no object")


def malformed(why: str) -> InvalidRequest:
    """The refusal of a body that cannot be read."""
    return InvalidRequest(f"The body cannot be read: {why}", code="malformed_body")
