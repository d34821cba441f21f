"""Whom a project has forgotten: marks of what they were called, from which nobody learns what that was, and the pseudonym that
stands in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import (
    api_keys,
    cursors,
    exports,
    forgotten,
    inbox_refused,
    saved_views,
    sessions,
    settings,
    sources,
)


def marks(db: Database, project_id: int) -> dict[str, str]:
    """The pseudonym of each mark; none where nobody was forgotten, which costs one look-up."""
    query = sa.select(forgotten.c.mark, forgotten.c.pseudonym).where(forgotten.c.project_id == project_id)
    return {row.mark: row.pseudonym for row in db.rows(query)}


def add(db: Database, project_id: int, new: Iterable[str], pseudonym: str, now: datetime) -> None:
    """Let ``new`` marks mean ``pseudonym``, all at once; those that mean somebody already stay as they are. They are on the disk
    when this returns."""
    with db.write(durable=True) as connection:
        known = set(
            connection.execute(sa.select(forgotten.c.mark).where(forgotten.c.project_id == project_id)).scalars()
        )
        rows = [
            {"project_id": project_id, "mark": mark, "pseudonym": pseudonym, "forgotten_at": now}
            for mark in sorted(set(new) - known)
        ]
        if rows:
            connection.execute(forgotten.insert(), rows)


def last(db: Database, project_id: int) -> datetime | None:
    """When somebody was last forgotten; None: nobody was."""
    query = sa.select(sa.func.max(forgotten.c.forgotten_at, type_=forgotten.c.forgotten_at.type))
    moment: datetime | None = db.value(query.where(forgotten.c.project_id == project_id))
    return moment


Change = Callable[[str], str]
"""Makes of a text the one that stands in its place."""


def change_texts(connection: sa.Connection, project_id: int, change: Change) -> int:
    """Apply ``change`` to whatever else the project keeps that may name people: names, settings, notes of sources, requests of
    exports. How many rows were changed."""
    return sum(_change_table(connection, project_id, table, columns, change) for table, columns in _TEXTS.items())


_TEXTS = {
    settings: ("value",),
    api_keys: ("name",),
    saved_views: ("name", "creator", "created_by"),
    sources: ("settings", "outcome"),
    cursors: ("value",),
    exports: ("request", "error", "created_by"),
}


def _change_table(
    connection: sa.Connection,
    project_id: int,
    table: sa.Table,
    columns: Sequence[str],
    change: Change,
    *only: sa.ColumnElement[bool],
) -> int:
    keys = list(table.primary_key.columns)
    changed = 0
    query = sa.select(*keys, *(table.c[name] for name in columns)).where(table.c.project_id == project_id, *only)
    for row in connection.execute(query).all():
        before = {name: row._mapping[name] for name in columns}
        after = {name: _changed(value, change) for name, value in before.items()}
        if new := {name: value for name, value in after.items() if value != before[name]}:
            where = [key == row._mapping[key.name] for key in keys]
            connection.execute(table.update().where(*where).values(**new))
            changed += 1
    return changed


def _changed(value: Any, change: Change) -> Any:
    """A text, or the texts in a JSON value, names of members too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(one, change) for one in value]
    if isinstance(value, dict):
        return {change(name): _changed(one, change) for name, one in value.items()}
    return value


def end_sessions(connection: sa.Connection, project_id: int, is_theirs: Callable[[str], bool]) -> int:
    """End the sessions of those of whose subject or name ``is_theirs`` holds; how many."""
    query = sa.select(sessions.c.hash, sessions.c.subject, sessions.c.name).where(sessions.c.project_id == project_id)
    theirs = [row.hash for row in connection.execute(query) if is_theirs(row.subject) or is_theirs(row.name)]
    connection.execute(sessions.delete().where(sessions.c.hash.in_(theirs)))
    return len(theirs)


def change_refused(connection: sa.Connection, project_id: int, change: Callable[[str, str], str]) -> int:
    """Apply ``change`` (of the table's name and a line) to pushed rows that were kept aside; how many deliveries were changed."""
    query = sa.select(inbox_refused).where(inbox_refused.c.project_id == project_id)
    changed = 0
    for row in connection.execute(query).all():
        content = "\n".join(change(row.table_name, line) for line in row.content.split("\n"))
        if content != row.content:
            connection.execute(inbox_refused.update().where(inbox_refused.c.id == row.id).values(content=content))
            changed += 1
    return changed


def change_addresses(connection: sa.Connection, project_id: int, change: Change) -> int:
    """Apply ``change`` to the addresses of saved views; how many were changed."""
    return _change_table(connection, project_id, saved_views, ("address",), change)


def change_accounts(connection: sa.Connection, project_id: int, change: Change) -> int:
    """Apply ``change`` to the settings that list accounts; how many were changed."""
    return _change_table(connection, project_id, settings, ("value",), change, settings.c.key.in_(_ACCOUNTS))


_ACCOUNTS = ("bots", "ai.agents")
