"""The numbers of locks: every taker of a lock gets one greater than all before it, and a transaction may ask for the newest."""

from __future__ import annotations

import hashlib
import time

import sqlalchemy as sa

from leadline.db.models import locks

_LONGEST = 512

# Numbers begin at the microseconds of the clock: also a database that was restored from a backup, or is a new one beside tables
# that others wrote, gives greater ones than before. The clock may go back; the numbers of a database do not.
_TAKE = sa.text(
    "INSERT INTO locks (name, number) VALUES (:name, :clock) ON CONFLICT (name) DO UPDATE SET number = "
    "CASE WHEN locks.number >= excluded.number THEN locks.number + 1 ELSE excluded.number END RETURNING number"
)


def take(connection: sa.Connection, name: str) -> int:
    """A new number of the lock ``name``, for who has just got it."""
    parameters = {"name": _key(name), "clock": time.time_ns() // 1000}
    return int(connection.execute(_TAKE, parameters).scalar_one())


def newest(connection: sa.Connection, name: str, *, held: bool = False) -> int | None:
    """The number of who took the lock ``name`` last; None if nobody did. ``held``: nobody takes it until the transaction ends."""
    query = sa.select(locks.c.number).where(locks.c.name == _key(name))
    if held:
        query = query.with_for_update(read=True)
    number: int | None = connection.execute(query).scalar()
    return number


def _key(name: str) -> str:
    """What a lock is called in the table; long names by their digest."""
    return name if len(name) <= _LONGEST else hashlib.sha256(name.encode()).hexdigest()
