"""Cursors: how far each source has been read, as one JSON value per project, source and name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import cursors
from leadline.lease import Lease


def get(db: Database, project_id: int, source: str, name: str) -> dict[str, Any] | None:
    """The stored cursor, or None before the first run."""
    value: dict[str, Any] | None = db.value(
        sa.select(cursors.c.value).where(
            cursors.c.project_id == project_id, cursors.c.source == source, cursors.c.name == name
        )
    )
    return value


def of_source(db: Database, project_id: int, source: str) -> dict[str, dict[str, Any]]:
    """Every cursor of one source, by name."""
    rows = db.rows(
        sa.select(cursors.c.name, cursors.c.value).where(cursors.c.project_id == project_id, cursors.c.source == source)
    )
    return {row.name: row.value for row in rows}


def put_all(
    db: Database,
    project_id: int,
    source: str,
    values: Mapping[str, dict[str, Any] | None],
    now: datetime,
    *,
    under: Lease | None = None,
) -> None:
    """Store many cursors of one source in one transaction; None takes one away. Raises ``LockLost`` if somebody else has taken the
    lock ``under`` which the source is read."""
    if not values:
        return
    kept = [
        {"project_id": project_id, "source": source, "name": name, "value": value, "updated_at": now}
        for name, value in values.items()
        if value is not None
    ]
    with db.write(under=under) as connection:
        connection.execute(
            cursors.delete().where(
                cursors.c.project_id == sa.bindparam("of_project"),
                cursors.c.source == sa.bindparam("of_source"),
                cursors.c.name == sa.bindparam("of_name"),
            ),
            [{"of_project": project_id, "of_source": source, "of_name": name} for name in values],
        )
        if kept:
            connection.execute(cursors.insert(), kept)


def put(
    db: Database,
    project_id: int,
    source: str,
    name: str,
    value: dict[str, Any],
    now: datetime,
    *,
    under: Lease | None = None,
) -> None:
    """Store the cursor, replacing the former one, as ``put_all`` does."""
    put_all(db, project_id, source, {name: value}, now, under=under)


def listed(db: Database, project_id: int) -> list[tuple[str, str, datetime]]:
    """Every cursor of a project as (source, name, updated_at)."""
    rows = db.rows(
        sa.select(cursors.c.source, cursors.c.name, cursors.c.updated_at)
        .where(cursors.c.project_id == project_id)
        .order_by(cursors.c.source, cursors.c.name)
    )
    return [(row.source, row.name, row.updated_at) for row in rows]


def remove(db: Database, project_id: int, source: str, names: Collection[str]) -> None:
    """Take cursors of one source away: what they are of is read from the beginning."""
    with db.write() as connection:
        for name in names:
            where = (cursors.c.project_id == project_id, cursors.c.source == source, cursors.c.name == name)
            connection.execute(cursors.delete().where(*where))
