"""The commit graph of one repository as flat arrays, and which of a row of deployments reaches each commit first.

Commits (id, parents, cherry-picks) come in; a ``Graph`` goes out that grows by ``Extension``s and is walked by ``Reach``,
once per service and class of production, in the order of the deployments. Everything is a number in an array, so a graph
may lie in a memory-mapped file: to add a deployment costs in proportion to the commits it adds, not to history.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, takewhile
from operator import itemgetter
from typing import Protocol

NOTHING = -1
"""In ``Graph.first``: a commit without parents."""
UNKNOWN = -(1 << 31)
"""In ``Graph.first``: no commit we know, but one that a deployment or a cherry-pick names."""
MISSING_PARENT = UNKNOWN + 1
"""In ``Graph.first``: no commit we know, but the parent of one."""

VISITED = 1
"""Mark of a commit all of whose ancestors are reached."""
MENTIONED = 2
"""Mark of a commit reached by itself alone: listed by a deployment, or cherry-picked."""


class Marks(Protocol):
    """A byte per node."""

    def __getitem__(self, node: int, /) -> int: ...
    def __setitem__(self, node: int, mark: int, /) -> None: ...


class Text(Protocol):
    """Bytes, in memory or in a file."""

    def __getitem__(self, part: slice, /) -> bytes: ...


CommitRow = tuple[bytes, bytes | None, Sequence[bytes] | None]
"""Commit id, parents (separated by spaces), and the ids its message says it was cherry-picked from; all lower case."""


def _numbers() -> array[int]:
    return array("i")


@dataclass(frozen=True)
class Extension:
    """What some commits, or ids that something names, add to a graph: ``shas`` are numbered after the nodes there are.

    The fields are as in ``Graph``; ``in_order`` counts only where the graph was empty.
    """

    shas: Sequence[bytes] = ()
    first: array[int] = field(default_factory=_numbers)
    several: array[int] = field(default_factory=_numbers)
    picks: array[int] = field(default_factory=_numbers)
    in_order: int = 0
    changed: dict[int, int] = field(default_factory=dict)
    """New values of ``first`` for nodes that were there."""
    filled: tuple[int, ...] = ()
    """Nodes that were named before their commit came."""
    cyclic: int = 0
    """Commits on a cycle of parents; their parents are left out."""


class Graph:
    """Nodes are numbers: commits, and ids without a commit that something names.

    ``offsets`` (one more than nodes) and ``text`` are the ids one after another; the first ``in_order`` are sorted.
    ``first`` is a node's only parent, or one of the constants above, or ``-2 - k``: then its parents stand in
    ``several`` from k, after their number. ``picked`` are pairs: a commit and one that it was cherry-picked from.
    """

    def __init__(
        self,
        offsets: Sequence[int] = (0,),
        text: Text = b"",
        first: Sequence[int] = (),
        several: Sequence[int] = (),
        picked: Sequence[int] = (),
        in_order: int = 0,
    ) -> None:
        self.offsets = offsets
        self.text = text
        self.first = first
        self.several = several
        self.picked = picked
        self.in_order = in_order

    def __len__(self) -> int:
        return len(self.first)

    def sha(self, node: int) -> bytes:
        """The id of a node."""
        return self.text[self.offsets[node] : self.offsets[node + 1]]

    def find(self, sha: bytes) -> int:
        """The node of an id; -1 if there is none."""
        if (found := self._later.get(sha)) is not None:
            return found
        at = bisect_left(range(self.in_order), sha, key=self.sha)
        return at if at < self.in_order and self.sha(at) == sha else -1

    def node(self, sha: bytes) -> int:
        """The node of an id that has one."""
        if (found := self.find(sha)) < 0:
            raise KeyError(sha)
        return found

    def is_commit(self, node: int) -> bool:
        """Whether the commit of a node is known."""
        return self.first[node] > MISSING_PARENT

    def starting_with(self, prefix: bytes) -> list[int]:
        """The known commits whose id begins with ``prefix``."""
        later = self._later_sorted
        early = _starting_with(prefix, self.in_order, self.sha)
        late = (self._later[later[at]] for at in _starting_with(prefix, len(later), later.__getitem__))
        return [node for node in (*early, *late) if self.is_commit(node)]

    def parents(self, node: int) -> Sequence[int]:
        """The nodes of a node's parents; none for one on a cycle, or without a known commit."""
        above = self.first[node]
        if above >= 0:
            return (above,)
        if above == NOTHING or above <= MISSING_PARENT:
            return ()
        at = -2 - above
        return self.several[at + 1 : at + 1 + self.several[at]]

    @cached_property
    def picks(self) -> dict[int, list[int]]:
        """Commits that say they were cherry-picked → what from."""
        found: dict[int, list[int]] = {}
        for at in range(0, len(self.picked), 2):
            found.setdefault(self.picked[at], []).append(self.picked[at + 1])
        return found

    @cached_property
    def _later(self) -> dict[bytes, int]:
        return {self.sha(node): node for node in range(self.in_order, len(self))}

    @cached_property
    def _later_sorted(self) -> list[bytes]:
        return sorted(self._later)


