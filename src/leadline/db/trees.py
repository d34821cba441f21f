"""Org trees as rows: the trees of a project, the ref ids ever given out, and every version's document.

A version never changes. A ref id, once given to an identity, is never given to another node.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import org_refs, org_tree_versions, org_trees
from leadline.lease import Lease


@dataclass(frozen=True)
class TreeRow:
    """A tree, its version in force and when that was loaded."""

    id: int
    name: str
    active_version: int
    loaded_at: datetime


def lock(db: Database, project_id: int, name: str) -> AbstractContextManager[Lease]:
    """Hold a tree against other writers, across processes; readers need no lock."""
    return db.lock(f"{project_id}:org:{name}")


def listed(db: Database, project_id: int, name: str | None = None) -> list[TreeRow]:
    """The project's trees that have a version in force (or just the one called ``name``), by code point of the name."""
    statement = (
        sa.select(org_trees.c.id, org_trees.c.name, org_trees.c.active_version, org_tree_versions.c.created_at)
        .join(
            org_tree_versions,
            (org_tree_versions.c.tree_id == org_trees.c.id)
            & (org_tree_versions.c.version == org_trees.c.active_version),
        )
        .where(org_trees.c.project_id == project_id)
    )
    if name is not None:
        statement = statement.where(org_trees.c.name == name)
    rows = db.rows(statement)
    trees = [TreeRow(row.id, row.name, row.active_version, row.created_at) for row in rows]
    # Databases sort by their own collations; code points are the same everywhere.
    return sorted(trees, key=lambda row: row.name)


def document(db: Database, tree_id: int, version: int) -> dict[str, Any] | None:
    """The document of a version, or None if there is no such version."""
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
    """Delete the versions that were replaced before ``before``, but for those ``kept`` (versions by tree); their
    number. A tree's ref ids stay, whatever version gave them."""
    versions = org_tree_versions.c
    deleted = 0
    with db.write() as connection:
        trees = connection.execute(
            sa.select(org_trees.c.id, org_trees.c.name, org_trees.c.active_version).where(
                org_trees.c.project_id == project_id
            )
        ).all()
        for tree in trees:
            newest = sa.select(sa.func.max(versions.version)).where(
                versions.tree_id == tree.id, versions.created_at < before
            )
            needed = {tree.active_version, *kept.get(tree.name, ())} - {None}
            deleted += connection.execute(
                org_tree_versions.delete().where(
                    versions.tree_id == tree.id,
                    versions.version < newest.scalar_subquery(),
                    versions.version.not_in(needed),
                )
            ).rowcount
    return deleted


class TreeWriter:
    """The steps of storing one version, within one transaction and under ``lock``: all of them happen or none."""

    def __init__(self, connection: sa.Connection, project_id: int, name: str) -> None:
        self._connection = connection
        where = (org_trees.c.project_id == project_id, org_trees.c.name == name)
        tree = connection.execute(sa.select(org_trees.c.id, org_trees.c.active_version).where(*where)).one_or_none()
        if tree is None:
            self.tree_id = int(
                connection.execute(
                    org_trees.insert().returning(org_trees.c.id), {"project_id": project_id, "name": name}
                ).scalar_one()
            )
            self.active_version = None
        else:
            self.tree_id, self.active_version = int(tree.id), tree.active_version

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

    def active_hash(self) -> str | None:
        """The content hash of the version in force."""
        if self.active_version is None:
            return None
        return self._connection.execute(
            sa.select(org_tree_versions.c.content_hash).where(
                org_tree_versions.c.tree_id == self.tree_id, org_tree_versions.c.version == self.active_version
            )
        ).scalar()

    def next_version(self) -> int:
        """The number that ``put`` will give."""
        newest = self._connection.execute(
            sa.select(sa.func.max(org_tree_versions.c.version)).where(org_tree_versions.c.tree_id == self.tree_id)
        ).scalar()
        return int(newest or 0) + 1

    def put(self, version: int, content: dict[str, Any], content_hash: str, now: datetime) -> None:
        """Add a version and put it in force."""
        row = {"tree_id": self.tree_id, "version": version, "content": content, "content_hash": content_hash}
        self._connection.execute(org_tree_versions.insert(), {**row, "created_at": now})
        self._connection.execute(
            org_trees.update().where(org_trees.c.id == self.tree_id).values(active_version=version)
        )
