"""Lists of exports: which are wanted, in which order, and one page of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.jobs import COLUMNS, Export, export_of
from leadline.db.models import api_keys, exports


@dataclass(frozen=True)
class ListFilter:
    """Which exports to list and how. ``created_from`` is inclusive, ``created_before`` exclusive; ``created_by`` is a key's
    id or name, ``caller_id`` the one who asks for their own; ``sort_by`` is a column of ``SORTS``; ``page`` counts from 0."""

    status: str | None = None
    team_id: str | None = None
    created_by: str | None = None
    caller_id: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    limit: int = 50
    page: int = 0
    sort_by: str = "createdAt"
    descending: bool = True


@dataclass(frozen=True)
class Visible:
    """Which exports somebody may see: of ``team_ids`` alone (None: of whole trees, too), those ``of_people``, and those with the
    ``names`` of people."""

    team_ids: frozenset[str] | None = None
    of_people: bool = True
    names: bool = True

    def __contains__(self, export: Export) -> bool:
        return (
            (self.team_ids is None or export.team_id in self.team_ids)
            and (self.of_people or not export.of_people)
            and (self.names or export.names_hidden)
        )

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What is so of the rows of exports that are in it."""
        conditions: list[sa.ColumnElement[bool]] = []
        if self.team_ids is not None:
            conditions.append(exports.c.team_id.in_(sorted(self.team_ids)))
        if not self.of_people:
            conditions.append(sa.not_(exports.c.of_people))
        if not self.names:
            conditions.append(exports.c.names_hidden)
        return conditions


EVERY_EXPORT = Visible()

SORTS: Mapping[str, sa.Column[Any]] = {
    "createdAt": exports.c.created_at,
    "completedAt": exports.c.completed_at,
    "status": exports.c.state,
}


def listed(
    db: Database, project_id: int, kind: str | None, wanted: ListFilter, visible: Visible = EVERY_EXPORT
) -> tuple[list[Export], int]:
    """One page of a project's exports of ``kind`` (None: of all) that are ``visible``, and how many there are on all pages. Those
    without the sorted value come last either way; equal ones in the order of their creation and id."""
    conditions = [*_conditions(project_id, kind, wanted), *visible.conditions()]
    column = SORTS[wanted.sort_by]
    order = [
        value.desc() if wanted.descending else value.asc() for value in (column, exports.c.created_at, exports.c.id)
    ]
    with db.read() as connection:
        total = connection.execute(sa.select(sa.func.count()).select_from(exports).where(*conditions)).scalar_one()
        rows = connection.execute(
            sa.select(*COLUMNS)
            .where(*conditions)
            .order_by(column.is_(None), *order)
            .limit(wanted.limit)
            .offset(wanted.page * wanted.limit)
        ).all()
    return [export_of(row) for row in rows], int(total)


def _conditions(project_id: int, kind: str | None, wanted: ListFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [exports.c.project_id == project_id]
    if kind is not None:
        conditions.append(exports.c.kind == kind)
    if wanted.status is not None:
        conditions.append(exports.c.state == wanted.status)
    if wanted.team_id is not None:
        conditions.append(sa.or_(exports.c.team_id == wanted.team_id, exports.c.team_key == wanted.team_id))
    if wanted.caller_id is not None:
        conditions.append(exports.c.created_by == wanted.caller_id)
    if wanted.created_by is not None:
        named = sa.select(api_keys.c.id).where(
            api_keys.c.project_id == project_id, api_keys.c.name == wanted.created_by
        )
        conditions.append(sa.or_(exports.c.created_by == wanted.created_by, exports.c.created_by.in_(named)))
    if wanted.created_from is not None:
        conditions.append(exports.c.created_at >= wanted.created_from)
    if wanted.created_before is not None:
        conditions.append(exports.c.created_at < wanted.created_before)
    return conditions