def _starting_with(prefix: bytes, count: int, name: Callable[[int], bytes]) -> Iterable[int]:
    """The places, of ``count`` sorted names, of those that begin with ``prefix``."""
    start = bisect_left(range(count), prefix, key=name)
    return takewhile(lambda at: name(at).startswith(prefix), range(start, count))


# -- growing -----------------------------------------------------------------------------------------------------------


def extend(graph: Graph, rows: Iterable[CommitRow]) -> Extension | None:
    """What commits add to ``graph``; None if it must be made anew from all of them, because one of them is there
    already, or is the parent, so far unknown, of one that is there."""
    taken = list(rows) if len(graph) else _sorted(rows)
    growth = _Growth(graph)
    if not growth.arrive([row[0] for row in taken]):
        return None
    above = [growth.parents_of(parents) for _, parents, _ in taken]
    nodes = [growth.commits[row[0]] for row in taken]
    cyclic = _on_cycles(nodes, above)
    for node, parents in zip(nodes, above, strict=True):
        if parents and node not in cyclic:
            growth.place(node, parents)
    for node, (_, _, picked) in zip(nodes, taken, strict=True):
        if picked:
            growth.pick(node, picked)
    return growth.extension(0 if len(graph) else len(nodes), len(cyclic))


def _sorted(rows: Iterable[CommitRow]) -> list[CommitRow]:
    """Commits by id, each once."""
    # They come sorted from the lake, whose key they are; a lake that breaks its promise must not lose a whole repository.
    ordered = sorted(rows, key=itemgetter(0))
    twice = {ordered[at][0] for at in range(1, len(ordered)) if ordered[at][0] == ordered[at - 1][0]}
    if not twice:
        return ordered
    chosen = {row[0]: row for row in sorted(ordered, key=lambda row: row[1] or b"") if row[0] in twice}
    return list({row[0]: chosen.get(row[0], row) for row in ordered}.values())


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
        self.first = array("i")
        self.several = array("i")
        self.picks = array("i")

    def arrive(self, shas: Sequence[bytes]) -> bool:
        """Give nodes to commits that come; False if they cannot just be added."""
        graph, commits = self.graph, self.commits
        if not self.start:
            commits.update(zip(shas, range(len(shas)), strict=True))
            self.first = array("i", [NOTHING]) * len(shas)
            return True
        for sha in shas:
            there = graph.find(sha)
            if sha in commits or (there >= 0 and graph.first[there] != UNKNOWN):
                return False
            if there >= 0:
                self.filled.append(there)
                self.changed[there] = NOTHING
                commits[sha] = there
            else:
                commits[sha] = self.start + len(self.first)
                self.first.append(NOTHING)
        return True

    def name(self, sha: bytes, kind: int) -> int:
        """The node of an id that something names; ``kind`` says as what, if its commit is not known."""
        node = self.commits.get(sha)
        if node is None:
            node = self.named.get(sha)
        if node is None and self.start:
            node = there if (there := self.graph.find(sha)) >= 0 else None
        if node is None:
            node = self.named[sha] = self.start + len(self.first)
            self.first.append(kind)
        elif kind == MISSING_PARENT and self._first_of(node) == UNKNOWN:
            self._set(node, MISSING_PARENT)
        return node

    def _first_of(self, node: int) -> int:
        if node >= self.start:
            return self.first[node - self.start]
        return self.changed.get(node, self.graph.first[node])

    def _set(self, node: int, above: int) -> None:
        if node >= self.start:
            self.first[node - self.start] = above
        else:
            self.changed[node] = above

    def parents_of(self, parents: bytes | None) -> Sequence[int]:
        """The nodes of a commit's parents, each once, in order."""
        if not parents:
            return ()
        # Most have one parent, which comes along.
        if (node := self.commits.get(parents)) is not None:
            return (node,)
        if (several := parents.split()) and self.commits.keys() >= set(several):
            return tuple(dict.fromkeys(map(self.commits.__getitem__, several)))
        return tuple(dict.fromkeys(self.name(sha, MISSING_PARENT) for sha in several))

    def place(self, node: int, parents: Sequence[int]) -> None:
        """Set the parents, of which there are some, of a commit that came."""
        if len(parents) == 1:
            self._set(node, parents[0])
        else:
            self._set(node, -2 - (len(self.graph.several) + len(self.several)))
            self.several.append(len(parents))
            self.several.extend(parents)

    def pick(self, node: int, shas: Sequence[bytes]) -> None:
        """Note what a commit that came was cherry-picked from."""
        for target in dict.fromkeys(shas):
            self.picks.extend((node, self.name(target, UNKNOWN)))

    def extension(self, in_order: int, cyclic: int) -> Extension:
        """All that was added."""
        shas = [sha for sha, node in self.commits.items() if node >= self.start]
        return Extension(
            [*shas, *self.named],
            self.first,
            self.several,
            self.picks,
            in_order,
            self.changed,
            tuple(self.filled),
            cyclic,
        )


