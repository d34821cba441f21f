"""Jira: the issues of projects with their histories, and the sprints of boards.

Settings and a credential come in; pages of rows with their cursors go out (``leadline.sources.kit.page``). A project is read
once in the order in which its issues were made; from then on one query tells what changed in all projects. Once a day the
keys of every project are listed, so that deleted issues are found.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest, NotFound
from leadline.sources.jira.api import Api, Node, Server, headers, site
from leadline.sources.jira.boards import Boards
from leadline.sources.jira.fields import field_map, overrides
from leadline.sources.jira.people import SOURCE, People
from leadline.sources.jira.reading import MINUTE, Issues, Step, millis
from leadline.sources.jira.rows import Shapes, former_keys, instant, issue_rows, key_of, statuses
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.page import (
    CallStats,
    ConnectionReport,
    Page,
    Row,
    RunContext,
    Skipped,
    State,
    left_out,
    with_cursors,
)
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.kit.text import Misshapen

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

LAG = 5 * MINUTE
"""What changed this shortly before the newest change is asked for again: a search may not have shown it yet."""
APART = 24 * 60 * MINUTE
"""Projects known up to instants that lie further apart (ms) are asked for apart."""
KNOWN = 5_000
"""Issues remembered as delivered at most, of those that will be asked for again."""
STEPS_STORED = 20
"""Pages of changes after which it is stored how far they were read."""
MAX_FAILED_STREAMS = 3
"""Streams that fail for the server's troubles before the others are not tried any more."""
_NO_PROJECT = "no project; its user needs the permission 'Browse projects' (and a token with scopes: read:jira-work)"


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """The one source of a site. Raises ``InvalidRequest`` for an address, a project or an option that cannot be."""
    where = site(settings.url)
    targets = list(dict.fromkeys(target.strip().upper() for target in settings.targets))
    for target in targets:
        if not re.fullmatch(r"[A-Z0-9_*?\[\]!-]+", target):
            raise InvalidRequest(f"{target[:80]!r} names no project; write its key, as SHOP, or a pattern, as 'SHOP*'")
    overrides(settings.options.get("field", ()))
    if where.is_known_cloud and not settings.option("user"):
        raise InvalidRequest("Jira cloud knows API tokens by their user: give --user with the email of its account")
    name = f"jira:{where.host}" + (f":{'+'.join(targets).lower()}" if targets else "")
    return [named(settings, name, targets)]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Jira:
    """The connector. Raises ``InvalidRequest`` if ``secret`` is no token."""
    where, user = site(settings.url), settings.option("user")
    token = one_line(secret or "", settings.secret_place)
    http = client(tool=f"Jira at {where.host}", headers=headers(user, token))
    given = overrides(settings.options.get("field", ()))
    return Jira(Api(where, http, settings.secret_place.text, user), settings.targets, given)


@dataclass(frozen=True)
class Project:
    """A project as Jira lists it. ``id`` never changes, ``key`` may."""

    id: str
    key: str


