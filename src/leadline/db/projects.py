"""Projects: the tenants of a home. Each belongs to one organization and has its own keys, settings, trees and lake."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import projects
from leadline.errors import InvalidRequest, NotFound

DEFAULT = "default"
LONGEST_NAME = 255
# Control characters, and bytes of a command line that are no UTF-8.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def project_id(db: Database, organization: str, name: str) -> int:
    """The id of a project. Raises ``NotFound``."""
    if _UNWRITABLE.search(organization + name):  # databases refuse some of it
        raise NotFound(f"There is no project {name!r} of organization {organization!r}", code="unknown_project")
    number = db.value(sa.select(projects.c.id).where(projects.c.organization == organization, projects.c.name == name))
    if number is None:
        raise NotFound(f"There is no project {name!r} of organization {organization!r}", code="unknown_project")
    return int(number)


def ensure_project(db: Database, organization: str, name: str, now: datetime) -> int:
    """The id of a project, made if it is new; two processes asking at once get the same one. Raises ``InvalidRequest``
    for what cannot be a name."""
    for text in (organization, name):
        if not text.strip() or len(text) > LONGEST_NAME or _UNWRITABLE.search(text):
            raise InvalidRequest(
                f"{text[:40]!r} cannot be the name of a project or organization; it must be text of at most "
                f"{LONGEST_NAME} characters, none of them a control character"
            )
    try:
        return project_id(db, organization, name)
    except NotFound:
        pass
    try:
        with db.write() as connection:
            inserted = connection.execute(
                projects.insert().returning(projects.c.id),
                {"organization": organization, "name": name, "created_at": now},
            ).scalar_one()
        return int(inserted)
    except sa.exc.IntegrityError:
        return project_id(db, organization, name)


def pseudonym_secret(db: Database, project_id: int) -> str:
    """What pseudonyms of the project's people are made with, made when first asked for: 256 random bits, hexadecimal."""
    stored = sa.select(projects.c.pseudonym_secret).where(projects.c.id == project_id)
    if (secret := db.value(stored)) is None:
        with db.write() as connection:
            missing = (projects.c.id == project_id, projects.c.pseudonym_secret.is_(None))
            connection.execute(projects.update().where(*missing).values(pseudonym_secret=secrets.token_hex(32)))
            secret = connection.execute(stored).scalar_one()
    return str(secret)


def lake_owner(db: Database, project_id: int) -> str:
    """What a lake outside the home is marked with: the same on all machines of this database and after a restored backup."""
    return hashlib.sha256(f"lake of {pseudonym_secret(db, project_id)}".encode()).hexdigest()


def all_projects(db: Database) -> list[tuple[int, str, str]]:
    """Every project as (id, organization, name), by id."""
    rows = db.rows(sa.select(projects.c.id, projects.c.organization, projects.c.name).order_by(projects.c.id))
    return [(row.id, row.organization, row.name) for row in rows]
