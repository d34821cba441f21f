"""The API keys of a project as they are shown, made, limited and revoked. The text of a key is shown when it is made, and never
again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from leadline.access import Access
from leadline.db import keys as stored
from leadline.db.keys import ApiKey
from leadline.errors import Detail, InvalidRequest
from leadline.home import Project
from leadline.json_body import Body, Instant

MOST_DAYS = 36_500
"""The longest that a key may be made for, in days."""


class KeyShown(Body):
    """An API key without its text."""

    id: str
    name: str
    role: Literal["admin", "ingestion", "viewer"]
    teams: list[int] | None = Field(description="The teams it sees, with all below them, by ref id; null: all.")
    developers: bool = Field(description="Whether it sees rows of single developers.")
    state: Literal["active", "expired", "revoked"]
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None


class KeyMade(Body):
    """An API key that was just made. Its text (`key`) is not stored and cannot be shown again."""

    id: str
    key: str
    name: str
    role: Literal["admin", "ingestion", "viewer"]
    organization: str
    project: str
    expires_at: Instant | None
    teams: list[int] | None
    developers: bool


def listed(project: Project, now: datetime) -> list[KeyShown]:
    """Every key of the project, oldest first, also expired and revoked ones."""
    return [shown(key, now) for key in stored.listed(project.db, project.id)]


def create(
    project: Project,
    name: str,
    role: str,
    *,
    now: datetime,
    teams: Sequence[str] = (),
    developers: bool = True,
    expires_days: int | None = None,
) -> KeyMade:
    """Make a key. A viewer's may be limited to ``teams``, each by its ref id or key, and to rows of teams (no ``developers``).
    Raises ``InvalidRequest`` for what cannot be."""
    from leadline.people.access import limited_to

    access = limited_to(project, teams, developers=developers)
    expires_at = None if expires_days is None else now + timedelta(days=_days(expires_days))
    made = stored.create(project.db, project.id, name, role, now=now, expires_at=expires_at, access=access)
    return KeyMade(
        id=made.id,
        key=made.key,
        name=made.name,
        role=made.role,  # type: ignore[arg-type]
        organization=project.organization,
        project=project.name,
        expires_at=made.expires_at,
        teams=_teams(access),
        developers=access.developers,
    )


def limit(
    project: Project, key_id: str, *, now: datetime, teams: Sequence[str] = (), developers: bool = True
) -> KeyShown:
    """Limit a viewer's key to ``teams`` and to rows of teams, in place of the limits that it had: without any it sees all. Raises
    ``NotFound`` for an id that the project does not have, ``InvalidRequest`` for what cannot be."""
    from leadline.people.access import limited_to

    access = limited_to(project, teams, developers=developers)
    return shown(stored.limit(project.db, project.id, key_id, access), now)


def revoke(project: Project, key_id: str, *, now: datetime) -> KeyShown:
    """Revoke a key for good; revoking again changes nothing. Raises ``NotFound`` for an id that the project does not have."""
    return shown(stored.revoke(project.db, project.id, key_id, now=now), now)


def shown(key: ApiKey, now: datetime) -> KeyShown:
    """What is shown of a key at ``now``."""
    return KeyShown(
        id=key.id,
        name=key.name,
        role=key.role,  # type: ignore[arg-type]
        teams=_teams(key.access),
        developers=key.access.developers,
        state=key.state(now),  # type: ignore[arg-type]
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )


def _teams(access: Access) -> list[int] | None:
    return None if access.teams is None else sorted(access.teams)


def _days(days: int) -> int:
    if not 1 <= days <= MOST_DAYS:
        would_do = f"a whole number of days from 1 to {MOST_DAYS}"
        raise InvalidRequest(
            f"A key cannot be made for {days} days; it must be {would_do}", details=[Detail("expiresDays", would_do)]
        )
    return days
