"""The outbox: messages that endpoints of others are to get. One is written in the transaction of what it tells, so that neither is
without the other, and is gone once it was delivered or its endpoint is. Whoever delivers holds the lock ``DELIVERING``."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import outbox, schedules, webhooks

EVENTS = {
    "export.completed": "An export has its file.",
    "export.failed": "An export ended without a file.",
    "export.cancelled": "An export was cancelled.",
    "source.failed": "A run of a source failed, and the one before did not.",
    "source.recovered": "A source was read again, after runs that failed.",
    "org_tree.changed": "An org tree has another version, or is gone.",
    "data.late": "A schedule did not wait any longer for the data of all sources.",
}
"""What endpoints can be told, and what each tells."""
TEST = "webhook.test"
"""What an endpoint is told to try it."""

DELIVERING = "delivering"
"""Name of the lock of a home that is held by who delivers its messages."""
AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 600, 3600, 6 * 3600, 24 * 3600))
"""After each attempt that failed, how long until the next one; after the last of them the endpoint is paused."""
KEPT = timedelta(days=30)
"""How long messages are kept for an endpoint that is paused."""
_LONGEST_ERROR = 500


@dataclass(frozen=True)
class Message:
    """A message to the endpoint at ``url``. ``body`` is what was sent, None before the first attempt; ``attempts`` were made."""

    id: str
    project_id: int
    webhook_id: str
    type: str
    occurred_at: datetime
    data: Mapping[str, Any]
    body: str | None
    attempts: int
    url: str
    secret: str


_COLUMNS = [(webhooks if name in ("url", "secret") else outbox).c[name] for name in Message.__dataclass_fields__]


def new_id() -> str:
    """An id of a message: no two are alike."""
    return f"msg_{secrets.token_hex(12)}"


def announce(
    connection: sa.Connection,
    project_id: int,
    event: str,
    data: Mapping[str, Any],
    now: datetime,
    *,
    also: Collection[str] = (),
) -> None:
    """Tell every endpoint of the project that is told of ``event``, and those ``also`` named by their ids, once each."""
    endpoints = connection.execute(
        sa.select(webhooks.c.id, webhooks.c.events).where(webhooks.c.project_id == project_id).order_by(webhooks.c.id)
    )
    rows = [
        {
            "id": new_id(),
            "project_id": project_id,
            "webhook_id": endpoint.id,
            "type": event,
            "occurred_at": now,
            "data": dict(data),
            "next_at": now,
        }
        for endpoint in endpoints
        if event in endpoint.events or endpoint.id in also
    ]
    if rows:
        connection.execute(outbox.insert(), rows)


def announce_export(
    connection: sa.Connection, project_id: int, export_id: str, created_by: str, state: str, now: datetime
) -> None:
    """Tell that an export has ended in ``state``; the endpoints, too, that its schedule names, if it is of one."""
    named = connection.execute(sa.select(schedules.c.deliver).where(schedules.c.id == created_by)).scalar() or ()
    also = {target["webhook"] for target in named if "webhook" in target}
    announce(connection, project_id, f"export.{state}", {"exportId": export_id}, now, also=also)


# -- delivering ----------------------------------------------------------------------------------------------------------


def waiting(db: Database, now: datetime, busy: Collection[str] = ()) -> list[Message]:
    """The next message of each endpoint that has one to be sent now; none of those ``busy``, nor of those that are paused."""
    due = (
        sa.select(sa.func.min(outbox.c.next_at).label("next_at"), outbox.c.webhook_id)
        .where(outbox.c.next_at <= now, outbox.c.webhook_id.not_in(list(busy)))
        .group_by(outbox.c.webhook_id)
        .subquery()
    )
    query = (
        sa.select(*_COLUMNS)
        .join(webhooks, webhooks.c.id == outbox.c.webhook_id)
        .join(due, sa.and_(due.c.webhook_id == outbox.c.webhook_id, due.c.next_at == outbox.c.next_at))
        .where(webhooks.c.paused_at.is_(None))
        .order_by(outbox.c.next_at, outbox.c.id)
    )
    first: dict[str, Message] = {}
    for row in db.rows(query):
        first.setdefault(row.webhook_id, Message(**row._mapping))
    return list(first.values())


def begin(db: Database, message: Message, body: str) -> bool:
    """Note what is sent, before an attempt is made. False: the message is gone."""
    with db.write() as connection:
        noted = connection.execute(outbox.update().where(outbox.c.id == message.id).values(body=body))
    return noted.rowcount == 1


def delivered(db: Database, message: Message, now: datetime) -> None:
    """The endpoint took the message."""
    with db.write() as connection:
        connection.execute(outbox.delete().where(outbox.c.id == message.id))
        took(connection, message.webhook_id, now)


def took(connection: sa.Connection, webhook_id: str, now: datetime) -> None:
    """Note that an endpoint takes messages."""
    values = {"succeeded_at": now, "error": None}
    connection.execute(webhooks.update().where(webhooks.c.id == webhook_id).values(**values))


def failed(db: Database, message: Message, why: str, now: datetime) -> bool:
    """The endpoint did not take the message: it is sent again later, or the endpoint is paused, which is the answer."""
    paused = message.attempts >= len(AGAIN_AFTER)
    attempts, pause = (0, timedelta()) if paused else (message.attempts + 1, AGAIN_AFTER[message.attempts])
    values: dict[str, Any] = {"failed_at": now, "error": why[:_LONGEST_ERROR]}
    if paused:
        values["paused_at"] = now
    with db.write() as connection:
        mine = (outbox.c.id == message.id, outbox.c.attempts == message.attempts)
        if connection.execute(outbox.update().where(*mine).values(attempts=attempts, next_at=now + pause)).rowcount:
            connection.execute(webhooks.update().where(webhooks.c.id == message.webhook_id).values(**values))
            return paused
    return False


def sweep(db: Database, now: datetime) -> int:
    """Drop messages whose endpoint is gone, and those that wait for a paused one for too long; their number."""
    lasting = sa.select(webhooks.c.id).where(
        sa.or_(webhooks.c.paused_at.is_(None), outbox.c.occurred_at > now - KEPT), webhooks.c.id == outbox.c.webhook_id
    )
    with db.write() as connection:
        return connection.execute(outbox.delete().where(~sa.exists(lasting))).rowcount


# -- figures -------------------------------------------------------------------------------------------------------------


def counts(db: Database, project_id: int | None = None) -> dict[str, int]:
    """Messages that wait, by the id of their endpoint, of one project or of all."""
    query = sa.select(outbox.c.webhook_id, sa.func.count()).group_by(outbox.c.webhook_id)
    if project_id is not None:
        query = query.where(outbox.c.project_id == project_id)
    return {webhook_id: int(number) for webhook_id, number in db.rows(query)}
