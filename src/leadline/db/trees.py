"""Org trees as rows: the trees of a project, the ref ids ever given out, and every version's document.

A version never changes, nor does the day from which it is in force: so a version's number says, with the versions before it, which
trees were in force when. A ref id, once given to an identity, is never given to another node.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import developer_uploads, org_refs, org_tree_versions, org_trees, settings
from leadline.db.outbox import announce
from leadline.lease import Lease


@dataclass(frozen=True)
class TreeRow:
    """A tree and its newest version."""

    id: int
    name: str
    newest_version: int


@dataclass(frozen=True)
class VersionRow:
    """A version of a tree without its document. ``from_day`` is the first day on which it is in force, None the beginning;
    ``people_hash`` is None in what earlier releases stored."""

    version: int
    from_day: date | None
    created_at: datetime
    content_hash: str
    people_hash: str | None


def lock(db: Database, project_id: int, name: str) -> AbstractContextManager[Lease]:
    """Hold a tree against other writers, across processes; readers need no lock."""
    return db.lock(f"{project_id}:org:{name}")


def listed(db: Database, project_id: int, name: str | None = None) -> list[TreeRow]:
    """The project's trees that have a version (or just the one called ``name``), by code point of the name."""
    statement = sa.select(org_trees.c.id, org_trees.c.name, org_trees.c.active_version).where(
        org_trees.c.project_id == project_id, org_trees.c.active_version.is_not(None)
    )
    if name is not None:
        statement = statement.where(org_trees.c.name == name)
    trees = [TreeRow(row.id, row.name, row.active_version) for row in db.rows(statement)]
    # Databases sort by their own collations; code points are the same everywhere.
    return sorted(trees, key=lambda row: row.name)


def in_order(versions: Iterable[VersionRow]) -> list[VersionRow]:
    """Those of ``versions`` that are in force on some day, in the order of their days: of one day the newest."""
    newest: dict[date | None, VersionRow] = {}
    for row in sorted(versions, key=lambda row: row.version):
        newest[row.from_day] = row
    return sorted(newest.values(), key=lambda row: row.from_day or date.min)


def versions(db: Database, tree_id: int, newest: int | None = None) -> list[VersionRow]:
    """The versions of a tree up to the one numbered ``newest``, by number."""
    columns = org_tree_versions.c
    statement = sa.select(
        columns.version, columns.from_day, columns.created_at, columns.content_hash, columns.people_hash
    ).where(columns.tree_id == tree_id)
    if newest is not None:
        statement = statement.where(columns.version <= newest)
    return [VersionRow(*row) for row in db.rows(statement.order_by(columns.version))]


def with_content(db: Database, tree_id: int) -> list[VersionRow]:
    """The versions of a tree whose documents are kept, by number."""
    kept = db.rows(
        sa.select(org_tree_versions.c.version).where(
            org_tree_versions.c.tree_id == tree_id, sa.cast(org_tree_versions.c.content, sa.Text) != "null"
        )
    )
    numbers = {row.version for row in kept}
    return [row for row in versions(db, tree_id) if row.version in numbers]


def drop_content(connection: sa.Connection, tree_id: int, numbers: Collection[int]) -> None:
    """Take away what versions say, and what tells that others said the same."""
    for number in numbers:
        where = (org_tree_versions.c.tree_id == tree_id, org_tree_versions.c.version == number)
        gone = {"content": sa.JSON.NULL, "content_hash": "", "people_hash": None}
        connection.execute(org_tree_versions.update().where(*where).values(**gone))


def document(db: Database, tree_id: int, version: int) -> dict[str, Any] | None:
    """The document of a version, or None if there is no such version, or it is kept no longer."""
    content: dict[str, Any] | None = db.value(
        sa.select(org_tree_versions.c.content).where(
            org_tree_versions.c.tree_id == tree_id, org_tree_versions.c.version == version
        )
    )
    return content


def refs(db: Database, tree_id: int) -> dict[str, int]:
    """Ref id by identity, for every node the tree ever had."""
    rows = db.rows(sa.select(org_refs.c.identity, org_refs.c.ref_id).where(org_refs.c.tree_id == tree_id))
    return {row.identity: row.ref_id for row in rows}


