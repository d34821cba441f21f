"""Tells when the metadata database cannot be reached and when it can be again: each in one sentence, however many ask meanwhile."""

from __future__ import annotations

import threading
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from leadline.errors import first_line

DATABASE_AWAY = (OperationalError, InterfaceError, NoConnection)
"""What is raised where the database cannot be asked: a matter of all projects, and of nothing that was asked."""

_log = structlog.get_logger("leadline.database")


class Outage:
    """Watches the connections of one engine."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._lost = False

    def watch(self, engine: sa.Engine) -> None:
        """Begin to notice what ``engine`` cannot do, and can do again."""
        event.listen(engine, "handle_error", self._failed)
        event.listen(engine, "after_cursor_execute", self._answered)

    def _failed(self, context: sa.ExceptionContext) -> None:
        unreachable = context.connection is None or context.is_disconnect
        if not unreachable or not isinstance(context.sqlalchemy_exception, DATABASE_AWAY):
            return
        with self._guard:
            first, self._lost = not self._lost, True
        if first:
            _log.error(
                f"The metadata database is away ({first_line(context.original_exception)}); it is tried until it is back"
            )

    def _answered(self, *_: Any) -> None:
        if not self._lost:
            return
        with self._guard:
            back, self._lost = self._lost, False
        if back:
            _log.info("The metadata database is back")
