"""The builds of a job, newest first, and how far they are read. Jenkins numbers its pages from the newest build. Each page asked
for has the last build of the one before, too: so it is seen when builds were deleted meanwhile and others moved up unread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from leadline.errors import NotFound
from leadline.sources.jenkins.api import Api, build_tree
from leadline.sources.jenkins.rows import KEYS, Job, identity, is_running, place_of, rows_of
from leadline.sources.kit.cursor import Stored
from leadline.sources.kit.lists import ListCursor, Listed, PageSize, walk
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, Rows, merged
from leadline.sources.kit.streams import Stream
from leadline.sources.kit.text import Misshapen

SIZE = 100
"""Builds asked for at once: each is a file that Jenkins has to read."""
SMALL_SIZE = 10
"""The same where a hundred are too much for the server."""
LAG = 60_000
"""Milliseconds: builds that began so shortly before the newest one known are read again."""
OPEN_FOR = 35 * 86_400_000
"""Milliseconds after which a build that has not ended is not asked for any more."""

Build = tuple[tuple[int, int], Node]
"""A build's number and beginning (milliseconds since 1970), and what Jenkins says of it."""


@dataclass(frozen=True)
class BuildsCursor(ListCursor):
    """How far a job's builds were read. The watermark is the newest build's ``mark``.

    ``rule``: the table that its builds are rows of, and their environment, when it was read; ``open``: by number, the
    beginnings of builds that had not ended; ``was``: names that it had before, while it is read for the first time.
    """

    VERSION: ClassVar[int] = 2

    rule: str = ""
    open: dict[str, int] = field(default_factory=dict)
    was: tuple[str, ...] = ()

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which had numbers and beginnings as lists, and a reading under way as ``descent``."""
        document: Stored = {"rule": stored.get("as", ""), "open": stored.get("open") or {}}
        document["was"] = stored.get("was") or ()
        if newest := stored.get("mark"):
            document["watermark"] = mark(*newest)
        if descent := stored.get("descent"):
            top = mark(*descent["top"]) if descent["top"] else None
            document["backfill"] = {
                "position": f"{descent['read']} {descent['lowest'] or 0}",
                "until": None if descent["floor"] is None else _padded(descent["floor"]),
                "newest": top,
                "change_token": [top],
            }
        return document


def mark(number: int, began: int) -> str:
    """A build by when it began and its number, so that later builds compare as greater texts."""
    return f"{_padded(began)} {number:010}"


def _padded(milliseconds: int) -> str:
    return f"{max(0, milliseconds):015}"


def _milliseconds(text: str) -> int:
    return int(text.partition(" ")[0])


def cursor_name(place: str, job: str) -> str:
    """The name of the cursor of the job called ``job`` on the server ``place``."""
    return f"{place}:job {job}"


class BuildStream(Stream[BuildsCursor]):
    """The builds of ``job``. ``vanished``: names of jobs that are not there any more, by the mark of their newest build."""

    cursor = BuildsCursor

    def __init__(self, api: Api, job: Job, vanished: Mapping[str, Sequence[str]]) -> None:
        self.place = api.server.place
        super().__init__(job.name, f"builds of {job.name}", cursor_name(self.place, job.name))
        self.api, self.job, self._vanished = api, job, vanished
        self._tree = build_tree(deployments=job.rule is not None)
        self._size = PageSize(SIZE, SMALL_SIZE, fewer=SIZE // SMALL_SIZE, more=1)
        self._open: dict[str, int] = {}
        self._skipped: list[Skipped] = []

    def due(self, cursor: BuildsCursor) -> bool:
        """Whether there is a build that is not known, or one that was running may have ended."""
        last = self.job.last
        if last is None:
            return False
        cursor = self._by_rule(cursor)
        if cursor.watermark != mark(*last) or cursor.backfill is not None:
            return True
        return bool(cursor.open) and not (self.job.running and set(cursor.open) == {str(last[0])})

    def _by_rule(self, cursor: BuildsCursor) -> BuildsCursor:
        """``cursor``, or where the rules are others than before, one with which all is read anew."""
        table = self.job.table
        rule = f"{table}={self.job.rule.environment or ''}" if self.job.rule else table
        if cursor.rule and cursor.rule != rule:
            cursor = BuildsCursor(was=(*cursor.was, self.job.name) if cursor.rule.partition("=")[0] != table else ())
        return replace(cursor, rule=rule)

    def read(self, cursor: BuildsCursor) -> Iterator[Page]:
        """From the newest build down to what is known, then what became of older ones that had not ended."""
        cursor = self._by_rule(cursor)
        self._open, open_before = cursor.open, set(cursor.open)
        last = mark(*self.job.last) if self.job.last else None
        for step in walk(
            cursor, self._ask, until=self._until, instant=lambda build: mark(*build[0]), change_token=[last]
        ):
            newest = step.backfill.newest if step.backfill else step.watermark
            was = (*cursor.was, *self._former_name(cursor, step.nodes))
            self._open = _still_open(self._open, step.nodes, newest)
            cursor = replace(step.moved(cursor), open=self._open, was=() if step.ended else was)
            yield self._page(step.nodes, cursor, was)
        yield from self._left_open(cursor, open_before)

    def _until(self, watermark: str | None) -> str | None:
        """Builds that began before this are known; None: nothing is."""
        if not watermark:
            return None
        until = _milliseconds(watermark) - LAG
        if self._open and self.job.last is not None and self.job.last[0] - min(map(int, self._open)) < SIZE:
            until = min(until, *self._open.values())  # with one page all of them are seen
        return _padded(until)

    def _ask(self, place: str | None, _until: str | None) -> Listed[Build]:
        """The page from ``place`` (how many builds are read, and the lowest number of these) on."""
        read, lowest = map(int, (place or "0 0").split())
        raw, begin, asked = self._listed(read)
        if begin and lowest and (not raw or min(_numbers(raw)[:1], default=lowest) < lowest):
            raw, begin, asked = self._listed(max(0, read - self._size.size))  # some moved up unread
        builds = [build for build in _placed(raw, self.job, self._skipped) if not lowest or build[0][0] < lowest]
        lowest = min([*_numbers(raw), *([lowest] if lowest else [])], default=0)
        return builds, None if len(raw) < asked else f"{begin + len(raw)} {lowest}"

    def _listed(self, read: int) -> tuple[list[Any], int, int]:
        """The builds after the first ``read`` of the newest, with the last of these; from where on, and how many were asked for."""
        begin = max(0, read - 1)

        def ask(size: int, attempts: int) -> tuple[list[Any], int, int]:
            end = read + size
            node = self.api.get(self.job.names, f"allBuilds[{self._tree}]{{{begin},{end}}}", attempts=attempts)
            builds = node.get("allBuilds")
            if not isinstance(builds, list):
                raise Misshapen("it has no list of builds")
            return builds, begin, end - begin

        return self._size.read(ask)

    def _former_name(self, cursor: BuildsCursor, builds: Sequence[Build]) -> list[str]:
        """The name that a job seen for the first time had before: of a job that vanished, whose newest build it has. One event may
        start several jobs at the same millisecond; of several only one whose last name is the same is taken for it."""
        if cursor.watermark or cursor.was:
            return []
        names = list(dict.fromkeys(name for place, _ in builds for name in self._vanished.get(mark(*place), ())))
        if len(names) > 1:
            names = [name for name in names if name.rpartition("/")[2] == self.job.names[-1]]
        return names if len(names) == 1 else []

    def _left_open(self, cursor: BuildsCursor, open_before: set[str]) -> Iterator[Page]:
        """What became of the builds that had not ended and are too old to be in what was read."""
        until = _milliseconds(self._until(cursor.watermark) or "0")
        for number, began in cursor.open.items():
            if number not in open_before or began >= until:
                continue
            rows: Rows = {}
            try:
                node = self.api.get(self.job.names, self._tree, build=int(number))
                if is_running(node):
                    continue
                rows = self._rows(_placed([node], self.job, self._skipped))
            except NotFound:
                pass  # deleted: it will not end any more
            cursor = replace(cursor, open={name: at for name, at in cursor.open.items() if name != number})
            parents = {self.job.table: [self._key(self.job.name, (int(number), began), self.job.table)]}
            yield self.page(
                rows, cursor, records=sum(map(len, rows.values())), complete_parents=parents, skipped=self._named_once()
            )

    def _page(self, builds: Sequence[Build], cursor: BuildsCursor, was: Sequence[str]) -> Page:
        rows = self._rows(builds)
        stale: dict[str, list[Row]] = {}
        for name in was:
            for table in KEYS:
                if name != self.job.name or table != self.job.table:  # under its own name, it was in the other table
                    stale.setdefault(table, []).extend(self._key(name, place, table) for place, _ in builds)
        return self.page(rows, cursor, records=len(builds), complete_parents=stale, skipped=self._named_once())

    def _key(self, name: str, place: tuple[int, int], table: str) -> Row:
        return {KEYS[table]: identity(self.place, name, *place)}

    def _rows(self, builds: Sequence[Build]) -> Rows:
        made = []
        for (number, _), build in builds:
            try:
                made.append(rows_of(self.place, self.job, build))
            except Misshapen as error:
                self._skipped.append(Skipped(f"{self.job.name} #{number}", error.message))
        return merged(made)

    def _named_once(self) -> list[Skipped]:
        """What was left out since the last page."""
        skipped, self._skipped = self._skipped, []
        return skipped


def _numbers(raw: Sequence[Any]) -> list[int]:
    return [build["number"] for build in raw if isinstance(build, dict) and isinstance(build.get("number"), int)]


def _placed(raw: Sequence[Any], job: Job, skipped: list[Skipped]) -> list[Build]:
    """The builds with their numbers and beginnings, in order."""
    builds: list[Build] = []
    for build in raw:
        try:
            if not isinstance(build, dict):
                raise Misshapen("it is no object")
            builds.append((place_of(build), build))
        except Misshapen as error:
            number = build.get("number") if isinstance(build, dict) else None
            skipped.append(Skipped(f"{job.name} #{str(number)[:20] if number else '?'}", error.message))
    return builds


def _still_open(before: Mapping[str, int], builds: Sequence[Build], newest: str | None) -> dict[str, int]:
    """The builds that have not ended, less those that are too old ever to end."""
    still_open = dict(before)
    for (number, began), build in builds:
        if is_running(build) and newest is not None and began > _milliseconds(newest) - OPEN_FOR:
            still_open[str(number)] = began
        else:
            still_open.pop(str(number), None)
    return still_open
