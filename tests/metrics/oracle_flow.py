"""The oracle of flow: how work items flow through teams, found the slow and obvious way from further-exports.md alone.

In come a ``World`` and a request, out goes the table that an export of flow must show. No SQL, no speed, no leadline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from .oracle import Cell, Request, periods, safe
from .oracle_events import World, assignee_at, by_key, left_out
from .oracle_names import one_name
from .oracle_people import Accounts, Row
from .oracle_trees import TeamRow, Trees

COLUMNS = {
    "throughput": ("Arrivals", "Throughput"),
    "wip": ("WIP_Avg", "WIP_End", "WIP_Age_Median_Days", "WIP_Age_P85_Days"),
    "cycle_time": ("Cycle_Time_Median_Days", "Cycle_Time_P85_Days", "Cycle_Time_P95_Days"),
    "flow_efficiency": ("Flow_Efficiency_Percent",),
    "reopened": ("Reopened",),
}
NAMED = {
    "todo": {"to do", "todo", "open", "new", "backlog", "reopened", "selected for development", "ready", "created"},
    "in_progress": {
        "in progress",
        "doing",
        "started",
        "in development",
        "in review",
        "review",
        "code review",
        "testing",
    }
    | {"in testing", "qa", "blocked"},
    "done": {"done", "closed", "resolved", "completed", "complete", "released", "fixed", "won't do", "cancelled"},
}
DAY = timedelta(days=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def meaning(category: str | None, status: str | None) -> str | None:
    """What a status means: as it is said, else by its name."""
    name = (status or "").strip().lower()
    return category or next((known for known, names in NAMED.items() if name in names), None)


@dataclass
class Visit:
    """A time in a status; of what has not been left yet ``left`` is never."""

    status: str | None
    category: str | None
    came_from: str | None
    entered: datetime | None
    left: datetime


def visits_of(row: Row, history: Sequence[Row]) -> list[Visit]:
    """Every visit of an item to a status, in order; nothing is before its creation."""
    moves = [one for one in history if one["field"].lower() == "status"]
    created = row.get("created_at")

    def after_creation(moment: datetime) -> datetime:
        return max(moment, created) if created else moment

    first = moves[0] if moves else None
    status = first.get("from_value") if first else row.get("status")
    said = first.get("from_category") if first else row.get("status_category")
    found = [Visit((status or "").strip() or None, meaning(said, status), None, created, NEVER)]
    for move in moves:
        moment = after_creation(move["changed_at"])
        found[-1].left = moment
        before = meaning(move.get("from_category"), move.get("from_value")) or found[-1].category
        if len(found) == 1:
            before = found[0].category
        name = (move.get("to_value") or "").strip() or None
        found.append(Visit(name, meaning(move.get("to_category"), name), before, moment, NEVER))
    return found


@dataclass
class Item:
    """A work item of a developer. ``completed``: as completed work; ``spans``: when it was in progress; ``working`` of
    ``under_way``: how long nothing was waited for, where that is known."""

    row: Row
    developer: str
    started: datetime | None
    completed: datetime | None
    visits: list[Visit]
    spans: list[tuple[datetime, datetime]]
    reopened: list[datetime]
    working: timedelta | None = None
    under_way: timedelta | None = None


class Items:
    """The work items of a world that belong to a developer and whose type is not left out."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts = Accounts(world.tables, world.everybody(), world.setting("bots"), world.setting("ai.agents"))
        changes = by_key(world.rows("work_item_changes"), "project", "key")
        found = [
            self._item(row, sorted(changes[row["project"], row["key"]], key=lambda one: one["changed_at"]))
            for row in world.rows("work_items")
        ]
        self.all = [item for item in found if item is not None and not self._excluded(item.row)]
        self._waits()

    def _excluded(self, row: Row) -> bool:
        names = {name.strip().lower() for name in self.world.setting("work_items.exclude_types").split(",")} - {""}
        return (row.get("type") or "").strip().lower() in names

    def _item(self, row: Row, history: Sequence[Row]) -> Item | None:
        visits = visits_of(row, history)
        done = row.get("completed_at") or last_done(row, history, visits)
        developer = self.accounts.developer("work", row.get("source"), assignee_at(row, history, done or NEVER))
        if done is None:
            developer = self.accounts.developer("work", row.get("source"), assigned_now(row, history))
        if developer is None:
            return None
        moved = len(visits) > 1
        entries = [one["changed_at"] for one in history if one["field"].lower() == "status" and into_progress(one)]
        since = [one.entered for one in visits if one.category == "in_progress" and one.entered]
        started = row.get("started_at") or min(entries, default=None) or min(since, default=None)
        spans = [(one.entered, one.left) for one in visits if one.category == "in_progress" and one.entered]
        if not moved and row.get("started_at"):
            now = meaning(row.get("status_category"), row.get("status"))
            spans = [(row["started_at"], done or NEVER)] if done or now == "in_progress" else []
        return Item(
            row=row,
            developer=developer,
            started=started,
            completed=None if done is None or left_out(self.world, row) else done,
            visits=visits,
            spans=[(begun, left) for begun, left in spans if left > begun],
            reopened=[
                one.entered for one in visits[1:] if one.came_from == "done" != one.category and one.entered is not None
            ],
        )

    def waiting(self, status: str | None) -> bool:
        """Whether a status has one of the words of waiting."""
        words = [one.strip() for one in self.world.setting("flow.wait_statuses").split(",") if one.strip()]
        return any(re.search(rf"(?i)(?<![^\W_]){re.escape(word)}(?![^\W_])", status or "") for word in words)

    def _waits(self) -> None:
        """Of projects with a status of waiting between start and completion: how long each completed item was worked on."""
        projects = {
            item.row["project"]
            for item in self.all
            for one in item.visits
            if self.waiting(one.status)
            and item.started
            and one.entered
            and one.left > item.started
            and (item.completed is None or one.entered < item.completed)
        }
        for item in self.all:
            if item.started is None or item.completed is None or item.completed <= item.started:
                continue
            if item.row["project"] not in projects or len(item.visits) < 2:
                continue
            item.under_way = item.completed - item.started
            item.working = timedelta()
            for one in item.visits:
                if one.category == "in_progress" and one.entered and not self.waiting(one.status):
                    begun, ended = max(one.entered, item.started), min(one.left, item.completed)
                    item.working += max(ended - begun, timedelta())


