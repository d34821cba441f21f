"""Runs that several workers share: which of them ask for help, and who computes which step, by a lease on it that shows that its
holder is alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.jobs import COLUMNS, PROCESSING, Claim, Export, export_of
from leadline.db.models import exports, steps
from leadline.db.notices import give_notice

_HOLD = sa.text(
    "INSERT INTO steps (project_id, name, worker, lease_until) VALUES (:project, :name, :worker, :until) "
    "ON CONFLICT (project_id, name) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until "
    "WHERE :free OR steps.lease_until <= :now"
).bindparams(sa.bindparam("until", type_=steps.c.lease_until.type), sa.bindparam("now", type_=steps.c.lease_until.type))


def ask_for_help(db: Database, claim: Claim, tables: Sequence[str]) -> None:
    """Let idle workers know which stored tables the run of ``claim`` lacks, by the names of their folders."""
    with db.write() as connection:
        connection.execute(exports.update().where(claim.condition()).values(help=list(tables)))
        give_notice(connection)


def asking_for_help(db: Database, now: datetime) -> list[Export]:
    """The exports that are made at ``now`` and whose runs ask for help, the one begun first before others."""
    asking = sa.and_(exports.c.state == PROCESSING, exports.c.lease_until > now, exports.c.help.is_not(None))
    rows = db.rows(sa.select(*COLUMNS).where(asking).order_by(exports.c.started_at, exports.c.id))
    return [export_of(row) for row in rows if row.help]


def is_made(db: Database, claim: Claim, now: datetime) -> bool:
    """Whether the claim holds and its worker is alive."""
    return bool(db.value(sa.select(sa.exists().where(claim.condition(), exports.c.lease_until > now))))


def take(
    db: Database, project_id: int, name: str, worker: str, now: datetime, lease_until: datetime, *, free: bool
) -> bool:
    """Take the step ``name`` for ``worker``, whose lease ended, or which is ``free`` since its lock is. False: somebody has it."""
    values = {
        "project": project_id,
        "name": name,
        "worker": worker,
        "now": now,
        "until": lease_until,
        "free": free,
    }
    with db.write() as connection:
        return connection.execute(_HOLD, values).rowcount == 1


def is_left(db: Database, project_id: int, name: str, now: datetime) -> bool:
    """Whether the lease on a step ended without its holder having done with it."""
    left = sa.exists().where(steps.c.project_id == project_id, steps.c.name == name, steps.c.lease_until <= now)
    return bool(db.value(sa.select(left)))


def renew(db: Database, project_id: int, name: str, worker: str, lease_until: datetime) -> None:
    """Prolong the lease of ``worker``, if it still has the step."""
    with db.write() as connection:
        connection.execute(steps.update().where(*_held(project_id, name, worker)).values(lease_until=lease_until))


def leave(db: Database, project_id: int, name: str, worker: str) -> None:
    """``worker`` has done with the step, or gives it up."""
    with db.write() as connection:
        connection.execute(steps.delete().where(*_held(project_id, name, worker)))


def _held(project_id: int, name: str, worker: str) -> tuple[sa.ColumnElement[bool], ...]:
    return steps.c.project_id == project_id, steps.c.name == name, steps.c.worker == worker
