"""Views of the page that people saved under a name: the address of a screen with all that it says. Those that an admin pinned stand
on the first screen."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import saved_views as views
from leadline.errors import Conflict, NotFound

MOST = 200
"""Views that a project keeps."""


@dataclass(frozen=True)
class SavedView:
    """One view. ``address`` is a local one (a path and a query), ``team`` the ref id of the team that it is of, ``created_by`` the
    subject of the session that saved it, ``creator`` what they were called."""

    id: str
    project_id: int
    name: str
    address: str
    team: int
    pinned: bool
    created_by: str
    creator: str
    created_at: datetime


def save(
    db: Database, project_id: int, *, name: str, address: str, team: int, who: tuple[str, str], now: datetime
) -> SavedView:
    """Save a view under ``name``, in the place of what ``who`` (subject and name) saved under it before. Raises ``Conflict`` if
    somebody else did, or if there are ``MOST`` already."""
    subject, creator = who
    with db.write() as connection:
        same = connection.execute(_of(project_id).where(views.c.name == name)).one_or_none()
        if same is not None and same.created_by != subject:
            raise Conflict(f"Somebody else has saved a view as {name!r}; choose another name")
        if same is not None:
            connection.execute(views.update().where(views.c.id == same.id).values(address=address, team=team))
            return SavedView(**{**same._mapping, "address": address, "team": team})
        count = connection.scalar(sa.select(sa.func.count()).where(views.c.project_id == project_id)) or 0
        if count >= MOST:
            raise Conflict(f"There are {MOST} saved views, and no more are kept; delete one first")
        view = SavedView(
            f"view_{secrets.token_hex(8)}", project_id, name, address, team, False, subject, creator[:255], now
        )
        connection.execute(views.insert(), vars(view))
    return view


def listed(db: Database, project_id: int, teams: Collection[int] | None = None) -> list[SavedView]:
    """The views by name; those of ``teams`` alone, if they are given."""
    found = [SavedView(**row._mapping) for row in db.rows(_of(project_id))]
    shown = [view for view in found if teams is None or view.team in teams]
    return sorted(shown, key=lambda view: (view.name.casefold(), view.name))


def find(db: Database, project_id: int, view_id: str) -> SavedView:
    """A view by its id. Raises ``NotFound``."""
    row = db.row(_of(project_id).where(views.c.id == view_id))
    if row is None:
        raise NotFound("There is no such saved view")
    return SavedView(**row._mapping)


def pin(db: Database, view: SavedView, *, pinned: bool) -> None:
    """Have ``view`` stand on the first screen, or no longer."""
    with db.write() as connection:
        connection.execute(views.update().where(views.c.id == view.id).values(pinned=pinned))


def delete(db: Database, view: SavedView) -> None:
    """Forget ``view``."""
    with db.write() as connection:
        connection.execute(views.delete().where(views.c.id == view.id))


def _of(project_id: int) -> sa.Select[*tuple[object, ...]]:
    return sa.select(views).where(views.c.project_id == project_id)
