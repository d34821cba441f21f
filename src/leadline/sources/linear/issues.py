"""How Linear's issues are read: a page at a time with their labels and histories, each list to its end. What is too heavy for
Linear is asked for in smaller pages, and an issue that is so by itself without its lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import NotFound
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.lists import Listed, PageSize, read_all
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node, inner, page_of
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.linear.api import Api, connection
from leadline.sources.linear.queries import DETAILS, ISSUES, KEYS, KEYS_OF_TEAM, issues, more


@dataclass
class Issues:
    """Reads issues. ``skipped`` collects what could not be read of them."""

    api: Api
    skipped: list[Skipped] = field(default_factory=list)
    _size: PageSize = field(default_factory=lambda: PageSize(ISSUES))

    def ask(self, teams: Sequence[str], after: str | None, since: str | None) -> Listed[Node]:
        """One page of the issues of ``teams`` that changed ``since``, each list of them whole, or None if it cannot be read."""
        nodes, following = self._size.read(
            lambda size, attempts: self._page(teams, after, since, size, attempts),
            lambda: self._page(teams, after, since, 1, ATTEMPTS, details=False),
        )
        return [self._whole(dict(node)) for node in nodes], following

    def _page(
        self,
        teams: Sequence[str],
        after: str | None,
        since: str | None,
        size: int,
        attempts: int,
        *,
        details: bool = True,
    ) -> Listed[Node]:
        variables: dict[str, Any] = {"teams": list(teams), "after": after, "size": size}
        variables |= {"since": since} if since else {}
        query = issues(details=details, since=since is not None)
        return connection(self.api.graphql(query, variables, what="issues", attempts=attempts), "issues")

    def _whole(self, node: dict[str, Any]) -> Node:
        """``node`` with its lists read to their ends; one that cannot be is None."""
        for name in DETAILS:
            try:
                first = inner(node, name)
                nodes = read_all(
                    lambda after, name=name: self._more(node, name, after),  # type: ignore[misc]
                    None if first is None else page_of(first, name),
                )
                node[name] = {"nodes": nodes}
            except (Refused, NotFound, Unavailable, Misshapen) as error:
                self.skipped.append(left_out(f"{name} of {node.get('identifier')}", error))
                node[name] = None
        return node

    def _more(self, node: Node, name: str, after: str | None) -> Listed[Node]:
        variables = {"id": node.get("id"), "after": after}
        return self.api.listed(more(name), variables, "issue", name, what=f"{name} of {node.get('identifier')}")

    def keys(self, team: str) -> list[str]:
        """What the issues of a team are called that are not in the trash. Raises as ``Api.graphql`` does."""

        def ask(after: str | None) -> Listed[Node]:
            variables = {"size": KEYS, "after": after, "teams": [team]}
            return self.api.listed(KEYS_OF_TEAM, variables, "issues", what="issues")

        return [str(node.get("identifier")) for node in read_all(ask) if node.get("trashed") is not True]
