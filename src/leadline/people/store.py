"""Loads org files into the metadata database and hands out the trees stored there.

A developers CSV or nested file comes in; a new version of the tree goes out, or ``InvalidInput`` with every violation,
in which case the last good version stays in force. Trees are read by name or by team id, newest or pinned, and parsed
once per process.
"""

from __future__ import annotations

import difflib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from leadline.db import Database
from leadline.db import trees as rows
from leadline.errors import Detail, InvalidInput, InvalidRequest, StoreError
from leadline.home import Project
from leadline.people.csv_file import read_people
from leadline.people.draft import ROOT, Draft, assemble
from leadline.people.hierarchy import draft_of
from leadline.people.nested_file import read_nested
from leadline.people.serialization import digest, from_document, to_document
from leadline.people.tree import Node, OrgTree
from leadline.people.violations import Violations, refusal

if TYPE_CHECKING:
    import sqlalchemy as sa

Also = Callable[["sa.Connection", int], None]

_LONGEST_NAME = 255
_KEPT = 16


@dataclass(frozen=True)
class LoadedTree:
    """What ``load_org`` did. ``version`` is None when it only checked (then nodes never seen before have provisional,
    negative ref ids); ``changed`` is false when the file says what is already in force.

    ``added`` and ``removed`` are hierarchy paths of nodes against the version before; ``without_team`` the emails of
    those with neither manager nor reports.
    """

    tree: OrgTree
    version: int | None
    changed: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    without_team: tuple[str, ...]


@dataclass(frozen=True)
class TreeSummary:
    """A tree of a project, its version in force and when that was loaded."""

    id: int
    name: str
    version: int
    loaded_at: datetime


def load_org(project: Project, path: Path, tree_name: str, *, check: bool = False, now: datetime) -> LoadedTree:
    """Put the org file at ``path`` in force as the tree ``tree_name``; with ``check`` only validate it.

    ``.json`` and ``.toml`` are nested files (``nested_file`` says how), anything else is a developers CSV. Raises
    ``InvalidInput`` with a ``Detail`` for each violation, and ``InvalidRequest`` for an impossible name.
    """
    name = checked_name(tree_name)
    draft = _read(path, name)
    if check:
        return foresee(project, name, draft)
    with rows.lock(project.db, project.id, name):
        return put_in_force(project, name, draft, now)


def foresee(project: Project, name: str, draft: Draft) -> LoadedTree:
    """What ``put_in_force`` would do now; nothing is written."""
    active = in_force(project, name)
    known = rows.refs(project.db, active.id) if active is not None else {}
    renamed = _renamed(draft, active, known)
    return _loaded(_provisional(draft, {**known, **_by_identity(renamed)}, active, name), active, None)


def in_force(project: Project, name: str) -> OrgTree | None:
    """The tree called ``name`` as it is in force, or None."""
    found = rows.listed(project.db, project.id, name)
    return _parsed(project.db, found[0].id, name, found[0].active_version) if found else None


def trees(project: Project) -> list[TreeSummary]:
    """The project's trees by code point of the name."""
    return [
        TreeSummary(row.id, row.name, row.active_version, row.loaded_at) for row in rows.listed(project.db, project.id)
    ]


def tree(project: Project, name: str, version: int | None = None) -> OrgTree:
    """A tree by name, as in force or as it was in ``version``.

    Raises ``InvalidRequest`` (``invalid_org_tree_name``) if there is no such tree, ``StoreError`` if the version is gone.
    """
    found = rows.listed(project.db, project.id, name)
    if not found:
        raise _no_tree(name, [each.name for each in rows.listed(project.db, project.id)])
    (row,) = found
    return _parsed(project.db, row.id, row.name, row.active_version if version is None else version)


def find_team(project: Project, team_id: str, tree_name: str | None = None) -> tuple[OrgTree, Node]:
    """The team of a ``teamId`` (ref id as text, or key), in the tree named or in whichever of the project has it.

    Raises ``InvalidRequest`` with the seeds' sentences: ``invalid_org_tree_name`` or ``invalid_team_id``; the latter
    also for a key that several trees have.
    """
    if tree_name is not None:
        searched = [tree(project, tree_name)]
    else:
        searched = [_parsed(project.db, each.id, each.name, each.version) for each in trees(project)]
    found = [(each, node) for each in searched if (node := each.find(team_id)) is not None]
    if len(found) == 1:
        return found[0]
    raise _no_team(team_id, searched) if not found else _several_teams(team_id, [each for each, _ in found])


# -- loading -----------------------------------------------------------------------------------------------------------


def checked_name(tree_name: str) -> str:
    """The name of a tree without white space around it. Raises ``InvalidRequest`` if none can be called so."""
    name = tree_name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(
            f"An org tree cannot be called {tree_name[:80]!r}; a name has 1 to {_LONGEST_NAME} printable characters",
            code="invalid_org_tree_name",
        )
    return name