@dataclass
class Jira:
    """One site, the patterns of the keys of the projects wanted (none: all), and the fields that columns are taken from."""

    api: Api
    patterns: Sequence[str]
    given: Mapping[str, str] = field(default_factory=dict)
    kind: str = SOURCE
    _states: dict[str, State] = field(default_factory=dict)

    @property
    def lock(self) -> str:
        """One run at a time reads a site."""
        return f"source:jira:{self.api.site.host}"

    def figures(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.figures()

    # -- projects ----------------------------------------------------------------------------------------------------

    def projects(self, server: Server) -> list[Project]:
        """The projects wanted, by key. Raises ``InvalidRequest`` for unknown ones, ``Refused`` if none is seen at all."""
        if server.is_cloud:
            listed = list(self.api.values("/rest/api/3/project/search", size=100, what="projects"))
        else:
            answer = self.api.get("/rest/api/2/project", what="projects")
            listed = [each for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []
        seen = [Project(str(each.get("id")), str(each["key"])) for each in listed if each.get("id") and each.get("key")]
        if not seen:
            raise Refused(f"{self.api.client.tool} shows {server.me} {_NO_PROJECT}")
        for pattern in self.patterns:
            if not any(_fits(each.key, pattern) for each in seen):
                raise InvalidRequest(self._unknown(pattern, [each.key for each in seen]))
        wanted = [each for each in seen if not self.patterns or any(_fits(each.key, one) for one in self.patterns)]
        return sorted(wanted, key=lambda each: each.key)

    def _unknown(self, pattern: str, keys: Sequence[str]) -> str:
        near = difflib.get_close_matches(pattern, keys, 3) or sorted(keys)[:5]
        return (
            f"{self.api.client.tool} has no project {pattern}, or its user lacks the permission 'Browse projects' for it; "
            f"there {'is' if len(near) == 1 else 'are'} {', '.join(near)}{' …' if len(keys) > len(near) else ''}"
        )

    def check(self) -> ConnectionReport:
        """What the credential may see, without reading anything else. Raises ``LeadlineError`` as ``pages`` does."""
        server = self.api.server()
        found = self.projects(server)
        fields = field_map(self._fields(server), self.given)
        hidden = self._boards().check()
        if not fields.columns["story_points"]:
            hidden.append(Skipped("story points", "there is no such field; name one with --field story_points=NAME"))
        return ConnectionReport(
            self.api.site.host, server.me, "projects", tuple(each.key for each in found), tuple(hidden)
        )

    def _fields(self, server: Server) -> list[Node]:
        answer = self.api.get(f"{server.api}/field", what="fields")
        return [each for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []

    def _boards(self, wanted: Sequence[Project] = ()) -> Boards:
        scope = "+".join(sorted(self.patterns)) or "*"
        keys = [each.key for each in wanted] if self.patterns else None
        return Boards(self.api, f"{self.api.site.host}:boards {scope}", keys)

    # -- pages -------------------------------------------------------------------------------------------------------

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything new, project by project. Raises ``LeadlineError`` when Jira cannot be read any further."""
        self._states = dict(context.cursors)
        server = self.api.server()
        wanted = self.projects(server)
        fields = field_map(self._fields(server), self.given)
        meanings = statuses(self.api.get(f"{server.api}/status", what="statuses"))
        shapes = Shapes(fields, People(self.api, server.is_cloud), server.web, meanings)
        reader = Issues(self.api, server, fields.asked)
        yield self._known(self._moved(wanted))
        troubles: list[Unavailable] = []
        for what, pages in self._streams(wanted, reader, shapes):
            try:
                for page in pages:
                    yield self._known(page)
            except (Refused, NotFound, Misshapen) as error:
                yield left_out(what, what, error)
            except Unavailable as error:
                troubles.append(error)
                if len(troubles) == MAX_FAILED_STREAMS:
                    break
        if troubles:  # what could be read in spite of them is there
            raise troubles[0]

    def _streams(
        self, wanted: Sequence[Project], reader: Issues, shapes: Shapes
    ) -> Iterator[tuple[str, Iterator[Page]]]:
        """What is read, one after the other. What is gone comes first: what is new must not be missing in the lists of keys."""
        for project in wanted:
            yield f"deleted issues of {project.key}", self._deleted(project, reader)
        for project in wanted:
            yield f"issues of {project.key}", self._first(project, reader, shapes)
        for group in self._groups(wanted):
            yield f"changes of {', '.join(each.key for each in group[:5])}", self._changes(group, reader, shapes)
        yield "sprints", self._boards(wanted).pages(self._states.get(self._boards().cursor, {}))

    def _known(self, page: Page) -> Page:
        return with_cursors(self._states, page)

    def _cursor(self, project: Project) -> str:
        return f"{self.api.site.host}#{project.id}"

    def _state(self, project: Project) -> State:
        return self._states.get(self._cursor(project), {})

    def _moved(self, wanted: Sequence[Project]) -> Page:
        """Takes away what is there under keys that projects gave up; those and their successors are read anew."""
        before = {each: str(self._state(each)["key"]) for each in wanted if "key" in self._state(each)}
        left = {key for project, key in before.items() if key != project.key}
        anew = [each for each, key in before.items() if key in left or each.key in left]
        parents: list[Row] = [{"project": key} for key in sorted(left)]
        cursors: dict[str, State | None] = {self._cursor(each): None for each in anew}
        return Page("projects", complete_parents={"work_items": parents, "work_item_changes": parents}, cursors=cursors)

    # -- issues ------------------------------------------------------------------------------------------------------

    def _first(self, project: Project, reader: Issues, shapes: Shapes) -> Iterator[Page]:
        """All issues of a project that was not read to its end yet, in the order in which they were made."""
        state = self._state(project)
        if "at" in state:
            return
        since = state.get("since") or _millis(self.api.now())
        for step in reader.walk(f"project = {project.id}", "created", state.get("walk") or {}):
            if step.state is not None:
                state = {"key": project.key, "since": since, "walk": step.state}
            else:  # what changed meanwhile is asked for next
                state = {"key": project.key, "at": since, "listed": self._today()}
            yield self._page(project.key, step, reader, shapes, {self._cursor(project): state})

    def _groups(self, wanted: Sequence[Project]) -> Iterator[list[Project]]:
        """Projects that were read to their ends, those together that are known up to about the same instant."""
        group: list[Project] = []
        for project in sorted((each for each in wanted if "at" in self._state(each)), key=self._at):
            if group and self._at(project) - self._at(group[0]) > APART:
                yield group
                group = []
            group.append(project)
        if group:
            yield group

    def _at(self, project: Project) -> int:
        return int(self._state(project)["at"])

    def _changes(self, group: Sequence[Project], reader: Issues, shapes: Shapes) -> Iterator[Page]:
        """What changed in projects since the instant up to which all of them are known, less a lag."""
        at = self._at(group[0])
        since = instant(at - LAG)
        with_cursors = f"{self.api.site.host}:delivered"
        delivered: Mapping[str, str] = dict(self._states.get(with_cursors) or {})
        seen: dict[str, str] = {}
        scope = f"project in ({', '.join(each.id for each in group)})"
        begin = {"from": (at - LAG) // MINUTE * MINUTE}
        now = _millis(self.api.now())
        walk = reader.walk(scope, "updated", begin, lambda issue: delivered.get(_identity(issue)) == _version(issue))
        for number, step in enumerate(walk, 1):
            seen |= {_identity(each): _version(each) for each in step.met}
            newest = max(
                (found for each in step.met if (found := millis(_version(each) or None)) is not None), default=at
            )
            # An issue that claims to have changed in times to come must not hide what changes until then.
            at = max(at, min(newest, _millis(self.api.now())))
            if step.state is None and len(seen) > KNOWN:
                at = max(at, now)  # too many to know them again: by the next run they are out of the lag's time
            seen = {name: each for name, each in seen.items() if (millis(each or None) or 0) >= at - LAG - MINUTE}
            cursors: dict[str, State | None] = {}
            if step.state is None or number % STEPS_STORED == 0:
                kept = seen if len(seen) <= KNOWN else {}
                cursors = {self._cursor(each): {**self._state(each), "at": at} for each in group if self._at(each) < at}
                cursors |= {with_cursors: kept} if kept != self._states.get(with_cursors, {}) else {}
            if step.issues or cursors:
                yield self._page("changes", step, reader, shapes, cursors, since)

    def _page(
        self,
        subject: str,
        step: Step,
        reader: Issues,
        shapes: Shapes,
        cursors: Mapping[str, State | None],
        since: str | None = None,
    ) -> Page:
        """The rows of a step. ``since``: the instant after which it tells of changes; before it, something is there already."""
        rows: dict[str, list[Row]] = {"work_items": [], "work_item_changes": []}
        whole: dict[str, list[Row]] = {"work_items": [], "work_item_changes": []}
        skipped, reader.skipped = reader.skipped, []
        for issue, histories in step.issues:
            try:
                made = issue_rows(issue, histories, shapes)
            except Misshapen as error:
                skipped.append(Skipped(str(issue.get("key") or issue.get("id")), str(error)))
                continue
            for table, found in made.items():
                rows[table] += found
            if since is None or histories is None:
                continue
            left = former_keys(issue, histories, since)
            project, key = key_of(issue)
            whole["work_items"] += left
            whole["work_item_changes"] += [{"project": project, "key": key}, *left]
        rows["tool_accounts"] = shapes.people.new()
        return Page(subject, rows, whole, cursors=cursors, records=len(step.issues), skipped=tuple(skipped))

    def _deleted(self, project: Project, reader: Issues) -> Iterator[Page]:
        """Once a day: takes away the issues of a project that are not there any more."""
        state, today = self._state(project), self._today()
        if "at" not in state or state.get("listed") == today:
            return
        keys = reader.keys(project.id)
        if not keys:  # a search that finds nothing may be one of an index that is being built
            yield Page(project.key, cursors={self._cursor(project): {**state, "listed": today}})
            return
        kept: list[Row] = [dict(zip(("project", "key"), key_of({"key": key}), strict=True)) for key in keys]
        parents: list[Row] = [{"project": project.key}]
        tables = ("work_items", "work_item_changes")
        yield Page(
            project.key,
            complete_parents=dict.fromkeys(tables, parents),
            still_present=dict.fromkeys(tables, kept),
            cursors={self._cursor(project): {**state, "listed": today}},
        )

    def _today(self) -> str:
        return self.api.now().date().isoformat()


def _fits(key: str, pattern: str) -> bool:
    return fnmatchcase(key.upper(), pattern.upper())


def _identity(issue: Node) -> str:
    return str(issue.get("id"))


def _version(issue: Node) -> str:
    """When an issue was changed last, as ``instant`` writes it; '' if it does not tell."""
    fields = issue.get("fields")
    try:
        return instant(fields.get("updated") if isinstance(fields, dict) else None) or ""
    except Misshapen:
        return ""


def _millis(when: datetime) -> int:
    return round(when.astimezone(UTC).timestamp() * 1000)
