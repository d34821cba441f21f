"""The lists of a GitLab project that are counted: merge requests and releases; issues are in ``issues``. Each is read by
itself.

Lists are asked for what was updated since the last time, in the order in which their things were made, so that nothing moves
while they are read. Of those that are counted it is also known how many things they have, so that what vanished is missed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from leadline.instants import earlier, rfc3339
from leadline.sources.gitlab.api import Api, connection
from leadline.sources.gitlab.iterations import Iterations
from leadline.sources.gitlab.merge_requests import MergeRequests
from leadline.sources.gitlab.overview import Project
from leadline.sources.gitlab.queries import LIST, NUMBERS, RELEASES
from leadline.sources.gitlab.rows import merge_request_rows, number, release_rows
from leadline.sources.kit.cursor import Part, Stored
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import ListStream
from leadline.sources.kit.lists import ListCursor, Listed, NumberedPage, Step, before, read_all, walk
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, Rows, utc

LAG = timedelta(minutes=2)
"""What is this new when a list is read is read again next time: it may not have been shown yet."""
GONE_AT_ONCE = 2000
"""Things that vanished told of on one page."""

LISTS_OF = {
    "pull_request_commits": ("commits",),
    "pull_request_files": ("diffStats",),
    "reviews": ("notes", "approvedBy"),
    "comments": ("notes",),
}
"""Tables that have everything of a merge request once these lists of it are read."""


@dataclass(frozen=True)
class ProjectCursor(ListCursor):
    """How far a list was read. ``watermark``: GitLab's time when the last reading began. Version 1 had it less the lag."""

    VERSION = 2

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which had a reading under way as ``descent``."""
        document: Stored = {name: stored[name] for name in ("asked", "outside", "count") if name in stored}
        if since := stored.get("since"):
            document["watermark"] = earlier(since, -LAG)
        if descent := stored.get("descent"):
            position = descent.get("after")
            if "page" in descent:
                position = str(NumberedPage(descent["from"], descent["page"]))
            document["backfill"] = {"position": position, "until": since, "newest": descent["begun"]}
        if "top" in stored:
            document["highest"] = stored["top"]
        if tally := stored.get("tally"):
            document["tally"] = {"fresh": tally.get("fresh", 0), "highest": tally.get("top")}
        return document


@dataclass(frozen=True)
class Tally(Part):
    """What a reading has met so far: how many things above the highest of before, and the highest."""

    fresh: int = 0
    highest: int | str | None = None


@dataclass(frozen=True)
class CountedCursor(ProjectCursor):
    """How far a counted list was read. ``count``: how many things it has, None where that must be looked up; ``highest``: the
    highest number of them (releases: when the last was made)."""

    count: int | None = 0
    highest: int | str | None = None
    tally: Tally = Tally()


P = TypeVar("P", bound=ProjectCursor)


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share. ``begun``: the instant up to which the overview tells of everything; ``bounded``:
    whether it tells only of pipelines that moved since the last run. ``prefix`` makes GitLab's numbers differ from others'."""

    api: Api
    prefix: str
    rules: DeployRules
    begun: str
    bounded: bool
    iterations: Iterations

    @property
    def now(self) -> str:
        """GitLab's time."""
        return rfc3339(self.api.now, milliseconds=True)


class ProjectStream(ListStream[P]):
    """A list of a project; ``query`` asks for a page of it."""

    query: ClassVar[str] = ""

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(project)
        self.reading, self.api, self.project = reading, reading.api, project

    def steps(self, cursor: P) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self.ask, until=before(LAG), begun=lambda: self.reading.now)

    def ask(self, after: str | None, since: str | None) -> Listed[Node]:
        """One page of the list."""
        return self.page_of(self.query, after, since)

    def page_of(self, query: str, after: str | None, since: str | None = None) -> Listed[Node]:
        """One page of what ``query`` asks of the project."""
        variables = {"path": self.project.name, "size": LIST, "after": after, "since": since}
        if "$since" not in query:
            del variables["since"]
        return connection(self.api.graphql(query, variables), "project", "things")

    def number(self, node: Node) -> object:
        """What tells a record from others of its kind."""
        return node.get("iid") or node.get("tagName") or number(node.get("id"))


C = TypeVar("C", bound=CountedCursor)


