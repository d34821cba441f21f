"""Exports as jobs: one row is the request, its place in the queue, the lease of who works on it, and its result.

Every change of state is one conditional update, so that of two who want to change a row exactly one succeeds: a worker's
finish is fenced by its name and attempt. Machines sharing a database must agree on the time to well within a lease.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import exports
from leadline.db.notices import give_notice
from leadline.db.outbox import announce_export
from leadline.db.turns import turns

QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED = STATES = ("queued", "processing", "completed", "failed", "cancelled")
GIVE_UP_ATTEMPTS, GIVE_UP_AFTER = 10, timedelta(minutes=30)
"""A job is given up after so many attempts that their workers did not end themselves, the first of them so long ago. Most of these
die of what happens around them (a restart, a lost database), which counts against no job; one that kills its workers itself has an
end all the same."""
SOON_ATTEMPTS, LATER = 3, timedelta(seconds=60)
"""After so many such attempts a job waits so long for each further one, so that what kills its workers leaves others their turn."""

_REUSE_CANDIDATES = 20


@dataclass(frozen=True)
class Export:
    """One row of ``exports``. ``file`` is the stored file relative to the project's folder, None before completion and again once
    it expired; ``takes_long``: it was put aside by one who makes small ones; ``help`` are stored tables that it lacks;
    ``progress`` is 0–1; ``pinned`` is the document of ``metrics.request.Pins``; ``given`` is the request in the words of who
    created it, None of one that an earlier release made; ``of_people`` and ``names_hidden`` say who may have it (``Access``)."""

    id: str
    project_id: int
    kind: str
    state: str
    request: Mapping[str, Any]
    request_hash: str
    compression: str
    team_id: str | None
    team_key: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    worker: str | None = None
    lease_until: datetime | None = None
    attempts: int = 0
    takes_long: bool = False
    help: Sequence[str] | None = None
    progress: float = 0.0
    pinned: Mapping[str, Any] | None = None
    data_as_of: datetime | None = None
    filename: str | None = None
    content_type: str | None = None
    file: str | None = None
    row_count: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    error: Mapping[str, Any] | None = None
    of_people: bool = True
    names_hidden: bool = False
    given: Mapping[str, Any] | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it was completed but its file is kept no longer."""
        return self.state == COMPLETED and (
            self.file is None or (self.expires_at is not None and self.expires_at <= now)
        )


COLUMNS = tuple(exports.c[field.name] for field in fields(Export))


def export_of(row: sa.Row[Any]) -> Export:
    """The export of a row that has ``COLUMNS``."""
    return Export(**row._mapping)


def create(db: Database, new: Export, usable: Callable[[Export], bool]) -> tuple[Export, bool]:
    """Queue ``new`` unless an earlier export with its hash is ``usable``: (the export, whether it is the earlier one).
    ``usable`` is asked, newest first, about the project's queued, processing and completed exports with the same
    ``request_hash``. Of any number of identical creations at once one queues and the others get its export."""
    with db.write() as connection:
        if not db.is_sqlite:  # whose write transactions already are one at a time
            name = f"{new.project_id}:{new.request_hash}"
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))
        earlier = connection.execute(
            sa.select(*COLUMNS)
            .where(
                exports.c.project_id == new.project_id,
                exports.c.request_hash == new.request_hash,
                exports.c.state.in_((QUEUED, PROCESSING, COMPLETED)),
            )
            .order_by(exports.c.created_at.desc(), exports.c.id)
            .limit(_REUSE_CANDIDATES)
        ).all()
        for candidate in map(export_of, earlier):
            if usable(candidate):
                return candidate, True
        insert(connection, new)
        give_notice(connection)
    return new, False


def insert(connection: sa.Connection, new: Export) -> None:
    """Write ``new`` as it is."""
    connection.execute(exports.insert(), vars(new))


