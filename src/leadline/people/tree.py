"""The org tree as a value: nodes, developers and the questions asked of them; no input or output. A node has one place in the
hierarchy, under its manager's primary manager. If that manager reports to further managers, the node's people count under those too
(``Node.also_under``), and once in every common parent: so a subtree is what is reached from a node both ways."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from leadline.people.violations import share_of

SEPARATOR = "/"
_APART = re.compile(r"[/;]|%(?=2F|3B|25|23)|#(?=[0-9]+$)", re.IGNORECASE)
"""What would be taken for something else in a path, in a list of paths, or after a name."""


def path_part(name: str) -> str:
    """A team's name as part of a path: `/` and `;` in it are `%2F` and `%3B`, as in an address."""
    return _APART.sub(lambda found: f"%{ord(found[0]):02X}", name)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a tree. ``path`` are the names from the root joined by ``/``, as no other node has it (``with_paths``); ``depth``
    is 0 at the root; ``order`` the position in preorder with siblings by code point of their names. ``own`` are the emails of the
    manager and of the direct reports who manage nobody, in order. ``parent`` and ``also_under`` are ref ids."""

    ref_id: int
    key: str | None
    name: str
    parent: int | None
    path: str
    depth: int
    order: int
    manager: str | None
    own: tuple[str, ...]
    also_under: tuple[int, ...] = ()


def with_paths(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """``nodes``, parents first, with the paths that their names make. Of siblings of one name the first that was known is called by
    it alone, the others by their ref id, too: `Core#12`."""
    nodes = tuple(nodes)
    first: dict[tuple[int | None, str], Node] = {}
    for node in sorted(nodes, key=lambda node: (node.ref_id < 0, abs(node.ref_id))):
        first.setdefault((node.parent, node.name), node)
    paths: dict[int | None, str] = {}
    for node in nodes:
        part = path_part(node.name)
        if first[node.parent, node.name].ref_id != node.ref_id:
            part += f"#{node.ref_id}"
        paths[node.ref_id] = part if node.parent is None else paths[node.parent] + SEPARATOR + part
    return tuple(replace(node, path=paths[node.ref_id]) for node in nodes)


def called_after(full_name: str) -> str:
    """The name of a team that has none but its manager's."""
    return f"{full_name}'s team"


@dataclass(frozen=True, slots=True)
class Developer:
    """One person. ``teams`` are the ref ids of the nodes whose own people include them, in listed order; the first is
    the primary team; none for one with neither manager nor reports. ``attributes`` are the file's further values. ``email`` is in
    lower case, by which it is known; ``written`` is how the list spells it, if that is another way."""

    email: str
    full_name: str
    teams: tuple[int, ...]
    attributes: Mapping[str, str]
    written: str | None = None

    @property
    def address(self) -> str:
        """The email as it is shown: as the list spells it."""
        return self.written or self.email

    @property
    def order(self) -> str:
        """What rows of developers are ordered by: the email, or the pseudonym that is shown in its place."""
        return self.address.lower()

    @property
    def team(self) -> int | None:
        """The ref id of the primary team."""
        return self.teams[0] if self.teams else None


def addresses(trees: Iterable[OrgTree]) -> dict[str, str]:
    """Everybody of ``trees`` by email: how it is shown, as the first tree spells it that has another way than lower case."""
    everybody = [developer for tree in trees for developer in tree.developers.values()]
    shown = {developer.email: developer.email for developer in everybody}
    shown.update((developer.email, developer.address) for developer in reversed(everybody) if developer.written)
    return shown


@dataclass(frozen=True, slots=True)
class ScopedDeveloper:
    """A developer within a scope, under the first listed team there."""

    developer: Developer
    team: Node


