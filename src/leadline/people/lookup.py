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
from leadline.errors import Detail, InvalidRequest, VersionsGone
from leadline.home import Project
from leadline.people.history import History, history_of, nearest, today
from leadline.people.serialization import from_document
from leadline.people.tree import Node, OrgTree
from leadline.turns import Turns

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
    stored = _called(project, name)
    return _on(project, stored, day) if stored else None


def trees(project: Project) -> list[TreeSummary]:
    """The project's trees by code point of the name."""
    return [TreeSummary(row.id, row.name, row.newest_version) for row in project.org_trees()]


def summary(project: Project, name: str) -> TreeSummary:
    """A tree by name. Raises ``InvalidRequest`` (``invalid_org_tree_name``) if there is no such tree."""
    stored = _called(project, name)
    if stored is None:
        raise no_tree(name, [row.name for row in project.org_trees()])
    return TreeSummary(stored.id, stored.name, stored.newest_version)


def _called(project: Project, name: str) -> rows.TreeRow | None:
    return next((row for row in project.org_trees() if row.name == name), None)


def tree(project: Project, name: str, version: int | None = None, *, day: date | None = None) -> OrgTree:
    """A tree by name, as it was in ``version``, or as it is in force on ``day`` (default: today). Raises ``InvalidRequest``
    (``invalid_org_tree_name``) if there is no such tree, ``VersionsGone`` if the version is."""
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
    return team_among(team_id, [_on(project, known, None) for known in summaries], among)


def team_among(team_id: str, searched: Sequence[OrgTree], among: Sequence[OrgTree] = ()) -> tuple[OrgTree, Node]:
    """As ``find_team``, where ``searched`` are the trees in force today."""
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
_turns = Turns()


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
    if (org_tree := _known(db, tree_id, version)) is not None:
        return org_tree
    # That of a large organization takes a second: who asks meanwhile waits for it.
    with _turns.turn((db, tree_id, version)):
        return _known(db, tree_id, version) or _read(db, tree_id, name, version)


def _known(db: Database, tree_id: int, version: int) -> OrgTree | None:
    with _guard:
        parsed = _parsed_trees.setdefault(db, OrderedDict())
        if (org_tree := parsed.get((tree_id, version))) is not None:
            parsed.move_to_end((tree_id, version))
        return org_tree


def _read(db: Database, tree_id: int, name: str, version: int) -> OrgTree:
    """A version's tree. What it has in common with another one is there once."""
    content = rows.document(db, tree_id, version)
    if content is None:
        raise _gone(name, version)
    org_tree = from_document(content, tree_id=tree_id, name=name, version=version)
    with _guard:
        parsed = _parsed_trees[db]
        other = next((known for (of_tree, _), known in reversed(parsed.items()) if of_tree == tree_id), None)
        org_tree = org_tree if other is None else org_tree.sharing(other)
        parsed[tree_id, version] = org_tree
        while len(parsed) > _PARSED_TREES:
            parsed.popitem(last=False)
    return org_tree


def _gone(name: str, version: int) -> VersionsGone:
    return VersionsGone(f"Version {version} of org tree {name!r} is gone from the metadata database")


# -- refusals ----------------------------------------------------------------------------------------------------------


def no_tree(name: str, names: Iterable[str]) -> InvalidRequest:
    """There is no tree called ``name``; those called ``names`` there are."""
    names = list(names)
    near = _nearest(name, names)
    would_do = (
        ("it may be " + ", ".join(f'"{near_name}"' for near_name in near)) if near else "no org tree is loaded yet"
    )
    return InvalidRequest(
        f'Invalid orgTreeName: there is no org tree "{name}"; {would_do}',
        code="invalid_org_tree_name",
        details=[Detail("scope.orgTreeName", would_do)],
    )


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of ``names`` that are like ``name``, in whatever letter case; if none is, those that are least unlike it."""
    spelled = {one.lower(): one for one in names}
    near = difflib.get_close_matches(name.lower(), spelled) or difflib.get_close_matches(
        name.lower(), spelled, cutoff=0.0
    )
    return [spelled[one] for one in near]


def _no_team(team_id: str, searched: Sequence[OrgTree]) -> InvalidRequest:
    names: dict[str, list[str]] = {}
    for org_tree in searched:
        for node in org_tree.nodes:
            label = f'"{node.key or node.ref_id}" ({node.path})'
            for text in filter(None, (node.key, str(node.ref_id), node.name, node.path)):
                names.setdefault(text, []).append(label)
    near = [label for text in _nearest(team_id, names) for label in names[text]]
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
