"""What is read of Linear's teams: all issues once, then what changed in all teams together, and once a day which issues are there
still, the cycles and the users."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from leadline.instants import rfc3339
from leadline.sources.kit.cursor import Cursor, Cursors
from leadline.sources.kit.lists import ListCursor, Step, before, read_all, walk
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, merged, rows_of
from leadline.sources.kit.streams import Stream
from leadline.sources.linear.api import Api
from leadline.sources.linear.issues import Issues
from leadline.sources.linear.queries import CYCLES, LIST, USERS
from leadline.sources.linear.rows import account_row, cycle_row, issue_rows, key_of, moved_from

LAG = timedelta(minutes=5)
"""What changed this shortly before a reading began is asked for again: a list may not have shown it yet."""
TABLES = ("work_items", "work_item_changes")


@dataclass(frozen=True)
class Team:
    """A team as Linear lists it. ``id`` never changes, ``key`` may: it is what its issues' identifiers begin with."""

    id: str
    key: str

    def cursor_name(self, place: str) -> str:
        """The name that its cursor is stored under."""
        return f"{place}#{self.id}"


@dataclass(frozen=True)
class TeamCursor(ListCursor):
    """How far a team was read for the first time. ``key``: what it was called; ``watermark``: when that reading began, once it has
    ended; ``keys_listed``: the day on which its keys were listed last."""

    key: str | None = None
    keys_listed: str | None = None


@dataclass(frozen=True)
class ChangesCursor(ListCursor):
    """How far changes are known, of the ``teams`` (ids) that were read together last."""

    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class DailyCursor(Cursor):
    """The ``day`` (by Linear's clock) on which a list was read last."""

    day: str = ""


@dataclass(frozen=True)
class Reading:
    """What the streams of one run share."""

    api: Api
    issues: Issues
    place: str

    @property
    def now(self) -> str:
        """Linear's time."""
        return rfc3339(self.api.now)

    @property
    def today(self) -> str:
        """The day by Linear's clock."""
        return self.now[:10]

    def page(self, stream: Stream[Any], step: Step[Node], cursors: Mapping[str, Cursor], since: str | None) -> Page:
        """The rows of a step. ``since``: the instant after which it tells of changes; before it, something is there already."""
        made, skipped = rows_of(step.nodes, issue_rows, _called)
        lacking, self.issues.skipped = self.issues.skipped, []
        complete: dict[str, list[Row]] = {table: [] for table in TABLES}
        for node, rows in made if since else ():
            key, gone = key_of(node.get("identifier")), not rows
            left = [] if node.get("history") is None else moved_from(node, since or "")
            complete["work_items"] += [key, *left] if gone else left
            complete["work_item_changes"] += [key, *left] if gone or "work_item_changes" in rows else left
        return Page(
            stream.subject,
            merged(rows for _, rows in made),
            complete,
            cursors=cursors,
            records=len(step.nodes),
            skipped=(*lacking, *skipped),
        )


def _called(node: Node) -> str:
    return f"issue {str(node.get('identifier') or node.get('id'))[:40]}"


class OfTeam(Stream[TeamCursor]):
    """A list of one team."""

    cursor = TeamCursor
    of = "issues"
    """What it is a list of."""

    def __init__(self, reading: Reading, team: Team) -> None:
        super().__init__(team.key, f"{self.of} of {team.key}", team.cursor_name(reading.place))
        self.reading, self.team = reading, team


class DeletionStream(OfTeam):
    """Once a day: takes away the issues of a team that are not there any more."""

    of = "deleted issues"

    def due(self, cursor: TeamCursor) -> bool:
        """Whether the team was read to its end, and its keys were not listed today."""
        return cursor.watermark is not None and cursor.keys_listed != self.reading.today

    def read(self, cursor: TeamCursor) -> Iterator[Page]:
        """The keys of all issues that are there."""
        present = [key_of(key) for key in self.reading.issues.keys(self.team.id)]
        yield self.page(
            {},
            replace(cursor, keys_listed=self.reading.today),
            complete_parents={table: [{"project": self.team.key}] for table in TABLES},
            still_present=dict.fromkeys(TABLES, present),
        )


