"""One open metadata database: transactions, migrations and cross-process locks, alike on SQLite and PostgreSQL.

On SQLite every write transaction takes the write lock at its start, so readers never block and two writers never deadlock.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from leadline.db.outage import Outage
from leadline.errors import StoreError

_BUSY_SECONDS = 60


class Database:
    """A migrated metadata database. ``Database.open(url)`` makes one; ``close`` ends its connections."""

    def __init__(self, engine: sa.Engine, lock_folder: Path | None) -> None:
        self.engine = engine
        self._lock_folder = lock_folder

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at ``url`` and bring it to the newest schema (safe when several processes do so at once).
        Raises ``StoreError`` if it cannot be reached, or was written by a newer leadline."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            path = Path(parsed.database or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
            _prepare_sqlite(engine)
            database = cls(engine, path.parent / "locks")
        else:
            # A lock holds its connection as long as the work it guards.
            engine = sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
            database = cls(engine, None)
        Outage().watch(engine)
        try:
            database._migrate()
        except sa.exc.DBAPIError as error:
            database.close()
            raise StoreError(
                f"The metadata database {parsed.render_as_string(hide_password=True)} cannot be used: {error.orig}"
            ) from error
        return database

    def close(self) -> None:
        """End all connections."""
        self.engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the file in the home rather than a server."""
        return self._lock_folder is not None

    def read(self) -> sa.Connection:
        """A connection for reading, closed at the end of a ``with``."""
        return self.engine.connect()

    def rows(self, query: sa.Executable) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """All rows of a query."""
        with self.read() as connection:
            return connection.execute(query).all()

    def row(self, query: sa.Executable) -> sa.Row[Any] | None:
        """The only row of a query; None if there is none."""
        with self.read() as connection:
            return connection.execute(query).one_or_none()

    def value(self, query: sa.Executable) -> Any:
        """The first column of a query's first row; None if there is none."""
        with self.read() as connection:
            return connection.execute(query).scalar()

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        """One write transaction: committed at the end, rolled back on an exception. Every commit survives the death of
        the process. A ``durable`` one also survives that of the machine: it returns when the disk says that it has it,
        whatever else the database is set to."""
        with self.engine.connect() as connection, self._flushing(connection, durable=durable):
            connection.execution_options(leadline_write=True)
            with connection.begin():
                if durable and not self.is_sqlite:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
                yield connection

    @contextmanager
    def _flushing(self, connection: sa.Connection, *, durable: bool) -> Iterator[None]:
        """On SQLite: have commits of ``connection`` reach the disk meanwhile (WAL with FULL instead of NORMAL)."""
        if not (durable and self.is_sqlite):
            yield
            return
        # Straight at the driver: inside a transaction, which SQLAlchemy would begin, the level cannot be changed.
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA synchronous=FULL")
        try:
            yield
        finally:
            driver.execute("PRAGMA synchronous=NORMAL")

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock ``name`` exclusively across processes (and machines, on PostgreSQL). It is free again as soon
        as the holder ends, however it ends."""
        with self._held(name, wait=True):
            yield

    @contextmanager
    def lock_if_free(self, name: str) -> Iterator[bool]:
        """As ``lock``, without waiting: whether it is held now, or somebody else has it."""
        with self._held(name, wait=False) as held:
            yield held

    @contextmanager
    def _held(self, name: str, *, wait: bool) -> Iterator[bool]:
        if self._lock_folder is None:
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
            ask = sa.func.pg_advisory_lock if wait else sa.func.pg_try_advisory_lock
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                held = connection.execute(sa.select(ask(number))).scalar() is not False
                try:
                    yield held
                finally:
                    if held:
                        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
            return
        import fcntl

        self._lock_folder.mkdir(parents=True, exist_ok=True)
        # A digest after the readable part: names differing only in odd characters must not share a lock.
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        file = self._lock_folder / f"{re.sub('[^A-Za-z0-9.-]+', '_', name)[:80]}-{digest}.lock"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            held = True
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held = False
            yield held
        finally:
            os.close(descriptor)

    def _migrate(self) -> None:
        from leadline.db.migrate import CURRENT, upgrade

        # Most opens find the schema current; asking that first keeps Alembic out of every command's start-up.
        with self.engine.connect() as connection:
            if self._revision(connection) == CURRENT:
                return
        with self.lock("migrate"), self.engine.connect() as connection:
            revision = self._revision(connection)
            connection.rollback()
            if revision != CURRENT:
                upgrade(connection, revision)

    def _revision(self, connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def _use_wal(cursor: Any) -> None:
    """Switch to the write-ahead log. Where others do so at this moment, SQLite says "locked" without waiting (it fears a
    deadlock, so its busy timeout does not count)."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _prepare_sqlite(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN is deferred; transactions are begun below instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("leadline_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
