"""How Azure DevOps' pull requests are read: which there are, from lists, and each with its threads, commits and changed files. What
of one is refused is left out by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import NotFound
from leadline.sources.azure.api import Api
from leadline.sources.azure.queries import BRIEF, CHANGES, COMMITS, LIST
from leadline.sources.azure.rows import latest
from leadline.sources.kit.client import Refused
from leadline.sources.kit.lists import Listed, read_all
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node, objects
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen

_SHOWN = ("title", "description", "isDraft", "status", "labels", "reviewers", "targetRefName", "lastMergeSourceCommit")
"""What a list shows of a pull request that may change."""


def counted(api: Api, path: str, params: Callable[[int], Mapping[str, Any]], *, what: str) -> Iterator[Node]:
    """The things of a list whose pages are counted (``$skip``). Raises as ``Api.listed``."""
    skip = 0
    while True:
        nodes, _ = api.listed(path, params(skip), what=what)
        yield from nodes
        skip += len(nodes)
        if len(nodes) < LIST:
            return


@dataclass
class PullRequests:
    """Reads the details of pull requests below ``path``, of the repository called ``name``. ``skipped`` collects what could not
    be read."""

    api: Api
    path: str
    name: str
    skipped: list[Skipped] = field(default_factory=list)

    def whole(self, node: Node, seen: str | None = None) -> tuple[Node | None, str]:
        """``node`` with its lists, each None if it is refused, and a mark that changes whenever it does; None if the mark is the
        one that was ``seen`` before."""
        number = node.get("pullRequestId")
        threads = self._list(number, "threads", self._threads)
        mark = _mark(node, threads)
        if mark is not None and mark == seen:
            return None, mark
        whole = {**node, "threads": threads}
        whole["commits"] = self._list(number, "commits", self._commits)
        whole["changes"] = self._list(number, "changes", self._changes)
        if len(str(node.get("description") or "")) >= BRIEF:
            whole["description"] = self._description(number, node.get("description"))
        return whole, mark or ""

    def _list(self, number: Any, name: str, read: Callable[[Any], list[Node]]) -> list[Node] | None:
        try:
            return read(number)
        except (Refused, NotFound, Misshapen) as error:
            what = "changed files" if name == "changes" else name
            self.skipped.append(left_out(f"{what} of {self.name}!{number}", error))
            return None

    def _threads(self, number: Any) -> list[Node]:
        return self.api.listed(f"{self.path}/{number}/threads", what=f"threads of {self.name}!{number}")[0]

    def _commits(self, number: Any) -> list[Node]:
        def ask(token: str | None) -> Listed[Node]:
            params = {"$top": COMMITS, **({"continuationToken": token} if token else {})}
            return self.api.listed(f"{self.path}/{number}/commits", params, what=f"commits of {self.name}!{number}")

        return read_all(ask)

    def _changes(self, number: Any) -> list[Node]:
        """The files that differ between what the last push brought and where the branch began."""
        what = f"changed files of {self.name}!{number}"
        iterations, _ = self.api.listed(f"{self.path}/{number}/iterations", what=what)
        if not iterations:
            return []
        last = max(one["id"] for one in iterations if isinstance(one.get("id"), int))

        def ask(skip: str | None) -> Listed[Node]:
            params = {"$top": CHANGES, "$skip": skip or "0"}
            body = self.api.get(f"{self.path}/{number}/iterations/{last}/changes", params, what=what).body
            more = body.get("nextSkip")
            return objects(body.get("changeEntries"), "changeEntries"), str(more) if more else None

        return read_all(ask)

    def _description(self, number: Any, brief: Any) -> Any:
        """The whole description: lists cut it short."""
        try:
            return self.api.get(f"{self.path}/{number}", what=f"{self.name}!{number}").body.get("description", brief)
        except (Refused, NotFound, Misshapen) as error:
            self.skipped.append(left_out(f"the description of {self.name}!{number}", error))
            return brief


def _mark(node: Node, threads: list[Node] | None) -> str | None:
    """A text that changes with a pull request: nothing tells when it did, but every vote, comment and push is in a thread. None
    where threads could not be read."""
    if threads is None:
        return None
    shown = [node.get(name) for name in _SHOWN]
    instants = [len(threads), latest(*(thread.get("lastUpdatedDate") for thread in threads))]
    return hashlib.sha256(json.dumps([shown, instants], sort_keys=True, default=str).encode()).hexdigest()[:16]
