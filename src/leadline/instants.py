"""Instants as texts: RFC 3339 in UTC, spelled alike everywhere, so that they compare as texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def rfc3339(moment: datetime, *, milliseconds: bool = False) -> str:
    """An aware instant, to the second or the millisecond: ``2025-12-29T10:00:00Z``."""
    utc = moment.astimezone(UTC).isoformat(timespec="milliseconds" if milliseconds else "seconds")
    return utc.removesuffix("+00:00") + "Z"


def earlier(instant: str, lag: timedelta) -> str:
    """``instant`` (as ``rfc3339`` gives it) less ``lag``, spelled alike."""
    return rfc3339(datetime.fromisoformat(instant) - lag, milliseconds="." in instant)
