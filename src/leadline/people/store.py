"""Keeps the versions of org trees: what a file says becomes a new version in force, or changes nothing if it is refused. Nodes keep
their ref ids from version to version, also where a team gets or loses its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.db import trees as rows
from leadline.home import Project
from leadline.lease import Lease
from leadline.people.draft import ROOT, Draft, assemble
from leadline.people.lookup import checked_name, in_force
from leadline.people.org_file import read_org
from leadline.people.serialization import digest, to_document
from leadline.people.tree import Node, OrgTree

if TYPE_CHECKING:
    import sqlalchemy as sa

Also = Callable[["sa.Connection", int], None]


@dataclass(frozen=True)
class LoadedTree:
    """A tree as it was loaded, and the one in force before. ``version`` is None when it was only checked (then nodes never
    seen before have provisional, negative ref ids)."""

    tree: OrgTree
    previous: OrgTree | None
    version: int | None

    @cached_property
    def changed(self) -> bool:
        """Whether it says anything else than what was in force."""
        return self.previous is None or to_document(self.tree) != to_document(self.previous)

    @property
    def added(self) -> tuple[str, ...]:
        """Hierarchy paths of the nodes that were not there before."""
        before = {} if self.previous is None else self.previous.by_ref
        return tuple(node.path for node in self.tree.nodes if node.ref_id not in before)

    @property
    def removed(self) -> tuple[str, ...]:
        """Hierarchy paths of the nodes that are no more."""
        before = {} if self.previous is None else self.previous.by_ref
        return tuple(node.path for ref_id, node in before.items() if ref_id not in self.tree.by_ref)

    @property
    def without_team(self) -> tuple[str, ...]:
        """Emails of those with neither manager nor reports."""
        return tuple(developer.email for developer in self.tree.developers.values() if not developer.teams)


def load_org(project: Project, path: Path, tree_name: str, *, check: bool = False, now: datetime) -> LoadedTree:
    """Put the org file at ``path`` in force as the tree ``tree_name``; with ``check`` only validate it. Raises ``InvalidInput``
    with a ``Detail`` for each violation, and ``InvalidRequest`` for an impossible name."""
    name = checked_name(tree_name)
    draft = read_org(path, name)
    if check:
        return dry_run(project, name, draft)
    with rows.lock(project.db, project.id, name) as lease:
        return put_in_force(project, name, draft, now, lease)


def dry_run(project: Project, name: str, draft: Draft) -> LoadedTree:
    """What ``put_in_force`` would do now; nothing is written."""
    active = in_force(project, name)
    refs = rows.refs(project.db, active.id) if active is not None else {}
    refs.update(_by_identity(_renamed(draft, active, refs)))
    provisional = {identity: refs.get(identity, -number) for number, identity in enumerate(draft.preorder(), start=1)}
    tree_id, version = (active.id, active.version) if active is not None else (0, 0)
    return LoadedTree(assemble(draft, provisional, tree_id=tree_id, name=name, version=version), active, None)


def put_in_force(
    project: Project, name: str, draft: Draft, now: datetime, lease: Lease, *, also: Also | None = None
) -> LoadedTree:
    """Store a draft as the newest version of the tree ``name``, unless it is that already; under ``db.trees.lock`` as ``lease``
    (``LockLost``). ``also`` is called with the connection and the version in the same transaction: both happen or neither."""
    active = in_force(project, name)
    with project.db.write(under=lease) as connection:
        writer = rows.TreeWriter(connection, project.id, name)
        refs = rows.refs(project.db, writer.tree_id) if active is not None else {}
        renamed = _renamed(draft, active, refs)
        writer.rename(renamed)
        refs.update(_by_identity(renamed))
        refs.update(writer.add_refs(identity for identity in draft.preorder() if identity not in refs))
        version = writer.next_version()
        loaded = assemble(draft, refs, tree_id=writer.tree_id, name=name, version=version)
        content = to_document(loaded)
        content_hash = digest(content)
        if active is not None and writer.active_hash() == content_hash:
            loaded, version = active, active.version
        else:
            writer.put(version, content, content_hash, now)
        if also is not None:
            also(connection, version)
    return LoadedTree(loaded, active, version)


def _renamed(draft: Draft, active: OrgTree | None, refs: Mapping[str, int]) -> dict[int, str]:
    """Nodes that got or lost their key since: the same manager's node stays the same node (ref id → new identity)."""
    if active is None:
        return {}
    leaving = {ref_id for identity, ref_id in refs.items() if identity not in draft.nodes}
    leaving_nodes: dict[str, list[Node]] = {}
    for node in active.nodes:
        if node.manager is not None and node.ref_id in leaving:
            leaving_nodes.setdefault(node.manager, []).append(node)
    renamed: dict[int, str] = {}
    for identity, draft_node in draft.nodes.items():
        candidates = leaving_nodes.get(draft_node.manager or "", [])
        if identity in refs or identity == ROOT or len(candidates) != 1:
            continue
        (node,) = candidates
        if (node.key is None or draft_node.key is None) and node.ref_id not in renamed:
            renamed[node.ref_id] = identity
    return renamed


def _by_identity(renamed: Mapping[int, str]) -> dict[str, int]:
    return {identity: ref_id for ref_id, identity in renamed.items()}
