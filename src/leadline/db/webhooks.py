"""The endpoints of others that are told what happens in a project, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import outbox, webhooks
from leadline.db.outbox import took
from leadline.errors import NotFound
from leadline.field_types import storable

MOST = 100
"""Endpoints that a project can have."""


@dataclass(frozen=True)
class Webhook:
    """An endpoint. ``error``: why it did not take the last message that it was sent; ``paused_at``: since when it is sent none."""

    id: str
    project_id: int
    url: str
    events: Sequence[str]
    secret: str
    created_by: str
    created_at: datetime
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
    paused_at: datetime | None = None


_COLUMNS = [webhooks.c[name] for name in Webhook.__dataclass_fields__]


def listed(db: Database, project_id: int) -> list[Webhook]:
    """The project's endpoints, oldest first."""
    query = sa.select(*_COLUMNS).where(webhooks.c.project_id == project_id)
    return [Webhook(**row._mapping) for row in db.rows(query.order_by(webhooks.c.created_at, webhooks.c.id))]


def get(db: Database, project_id: int, webhook_id: str) -> Webhook:
    """An endpoint of the project. Raises ``NotFound``."""
    row = db.row(sa.select(*_COLUMNS).where(*_is(project_id, webhook_id))) if storable(webhook_id) else None
    if row is None:
        raise _unknown(webhook_id)
    return Webhook(**row._mapping)


def add(db: Database, new: Webhook) -> None:
    """Tell an endpoint from now on."""
    with db.write() as connection:
        connection.execute(webhooks.insert(), {**vars(new), "events": list(new.events)})


def remove(db: Database, project_id: int, webhook_id: str) -> None:
    """Tell an endpoint no more; messages that wait for it are not sent. Raises ``NotFound``."""
    if not storable(webhook_id):
        raise _unknown(webhook_id)
    with db.write() as connection:
        if connection.execute(webhooks.delete().where(*_is(project_id, webhook_id))).rowcount == 0:
            raise _unknown(webhook_id)
        connection.execute(outbox.delete().where(outbox.c.webhook_id == webhook_id))


def resume(db: Database, webhook_id: str, now: datetime) -> None:
    """Send messages to an endpoint again, those that waited, too: it has just taken one."""
    with db.write() as connection:
        took(connection, webhook_id, now)
        connection.execute(webhooks.update().where(webhooks.c.id == webhook_id).values(paused_at=None))
        waits = (outbox.c.webhook_id == webhook_id, outbox.c.next_at > now)
        connection.execute(outbox.update().where(*waits).values(next_at=now, attempts=0))


def _is(project_id: int, webhook_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return webhooks.c.project_id == project_id, webhooks.c.id == webhook_id


def _unknown(webhook_id: str) -> NotFound:
    return NotFound(f"There is no webhook {webhook_id[:80]!r}", code="unknown_webhook")
