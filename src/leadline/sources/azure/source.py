"""Azure DevOps: the Git repositories of an organization's projects, with pull requests, builds and deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from leadline.errors import NotFound
from leadline.sources.azure.api import BUILD, ENVIRONMENT, RELEASE, Api
from leadline.sources.azure.pipeline_rows import Naming
from leadline.sources.azure.pipelines import (
    BuildStream,
    EnvironmentsStream,
    EnvironmentStream,
    ReleaseStream,
    when_all_was_read,
)
from leadline.sources.azure.queries import (
    REPOSITORIES,
    builds,
    environments,
    pull_requests_of_repository,
    release_deployments,
)
from leadline.sources.azure.rows import SOURCE
from leadline.sources.azure.streams import (
    ChangedStream,
    Project,
    PullRequestStream,
    Reading,
    Repository,
    begin_of_cursors,
)
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import Forge, Overview
from leadline.sources.kit.page import Page, RunContext, Skipped
from leadline.sources.kit.records import inner
from leadline.sources.kit.streams import Stream


@dataclass(frozen=True)
class OrganizationOverview(Overview[Repository]):
    """The repositories, and when they were listed."""

    begun: str


class AzureDevOps(Forge[OrganizationOverview]):
    """One organization or collection, and the patterns of the repositories wanted of it, as ``project/repository``."""

    kind = SOURCE

    def __init__(self, api: Api, patterns: Sequence[str], rules: DeployRules | None = None) -> None:
        host = f"{api.server.host}/{api.organization.lower()}"
        super().__init__(api.client, host, api.organization, patterns)
        self.api, self.rules = api, rules or DeployRules()
        self.prefix = f"{SOURCE}:{api.organization.lower()}" if api.server.is_cloud else host
        self._projects: dict[str, Project] = {}
        self._project_of: dict[str, str] = {}
        self._reading: Reading | None = None

    def overview(self, _cursors: Cursors) -> OrganizationOverview:
        """The repositories of all projects. Raises ``NotFound`` for an organization that nobody knows."""
        try:
            nodes, _ = self.api.listed(REPOSITORIES, what="repositories")
        except NotFound as error:
            raise NotFound(
                f"{self.client.tool} knows no organization or collection {self.owner!r}, or the token from "
                f"{self.api.token_from} may not see it"
            ) from error
        repositories = [
            Repository(node, f"{self.host}#{node.get('id')}", f"{project}/{node.get('name')}")
            for node in nodes
            if node.get("id") and node.get("name") and (project := (inner(node, "project") or {}).get("name"))
        ]
        return OrganizationOverview(repositories, (), self.api.now)

    def _wanted(self, cursors: Cursors) -> OrganizationOverview:
        overview = super()._wanted(cursors)
        self._project_of = {repository.key: repository.project for repository in overview.repositories}
        disabled = [repository.name for repository in overview.repositories if repository.is_disabled]
        hidden = [Skipped(f"pull requests of {name}", "the repository is disabled") for name in disabled]
        return replace(overview, hidden=hidden)

    def _fits(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern.lower()) for pattern in self.patterns)

    def streams(self, overview: OrganizationOverview, cursors: Cursors, _context: RunContext) -> Iterator[Stream[Any]]:
        """Which pull requests changed and what ran, project by project, and the pull requests of every repository."""
        self._reading = reading = Reading(self.api, self._naming(overview), overview.begun, self.host, self._scope)
        self._projects = _by_project(overview.repositories)
        for project in self._projects.values():
            yield ChangedStream(reading, project, cursors)
            for repository in project.repositories:
                yield PullRequestStream(reading, project, repository)
            yield BuildStream(reading, project)
            yield EnvironmentsStream(reading, project)
            for environment in project.environments or ():
                yield EnvironmentStream(reading, project, environment)
            yield ReleaseStream(reading, project)

    @property
    def _scope(self) -> str:
        return "+".join(sorted(self.patterns))

    def _naming(self, overview: OrganizationOverview) -> Naming:
        names = {repository.identity.lower(): repository.name for repository in overview.repositories}
        return Naming(self.prefix, lambda identity: names.get(identity.lower()), self.rules)

    def probes(self, repository: Repository) -> Mapping[str, Callable[[], object]]:
        """The lists that need scopes of their own."""
        project = repository.project
        asked = {
            "pull requests": (pull_requests_of_repository(project, repository.identity), {}),
            "builds": (builds(project), {"scope": BUILD}),
            "environments": (environments(project), {"scope": ENVIRONMENT, "version": self.api.server.preview}),
            "classic deployments": (release_deployments(project), {"scope": RELEASE}),
        }
        return {
            name: lambda path=path, name=name, of=of: self.api.listed(path, {"$top": 1}, what=name, **of)  # type: ignore[misc]
            for name, (path, of) in asked.items()
        }

    def when_all_was_read(self, _overview: OrganizationOverview) -> Iterator[Page]:
        """The next run asks for what is closed from this one on."""
        for project in self._projects.values():
            if self._reading is not None and (cursors := when_all_was_read(self._reading, project)):
                yield Page(project.name, cursors=cursors)

    def before_renaming(self, _name: str, key: str, cursors: Cursors) -> Iterator[Page]:
        """What ran in its project is of lists of the project, and is read anew under the new name."""
        begins = begin_of_cursors(self.host, self._project_of.get(key, ""), self._scope)
        ends = f":{ChangedStream.list_name}"
        forgotten = {name: None for name in cursors if name.startswith(begins) and not name.endswith(ends)}
        if forgotten:
            yield Page(self.owner, cursors=forgotten)


def _by_project(repositories: Sequence[Repository]) -> dict[str, Project]:
    """The repositories by the id of their project."""
    projects: dict[str, Project] = {}
    for repository in repositories:
        of = [*(projects[repository.project].repositories if repository.project in projects else ()), repository]
        projects[repository.project] = Project(repository.project, repository.name.partition("/")[0], of)
    return projects
