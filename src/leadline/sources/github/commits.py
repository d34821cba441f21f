"""GitHub's commits, where git's own history is not read: those of the default branch, and those that pull requests list.

What came since an earlier head is told by following the parents, as git does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from leadline.errors import NotFound
from leadline.sources.github.api import Api, connection
from leadline.sources.github.queries import COMMITS, MORE_PARENTS, commits, history
from leadline.sources.kit.client import ATTEMPTS, Lasting, Refused, Unavailable
from leadline.sources.kit.cursor import Cursor, Part
from leadline.sources.kit.lists import ATTEMPTS_WHILE_LARGE, Listed, PageSize, read_all
from leadline.sources.kit.records import Node, elements, inner, objects, page_of

_FEWER = 5
"""By how much a part is made smaller that is too heavy."""


@dataclass(frozen=True)
class Walk(Part):
    """The way down from ``head``; ``after`` is GitHub's place on it.

    ``known``: commits not met yet that an earlier head comes after, so they are no news; ``open``: parents of new commits, not
    met yet either; both only where the way is ``bounded`` by an earlier head. Once every open one turned out known, all that
    is new has been met.
    """

    head: str
    after: str | None
    known: tuple[str, ...]
    open: tuple[str, ...]
    bounded: bool


@dataclass(frozen=True)
class CommitsCursor(Cursor):
    """``head``: the newest commit of the branch of which everything was read; ``walk``: the way to a newer one."""

    head: str | None = None
    walk: Walk | None = None


@dataclass
class Commits:
    """Reads one repository's commits."""

    api: Api
    owner: str
    name: str
    _size: PageSize = field(default_factory=lambda: PageSize(COMMITS))

    def since(self, cursor: CommitsCursor, head: str) -> Iterator[tuple[list[Node], CommitsCursor]]:
        """The commits that ``head`` comes after and the one in ``cursor`` does not, page by page, with the cursor after each.

        Raises ``Refused``, ``NotFound``, ``Unavailable``.
        """
        while cursor.head != head or cursor.walk is not None:
            before, resumed = CommitsCursor(cursor.head), cursor.walk is not None
            way = _Way.of(cursor.walk) if cursor.walk is not None else _Way.begun(head, cursor.head)
            try:
                ended = False
                while not ended:
                    nodes, way.after = self._page(way.head, way.after)
                    fresh = [node for node in nodes if way.meet(node)]
                    ended = way.after is None or way.complete
                    cursor = CommitsCursor(way.head) if ended else CommitsCursor(before.head, way.stored())
                    yield fresh, cursor
            except (NotFound, Refused) as error:
                if not resumed or (isinstance(error, Refused) and "cursor" not in error.message.lower()):
                    raise
                # Where an earlier run stopped is not known any more (a forced push, an upgrade): from the head again.
                cursor = before

    def _page(self, head: str, after: str | None) -> Listed[Node]:
        variables = {"owner": self.owner, "name": self.name, "head": head, "after": after}
        data = self._size.read(
            lambda size, attempts: self.api.graphql(
                history(lines=True), {**variables, "size": size}, attempts=attempts
            ),
            lambda: self.api.graphql(history(lines=False), {**variables, "size": 1}),
        )
        nodes, following = connection(data, "repository", "object", "things")
        return [self.whole(node) for node in nodes], following

    def whole(self, commit: Node) -> Node:
        """``commit`` with all of its parents: an octopus merge has more than come with it. Raises as ``since`` does."""
        first = inner(commit, "parents")
        if first is None or (inner(first, "pageInfo") or {}).get("hasNextPage") is not True:
            return commit

        def ask(after: str | None) -> Listed[Node]:
            return connection(self.api.graphql(MORE_PARENTS, {"id": commit.get("id"), "after": after}), "node", "list")

        return {**commit, "parents": {"nodes": read_all(ask, page_of(first, "parents"))}}

    def by_id(self, ids: Sequence[str]) -> list[Node]:
        """The commits with these ids, less those that are not there any more."""
        return [node for at in range(0, len(ids), COMMITS) for node in self._some(ids[at : at + COMMITS])]

    def _some(self, ids: Sequence[str]) -> list[Node]:
        attempts = ATTEMPTS if len(ids) == 1 else ATTEMPTS_WHILE_LARGE
        try:
            data = self.api.graphql(commits(lines=True), {"ids": ids}, attempts=attempts)
        except Lasting:
            raise
        except Unavailable:
            if len(ids) > 1:
                part = max(1, len(ids) // _FEWER)
                return [node for at in range(0, len(ids), part) for node in self._some(ids[at : at + part])]
            data = self.api.graphql(commits(lines=False), {"ids": ids})
        except NotFound:
            # One that is gone is no answer for all.
            return [] if len(ids) == 1 else [node for identity in ids for node in self._some([identity])]
        return [self.whole(node) for node in objects(data.data.get("nodes"), "list.nodes")]


@dataclass
class _Way:
    """A ``Walk`` while it is gone."""

    head: str
    after: str | None
    known: set[str]
    open: set[str]
    bounded: bool
    _met: set[str] = field(default_factory=set)

    @classmethod
    def begun(cls, head: str, before: str | None) -> Self:
        return cls(head, None, {before} if before else set(), {head}, before is not None)

    @classmethod
    def of(cls, walk: Walk) -> Self:
        return cls(walk.head, walk.after, set(walk.known), set(walk.open), walk.bounded)

    def stored(self) -> Walk:
        return Walk(self.head, self.after, tuple(sorted(self.known)), tuple(sorted(self.open)), self.bounded)

    @property
    def complete(self) -> bool:
        return self.bounded and not self.open

    def meet(self, node: Node) -> bool:
        """Whether the next commit on the way is new."""
        if not self.bounded:
            return True
        oid = str(node.get("oid"))
        parents = {str(parent.get("oid")) for parent in elements(node, "parents")}
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
    listed_commits = [commit for listed in elements(node, "commits") if (commit := inner(listed, "commit")) is not None]
    merge = inner(node, "mergeCommit") or {}
    # A list: what is no text cannot be in a set.
    landed = [merge.get("oid"), *(parent.get("oid") for parent in elements(merge, "parents"))]
    as_they_are = node.get("headRefOid") in landed or any(commit.get("oid") in landed for commit in listed_commits[-1:])
    if node.get("baseRefName") == default_branch and as_they_are:
        return []
    return [str(commit["id"]) for commit in listed_commits if commit.get("id")]
