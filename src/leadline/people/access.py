"""The org trees of a project as somebody sees them, who may be limited to teams and may see pseudonyms in place of names. A team is
where it is today or, if it is gone, where it was last: whoever sees a team sees its past, too."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from weakref import WeakKeyDictionary

from leadline.access import UNLIMITED, Access
from leadline.db import Database
from leadline.errors import Detail, Forbidden
from leadline.home import Project
from leadline.people import lookup
from leadline.people.cut import cut
from leadline.people.history import nearest, today
from leadline.people.lookup import TreeSummary
from leadline.people.pseudonyms import hidden_tree
from leadline.people.tree import Node, OrgTree

__all__ = ["UNLIMITED", "Access", "VisibleTrees"]

_KEPT = 256


@dataclass(frozen=True)
class _Part:
    """What somebody sees of a tree: ``teams`` by ref id, and those of them that are below no other, as they are now."""

    teams: frozenset[int]
    tops: tuple[Node, ...]


@dataclass(frozen=True)
class VisibleTrees:
    """The trees of ``project`` that ``access`` shows. What it does not show is refused as if it was not there."""

    project: Project
    access: Access

    def listed(self) -> list[TreeSummary]:
        """The trees in which there is anything to see, by code point of the name."""
        return [known for known in lookup.trees(self.project) if known.name in self._parts or self.access.teams is None]

    def summary(self, name: str) -> TreeSummary:
        """A tree by name. Raises ``InvalidRequest`` as ``lookup.summary``."""
        if self.access.teams is None:
            return lookup.summary(self.project, name)
        listed = {known.name: known for known in self.listed()}
        if name not in listed:
            raise lookup.no_tree(name, listed)
        return listed[name]

    def tree(self, name: str, day: date | None = None) -> OrgTree | None:
        """A tree as it is in force on ``day`` (default: today), and nothing of it that is not shown; None if nothing is on that
        day. Raises ``InvalidRequest`` as ``lookup.tree``."""
        return self.shown(lookup.tree(self.project, self.summary(name).name, day=day))

    def shown(self, tree: OrgTree) -> OrgTree | None:
        """``tree``, of any day, as it is shown; None if nothing of it is."""
        shown = tree if self.access.names else hidden_tree(self.project, tree)
        return shown if self.teams is None else cut(shown, self.teams)

    def find_team(
        self, team_id: str, tree_name: str | None = None, *, among: Sequence[OrgTree] = ()
    ) -> tuple[OrgTree, Node]:
        """As ``lookup.find_team``."""
        summaries = self.listed() if tree_name is None else [self.summary(tree_name)]
        searched = [self.tree(known.name) for known in summaries]
        past = [self.shown(tree) for tree in among]
        return lookup.team_among(team_id, [tree for tree in searched if tree], [tree for tree in past if tree])

    @cached_property
    def teams(self) -> frozenset[int] | None:
        """The teams that are shown, by ref id; None: all."""
        if self.access.teams is None:
            return None
        return frozenset().union(*(part.teams for part in self._parts.values()))

    def shows(self, ref_id: int | None) -> bool:
        """Whether a team is shown; None stands for whole trees."""
        return self.teams is None or ref_id in self.teams

    def scope(self, tree_name: str | None) -> tuple[str, Node] | None:
        """What a request means that names no team, but perhaps a tree: the one team that ``access`` is limited to, with its tree.
        None if it is not limited. Raises ``Forbidden`` (``limited_to_teams``) where there are several, ``InvalidRequest`` if the
        tree is not shown."""
        if self.access.teams is None:
            return None
        names = list(self._parts) if tree_name is None else [self.summary(tree_name).name]
        tops = [(name, node) for name in names for node in self._parts[name].tops]
        if len(tops) != 1:
            said = [f"{node.ref_id} ({node.path})" for node in self._shown_tops(names)]
            raise Forbidden(
                f"This key is limited to teams; name one of them: {', '.join(said) or 'all of them are gone'}",
                code="limited_to_teams",
                details=[Detail("scope.teamId", text) for text in said],
            )
        return tops[0]

    def _shown_tops(self, names: Sequence[str]) -> list[Node]:
        trees = [self.tree(name) for name in names]
        now = {node.ref_id: node for tree in trees if tree is not None for node in tree.nodes}
        return [now[node.ref_id] for name in names for node in self._parts[name].tops if node.ref_id in now]

    @cached_property
    def _parts(self) -> dict[str, _Part]:
        """What is seen of each tree, by name; nothing where nothing is. Empty without limits."""
        limit = self.access.teams or frozenset()
        trees = lookup.trees(self.project) if limit else []
        parts = {known.name: _part(self.project, known, limit) for known in trees}
        return {name: part for name, part in parts.items() if part.teams}


def limited_to(project: Project, team_ids: Sequence[str], *, developers: bool = True) -> Access:
    """The access of a key that is limited to teams, each by its ref id or key (none: all teams). Raises ``InvalidRequest`` for a
    team that there is not."""
    teams = [lookup.find_team(project, team_id)[1].ref_id for team_id in team_ids]
    return Access(frozenset(teams) if teams else None, developers)


def teams_in_words(project: Project, teams: Collection[int]) -> list[str]:
    """Teams, by their paths of today; one that is in no tree today by its ref id alone."""
    trees = [lookup.tree(project, known.name) for known in lookup.trees(project)]
    paths = {node.ref_id: node.path for tree in trees for node in tree.nodes if node.ref_id in teams}
    return [paths.get(ref_id, f"{ref_id} (gone)") for ref_id in sorted(teams)]


_parts: WeakKeyDictionary[Database, dict[tuple[object, ...], _Part]] = WeakKeyDictionary()
_guard = threading.Lock()


def _part(project: Project, known: TreeSummary, limit: frozenset[int]) -> _Part:
    """The part of a tree that is below ``limit``; found once per process for each state of the tree."""
    entries = lookup.history(project, known.name, known.version)
    now = nearest(entries, today(project, known.name)).version
    key = (known.id, known.version, now, limit)
    with _guard:
        kept = _parts.setdefault(project.db, {})
        if key in kept:
            return kept[key]
    newest_first = dict.fromkeys([now, *(entry.version for entry in reversed(entries))])
    part = _below(limit, (lookup.tree(project, known.name, version) for version in newest_first))
    with _guard:
        if len(kept) >= _KEPT:
            kept.clear()
        kept[key] = part
    return part


def _below(limit: frozenset[int], versions: Iterable[OrgTree]) -> _Part:
    """What is at or below ``limit``, each team by the first of ``versions`` that has it."""
    inside: dict[int, bool] = {}
    tops: list[Node] = []
    for tree in versions:
        below = {ref: {node.ref_id for node in tree.subtree(tree.by_ref[ref])} for ref in limit if ref in tree.by_ref}
        new = sorted(below.keys() - inside.keys())
        tops += [tree.by_ref[ref] for ref in new if not any(ref in below[other] for other in below if other != ref)]
        for ref in tree.by_ref:
            inside.setdefault(ref, any(ref in refs for refs in below.values()))
    return _Part(frozenset(ref for ref, is_inside in inside.items() if is_inside), tuple(tops))
