"""Takes all locks of a home from their holders, who are not told: as when the database server restarts or fails over, a network
cuts idle connections (PostgreSQL), or somebody clears the files of locks (SQLite)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from leadline.db import Database
from leadline.lake.writer import TableWriter

_END = sa.text(
    "SELECT pg_terminate_backend(pid, 10000) FROM (SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' "
    "AND granted = :granted AND pid <> pg_backend_pid() "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS sessions"
)


def lose_locks(database: Database) -> int:
    """End the sessions that hold locks, or take the files of locks away; how many."""
    if not database.is_sqlite:
        return end_sessions(database, holding=True)
    folder = Path(str(database.engine.url.database)).parent / "locks"
    held = list(folder.glob("*.lock"))
    for file in held:
        file.unlink(missing_ok=True)
    return len(held)


def end_sessions(database: Database, *, holding: bool) -> int:
    """End the sessions of a PostgreSQL database that hold locks, or else those that wait for one; how many."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        ended = connection.execute(_END, {"granted": holding}).scalars().all()
    return sum(ended)  # one that went between the look and its end was ended by nobody


def once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, meanwhile: Callable[[], None]) -> list[bool]:
    """Have ``meanwhile`` happen when ``owner.name`` is called for the first time, before that. Empty until then."""
    original, done = getattr(owner, name), list[bool]()

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if not done:
            done.append(True)
            meanwhile()
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, interrupted)
    return done


def before_looking(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> list[bool]:
    """``meanwhile`` happens when somebody is about to commit to a table."""
    return once(monkeypatch, TableWriter, "commit", meanwhile)


def after_looking(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> list[bool]:
    """``meanwhile`` happens when somebody has made sure that the lock is held, just before the commit itself."""
    import deltalake

    return once(monkeypatch, deltalake.DeltaTable, "create_write_transaction", meanwhile)
