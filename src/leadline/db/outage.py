"""Tells when the metadata database cannot be reached and when it can be again: each in one sentence, however many ask meanwhile."""

from __future__ import annotations

import logging
import threading
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnection

from leadline.errors import StoreError, first_line

DATABASE_AWAY = (OperationalError, InterfaceError, NoConnection, PendingRollbackError)
"""What is raised where the database cannot be asked, the last by what still was to be done on a connection that ended: a matter of
all projects, and of nothing that was asked."""

# Not structlog: before a server sets that up, it writes to where a command prints its document.
_log = logging.getLogger("leadline.database")


_OUTAGES = "outages before"
"""By what a connection tells how many outages there were before it was made."""


class DatabaseAway(StoreError):
    """The metadata database cannot be reached now, and may be again in a while."""


def lost(error: BaseException) -> bool:
    """Whether ``error`` says that the connection is gone or none can be had, of which an ``Outage`` tells."""
    if getattr(error, "connection_invalidated", False) or isinstance(error, PendingRollbackError):
        return True
    # What the server itself says has a state; SQLite's errors have none at all.
    state = getattr(getattr(error, "orig", None), "sqlstate", "SQLite")
    return isinstance(error, DATABASE_AWAY) and state is None


class Outage:
    """Watches the connections of one engine."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._lost = False
        self._outages = 0

    def watch(self, engine: sa.Engine) -> None:
        """Begin to notice what ``engine`` cannot do, and can do again."""
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "handle_error", self._failed)
        event.listen(engine, "after_cursor_execute", self._answered)

    def _connected(self, _connection: Any, record: Any) -> None:
        record.info[_OUTAGES] = self._outages

    def _failed(self, context: sa.ExceptionContext) -> None:
        unreachable = context.connection is None or context.is_disconnect
        if context.connection is not None and context.connection.info.get(_OUTAGES, 0) < self._outages:
            return  # of a connection that the last outage ended, which is noticed only now
        if not unreachable or not isinstance(context.sqlalchemy_exception, DATABASE_AWAY):
            return
        with self._guard:
            first, self._lost = not self._lost, True
        if first:
            why = first_line(context.original_exception)
            _log.error("The metadata database is away (%s); it is asked again until it is back", why)

    def _answered(self, *_: Any) -> None:
        if not self._lost:
            return
        with self._guard:
            back, self._lost = self._lost, False
            self._outages += back
        if back:
            _log.info("The metadata database is back")
