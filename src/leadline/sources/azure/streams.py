"""The pull requests of Azure DevOps' repositories. All of a repository are read once; from then on lists of its project tell which
are open and which were closed since. Nothing tells which of the open ones changed but their threads."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.azure.api import Api
from leadline.sources.azure.pipeline_rows import Naming
from leadline.sources.azure.pull_requests import PullRequests, counted
from leadline.sources.azure.queries import (
    PULL_REQUESTS,
    active,
    all_of_them,
    closed,
    pull_requests_of_project,
    pull_requests_of_repository,
)
from leadline.sources.azure.rows import branch, pull_request_rows, repository_row, utc
from leadline.sources.kit import forge
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor, Cursors
from leadline.sources.kit.forge import ListStream, cursor_name
from leadline.sources.kit.lists import ListCursor, Step, walk
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, Rows, inner
from leadline.sources.kit.streams import Stream
from leadline.sources.kit.text import Misshapen

LAG = timedelta(minutes=5)
"""What was closed this shortly before a run is looked for again: a list may not have shown it yet."""
LISTS_OF = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("changes",),
    "reviews": ("threads",),
    "comments": ("threads",),
}
"""Tables that have everything of a pull request once these lists of it are read."""


class Repository(forge.Repository):
    """A repository as the list of all shows it."""

    @property
    def identity(self) -> str:
        """Its id, which never changes."""
        return str(self.node.get("id"))

    @property
    def project(self) -> str:
        """The id of its project."""
        return str((inner(self.node, "project") or {}).get("id"))

    @property
    def is_disabled(self) -> bool:
        """Whether nobody may read it, although it is there."""
        return self.node.get("isDisabled") is True

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever pushed to it."""
        return branch(self.node.get("defaultBranch")) is None

    def row(self) -> Row:
        """Its row of ``repositories``."""
        return repository_row(self.name, self.node)


@dataclass
class Project:
    """What one run learns of a project. ``changed``: by repository, its pull requests that are open or were closed lately;
    ``unlisted``: whether these could not be told; ``builds``: runs of pipelines that ended lately, by id; ``moved``: whether there
    were any; ``environments``: those that are to be read, None if none is."""

    id: str
    name: str
    repositories: Sequence[Repository]
    changed: dict[str, list[Node]] = field(default_factory=dict)
    builds: dict[int, Node] = field(default_factory=dict)
    unlisted: bool = False
    moved: bool = False
    environments: list[Node] | None = None


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share. ``begun``: the tool's time when it began; ``scope``: what of the organization at ``host``
    is read, in the names of the projects' cursors."""

    api: Api
    naming: Naming
    begun: str
    host: str
    scope: str

    def project_cursor(self, project: Project, name: str) -> str:
        """The name of the cursor of a list of a project."""
        return f"{begin_of_cursors(self.host, project.id, self.scope)}{name}"


def begin_of_cursors(host: str, project: str, scope: str) -> str:
    """What the names of the cursors of a project begin with."""
    return f"{host}/project {project} {scope}:"


@dataclass(frozen=True)
class ChangedCursor(Cursor):
    """``since``: the instant up to which it is known what was closed in a project, once all of it was read."""

    since: str | None = None


@dataclass(frozen=True)
class PullRequestsCursor(ListCursor):
    """How far the pull requests of a repository were read. ``seen``: the marks of those that are open, by number."""

    seen: dict[str, str] = field(default_factory=dict)


class ChangedStream(Stream[ChangedCursor]):
    """Which pull requests of a project are open, and which were closed lately: what the streams of its repositories read."""

    cursor = ChangedCursor
    list_name = "changed"

    def __init__(self, reading: Reading, project: Project, cursors: Cursors) -> None:
        name = f"changed pull requests of {project.name}"
        super().__init__(project.name, name, reading.project_cursor(project, self.list_name))
        self.reading, self.project = reading, project
        names = [cursor_name(repository, PullRequestStream.list_name) for repository in project.repositories]
        marks = [cursors.get(name, PullRequestsCursor).watermark for name in names]
        self._known = [mark for mark in marks if mark is not None]

    def due(self, _cursor: ChangedCursor) -> bool:
        """Whether any repository was read to its end: nothing else tells without a call."""
        return bool(self._known)

    def read(self, cursor: ChangedCursor) -> Iterator[Page]:
        """Only remembers them; the cursor is moved when all was read."""
        self.project.unlisted = True
        api, path = self.reading.api, pull_requests_of_project(self.project.id)
        since = earlier(cursor.since or min(self._known), LAG)
        nodes = list(counted(api, path, active, what=self.name))
        for status in ("completed", "abandoned"):
            listed = counted(api, path, lambda skip, status=status: closed(status, since, skip), what=self.name)  # type: ignore[misc]
            # Older servers do not know the bound.
            nodes += [node for node in listed if str(utc(node.get("closedDate"))) >= since]
        changed: dict[str, dict[Any, Node]] = {}
        for node in nodes:
            repository = str((inner(node, "repository") or {}).get("id"))
            changed.setdefault(repository, {})[node.get("pullRequestId")] = node
        self.project.changed = {repository: list(found.values()) for repository, found in changed.items()}
        self.project.unlisted = False
        yield from ()


