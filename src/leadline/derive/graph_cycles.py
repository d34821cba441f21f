"""Finds commits that are their own ancestors, which no repository should have and some deliveries do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain


def on_cycles(nodes: Sequence[int], above: Sequence[Sequence[int]]) -> set[int]:
    """Those of ``nodes``, with the parents of each, that are their own ancestors. Parents not among them are nobody's
    descendants."""
    parents_of = dict(zip(nodes, above, strict=True))
    children = dict.fromkeys(nodes, 0)
    for parent in chain.from_iterable(above):
        if parent in children:
            children[parent] += 1
    # Whoever has no child left is on no cycle; to take them away one by one leaves cycles and their ancestors.
    waiting = [node for node, count in children.items() if not count]
    removed = 0
    while waiting:
        removed += 1
        for parent in parents_of[waiting.pop()]:
            if (count := children.get(parent)) is not None:
                children[parent] = count - 1
                if count == 1:
                    waiting.append(parent)
    if removed == len(children):
        return set()
    left = {node for node, count in children.items() if count}
    return _own_ancestors({node: [parent for parent in parents_of[node] if parent in left] for node in left})


def _own_ancestors(parents_of: dict[int, list[int]]) -> set[int]:
    """The nodes on cycles: strongly connected components of several nodes, or of one that is its own parent
    (R. Tarjan, "Depth-first search and linear graph algorithms", without recursion)."""
    cyclic = {node for node, parents in parents_of.items() if node in parents}
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    path: dict[int, None] = {}
    for root, above in parents_of.items():
        stack = [] if root in number else [(root, iter(above))]
        while stack:
            node, parents = stack[-1]
            if node not in number:
                number[node] = low[node] = len(number)
                path[node] = None
            if (parent := next(parents, None)) is not None:
                if parent not in number:
                    stack.append((parent, iter(parents_of[parent])))
                elif parent in path:
                    low[node] = min(low[node], number[parent])
                continue
            stack.pop()
            if stack:
                low[stack[-1][0]] = min(low[stack[-1][0]], low[node])
            if low[node] == number[node]:
                component = _popped(path, node)
                cyclic.update(component if len(component) > 1 else ())
    return cyclic


def _popped(path: dict[int, None], node: int) -> list[int]:
    component = [path.popitem()[0]]
    while component[-1] != node:
        component.append(path.popitem()[0])
    return component
