"""GitHub's repositories of one owner as one query shows a hundred of them: whether anything is new in them, and what may not be
seen of them. A repository is known by its number, so that one that was renamed or transferred is found again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from leadline.errors import NotFound
from leadline.sources.github.api import Api, Data, connection
from leadline.sources.github.queries import OVERVIEW_OF_LIST, REPOSITORIES, overview
from leadline.sources.github.refusals import Refusal, told_of_repositories
from leadline.sources.github.rows import repository_row
from leadline.sources.kit import forge
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, at_path, elements, inner, objects


class Repository(forge.Repository):
    """A repository as the overview shows it."""

    def row(self) -> Row:
        """Its row of ``repositories``. Raises ``Misshapen``."""
        return repository_row(self.node)

    @property
    def default_branch(self) -> str | None:
        """Name of its default branch."""
        branch = self.node.get("defaultBranchRef")
        name = branch.get("name") if isinstance(branch, dict) else None
        return name if isinstance(name, str) else None

    @property
    def head(self) -> str | None:
        """The newest commit of its default branch; None if there is none, or it may not be seen."""
        head = (at_path(self.node, "defaultBranchRef", "target") or {}).get("oid")
        return head if isinstance(head, str) else None

    def change_token(self, connection: str, *fields: str) -> list[Any] | None:
        """What shows whether a list has changed: how long it is, and what is newest in it. None if it may not be seen."""
        if (shown := inner(self.node, connection)) is None:
            return None
        newest = elements(self.node, connection)
        values = [node.get(name) for node in newest for name in fields]
        return [shown.get("totalCount"), *values] if newest else [0]

    def shown_since(self, connection: str) -> str | None:
        """When the oldest of those was created that the overview shows of a list; None if it shows none."""
        return min(self._created(connection), default=None)

    def newest(self, connection: str) -> str:
        """When the newest in a list was created; '' if there is none, or it may not be seen."""
        return max(self._created(connection), default="")

    def _created(self, connection: str) -> list[str]:
        instants = (node.get("createdAt") for node in elements(self.node, connection))
        return [instant for instant in instants if isinstance(instant, str)]


@dataclass(frozen=True)
class Owned(forge.Overview[Repository]):
    """The repositories of an owner; whether it is an ``organization``."""

    organization: bool


def owned(api: Api, owner: str) -> Owned:
    """The repositories of ``owner``. Raises ``NotFound`` for an unknown owner."""
    return _Reading(api, owner).owned()


@dataclass
class _Reading:
    """One reading of an owner's repositories. ``refused``: refusals, with a path of the part alone, and the names of repositories
    in which they were met."""

    api: Api
    owner: str
    refused: dict[Refusal, list[str]] = field(default_factory=dict)

    def owned(self) -> Owned:
        repositories: list[Repository] = []
        after: str | None = None
        while True:
            shown, nodes, following = self._page(after)
            repositories += [
                Repository(node, f"{self.api.server.host}#{node.get('databaseId')}", str(node["nameWithOwner"]))
                for node in nodes
            ]
            if following is None:
                hidden = told_of_repositories(self.owner, self.refused)
                return Owned(repositories, hidden, shown.get("__typename") == "Organization")
            after = following

    def _page(self, after: str | None) -> tuple[Node, list[Node], str | None]:
        """The owner, and a page of its repositories. Those that are null because of one of their lists are asked for again."""
        data = self._asked(after, lists=True)
        nodes, following = connection(data, "repositoryOwner", "repositories")
        raw = _raw(data)
        self._note(data.refused, ["" if node is None else str(node["nameWithOwner"]) for node in raw], lost=False)
        if None in raw:
            bare = self._asked(after, lists=False)
            self._note([refusal for refusal in bare.refused if not refusal.part], [""] * len(_raw(bare)), lost=True)
            present = {node.get("id") for node in nodes}
            partial, following = connection(bare, "repositoryOwner", "repositories")
            nodes += self._list_by_list([node for node in partial if node.get("id") not in present])
        return data.data["repositoryOwner"], nodes, following

    def _asked(self, after: str | None, *, lists: bool) -> Data:
        data = self.api.graphql(overview(lists=lists), {"login": self.owner, "size": REPOSITORIES, "after": after})
        if inner(data.data, "repositoryOwner") is None:
            raise NotFound(
                f"{self.api.client.tool} knows no organization or user {self.owner!r}, or the token from {self.api.token_from} "
                "may not see it"
            )
        return data

    def _list_by_list(self, repositories: Sequence[Node]) -> list[dict[str, Any]]:
        """``repositories``, each with the lists of it that may be seen."""
        whole = [dict(node) for node in repositories]
        for name, query in OVERVIEW_OF_LIST.items() if whole else ():
            try:
                data = self.api.graphql(query, {"ids": [node["id"] for node in whole]})
            except Refused as error:
                self._add(Refusal((name,), error.message), [str(node["nameWithOwner"]) for node in whole])
                continue
            self._note(data.refused, [str(node["nameWithOwner"]) for node in whole], lost=True)
            shown = {node.get("id"): node.get(name) for node in objects(data.data.get("nodes"), "nodes")}
            for node in whole:
                node[name] = shown.get(node["id"])
        return whole

    def _note(self, refusals: Iterable[Refusal], names: Sequence[str], *, lost: bool) -> None:
        """Remember refusals in the repositories called ``names``; of those that are null only if they are ``lost`` for good."""
        for refusal in refusals:
            number, _ = refusal.within()
            name = names[number] if 0 <= number < len(names) else ""
            if name or lost:
                self._add(replace(refusal, path=(refusal.part,) if refusal.part else ()), [name])

    def _add(self, refusal: Refusal, names: Sequence[str]) -> None:
        self.refused.setdefault(refusal, []).extend(names)


def _raw(data: Data) -> list[Node | None]:
    """The repositories of a page, with those that are null."""
    shown = at_path(data.data, "repositoryOwner", "repositories") or {}
    return list(shown.get("nodes") or ())
