"""Bitbucket Cloud: the repositories of a workspace, with pull requests, pipelines and deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from leadline.sources.bitbucket import queries
from leadline.sources.bitbucket.api import Api
from leadline.sources.bitbucket.overview import Repository, repositories
from leadline.sources.bitbucket.pipelines import DeploymentStream, PipelineStream, RunsCursor
from leadline.sources.bitbucket.rows import SOURCE
from leadline.sources.bitbucket.streams import PullRequestStream, Reading
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import Forge, Overview
from leadline.sources.kit.page import RunContext
from leadline.sources.kit.streams import Stream


class Bitbucket(Forge[Overview[Repository]]):
    """One workspace, and the patterns of the repositories wanted of it."""

    kind = SOURCE

    def __init__(self, api: Api, workspace: str, patterns: Sequence[str], rules: DeployRules | None = None) -> None:
        super().__init__(api.client, api.server.host, workspace, patterns, is_cloud=api.server.is_cloud)
        self.api, self.rules = api, rules or DeployRules()

    def overview(self, _cursors: Cursors) -> Overview[Repository]:
        """The workspace's repositories. Raises ``NotFound`` for an unknown one."""
        return repositories(self.api, self.owner, self.patterns)

    def streams(self, overview: Overview[Repository], cursors: Cursors, _context: RunContext) -> Iterator[Stream[Any]]:
        """Every list of every repository; deployments once the pipelines are read, which tell whether there are any."""
        reading = Reading(self.api, self.prefix, self.rules)
        for repository in overview.repositories:
            yield PullRequestStream(reading, repository)
            pipelines = PipelineStream(reading, repository)
            yield pipelines
            yield DeploymentStream(reading, repository, cursors.get(pipelines.cursor_name, RunsCursor))

    def probes(self, repository: Repository) -> Mapping[str, Callable[[], object]]:
        """One record of each list."""
        paths = {"pull requests": "pullrequests", "pipelines": "pipelines", "deployments": "deployments"}
        return {
            name: lambda name=name, part=part: self.api.get(  # type: ignore[misc]
                queries.of_repository(repository.name, part, pagelen="1"), f"{name} of {repository.name}"
            )
            for name, part in paths.items()
        }
