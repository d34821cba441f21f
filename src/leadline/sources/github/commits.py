"""GitHub's commits, where git's own history is not read: those of the default branch, and those that pull requests list.

A repository comes in; raw commits come out, with the place to go on from. A branch is read from its head down, a hundred
commits a call; what came since a former head is told by following the parents, as git does. Commits whose lines are too heavy
for the server to count at once are asked for in smaller parts, and at last without their lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import NotFound
from leadline.sources.github.api import Api
from leadline.sources.github.queries import COMMITS, commits, history
from leadline.sources.github.reading import ATTEMPTS_WHILE_LARGE, Listed, listed
from leadline.sources.github.rows import Node, elements, inner
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.page import State

_FEWER = 5
"""By how much a part is made smaller that is too heavy."""


@dataclass
class Commits:
    """Reads one repository's commits."""

    api: Api
    owner: str
    name: str
    _size: int = COMMITS

    def since(self, state: State, head: str) -> Iterator[tuple[list[Node], State]]:
        """The commits that ``head`` comes after and the one in ``state`` does not, page by page, with the cursor after each.

        Raises ``Refused``, ``NotFound``, ``Unavailable``.
        """
        while state.get("head") != head or "walk" in state:
            former = {"head": state["head"]} if state.get("head") else {}
            restored = _Walk.restored(state.get("walk"))
            walk = restored or _Walk.begun(head, state.get("head"))
            try:
                for nodes, ended in self._down(walk):
                    state = {"head": walk.head} if ended else {**former, "walk": walk.stored()}
                    yield nodes, state
            except (NotFound, Refused) as error:
                if restored is None or (isinstance(error, Refused) and "cursor" not in error.message.lower()):
                    raise
                # Where a former run stopped is not known any more (a forced push, an upgrade): from the head again.
                state = former

    def _down(self, walk: _Walk) -> Iterator[tuple[list[Node], bool]]:
        """New commits, and whether they are the last."""
        while True:
            nodes, walk.after = self._page(walk.head, walk.after)
            fresh = [node for node in nodes if walk.meet(node)]
            ended = walk.after is None or walk.complete
            yield fresh, ended
            if ended:
                return

    def _page(self, head: str, after: str | None) -> Listed:
        while True:
            size = self._size
            variables = {"owner": self.owner, "name": self.name, "head": head, "size": size, "after": after}
            try:
                data = self.api.graphql(history(lines=True), variables, attempts=_attempts(size))
                self._size = min(COMMITS, size * 2)
            except Unavailable:
                if size > 1:
                    self._size = max(1, size // _FEWER)
                    continue
                data = self.api.graphql(history(lines=False), variables)
            return listed(data, "repository", "object", "things")

    def by_id(self, ids: Sequence[str]) -> list[Node]:
        """The commits with these ids, less those that are not there any more."""
        return [node for at in range(0, len(ids), COMMITS) for node in self._some(ids[at : at + COMMITS])]

    def _some(self, ids: Sequence[str]) -> list[Node]:
        try:
            data = self.api.graphql(commits(lines=True), {"ids": ids}, attempts=_attempts(len(ids)))
        except Unavailable:
            if len(ids) > 1:
                part = max(1, len(ids) // _FEWER)
                return [node for at in range(0, len(ids), part) for node in self._some(ids[at : at + part])]
            data = self.api.graphql(commits(lines=False), {"ids": ids})
        except NotFound:
            # One that is gone is no answer for all.
            return [] if len(ids) == 1 else [node for each in ids for node in self._some([each])]
        return elements({"list": {"nodes": data.data.get("nodes")}}, "list")


def _attempts(size: int) -> int:
    return ATTEMPTS if size == 1 else ATTEMPTS_WHILE_LARGE


@dataclass
class _Walk:
    """The way down from ``head``; ``after`` is GitHub's place on it.

    ``known``: commits not met yet that a former head comes after, so they are no news; ``open``: parents of new commits, not
    met yet either. Once every open one turned out known, all that is new has been met.
    """

    head: str
    after: str | None
    known: set[str]
    open: set[str]
    bounded: bool
    _met: set[str] = field(default_factory=set)

    @staticmethod
    def begun(head: str, former: str | None) -> _Walk:
        return _Walk(head, None, {former} if former else set(), {head}, former is not None)

    @staticmethod
    def restored(stored: Any) -> _Walk | None:
        if not isinstance(stored, dict):
            return None
        return _Walk(
            stored["head"], stored["after"], set(stored["known"]), set(stored["open"]), bool(stored["bounded"])
        )

    def stored(self) -> State:
        return {
            "head": self.head,
            "after": self.after,
            "known": sorted(self.known),
            "open": sorted(self.open),
            "bounded": self.bounded,
        }

    @property
    def complete(self) -> bool:
        return self.bounded and not self.open

    def meet(self, node: Node) -> bool:
        """Whether the next commit on the way is new."""
        if not self.bounded:
            return True
        oid = str(node.get("oid"))
        parents = {str(each.get("oid")) for each in elements(node, "parents")}
        self._met.add(oid)
        self.open.discard(oid)
        if oid in self.known:
            self.known.discard(oid)
            self.known |= parents
            self.open -= parents
            return False
        self.open |= parents - self.known - self._met
        return True


def to_ask(node: Node, default_branch: str | None) -> list[str]:
    """Ids of the commits of a pull request that are there for good but not on the default branch.

    A pull request that is not merged is a proposal; one that was merged with its commits as they are has them there anyway.
    """
    if node.get("mergedAt") is None or node.get("commits") is None:
        return []
    found = [commit for each in elements(node, "commits") if (commit := inner(each, "commit")) is not None]
    merge = inner(node, "mergeCommit") or {}
    # A list: what is no text cannot be in a set.
    landed = [merge.get("oid"), *(each.get("oid") for each in elements(merge, "parents"))]
    as_they_are = node.get("headRefOid") in landed or any(commit.get("oid") in landed for commit in found[-1:])
    if node.get("baseRefName") == default_branch and as_they_are:
        return []
    return [str(commit["id"]) for commit in found if commit.get("id")]
