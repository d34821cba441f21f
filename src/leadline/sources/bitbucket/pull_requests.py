"""How Bitbucket's pull requests are read: a page of those that were updated, the last updated first, each with its activity,
commits, changed files and the commit that its merge made, which Bitbucket tells by the beginning of its sha alone.

What is new is there soon, however long a first reading takes. What is updated meanwhile is met by the next reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import NotFound
from leadline.sources.bitbucket import queries
from leadline.sources.bitbucket.api import Api
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.lists import Listed, NumberedPage
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node, at_path, inner
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen


@dataclass
class PullRequests:
    """Reads the pull requests of ``repository``. ``skipped`` collects what could not be read."""

    api: Api
    repository: str
    skipped: list[Skipped] = field(default_factory=list)
    _answers: int = -1
    """What was answered when a list could not be read last."""

    def ask(self, position: str | None, since: str | None) -> Listed[Node]:
        """One page, with every list whole, or None if it cannot be read."""
        nodes, following = self._page(position, since)
        return [self._whole(dict(node)) for node in nodes], following

    def _page(self, position: str | None, since: str | None) -> Listed[Node]:
        """The records of a page, but for those of its last instant if there are more pages: the next one begins with these, since
        pages are numbered and their numbers shift while pull requests are updated."""
        page = NumberedPage.at(position)
        path = queries.pull_requests(self.repository, since, page.bound, page.number)
        nodes, following = self.api.page(path, f"pull requests of {self.repository}")
        if following is None or not nodes:
            return nodes, None
        last = nodes[-1].get("updated_on")
        if not isinstance(last, str):
            raise Misshapen(f"updated_on is no instant but {str(last)[:40]!r}")
        before = [node for node in nodes if node.get("updated_on") != last]
        return before or nodes, str(page.next_from(last, passed=not before))

    def _whole(self, node: dict[str, Any]) -> dict[str, Any]:
        """``node`` with its lists; one that cannot be read is None."""
        number, repository = node.get("id"), self.repository
        called = f"{repository}#{number}"
        activity, commits = queries.activity(repository, number), queries.commits(repository, number)
        node["activity"] = self._read(f"activity of {called}", lambda what: self.api.all(activity, what))
        node["commits"] = self._read(f"commits of {called}", lambda what: self.api.all(commits, what))
        node["files"] = self._read(f"files of {called}", lambda what: self._files(node, what))
        if node.get("state") == "MERGED":
            node["merged"] = self._read(f"merge commit of {called}", lambda what: self._merged(node, what))
        return node

    def _read(self, what: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(what)
        except (Refused, NotFound, Unavailable, Misshapen) as error:
            # A list that is too heavy is left out; a tool that answers nothing in between is gone, and its page is read next time.
            if isinstance(error, Unavailable) and self.api.client.answers == self._answers:
                raise
            self._answers = self.api.client.answers
            self.skipped.append(left_out(what, error))
            return None

    def _files(self, node: Node, what: str) -> list[Node]:
        """The changed files, from where Bitbucket says that they are."""
        address = (at_path(node, "links", "diffstat") or {}).get("href")
        if not isinstance(address, str):
            raise Misshapen("links.diffstat lacks its address")
        separator = "&" if "?" in address else "?"
        return self.api.all(f"{self.api.below(address)}{separator}pagelen={queries.FILES}", what)

    def _merged(self, node: Node, what: str) -> Node | None:
        """The commit that a merge made: the last one of the source where it made none of its own."""
        short = (inner(node, "merge_commit") or at_path(node, "source", "commit") or {}).get("hash")
        if not isinstance(short, str) or not short:
            return None
        for commit in node.get("commits") or ():
            if str(commit.get("hash")).startswith(short):
                return {"hash": commit["hash"]}  # it was made before the merge
        return self.api.get(queries.commit(self.repository, short), what)