class TeamStream(OfTeam):
    """All issues of a team that was not read to its end yet."""

    def due(self, cursor: TeamCursor) -> bool:
        """Whether it was not read to its end."""
        return cursor.watermark is None

    def read(self, cursor: TeamCursor) -> Iterator[Page]:
        """The issues from where the reading stands; what changes meanwhile is asked for next."""
        reading, teams = self.reading, [self.team.id]
        steps = walk(
            cursor,
            lambda position, since: reading.issues.ask(teams, position, since),
            until=lambda _: None,
            begun=lambda: reading.now,
            change_token=[],
        )
        for step in steps:
            listed = reading.today if step.ended else None
            cursor = replace(step.moved(cursor), key=self.team.key, keys_listed=listed)
            yield reading.page(self, step, {self.cursor_name: cursor}, None)


class ChangeStream(Stream[ChangesCursor]):
    """What changed in the teams that were read to their ends."""

    cursor = ChangesCursor

    def __init__(self, reading: Reading, teams: Sequence[Team], cursors: Cursors, scope: str) -> None:
        super().__init__("changes", "changed issues", f"{reading.place}:changes {scope}")
        self.reading = reading
        begun = {team.id: cursors.get(team.cursor_name(reading.place), TeamCursor).watermark for team in teams}
        self._begun = {team: at for team, at in begun.items() if at is not None}

    def due(self, _cursor: ChangesCursor) -> bool:
        """Whether a team was read to its end: nothing else tells without a call."""
        return bool(self._begun)

    def read(self, cursor: ChangesCursor) -> Iterator[Page]:
        """The issues that changed since the instant up to which all teams are known, less a lag."""
        reading = self.reading
        if cursor.backfill is None:  # teams join where nothing is under way
            known = [cursor.watermark] if cursor.watermark else []
            joining = [at for team, at in self._begun.items() if team not in cursor.teams]
            cursor = replace(cursor, watermark=min([*known, *joining]), teams=tuple(sorted(self._begun)))
        teams = cursor.teams
        steps = walk(
            cursor,
            lambda position, since: reading.issues.ask(teams, position, since),
            until=before(LAG),
            begun=lambda: reading.now,
        )
        for step in steps:
            since = before(LAG)(cursor.watermark)
            cursor = step.moved(cursor)
            yield reading.page(self, step, {self.cursor_name: cursor}, since)


class DailyStream(Stream[DailyCursor]):
    """A short list that is read whole once a day."""

    cursor = DailyCursor

    def __init__(self, reading: Reading, subject: str, name: str) -> None:
        super().__init__(subject, name, f"{reading.place}:{name}")
        self.reading = reading

    def due(self, cursor: DailyCursor) -> bool:
        """Whether it was not read today."""
        return cursor.day != self.reading.today


class UserStream(DailyStream):
    """The users of the workspace, also those that left."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, "users", "users")

    def read(self, _cursor: DailyCursor) -> Iterator[Page]:
        """All of them."""
        api = self.reading.api
        nodes = read_all(lambda after: api.listed(USERS, {"size": LIST, "after": after}, "users", what="users"))
        made, skipped = rows_of(nodes, lambda node: {"tool_accounts": [account_row(node)]}, lambda _: "a user")
        rows = merged(rows for _, rows in made)
        yield self.page(rows, DailyCursor(self.reading.today), records=len(nodes), skipped=skipped)


class CycleStream(DailyStream):
    """The cycles of teams, as sprints. Those that are not there any more are taken away."""

    def __init__(self, reading: Reading, teams: Sequence[Team], scope: str) -> None:
        super().__init__(reading, "cycles", f"cycles {scope}")
        self._keys = {team.id: team.key for team in teams}

    def read(self, _cursor: DailyCursor) -> Iterator[Page]:
        """All of them."""
        nodes = read_all(self._ask)
        made, skipped = rows_of(nodes, self._rows, lambda node: f"cycle {str(node.get('id'))[:40]}")
        yield self.page(
            merged(rows for _, rows in made),
            DailyCursor(self.reading.today),
            records=len(nodes),
            complete_parents={"sprints": [{"board": key} for key in self._keys.values()]},
            skipped=list[Skipped](skipped),
        )

    def _ask(self, after: str | None) -> tuple[list[Node], str | None]:
        variables = {"size": LIST, "after": after, "teams": list(self._keys)}
        return self.reading.api.listed(CYCLES, variables, "cycles", what="cycles")

    def _rows(self, node: Node) -> dict[str, list[Row]]:
        team = node.get("team")
        board = self._keys.get(str(team.get("id"))) if isinstance(team, dict) else None
        return {"sprints": [cycle_row(board, node, self.reading.now)]} if board else {}
