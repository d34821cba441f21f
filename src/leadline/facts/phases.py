"""When who is in which teams, as a query sees it: an event of somebody who moves is of one of this person's phases, days on which
the person is in the same units; units are joined by person and phase.

Those who stay where they are have phase 0, so that a query over one tree needs none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from ibis.expr.types import Table, Value

from leadline.derive.local_time import bounds_us
from leadline.engine import BoundTable
from leadline.engine.functions import epoch_us
from leadline.people.history import BEGINNING
from leadline.people.membership import Membership
from leadline.people.timeline import FOREVER, Stretch, Timeline, spans_of

if TYPE_CHECKING:
    from leadline.engine import Backend

S = TypeVar("S")

ALWAYS = 2**62
"""Later than every instant, in microseconds; its negative is earlier."""
PHASES = BoundTable(
    "phases", {"phase_person": "string", "phase_number": "int64", "from_us": "int64", "until_us": "int64"}
)
"""The phases of those who move: from an instant, before another."""


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


def bind_phases(engine: Backend, membership: Membership, zone: ZoneInfo) -> None:
    """Bind ``PHASES``."""

    def rows() -> Iterator[tuple[object, ...]]:
        for email, spans in membership.moving.items():
            for phase, span in enumerate(spans, start=1):
                yield email, phase, *instants(span.start, span.end, zone)

    PHASES.bind_kept(engine, membership.kept, zone.key, rows)


def with_phase(table: Table, person: str, instant: str) -> Table:
    """``table`` with the ``phase`` in which the person in the column ``person`` is at the instant in the column ``instant``. In no
    phase is nobody in a unit."""
    phases = PHASES.table()
    within = [
        table[person] == phases.phase_person,
        table[instant] >= phases.from_us,
        table[instant] < phases.until_us,
    ]
    joined = table.left_join(phases, within)
    return joined.select(*(joined[name] for name in table.columns), phase=joined.phase_number.fill_null(0))
