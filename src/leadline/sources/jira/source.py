"""Jira: the issues of projects with their histories, and the sprints of boards. A project is read once in the order in which its
issues were made; from then on one query tells what changed in all projects, and a daily list of all keys what was deleted."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from leadline.errors import InvalidRequest
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
    groups,
)
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor, Cursors
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, Row, RunContext, Skipped
from leadline.sources.kit.streams import Stream, StreamReader

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

    def projects(self, server: Server) -> list[Project]:
        """The projects wanted, by key. Raises ``InvalidRequest`` for unknown ones, ``Refused`` if none is seen at all."""
        if server.is_cloud:
            listed = list(self.api.values("/rest/api/3/project/search", size=100, what="projects"))
        else:
            listed = json_objects(self.api.get("/rest/api/2/project", what="projects"))
        seen = [Project(str(node.get("id")), str(node["key"])) for node in listed if node.get("id") and node.get("key")]
        if not seen:
            raise Refused(f"{self.api.client.tool} shows {server.me} {_NO_PROJECT}")
        for pattern in self.patterns:
            if not any(_fits(project.key, pattern) for project in seen):
                raise InvalidRequest(self._unknown(pattern, [project.key for project in seen]))
        patterns = self.patterns or ("*",)
        wanted = (project for project in seen if any(_fits(project.key, pattern) for pattern in patterns))
        return sorted(wanted, key=lambda project: project.key)

    def _fields(self, server: Server) -> FieldMap:
        return field_map(json_objects(self.api.get(f"{server.api}/field", what="fields")), self.columns)

    def _unknown(self, pattern: str, keys: Sequence[str]) -> str:
        near = difflib.get_close_matches(pattern, keys, 3) or sorted(keys)[:5]
        return (
            f"{self.api.client.tool} has no project {pattern}, or its user lacks the permission 'Browse projects' for it; "
            f"there {'is' if len(near) == 1 else 'are'} {', '.join(near)}{' …' if len(keys) > len(near) else ''}"
        )

    def _renamed(self, projects: Sequence[Project], cursors: Cursors) -> Page:
        """Takes away what is there under keys that projects gave up; those and their successors are read anew."""
        names = {project: project.cursor_name(self.api.site.host) for project in projects}
        before = {project: cursors.get(name, ProjectCursor).key for project, name in names.items()}
        left = {key for project, key in before.items() if key is not None and key != project.key}
        anew = [project for project, key in before.items() if key is not None and (key in left or project.key in left)]
        parents: list[Row] = [{"project": key} for key in sorted(left)]
        forgotten: dict[str, Cursor | None] = {names[project]: None for project in anew}
        return Page(
            "projects", complete_parents={"work_items": parents, "work_item_changes": parents}, cursors=forgotten
        )


def _fits(key: str, pattern: str) -> bool:
    return fnmatchcase(key.upper(), pattern.upper())
