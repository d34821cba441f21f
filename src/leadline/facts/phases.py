"""Spans of days as the instants between which they lie, for queries that ask what was so of somebody when something happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from ibis.expr.types import Value

from leadline.derive.local_time import bounds_us
from leadline.engine.functions import epoch_us
from leadline.people.history import BEGINNING
from leadline.people.timeline import FOREVER, Stretch, Timeline, spans_of

S = TypeVar("S")

ALWAYS = 2**62
"""Later than every instant, in microseconds; its negative is earlier."""


def instants(start: date, end: date, zone: ZoneInfo) -> tuple[int, int]:
    """The instants (microseconds) from which and before which it is ``start`` to ``end``, local days that may be ``BEGINNING`` and
    ``FOREVER``."""
    first = -ALWAYS if start == BEGINNING else bounds_us(start, start, zone)[0]
    return first, ALWAYS if end == FOREVER else bounds_us(end, end, zone)[1]


def over_time(
    stretches: Timeline, states: Callable[[Stretch], Mapping[str, S]], zone: ZoneInfo
) -> Iterator[tuple[str, S, int, int]]:
    """What ``states`` says of each person in each stretch, with the instants from which and before which it is so."""
    for email, spans in spans_of(stretches, states).items():
        for span in spans:
            yield email, span.state, *instants(span.start, span.end, zone)


def instant_of(moment: Value) -> Value:
    """When an event happened (microseconds); what did not happen yet is judged by what is in force last."""
    return epoch_us(moment).fill_null(ALWAYS - 1)
