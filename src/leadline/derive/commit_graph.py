"""The commit graph of one repository as flat arrays of numbers, so that it may lie in a memory-mapped file.

It grows by the ``Extension``s of ``graph_growth`` and is walked by ``first_deployment``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Protocol

NOTHING = -1
"""In ``Graph.first_parent``: a commit without parents."""
UNKNOWN = -(1 << 31)
"""In ``Graph.first_parent``: no commit we know, but one that a deployment or a cherry-pick names."""
MISSING_PARENT = UNKNOWN + 1
"""In ``Graph.first_parent``: no commit we know, but the parent of one."""


class Text(Protocol):
    """Bytes, in memory or in a file."""

    def __getitem__(self, part: slice, /) -> bytes: ...


CommitRow = tuple[bytes, bytes | None, Sequence[bytes] | None]
"""Commit id, parents (separated by spaces), and the ids its message says it was cherry-picked from; all lower case."""


class Graph:
    """Nodes are numbers: commits, and ids without a commit that something names.

    ``sha_offsets`` (one more than nodes) and ``shas`` are the ids one after another; the first ``in_order`` are sorted.
    ``first_parent`` is a node's only parent, or one of the constants above, or ``-2 - k``: then all its parents
    stand in ``other_parents`` from k, after their number. ``cherry_picks`` are pairs: a commit and one that it was
    cherry-picked from.
    """

    def __init__(
        self,
        sha_offsets: Sequence[int] = (0,),
        shas: Text = b"",
        first_parent: Sequence[int] = (),
        other_parents: Sequence[int] = (),
        cherry_picks: Sequence[int] = (),
        in_order: int = 0,
    ) -> None:
        self.sha_offsets = sha_offsets
        self.shas = shas
        self.first_parent = first_parent
        self.other_parents = other_parents
        self.cherry_picks = cherry_picks
        self.in_order = in_order

    def __len__(self) -> int:
        return len(self.first_parent)

    def sha(self, node: int) -> bytes:
        """The id of a node."""
        return self.shas[self.sha_offsets[node] : self.sha_offsets[node + 1]]

    def find(self, sha: bytes) -> int:
        """The node of an id; -1 if there is none."""
        if (node := self._later.get(sha)) is not None:
            return node
        at = bisect_left(range(self.in_order), sha, key=self.sha)
        return at if at < self.in_order and self.sha(at) == sha else -1

    def node(self, sha: bytes) -> int:
        """The node of an id that has one."""
        if (node := self.find(sha)) < 0:
            raise KeyError(sha)
        return node

    def is_commit(self, node: int) -> bool:
        """Whether the commit of a node is known."""
        return self.first_parent[node] > MISSING_PARENT

    def starting_with(self, prefix: bytes) -> list[int]:
        """The known commits whose id begins with ``prefix``."""
        later = self._later_sorted
        early = _starting_with(prefix, self.in_order, self.sha)
        late = (self._later[later[at]] for at in _starting_with(prefix, len(later), later.__getitem__))
        return [node for node in (*early, *late) if self.is_commit(node)]

    def parents(self, node: int) -> Sequence[int]:
        """The nodes of a node's parents; none for one on a cycle, or without a known commit."""
        above = self.first_parent[node]
        if above >= 0:
            return (above,)
        if above == NOTHING or above <= MISSING_PARENT:
            return ()
        at = -2 - above
        return self.other_parents[at + 1 : at + 1 + self.other_parents[at]]

    @cached_property
    def picked_from(self) -> dict[int, list[int]]:
        """Commits that say they were cherry-picked → what from."""
        origins: dict[int, list[int]] = {}
        for at in range(0, len(self.cherry_picks), 2):
            origins.setdefault(self.cherry_picks[at], []).append(self.cherry_picks[at + 1])
        return origins

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
