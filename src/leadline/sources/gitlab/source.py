"""GitLab: the projects of a group with its subgroups or of a user, with merge requests, issues, releases and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.instants import earlier
from leadline.sources.gitlab.api import Api
from leadline.sources.gitlab.issues import IssueCursor, IssueStream, deleted_issues
from leadline.sources.gitlab.iterations import Iterations, IterationsCursor, IterationStream
from leadline.sources.gitlab.overview import Project, Projects
from leadline.sources.gitlab.pipelines import DeploymentStream, PipelineStream
from leadline.sources.gitlab.rows import SOURCE
from leadline.sources.gitlab.streams import (
    GONE_AT_ONCE,
    LAG,
    MergeRequestStream,
    ProjectCursor,
    Reading,
    ReleaseStream,
)
from leadline.sources.kit.cursor import Cursor, Cursors
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import STREAM, Forge, Overview
from leadline.sources.kit.page import Page, RunContext
from leadline.sources.kit.streams import Stream

STREAMS = (MergeRequestStream, IssueStream, ReleaseStream, DeploymentStream, PipelineStream)
"""In the order in which they are read of a project."""


@dataclass(frozen=True)
class RunCursor(Cursor):
    """The last run that read everything. ``since``: the instant from which on pipelines may have moved unseen."""

    since: str = ""


@dataclass(frozen=True)
class ProjectsOverview(Overview[Project]):
    """The projects, and what their streams share."""

    reading: Reading


class GitLab(Forge[ProjectsOverview]):
    """One group or user at one server, and the patterns of the projects wanted of it."""

    kind = SOURCE
    noun, nouns = "project", "projects"

    def __init__(self, api: Api, owner: str, patterns: Sequence[str], rules: DeployRules | None = None) -> None:
        super().__init__(api.client, api.server.host, owner, patterns, is_cloud=api.server.is_cloud)
        self.api, self.rules = api, rules or DeployRules()

    @property
    def _run(self) -> str:
        return f"{self.host}/{self.owner} {' '.join(self.patterns)}{STREAM}run"

    def overview(self, cursors: Cursors) -> ProjectsOverview:
        """The projects below the owner's path. Raises ``NotFound`` for an unknown one."""
        since = cursors.get(self._run, RunCursor).since or self._earliest(cursors)
        projects = Projects(self.api, self.owner)
        shown, hidden = projects.read(since)
        iterations = Iterations(self.api, self.owner if projects.may_have_iterations else "", self.prefix)
        iterations.since = cursors.get(IterationStream.called(iterations), IterationsCursor).since
        reading = Reading(self.api, self.prefix, self.rules, projects.begun, since is not None, iterations)
        return ProjectsOverview(shown, hidden, reading)

    def _earliest(self, cursors: Cursors) -> str | None:
        """Since when pipelines may have moved unseen where no run has come to its end yet."""
        ending = f"{STREAM}{PipelineStream.list_name}"
        names = [name for name in cursors if name.startswith(f"{self.host}#") and name.endswith(ending)]
        watermarks = [cursors.get(name, ProjectCursor).watermark for name in names]
        return min((earlier(watermark, LAG) for watermark in watermarks if watermark), default=None)

    def streams(self, overview: ProjectsOverview, _cursors: Cursors, _context: RunContext) -> Iterator[Stream[Any]]:
        """The iterations, and every list of every project."""
        if overview.reading.iterations.path:
            yield IterationStream(overview.reading.iterations, lambda: overview.reading.now[:10])
        for project in overview.repositories:
            for stream in STREAMS:
                yield stream(overview.reading, project)

    def probes(self, repository: Project) -> Mapping[str, Callable[[], object]]:
        """The lists that REST gives."""
        names = ("merge_requests", "issues", "releases", "deployments", "pipelines")
        path = f"/projects/{repository.identity}"
        return {name: lambda name=name: self.api.rest(f"{path}/{name}", {"per_page": "1"}) for name in names}  # type: ignore[misc]

    def before_renaming(self, name: str, key: str, cursors: Cursors) -> Iterator[Page]:
        """Issues are work items of a project, which goes by its name; they do not go with the repository."""
        highest = cursors.get(f"{key}{STREAM}{IssueStream.list_name}", IssueCursor).highest
        numbers = range(1, int(highest or 0) + 1)
        for start in range(0, len(numbers), GONE_AT_ONCE):
            yield Page(name, complete_parents=deleted_issues(name, numbers[start : start + GONE_AT_ONCE]))

    def when_all_was_read(self, overview: ProjectsOverview) -> Iterator[Page]:
        """The overview of the next run tells of pipelines that moved since this one's."""
        yield Page(self.owner, cursors={self._run: RunCursor(earlier(overview.reading.begun, LAG))})
