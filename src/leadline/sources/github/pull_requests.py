"""How GitHub's pull requests are read: a page at a time with all their lists, and with the commits that an earlier page listed.
What is too heavy for the server is asked for in smaller pages, and a pull request that is too heavy by itself list by list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import NotFound
from leadline.sources.github.api import Api, Data, connection
from leadline.sources.github.commits import Commits
from leadline.sources.github.queries import COMMITS, DETAILS, MORE_REVIEW_COMMENTS, PARTS, PULLS, more, pulls
from leadline.sources.github.refusals import lost_by, told
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.lists import Listed, PageSize, read_all
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node, inner, objects, page_of
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen


@dataclass
class PullRequests:
    """Reads one repository's pull requests with all their lists. ``skipped`` collects what could not be read.

    ``waiting`` are ids of commits that are wanted, too; ``brought`` those that were.
    """

    api: Api
    owner: str
    name: str
    commits: Commits
    waiting: list[str] = field(default_factory=list)
    brought: list[Node] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    without: frozenset[str] = frozenset()
    """Parts of pull requests that were refused, and are not asked for any more."""
    _size: PageSize = field(default_factory=lambda: PageSize(PULLS))

    def ask(self, after: str | None) -> Listed[Node]:
        """One page, with every list whole, or None if it cannot be read; and some of the commits ``waiting``."""
        nodes, following = self._size.read(
            lambda size, attempts: self._with_commits(after, size, attempts),
            lambda: self._page(after, 1, ATTEMPTS, details=False),
        )
        return [self._whole(dict(node)) for node in nodes], following

    def _with_commits(self, after: str | None, size: int, attempts: int) -> Listed[Node]:
        """One page, with the commits that are asked for together with it; without, if they are refused."""
        self.bring(keep=COMMITS if self._together(size) else 0)
        try:
            return self._page(after, size, attempts)
        except (Refused, NotFound):
            if not self._together(size):
                raise
            self.bring()  # perhaps only they are refused
            return self._page(after, size, attempts)

    def bring(self, keep: int = 0) -> None:
        """Ask for commits that are ``waiting`` by themselves, until at most ``keep`` are left. Refused ones are left out."""
        while len(self.waiting) > keep:
            try:
                self.brought += self.commits.by_id(self.waiting[:COMMITS])
            except (Refused, NotFound) as error:
                self.skipped.append(left_out(self._commits, error))
            self.waiting = self.waiting[COMMITS:]

    def _together(self, size: int) -> bool:
        """Whether commits are asked for with the next page: a call less, unless the server has trouble with less already."""
        return bool(self.waiting) and size == PULLS

    @property
    def _called(self) -> str:
        return f"pull requests of {self.owner}/{self.name}"

    @property
    def _commits(self) -> str:
        return f"commits of {self._called}"

    def _page(self, after: str | None, size: int, attempts: int, *, details: bool = True) -> Listed[Node]:
        variables: dict[str, Any] = {"owner": self.owner, "name": self.name, "size": size, "after": after}
        ids = self.waiting[:COMMITS] if details and self._together(size) else []
        if ids:
            variables["ids"] = ids
        data = self._asked(variables, attempts, details=details)
        nodes, following = connection(data, "repository", "things")
        if ids:
            self.brought += map(self.commits.whole, objects(data.data.get("nodes"), "list.nodes"))
            self.waiting = self.waiting[len(ids) :]
            lost = dict.fromkeys(refusal.advice for refusal in data.refused if refusal.path[:1] == ("nodes",))
            self.skipped += [Skipped(self._commits, reason, gap=True) for reason in lost]
        self.skipped += told(self._called, (refusal for refusal in data.refused if refusal.path[:1] != ("nodes",)))
        if not details:
            nodes = [{**node, **dict.fromkeys(DETAILS.keys() - self.without, _UNREAD)} for node in nodes]
        return nodes, following

    def _asked(self, variables: Mapping[str, Any], attempts: int, *, details: bool) -> Data:
        """The answer to a page, without the parts whose refusal takes whole pull requests away."""
        while True:
            query = pulls(details=details, commits="ids" in variables, without=self.without)
            data = self.api.graphql(query, variables, attempts=attempts)
            lost = lost_by(data.data, (refusal for refusal in data.refused if refusal.path[:1] != ("nodes",)), PARTS)
            if not lost.keys() - self.without:
                return data
            self.skipped += told(self._called, lost.values())
            self.without |= lost.keys()

    def _whole(self, node: dict[str, Any]) -> Node:
        """``node`` with its lists read to their ends; one that cannot be read to its end is taken out."""
        for name in DETAILS:
            try:
                if (first := inner(node, name)) is None:
                    continue
                node[name] = self._read(more(name, without=self.without), str(node.get("id")), first)
                if name == "reviews":
                    self._review_comments(node[name]["nodes"])
            except (Refused, NotFound, Unavailable, Misshapen) as error:
                node[name] = None
                self.skipped.append(left_out(f"{name} of {self.owner}/{self.name}#{node.get('number')}", error))
        if "reviews.comments" in self.without:
            node["comments"] = None  # those on the code are missing among them
        try:
            if (merge := inner(node, "mergeCommit")) is not None:
                node["mergeCommit"] = self.commits.whole(merge)
        except (Refused, NotFound, Unavailable, Misshapen) as error:
            self.skipped.append(left_out(f"parents of {self.owner}/{self.name}#{node.get('number')}", error))
        return node

    def _review_comments(self, reviews: list[dict[str, Any]]) -> None:
        for review in reviews:
            if (first := inner(review, "comments")) is not None:
                review["comments"] = self._read(MORE_REVIEW_COMMENTS, str(review.get("id")), first)

    def _read(self, query: str, identity: str, first: Node) -> dict[str, Any]:
        """A list from its first page to its last."""

        def ask(after: str | None) -> Listed[Node]:
            return connection(self.api.graphql(query, {"id": identity, "after": after}), "node", "list")

        page = None if first is _UNREAD else page_of(first, "list")
        return {"nodes": read_all(ask, page)}


_UNREAD: dict[str, Any] = {"nodes": []}
"""Stands for a list of which nothing was read yet."""
