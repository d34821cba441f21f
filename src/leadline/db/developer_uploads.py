"""Uploaded developers files as rows: drafts under review, and those that were put in force.

The text of an upload whose place another one took is dropped; its row stays, so that its id still says what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import developer_uploads as uploads
from leadline.lease import Lease

KEEP_DRAFTS = timedelta(days=7)
MOST_DRAFTS = 20
"""Drafts that a project keeps; the oldest makes room for a new one."""


@dataclass(frozen=True)
class Upload:
    """One upload. ``content`` is the file's text (None when dropped), ``mappings`` the field of each column title,
    ``base_version`` the tree's version that it was reviewed against, ``tree_version`` the one that it became."""

    id: str
    project_id: int
    tree: str
    filename: str
    content: str | None
    mappings: Mapping[str, str]
    base_version: int | None
    tree_version: int | None
    created_by: str
    created_at: datetime
    activated_at: datetime | None = None


def insert(db: Database, upload: Upload) -> None:
    """Add a draft, and forget those that are too old or too many."""
    with db.write() as connection:
        _forget(connection, upload.project_id, upload.created_at)
        connection.execute(uploads.insert(), {**vars(upload), "mappings": dict(upload.mappings)})


def find(db: Database, project_id: int, upload_id: str) -> Upload | None:
    """An upload of the project, or None."""
    row = db.row(sa.select(uploads).where(uploads.c.id == upload_id, uploads.c.project_id == project_id))
    return None if row is None else Upload(**row._mapping)


def drafts(db: Database, project_id: int) -> list[Upload]:
    """The drafts of the project, the newest first, without their texts."""
    columns = [column for column in uploads.c if column.name != "content"]
    query = sa.select(*columns).where(uploads.c.project_id == project_id, uploads.c.tree_version.is_(None))
    rows = db.rows(query.order_by(uploads.c.created_at.desc(), uploads.c.id))
    return [Upload(**row._mapping, content=None) for row in rows]


def newest_mappings(db: Database, project_id: int, tree: str) -> dict[str, str]:
    """The mappings of the upload of the tree that was put in force last; none before the first."""
    mappings = db.value(
        sa.select(uploads.c.mappings)
        .where(uploads.c.project_id == project_id, uploads.c.tree == tree, uploads.c.tree_version.is_not(None))
        .order_by(uploads.c.activated_at.desc(), uploads.c.tree_version.desc())
        .limit(1)
    )
    return dict(mappings or {})


def review(
    db: Database, upload_id: str, mappings: Mapping[str, str], base_version: int | None, *, under: Lease
) -> None:
    """Note that a draft was reviewed with these mappings against that version of its tree, under the tree's lock (``LockLost``)."""
    with db.write(under=under) as connection:
        connection.execute(
            uploads.update().where(uploads.c.id == upload_id).values(mappings=dict(mappings), base_version=base_version)
        )


def activated(
    connection: sa.Connection, upload: Upload, mappings: Mapping[str, str], tree_version: int, now: datetime
) -> None:
    """Note, within the transaction that does so, that an upload was put in force; the texts of former ones are dropped."""
    connection.execute(
        uploads.update()
        .where(
            uploads.c.project_id == upload.project_id,
            uploads.c.tree == upload.tree,
            uploads.c.tree_version.is_not(None),
        )
        .values(content=None)
    )
    connection.execute(
        uploads.update()
        .where(uploads.c.id == upload.id)
        .values(mappings=dict(mappings), tree_version=tree_version, activated_at=now)
    )


def with_content(connection: sa.Connection, project_id: int) -> list[Upload]:
    """The uploads of the project whose texts are kept."""
    kept = sa.select(uploads).where(uploads.c.project_id == project_id, uploads.c.content.is_not(None))
    return [Upload(**row._mapping) for row in connection.execute(kept.order_by(uploads.c.id))]


def put_content(connection: sa.Connection, upload_id: str, content: str) -> None:
    """Keep another text for an upload."""
    connection.execute(uploads.update().where(uploads.c.id == upload_id).values(content=content))


def renumber(connection: sa.Connection, project_id: int, tree: str, numbers: Mapping[int, int]) -> None:
    """Let uploads that became versions of the tree, or were reviewed against them, mean those that took their place."""
    for old, new in numbers.items():
        for column in (uploads.c.tree_version, uploads.c.base_version):
            where = (uploads.c.project_id == project_id, uploads.c.tree == tree, column == old)
            connection.execute(uploads.update().where(*where).values({column: new}))


def _forget(connection: sa.Connection, project_id: int, now: datetime) -> None:
    draft = (uploads.c.project_id == project_id, uploads.c.tree_version.is_(None))
    connection.execute(uploads.delete().where(*draft, uploads.c.created_at < now - KEEP_DRAFTS))
    kept = connection.execute(
        sa.select(uploads.c.id).where(*draft).order_by(uploads.c.created_at.desc()).limit(MOST_DRAFTS - 1)
    ).scalars()
    connection.execute(uploads.delete().where(*draft, uploads.c.id.not_in(list(kept))))
