"""GitHub: an owner's repositories with pull requests, commits, releases, deployments and workflow runs, and their people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from leadline.sources.github.api import Api
from leadline.sources.github.overview import Owned, Repository, owned
from leadline.sources.github.people import PeopleStream
from leadline.sources.github.rows import SOURCE
from leadline.sources.github.streams import (
    CommitStream,
    DeploymentStream,
    OpenDeployments,
    PullRequestStream,
    Reading,
    ReleaseStream,
)
from leadline.sources.github.workflow_runs import RunStream
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import Forge
from leadline.sources.kit.page import RunContext
from leadline.sources.kit.streams import Stream

STREAMS = (PullRequestStream, CommitStream, ReleaseStream, DeploymentStream, RunStream)
"""In the order in which they are read of a repository."""


class GitHub(Forge[Owned]):
    """One owner (organization or user) at one server, and the patterns of the repositories wanted of it."""

    kind = SOURCE
    replaces_other_hosts = True

    def __init__(self, api: Api, owner: str, patterns: Sequence[str], rules: DeployRules | None = None) -> None:
        super().__init__(api.client, api.server.host, owner, patterns, is_cloud=api.server.is_cloud)
        self.api, self.rules = api, rules or DeployRules()

    def overview(self, _cursors: Cursors) -> Owned:
        """The owner's repositories. Raises ``NotFound`` for an unknown owner."""
        return owned(self.api, self.owner)

    def streams(self, overview: Owned, cursors: Cursors, context: RunContext) -> Iterator[Stream[Any]]:
        """The organization's people, what became of open deployments, and every list of every repository."""
        reading = Reading(self.api, self.prefix, self.rules, context.git_repositories)
        if overview.organization:
            yield PeopleStream(self.api, self.owner)
        yield OpenDeployments(reading, self.owner, overview.repositories, cursors)
        for repository in overview.repositories:
            for stream in STREAMS:
                yield stream(reading, repository)

    def probes(self, repository: Repository) -> Mapping[str, Callable[[], object]]:
        """What REST gives."""
        path = f"/repos/{repository.name}/actions/runs"
        return {RunStream.list_name: lambda: self.api.rest(path, {"per_page": "1"})}
