"""Instants as texts: written as RFC 3339 in UTC, spelled alike everywhere, so that they compare as texts; read as programs write
them. ``WRITTEN`` and ``EPOCH`` say what is read: ``instant_of`` reads it here, ``ingest.conversion`` in SQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

WRITTEN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?"
    r"( ?([Zz]|UTC|utc|GMT)| ?[-+]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?"
)
"""RFC 3339, and as databases and git write it: a blank for the T and before the offset, an offset of hours alone or without its
colon, UTC by its name, a comma before the fraction. Seconds and offset may be missing; a date is its midnight."""

EPOCH = r"[0-9]{9,10}(\.[0-9]{1,9})?|[0-9]{12,13}(\.[0-9]{1,9})?|[0-9]{15,16}(\.0*)?|[0-9]{18,19}(\.0*)?"
"""Seconds, milli-, micro- or nanoseconds since 1970, which the number of their digits tells apart from 1973 on."""

_WRITTEN, _EPOCH = re.compile(WRITTEN), re.compile(EPOCH)
_LAST_SECONDS, _LAST_MILLISECONDS, _LAST_MICROSECONDS = 10, 13, 16
"""Most digits of each."""


def instant_of(text: str) -> datetime:
    """The instant that ``text`` says, cut to microseconds; without an offset it is UTC. Raises ``ValueError`` if it says none."""
    if _EPOCH.fullmatch(text):
        return _of_epoch(*text.partition(".")[::2])
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"{text!r} is no instant")
    spelled = re.sub(r" ?(Z|UTC|GMT)$", "+00:00", text.upper().replace(",", "."))
    spelled = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", re.sub(r" (?=[-+])", "", spelled))
    moment = datetime.fromisoformat(spelled)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _of_epoch(whole: str, fraction: str) -> datetime:
    if len(whole) <= _LAST_SECONDS:
        places = 6
    elif len(whole) <= _LAST_MILLISECONDS:
        places = 3
    else:
        places = 0 if len(whole) <= _LAST_MICROSECONDS else -3
    microseconds = (whole + fraction.ljust(6, "0"))[: len(whole) + places]
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(microseconds))


def rfc3339(moment: datetime, *, milliseconds: bool = False) -> str:
    """An aware instant, to the second or the millisecond: ``2025-12-29T10:00:00Z``."""
    utc = moment.astimezone(UTC).isoformat(timespec="milliseconds" if milliseconds else "seconds")
    return utc.removesuffix("+00:00") + "Z"


def earlier(instant: str, lag: timedelta) -> str:
    """``instant`` (as ``rfc3339`` gives it) less ``lag``, spelled alike."""
    return rfc3339(datetime.fromisoformat(instant) - lag, milliseconds="." in instant)
