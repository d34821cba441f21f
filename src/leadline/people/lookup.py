"""Finds the org trees of a project: by name or by team id, as they are in force on a day or as they were in a version. Versions
never change, so each is parsed once per process."""

from __future__ import annotations

import difflib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from weakref import WeakKeyDictionary

from leadline.db import Database
from leadline.db import trees as rows
from leadline.errors import Detail, InvalidRequest, StoreError
from leadline.home import Project
from leadline.people.history import History, history_of, nearest, today
from leadline.people.serialization import from_document
from leadline.people.tree import Node, OrgTree

_LONGEST_NAME = 255
_PARSED_TREES = 16
_HISTORIES = 256


@dataclass(frozen=True)
class TreeSummary:
    """A tree of a project and the number of its newest version, which says, with those before it, which tree is in force when."""

    id: int
    name: str
    version: int


def checked_name(tree_name: str) -> str:
    """The name of a tree without white space around it. Raises ``InvalidRequest`` if none can be called so."""
    name = tree_name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(
            f"An org tree cannot be called {tree_name[:80]!r}; a name has 1 to {_LONGEST_NAME} printable characters",
            code="invalid_org_tree_name",
        )
    return name


def in_force(project: Project, name: str, day: date | None = None) -> OrgTree | None:
    """The tree called ``name`` as it is in force on ``day`` (default: today), or None if there is no such tree. Before its first
    day it is the first one."""
    stored = rows.listed(project.db, project.id, name)
    return _on(project, stored[0], day) if stored else None


def trees(project: Project) -> list[TreeSummary]:
    """The project's trees by code point of the name."""
    return [TreeSummary(row.id, row.name, row.newest_version) for row in rows.listed(project.db, project.id)]


def summary(project: Project, name: str) -> TreeSummary:
    """A tree by name. Raises ``InvalidRequest`` (``invalid_org_tree_name``) if there is no such tree."""
    stored = rows.listed(project.db, project.id, name)
    if not stored:
        raise _no_tree(name, [row.name for row in rows.listed(project.db, project.id)])
    return TreeSummary(stored[0].id, stored[0].name, stored[0].newest_version)


def tree(project: Project, name: str, version: int | None = None, *, day: date | None = None) -> OrgTree:
    """A tree by name, as it was in ``version``, or as it is in force on ``day`` (default: today). Raises ``InvalidRequest``
    (``invalid_org_tree_name``) if there is no such tree, ``StoreError`` if the version is gone."""
    known = summary(project, name)
    if version is not None:
        return _parsed(project.db, known.id, known.name, version)
    return _on(project, known, day)


def history(project: Project, name: str, newest: int | None = None) -> History:
    """Which versions of a tree are in force when, as of its version ``newest`` (default: now). Raises as ``tree``."""
    known = summary(project, name)
    return _history(project.db, known.id, known.name, known.version if newest is None else newest)


def _on(project: Project, known: TreeSummary | rows.TreeRow, day: date | None) -> OrgTree:
    newest = known.version if isinstance(known, TreeSummary) else known.newest_version
    entries = _history(project.db, known.id, known.name, newest)
    entry = entries[0] if len(entries) == 1 else nearest(entries, day or today(project, known.name))
    return _parsed(project.db, known.id, known.name, entry.version)


def find_team(
    project: Project, team_id: str, tree_name: str | None = None, *, among: Sequence[OrgTree] = ()
) -> tuple[OrgTree, Node]:
    """The team of a ``teamId`` (ref id as text, or key), in the tree named or in whichever of the project has it: as it is in force
    today, or the first of ``among``, trees of other days, in which it is. Raises ``InvalidRequest`` with the seeds' sentences:
    ``invalid_org_tree_name`` or ``invalid_team_id``; the latter also for a key that several trees have."""
    summaries = trees(project) if tree_name is None else [summary(project, tree_name)]
    searched = [_on(project, known, None) for known in summaries]
    teams: dict[int, tuple[OrgTree, Node]] = {}
    for org_tree in (*among, *searched):
        if (node := org_tree.find(team_id)) is not None:
            teams.setdefault(org_tree.id, (org_tree, node))
    if len(teams) == 1:
        return next(iter(teams.values()))
    raise _no_team(team_id, searched) if not teams else _several_teams(team_id, [found for found, _ in teams.values()])


_parsed_trees: WeakKeyDictionary[Database, OrderedDict[tuple[int, int], OrgTree]] = WeakKeyDictionary()
_histories: WeakKeyDictionary[Database, dict[tuple[int, int], History]] = WeakKeyDictionary()
_guard = threading.Lock()


def _history(db: Database, tree_id: int, name: str, newest: int) -> History:
    """The history as of a version, read once per process: versions never change, nor do their days."""
    with _guard:
        known = _histories.setdefault(db, {}).get((tree_id, newest))
    if known is not None:
        return known
    versions = rows.versions(db, tree_id, newest)
    if newest not in {row.version for row in versions}:
        raise _gone(name, newest)
    entries = history_of(versions)
    with _guard:
        if len(_histories[db]) >= _HISTORIES:
            _histories[db].clear()
        _histories[db][tree_id, newest] = entries
    return entries


def _parsed(db: Database, tree_id: int, name: str, version: int) -> OrgTree:
    """A version's tree, parsed once per process: versions never change."""
    with _guard:
        parsed = _parsed_trees.setdefault(db, OrderedDict())
        if (org_tree := parsed.get((tree_id, version))) is not None:
            parsed.move_to_end((tree_id, version))
            return org_tree
    content = rows.document(db, tree_id, version)
    if content is None:
        raise _gone(name, version)
    org_tree = from_document(content, tree_id=tree_id, name=name, version=version)
    with _guard:
        parsed[tree_id, version] = org_tree
        while len(parsed) > _PARSED_TREES:
            parsed.popitem(last=False)
    return org_tree


def _gone(name: str, version: int) -> StoreError:
    return StoreError(f"Version {version} of org tree {name!r} is gone from the metadata database")


# -- refusals ----------------------------------------------------------------------------------------------------------


def _no_tree(name: str, names: Iterable[str]) -> InvalidRequest:
    names = list(names)
    near = difflib.get_close_matches(name, names, n=3) or names[:10]
    would_do = (
        ("it may be " + ", ".join(f'"{near_name}"' for near_name in near)) if near else "no org tree is loaded yet"
    )
    return InvalidRequest(
        f'Invalid orgTreeName: there is no org tree "{name}"; {would_do}',
        code="invalid_org_tree_name",
        details=[Detail("scope.orgTreeName", would_do)],
    )


def _no_team(team_id: str, searched: list[OrgTree]) -> InvalidRequest:
    names: dict[str, list[str]] = {}
    for org_tree in searched:
        for node in org_tree.nodes:
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


def _several_teams(team_id: str, having: list[OrgTree]) -> InvalidRequest:
    names = ", ".join(f'"{org_tree.name}"' for org_tree in having)
    return InvalidRequest(
        f'Invalid teamId: "{team_id}" is a team of several org trees ({names}); name one as scope.orgTreeName',
        code="invalid_team_id",
        details=[Detail("scope.orgTreeName", f"one of {names}")],
    )
