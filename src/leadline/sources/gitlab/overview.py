"""GitLab's projects as one query shows a hundred of them: what they are called, what is newest in each, which tells whether its
lists have anything new, and what the token may not see of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadline.errors import NotFound
from leadline.instants import rfc3339
from leadline.sources.gitlab.api import Api, connection
from leadline.sources.gitlab.queries import PROJECTS, overview
from leadline.sources.gitlab.rows import number, repository_row
from leadline.sources.kit import forge
from leadline.sources.kit.client import Lasting, Unavailable
from leadline.sources.kit.lists import InPart, PageSize
from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.records import Node, elements, inner, utc

SMALL = 4
"""Projects at once that no server has trouble with."""
COUNTED = ("mergeRequests", "issues", "releases")
REPORTER = 20
"""The role, as GitLab numbers them, from which on every list may be seen that there is."""
ROLES = {5: "Minimal access", 10: "Guest", 15: "Planner"}
"""Those below it. Who has none may be an administrator."""


class Project(forge.Repository):
    """A project as the overview shows it."""

    @property
    def identity(self) -> str:
        """Its number."""
        return str(number(self.node.get("id")))

    def row(self) -> Row:
        """Its row of ``repositories``."""
        return repository_row(self.node)

    @property
    def role(self) -> int | None:
        """The token's role in it; None on servers before 16.9, which do not tell."""
        role = (inner(self.node, "maxAccessLevel") or {}).get("integerValue")
        return role if isinstance(role, int) else None

    @property
    def refuses_some(self) -> bool:
        """Whether lists are not there because the token's role is too low."""
        return self.role in ROLES

    @property
    def refuses_nothing(self) -> bool:
        """Whether the token's role lets it see all lists: what is not there then is a feature that is off."""
        return self.role is not None and self.role >= REPORTER

    def count(self, name: str) -> int | None:
        """How many things a list has; None if it may not be seen."""
        count = (inner(self.node, name) or {}).get("count")
        return count if isinstance(count, int) else None

    def latest(self, name: str) -> str | None:
        """When the newest of a list was updated (releases: made); None for an empty list."""
        newest = elements(self.node, name)
        return str(utc(newest[0].get("updatedAt") or newest[0].get("createdAt"))) if newest else None

    @property
    def pipelines_moved(self) -> bool | None:
        """Whether any pipeline was updated since the instant that the overview was asked with; None if it is hidden."""
        return None if inner(self.node, "pipelines") is None else bool(elements(self.node, "pipelines"))


@dataclass
class Projects:
    """Reads the projects of a group with its subgroups, of a user, or the one of that path."""

    api: Api
    path: str
    begun: str = ""
    """The tool's time when it began to tell."""
    may_have_iterations: bool = True
    """Whether it is no user's: those are groups'."""
    _size: PageSize = field(default_factory=lambda: PageSize(PROJECTS, SMALL, more=5))

    def read(self, since: str | None) -> tuple[list[Project], list[Skipped]]:
        """The projects by name, and the lists that the token may not see. Raises ``NotFound`` for an unknown path."""
        by_key: dict[str, Project] = {}
        kind = "group"
        after: str | None = None
        while True:
            data = self._asked(kind, after, since)
            self.begun = self.begun or rfc3339(self.api.now, milliseconds=True)
            if (owner := inner(data, "owner")) is not None:
                nodes, after = connection(owner, "projects")
            elif (single := inner(data, "project")) is not None:
                nodes, after = [single], None
            elif kind == "group":
                kind, self.may_have_iterations = "namespace", False
                continue
            else:
                raise NotFound(
                    f"{self.api.client.tool} knows no group, user or project {self.path!r}, or the token from "
                    f"{self.api.token_from} may not see it"
                )
            for node in nodes:
                key = f"{self.api.server.host}#{number(node.get('id'))}"
                by_key[key] = Project(node, key, str(node.get("fullPath")))
            if after is None:
                projects = sorted(by_key.values(), key=lambda project: project.name)
                return projects, self._hidden(projects)

    def _asked(self, kind: str, after: str | None, since: str | None) -> Node:
        """One page of the overview, as large as the server gives it."""
        branches = True
        while True:
            variables = {"path": self.path, "size": self._size.size, "after": after, "since": since}
            try:
                query = overview(kind, branches=branches)
                data = self.api.graphql(query, variables, attempts=self._size.attempts)
            except InPart:
                if not branches:
                    raise
                # In the end without asking git, which may be in trouble for one project alone.
                branches = self._size.size > 1
                self._size.shrink()
            except Unavailable as error:
                if self._size.size <= SMALL or isinstance(error, Lasting):
                    raise
                self._size.shrink()
            else:
                self._size.grow()
                return data

    def _hidden(self, projects: list[Project]) -> list[Skipped]:
        """Lists that are not shown, as they are null, with in how many projects that is so."""
        skipped = []
        for name in (*COUNTED, "pipelines"):
            what = {"mergeRequests": "merge requests"}.get(name, name)
            hidden = [project for project in projects if project.node.get(name) is None]
            refused = [project for project in hidden if project.refuses_some]
            if refused:
                roles = ", ".join(sorted({ROLES[project.role or 0] for project in refused}))
                why = f"the token's role there is too low ({roles}): it needs Reporter"
                skipped.append(Skipped(f"{what} of {len(refused)} projects of {self.path}", why, gap=True))
            if off := len(hidden) - len(refused):
                known = all(project.refuses_nothing for project in hidden if project not in refused)
                why = "the feature is off" if known else "the token's role is too low, or the feature is off"
                skipped.append(Skipped(f"{what} of {off} projects of {self.path}", why))
        return skipped
