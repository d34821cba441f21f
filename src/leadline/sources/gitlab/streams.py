"""The lists of a GitLab project that are counted: merge requests, issues and releases. Each is read by itself.

Lists are asked for what was updated since the last time, in the order in which their things were made, so that nothing moves
while they are read. Of those that are counted it is also known how many things they have, so that what vanished is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from leadline.instants import earlier, rfc3339
from leadline.sources.gitlab.api import Api, connection
from leadline.sources.gitlab.merge_requests import MergeRequests
from leadline.sources.gitlab.overview import Project
from leadline.sources.gitlab.queries import ISSUES, LIST, NUMBERS, RELEASES
from leadline.sources.gitlab.rows import (
    issue_key,
    issue_rows,
    merge_request_rows,
    number,
    release_rows,
    utc,
)
from leadline.sources.kit.cursor import Part, Stored
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.forge import RepositoryStream
from leadline.sources.kit.lists import Ask, ListCursor, Listed, NumberedPage, Step, before, walk
from leadline.sources.kit.page import Page, Row
from leadline.sources.kit.records import Node, complete_parents, merged, rows_of

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


# -- cursors -----------------------------------------------------------------------------------------------------------


def _later(instant: str, lag: timedelta) -> str:
    return earlier(instant, -lag)


@dataclass(frozen=True)
class ProjectCursor(ListCursor):
    """How far a list was read. ``watermark``: GitLab's time when the last reading began. Version 1 had it less the lag."""

    VERSION = 2

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which had a reading under way as ``descent``."""
        document: Stored = {name: stored[name] for name in ("asked", "outside", "count") if name in stored}
        if since := stored.get("since"):
            document["watermark"] = _later(since, LAG)
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


# -- streams -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share. ``begun``: the instant up to which the overview tells of everything; ``bounded``:
    whether it tells only of pipelines that moved since the last run. ``prefix`` makes GitLab's numbers differ from others'."""

    api: Api
    prefix: str
    rules: DeployRules
    begun: str
    bounded: bool

    @property
    def now(self) -> str:
        """GitLab's time."""
        return rfc3339(self.api.now, milliseconds=True)


class ProjectStream(RepositoryStream[P]):
    """One list of a project."""

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(project)
        self.reading, self.api, self.project = reading, reading.api, project

    def walk(self, cursor: P, ask: Ask[Node], **how: Any) -> Iterator[Step[Node]]:
        """The list from ``cursor`` on."""
        return walk(cursor, ask, until=before(LAG), begun=lambda: self.reading.now, **how)

    def asking(self, query: str) -> Ask[Node]:
        """Asks ``query`` of the project."""

        def ask(after: str | None, since: str | None) -> Listed[Node]:
            variables = {"path": self.project.name, "size": LIST, "after": after, "since": since}
            if "$since" not in query:
                del variables["since"]
            return connection(self.api.graphql(query, variables), "project", "things")

        return ask


class CountedStream(ProjectStream[CountedCursor]):
    """A list of which the overview tells how many things it has: as ``connection`` calls it there."""

    cursor = CountedCursor
    connection: str

    def due(self, cursor: CountedCursor) -> bool:
        """Whether things were made, updated or deleted since."""
        if (count := self.project.count(self.connection)) is None:
            return False
        if cursor.backfill is not None or cursor.watermark is None or cursor.count != count:
            return True
        latest = self.project.latest(self.connection)
        return latest is not None and latest >= earlier(cursor.watermark, LAG)

    def read(self, cursor: CountedCursor) -> Iterator[Page]:
        """What was made and updated, then what vanished."""
        if self.project.count(self.connection) == 0 and cursor == CountedCursor():
            yield self.page({}, CountedCursor(watermark=self.reading.begun))
            return
        for step in self.steps(cursor):
            cursor = step.moved(self._tallied(cursor, step.nodes))
            if step.ended:
                cursor = self._accounted(cursor)
            yield self.of(step.nodes, cursor)
        if cursor.count is None:
            yield from self.vanished(cursor)

    def steps(self, cursor: CountedCursor) -> Iterator[Step[Node]]:
        """The list from ``cursor`` on."""
        raise NotImplementedError

    def of(self, nodes: Sequence[Node], cursor: CountedCursor) -> Page:
        """The page that has the rows of ``nodes``."""
        raise NotImplementedError

    def vanished(self, cursor: CountedCursor) -> Iterator[Page]:
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
        ask = self.asking(NUMBERS[self.connection])
        present: set[str] = set()
        after: str | None = None
        while True:
            nodes, after = ask(after, None)
            present.update(str(node.get("iid") or node.get("tagName")) for node in nodes)
            if after is None:
                return present

    def _tallied(self, cursor: CountedCursor, nodes: Sequence[Node]) -> CountedCursor:
        marks: list[Any] = [_mark(node) for node in nodes]
        before: Any = cursor.highest
        fresh = cursor.tally.fresh + sum(before is None or mark > before for mark in marks)
        met = [*marks, *([] if cursor.tally.highest is None else [cursor.tally.highest])]
        return replace(cursor, tally=Tally(fresh, max(met, default=None)))

    def _accounted(self, cursor: CountedCursor) -> CountedCursor:
        """``cursor`` at the end of a reading: with the count if every thing is accounted for, else without one."""
        marks: list[Any] = [mark for mark in (cursor.tally.highest, cursor.highest) if mark is not None]
        count = self.project.count(self.connection)
        accounted = cursor.count is not None and cursor.count + cursor.tally.fresh == count
        return replace(cursor, count=count if accounted else None, highest=max(marks, default=None), tally=Tally())