# -- cycles ------------------------------------------------------------------------------------------------------------


def _on_cycles(nodes: Sequence[int], above: Sequence[Sequence[int]]) -> set[int]:
    """Those of ``nodes``, with the parents of each, that are their own ancestors. Parents not among them are nobody's
    descendants."""
    parents_of = dict(zip(nodes, above, strict=True))
    children = dict.fromkeys(nodes, 0)
    for parent in chain.from_iterable(above):
        if parent in children:
            children[parent] += 1
    # Whoever has no child left is on no cycle; to take them away one by one leaves cycles and their ancestors.
    waiting = [node for node, count in children.items() if not count]
    taken = 0
    while waiting:
        taken += 1
        for parent in parents_of[waiting.pop()]:
            if (count := children.get(parent)) is not None:
                children[parent] = count - 1
                if count == 1:
                    waiting.append(parent)
    if taken == len(children):
        return set()
    left = {node for node, count in children.items() if count}
    return _own_ancestors({node: [parent for parent in parents_of[node] if parent in left] for node in left})


def _own_ancestors(parents_of: dict[int, list[int]]) -> set[int]:
    """The nodes on cycles: strongly connected components of several nodes, or of one that is its own parent
    (R. Tarjan, "Depth-first search and linear graph algorithms", without recursion)."""
    found = {node for node, parents in parents_of.items() if node in parents}
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    path: dict[int, None] = {}
    for root, above in parents_of.items():
        work = [] if root in number else [(root, iter(above))]
        while work:
            node, parents = work[-1]
            if node not in number:
                number[node] = low[node] = len(number)
                path[node] = None
            if (parent := next(parents, None)) is not None:
                if parent not in number:
                    work.append((parent, iter(parents_of[parent])))
                elif parent in path:
                    low[node] = min(low[node], number[parent])
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == number[node]:
                component = _popped(path, node)
                found.update(component if len(component) > 1 else ())
    return found


def _popped(path: dict[int, None], node: int) -> list[int]:
    """What was put on ``path`` from ``node`` on, taken off it."""
    component = [path.popitem()[0]]
    while component[-1] != node:
        component.append(path.popitem()[0])
    return component


# -- walking -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Carried:
    """The nodes that a deployment is the first of its group to reach: as ancestors of its commit (the commit itself
    counts), as commits it lists, and as what those were cherry-picked from (→ the commit that says so)."""

    ancestors: Sequence[int]
    listed: Sequence[int]
    picked: dict[int, int]


class Reach:
    """What the deployments of one group (a repository's service in a class of production) have reached so far.

    ``marks`` has a byte per node of ``graph``, 0 where nothing was reached, and is written.
    """

    def __init__(self, graph: Graph, marks: Marks) -> None:
        self._graph = graph
        self._marks = marks

    def deploy(self, anchor: int | None, listed: Iterable[int]) -> Carried:
        """What the next deployment of the group carries: with the graph if its commit is known, else what it lists."""
        marks = self._marks
        ancestors = self._walk(anchor) if anchor is not None else []
        named = [node for node in dict.fromkeys(listed) if not marks[node]]
        for node in named:
            marks[node] = MENTIONED
        return Carried(ancestors, named, self._pick(ancestors + named) if self._graph.picked else {})

    def _walk(self, anchor: int) -> list[int]:
        """Mark the ancestors of a commit, as far as they are not; those that nothing had reached."""
        first, several, marks = self._graph.first, self._graph.several, self._marks
        reached: list[int] = []
        waiting = [anchor]
        while waiting:
            node = waiting.pop()
            while (mark := marks[node]) != VISITED:
                if not mark:
                    reached.append(node)
                marks[node] = VISITED
                above = first[node]
                if above < 0:
                    if above == NOTHING or above <= MISSING_PARENT:
                        break
                    at = -2 - above
                    waiting.extend(several[at + 2 : at + 1 + several[at]])
                    above = several[at + 1]
                node = above
        return reached

    def _pick(self, reached: Sequence[int]) -> dict[int, int]:
        """Mark what commits now reached were cherry-picked from, and so on; of several that say so, the first by id."""
        graph, marks = self._graph, self._marks
        found: dict[int, int] = {}
        waiting = [node for node in reached if node in graph.picks]
        while waiting:
            picker = waiting.pop()
            for target in graph.picks[picker]:
                if not marks[target]:
                    marks[target] = MENTIONED
                    found[target] = picker
                    if target in graph.picks:
                        waiting.append(target)
                elif target in found and graph.sha(picker) < graph.sha(found[target]):
                    found[target] = picker
        return found
