"""One open metadata database: transactions, migrations and cross-process locks, alike on SQLite and PostgreSQL.

On SQLite every write transaction takes the write lock at its start, so readers never block and two writers never deadlock.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from leadline.db import leases
from leadline.db.outage import DATABASE_AWAY, DatabaseAway, Outage
from leadline.errors import StoreError
from leadline.lease import Lease

_BUSY_SECONDS = 60
_TRIES = 5
"""How often a lock is asked for, if the session that waits for it is ended each time."""

_Held = Callable[[], AbstractContextManager[sa.Connection]]
"""A lock that is held: opens where its number is taken."""


def sqlite_url(path: Path) -> sa.URL:
    """The URL of the SQLite file at ``path``, whatever its folders are called: nothing in it is read as an escape or option."""
    return sa.URL.create("sqlite", database=str(path))


def copy_sqlite(path: Path, target: Path) -> None:
    """Copy the SQLite file at ``path``, whose folder may be one that cannot be written to; nothing, where there is none."""
    if not path.exists():
        return
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
    except sqlite3.OperationalError:
        # Its log cannot be shared with writers from there, so there are none on this machine.
        target.unlink(missing_ok=True)
        for ending in ("", "-wal"):
            if (log := path.with_name(path.name + ending)).exists():
                shutil.copyfile(log, target.with_name(target.name + ending))


class Database:
    """A migrated metadata database. ``Database.open(url)`` makes one; ``close`` ends its connections."""

    def __init__(self, engine: sa.Engine, lock_folder: Path | None) -> None:
        self.engine = engine
        self._lock_folder = lock_folder

    @classmethod
    def open(cls, url: str | sa.URL) -> Database:
        """Open the database at ``url`` and bring it to the newest schema (safe when several processes do so at once).
        Raises ``StoreError`` if it cannot be reached, or a newer leadline has made of it what this one cannot use."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            path = Path(parsed.database or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
            _prepare_sqlite(engine)
            database = cls(engine, path.parent / "locks")
        else:
            # A lock holds its connection as long as the work it guards.
            from leadline.db.patience import CONNECT_SECONDS, be_patient

            engine = sa.create_engine(
                url, pool_pre_ping=True, pool_size=10, max_overflow=20, pool_timeout=CONNECT_SECONDS
            )
            be_patient(engine)
            database = cls(engine, None)
        try:
            database._migrate()
        except sa.exc.DBAPIError as error:
            database.close()
            away = not database.is_sqlite and isinstance(error, DATABASE_AWAY)
            raise (DatabaseAway if away else StoreError)(
                f"The metadata database {parsed.render_as_string(hide_password=True)} cannot be used: {error.orig}"
            ) from error
        Outage().watch(engine)
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
    def moment(self) -> Iterator[sa.Connection]:
        """A connection that sees the database as it is at its first question, whatever is written meanwhile; others are held
        up by nothing."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect() as connection, connection.execution_options(**level).begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False, under: Lease | None = None) -> Iterator[sa.Connection]:
        """One write transaction: committed at the end, rolled back on an exception. Every commit survives the death of
        the process. A ``durable`` one also survives that of the machine: it returns when the disk says that it has it,
        whatever else the database is set to. One ``under`` a lock raises ``LockLost`` if somebody took the lock since;
        nobody can until it ends."""
        with self.engine.connect() as connection, self._flushing(connection, durable=durable):
            connection.execution_options(leadline_write=True)
            with connection.begin():
                if durable and not self.is_sqlite:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
                if under is not None:
                    under.require_newest(leases.newest(connection, under.name, held=True))
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

    def tidy(self, tables: Sequence[str]) -> None:
        """Give the disk back what was deleted from ``tables`` or replaced there: nothing of it is left in the database's files
        afterwards. Raises what the database raises where it is busy too long."""
        if not self.is_sqlite:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
            return
        with self.engine.connect() as connection:
            # Straight at the driver: inside a transaction, which SQLAlchemy would begin, it cannot be done.
            driver: Any = connection.connection.dbapi_connection
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    # -- locks ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, name: str) -> Iterator[Lease]:
        """Hold the lock ``name`` exclusively across processes (and machines, on PostgreSQL), as a lease with a number. It is free
        again as soon as the holder ends, however it ends; and on PostgreSQL as soon as the holder's session does."""
        with self._hold(name, wait=True) as held:
            assert held is not None  # noqa: S101 -- who waits gets it
            yield self._lease(name, held)

    @contextmanager
    def lock_if_free(self, name: str) -> Iterator[Lease | None]:
        """As ``lock``, without waiting: None if somebody else has it."""
        with self._hold(name, wait=False) as held:
            yield self._lease(name, held) if held else None

    def is_free(self, name: str) -> bool:
        """Whether nobody holds the lock ``name`` at this moment. Its last holder loses nothing by the question."""
        with self._hold(name, wait=False) as held:
            return held is not None

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Hold the lock ``name`` without a number: for work that may be done twice at once, and should not only to save it."""
        with self._hold(name, wait=True):
            yield

    @contextmanager
    def turn_if_free(self, name: str) -> Iterator[bool]:
        """As ``turn``, without waiting: False if somebody else has it."""
        with self._hold(name, wait=False) as held:
            yield held is not None

    def _lease(self, name: str, held: _Held) -> Lease:
        def newest() -> int | None:
            with self.read() as connection:
                return leases.newest(connection, name)

        with held() as connection:
            return Lease(name, leases.take(connection, name), newest)

    def _hold(self, name: str, *, wait: bool) -> AbstractContextManager[_Held | None]:
        """The lock ``name``; None if somebody else has it."""
        return self._advisory_lock(name, wait=wait) if self._lock_folder is None else self._file_lock(name, wait=wait)

    @contextmanager
    def _advisory_lock(self, name: str, *, wait: bool) -> Iterator[_Held | None]:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        connection, held = self._asked(number, wait=wait)
        with connection:
            try:
                # By the session that has the lock: one that has ended gets no number.
                yield (lambda: nullcontext(connection)) if held else None
            finally:
                if held:
                    _unlock(connection, number)

    def _asked(self, number: int, *, wait: bool) -> tuple[sa.Connection, bool]:
        """A session that has asked for an advisory lock, and whether it has it. Where it is ended while it waits, another asks."""
        ask = sa.func.pg_advisory_lock if wait else sa.func.pg_try_advisory_lock
        tries = _TRIES
        while True:
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                return connection, connection.execute(sa.select(ask(number))).scalar() is not False
            except BaseException as error:
                connection.close()
                tries -= 1
                if not (tries and isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated):
                    raise

    @contextmanager
    def _file_lock(self, name: str, *, wait: bool) -> Iterator[_Held | None]:
        import fcntl

        folder = self._lock_folder
        assert folder is not None  # noqa: S101 -- only on SQLite
        folder.mkdir(parents=True, exist_ok=True)
        # A digest after the readable part: names differing only in odd characters must not share a lock.
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        file = folder / f"{re.sub('[^A-Za-z0-9.-]+', '_', name)[:80]}-{digest}.lock"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield self.write
        finally:
            os.close(descriptor)

    def _migrate(self) -> None:
        from leadline.db.migrate import may_go_on, upgrade

        # Most opens find the schema current; asking that first keeps Alembic out of every command's start-up.
        with self.engine.connect() as connection:
            if may_go_on(connection, self._revision(connection)):
                return
        with self.turn("migrate"), self.engine.connect() as connection:
            revision = self._revision(connection)
            usable = may_go_on(connection, revision)
            connection.rollback()
            if not usable:
                upgrade(connection, revision)

    def _revision(self, connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return revision


def _unlock(connection: sa.Connection, number: int) -> None:
    """Give an advisory lock back. A session that has ended meanwhile holds none: what was written without it was refused where it
    was written, so that who comes here has nothing to fear."""
    try:
        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
    except sa.exc.DBAPIError:
        connection.invalidate()  # closed for good: going back to the pool, it might keep the lock


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
