"""Sessions of people signed in to the page, and links that sign in once. A browser keeps 256 random bits, of which the SHA-256 is
stored here. A session made with a key is as good as the key: its role, its limits, its end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.keys import NAMES_HIDDEN, ApiKey, key_by_id
from leadline.db.models import api_keys, projects, sessions, sign_in_links

IDLE = timedelta(hours=12)
"""How long a session lives that is not used."""

LONGEST = timedelta(days=30)
"""How long one lives however much it is used: who left a company is signed out some day whatever its sign-in says."""

LINK_LIFE = timedelta(minutes=10)
"""How long a link that signs in once does so."""

_NOTED_AFTER = timedelta(minutes=5)
"""Use is noted this often at most, as it is a write."""


@dataclass(frozen=True)
class SignedIn:
    """Whom a sign-in was for. ``subject`` is the same however often they sign in; ``key_id`` is None for those without a key, of
    whom ``limits`` says what they may see (None: everything)."""

    project_id: int
    subject: str
    name: str
    role: str
    key_id: str | None = None
    limits: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Session:
    """A session in force. ``key`` is what its requests may do: the key that was signed in with, or one that stands for the person
    and is stored nowhere."""

    hash: str
    subject: str
    key: ApiKey
    created_at: datetime
    used_at: datetime


def of_key(key: ApiKey) -> SignedIn:
    """Who signs in with ``key``."""
    return SignedIn(key.project_id, subject=key.id, name=key.name, role=key.role, key_id=key.id)


def of_link(project_id: int) -> SignedIn:
    """Who signs in by a link: the owner of the home."""
    return SignedIn(project_id, subject="owner", name="Owner of this home", role="admin")


def hash_of(token: str) -> str:
    """What is stored of a browser's or a link's text."""
    return hashlib.sha256(token.encode()).hexdigest()


def create(db: Database, who: SignedIn, now: datetime) -> str:
    """Begin a session; returns the text for the browser. Sessions that ended by themselves are cleared away."""
    token = secrets.token_urlsafe(32)
    row = {
        "hash": hash_of(token),
        "project_id": who.project_id,
        "key_id": who.key_id,
        "subject": who.subject[:255],
        "name": who.name[:255],
        "role": who.role,
        "limits": None if who.limits is None else dict(who.limits),
        "created_at": now,
        "used_at": now,
    }
    with db.write() as connection:
        connection.execute(sessions.delete().where(_ended(now)))
        connection.execute(sessions.insert(), row)
    return token


def find(db: Database, token: str, now: datetime) -> Session | None:
    """The session of a browser's text; None if there is none in force, or if its key is not any more. That it was used is noted."""
    row = db.row(_select().where(sessions.c.hash == hash_of(token), sa.not_(_ended(now))))
    if row is None:
        return None
    key = _standing_for(row) if row.key_id is None else key_by_id(db, row.key_id)
    if key is None or not key.is_valid(now):
        return None
    if now - row.used_at > _NOTED_AFTER:
        with db.write() as connection:
            connection.execute(sessions.update().where(sessions.c.hash == row.hash).values(used_at=now))
    return Session(row.hash, row.subject, key, row.created_at, row.used_at)


def end(db: Database, session: Session) -> None:
    """End one session."""
    with db.write() as connection:
        connection.execute(sessions.delete().where(sessions.c.hash == session.hash))


def end_all(db: Database, session: Session) -> int:
    """End every session of whose this one is, in all browsers; returns how many there were."""
    whose = (sessions.c.project_id == session.key.project_id, sessions.c.subject == session.subject)
    with db.write() as connection:
        return connection.execute(sessions.delete().where(*whose)).rowcount


@dataclass(frozen=True)
class OpenSession:
    """A session in force as it is listed. ``key_id`` is the key that was signed in with, None for who had none."""

    hash: str
    subject: str
    name: str
    role: str
    key_id: str | None
    created_at: datetime
    used_at: datetime


def listed(db: Database, project_id: int, now: datetime) -> list[OpenSession]:
    """The project's sessions in force, those used last first."""
    in_force = sa.or_(api_keys.c.id.is_(None), _in_force(now))
    query = (
        sa.select(*(sessions.c[field.name] for field in fields(OpenSession)))
        .join(api_keys, api_keys.c.id == sessions.c.key_id, isouter=True)
        .where(sessions.c.project_id == project_id, sa.not_(_ended(now)), in_force)
        .order_by(sessions.c.used_at.desc(), sessions.c.hash)
    )
    return [OpenSession(*row) for row in db.rows(query)]


def end_of_project(db: Database, project_id: int, *, only: str | None = None, but: str | None = None) -> int:
    """End the sessions of a project, or ``only`` that of this hash, or all ``but`` that of this one. Returns how many that were."""
    where = [sessions.c.project_id == project_id]
    where += [] if only is None else [sessions.c.hash == only]
    where += [] if but is None else [sessions.c.hash != but]
    with db.write() as connection:
        return connection.execute(sessions.delete().where(*where)).rowcount


def create_link(db: Database, project_id: int, now: datetime) -> str:
    """Make a link's text, which signs in once within ``LINK_LIFE``."""
    token = secrets.token_urlsafe(32)
    row = {
        "hash": hash_of(token),
        "project_id": project_id,
        "created_at": now,
        "expires_at": now + LINK_LIFE,
    }
    with db.write() as connection:
        connection.execute(sign_in_links.delete().where(sign_in_links.c.expires_at <= now))
        connection.execute(sign_in_links.insert(), row)
    return token


def use_link(db: Database, token: str, now: datetime) -> int | None:
    """The project that a link signs in to; None if there is no such link, if its time is over, or if it was used. Of several that
    use it at once one gets it."""
    where = (sign_in_links.c.hash == hash_of(token), sign_in_links.c.expires_at > now)
    with db.write() as connection:
        used = connection.execute(sign_in_links.delete().where(*where).returning(sign_in_links.c.project_id))
        return used.scalar_one_or_none()


def _select() -> sa.Select[Any]:
    of_project = (projects.c.organization, projects.c.name.label("project"), NAMES_HIDDEN.label("hides_names"))
    return sa.select(sessions, *of_project).join(projects, projects.c.id == sessions.c.project_id)


def _ended(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(sessions.c.used_at <= now - IDLE, sessions.c.created_at <= now - LONGEST)


def _in_force(now: datetime) -> sa.ColumnElement[bool]:
    """Whether a key is, as ``ApiKey.is_valid`` says."""
    unexpired = sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now)
    return sa.and_(api_keys.c.revoked_at.is_(None), unexpired)


def _standing_for(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.subject,
        project_id=row.project_id,
        organization=row.organization,
        project=row.project,
        name=row.name,
        role=row.role,
        prefix="",
        created_at=row.created_at,
        expires_at=None,
        revoked_at=None,
        last_used_at=row.used_at,
        limits=row.limits,
        hides_names=row.hides_names,
    )