def _read(path: Path, name: str) -> Draft:
    violations = Violations(path.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", code="unreadable_file") from error
    kind = path.suffix.lower()
    if kind in (".json", ".toml"):
        return read_nested(data, name, toml=kind == ".toml", violations=violations)
    if not data.strip():
        raise refusal(path.name, [Detail(path.name, "EMPTY_FILE: there is nothing in it")])
    return draft_of(read_people(data, violations), name, violations)


def put_in_force(project: Project, name: str, draft: Draft, now: datetime, *, also: Also | None = None) -> LoadedTree:
    """Store a draft as the newest version of the tree ``name``, unless it is that already; under ``db.trees.lock``.

    ``also`` is told the connection and the version within the same transaction: both happen or neither.
    """
    active = in_force(project, name)
    with project.db.write() as connection:
        writer = rows.TreeWriter(connection, project.id, name)
        known = rows.refs(project.db, writer.tree_id) if active is not None else {}
        renamed = _renamed(draft, active, known)
        writer.rename(renamed)
        known.update(_by_identity(renamed))
        known.update(writer.add_refs(identity for identity in draft.preorder() if identity not in known))
        version = writer.next_version()
        loaded = assemble(draft, known, tree_id=writer.tree_id, name=name, version=version)
        content = to_document(loaded)
        content_hash = digest(content)
        if active is not None and writer.active_hash() == content_hash:
            loaded, version = active, active.version
        else:
            writer.put(version, content, content_hash, now)
        if also is not None:
            also(connection, version)
    return _loaded(loaded, active, version)


def _renamed(draft: Draft, active: OrgTree | None, known: Mapping[str, int]) -> dict[int, str]:
    """Nodes that got or lost their key since: the same manager's node stays the same node (ref id → new identity)."""
    if active is None:
        return {}
    leaving = {ref_id for identity, ref_id in known.items() if identity not in draft.nodes}
    candidates: dict[str, list[Node]] = {}
    for node in active.nodes:
        if node.manager is not None and node.ref_id in leaving:
            candidates.setdefault(node.manager, []).append(node)
    renamed: dict[int, str] = {}
    for identity, draft_node in draft.nodes.items():
        former = candidates.get(draft_node.manager or "", [])
        if identity in known or identity == ROOT or len(former) != 1:
            continue
        (node,) = former
        if (node.key is None or draft_node.key is None) and node.ref_id not in renamed:
            renamed[node.ref_id] = identity
    return renamed


def _by_identity(renamed: Mapping[int, str]) -> dict[str, int]:
    return {identity: ref_id for ref_id, identity in renamed.items()}


def _provisional(draft: Draft, known: Mapping[str, int], active: OrgTree | None, name: str) -> OrgTree:
    refs = {identity: known.get(identity, -number) for number, identity in enumerate(draft.preorder(), start=1)}
    tree_id, version = (active.id, active.version) if active is not None else (0, 0)
    return assemble(draft, refs, tree_id=tree_id, name=name, version=version)


def _loaded(loaded: OrgTree, before: OrgTree | None, version: int | None) -> LoadedTree:
    had = {} if before is None else before.by_ref
    return LoadedTree(
        tree=loaded,
        version=version,
        changed=before is None or to_document(loaded) != to_document(before),
        added=tuple(node.path for node in loaded.nodes if node.ref_id not in had),
        removed=tuple(node.path for ref_id, node in had.items() if ref_id not in loaded.by_ref),
        without_team=tuple(each.email for each in loaded.developers.values() if not each.teams),
    )


# -- reading -----------------------------------------------------------------------------------------------------------

_parsed_trees: WeakKeyDictionary[Database, OrderedDict[tuple[int, int], OrgTree]] = WeakKeyDictionary()
_guard = threading.Lock()


def _parsed(db: Database, tree_id: int, name: str, version: int) -> OrgTree:
    """A version's tree, parsed once per process: versions never change."""
    with _guard:
        kept = _parsed_trees.setdefault(db, OrderedDict())
        if (found := kept.get((tree_id, version))) is not None:
            kept.move_to_end((tree_id, version))
            return found
    content = rows.document(db, tree_id, version)
    if content is None:
        raise StoreError(f"Version {version} of org tree {name!r} is gone from the metadata database")
    found = from_document(content, tree_id=tree_id, name=name, version=version)
    with _guard:
        kept[tree_id, version] = found
        while len(kept) > _KEPT:
            kept.popitem(last=False)
    return found


# -- refusals ----------------------------------------------------------------------------------------------------------


def _no_tree(name: str, names: Iterable[str]) -> InvalidRequest:
    known = list(names)
    near = difflib.get_close_matches(name, known, n=3) or known[:10]
    would_do = ("it may be " + ", ".join(f'"{each}"' for each in near)) if near else "no org tree is loaded yet"
    return InvalidRequest(
        f'Invalid orgTreeName: there is no org tree "{name}"; {would_do}',
        code="invalid_org_tree_name",
        details=[Detail("scope.orgTreeName", would_do)],
    )


def _no_team(team_id: str, searched: list[OrgTree]) -> InvalidRequest:
    names: dict[str, list[str]] = {}
    for each in searched:
        for node in each.nodes:
            label = f'"{node.key or node.ref_id}" ({node.path})'
            for text in filter(None, (node.key, str(node.ref_id), node.name)):
                names.setdefault(text, []).append(label)
    near = [label for text in difflib.get_close_matches(team_id, names, n=3) for label in names[text]]
    if not near:
        near = [label for labels in names.values() for label in labels]
    would_do = ("it may be " + ", ".join(list(dict.fromkeys(near))[:5])) if near else "no org tree is loaded yet"
    where = f' in org tree "{searched[0].name}"' if len(searched) == 1 else ""
    return InvalidRequest(
        f'Invalid teamId: there is no team "{team_id}"{where}; {would_do}',
        code="invalid_team_id",
        details=[Detail("scope.teamId", would_do)],
    )


def _several_teams(team_id: str, found: list[OrgTree]) -> InvalidRequest:
    names = ", ".join(f'"{each.name}"' for each in found)
    return InvalidRequest(
        f'Invalid teamId: "{team_id}" is a team of several org trees ({names}); name one as scope.orgTreeName',
        code="invalid_team_id",
        details=[Detail("scope.orgTreeName", f"one of {names}")],
    )
