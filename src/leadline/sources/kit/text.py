"""What is done to every record before its values become a row: texts that a table can hold, and the error for a record that is
not of the shape that its tool documents."""

from __future__ import annotations

from typing import Any

from leadline.errors import LeadlineError


class Misshapen(LeadlineError):
    """A record is not of the shape that its tool documents; the text says where."""


def clean(value: Any) -> Any:
    """A value as a table can hold it: texts without NUL bytes and without halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode() if value else value
    return [clean(item) for item in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """A value as the rules that judge rows take it: numbers as texts, whatever is sent instead of a value as what it looks
    like."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, list):
        return [item if isinstance(item, str) else _shown(item) for item in value]
    return _shown(value)


def _shown(value: Any) -> str:
    try:
        return str(clean(str(value)))
    except (ValueError, RecursionError):  # more digits than Python writes, deeper than it goes
        return "…"
