"""Word to other processes that an export was queued. PostgreSQL brings it to whoever listens; with SQLite nobody does, and who
waits for exports looks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database

CHANNEL = "leadline_exports"
_LOOK_SECONDS = 0.5
"""How often a listener looks whether it is to end."""
_PROBE_SECONDS = 15.0
"""How often it asks whether the server is still there."""
_AGAIN_SECONDS = 1.0
"""How long after its connection was lost it makes another."""


def give_notice(connection: sa.Connection) -> None:
    """Tell all who listen, once the transaction is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))


class Listener:
    """A thread that calls ``on_notice`` when something was queued, by whatever process, and when something may have been while it
    could not listen. ``listening`` says whether it can now. Only for databases that tell (``Database.is_sqlite`` is not set)."""

    def __init__(self, db: Database, on_notice: Callable[[], None]) -> None:
        self.listening = False
        self._db, self._on_notice = db, on_notice
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="notices of exports", daemon=True).start()

    def end(self) -> None:
        """Listen no longer; the thread ends soon."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            # Whatever it is: who waits looks by itself meanwhile, and tells of a database that is away.
            with suppress(Exception):
                self._listen()
            self.listening = False
            self._ended.wait(_AGAIN_SECONDS)

    def _listen(self) -> None:
        with self._db.read().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                connection.exec_driver_sql(f"LISTEN {CHANNEL}")
                self.listening = True
                self._on_notice()
                while not self._ended.is_set():
                    self._hear(connection.connection.driver_connection)
                    connection.exec_driver_sql("SELECT 1")
            finally:
                connection.invalidate()  # nobody else is to get what it would hear

    def _hear(self, driver: Any) -> None:
        """Hear what comes for a while. Raises what the driver does when the connection is lost."""
        for _ in range(int(_PROBE_SECONDS / _LOOK_SECONDS)):
            for _notice in driver.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                self._on_notice()
            if self._ended.is_set():
                return