@dataclass(frozen=True)
class Covered(Mapping[str, tuple[int, ...]]):
    """By email the numbers of the nodes that cover somebody: ``of_teams``, by the ``teams`` that everybody has. Who is covered by
    none is not among them. ``kept`` is the tree's."""

    teams: Mapping[str, tuple[int, ...]]
    of_teams: Mapping[tuple[int, ...], tuple[int, ...]]
    kept: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, email: str) -> tuple[int, ...]:
        return self.of_teams[self.teams[email]]

    def __iter__(self) -> Iterator[str]:
        of_teams = self.of_teams
        return (email for email, teams in self.teams.items() if teams in of_teams)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def moved_since(self, before: Covered) -> list[str]:
        """Of whom it may be otherwise than ``before``, whether they are here or only there."""
        if self.of_teams != before.of_teams:
            return [*dict.fromkeys([*before, *self])]
        return list(self._moved(before.teams))

    def _moved(self, then: Mapping[str, tuple[int, ...]]) -> Sequence[str]:
        """Whose teams are others than ``then``. Found once for two versions of a tree, whichever nodes are asked for."""
        key = ("moved since", id(then))  # nothing else has this number while it is kept
        if key not in self.kept:
            moved = [email for email, teams in self.teams.items() if then.get(email) is not teams]
            self.kept[key] = (then, [*moved, *(then.keys() - self.teams.keys())])
        found: Sequence[str] = self.kept[key][1]
        return found


