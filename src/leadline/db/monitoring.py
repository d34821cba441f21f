"""Figures of the whole home for monitoring: what was finished since last asked, how long the queue has been waiting.

Nothing names a project, so that a scrape may be open to whoever reaches the port.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import cursors, exports, outbox, schedule_runs, schedules, sources, webhooks


@dataclass(frozen=True)
class Finished:
    """An export that ended: how, and how long it took from its creation (seconds)."""

    id: str
    kind: str
    state: str
    completed_at: datetime
    seconds: float


def finished_since(db: Database, since: datetime | None) -> Sequence[Finished]:
    """Exports finished at ``since`` or later (all if None)."""
    query = sa.select(
        exports.c.id, exports.c.kind, exports.c.state, exports.c.created_at, exports.c.completed_at
    ).where(exports.c.completed_at.is_not(None))
    if since is not None:
        query = query.where(exports.c.completed_at >= since)
    rows = db.rows(query)
    return [
        Finished(
            row.id, row.kind, row.state, row.completed_at, max(0.0, (row.completed_at - row.created_at).total_seconds())
        )
        for row in rows
    ]


def oldest_queued(db: Database) -> datetime | None:
    """When the export that waits longest was created; None while none waits."""
    instant: datetime | None = db.value(
        sa.select(exports.c.created_at).where(exports.c.state == "queued").order_by(exports.c.created_at).limit(1)
    )
    return instant


def last_runs(db: Database) -> tuple[dict[str, int], dict[str, int]]:
    """Sources by the state that their last run ended in; and by kind, the streams that could not be read in these runs."""
    query = sa.select(sources.c.kind, sources.c.outcome).where(sources.c.outcome.is_not(None))
    rows = db.rows(query)
    states: dict[str, int] = {"done": 0, "incomplete": 0, "failed": 0}
    failed: dict[str, int] = {}
    for kind, outcome in rows:
        if not isinstance(outcome, dict):  # what a broken row says counts for nobody, and hides no other
            continue
        state = str(outcome.get("state"))
        states[state] = states.get(state, 0) + 1
        failed[kind] = failed.get(kind, 0) + outcome.get("failedCount", 0)
    return states, failed


def last_synced(db: Database) -> dict[str, datetime]:
    """Per source, when what is furthest behind was last read: a repository of git; of other tools, a whole source."""
    pulled = sa.select(sources.c.kind, sa.func.min(sa.func.coalesce(sources.c.succeeded_at, sources.c.created_at)))
    read = sa.select(cursors.c.source, sa.func.min(cursors.c.updated_at))
    # A tool's own cursors stay where they are while nothing is new.
    read = read.where(cursors.c.source.not_in(sa.select(sources.c.kind)))
    with db.read() as connection:
        rows = [
            *connection.execute(read.group_by(cursors.c.source)),
            *connection.execute(pulled.group_by(sources.c.kind)),
        ]
    return {row[0]: row[1] for row in rows}


def endpoints(db: Database) -> dict[str, int]:
    """Endpoints that are told of events, by whether they are sent any."""
    paused = sa.func.count(webhooks.c.paused_at)
    row = db.rows(sa.select(sa.func.count(), paused).select_from(webhooks))[0]
    return {"active": row[0] - row[1], "paused": row[1]}


def messages(db: Database) -> int:
    """Messages that no endpoint has taken yet."""
    return int(db.value(sa.select(sa.func.count()).select_from(outbox)))


def scheduled(db: Database) -> dict[str, int]:
    """Schedules that are enabled, by the state of their last run; those that were never run, too."""
    newest = (
        sa.select(schedule_runs.c.schedule_id, sa.func.max(schedule_runs.c.due_at).label("due_at"))
        .group_by(schedule_runs.c.schedule_id)
        .subquery()
    )
    query = (
        sa.select(schedule_runs.c.state, sa.func.count())
        .select_from(schedules)
        .outerjoin(newest, newest.c.schedule_id == schedules.c.id)
        .outerjoin(
            schedule_runs,
            sa.and_(schedule_runs.c.schedule_id == schedules.c.id, schedule_runs.c.due_at == newest.c.due_at),
        )
        .where(schedules.c.enabled)
        .group_by(schedule_runs.c.state)
    )
    return {"completed": 0, "failed": 0, **{state or "never": int(number) for state, number in db.rows(query)}}