def get(db: Database, project_id: int, export_id: str, kind: str | None = None) -> Export | None:
    """One export of a project, None if there is none of that id (and kind, if given)."""
    conditions = [exports.c.id == export_id, exports.c.project_id == project_id]
    if kind is not None:
        conditions.append(exports.c.kind == kind)
    row = db.row(sa.select(*COLUMNS).where(*conditions))
    return None if row is None else export_of(row)


def counts(db: Database, project_id: int | None = None) -> dict[str, int]:
    """Exports by state (every state named), of one project or of all."""
    query = sa.select(exports.c.state, sa.func.count()).group_by(exports.c.state)
    if project_id is not None:
        query = query.where(exports.c.project_id == project_id)
    numbers = {state: int(number) for state, number in db.rows(query)}
    return {state: numbers.get(state, 0) for state in STATES}


def kinds(db: Database, project_id: int) -> list[str]:
    """The kinds of which the project has exports, by name."""
    asked = sa.select(exports.c.kind).where(exports.c.project_id == project_id).distinct()
    return sorted(row.kind for row in db.rows(asked))


@dataclass(frozen=True)
class Claim:
    """A lease on one export: what it was when claimed. It holds while the row is processing, under this worker's name
    and on this attempt."""

    export: Export

    def condition(self) -> sa.ColumnElement[bool]:
        """The fence: true of the row only while the claim holds."""
        return sa.and_(
            exports.c.id == self.export.id,
            exports.c.state == PROCESSING,
            exports.c.worker == self.export.worker,
            exports.c.attempts == self.export.attempts,
        )


def _abandoned(now: datetime) -> sa.ColumnElement[bool]:
    """Whose lease ran out, for those tried often a while ago."""
    rested = sa.or_(exports.c.attempts < SOON_ATTEMPTS, exports.c.lease_until <= now - LATER)
    return sa.and_(exports.c.state == PROCESSING, exports.c.lease_until <= now, rested)


def _claimable(now: datetime, *, small: bool) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """What may be taken over, and what may be taken from the queue; ``small``: of those that do not take long."""
    if not small:
        return _abandoned(now), exports.c.state == QUEUED
    quick = exports.c.takes_long.is_(sa.false())
    # What was tried twice may have killed its workers, and does not do so in between.
    once = sa.and_(_abandoned(now), exports.c.attempts < 2, quick)
    return once, sa.and_(exports.c.state == QUEUED, quick)


def waiting(db: Database, now: datetime, *, small: bool = False) -> bool:
    """Whether there is anything to claim. Takes no lock, so idle workers may ask often."""
    return bool(db.value(sa.select(sa.or_(*(sa.exists().where(which) for which in _claimable(now, small=small))))))


def claim(db: Database, worker: str, now: datetime, lease_until: datetime, *, small: bool = False) -> Claim | None:
    """Take over an export whose lease ran out, or else the one queued longest of the project whose turn it is; None when there is
    nothing to do. ``small``: nothing that takes long.
    ``worker`` must be unique to the claiming thread. One whose workers ended too often (``GIVE_UP_ATTEMPTS``) is failed instead."""
    with db.write() as connection:
        while (row := _next(connection, _claimable(now, small=small))) is not None:
            if row.attempts < GIVE_UP_ATTEMPTS or now - row.started_at < GIVE_UP_AFTER:
                claimed = connection.execute(
                    exports.update()
                    .where(exports.c.id == row.id)
                    .values(
                        state=PROCESSING,
                        worker=worker,
                        lease_until=lease_until,
                        attempts=row.attempts + 1,
                        started_at=row.started_at or now,
                        progress=0.0,
                    )
                    .returning(*COLUMNS)
                ).one()
                return Claim(export_of(claimed))
            connection.execute(exports.update().where(exports.c.id == row.id).values(**_failed(_gave_up(row), now)))
            announce_export(connection, row.project_id, row.id, row.created_by, FAILED, now)
    return None


