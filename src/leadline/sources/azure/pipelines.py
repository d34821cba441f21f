"""The runs of a project's pipelines, its deployments to environments, and those of classic releases: lists of the project."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from datetime import timedelta

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.azure.api import BUILD, ENVIRONMENT, RELEASE, Scope
from leadline.sources.azure.pipeline_rows import build_rows, record_rows, release_rows
from leadline.sources.azure.queries import (
    LIST,
    builds,
    environments,
    finished,
    modified,
    records,
    release_deployments,
)
from leadline.sources.azure.rows import latest
from leadline.sources.azure.streams import ChangedCursor, ChangedStream, Project, Reading
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.lists import ListCursor, Listed, Step, before, read_all, walk
from leadline.sources.kit.page import Page
from leadline.sources.kit.records import Node, Rows, inner, merged, rows_of
from leadline.sources.kit.streams import Stream

LAG = timedelta(minutes=10)
"""What ended this shortly before a list was read is asked for again: it may not have been shown yet."""
ANYWAY = timedelta(days=1)
"""How often environments and classic releases are looked at where no pipeline of the project ran."""
MUTABLE = timedelta(days=1)
"""Deployments to environments made this shortly before the newest known are read again: they may not have ended."""


@dataclass(frozen=True)
class PipelineCursor(ListCursor):
    """How far a list of a project was read; ``asked``: when; ``refused``: why it could not be read last, if so."""

    asked: str = ""
    refused: str = ""


class ProjectStream(Stream[PipelineCursor]):
    """A list of a project that is read by when its things ended or changed, the oldest first."""

    cursor = PipelineCursor
    list_name: str
    record: str
    scope: Scope

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(
            project.name, f"{self.list_name} of {project.name}", reading.project_cursor(project, self.list_name)
        )
        self.reading, self.api, self.project = reading, reading.api, project

    def due(self, cursor: PipelineCursor) -> bool:
        """Whether it is not read to its end, or a pipeline ran, or nobody has looked for long."""
        is_new = cursor.watermark is None and not cursor.refused
        return bool(
            is_new or cursor.backfill or self.project.moved or cursor.asked <= earlier(self.reading.begun, ANYWAY)
        )

    def refused(self, cursor: PipelineCursor) -> str:
        """Why it could not be read last."""
        return cursor.refused

    def read(self, cursor: PipelineCursor) -> Iterator[Page]:
        """What ended or changed since the last time."""
        try:
            for step in self.steps(cursor):
                made, skipped = rows_of(step.nodes, self.rows, self._called)
                asked = self.reading.begun if step.ended else cursor.asked
                cursor = replace(step.moved(cursor), asked=asked, refused="")
                rows = merged(rows for _, rows in made)
                yield self.page(rows, cursor, records=len(step.nodes), skipped=skipped)
        except (Refused, NotFound) as error:
            yield self._told(cursor, error)
            raise

    def _told(self, cursor: PipelineCursor, error: Refused | NotFound) -> Page:
        """Remembers that it was refused: it is asked for again when there is a reason to, and every run tells of it."""
        refused = error.message if isinstance(error, Refused) else ""
        return self.page({}, replace(cursor, asked=self.reading.begun, refused=refused))

    def steps(self, cursor: PipelineCursor) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self._resumable, until=before(LAG), begun=lambda: self.reading.begun)

    def _resumable(self, token: str | None, since: str | None) -> Listed[Node]:
        """As ``ask``; a refusal of a page says that it may be its position that the server does not know any more."""
        try:
            return self.ask(token, since)
        except Refused as error:
            if token is None:
                raise
            raise Refused(f"{error.message} (cursor {token})") from error

    def ask(self, token: str | None, since: str | None) -> Listed[Node]:
        """One page of the list."""
        raise NotImplementedError

    def rows(self, node: Node) -> Rows:
        """A record's rows. Raises ``Misshapen``."""
        raise NotImplementedError

    def _called(self, node: Node) -> str:
        return f"{self.record} {node.get('id')} of {self.project.name}"


class BuildStream(ProjectStream):
    """Runs of pipelines that ended: builds, or by rule deployments."""

    list_name, record, scope = "builds", "build", BUILD

    def due(self, _cursor: PipelineCursor) -> bool:
        """Always: nothing tells without a call."""
        return True

    def ask(self, token: str | None, since: str | None) -> Listed[Node]:
        """One page of the list."""
        path = builds(self.project.id)
        nodes, following = self.api.listed(path, finished(since, token), what=self.name, scope=self.scope)
        self.project.builds |= {node["id"]: node for node in nodes if isinstance(node.get("id"), int)}
        self.project.moved |= bool(nodes)
        return nodes, following

    def rows(self, node: Node) -> Rows:
        """A run."""
        return build_rows(node, self.reading.naming)


