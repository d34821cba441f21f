"""How GitLab's lists are read: what was updated since the last time, page by page, whole however long, and what vanished.

The API comes in; raw records, the cursor after them and the numbers that are gone come out. Lists are asked for in the order
in which their things were made, so that nothing moves while they are read. A page that is too heavy for the server is asked
for in smaller ones, and a merge request that is too heavy by itself list by list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from leadline.errors import NotFound
from leadline.sources.gitlab.api import Api
from leadline.sources.gitlab.queries import DETAILS, DIFF, LIST, MERGE_REQUESTS, NUMBERS, merge_requests, more
from leadline.sources.gitlab.rows import Node, inner, objects, utc
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.page import Skipped, State
from leadline.sources.kit.text import Misshapen

LAG = timedelta(minutes=2)
"""What is this new when a list is read is read again next time: it may not have been shown yet."""
ATTEMPTS_WHILE_LARGE = 2
"""How often a page is asked for that could be asked for in smaller parts."""

Listed = tuple[list[Node], str | None]
"""Records of one page, and the cursor of the next (None: there is none)."""
Ask = Callable[[str | None, str | None], Listed]
"""Asks for the page after a cursor, of what was updated since an instant."""


def text(instant: datetime) -> str:
    """An instant as ``rows.utc`` writes it."""
    return str(utc(instant.astimezone(UTC).isoformat()))


def earlier(instant: str, lag: timedelta) -> str:
    """``instant`` less ``lag``, spelled alike."""
    return text(datetime.fromisoformat(instant) - lag)


def updated(ask: Ask, state: State, now: str) -> Iterator[tuple[list[Node], State, bool]]:
    """Pages of what was updated since ``state``: records, the state after them, and whether the list is at its end.

    ``state`` has ``since``, the instant from which on the list must be read the next time, and ``descent`` while a reading is
    under way: where it goes on, and when it began. What is updated during a reading is read by the next one.
    """
    at = dict(state.get("descent") or {"after": None, "begun": now})
    rest = {name: value for name, value in state.items() if name != "descent"}
    resumed = at["after"] is not None
    while True:
        try:
            nodes, after = ask(at["after"], state.get("since"))
        except Refused as error:
            if not resumed or "cursor" not in error.message.lower():
                raise
            # The server does not know its cursor any more (an upgrade, a restore): from the top again.
            at["after"], resumed = None, False
            continue
        resumed = False
        if after is None:
            yield nodes, {**rest, "since": earlier(at["begun"], LAG)}, True
            return
        at["after"] = after
        yield nodes, {**rest, "descent": dict(at)}, False


def _mark(node: Node) -> int | str:
    """What grows from one thing of a list to the next: its number, or when it was made."""
    if "iid" not in node:
        return str(utc(node.get("createdAt")))
    iid = str(node["iid"])
    return int(iid) if iid.isascii() and iid.isdigit() else 0


def tallied(tally: State, nodes: Sequence[Node], top: Any) -> State:
    """How many things above ``top`` a reading has met so far, and the highest of them."""
    marks = [_mark(node) for node in nodes]
    found: State = {"fresh": tally.get("fresh", 0) + sum(top is None or mark > top for mark in marks)}
    highest = max([*marks, *([tally["top"]] if "top" in tally else [])], default=None)
    return found if highest is None else {**found, "top": highest}


def settle(state: State, count: int | None) -> None:
    """End a reading: ``count`` is kept if every thing is accounted for, else None, so that what vanished is looked for."""
    tally = state.pop("tally")
    if "top" in tally:
        state["top"] = max(tally["top"], state.get("top", tally["top"]))
    before = state.get("count", 0)
    state["count"] = count if before is not None and before + tally["fresh"] == count else None


def connection(data: Mapping[str, Any], *path: str) -> Listed:
    """The connection at ``path`` of an answer. Raises ``NotFound`` where there is none."""
    node: Node | None = data
    for name in path:
        node = None if node is None else inner(node, name)
    if node is None:
        raise NotFound("it is not there, or the token may not see it")
    page = inner(node, "pageInfo") or {}
    after = page.get("endCursor") if page.get("hasNextPage") is True else None
    return objects(node.get("nodes"), f"{path[-1]}.nodes"), after if isinstance(after, str) else None


def asking(api: Api, query: str, path: str) -> Ask:
    """Asks ``query`` of the project at ``path``."""

    def ask(after: str | None, since: str | None) -> Listed:
        variables = {"path": path, "size": LIST, "after": after, "since": since}
        if "$since" not in query:
            del variables["since"]
        return connection(api.graphql(query, variables), "project", "things")

    return ask


def newest_first(ask: Ask) -> Ask:
    """``ask`` for a list that cannot be asked for what is new: read from the newest down to what was there before."""

    def down(after: str | None, since: str | None) -> Listed:
        nodes, following = ask(after, since)
        fresh = [node for node in nodes if since is None or str(utc(node.get("createdAt"))) >= since]
        return fresh, following if len(fresh) == len(nodes) else None

    return down


def still_there(api: Api, name: str, path: str) -> set[str]:
    """The numbers (or tags) of everything in one list of the project at ``path``."""
    ask = asking(api, NUMBERS[name], path)
    found: set[str] = set()
    after: str | None = None
    while True:
        nodes, after = ask(after, None)
        found.update(str(node.get("iid") or node.get("tagName")) for node in nodes)
        if after is None:
            return found


# -- merge requests ----------------------------------------------------------------------------------------------------


@dataclass
class MergeRequests:
    """Reads one project's merge requests with all their lists. ``skipped`` collects what could not be read."""

    api: Api
    path: str
    identity: str
    skipped: list[Skipped] = field(default_factory=list)
    _size: int = MERGE_REQUESTS

    def ask(self, after: str | None, since: str | None) -> Listed:
        """One page, with every list whole, or absent if it cannot be read."""
        while True:
            try:
                nodes, following = self._page(after, since, self._size, details=True)
                self._size = min(MERGE_REQUESTS, self._size * 2)
                break
            except Unavailable:
                if self._size == 1:
                    nodes, following = self._page(after, since, 1, details=False)
                    break
                self._size = max(1, self._size // 5)
        found = [self._whole(dict(node)) for node in nodes]
        self._squashes(found)
        return list(found), following

    def _page(self, after: str | None, since: str | None, size: int, *, details: bool) -> Listed:
        variables = {"path": self.path, "size": size, "after": after, "since": since}
        attempts = ATTEMPTS if size == 1 else ATTEMPTS_WHILE_LARGE
        found = connection(
            self.api.graphql(merge_requests(details=details), variables, attempts=attempts), "project", "things"
        )
        if not details:
            for node in found[0]:
                node.update(dict.fromkeys((*DETAILS, "diffStats"), _UNREAD))  # type: ignore[attr-defined]
        return found

    def _whole(self, node: dict[str, Any]) -> dict[str, Any]:
        """``node`` with its lists read to their ends; one that cannot be read to its end is taken out."""
        iid = str(node.get("iid"))
        for name in (*DETAILS, "diffStats"):
            try:
                if name == "diffStats":
                    node[name] = self._diff(iid) if node.get(name) is _UNREAD else node.get(name)
                elif (first := inner(node, name)) is not None:
                    node[name] = self._read(name, iid, first)
            except (Refused, NotFound, Unavailable, Misshapen) as error:
                node[name] = None
                self.skipped.append(Skipped(f"{name} of {self.path}!{iid}", str(error)))
        return node

    def _read(self, name: str, iid: str, first: Node) -> dict[str, Any]:
        """A list from its first page to its last."""
        nodes, after = connection({"list": first}, "list")
        unread = first is _UNREAD
        nodes = list(nodes)
        while unread or after is not None:
            unread = False
            data = self.api.graphql(more(name), {"path": self.path, "iid": iid, "after": after})
            further, after = connection(data, "project", "mergeRequest", "list")
            nodes += further
        return {"nodes": nodes}

    def _diff(self, iid: str) -> Any:
        data = self.api.graphql(DIFF, {"path": self.path, "iid": iid})
        return (inner(inner(data, "project") or {}, "mergeRequest") or {}).get("diffStats")

    def _squashes(self, nodes: list[dict[str, Any]]) -> None:
        """Where no merge commit was made, GraphQL does not tell the squashed one: asked for together, by REST."""
        lacking = {str(each.get("iid")): each for each in nodes if _merged_without_commit(each)}
        if not lacking:
            return
        try:
            params = {"iids[]": list(lacking), "per_page": str(LIST)}
            body = self.api.rest(f"/projects/{quote(self.identity, safe='')}/merge_requests", params).body
            for each in objects(body, "merge_requests"):
                if (node := lacking.get(str(each.get("iid")))) is not None:
                    node["squashCommitSha"] = each.get("squash_commit_sha")
        except (Refused, NotFound, Misshapen) as error:
            self.skipped.append(Skipped(f"squashed commits of {self.path}", str(error)))


def _merged_without_commit(node: Node) -> bool:
    return str(node.get("state")).lower() == "merged" and not node.get("mergeCommitSha")


_UNREAD: dict[str, Any] = {"nodes": []}
"""Stands for a list of which nothing was read yet."""


# -- deployments -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deployments:
    """Reads one project's deployments, as REST lists them: by when they were updated, the oldest first.

    Its pages are numbered and what is updated moves to their end; so the way up asks for what was updated since the last
    one it has seen.
    """

    api: Api
    identity: str

    def read(self, state: State, now: str) -> Iterator[tuple[list[Node], State]]:
        """Records, and the cursor after them; ``outside`` in it tells whether any was not made by a job."""
        at = dict(state.get("descent") or {"from": state.get("since"), "page": 1, "begun": now})
        rest = {name: value for name, value in state.items() if name != "descent"}
        while True:
            params = {"order_by": "updated_at", "sort": "asc", "per_page": str(LIST), "page": str(at["page"])}
            if at["from"]:
                params["updated_after"] = at["from"]
            body = self.api.rest(f"/projects/{quote(self.identity, safe='')}/deployments", params).body
            nodes = objects(body, "deployments")
            if any(not node.get("deployable") for node in nodes):
                rest["outside"] = True
            if len(nodes) < LIST:
                yield nodes, {**rest, "since": earlier(at["begun"], LAG), "asked": now}
                return
            # A second back, whether the server takes the instant itself along or not.
            last = nodes[-1].get("updated_at")
            further = earlier(str(utc(last)), timedelta(seconds=1)) if isinstance(last, str) else at["from"]
            # More than a page of one second: only then is the next page asked for by its number. Never further back: a second
            # full of them would lead to the one before it again and again.
            if at["from"] and further <= at["from"]:
                at["page"] += 1
            else:
                at.update(page=1, **{"from": further})
            yield nodes, {**rest, "descent": dict(at)}
