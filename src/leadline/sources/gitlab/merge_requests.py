"""How GitLab's merge requests are read: a page at a time with all their lists. A page that is too heavy for the server is asked
for in smaller ones, and a merge request that is too heavy by itself list by list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from leadline.errors import NotFound
from leadline.sources.gitlab.api import Api, connection
from leadline.sources.gitlab.queries import DETAILS, DIFF, LIST, MERGE_REQUESTS, merge_requests, more
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.lists import Listed, PageSize, read_all
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node, at_path, inner, objects, page_of
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen

_UNREAD: dict[str, Any] = {"nodes": []}
"""Stands for a list of which nothing was read yet."""


@dataclass
class MergeRequests:
    """Reads the merge requests of the project at ``path``, whose number is ``identity``. ``skipped`` collects what could not
    be read."""

    api: Api
    path: str
    identity: str
    skipped: list[Skipped] = field(default_factory=list)
    _size: PageSize = field(default_factory=lambda: PageSize(MERGE_REQUESTS))

    def ask(self, after: str | None, since: str | None) -> Listed[Node]:
        """One page, with every list whole, or None if it cannot be read."""
        nodes, following = self._size.read(
            lambda size, attempts: self._page(after, since, size, attempts),
            lambda: self._page(after, since, 1, ATTEMPTS, details=False),
        )
        merge_requests = [self._whole(dict(node)) for node in nodes]
        self._squashes(merge_requests)
        return list(merge_requests), following

    def _page(
        self, after: str | None, since: str | None, size: int, attempts: int, *, details: bool = True
    ) -> Listed[Node]:
        variables = {"path": self.path, "size": size, "after": after, "since": since}
        data = self.api.graphql(merge_requests(details=details), variables, attempts=attempts)
        nodes, following = connection(data, "project", "things")
        if not details:
            nodes = [{**node, **dict.fromkeys((*DETAILS, "diffStats"), _UNREAD)} for node in nodes]
        return nodes, following

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
                self.skipped.append(left_out(f"{name} of {self.path}!{iid}", error))
        return node

    def _read(self, name: str, iid: str, first: Node) -> dict[str, Any]:
        """A list from its first page to its last."""

        def ask(after: str | None) -> Listed[Node]:
            data = self.api.graphql(more(name), {"path": self.path, "iid": iid, "after": after})
            return connection(data, "project", "mergeRequest", "list")

        return {"nodes": read_all(ask, None if first is _UNREAD else page_of(first, "list"))}

    def _diff(self, iid: str) -> Any:
        data = self.api.graphql(DIFF, {"path": self.path, "iid": iid})
        return (at_path(data, "project", "mergeRequest") or {}).get("diffStats")

    def _squashes(self, nodes: list[dict[str, Any]]) -> None:
        """Where no merge commit was made, GraphQL does not tell the squashed one: asked for together, by REST."""
        merged = [node for node in nodes if str(node.get("state")).lower() == "merged"]
        lacking = {str(node.get("iid")): node for node in merged if not node.get("mergeCommitSha")}
        if not lacking:
            return
        try:
            params = {"iids[]": list(lacking), "per_page": str(LIST)}
            body = self.api.rest(f"/projects/{quote(self.identity, safe='')}/merge_requests", params).body
            for answered in objects(body, "merge_requests"):
                if (node := lacking.get(str(answered.get("iid")))) is not None:
                    node["squashCommitSha"] = answered.get("squash_commit_sha")
        except (Refused, NotFound, Misshapen) as error:
            self.skipped.append(left_out(f"squashed commits of {self.path}", error))
