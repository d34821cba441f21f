"""How a commit graph grows: what commits that arrive, or ids that something names, add to it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from leadline.derive.commit_graph import MISSING_PARENT, NOTHING, UNKNOWN, CommitRow, Graph
from leadline.derive.graph_cycles import on_cycles


def _numbers() -> array[int]:
    return array("i")


@dataclass(frozen=True)
class Extension:
    """What some commits, or ids that something names, add to a graph: ``new_shas`` are numbered after the nodes there
    are.

    The other fields are as in ``Graph``; ``in_order`` counts only where the graph was empty.
    """

    new_shas: Sequence[bytes] = ()
    first_parent: array[int] = field(default_factory=_numbers)
    other_parents: array[int] = field(default_factory=_numbers)
    cherry_picks: array[int] = field(default_factory=_numbers)
    in_order: int = 0
    changed: dict[int, int] = field(default_factory=dict)
    """New values of ``first_parent`` for nodes that were there."""
    filled: tuple[int, ...] = ()
    """Nodes that were named before their commit came."""
    cyclic: int = 0
    """Commits on a cycle of parents; their parents are left out."""


def extend(graph: Graph, rows: Iterable[CommitRow]) -> Extension | None:
    """What commits add to ``graph``; None if it must be made anew from all of them, because one of them is there
    already, or is the parent, so far unknown, of one that is there."""
    arrived = list(rows) if len(graph) else _sorted(rows)
    growth = _Growth(graph)
    if not growth.arrive([row[0] for row in arrived]):
        return None
    above = [growth.parents_of(parents) for _, parents, _ in arrived]
    nodes = [growth.commits[row[0]] for row in arrived]
    cyclic = on_cycles(nodes, above)
    for node, parents in zip(nodes, above, strict=True):
        if parents and node not in cyclic:
            growth.set_parents(node, parents)
    for node, (_, _, origins) in zip(nodes, arrived, strict=True):
        if origins:
            growth.pick(node, origins)
    return growth.extension(0 if len(graph) else len(nodes), len(cyclic))


def _sorted(rows: Iterable[CommitRow]) -> list[CommitRow]:
    # They come sorted from the lake, whose key they are; a lake that breaks its promise must not lose a whole repository.
    ordered = sorted(rows, key=itemgetter(0))
    twice = {ordered[at][0] for at in range(1, len(ordered)) if ordered[at][0] == ordered[at - 1][0]}
    if not twice:
        return ordered
    kept = {row[0]: row for row in sorted(ordered, key=lambda row: row[1] or b"") if row[0] in twice}
    return list({row[0]: kept.get(row[0], row) for row in ordered}.values())


def mention(graph: Graph, shas: Iterable[bytes]) -> Extension:
    """What ids that a deployment lists add to ``graph``: a node for each that has none."""
    growth = _Growth(graph)
    for sha in shas:
        growth.name(sha, UNKNOWN)
    return growth.extension(0, 0)


class _Growth:
    """An extension in the making: first all commits arrive, then what they name."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.start = len(graph)
        self.commits: dict[bytes, int] = {}
        """The nodes of the commits that come."""
        self.named: dict[bytes, int] = {}
        """The nodes of ids that are new and have no commit."""
        self.filled: list[int] = []
        self.changed: dict[int, int] = {}
        self.first_parent = array("i")
        self.other_parents = array("i")
        self.cherry_picks = array("i")

    def arrive(self, shas: Sequence[bytes]) -> bool:
        """Give nodes to commits that come; False if they cannot just be added."""
        graph, commits = self.graph, self.commits
        if not self.start:
            commits.update(zip(shas, range(len(shas)), strict=True))
            self.first_parent = array("i", [NOTHING]) * len(shas)
            return True
        for sha in shas:
            node = graph.find(sha)
            if sha in commits or (node >= 0 and graph.first_parent[node] != UNKNOWN):
                return False
            if node >= 0:
                self.filled.append(node)
                self.changed[node] = NOTHING
                commits[sha] = node
            else:
                commits[sha] = self.start + len(self.first_parent)
                self.first_parent.append(NOTHING)
        return True

    def name(self, sha: bytes, kind: int) -> int:
        """The node of an id that something names; ``kind`` says as what, if its commit is not known."""
        node = self.commits.get(sha)
        if node is None:
            node = self.named.get(sha)
        if node is None and self.start:
            node = at if (at := self.graph.find(sha)) >= 0 else None
        if node is None:
            node = self.named[sha] = self.start + len(self.first_parent)
            self.first_parent.append(kind)
        elif kind == MISSING_PARENT and self._first_of(node) == UNKNOWN:
            self._set(node, MISSING_PARENT)
        return node

    def _first_of(self, node: int) -> int:
        if node >= self.start:
            return self.first_parent[node - self.start]
        return self.changed.get(node, self.graph.first_parent[node])

    def _set(self, node: int, above: int) -> None:
        if node >= self.start:
            self.first_parent[node - self.start] = above
        else:
            self.changed[node] = above

    def parents_of(self, parents: bytes | None) -> Sequence[int]:
        """The nodes of a commit's parents, each once, in order."""
        if not parents:
            return ()
        # Most have one parent, which comes along.
        if (node := self.commits.get(parents)) is not None:
            return (node,)
        if (shas := parents.split()) and self.commits.keys() >= set(shas):
            return tuple(dict.fromkeys(map(self.commits.__getitem__, shas)))
        return tuple(dict.fromkeys(self.name(sha, MISSING_PARENT) for sha in shas))

    def set_parents(self, node: int, parents: Sequence[int]) -> None:
        """Set the parents, of which there are some, of a commit that came."""
        if len(parents) == 1:
            self._set(node, parents[0])
        else:
            self._set(node, -2 - (len(self.graph.other_parents) + len(self.other_parents)))
            self.other_parents.append(len(parents))
            self.other_parents.extend(parents)

    def pick(self, node: int, shas: Sequence[bytes]) -> None:
        """Note what a commit that came was cherry-picked from."""
        for target in dict.fromkeys(shas):
            self.cherry_picks.extend((node, self.name(target, UNKNOWN)))

    def extension(self, in_order: int, cyclic: int) -> Extension:
        """All that was added."""
        shas = [sha for sha, node in self.commits.items() if node >= self.start]
        return Extension(
            [*shas, *self.named],
            self.first_parent,
            self.other_parents,
            self.cherry_picks,
            in_order,
            self.changed,
            tuple(self.filled),
            cyclic,
        )
