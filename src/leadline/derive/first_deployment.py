"""Which of a row of deployments reaches each commit first: the walk over a commit graph, once per service and class of
production, in the order of the deployments. A deployment costs in proportion to the commits it adds, not to history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from leadline.derive.commit_graph import MISSING_PARENT, NOTHING, Graph

VISITED = 1
"""Of a commit all of whose ancestors are reached."""
MENTIONED = 2
"""Of a commit reached by itself alone: listed by a deployment, or cherry-picked."""


class Visited(Protocol):
    """A byte per node: how it was reached, 0 if not yet."""

    def __getitem__(self, node: int, /) -> int: ...
    def __setitem__(self, node: int, how: int, /) -> None: ...


@dataclass(frozen=True)
class Carried:
    """The nodes that a deployment is the first of its group to reach: as ancestors of its commit (the commit itself
    counts), as commits it lists, and as what those were cherry-picked from (→ the commit that says so)."""

    ancestors: Sequence[int]
    listed: Sequence[int]
    picked: dict[int, int]


class FirstDeployment:
    """Finds which deployment of one group (a repository's service in a class of production) is the first to reach each
    commit of ``graph``. ``visited`` says what its deployments have reached so far, and is written."""

    def __init__(self, graph: Graph, visited: Visited) -> None:
        self._graph = graph
        self._visited = visited

    def walk(self, anchor: int | None, listed: Iterable[int]) -> Carried:
        """What the next deployment of the group carries: with the graph if its commit is known, else what it lists."""
        visited = self._visited
        ancestors = self._visit(anchor) if anchor is not None else []
        named = [node for node in dict.fromkeys(listed) if not visited[node]]
        for node in named:
            visited[node] = MENTIONED
        return Carried(ancestors, named, self._pick(ancestors + named) if self._graph.cherry_picks else {})

    def _visit(self, anchor: int) -> list[int]:
        first_parent, other_parents, visited = self._graph.first_parent, self._graph.other_parents, self._visited
        reached: list[int] = []
        waiting = [anchor]
        while waiting:
            node = waiting.pop()
            while (how := visited[node]) != VISITED:
                if not how:
                    reached.append(node)
                visited[node] = VISITED
                above = first_parent[node]
                if above < 0:
                    if above == NOTHING or above <= MISSING_PARENT:
                        break
                    at = -2 - above
                    waiting.extend(other_parents[at + 2 : at + 1 + other_parents[at]])
                    above = other_parents[at + 1]
                node = above
        return reached

    def _pick(self, reached: Sequence[int]) -> dict[int, int]:
        """Visit what commits now reached were cherry-picked from, and so on; of several that say so, the first by id."""
        graph, visited = self._graph, self._visited
        pickers: dict[int, int] = {}
        waiting = [node for node in reached if node in graph.picked_from]
        while waiting:
            picker = waiting.pop()
            for target in graph.picked_from[picker]:
                if not visited[target]:
                    visited[target] = MENTIONED
                    pickers[target] = picker
                    if target in graph.picked_from:
                        waiting.append(target)
                elif target in pickers and graph.sha(picker) < graph.sha(pickers[target]):
                    pickers[target] = picker
        return pickers
