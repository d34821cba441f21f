"""GitHub's repositories of one owner: which are wanted, whether anything is new in them, and what may not be seen of them.

An API, an owner and patterns come in; repositories as one query for a hundred of them shows them go out. A repository is known
by its number, so that one that was renamed or transferred is found again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from leadline.errors import InvalidRequest, NotFound
from leadline.sources.github.api import Api
from leadline.sources.github.queries import OVERVIEW, REPOSITORIES
from leadline.sources.github.reading import listed
from leadline.sources.github.rows import Node, elements, inner
from leadline.sources.kit.page import Skipped, State

STREAM = ":stream "
"""Between a repository's key and the name of a list, in a cursor's name."""
NEEDED = {
    "pullRequests": "Pull requests",
    "deployments": "Deployments",
    "releases": "Contents",
    "defaultBranchRef": "Contents",
}
"""The permission (to read) that a part of a repository needs, of a fine-grained token or an app."""


@dataclass(frozen=True, eq=False)
class Repository:
    """A repository as the overview shows it."""

    node: Node
    key: str

    @property
    def name(self) -> str:
        """``owner/name``, as it is called now."""
        return str(self.node["nameWithOwner"])

    @property
    def default_branch(self) -> str | None:
        """Name of its default branch."""
        branch = self.node.get("defaultBranchRef")
        name = branch.get("name") if isinstance(branch, dict) else None
        return name if isinstance(name, str) else None

    @property
    def head(self) -> str | None:
        """The newest commit of its default branch; None if there is none, or it may not be seen."""
        head = (inner(inner(self.node, "defaultBranchRef") or {}, "target") or {}).get("oid")
        return head if isinstance(head, str) else None

    def sign(self, connection: str, *fields: str) -> list[Any] | None:
        """What shows whether a list has changed: how long it is, and what is newest in it. None if it may not be seen."""
        if (found := inner(self.node, connection)) is None:
            return None
        newest = elements(self.node, connection)
        return [found.get("totalCount"), *(newest[0].get(name) for name in fields)] if newest else [0]


@dataclass(frozen=True)
class Owned:
    """The repositories wanted of an owner, by name; what is ``hidden`` of them; whether it is an ``organization``."""

    wanted: list[Repository]
    hidden: list[Skipped]
    organization: bool


def owned(api: Api, owner: str, patterns: Sequence[str]) -> Owned:
    """The repositories of ``owner`` whose names fit. Raises ``NotFound`` for an unknown owner, ``InvalidRequest`` if none fits."""
    found: list[Repository] = []
    hidden: dict[tuple[str, str], int] = {}
    after: str | None = None
    while True:
        data = api.graphql(OVERVIEW, {"login": owner, "size": REPOSITORIES, "after": after})
        if (shown := inner(data.data, "repositoryOwner")) is None:
            raise NotFound(
                f"{api.client.tool} knows no organization or user {owner!r}, or the token from {api.token_from} may not see it"
            )
        nodes, after = listed(data, "repositoryOwner", "repositories")
        for path, message in data.refused:
            part = (str(path[-1]) if path else "something", message)
            hidden[part] = hidden.get(part, 0) + 1
        found += [Repository(node, f"{api.server.host}#{node.get('databaseId')}") for node in nodes]
        if after is None:
            break
    wanted = [each for each in found if _fits(each.name.partition("/")[2], patterns)]
    if not wanted:
        names = ", ".join(each.name for each in found[:5])
        raise InvalidRequest(
            f"No repository of {owner} is called {' or '.join(patterns)}"
            + (f"; there are {names}{' …' if len(found) > 5 else ''}" if found else "; the token sees none at all")
        )
    skipped = [
        Skipped(f"{what} of {count} repositories of {owner}", said + _permission(what, said))
        for (what, said), count in hidden.items()
    ]
    organization = shown.get("__typename") == "Organization"
    return Owned(sorted(wanted, key=lambda each: each.name), skipped, organization)


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _permission(what: str, said: str) -> str:
    """What to grant, where GitHub only says that something is not accessible."""
    if what not in NEEDED or "not accessible" not in said:
        return ""
    return f" (needs the permission {NEEDED[what]}: read-only)"


def moved(found: Sequence[Repository], states: Mapping[str, State]) -> tuple[tuple[str, ...], dict[str, State | None]]:
    """The names that repositories gave up, and the cursors by which that is known.

    A name counts as given up also where another repository bears it now: its rows are mixed, and read anew.
    """
    now = {each.key: each.name for each in found}
    before = {name: str(state["repository"]) for name, state in states.items() if set(state) == {"repository"}}
    renamed = {key for key, name in now.items() if before.get(key, name) != name}
    left = {before[key] for key in renamed}
    names = set(now.values())
    left |= {name for key, name in before.items() if key not in now and name in names}
    stale = {key for key, name in before.items() if name in left} | {key for key in now if now[key] in left}
    cursors: dict[str, State | None] = {name: None for name in states if name.partition(STREAM)[0] in stale}
    cursors.update({each.key: {"repository": each.name} for each in found if before.get(each.key) != each.name})
    return tuple(sorted(left)), cursors
