"""Schedules of exports and their runs, as rows. Every step of a run is one conditional update, so that of two servers that want to
take it one does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import schedule_runs, schedules
from leadline.errors import Conflict, NotFound
from leadline.field_types import storable

WAITING, RUNNING, COMPLETED, FAILED, CANCELLED = ("waiting", "running", "completed", "failed", "cancelled")
"""A run waits for its sources, has its export made and delivered (running), or has ended."""
STATES = (WAITING, RUNNING, COMPLETED, FAILED, CANCELLED)
OPEN = (WAITING, RUNNING)
MOST = 500
"""Schedules that a project can have."""
RUNS_KEPT = 1000
"""Runs of a schedule that are remembered."""


@dataclass(frozen=True)
class Schedule:
    """A schedule. ``request`` is the body of a create whose range is relative; ``deliver`` names folders and webhooks, of whose
    files those of ``keep`` runs are kept; ``next_at`` is when it is due, None while it is not ``enabled``."""

    id: str
    project_id: int
    name: str
    kind: str
    request: Mapping[str, Any]
    cron: str
    timezone: str
    wait_minutes: int | None
    deliver: Sequence[Mapping[str, str]]
    keep: int | None
    enabled: bool
    created_by: str
    created_at: datetime
    next_at: datetime | None


@dataclass(frozen=True)
class Run:
    """A run of a schedule for the days from ``start`` to ``end``: due at ``due_at``, asked for by somebody (``requested``), or
    caught up with (``late``). ``deliveries`` say where its file went, or why not."""

    id: str
    schedule_id: str
    due_at: datetime
    requested: bool
    late: bool
    state: str
    start: date
    end: date
    created_at: datetime
    wait_until: datetime | None = None
    incomplete_sources: Sequence[str] = ()
    export_id: str | None = None
    deliveries: Sequence[Mapping[str, Any]] = field(default=())
    error: Mapping[str, Any] | None = None
    finished_at: datetime | None = None


_SCHEDULE = [schedules.c[name] for name in Schedule.__dataclass_fields__]
_RUN = [schedule_runs.c[name] for name in Run.__dataclass_fields__]


def listed(db: Database, project_id: int) -> list[Schedule]:
    """The project's schedules, oldest first."""
    query = sa.select(*_SCHEDULE).where(schedules.c.project_id == project_id)
    return [Schedule(**row._mapping) for row in db.rows(query.order_by(schedules.c.created_at, schedules.c.id))]


def get(db: Database, project_id: int, schedule_id: str) -> Schedule:
    """A schedule of the project. Raises ``NotFound``."""
    row = db.row(sa.select(*_SCHEDULE).where(*_is(project_id, schedule_id))) if storable(schedule_id) else None
    if row is None:
        raise _unknown(schedule_id)
    return Schedule(**row._mapping)


def add(db: Database, new: Schedule) -> None:
    """Store a new schedule."""
    with db.write() as connection:
        connection.execute(schedules.insert(), {**vars(new), "deliver": list(new.deliver)})


def change(db: Database, changed: Schedule) -> None:
    """Store a schedule anew; runs at work go on as they began. Raises ``NotFound``."""
    values = {**vars(changed), "deliver": list(changed.deliver)}
    where = _is(changed.project_id, changed.id)
    with db.write() as connection:
        if connection.execute(schedules.update().where(*where).values(**values)).rowcount == 0:
            raise _unknown(changed.id)


def remove(db: Database, project_id: int, schedule_id: str) -> None:
    """Forget a schedule and its runs; exports and files stay. Raises ``NotFound``."""
    get(db, project_id, schedule_id)
    with db.write() as connection:
        connection.execute(schedule_runs.delete().where(schedule_runs.c.schedule_id == schedule_id))
        connection.execute(schedules.delete().where(*_is(project_id, schedule_id)))


def due(db: Database, project_id: int, now: datetime) -> list[Schedule]:
    """The schedules that are due, the one that waits longest first."""
    query = sa.select(*_SCHEDULE).where(schedules.c.project_id == project_id, schedules.c.next_at <= now)
    return [Schedule(**row._mapping) for row in db.rows(query.order_by(schedules.c.next_at, schedules.c.id))]


# -- runs ----------------------------------------------------------------------------------------------------------------


