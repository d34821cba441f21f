"""Keeps the versions of org trees: what a file says becomes a new version, in force from a day, or changes nothing if it is
refused. Nodes keep their ref ids from version to version, also where a team gets or loses its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.db import trees as rows
from leadline.home import Project
from leadline.lease import Lease
from leadline.people.draft import ROOT, Draft, assemble
from leadline.people.forgotten import forgotten_of
from leadline.people.forgotten_people import draft_without
from leadline.people.history import BEGINNING, on_day, today
from leadline.people.leavers import Leavers, leavers
from leadline.people.lookup import checked_name, history, tree
from leadline.people.serialization import digest, people_digest, to_document
from leadline.people.tree import Node, OrgTree

if TYPE_CHECKING:
    import sqlalchemy as sa

Also = Callable[["sa.Connection", int], None]


@dataclass(frozen=True)
class LoadedTree:
    """A tree as it was loaded, and the one that was in force on its first day before. ``version`` is None when it was only checked
    (then nodes never seen before have provisional, negative ref ids). It is in force from ``start`` (``BEGINNING``: always before)
    to ``end`` (None: until another one is), both included."""

    tree: OrgTree
    previous: OrgTree | None
    version: int | None
    start: date = BEGINNING
    end: date | None = None

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
    def unused_teams(self) -> tuple[str, ...]:
        """Names of teams that people have in the file and no team is called by, but for the people at the top."""
        names = {node.name for node in self.tree.nodes}
        below = [one for one in self.tree.developers.values() if one.team not in (None, self.tree.root.ref_id)]
        return tuple(sorted({team for one in below if (team := one.attributes.get("team"))} - names))

    @property
    def without_team(self) -> tuple[str, ...]:
        """Emails of those with neither manager nor reports."""
        return tuple(developer.email for developer in self.tree.developers.values() if not developer.teams)

    @cached_property
    def leavers(self) -> Leavers:
        """Those who are said to have left or to leave."""
        return leavers(self.tree.developers.values())


def load_org(
    project: Project,
    path: Path,
    tree_name: str,
    *,
    check: bool = False,
    now: datetime,
    since: date | None = None,
    fields: Mapping[str, str] | None = None,
) -> LoadedTree:
    """Put the org file at ``path`` in force as the tree ``tree_name``; with ``check`` only validate it. It is in force from the
    local day ``since`` (``BEGINNING``: always; default: the day of ``now``, the first one from the beginning). Raises
    ``InvalidInput`` with a ``Detail`` for each violation, and ``InvalidRequest`` for an impossible name, or for ``fields`` of a
    list's columns (by their titles) that cannot be."""
    name = checked_name(tree_name)
    from leadline.people.org_file import read_org  # what only asks needs no readers of files

    draft = read_org(path, name, fields)
    if check:
        return dry_run(project, name, draft, now, since)
    with rows.lock(project.db, project.id, name) as lease:
        return put_in_force(project, name, draft, now, lease, since=since)


def dry_run(project: Project, name: str, draft: Draft, now: datetime, since: date | None = None) -> LoadedTree:
    """What ``put_in_force`` would do now; nothing is written."""
    draft = draft_without(forgotten_of(project), draft)
    stored = rows.listed(project.db, project.id, name)
    place = _place(project, name, stored[0].id if stored else None, now, since)
    refs = rows.refs(project.db, stored[0].id) if stored else {}
    refs.update(_by_identity(_renamed(draft, place.like, refs)))
    provisional = {identity: refs.get(identity, -number) for number, identity in enumerate(draft.preorder(), start=1)}
    tree_id, version = (stored[0].id, stored[0].newest_version) if stored else (0, 0)
    made = assemble(draft, provisional, tree_id=tree_id, name=name, version=version)
    return LoadedTree(made, place.previous, None, place.start, place.end)


def put_in_force(
    project: Project,
    name: str,
    draft: Draft,
    now: datetime,
    lease: Lease,
    *,
    since: date | None = None,
    also: Also | None = None,
) -> LoadedTree:
    """Store a draft as the newest version of the tree ``name``, in force from the day ``since`` as of ``load_org``, unless that is
    in force then already; under ``db.trees.lock`` as ``lease`` (``LockLost``). Versions of later days stay as they are. ``also``
    is called with the connection and the version in the same transaction: both happen or neither. Who is forgotten stays so."""
    draft = draft_without(forgotten_of(project), draft)
    stored = rows.listed(project.db, project.id, name)
    place = _place(project, name, stored[0].id if stored else None, now, since)
    with project.db.write(under=lease) as connection:
        writer = rows.TreeWriter(connection, project.id, name)
        refs = rows.refs(project.db, writer.tree_id) if stored else {}
        renamed = _renamed(draft, place.like, refs)
        writer.rename(renamed)
        refs.update(_by_identity(renamed))
        refs.update(writer.add_refs(identity for identity in draft.preorder() if identity not in refs))
        version = writer.next_version()
        loaded = assemble(draft, refs, tree_id=writer.tree_id, name=name, version=version)
        content = to_document(loaded)
        if place.previous is not None and to_document(place.previous) == content:
            loaded, version = place.previous, place.previous.version
        else:
            from_day = None if place.start == BEGINNING else place.start
            row = rows.VersionRow(version, from_day, now, digest(content), people_digest(content))
            writer.put(row, content)
            writer.announce(row, now)
        if also is not None:
            also(connection, version)
    return LoadedTree(loaded, place.previous, version, place.start, place.end)


@dataclass(frozen=True)
class _Place:
    """The days for which a tree is put in force, the tree that is in force on the first of them (None: none is), and the one whose
    nodes it is compared with to find those that are the same."""

    start: date
    end: date | None
    previous: OrgTree | None
    like: OrgTree | None


def _place(project: Project, name: str, tree_id: int | None, now: datetime, since: date | None) -> _Place:
    if tree_id is None:
        return _Place(BEGINNING if since is None else since, None, None, None)
    entries = history(project, name)
    start = today(project, name, now) if since is None else since
    later = [entry.start for entry in entries if entry.start > start]
    before = on_day(entries, start)
    previous = None if before is None else tree(project, name, before.version)
    end = min(later) - timedelta(days=1) if later else None
    return _Place(start, end, previous, previous or tree(project, name, entries[0].version))


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
        # A tree of an earlier day may be put right after the node got another key.
        may_be = node.key is None or draft_node.key is None or node.key == draft_node.key
        if may_be and node.ref_id not in renamed:
            renamed[node.ref_id] = identity
    return renamed


def _by_identity(renamed: Mapping[int, str]) -> dict[str, int]:
    return {identity: ref_id for ref_id, identity in renamed.items()}
