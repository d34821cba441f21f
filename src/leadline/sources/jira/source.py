"""Jira: the issues of projects with their histories, the projects' versions, and the sprints of boards. A project is read once in
the order in which its issues were made; from then on one query tells what changed in all projects, and a daily list of all keys
what was deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import Unusable
from leadline.sources.jira.api import Api, Server
from leadline.sources.jira.boards import Boards, SprintStream
from leadline.sources.jira.fields import FieldMap, field_map
from leadline.sources.jira.people import SOURCE, People
from leadline.sources.jira.reading import Issues, json_objects
from leadline.sources.jira.rows import Shapes, statuses
from leadline.sources.jira.streams import (
    ChangeStream,
    DeletionStream,
    Project,
    ProjectCursor,
    ProjectStream,
    Reading,
    VersionStream,
    groups,
)
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext, Skipped
from leadline.sources.kit.streams import Stream, StreamReader
from leadline.sources.kit.trackers import alike, fits, renamed

_NO_PROJECT = "no project; its user needs the permission 'Browse projects' (and a token with scopes: read:jira-work)"


@dataclass
class Jira:
    """One site, the patterns of the keys of the projects wanted (none: all), and the fields that columns are taken from."""

    api: Api
    patterns: Sequence[str]
    columns: Mapping[str, str] = field(default_factory=dict)
    kind: str = SOURCE

    @property
    def lock(self) -> str:
        """One run at a time reads a site."""
        return f"source:jira:{self.api.site.host}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.call_stats()

    def check(self) -> ConnectionReport:
        """What the credential may see, without reading anything else. Raises ``LeadlineError`` as ``pages`` does."""
        server = self.api.server()
        keys = tuple(project.key for project in self.projects(server))
        fields = self._fields(server)
        hidden = Boards(self.api, None).check()
        if not fields.columns["story_points"]:
            hidden.append(Skipped("story points", "there is no such field; name one with --field story_points=NAME"))
        return ConnectionReport(self.api.site.host, server.me, "projects", keys, tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything new, project by project. Raises ``LeadlineError`` when Jira cannot be read any further."""
        server = self.api.server()
        projects = self.projects(server)
        fields = self._fields(server)
        meanings = statuses(self.api.get(f"{server.api}/status", what="statuses"))
        shapes = Shapes(fields, People(self.api, server.is_cloud), server.web, meanings)
        reading = Reading(self.api, Issues(self.api, server, fields.asked), shapes)
        reader = StreamReader(context.cursors, self.api.client)
        yield reader.noted(self._renamed(projects, reader.cursors))
        yield from reader.pages(self._streams(projects, reading, reader))

    def _streams(self, projects: Sequence[Project], reading: Reading, reader: StreamReader) -> Iterator[Stream[Any]]:
        """What is gone comes first: what is new must not be missing in the lists of keys."""
        for project in projects:
            yield DeletionStream(reading, project)
        for project in projects:
            yield ProjectStream(reading, project)
        for group in groups(projects, self.api.site.host, reader.cursors):
            yield ChangeStream(reading, group, reader.cursors)
        keys = [project.key for project in projects] if self.patterns else None
        scope = "+".join(sorted(self.patterns)) or "*"
        yield SprintStream(Boards(self.api, keys), f"{self.api.site.host}:boards {scope}", reader)
        for project in projects:
            yield VersionStream(reading, project)

    def projects(self, server: Server) -> list[Project]:
        """The projects wanted, by key. Raises ``Unusable`` for unknown ones, ``Refused`` if none is seen at all."""
        if server.is_cloud:
            listed = list(self.api.values("/rest/api/3/project/search", size=100, what="projects"))
        else:
            listed = json_objects(self.api.get("/rest/api/2/project", what="projects"))
        seen = [Project(str(node.get("id")), str(node["key"])) for node in listed if node.get("id") and node.get("key")]
        if not seen:
            raise Refused(f"{self.api.client.tool} shows {server.me} {_NO_PROJECT}")
        for pattern in self.patterns:
            if not any(fits(project.key, [pattern]) for project in seen):
                raise Unusable(self._unknown(pattern, [project.key for project in seen]))
        wanted = (project for project in seen if fits(project.key, self.patterns))
        return sorted(wanted, key=lambda project: project.key)

    def _fields(self, server: Server) -> FieldMap:
        return field_map(json_objects(self.api.get(f"{server.api}/field", what="fields")), self.columns)

    def _unknown(self, pattern: str, keys: Sequence[str]) -> str:
        return (
            f"{self.api.client.tool} has no project {pattern}, or its user lacks the permission 'Browse projects' for it; "
            f"{alike(pattern, keys)}"
        )

    def _renamed(self, projects: Sequence[Project], cursors: Cursors) -> Page:
        """What is there under keys that projects gave up goes; those and their successors are read anew."""
        now = {project.cursor_name(self.api.site.host): project.key for project in projects}
        before = {name: cursors.get(name, ProjectCursor).key for name in now}
        return renamed(
            "projects", now, before, dict.fromkeys(("work_items", "work_item_changes", "versions"), "project")
        )