@dataclass(frozen=True)
class OrgTree:
    """One version of one tree. ``nodes`` is in preorder, the root first; ``developers`` is by lower-case email."""

    id: int
    name: str
    version: int
    nodes: tuple[Node, ...]
    developers: Mapping[str, Developer]
    kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What others made of it, which is made once."""
    _subtrees: dict[int, tuple[Node, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def sharing(self, other: OrgTree) -> OrgTree:
        """The same tree, of which all that is equal in ``other`` is that: many versions of a large tree take little more than
        one."""
        nodes = tuple(old if (old := other.by_ref.get(new.ref_id)) == new else new for new in self.nodes)
        people = other.developers
        developers = {
            email: person if (person := people.get(email)) == new else new for email, new in self.developers.items()
        }
        return replace(self, nodes=nodes, developers=developers)

    @property
    def root(self) -> Node:
        """The node that stands for the whole tree."""
        return self.nodes[0]

    @cached_property
    def by_ref(self) -> Mapping[int, Node]:
        """The nodes by ref id."""
        return {node.ref_id: node for node in self.nodes}

    @cached_property
    def by_path(self) -> Mapping[str, Node]:
        """The nodes by path."""
        return {node.path: node for node in self.nodes}

    @cached_property
    def by_key(self) -> Mapping[str, Node]:
        """The nodes that have a key, by it."""
        return {node.key: node for node in self.nodes if node.key is not None}

    def find(self, team_id: str) -> Node | None:
        """The node of a ``teamId``: its ref id as text (``"456"``), its key, or a path of more than the root; None if this tree has
        no such node."""
        text = team_id.strip()
        if SEPARATOR in text:  # no key has one
            return self.by_path.get(text)
        # A key is never digits alone (refused on loading), so the two cannot be confused.
        if text.isascii() and text.isdigit():
            return self.by_ref.get(int(text)) if len(text) <= 18 and not text.startswith("0") else None
        return self.by_key.get(text)

    def subtree(self, node: Node) -> tuple[Node, ...]:
        """``node`` and all below it, in preorder of the tree."""
        if (nodes := self._subtrees.get(node.ref_id)) is None:
            nodes = tuple(below for below in self.nodes if node.ref_id in self._ancestors[below.ref_id])
            self._subtrees[node.ref_id] = nodes
        return nodes

    def people(self, node: Node) -> tuple[str, ...]:
        """Distinct emails of the subtree: by the order of their first listed team in it, then by email."""
        return tuple(scoped.developer.email for scoped in self.scope_developers(node))

    def scope_developers(self, node: Node) -> tuple[ScopedDeveloper, ...]:
        """Every developer of the subtree once, under the first listed team in it; ordered as developer rows are."""
        inside = {below.ref_id: below for below in self.subtree(node)}
        scoped_developers = []
        for developer in self._members(inside):
            team = next(inside[ref_id] for ref_id in developer.teams if ref_id in inside)
            scoped_developers.append(ScopedDeveloper(developer, team))
        scoped_developers.sort(key=lambda scoped: (scoped.team.order, scoped.developer.order))
        return tuple(scoped_developers)

    def down_to(self, node: Node, depth: int | None) -> tuple[Node, ...]:
        """``node`` and the nodes below it down to so many levels (None: all), in preorder. Levels are those of primary managers:
        what is below by a further one may be higher up, and they are then counted from there."""
        nodes = self.subtree(node)
        top = min(below.depth for below in nodes)
        return nodes if depth is None else tuple(below for below in nodes if below.depth - top <= depth)

    def covered(self, numbers: Mapping[int, int]) -> Covered:
        """Everyone whom any of the nodes in ``numbers`` (by ref id) covers, by email: the numbers of those that do, in order."""
        of_teams = {}
        for teams, above in self._above.items():
            if covering := tuple(sorted(numbers[ref_id] for ref_id in above if ref_id in numbers)):
                of_teams[teams] = covering
        return Covered(self._teams, of_teams, self.kept)

    def places(self, within: Collection[int]) -> Iterator[tuple[int, str, int]]:
        """Triples (ref id, email, ref id of the node whose own people they are among) for every node ``within`` and everyone whom
        it covers, once for each such node."""
        for team in self.nodes:
            covering = sorted(self._ancestors[team.ref_id].intersection(within))
            yield from ((ref_id, email, team.ref_id) for email in team.own for ref_id in covering)

    def same_teams(self, other: OrgTree) -> bool:
        """Whether ``other`` has the same nodes, with the same people."""
        if self is other:
            return True
        return (self.id, self.nodes) == (other.id, other.nodes) and self._teams == other._teams

    def names(self, node: Node) -> tuple[str, ...]:
        """The names from the root to ``node``; rows of teams are in their order."""
        above = () if node.parent is None else self.names(self.by_ref[node.parent])
        return (*above, node.name)

    def manager_of(self, node: Node) -> str | None:
        """The email of a node's manager, or the pseudonym that is shown in its place."""
        manager = None if node.manager is None else self.developers.get(node.manager)
        return None if manager is None else manager.order

    def head_counts(self) -> dict[int, int]:
        """Distinct developers of every node's subtree, by ref id."""
        counts = dict.fromkeys(self.by_ref, 0)
        for developer in self.developers.values():
            for ref_id in {above for team in developer.teams for above in self._ancestors[team]}:
                counts[ref_id] += 1
        return counts

    @cached_property
    def part_time(self) -> Mapping[str, float]:
        """The part of a whole job that those have who have less, by email."""
        shares = (
            (email, share_of(developer.attributes.get("fte", ""))) for email, developer in self.developers.items()
        )
        return {email: share for email, share in shares if share is not None and share < 1}

    @cached_property
    def _teams(self) -> Mapping[str, tuple[int, ...]]:
        """The teams of everybody who has one, by email."""
        return {email: developer.teams for email, developer in self.developers.items() if developer.teams}

    @cached_property
    def _above(self) -> Mapping[tuple[int, ...], frozenset[int]]:
        """The teams that anybody has, and all nodes that cover those people: of thousands, those of one team are covered by the
        same."""
        return {
            teams: frozenset().union(*(self._ancestors[team] for team in teams))
            for teams in dict.fromkeys(self._teams.values())
        }

    def _members(self, inside: Mapping[int, Node]) -> Iterator[Developer]:
        seen = dict.fromkeys(email for node in inside.values() for email in node.own)
        return (self.developers[email] for email in seen)

    @cached_property
    def _ancestors(self) -> Mapping[int, frozenset[int]]:
        """For every node: itself and all above it, through the primary and the further managers."""
        ancestors: dict[int, frozenset[int]] = {}
        for start in self.nodes:
            pending = [start.ref_id]
            while pending:
                ref_id = pending[-1]
                node = self.by_ref[ref_id]
                above = [*([] if node.parent is None else [node.parent]), *node.also_under]
                if missing := [ref for ref in above if ref not in ancestors]:
                    pending.extend(missing)
                    continue
                ancestors[ref_id] = frozenset({ref_id}).union(*(ancestors[ref] for ref in above))
                pending.pop()
        return ancestors
