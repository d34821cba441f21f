"""GitHub's repositories of one owner as one query shows a hundred of them: whether anything is new in them, and what may not be
seen of them. A repository is known by its number, so that one that was renamed or transferred is found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leadline.errors import NotFound
from leadline.sources.github.api import Api, connection
from leadline.sources.github.queries import OVERVIEW, REPOSITORIES
from leadline.sources.github.rows import repository_row
from leadline.sources.kit import forge
from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.records import at_path, elements, inner

NEEDED = {
    "pullRequests": "Pull requests",
    "deployments": "Deployments",
    "releases": "Contents",
    "defaultBranchRef": "Contents",
}
"""The permission (to read) that a part of a repository needs, of a fine-grained token or an app."""


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
    repositories: list[Repository] = []
    hidden: dict[tuple[str, str], int] = {}
    after: str | None = None
    while True:
        data = api.graphql(OVERVIEW, {"login": owner, "size": REPOSITORIES, "after": after})
        if (shown := inner(data.data, "repositoryOwner")) is None:
            raise NotFound(
                f"{api.client.tool} knows no organization or user {owner!r}, or the token from {api.token_from} may not see it"
            )
        nodes, after = connection(data, "repositoryOwner", "repositories")
        for path, message in data.refused:
            part = (str(path[-1]) if path else "something", message)
            hidden[part] = hidden.get(part, 0) + 1
        repositories += [
            Repository(node, f"{api.server.host}#{node.get('databaseId')}", str(node["nameWithOwner"]))
            for node in nodes
        ]
        if after is None:
            break
    skipped = [
        Skipped(f"{what} of {count} repositories of {owner}", message + _permission(what, message))
        for (what, message), count in hidden.items()
    ]
    return Owned(repositories, skipped, shown.get("__typename") == "Organization")


def _permission(what: str, reason: str) -> str:
    """What to grant, where GitHub only says that something is not accessible."""
    if what not in NEEDED or "not accessible" not in reason:
        return ""
    return f" (needs the permission {NEEDED[what]}: read-only)"