class ReleaseStream(ProjectStream):
    """Deployments of classic releases, which may wait for somebody for days."""

    list_name, record, scope = "classic deployments", "classic deployment", RELEASE

    def ask(self, token: str | None, since: str | None) -> Listed[Node]:
        """One page of the list."""
        path = release_deployments(self.project.id)
        return self.api.listed(path, modified(since, token), what=self.name, scope=self.scope)

    def rows(self, node: Node) -> Rows:
        """A deployment."""
        return release_rows(node, self.reading.naming)


class EnvironmentsStream(ProjectStream):
    """Which environments a project has, where their deployments are to be read. Its cursor is moved once they were."""

    list_name, record, scope = "environments", "environment", ENVIRONMENT

    def read(self, cursor: PipelineCursor) -> Iterator[Page]:
        """Only remembers them."""
        try:
            self.project.environments = read_all(self._page)
        except (Refused, NotFound) as error:
            yield self._told(cursor, error)
            raise

    def _page(self, token: str | None) -> Listed[Node]:
        params = {"$top": LIST, **({"continuationToken": token} if token else {})}
        return self.api.listed(
            environments(self.project.id), params, what=self.name, scope=self.scope, version=self.api.server.preview
        )


class EnvironmentStream(ProjectStream):
    """The deployments to one environment, the newest first."""

    list_name, record, scope = "deployments", "deployment", ENVIRONMENT

    def __init__(self, reading: Reading, project: Project, environment: Node) -> None:
        super().__init__(reading, project)
        self.identity, self.environment = str(environment.get("id")), str(environment.get("name") or "")
        self.name = f"deployments to {self.environment} of {project.name}"
        self.cursor_name = reading.project_cursor(project, f"environment {self.identity}")

    def due(self, _cursor: PipelineCursor) -> bool:
        """Always: environments are listed only where they are to be read."""
        return True

    def steps(self, cursor: PipelineCursor) -> Iterator[Step[Node]]:
        """The list, down to what is known and has ended."""
        return walk(cursor, self._resumable, until=before(MUTABLE), instant=_made, change_token=[])

    def ask(self, token: str | None, _since: str | None) -> Listed[Node]:
        """One page of the list, each with the build that deployed."""
        params = {"top": LIST, **({"continuationToken": token} if token else {})}
        path = records(self.project.id, self.identity)
        nodes, following = self.api.listed(
            path, params, what=self.name, scope=self.scope, version=self.api.server.preview
        )
        known = self._builds({owner for node in nodes if (owner := _owner(node))})
        return [{**node, "build": known.get(_owner(node))} for node in nodes], following

    def _builds(self, wanted: Set[int]) -> dict[int, Node]:
        """The builds that deployed, by their ids; those that were not met in this run are asked for together."""
        if missing := sorted(wanted - self.project.builds.keys()):
            params = {"buildIds": ",".join(map(str, missing)), "$top": len(missing)}
            nodes, _ = self.api.listed(builds(self.project.id), params, what=self.name, scope=BUILD)
            self.project.builds |= {node["id"]: node for node in nodes if isinstance(node.get("id"), int)}
        return self.project.builds

    def rows(self, node: Node) -> Rows:
        """A deployment."""
        return record_rows(node, self.environment, inner(node, "build"), self.reading.naming)


def when_all_was_read(reading: Reading, project: Project) -> dict[str, Cursor | None]:
    """The cursors of lists of a project that are only moved once all was read that they told of."""
    moved: dict[str, Cursor | None] = {}
    if not project.unlisted:
        moved[reading.project_cursor(project, ChangedStream.list_name)] = ChangedCursor(reading.begun)
    if project.environments is not None:
        asked = PipelineCursor(watermark=reading.begun, asked=reading.begun)
        moved[reading.project_cursor(project, EnvironmentsStream.list_name)] = asked
    return moved


def _owner(node: Node) -> int:
    """The number of the build that a deployment was part of; 0 if it does not tell."""
    identity = (inner(node, "owner") or {}).get("id")
    return identity if isinstance(identity, int) else 0


def _made(node: Node) -> str | None:
    return latest(node.get("queueTime"), node.get("startTime"))
