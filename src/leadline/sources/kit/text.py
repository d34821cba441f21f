"""What connectors do to every record before its values become a row: texts that a table can hold, and shapes that are checked.

Raw JSON comes in, the same goes out without what no table can hold; a record that lacks its shape raises ``Misshapen``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.errors import LeadlineError


class Misshapen(LeadlineError):
    """A record is not of the shape that its tool documents; the text says where."""


def clean(value: Any) -> Any:
    """A value as a table can hold it: texts without NUL bytes and without halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode() if value else value
    return [clean(each) for each in value] if isinstance(value, list) else value


def rfc3339(moment: datetime, *, milliseconds: bool = False) -> str:
    """An aware instant as tables have it: RFC 3339 in UTC, to the second or millisecond, so that instants compare as texts."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S") + (f".{utc.microsecond // 1000:03}Z" if milliseconds else "Z")


def earlier(instant: str, lag: timedelta) -> str:
    """``instant`` (as ``rfc3339`` gives it) less ``lag``, spelled alike."""
    return rfc3339(datetime.fromisoformat(instant) - lag, milliseconds="." in instant)


def plain(value: Any) -> Any:
    """A value as the rules that judge rows take it: numbers as texts, whatever is sent instead of a value as what it looks
    like."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, list):
        return [each if isinstance(each, str) else _shown(each) for each in value]
    return _shown(value)


def _shown(value: Any) -> str:
    try:
        return str(clean(str(value)))
    except (ValueError, RecursionError):  # more digits than Python writes, deeper than it goes
        return "…"