def _mark(node: Node) -> int | str:
    """What grows from one thing of a list to the next: its number, or when it was made."""
    if "iid" not in node:
        return str(utc(node.get("createdAt")))
    iid = str(node["iid"])
    return int(iid) if iid.isascii() and iid.isdigit() else 0


class MergeRequestStream(CountedStream):
    """Merge requests with all their lists."""

    list_name = "merge requests"
    connection = "mergeRequests"

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(reading, project)
        self._reader = MergeRequests(self.api, project.name, project.identity)

    def steps(self, cursor: CountedCursor) -> Iterator[Step[Node]]:
        """The list from ``cursor`` on."""
        return self.walk(cursor, self._reader.ask)

    def of(self, nodes: Sequence[Node], cursor: CountedCursor) -> Page:
        """The page that has the rows of ``nodes``."""
        name = self.project.name
        made, skipped = rows_of(nodes, lambda node: merge_request_rows(name, node), called(f"{name}!"))
        keys = [(node, {"repository": name, "number": rows["pull_requests"][0]["number"]}) for node, rows in made]
        skipped = list(dict.fromkeys([*self._reader.skipped, *skipped]))
        self._reader.skipped = []
        return self.page(
            merged(rows for _, rows in made),
            cursor,
            records=len(nodes),
            complete_parents=complete_parents(keys, LISTS_OF),
            skipped=skipped,
        )

    def deleted(self, numbers: Sequence[int]) -> dict[str, list[Row]]:
        """Merge requests with all that was of them."""
        keys: list[Row] = [{"repository": self.project.name, "number": number} for number in numbers]
        return dict.fromkeys(("pull_requests", *LISTS_OF), keys)


class IssueStream(CountedStream):
    """Issues; one that was moved to another project is there."""

    list_name = "issues"
    connection = "issues"

    def steps(self, cursor: CountedCursor) -> Iterator[Step[Node]]:
        """The list from ``cursor`` on."""
        return self.walk(cursor, self.asking(ISSUES))

    def of(self, nodes: Sequence[Node], cursor: CountedCursor) -> Page:
        """The page that has the rows of ``nodes``."""
        name = self.project.name
        made, skipped = rows_of(nodes, lambda node: issue_rows(name, node), called(f"{name}#"))
        moved = [
            {"project": name, "key": issue_key(node.get("iid"))} for node, rows in made if "work_items" not in rows
        ]
        return self.page(
            merged(rows for _, rows in made),
            cursor,
            records=len(nodes),
            complete_parents={"work_items": moved} if moved else {},
            skipped=skipped,
        )

    def deleted(self, numbers: Sequence[int]) -> dict[str, list[Row]]:
        """The issues."""
        return deleted_issues(self.project.name, numbers)


def deleted_issues(project: str, numbers: Sequence[int]) -> dict[str, list[Row]]:
    """The work items that the issues of these numbers were."""
    return {"work_items": [{"project": project, "key": issue_key(iid)} for iid in numbers]}


class ReleaseStream(CountedStream):
    """Releases, which cannot be asked for what is new: read from the newest down to what was there before."""

    list_name = "releases"
    connection = "releases"

    def steps(self, cursor: CountedCursor) -> Iterator[Step[Node]]:
        """The list from ``cursor`` on."""
        return self.walk(cursor, self.asking(RELEASES), instant=lambda node: str(utc(node.get("createdAt"))))

    def of(self, nodes: Sequence[Node], cursor: CountedCursor) -> Page:
        """The page that has the rows of ``nodes``."""
        name = self.project.name
        made, skipped = rows_of(nodes, lambda node: release_rows(name, node), called(f"release of {name} "))
        return self.page(merged(rows for _, rows in made), cursor, records=len(nodes), skipped=skipped)

    def vanished(self, cursor: CountedCursor) -> Iterator[Page]:
        """Releases are known by their tags: all but those that are there are taken away."""
        tags = self.present()
        yield self.page(
            {},
            replace(cursor, count=len(tags)),
            complete_parents={"releases": [{"repository": self.project.name}]},
            still_present={"releases": [{"repository": self.project.name, "tag": tag} for tag in sorted(tags)]},
        )


def called(label: str) -> Callable[[Node], str]:
    """Names a record: by ``label`` and its number."""
    return lambda node: f"{label}{node.get('iid') or node.get('tagName') or number(node.get('id'))}"
