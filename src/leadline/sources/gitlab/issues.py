"""A GitLab project's issues, with what iterations and weights they had where their group has iterations."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leadline.errors import NotFound
from leadline.sources.gitlab.api import RoleOrFeature
from leadline.sources.gitlab.iterations import NONE_THERE, change_rows, sprints_of
from leadline.sources.gitlab.overview import Project
from leadline.sources.gitlab.queries import ISSUES
from leadline.sources.gitlab.rows import issue_key, issue_rows
from leadline.sources.gitlab.streams import CountedCursor, CountedStream, Reading
from leadline.sources.kit.client import Refused
from leadline.sources.kit.lists import Listed
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, Rows, utc
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen


@dataclass(frozen=True)
class IssueCursor(CountedCursor):
    """How far issues were read. ``in_iterations``: whether that began when iterations were known, so that all of theirs is read."""

    in_iterations: bool = False


class IssueStream(CountedStream[IssueCursor]):
    """Issues; one that was moved to another project is there."""

    list_name = connection = "issues"
    record = "{subject}#{number}"
    query = ISSUES
    cursor = IssueCursor

    def __init__(self, reading: Reading, project: Project) -> None:
        super().__init__(reading, project)
        self._skipped: list[Skipped] = []
        self._tells_events = True

    def due(self, cursor: IssueCursor) -> bool:
        """Also where iterations have come to be known."""
        return super().due(cursor) or (self._lacks_iterations(cursor) and bool(self.project.count(self.connection)))

    def _lacks_iterations(self, cursor: IssueCursor) -> bool:
        return bool(self.reading.iterations.since) and not cursor.in_iterations

    def read(self, cursor: IssueCursor) -> Generator[Page, None, IssueCursor]:
        """All of them anew where iterations have come to be known and no reading is under way."""
        if self._lacks_iterations(cursor) and cursor.backfill is None and self.project.count(self.connection):
            cursor = replace(cursor, watermark=None, in_iterations=True)
        return (yield from super().read(cursor))

    def ask(self, after: str | None, since: str | None) -> Listed[Node]:
        """One page of the list, with the events of those that may have been in an iteration."""
        nodes, following = super().ask(after, since)
        return [self._with_events(node) for node in nodes], following

    def _with_events(self, node: Node) -> Node:
        iterations = self.reading.iterations
        touched = str(utc(node.get("updatedAt")))
        if not iterations.since or touched < iterations.since or not self._tells_events or "iteration" not in node:
            return node
        try:
            return {**node, "events": iterations.events(self.project.identity, str(node.get("iid")))}
        except RoleOrFeature:
            self._tells_events = False
            self._skipped.append(Skipped(f"iterations of issues of {self.subject}", NONE_THERE))
        except (Refused, NotFound, Misshapen) as error:
            self._skipped.append(left_out(f"iterations of {self._called(node)}", error))
        return node

    def beside(self) -> tuple[Rows, list[Skipped]]:
        """What could not be read."""
        skipped, self._skipped = self._skipped, []
        return {}, skipped

    def rows(self, node: Node) -> Rows:
        """An issue with its sprints, and their changes if its events are there."""
        rows, prefix = issue_rows(self.subject, node), self.reading.prefix
        for row in rows.get("work_items", ()):
            if (sprints := sprints_of(node, prefix)) is not None:
                row["sprints"] = sprints
            if "events" in node:
                key = {name: row[name] for name in ("project", "key")}
                rows["work_item_changes"] = change_rows(key, node, prefix)
        return rows

    def complete(self, made: Sequence[tuple[Node, Rows]]) -> dict[str, list[Row]]:
        """Issues that are somewhere else now, and those of which all changes are here."""
        moved = [node.get("iid") for node, rows in made if "work_items" not in rows]
        told = [node.get("iid") for node, rows in made if "work_item_changes" in rows]
        complete = deleted_issues(self.subject, moved) if moved else {}
        if told:
            changed = [*complete.get("work_item_changes", ()), *keys_of(self.subject, told)]
            complete["work_item_changes"] = changed
        return complete

    def deleted(self, numbers: Sequence[int]) -> dict[str, list[Row]]:
        """The issues."""
        return deleted_issues(self.subject, numbers)


def keys_of(project: str, numbers: Sequence[Any]) -> list[Row]:
    """The keys of the work items that the issues of these numbers are."""
    return [{"project": project, "key": issue_key(iid)} for iid in numbers]


def deleted_issues(project: str, numbers: Sequence[Any]) -> dict[str, list[Row]]:
    """The work items that the issues of these numbers were, with their changes."""
    return dict.fromkeys(("work_items", "work_item_changes"), keys_of(project, numbers))
