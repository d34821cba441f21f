"""What is read of Jira's projects: all issues once, then what changed, and once a day which issues are there still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import ClassVar

from leadline.sources.jira.api import Api
from leadline.sources.jira.reading import MINUTE, Issues, Place, Step, json_objects, millis, time_of
from leadline.sources.jira.rows import Shapes, former_keys, instant, issue_rows, key_of, version_row
from leadline.sources.kit.cursor import Cursor, Cursors, Stored
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, Rows
from leadline.sources.kit.streams import Stream
from leadline.sources.kit.text import Misshapen

LAG = 5 * MINUTE
"""What changed this shortly before the newest change is asked for again: a search may not have shown it yet."""
APART = 24 * 60 * MINUTE
"""Projects known up to instants that lie further apart (ms) are asked for apart."""
REMEMBERED = 5_000
"""Issues remembered as delivered at most, of those that will be asked for again."""
STEPS_STORED = 20
"""Pages of changes after which it is stored how far they were read."""
_TABLES = ("work_items", "work_item_changes")


@dataclass(frozen=True)
class Project:
    """A project as Jira lists it. ``id`` never changes, ``key`` may."""

    id: str
    key: str

    def cursor_name(self, host: str) -> str:
        """The name that its cursor is stored under."""
        return f"{host}#{self.id}"


@dataclass(frozen=True)
class ProjectCursor(Cursor):
    """How far a project was read. Instants are milliseconds since 1970.

    ``key``: what it was called; ``begun``, ``place``: when its first reading began, and where that is; ``until``: the instant
    up to which all changes are known, once that has ended; ``keys_listed`` and ``versions_listed``: the days on which its keys and
    its versions were listed last.
    """

    VERSION: ClassVar[int] = 2

    key: str | None = None
    begun: int | None = None
    place: Place | None = None
    until: int | None = None
    keys_listed: str | None = None
    versions_listed: str | None = None

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which had other names."""
        names = {"key": "key", "since": "begun", "at": "until", "listed": "keys_listed"}
        document = {names[name]: value for name, value in stored.items() if name in names}
        if walk := stored.get("walk"):
            document["place"] = {"begin" if name == "from" else name: value for name, value in walk.items()}
        return document


@dataclass(frozen=True)
class DeliveredCursor(Cursor):
    """The issues that will be met again because of the lag, by id: when they had changed last when they were delivered."""

    VERSION: ClassVar[int] = 2

    updated: dict[str, str] = field(default_factory=dict)

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """Version 1 was the instants themselves."""
        return {"updated": stored}


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share."""

    api: Api
    issues: Issues
    shapes: Shapes

    @property
    def now(self) -> int:
        """Jira's time, in milliseconds since 1970."""
        return round(self.api.now().astimezone(UTC).timestamp() * 1000)

    @property
    def today(self) -> str:
        """The day by Jira's clock."""
        return self.api.now().date().isoformat()

    def page(self, subject: str, step: Step, cursors: Mapping[str, Cursor | None], since: str | None = None) -> Page:
        """The rows of a step. ``since``: the instant after which it tells of changes; before it, something is there already."""
        rows: Rows = {table: [] for table in _TABLES}
        complete: dict[str, list[Row]] = {table: [] for table in _TABLES}
        skipped, self.issues.skipped = self.issues.skipped, []
        for issue, histories in step.issues:
            try:
                made = issue_rows(issue, histories, self.shapes)
            except Misshapen as error:
                skipped.append(Skipped(str(issue.get("key") or issue.get("id")), error.message))
                continue
            for table, rows_of_issue in made.items():
                rows[table] += rows_of_issue
            if since is None or histories is None:
                continue
            left = former_keys(issue, histories, since)
            project, key = key_of(issue)
            complete["work_items"] += left
            complete["work_item_changes"] += [{"project": project, "key": key}, *left]
        rows["tool_accounts"] = self.shapes.people.new()
        return Page(subject, rows, complete, cursors=cursors, records=len(step.issues), skipped=tuple(skipped))


class OfProject(Stream[ProjectCursor]):
    """A list of one project."""

    cursor = ProjectCursor
    of = "issues"
    """What it is a list of."""

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(project.key, f"{self.of} of {project.key}", project.cursor_name(reading.api.site.host))
        self.reading, self.project = reading, project


class DeletionStream(OfProject):
    """Once a day: takes away the issues of a project that are not there any more."""

    of = "deleted issues"

    def due(self, cursor: ProjectCursor) -> bool:
        """Whether the project was read to its end, and its keys were not listed today."""
        return cursor.until is not None and cursor.keys_listed != self.reading.today

    def read(self, cursor: ProjectCursor) -> Iterator[Page]:
        """The keys of all issues that are there."""
        cursor = replace(cursor, keys_listed=self.reading.today)
        keys = self.reading.issues.keys(self.project.id)
        if not keys:  # a search that finds nothing may be one of an index that is being built
            yield self.page({}, cursor)
            return
        present: list[Row] = [dict(zip(("project", "key"), key_of({"key": key}), strict=True)) for key in keys]
        parents: list[Row] = [{"project": self.project.key}]
        yield self.page(
            {}, cursor, complete_parents=dict.fromkeys(_TABLES, parents), still_present=dict.fromkeys(_TABLES, present)
        )


