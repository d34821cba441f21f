"""What HTTP answers say of rate limits: how much is left, and when to come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def of_limit(headers: Mapping[str, str], name: str) -> str | None:
    """A header that tells of a limit, in either spelling: ``X-RateLimit-…`` (GitHub) or ``RateLimit-…`` (GitLab)."""
    return headers.get(f"x-ratelimit-{name}", headers.get(f"ratelimit-{name}"))


def reset_of(text: str | None) -> float | None:
    """When a limit is renewed, in seconds since 1970; None for none or nonsense."""
    if text is None or text.isdecimal():
        return None if text is None else float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def date_of(text: str | None) -> datetime | None:
    """The instant of an HTTP date; None for none or nonsense."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def seconds_of(text: str | None, now: datetime | None) -> float | None:
    """What Retry-After says (RFC 9110: seconds or an HTTP date), in seconds; None for none."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    moment = date_of(text)
    return None if moment is None or now is None else max(0.0, (moment - now).total_seconds())
