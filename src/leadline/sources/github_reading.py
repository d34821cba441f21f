"""How GitHub's lists are read: newest first down to what is known, page by page, whole however long.

The API comes in; raw records and the place to go on from come out. A list that is too heavy for the server is asked for in
smaller pages, and a pull request that is too heavy by itself list by list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leadline.errors import NotFound
from leadline.sources.github_api import Api, Data
from leadline.sources.github_queries import DETAILS, MORE_REVIEW_COMMENTS, PULLS, more, pulls
from leadline.sources.github_rows import Misshapen, Node, elements, inner
from leadline.sources.http import ATTEMPTS, Overloaded, Refused
from leadline.sources.pages import Skipped, State

ATTEMPTS_WHILE_LARGE = 2
"""How often a page is asked for that could be asked for in smaller parts."""

Listed = tuple[list[Node], str | None]
"""Records of one page, and the cursor of the next (None: there is none)."""


def earlier(instant: str | None, lag: timedelta) -> str | None:
    """``instant`` (RFC 3339 in UTC) less ``lag``, spelled alike, so that instants compare as texts."""
    if instant is None:
        return None
    return (datetime.fromisoformat(instant) - lag).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Step:
    """One page on the way down: its records, and where the way goes on (None: it has ended)."""

    nodes: list[Node]
    descent: State | None
    top: str | None


def descend(ask: Callable[[str | None], Listed], state: State, instant: str, lag: timedelta) -> Iterator[Step]:
    """Reads from the newest ``instant`` down to what was read before, less ``lag``; goes on where a former run stopped.

    What changes meanwhile moves to the front, above ``top``, and is met by the next descent: nothing is passed by.
    """
    at = dict(state.get("descent") or {"top": None, "after": None, "floor": earlier(state.get("watermark"), lag)})
    resumed = at["after"] is not None
    while True:
        try:
            nodes, after = ask(at["after"])
        except Refused as error:
            if not resumed or "cursor" not in error.message.lower():
                raise
            # The server does not know its cursor any more (an upgrade, a restore): from the top again.
            at["after"], resumed = None, False
            continue
        resumed = False
        known = [
            bool(at["floor"] and isinstance(when := node.get(instant), str) and when < at["floor"]) for node in nodes
        ]
        fresh = [node for node, is_known in zip(nodes, known, strict=True) if not is_known]
        newest = max((str(node[instant]) for node in nodes if isinstance(node.get(instant), str)), default=None)
        at.update(after=after, top=at["top"] or newest)
        ended = after is None or any(known)
        yield Step(fresh, None if ended else dict(at), at["top"])
        if ended:
            return


def listed(data: Data, *path: str) -> Listed:
    """The connection at ``path`` of an answer. Raises ``Refused`` or ``NotFound`` where there is none."""
    node: Node | None = data.data
    for name in path:
        node = None if node is None else inner(node, name)
    if node is None:
        said = next((message for _, message in data.refused), None)
        raise Refused(said) if said else NotFound("it is not there any more")
    page = inner(node, "pageInfo") or {}
    after = page.get("endCursor") if page.get("hasNextPage") is True else None
    return elements({"list": node}, "list"), after if isinstance(after, str) else None


@dataclass
class PullRequests:
    """Reads one repository's pull requests with all their lists. ``skipped`` collects what could not be read."""

    api: Api
    owner: str
    name: str
    skipped: list[Skipped] = field(default_factory=list)
    _size: int = PULLS

    def ask(self, after: str | None) -> Listed:
        """One page, with every list whole, or absent if it cannot be read."""
        while True:
            try:
                nodes, following = self._page(after, self._size, details=True)
                self._size = min(PULLS, self._size * 2)
                break
            except Overloaded:
                if self._size == 1:
                    nodes, following = self._page(after, 1, details=False)
                    break
                self._size = max(1, self._size // 5)
        return [self._whole(dict(node)) for node in nodes], following

    def _page(self, after: str | None, size: int, *, details: bool) -> Listed:
        variables = {"owner": self.owner, "name": self.name, "size": size, "after": after}
        attempts = ATTEMPTS if size == 1 else ATTEMPTS_WHILE_LARGE
        data = self.api.graphql(pulls(details=details), variables, attempts=attempts)
        found = listed(data, "repository", "things")
        told = {(str(path[-1]), message) for path, message in data.refused if path}
        for what, message in sorted(told):
            self.skipped.append(Skipped(f"{what} of pull requests of {self.owner}/{self.name}", message))
        if not details:
            for node in found[0]:
                node.update(dict.fromkeys(DETAILS, _UNREAD))  # type: ignore[attr-defined]
        return found

    def _whole(self, node: dict[str, Any]) -> Node:
        """``node`` with its lists read to their ends; one that cannot be read to its end is taken out."""
        for name in DETAILS:
            try:
                if (first := inner(node, name)) is None:
                    continue
                node[name] = self._read(more(name), str(node.get("id")), first)
                if name == "reviews":
                    self._review_comments(node[name]["nodes"])
            except (Refused, NotFound, Overloaded, Misshapen) as error:
                node[name] = None
                self.skipped.append(Skipped(f"{name} of {self.owner}/{self.name}#{node.get('number')}", str(error)))
        return node

    def _review_comments(self, reviews: list[dict[str, Any]]) -> None:
        for review in reviews:
            if (first := inner(review, "comments")) is not None:
                review["comments"] = self._read(MORE_REVIEW_COMMENTS, str(review.get("id")), first)

    def _read(self, query: str, identity: str, first: Node) -> dict[str, Any]:
        """A list from its first page to its last."""
        nodes, after = listed(Data({"list": first}), "list")
        unread = first is _UNREAD
        while unread or after is not None:
            unread = False
            further, after = listed(self.api.graphql(query, {"id": identity, "after": after}), "node", "list")
            nodes += further
        return {"nodes": nodes}


_UNREAD: dict[str, Any] = {"nodes": []}
"""Stands for a list of which nothing was read yet."""