class VersionStream(OfProject):
    """Once a day: the versions of a project. Those that are not there any more are taken away."""

    of = "versions"

    def due(self, cursor: ProjectCursor) -> bool:
        """Whether the project was read to its end, and its versions were not listed today."""
        return cursor.until is not None and cursor.versions_listed != self.reading.today

    def read(self, cursor: ProjectCursor) -> Iterator[Page]:
        """All versions of the project."""
        key, rows, skipped = self.project.key, list[Row](), list[Skipped]()
        path = f"{self.reading.issues.server.api}/project/{self.project.id}/versions"
        for version in json_objects(self.reading.api.get(path, what=self.name)):
            try:
                rows.append(version_row(key, version, self.reading.issues.server.web))
            except Misshapen as error:
                skipped.append(Skipped(f"version {version.get('name') or version.get('id')} of {key}", error.message))
        yield self.page(
            {"versions": rows},
            replace(cursor, versions_listed=self.reading.today),
            complete_parents={"versions": [{"project": key}]},
            skipped=skipped,
            records=len(rows),
        )


class ProjectStream(OfProject):
    """All issues of a project that was not read to its end yet, in the order in which they were made."""

    def due(self, cursor: ProjectCursor) -> bool:
        """Whether it was not read to its end."""
        return cursor.until is None

    def read(self, cursor: ProjectCursor) -> Iterator[Page]:
        """The issues from where the reading stands."""
        key, begun = self.project.key, cursor.begun or self.reading.now
        for step in self.reading.issues.walk(f"project = {self.project.id}", "created", cursor.place or Place()):
            if step.place is not None:
                cursor = ProjectCursor(key, begun, step.place)
            else:  # what changed meanwhile is asked for next
                cursor = ProjectCursor(key, until=begun, keys_listed=self.reading.today)
            yield self.reading.page(key, step, {self.cursor_name: cursor})


def groups(projects: Sequence[Project], host: str, cursors: Cursors) -> Iterator[list[Project]]:
    """Projects that were read to their ends, those together that are known up to about the same instant."""
    cursors_of = {project: cursors.get(project.cursor_name(host), ProjectCursor) for project in projects}
    known_until = {project: cursor.until for project, cursor in cursors_of.items() if cursor.until is not None}
    group: list[Project] = []
    for project in sorted(known_until, key=lambda project: known_until[project]):
        if group and known_until[project] - known_until[group[0]] > APART:
            yield group
            group = []
        group.append(project)
    if group:
        yield group


class ChangeStream(Stream[DeliveredCursor]):
    """What changed in projects since the instant up to which all of them are known, less a lag."""

    cursor = DeliveredCursor

    def __init__(self, reading: Reading, group: Sequence[Project], cursors: Cursors) -> None:
        host = reading.api.site.host
        keys = ", ".join(project.key for project in group[:5])
        super().__init__("changes", f"changes of {keys}", f"{host}:delivered")
        self.reading, self.group, self._cursors = reading, group, cursors
        self._names = [project.cursor_name(host) for project in group]

    def due(self, _cursor: DeliveredCursor) -> bool:
        """Always: nothing tells without a call."""
        return True

    def read(self, cursor: DeliveredCursor) -> Iterator[Page]:
        """The issues that changed, oldest change first; those delivered already are met, not brought."""
        before = [self._cursors.get(name, ProjectCursor) for name in self._names]
        until = before[0].until or 0
        since = instant(until - LAG)
        now = self.reading.now
        met: dict[str, str] = {}
        walk = self.reading.issues.walk(
            f"project in ({', '.join(project.id for project in self.group)})",
            "updated",
            Place((until - LAG) // MINUTE * MINUTE),
            lambda issue: cursor.updated.get(_id_of(issue)) == _updated(issue),
        )
        for number, step in enumerate(walk, 1):
            met |= {_id_of(issue): _updated(issue) for issue in step.met}
            instants = (millis(_updated(issue) or None) for issue in step.met)
            newest = max((at for at in instants if at is not None), default=until)
            # An issue that claims to have changed in times to come must not hide what changes until then.
            until = max(until, min(newest, self.reading.now))
            if step.place is None and len(met) > REMEMBERED:
                until = max(until, now)  # too many to know them again: by the next run they are out of the lag's time
            met = {issue: at for issue, at in met.items() if (millis(at or None) or 0) >= until - LAG - MINUTE}
            cursors: dict[str, Cursor | None] = {}
            if step.place is None or number % STEPS_STORED == 0:
                cursors = self._moved(until, DeliveredCursor(met if len(met) <= REMEMBERED else {}))
            if step.issues or cursors:
                yield self.reading.page("changes", step, cursors, since)

    def _moved(self, until: int, delivered: DeliveredCursor) -> dict[str, Cursor | None]:
        """The cursors that are others now."""
        moved: dict[str, Cursor | None] = {}
        for name in self._names:
            cursor = self._cursors.get(name, ProjectCursor)
            if (cursor.until or 0) < until:
                moved[name] = replace(cursor, until=until)
        if delivered != self._cursors.get(self.cursor_name, DeliveredCursor):
            moved[self.cursor_name] = delivered
        return moved


def _id_of(issue: Node) -> str:
    return str(issue.get("id"))


def _updated(issue: Node) -> str:
    """When an issue was changed last, as ``instant`` writes it; '' if it does not tell."""
    return time_of(issue, "updated") or ""
