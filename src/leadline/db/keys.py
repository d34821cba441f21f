"""API keys: made, looked up, listed, revoked. A key belongs to one project and carries one role.

Of its text, ``ll_<prefix>_<secret>``, only the SHA-256 is stored: nobody can guess 256 random bits, however fast the hash is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadline.access import UNLIMITED, Access
from leadline.db.database import Database
from leadline.db.models import api_keys, projects
from leadline.db.settings import says
from leadline.errors import Detail, InvalidRequest, NotFound

ROLES = ("admin", "ingestion", "viewer")
"""``admin`` may do everything, ``ingestion`` only write data, ``viewer`` read and export."""

PATTERN = re.compile(r"ll_([0-9a-f]{12})_([0-9a-f]{64})")
"""What a key looks like; anything else is refused without asking the database."""


@dataclass(frozen=True)
class ApiKey:
    """A stored key without its secret. ``id`` is what exports name as their ``createdBy``. ``limits`` are stored as those of an
    ``Access``; ``hides_names`` says whether its project hides the names of people from viewers."""

    id: str
    project_id: int
    organization: str
    project: str
    name: str
    role: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    limits: Mapping[str, Any] | None = None
    hides_names: bool = True

    @property
    def access(self) -> Access:
        """What it may see."""
        return Access.of(self.limits, names=self.role == "admin" or not self.hides_names)

    def is_valid(self, now: datetime) -> bool:
        """Whether the key opens anything at ``now``: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def state(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.is_valid(now) else "expired"


@dataclass(frozen=True)
class NewKey:
    """A key just made. ``key`` is its full text, which cannot be had again."""

    id: str
    key: str
    name: str
    role: str
    expires_at: datetime | None


def create(
    db: Database,
    project_id: int,
    name: str,
    role: str,
    *,
    now: datetime,
    expires_at: datetime | None = None,
    access: Access = UNLIMITED,
) -> NewKey:
    """Make a key of the project, which sees what ``access`` says. Raises ``InvalidRequest`` for a role, name or expiry that cannot
    be, and for limits of a role that has none."""
    role = role.strip().lower()
    if role not in ROLES:
        raise _refused("role", f"There is no role {role!r}", f"one of {', '.join(ROLES)}")
    check_name(name)
    if expires_at is not None and expires_at <= now:
        raise _refused("expires_at", "The key would expire before it is made", "an instant in the future")
    _check_limits(role, access)
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = f"ll_{prefix}_{secret}"
    row = {
        "id": f"key_{prefix}",
        "project_id": project_id,
        "name": name.strip(),
        "role": role,
        "prefix": prefix,
        "hash": hash_of(key),
        "limits": access.limits,
        "created_at": now,
        "expires_at": expires_at,
    }
    with db.write() as connection:
        connection.execute(api_keys.insert(), row)
    return NewKey(id=str(row["id"]), key=key, name=name.strip(), role=role, expires_at=expires_at)


def check_name(name: str) -> None:
    """Raise ``InvalidRequest`` for what no key can be called."""
    if not 0 < len(name.strip()) <= 255 or "\0" in name:
        raise _refused("name", f"A key cannot be named {name[:40]!r}", "1 to 255 characters")


def hash_of(key: str) -> str:
    """What is stored of a key: the hexadecimal SHA-256 of its text."""
    return hashlib.sha256(key.encode()).hexdigest()


def find(db: Database, key: str, now: datetime) -> ApiKey | None:
    """The key whose text this is, or None if it is unknown, wrong, expired or revoked: callers must not tell which."""
    match = PATTERN.fullmatch(key)
    if match is None:
        return None
    row = db.row(_select().where(api_keys.c.prefix == match.group(1)))
    # Compared also when there is no row, so that the time taken does not tell which prefixes exist.
    same = hmac.compare_digest(row.hash if row is not None else "0" * 64, hash_of(key))
    if row is None or not same:
        return None
    stored = _key(row)
    return stored if stored.is_valid(now) else None


def key_by_id(db: Database, key_id: str) -> ApiKey | None:
    """The key of an id, valid or not; None if there is none."""
    row = db.row(_select().where(api_keys.c.id == key_id))
    return None if row is None else _key(row)


def listed(db: Database, project_id: int) -> list[ApiKey]:
    """Every key of the project, also expired and revoked ones, oldest first."""
    query = _select().where(api_keys.c.project_id == project_id).order_by(api_keys.c.created_at, api_keys.c.id)
    return [_key(row) for row in db.rows(query)]


def revoke(db: Database, project_id: int, key_id: str, *, now: datetime) -> ApiKey:
    """Revoke a key for good; revoking again changes nothing. Raises ``NotFound`` for an id the project does not have."""
    where = (api_keys.c.project_id == project_id, api_keys.c.id == key_id)
    with db.write() as connection:
        connection.execute(api_keys.update().where(*where, api_keys.c.revoked_at.is_(None)).values(revoked_at=now))
        row = connection.execute(_select().where(*where)).one_or_none()
    if row is None:
        raise _no_key(key_id)
    return _key(row)


def limit(db: Database, project_id: int, key_id: str, access: Access) -> ApiKey:
    """Let a key see what ``access`` says and no more, from its next look-up on. Raises ``NotFound`` for an id the project does not
    have, ``InvalidRequest`` for limits of a role that has none."""
    where = (api_keys.c.project_id == project_id, api_keys.c.id == key_id)
    with db.write() as connection:
        row = connection.execute(_select().where(*where)).one_or_none()
        if row is None:
            raise _no_key(key_id)
        _check_limits(row.role, access)
        connection.execute(api_keys.update().where(*where).values(limits=access.limits))
        return _key(connection.execute(_select().where(*where)).one())


def _check_limits(role: str, access: Access) -> None:
    if access.limits is not None and role != "viewer":
        raise _refused("role", f"A key of the role {role} cannot be limited to teams or to rows of teams", "viewer")


def touch(db: Database, key_id: str, now: datetime) -> None:
    """Note that the key was used. Callers do so rarely (see ``leadline.api.auth``): it is a write."""
    with db.write() as connection:
        connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(last_used_at=now))


def _select() -> sa.Select[Any]:
    of_project = (projects.c.organization, projects.c.name.label("project"), NAMES_HIDDEN.label("hides_names"))
    return sa.select(api_keys, *of_project).join(projects, projects.c.id == api_keys.c.project_id)


NAMES_HIDDEN = says(projects.c.id, "developers.names", "hidden")
"""Of a row of ``projects``: whether names of people are hidden from viewers."""


def _key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(**{field.name: getattr(row, field.name) for field in fields(ApiKey)})


def _no_key(key_id: str) -> NotFound:
    return NotFound(
        f"There is no key {key_id[:80]!r} in this project; `leadline keys list` shows them", code="unknown_key"
    )


def _refused(field: str, sentence: str, would_do: str) -> InvalidRequest:
    return InvalidRequest(f"{sentence}; it must be {would_do}", details=[Detail(field, would_do)])