class CountedStream(ProjectStream[C]):
    """A list of which the overview tells how many things it has: as ``connection`` calls it there."""

    connection: ClassVar[str]

    def due(self, cursor: C) -> bool:
        """Whether things were made, updated or deleted since."""
        if (count := self.project.count(self.connection)) is None:
            return False
        if cursor.backfill is not None or cursor.watermark is None or cursor.count != count:
            return True
        latest = self.project.latest(self.connection)
        return latest is not None and latest >= earlier(cursor.watermark, LAG)

    def read(self, cursor: C) -> Generator[Page, None, C]:
        """What was made and updated, then what vanished."""
        if self.project.count(self.connection) == 0 and cursor == type(cursor)():
            cursor = replace(cursor, watermark=self.reading.begun)
            yield self.page({}, cursor)
            return cursor
        cursor = yield from super().read(cursor)
        if cursor.count is None:
            yield from self.vanished(cursor)
        return cursor

    def moved(self, cursor: C, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> C:
        """``cursor`` behind a page; at the end with the count if every thing is accounted for, else without one."""
        marks: list[Any] = [_mark(node) for node in step.nodes]
        known: Any = cursor.highest
        fresh = cursor.tally.fresh + sum(known is None or mark > known for mark in marks)
        met = _highest(*marks, cursor.tally.highest)
        cursor = replace(super().moved(cursor, step, made), tally=Tally(fresh, met))
        if not step.ended:
            return cursor
        count = self.project.count(self.connection)
        accounted = cursor.count is not None and cursor.count + fresh == count
        return replace(cursor, count=count if accounted else None, highest=_highest(met, known), tally=Tally())

    def vanished(self, cursor: C) -> Iterator[Page]:
        """Takes away the numbers that nothing bears (any more); the cursor is right after the last page."""
        present = {int(iid) for iid in self.present() if iid.isdigit()}
        highest = max([*present, int(cursor.highest or 0)], default=0)
        missing = [iid for iid in range(1, highest + 1) if iid not in present]
        for start in range(0, len(missing), GONE_AT_ONCE):
            yield self.page(complete_parents=self.deleted(missing[start : start + GONE_AT_ONCE]))
        yield self.page({}, replace(cursor, count=len(present), highest=highest))

    def deleted(self, numbers: Sequence[int]) -> dict[str, list[Row]]:
        """Of what nothing is there any more, by table."""
        raise NotImplementedError

    def present(self) -> set[str]:
        """The numbers (or tags) of everything in the list."""
        nodes = read_all(lambda after: self.page_of(NUMBERS[self.connection], after))
        return {str(node.get("iid") or node.get("tagName")) for node in nodes}


def _mark(node: Node) -> int | str:
    """What grows from one thing of a list to the next: its number, or when it was made."""
    if "iid" not in node:
        return _made(node)
    iid = str(node["iid"])
    return int(iid) if iid.isascii() and iid.isdigit() else 0


def _highest(*marks: Any) -> Any:
    return max((mark for mark in marks if mark is not None), default=None)


class MergeRequestStream(CountedStream[CountedCursor]):
    """Merge requests with all their lists."""

    list_name, connection, record = "merge requests", "mergeRequests", "{subject}!{number}"
    cursor = CountedCursor
    lists_of = LISTS_OF
    make = staticmethod(merge_request_rows)

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(reading, project)
        self._reader = MergeRequests(self.api, project.name, project.identity)

    def ask(self, after: str | None, since: str | None) -> Listed[Node]:
        """One page of the list."""
        return self._reader.ask(after, since)

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """What could not be read."""
        skipped, self._reader.skipped = self._reader.skipped, []
        return {}, skipped

    def deleted(self, numbers: Sequence[int]) -> dict[str, list[Row]]:
        """Merge requests with all that was of them."""
        keys: list[Row] = [{"repository": self.subject, "number": iid} for iid in numbers]
        return dict.fromkeys(("pull_requests", *LISTS_OF), keys)


class ReleaseStream(CountedStream[CountedCursor]):
    """Releases, which cannot be asked for what is new: read from the newest down to what was there before."""

    list_name = connection = "releases"
    cursor = CountedCursor
    record = "release of {subject} {number}"
    query = RELEASES
    make = staticmethod(release_rows)

    def steps(self, cursor: CountedCursor) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self.ask, until=before(LAG), begun=lambda: self.reading.now, instant=_made)

    def vanished(self, cursor: CountedCursor) -> Iterator[Page]:
        """Releases are known by their tags: all but those that are there are taken away."""
        tags = self.present()
        yield self.page(
            {},
            replace(cursor, count=len(tags)),
            complete_parents={"releases": [{"repository": self.subject}]},
            still_present={"releases": [{"repository": self.subject, "tag": tag} for tag in sorted(tags)]},
        )


def _made(node: Node) -> str:
    return str(utc(node.get("createdAt")))