def prune(db: Database, project_id: int, before: datetime, kept: Mapping[str, Collection[int]]) -> int:
    """Drop the documents of versions whose place another one took before ``before``, but for those that are in force by what is
    newest or by the versions ``kept`` (by tree); their number. The rows stay, and so do the tree's ref ids."""
    columns = org_tree_versions.c
    dropped = 0
    with db.write() as connection:
        trees = connection.execute(
            sa.select(org_trees.c.id, org_trees.c.name).where(org_trees.c.project_id == project_id)
        ).all()
        for tree in trees:
            rows = connection.execute(
                sa.select(
                    columns.version, columns.from_day, columns.created_at, columns.content_hash, columns.people_hash
                ).where(columns.tree_id == tree.id, sa.cast(columns.content, sa.Text) != "null")
            )
            stored = [VersionRow(*row) for row in rows]
            known = [[row for row in stored if row.version <= version] for version in kept.get(tree.name, ())]
            needed = {row.version for rows in [stored, *known] for row in in_order(rows)}
            replaced = {
                row.version
                for row in stored
                if any(
                    later.from_day == row.from_day and later.version > row.version and later.created_at < before
                    for later in stored
                )
            }
            gone = sorted(replaced - needed)
            for some in range(0, len(gone), 500):
                where = (columns.tree_id == tree.id, columns.version.in_(gone[some : some + 500]))
                connection.execute(org_tree_versions.update().where(*where).values(content=sa.JSON.NULL))
            dropped += len(gone)
    return dropped


def remove(connection: sa.Connection, project_id: int, tree_id: int, name: str, now: datetime) -> None:
    """Take a tree away, with what every version of it says, its settings and its uploads. Its name is free for another tree; its
    ref ids are never given again."""
    announce(connection, project_id, "org_tree.changed", {"orgTreeName": name, "removed": True}, now)
    for table in (settings, developer_uploads):
        connection.execute(table.delete().where(table.c.project_id == project_id, table.c.tree == name))
    versions = org_tree_versions.update().where(org_tree_versions.c.tree_id == tree_id)
    connection.execute(versions.values(content=sa.JSON.NULL, content_hash="", people_hash=None))
    # No tree can be called so: names have no control characters.
    gone = org_trees.update().where(org_trees.c.id == tree_id)
    connection.execute(gone.values(name=f"\x1f{tree_id}", active_version=None))


class TreeWriter:
    """The steps of storing one version, within one transaction and under ``lock``: all of them happen or none."""

    def __init__(self, connection: sa.Connection, project_id: int, name: str) -> None:
        self._connection, self._project_id, self._name = connection, project_id, name
        where = (org_trees.c.project_id == project_id, org_trees.c.name == name)
        tree_id = connection.execute(sa.select(org_trees.c.id).where(*where)).scalar()
        if tree_id is None:
            tree_id = connection.execute(
                org_trees.insert().returning(org_trees.c.id), {"project_id": project_id, "name": name}
            ).scalar_one()
        self.tree_id = int(tree_id)

    def rename(self, identities: Mapping[int, str]) -> None:
        """Let ref ids go by other identities from now on (ref id → identity)."""
        for ref_id, identity in identities.items():
            self._connection.execute(org_refs.update().where(org_refs.c.ref_id == ref_id).values(identity=identity))

    def add_refs(self, identities: Iterable[str]) -> dict[str, int]:
        """New ref ids for new identities, ascending in their order."""
        rows = [{"tree_id": self.tree_id, "identity": identity} for identity in identities]
        if not rows:
            return {}
        inserted = self._connection.execute(
            org_refs.insert().returning(org_refs.c.identity, org_refs.c.ref_id, sort_by_parameter_order=True), rows
        ).all()
        return {row.identity: row.ref_id for row in inserted}

    def next_version(self) -> int:
        """The number that ``put`` will give."""
        newest = self._connection.execute(
            sa.select(sa.func.max(org_tree_versions.c.version)).where(org_tree_versions.c.tree_id == self.tree_id)
        ).scalar()
        return int(newest or 0) + 1

    def announce(self, row: VersionRow, now: datetime) -> None:
        """Tell who is told of it that the tree has another version."""
        since = None if row.from_day is None else row.from_day.isoformat()
        data = {"orgTreeName": self._name, "version": row.version, "fromDay": since, "removed": False}
        announce(self._connection, self._project_id, "org_tree.changed", data, now)

    def put(self, row: VersionRow, content: dict[str, Any]) -> None:
        """Add a version, which is the newest one from then on."""
        self._connection.execute(org_tree_versions.insert(), {**vars(row), "tree_id": self.tree_id, "content": content})
        self._connection.execute(
            org_trees.update().where(org_trees.c.id == self.tree_id).values(active_version=row.version)
        )
