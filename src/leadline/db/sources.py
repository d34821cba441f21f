"""The sources of a project: which tools are pulled from, how, and what became of the last run of each.

A source that was only named on a command line is kept too, not ``configured``, so that its last run can be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import sources
from leadline.db.outbox import announce
from leadline.errors import Conflict, NotFound
from leadline.instants import rfc3339
from leadline.lease import Lease


@dataclass(frozen=True)
class SourceRow:
    """One source. ``outcome`` is that of the last run that ended; ``started_at`` is later than ``finished_at`` while a
    run is at work, and after one that was killed. ``requested_at``: when somebody asked for a run last."""

    id: int
    name: str
    kind: str
    settings: dict[str, Any]
    configured: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    succeeded_at: datetime | None
    outcome: dict[str, Any] | None
    requested_at: datetime | None = None


_COLUMNS = [sources.c[name] for name in SourceRow.__dataclass_fields__]


def listed(db: Database, project_id: int, *, configured: bool = False) -> list[SourceRow]:
    """The project's sources by name; ``configured``: only those that ``leadline sync`` runs."""
    query = sa.select(*_COLUMNS).where(sources.c.project_id == project_id).order_by(sources.c.name)
    if configured:
        query = query.where(sources.c.configured)
    return [SourceRow(*row) for row in db.rows(query)]


def get(db: Database, project_id: int, name: str) -> SourceRow:
    """A configured source by name. Raises ``NotFound``."""
    for row in listed(db, project_id, configured=True):
        if row.name == name:
            return row
    raise _unknown(name)


def any_named(db: Database, project_id: int, name: str) -> SourceRow:
    """A source by name, configured or only read once. Raises ``NotFound``."""
    for row in listed(db, project_id):
        if row.name == name:
            return row
    raise _unknown(name)


def numbered(db: Database, project_id: int, number: int) -> SourceRow:
    """A source of the project by its id. Raises ``NotFound``."""
    for row in listed(db, project_id):
        if row.id == number:
            return row
    raise NotFound(f"There is no source {number}", code="unknown_source")


def request_run(db: Database, project_id: int, name: str, now: datetime) -> None:
    """Note that somebody asks for a run of a configured source. Raises ``NotFound``."""
    asked = sources.update().where(*_is(project_id, name), sources.c.configured).values(requested_at=now)
    with db.write() as connection:
        if connection.execute(asked).rowcount == 0:
            raise _unknown(name)


def add(db: Database, project_id: int, name: str, kind: str, settings: Mapping[str, Any], now: datetime) -> None:
    """Configure one source, as ``add_all`` does."""
    add_all(db, project_id, {name: (kind, settings)}, now)


def add_all(db: Database, project_id: int, added: Mapping[str, tuple[str, Mapping[str, Any]]], now: datetime) -> None:
    """Configure sources, each a kind and its settings by name: all or none. Raises ``Conflict`` if one has such a name; what was
    only run so far becomes configured."""
    with db.write() as connection:
        for name, (kind, settings) in added.items():
            configured = connection.execute(sa.select(sources.c.configured).where(*_is(project_id, name))).scalar()
            if configured:
                raise Conflict(f"There is a source {name!r} already; remove it first, or take another name")
            if configured is not None:
                values = {"kind": kind, "settings": dict(settings), "configured": True}
                connection.execute(sources.update().where(*_is(project_id, name)).values(**values))
            else:
                _insert(connection, project_id, name, kind, settings, now, configured=True)


def remove(db: Database, project_id: int, name: str) -> None:
    """Forget a source; what it brought stays. Raises ``NotFound``."""
    with db.write() as connection:
        if connection.execute(sources.delete().where(*_is(project_id, name))).rowcount == 0:
            raise _unknown(name)


def take_out(db: Database, project_id: int, name: str) -> None:
    """Let a source be run no more; what is known of it stays until it is removed."""
    with db.write() as connection:
        connection.execute(sources.update().where(*_is(project_id, name)).values(configured=False))


def started(
    db: Database, project_id: int, name: str, kind: str, settings: Mapping[str, Any], now: datetime, *, under: Lease
) -> None:
    """A run begins, under the lock of the source's runs. Raises ``LockLost``."""
    with db.write(under=under) as connection:
        changed = connection.execute(sources.update().where(*_is(project_id, name)).values(started_at=now))
        if changed.rowcount == 0:
            _insert(connection, project_id, name, kind, settings, now, configured=False, started_at=now)


def finished(
    db: Database, project_id: int, name: str, outcome: Mapping[str, Any], now: datetime, *, good: bool, under: Lease
) -> None:
    """A run has ended; ``good``: everything that the tool has was taken. Who is told is told that it failed, or did again what it
    should. Raises ``LockLost`` if another has begun."""
    values: dict[str, Any] = {"finished_at": now, "outcome": dict(outcome)}
    if good:
        values["succeeded_at"] = now
    with db.write(under=under) as connection:
        before = connection.execute(sa.select(*_COLUMNS).where(*_is(project_id, name))).one_or_none()
        connection.execute(sources.update().where(*_is(project_id, name)).values(**values))
        if before is not None and before.configured:
            _announce(connection, project_id, SourceRow(*before), outcome, now)


def _announce(
    connection: sa.Connection, project_id: int, before: SourceRow, outcome: Mapping[str, Any], now: datetime
) -> None:
    failed, failed_before = (of.get("state") == "failed" for of in (outcome, before.outcome or {}))
    if failed == failed_before:
        return
    data = {
        "source": before.name,
        "kind": before.kind,
        "state": outcome.get("state"),
        "finishedAt": rfc3339(now),
        "succeededAt": None if before.succeeded_at is None else rfc3339(before.succeeded_at),
    }
    if failed:  # its sentence may name a person
        data["code"] = outcome.get("error", {}).get("code", "failed")
    announce(connection, project_id, "source.failed" if failed else "source.recovered", data, now)


def forget_new(db: Database, project_id: int, name: str) -> None:
    """Forget a source that was only named on a command line, if no run of it ever succeeded."""
    new = (sources.c.configured.is_(False), sources.c.succeeded_at.is_(None))
    with db.write() as connection:
        connection.execute(sources.delete().where(*_is(project_id, name), *new))


def _insert(
    connection: sa.Connection,
    project_id: int,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    now: datetime,
    **further: Any,
) -> None:
    row = {"project_id": project_id, "name": name, "kind": kind, "settings": dict(settings), "created_at": now}
    connection.execute(sources.insert(), {**row, **further})


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no source {name!r}; `leadline sources list` shows them", code="unknown_source")


def _is(project_id: int, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return sources.c.project_id == project_id, sources.c.name == name