class PullRequestStream(ListStream[PullRequestsCursor]):
    """The pull requests of a repository with all their lists."""

    list_name, record = "pull requests", "{subject}!{number}"
    cursor = PullRequestsCursor
    lists_of = LISTS_OF

    def __init__(self, reading: Reading, project: Project, repository: Repository) -> None:
        super().__init__(repository)
        self.reading, self.project, self.repository = reading, project, repository
        path = pull_requests_of_repository(project.id, repository.identity)
        self._reader = PullRequests(reading.api, path, repository.name)
        self._seen: dict[str, str] = {}

    @property
    def _changed(self) -> list[Node]:
        return self.project.changed.get(self.repository.identity, [])

    def due(self, cursor: PullRequestsCursor) -> bool:
        """Whether it was not read to its end, or some are open or were closed lately."""
        if self.repository.is_disabled:
            return False
        return cursor.watermark is None or bool(self._changed or cursor.seen)

    def read(self, cursor: PullRequestsCursor) -> Generator[Page, None, PullRequestsCursor]:
        """What changed. If it is refused, all is read anew once it is not."""
        self._seen = dict(cursor.seen)
        try:
            return (yield from super().read(cursor))
        except (Refused, NotFound):
            if cursor != PullRequestsCursor():
                yield self.page({}, PullRequestsCursor())
            raise

    def steps(self, cursor: PullRequestsCursor) -> Iterator[Step[Node]]:
        """All there are, or those of which the project's lists tell."""
        if cursor.watermark is None:
            yield from walk(cursor, self._page, until=lambda _: None, begun=lambda: self.reading.begun, change_token=[])
            return
        changed = self._changed
        for start in range(0, len(changed), PULL_REQUESTS):
            nodes = self._whole(changed[start : start + PULL_REQUESTS])
            yield Step(nodes, cursor.watermark, None, None)
        self._seen = {number: mark for number, mark in self._seen.items() if number in self._open(changed)}
        if self._seen != cursor.seen:
            yield Step([], cursor.watermark, None, None)

    def _page(self, position: str | None, _since: str | None) -> tuple[list[Node], str | None]:
        """A page of all pull requests. New ones come before the others, which then are met again."""
        skip = int(position or 0)
        nodes, _ = self.reading.api.listed(self._reader.path, all_of_them(skip), what=self.name)
        further = str(skip + len(nodes)) if len(nodes) >= PULL_REQUESTS else None
        return self._whole(nodes), further

    def _whole(self, nodes: Sequence[Node]) -> list[Node]:
        """Those that changed since they were seen, with their lists."""
        changed = []
        for node in nodes:
            number = str(node.get("pullRequestId"))
            whole, mark = self._reader.whole(node, self._seen.get(number))
            if whole is not None:
                changed.append(whole)
            if mark and node.get("status") == "active":
                self._seen[number] = mark
            else:
                self._seen.pop(number, None)
        return changed

    @staticmethod
    def _open(nodes: Sequence[Node]) -> Set[str]:
        return {str(node.get("pullRequestId")) for node in nodes if node.get("status") == "active"}

    def moved(
        self, cursor: PullRequestsCursor, step: Step[Node], _made: Sequence[tuple[Node, Rows]]
    ) -> PullRequestsCursor:
        """``cursor`` behind a page, with the marks of what is open."""
        return replace(step.moved(cursor), seen=dict(self._seen))

    def rows(self, node: Node) -> Rows:
        """A pull request."""
        if not isinstance(node.get("pullRequestId"), int):
            raise Misshapen(f"its number is {str(node.get('pullRequestId'))[:40]!r}")
        return pull_request_rows(self.subject, self.repository.node.get("webUrl"), node)

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """What could not be read."""
        skipped, self._reader.skipped = self._reader.skipped, []
        return {}, skipped

    def number(self, node: Node) -> object:
        """What tells a pull request from others."""
        return node.get("pullRequestId")