def _next(
    connection: sa.Connection, claimable: tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]
) -> sa.Row[Any] | None:
    abandoned, queued = claimable
    row = _first(connection, sa.select(*COLUMNS).where(abandoned).order_by(exports.c.lease_until, exports.c.id))
    if row is not None:
        return row
    in_order = sa.select(*COLUMNS).where(queued).order_by(exports.c.created_at, exports.c.id)
    for project_id in connection.execute(turns(queued, PROCESSING)).scalars().all():
        if (row := _first(connection, in_order.where(exports.c.project_id == project_id))) is not None:
            return row
    return None


def _first(connection: sa.Connection, query: sa.Select[*tuple[Any, ...]]) -> sa.Row[Any] | None:
    # Rows another worker is claiming at this moment are passed over (PostgreSQL; SQLite has one writer at a time).
    return connection.execute(query.limit(1).with_for_update(skip_locked=True)).one_or_none()


def _gave_up(export: sa.Row[Any]) -> dict[str, Any]:
    return {
        "status": "failed",
        "error": f"Export {export.id} was given up after {export.attempts} attempts: its worker ended each time without "
        "finishing it; the server's log says more. It may need more memory than there is: ask for fewer days or one team",
        "code": "gave_up",
    }


def _failed(error: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {"state": FAILED, "error": dict(error), "completed_at": now, "worker": None, "lease_until": None}


def _change(db: Database, claim: Claim, **values: Any) -> bool:
    with db.write() as connection:
        return connection.execute(exports.update().where(claim.condition()).values(**values)).rowcount == 1


def _end(db: Database, claim: Claim, now: datetime, values: Mapping[str, Any]) -> bool:
    """Change what has ended, and tell who is told of it, both or neither."""
    export = claim.export
    with db.write() as connection:
        if connection.execute(exports.update().where(claim.condition()).values(**values)).rowcount != 1:
            return False
        announce_export(connection, export.project_id, export.id, export.created_by, values["state"], now)
    return True


def holds(db: Database, claim: Claim) -> bool:
    """Whether the claim still holds: not cancelled, not taken over. Takes no lock."""
    return bool(db.value(sa.select(sa.exists().where(claim.condition()))))


def renew(db: Database, claim: Claim, lease_until: datetime, progress: float) -> bool:
    """Prolong the lease and note the progress. False: the claim holds no longer."""
    return _change(db, claim, lease_until=lease_until, progress=progress)


def pin(db: Database, claim: Claim, pinned: Mapping[str, Any], data_as_of: datetime) -> bool:
    """Note what the export reads, for this attempt and all later ones. False: the claim holds no longer."""
    return _change(db, claim, pinned=dict(pinned), data_as_of=data_as_of)


@dataclass(frozen=True)
class Result:
    """What a run left: the stored file (relative to the project's folder), its data rows, bytes and SHA-256 (hex)."""

    file: str
    filename: str
    content_type: str
    row_count: int
    size_bytes: int
    sha256: str


def complete(db: Database, claim: Claim, result: Result, now: datetime, expires_at: datetime) -> bool:
    """Finish with a file. False: the claim holds no longer and nothing was changed."""
    ended = {"state": COMPLETED, "progress": 1.0, "completed_at": now, "worker": None, "lease_until": None}
    return _end(db, claim, now, {**vars(result), **ended, "expires_at": expires_at})


def fail(db: Database, claim: Claim, error: Mapping[str, Any], now: datetime) -> bool:
    """Finish with an error body. False: the claim holds no longer and nothing was changed."""
    return _end(db, claim, now, _failed(error, now))


def release(db: Database, claim: Claim, *, takes_long: bool | None = None) -> bool:
    """Put it back into its place in the queue, as if it had not been claimed, noting whether it ``takes_long`` if that is known.
    False: the claim holds no longer."""
    attempts = claim.export.attempts - 1
    found = {} if takes_long is None else {"takes_long": takes_long}
    back = {"state": QUEUED, "worker": None, "lease_until": None, "progress": 0.0, "attempts": attempts, **found}
    with db.write() as connection:
        give_notice(connection)
        return connection.execute(exports.update().where(claim.condition()).values(**back)).rowcount == 1


def cancel(db: Database, project_id: int, export_id: str, kind: str, now: datetime) -> bool:
    """Cancel a queued or processing export. False: there is none, or it is finished. It counts as cancelled from here;
    a worker running it sees that its claim no longer holds, and stops."""
    with db.write() as connection:
        changed = connection.execute(
            exports.update()
            .where(
                exports.c.id == export_id,
                exports.c.project_id == project_id,
                exports.c.kind == kind,
                exports.c.state.in_((QUEUED, PROCESSING)),
            )
            .values(state=CANCELLED, completed_at=now, worker=None, lease_until=None)
            .returning(exports.c.created_by)
        ).one_or_none()
        if changed is not None:
            announce_export(connection, project_id, export_id, changed.created_by, CANCELLED, now)
    return changed is not None


def expire(db: Database, project_id: int, now: datetime) -> list[str]:
    """Take the file off every export of the project that expired; returns the files, which may now be deleted."""
    with db.write() as connection:
        rows = connection.execute(
            sa.select(exports.c.id, exports.c.file).where(
                exports.c.project_id == project_id,
                exports.c.state == COMPLETED,
                exports.c.file.is_not(None),
                exports.c.expires_at <= now,
            )
        ).all()
        if rows:
            connection.execute(exports.update().where(exports.c.id.in_([row.id for row in rows])).values(file=None))
    return [row.file for row in rows]


def forget_file(db: Database, export: Export) -> bool:
    """Take the file off an export, as if it had expired. False: it has another by now, or none."""
    with db.write() as connection:
        changed = connection.execute(
            exports.update().where(exports.c.id == export.id, exports.c.file == export.file).values(file=None)
        )
    return changed.rowcount == 1


def begin_anew(db: Database, project_id: int) -> list[str]:
    """Take the files off all exports of the project, as if they had expired, and have those that are worked on begun anew, from
    what is newest then; the files, which may now be deleted."""
    of_project = exports.c.project_id == project_id
    unpinned = {"pinned": sa.null(), "progress": 0.0, "worker": None, "lease_until": None}
    with db.write() as connection:
        having = (of_project, exports.c.file.is_not(None))
        named = list(connection.execute(sa.select(exports.c.file).where(*having)).scalars())
        connection.execute(exports.update().where(*having).values(file=None))
        unfinished = (of_project, exports.c.state.in_((QUEUED, PROCESSING)))
        connection.execute(exports.update().where(*unfinished).values(state=QUEUED, **unpinned))
        give_notice(connection)
    return named


def files(db: Database, project_id: int) -> set[str]:
    """The stored files of a project that its exports name."""
    query = sa.select(exports.c.file).where(exports.c.project_id == project_id, exports.c.file.is_not(None))
    return {row.file for row in db.rows(query)}


def pinned(db: Database, project_id: int) -> list[Mapping[str, Any]]:
    """What the project's unfinished exports are pinned to, and what they are compared with."""
    rows = db.rows(
        sa.select(exports.c.pinned, exports.c.request).where(
            exports.c.project_id == project_id, exports.c.state.in_((QUEUED, PROCESSING))
        )
    )
    documents = [document for row in rows for document in (row.pinned, (row.request.get("since") or {}).get("pins"))]
    return [document for document in documents if document is not None]


def processing(db: Database, export_ids: Sequence[str]) -> set[tuple[str, int]]:
    """Those of ``export_ids`` that are being worked on, with the attempt."""
    rows = db.rows(
        sa.select(exports.c.id, exports.c.attempts).where(exports.c.id.in_(export_ids), exports.c.state == PROCESSING)
    )
    return {(row.id, row.attempts) for row in rows}