def begin(db: Database, schedule: Schedule, run: Run, next_at: datetime) -> bool:
    """Begin a run that is due, and note when the next one is. False: somebody else did, or the schedule is another by now."""
    mine = (schedules.c.id == schedule.id, schedules.c.next_at == schedule.next_at, schedules.c.enabled)
    with db.write() as connection:
        if connection.execute(schedules.update().where(*mine).values(next_at=next_at)).rowcount != 1:
            return False
        if not _there(connection, run):
            _insert(connection, run)
    return True


def request(db: Database, run: Run) -> None:
    """Begin a run that somebody asks for. Raises ``Conflict`` where one was begun at the same instant."""
    with db.write() as connection:
        if _there(connection, run):
            raise Conflict("A run of this schedule was begun in this moment", code="run_begun")
        _insert(connection, run)


def _there(connection: sa.Connection, run: Run) -> bool:
    same = (schedule_runs.c.schedule_id == run.schedule_id, schedule_runs.c.due_at == run.due_at)
    return connection.execute(sa.select(schedule_runs.c.id).where(*same)).first() is not None


def _insert(connection: sa.Connection, run: Run) -> None:
    lists = {name: list(getattr(run, name)) for name in ("incomplete_sources", "deliveries")}
    connection.execute(schedule_runs.insert(), {**vars(run), **lists})


def open_runs(db: Database, project_id: int) -> list[tuple[Schedule, Run]]:
    """The runs that have not ended, with their schedules, in the order in which they began."""
    query = (
        sa.select(*_SCHEDULE, *(column.label(f"run_{column.name}") for column in _RUN))
        .join(schedules, schedules.c.id == schedule_runs.c.schedule_id)
        .where(schedules.c.project_id == project_id, schedule_runs.c.state.in_(OPEN))
        .order_by(schedule_runs.c.created_at, schedule_runs.c.id)
    )
    found = []
    for row in db.rows(query):
        members = row._mapping
        schedule = Schedule(**{name: members[name] for name in Schedule.__dataclass_fields__})
        found.append((schedule, Run(**{name: members[f"run_{name}"] for name in Run.__dataclass_fields__})))
    return found


def runs(db: Database, schedule_id: str, limit: int = 100) -> list[Run]:
    """The runs of a schedule, the newest first."""
    query = sa.select(*_RUN).where(schedule_runs.c.schedule_id == schedule_id)
    newest = query.order_by(schedule_runs.c.due_at.desc(), schedule_runs.c.id).limit(limit)
    return [Run(**row._mapping) for row in db.rows(newest)]


def advance(connection: sa.Connection, run: Run, **values: Any) -> bool:
    """Take a run a step on. False: it is not as ``run`` says any more."""
    mine = (schedule_runs.c.id == run.id, schedule_runs.c.state == run.state)
    return connection.execute(schedule_runs.update().where(*mine).values(**values)).rowcount == 1


def note(db: Database, run_id: str, deliveries: Sequence[Mapping[str, Any]]) -> None:
    """Note what has become of the files of a run."""
    with db.write() as connection:
        noted = schedule_runs.update().where(schedule_runs.c.id == run_id)
        connection.execute(noted.values(deliveries=[dict(delivery) for delivery in deliveries]))


def forget(db: Database, run_ids: Collection[str]) -> None:
    """Forget runs that have ended."""
    with db.write() as connection:
        ended = (schedule_runs.c.id.in_(list(run_ids)), schedule_runs.c.state.not_in(OPEN))
        connection.execute(schedule_runs.delete().where(*ended))


def last_runs(db: Database, project_id: int) -> dict[str, Run]:
    """The newest run of each schedule of the project, by the schedule's id."""
    newest = (
        sa.select(schedule_runs.c.schedule_id, sa.func.max(schedule_runs.c.due_at).label("due_at"))
        .join(schedules, schedules.c.id == schedule_runs.c.schedule_id)
        .where(schedules.c.project_id == project_id)
        .group_by(schedule_runs.c.schedule_id)
        .subquery()
    )
    same = sa.and_(newest.c.schedule_id == schedule_runs.c.schedule_id, newest.c.due_at == schedule_runs.c.due_at)
    rows = db.rows(sa.select(*_RUN).join(newest, same))
    return {row.schedule_id: Run(**row._mapping) for row in rows}


def _is(project_id: int, schedule_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return schedules.c.project_id == project_id, schedules.c.id == schedule_id


def _unknown(schedule_id: str) -> NotFound:
    return NotFound(f"There is no schedule {schedule_id[:80]!r}", code="unknown_schedule")