def last_done(row: Row, history: Sequence[Row], visits: Sequence[Visit]) -> datetime | None:
    """The last change into done from what is not, if the item is done now."""
    moves = [one for one in history if one["field"].lower() == "status"]
    now = meaning(row.get("status_category"), row.get("status")) or visits[-1].category
    into = [
        move["changed_at"]
        for move, visit in zip(moves, visits[1:], strict=True)
        if visit.category == "done" != visit.came_from
    ]
    return max(into, default=None) if now == "done" else None


def into_progress(change: Row) -> bool:
    return meaning(change.get("to_category"), change.get("to_value")) == "in_progress"


def assigned_now(row: Row, history: Sequence[Row]) -> str | None:
    """Who has an item that is not completed: as the item says."""
    assignee: str | None = row.get("assignee")
    return assignee


def percentile(values: Iterable[Fraction], at: Fraction) -> Fraction | None:
    """By Hyndman–Fan type 7; None over nothing."""
    known = sorted(values)
    if not known:
        return None
    place = (len(known) - 1) * at
    low = floor(place)
    return known[low] + (place - low) * (known[min(low + 1, len(known) - 1)] - known[low])


def in_days(duration: timedelta) -> Fraction:
    return max(Fraction(duration // timedelta(microseconds=1), DAY // timedelta(microseconds=1)), Fraction(0))


class Flow:
    """The values of rows."""

    def __init__(self, world: World, today: date | None) -> None:
        self.world, self.today = world, today
        self.items = Items(world).all

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, ZoneInfo(self.world.setting("timezone"))).astimezone(UTC)

    def values(self, row: TeamRow, first: date, last: date) -> Mapping[str, Cell]:
        def its(item: Item, moment: datetime | None) -> bool:
            day = self.world.local_date(moment) if moment else None
            return day is not None and first <= day <= last and item.developer in row.people(day)

        completed = [item for item in self.items if its(item, item.completed)]
        cycles = [in_days(item.completed - item.started) for item in completed if item.completed and item.started]
        end = last if self.today is None else min(last, self.today)
        days = [first + number * DAY for number in range((end - first).days + 1)]
        known = [item for item in completed if item.under_way is not None]
        under_way = sum((item.under_way or timedelta() for item in known), timedelta())
        working = sum((item.working or timedelta() for item in known), timedelta())
        values: dict[str, Fraction | int | None] = {
            "Arrivals": sum(its(item, item.started) for item in self.items),
            "Throughput": len(completed),
            **self._in_progress(row, days),
            "Cycle_Time_Median_Days": percentile(cycles, Fraction(1, 2)),
            "Cycle_Time_P85_Days": percentile(cycles, Fraction(17, 20)),
            "Cycle_Time_P95_Days": percentile(cycles, Fraction(19, 20)),
            "Flow_Efficiency_Percent": Fraction(working / timedelta(microseconds=1))
            * 100
            / Fraction(under_way / timedelta(microseconds=1))
            if under_way
            else None,
            "Reopened": sum(any(its(item, moment) for moment in item.reopened) for item in self.items),
        }
        return {name: None if value is None else Fraction(value) for name, value in values.items()}

    def _in_progress(self, row: TeamRow, days: Sequence[date]) -> Mapping[str, Fraction | int | None]:
        if not days:
            return dict.fromkeys(COLUMNS["wip"]) | {"WIP_End": 0}
        spent = timedelta()
        for day in days:
            begins, ends = self.midnight(day), self.midnight(day + DAY)
            people = row.people(day)
            for item in self.items:
                if item.developer in people:
                    spent += sum(
                        (max(min(left, ends) - max(begun, begins), timedelta()) for begun, left in item.spans),
                        timedelta(),
                    )
        end = self.midnight(days[-1] + DAY)
        open_then = [
            item
            for item in self.items
            if item.developer in row.people(days[-1]) and any(begun < end <= left for begun, left in item.spans)
        ]
        ages = [in_days(end - item.started) for item in open_then if item.started]
        length = end - self.midnight(days[0])
        return {
            "WIP_Avg": Fraction(spent // timedelta(microseconds=1), length // timedelta(microseconds=1)),
            "WIP_End": len(open_then),
            "WIP_Age_Median_Days": percentile(ages, Fraction(1, 2)),
            "WIP_Age_P85_Days": percentile(ages, Fraction(17, 20)),
        }


def chosen(request: Request) -> list[str]:
    """The columns asked for, in the order of the file."""
    asked = {name.lower() for name in request.metrics}
    return [
        name
        for group, names in COLUMNS.items()
        for name in names
        if not (asked or request.groups) or name.lower() in asked or group in request.groups
    ]


def export(world: World, request: Request) -> tuple[list[str], list[list[Cell]]]:
    """Header and rows of an export of flow; ``Team_Id`` is left empty, since ref ids are given out by leadline."""
    world = replace(world, tables=one_name(world.tables))
    trees, columns, flow = Trees(world, request.today), chosen(request), Flow(world, request.today)
    rows: list[list[Cell]] = []
    for label, first, last in periods(request.start, request.end, request.granularity):
        for row in trees.teams(request.scope, request.start, request.end):
            values = flow.values(row, first, last)
            place: list[Cell] = [safe(row.node.name), None, safe(row.node.path)]
            rows.append([label, first.isoformat(), last.isoformat(), *place, *(values[name] for name in columns)])
    return ["Granularity", "Start_Date", "End_Date", "Team", "Team_Id", "Team_Hierarchy", *columns], rows
