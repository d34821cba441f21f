"""Connections to PostgreSQL that do not wait for ever: a server that is stopped, or cut off, is noticed as one is that refuses
connections, if later."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from sqlalchemy import event

CONNECT_SECONDS = 10
"""How long a connection may take to be made, and a silent network to answer."""
STATEMENT_SECONDS = 30.0
"""How long a statement may take; the longest take a tenth of it. Waiting for a lock takes as long as the work that it guards."""


def be_patient(engine: sa.Engine) -> None:
    """Bound what the connections of ``engine`` wait for, unless its URL says otherwise (in libpq's words)."""
    bounds = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": CONNECT_SECONDS,
        "keepalives_interval": CONNECT_SECONDS,
        "keepalives_count": 2,
        "tcp_user_timeout": 1000 * CONNECT_SECONDS,
    }

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> _Bounded:
        return _Bounded.connect(*arguments, **{**bounds, **options})

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        cursor.connection.waits_for_lock = "pg_advisory" in statement


class _Bounded(psycopg.Connection[Any]):
    """A connection whose every exchange with the server ends in time, if with an error."""

    waits_for_lock = False

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Drive ``gen``, an exchange with the server, to its end. Raises ``OperationalError`` when its time is up; the connection
        is closed then, as what it would say next belongs to that exchange."""
        bound = timeout if timeout is not None or self.waits_for_lock else STATEMENT_SECONDS
        try:
            return super().wait(gen, interval, bound)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server did not answer within {bound:g} seconds") from None
