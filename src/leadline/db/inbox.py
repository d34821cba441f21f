"""The inbox: rows that were pushed and acknowledged, on their way to the lake, and those that could not be delivered.

What is delivered twice, because a process died in between, does no harm: the natural key decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import inbox, inbox_refused
from leadline.lease import Lease

_READ_AT_A_TIME = 100
_IDS_AT_A_TIME = 10_000


@dataclass(frozen=True)
class Delivery:
    """Rows of one table pushed by one request. ``content`` has one JSON object a line, ``rows`` of them; ``policy`` is a
    stored ``MergePolicy``: how they are merged with the lake's rows, if not as they are."""

    project_id: int
    table: str
    rows: int
    content: str
    policy: str | None = None


@dataclass(frozen=True)
class Waiting:
    """A delivery in the inbox; ids grow with arrival."""

    id: int
    table: str
    rows: int
    content: str
    received_at: datetime
    policy: str | None = None


@dataclass(frozen=True)
class Refused:
    """Rows of a waiting delivery that the lake cannot take, and why."""

    table: str
    rows: int
    content: str
    received_at: datetime
    reason: str


@dataclass(frozen=True)
class Backlog:
    """What waits in one project: its rows and when the oldest came."""

    project_id: int
    rows: int
    oldest: datetime


@dataclass(frozen=True)
class TableBacklog:
    """Rows of one table, waiting or refused: how many, since when, and for refused ones the latest reason."""

    table: str
    rows: int
    oldest: datetime
    reason: str | None = None


def add(db: Database, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Store ``deliveries`` in their order, all or none; they are on the disk when this returns."""
    with db.write(durable=True) as connection:
        connection.execute(
            inbox.insert(),
            [
                {
                    "project_id": delivery.project_id,
                    "table_name": delivery.table,
                    "rows": delivery.rows,
                    "content": delivery.content,
                    "received_at": now,
                    "terms": delivery.policy,
                }
                for delivery in deliveries
            ],
        )


def newest(db: Database, project_id: int, tables: Collection[str] | None = None) -> int | None:
    """The id of the project's delivery (to one of ``tables``) that came last; None if nothing waits, which costs one look
    into an index."""
    newest_id: int | None = db.value(sa.select(sa.func.max(inbox.c.id)).where(*_in_project(project_id, tables)))
    return newest_id


def _in_project(project_id: int, tables: Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    conditions = [inbox.c.project_id == project_id]
    return conditions if tables is None else [*conditions, inbox.c.table_name.in_(sorted(tables))]


def oldest(
    db: Database,
    project_id: int,
    *,
    until: int,
    rows: int,
    size: int,
    tables: Collection[str] | None = None,
    besides: Collection[str] = (),
) -> list[Waiting]:
    """The project's oldest deliveries (to ``tables``, not to those ``besides``) up to the id ``until``: as many as hold ``rows``
    rows or ``size`` characters, at least one if there is one."""
    query = (
        sa.select(inbox.c.id, inbox.c.table_name, inbox.c.rows, inbox.c.content, inbox.c.received_at, inbox.c.terms)
        .where(*_in_project(project_id, tables), inbox.c.id <= until, inbox.c.table_name.not_in(sorted(besides)))
        .order_by(inbox.c.id)
    )
    deliveries: list[Waiting] = []
    with db.read() as connection:
        # Streamed: the inbox may hold far more than is taken at a time.
        result = connection.execution_options(yield_per=_READ_AT_A_TIME).execute(query)
        for row in result:
            deliveries.append(Waiting(row.id, row.table_name, row.rows, row.content, row.received_at, row.terms))
            rows -= row.rows
            size -= len(row.content)
            if rows <= 0 or size <= 0:
                break
        result.close()
    return deliveries


def acknowledge(
    db: Database,
    project_id: int,
    delivered: Iterable[int],
    refused: Sequence[Refused],
    now: datetime,
    *,
    under: Lease,
) -> None:
    """Take the deliveries with the ids ``delivered`` out of the inbox and keep ``refused`` rows of them aside, at once. Raises
    ``LockLost`` if somebody else has the inbox' lock by now."""
    ids = list(delivered)
    with db.write(under=under) as connection:
        for at in range(0, len(ids), _IDS_AT_A_TIME):
            connection.execute(inbox.delete().where(inbox.c.id.in_(ids[at : at + _IDS_AT_A_TIME])))
        for part in refused:
            connection.execute(
                inbox_refused.insert(),
                {
                    "project_id": project_id,
                    "table_name": part.table,
                    "rows": part.rows,
                    "content": part.content,
                    "received_at": part.received_at,
                    "refused_at": now,
                    "reason": part.reason,
                },
            )


def backlogs(db: Database) -> list[Backlog]:
    """What waits in each project that has something waiting."""
    query = sa.select(inbox.c.project_id, sa.func.sum(inbox.c.rows), sa.func.min(inbox.c.received_at)).group_by(
        inbox.c.project_id
    )
    return [Backlog(row[0], int(row[1]), row[2]) for row in db.rows(query)]


def waiting(db: Database, project_id: int) -> list[TableBacklog]:
    """The project's waiting rows by table."""
    query = (
        sa.select(inbox.c.table_name, sa.func.sum(inbox.c.rows), sa.func.min(inbox.c.received_at))
        .where(inbox.c.project_id == project_id)
        .group_by(inbox.c.table_name)
        .order_by(inbox.c.table_name)
    )
    return [TableBacklog(row[0], int(row[1]), row[2]) for row in db.rows(query)]


def refused(db: Database, project_id: int) -> list[TableBacklog]:
    """The project's rows kept aside, by table, with the reason of the latest."""
    grouped = (
        sa.select(
            inbox_refused.c.table_name,
            sa.func.sum(inbox_refused.c.rows).label("rows"),
            sa.func.min(inbox_refused.c.received_at).label("oldest"),
            sa.func.max(inbox_refused.c.id).label("latest"),
        )
        .where(inbox_refused.c.project_id == project_id)
        .group_by(inbox_refused.c.table_name)
        .subquery()
    )
    query = (
        sa.select(grouped.c.table_name, grouped.c.rows, grouped.c.oldest, inbox_refused.c.reason)
        .join(inbox_refused, inbox_refused.c.id == grouped.c.latest)
        .order_by(grouped.c.table_name)
    )
    return [TableBacklog(row[0], int(row[1]), row[2], row[3]) for row in db.rows(query)]


def totals(db: Database) -> dict[str, int]:
    """Rows of all projects, ``waiting`` and ``refused``, for monitoring."""
    with db.read() as connection:
        return {
            state: int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(table.c.rows), 0))).scalar_one())
            for state, table in (("waiting", inbox), ("refused", inbox_refused))
        }
