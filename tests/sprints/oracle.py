"""Sprints from the specification alone, the slow and obvious way: one item in one sprint at a time, instants looked up one by one.

In comes a ``World`` (tables as lists of dicts, HR rows, settings); out go the rows of an export. Nothing here uses leadline.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from metrics.oracle_events import World
from metrics.oracle_people import Node, Row

Cell = Fraction | float | str | None

NOT_DONE = {
    *("won't do", "won't fix", "duplicate", "cannot reproduce", "declined"),
    *("rejected", "invalid", "obsolete", "incomplete", "not a bug"),
}


# -- values at an instant ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    at: datetime
    before: Any
    after: Any


def value(changes: Sequence[Change], now: Any, instant: datetime, *, just_before: bool = False) -> Any:
    """What the last change at or before an instant led to, else what the first one after it started from, else what is said now."""
    past = [change for change in changes if change.at < instant or (change.at == instant and not just_before)]
    if past:
        return past[-1].after
    return changes[0].before if changes else now


@dataclass(frozen=True)
class Item:
    """A work item with its history."""

    row: Row
    history: Sequence[Row]
    names: Mapping[str, str]
    """What a text in its sprints means, by text."""

    def changes(self, field: str, before: str = "from_value", after: str = "to_value") -> list[Change]:
        ordered = sorted(self.history, key=lambda row: (row["changed_at"], row.get("sequence") or 0))
        return [Change(row["changed_at"], row[before], row[after]) for row in ordered if row["field"] == field]

    def is_in(self, sprint: str, instant: datetime, *, just_before: bool = False) -> bool:
        created = self.row.get("created_at")
        if created is not None and (created > instant or (just_before and created == instant)):
            return False
        now = ";".join(self.row.get("sprints") or [])
        listed = value(self.changes("sprint"), now, instant, just_before=just_before) or ""
        return sprint in {self.names.get(text.strip()) for text in listed.split(";")}

    def points(self, instant: datetime) -> Fraction | None:
        text = value(self.changes("story_points"), self.row.get("story_points"), instant)
        try:
            number = Fraction(str(text))
        except ValueError:
            return None
        return number if number >= 0 else None

    def is_done(self, instant: datetime) -> bool:
        moves = self.changes("status", "from_category", "to_category")
        if moves:
            return bool(value(moves, None, instant) == "done")
        if self.row.get("status_category") != "done":
            return False
        completed = self.row.get("completed_at")
        return completed is None or completed <= instant

    def done_since(self, instant: datetime) -> datetime | None:
        """Since when it is done at an instant; None: always."""
        turns = [c.at for c in self.changes("status", "from_category", "to_category")]
        turns += [at for at in [self.row.get("completed_at")] if at is not None]
        for at in sorted((at for at in turns if at <= instant), reverse=True):
            if not self.is_done(at - timedelta(microseconds=1)):
                return at
        return None

    def assignee(self, instant: datetime) -> str | None:
        return value(self.changes("assignee"), self.row.get("assignee"), instant) or None


# -- items in sprints --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sprint:
    identity: str
    name: str
    boards: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass
class InSprint:
    """What an item is of a sprint, in one mode."""

    item: Item
    sprint: Sprint
    commit: Fraction = Fraction(0)
    creep: Fraction = Fraction(0)
    removed: Fraction = Fraction(0)
    kept: Fraction = Fraction(0)
    done: bool = False
    taken_out: bool = False
    unestimated: bool = False


def sprints_of(world: World) -> list[Sprint]:
    """Those that count."""
    by_id: dict[str, list[Row]] = {}
    for row in sorted(world.rows("sprints"), key=lambda row: row["board"]):
        by_id.setdefault(row["sprint_id"], []).append(row)
    found = []
    for identity, rows in by_id.items():

        def first(column: str, rows: list[Row] = rows) -> Any:
            return next((row[column] for row in rows if row.get(column) is not None), None)

        start = first("activated_at") or first("start_at")
        closed = (first("state") or "").lower() == "closed"
        end = first("completed_at") or (first("end_at") if closed else None)
        if start is not None and end is not None and start < end:
            boards = tuple(sorted({row["board"] for row in rows}))
            found.append(Sprint(identity, first("name") or identity, boards, start, end))
    return found


def names_of(world: World) -> dict[str, str]:
    """What sprints are called: ids, and names that one has alone."""
    called: dict[str, set[str]] = {}
    for identity in {row["sprint_id"] for row in world.rows("sprints")}:
        rows = sorted((r for r in world.rows("sprints") if r["sprint_id"] == identity), key=lambda row: row["board"])
        name = next((row["name"] for row in rows if row.get("name")), identity)
        called.setdefault(name, set()).add(identity)
    alone = {name: min(several) for name, several in called.items() if len(several) == 1}
    return {**alone, **{row["sprint_id"]: row["sprint_id"] for row in world.rows("sprints")}}


def judged(world: World, item: Item, sprint: Sprint, mode: str) -> InSprint | None:
    """What an item is of a sprint; None if it is nothing of it."""
    moments = {sprint.start, item.row.get("created_at"), *(change.at for change in item.changes("sprint"))}
    inside = sorted(at for at in moments if at is not None and sprint.start <= at < sprint.end)
    there = [at for at in inside if item.is_in(sprint.identity, at)]
    if not there:
        return None
    kinds = [kind.strip().lower() for kind in world.settings.get("work_items.exclude_types", "").split(",")]
    if (item.row.get("type") or "no type").lower() in kinds:
        return None
    grace = timedelta(days=int(world.settings.get("sprints.start_grace_days", "0")))
    if item.is_done(sprint.start):
        since = item.done_since(sprint.start)
        if since is None or since < sprint.start - grace:
            return None
    soon = timedelta(hours=int(world.settings.get("sprints.commit_grace_hours", "0")))
    came = there[0]
    committed = came <= sprint.start + soon
    stays = item.is_in(sprint.identity, sprint.end, just_before=True)
    at_start, at_end = (item.points(at) if mode == "STORY_POINTS" else Fraction(1) for at in (came, sprint.end))
    first, last = at_start or Fraction(0), at_end or Fraction(0)
    told = InSprint(item, sprint)
    told.done = item.is_done(sprint.end) and (item.row.get("resolution") or "").lower() not in NOT_DONE
    told.taken_out = not stays
    if committed:
        told.commit = first
        told.kept = min(first, last) if stays else Fraction(0)
        told.removed = first - told.kept
        told.creep = max(last - first, Fraction(0)) if stays else Fraction(0)
        told.unestimated = at_start is None
    elif stays:
        told.creep = last
        told.unestimated = at_end is None
    return told


# -- whose -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Export:
    """One export of a world: its rows are ``rows``."""

    world: World
    mode: str
    level: str
    granularity: str
    start: date
    end: date

    @cached_property
    def items(self) -> list[InSprint]:
        names = names_of(self.world)
        history: dict[tuple[str, str], list[Row]] = {}
        for row in self.world.rows("work_item_changes"):
            history.setdefault((row["project"], row["key"]), []).append(row)
        items = [
            Item(row, history.get((row["project"], row["key"]), []), names) for row in self.world.rows("work_items")
        ]
        found = [judged(self.world, item, sprint, self.mode) for sprint in sprints_of(self.world) for item in items]
        return [one for one in found if one is not None and self.start <= self.day(one.sprint.end) <= self.end]

    def day(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.world.settings.get("timezone", "UTC"))).date()

    def own(self, node: Node, rules: Mapping[str, str] | None) -> list[InSprint]:
        if rules is None:
            mine = {email.lower() for email in node.own}
            return [one for one in self.items if (one.item.assignee(one.sprint.end) or "").lower() in mine]
        return [one for one in self.items if all(holds(text, thing(one, name)) for name, text in rules.items())]

    def nodes(self) -> list[tuple[Node, list[InSprint]]]:
        """Every node with the items of its subtree, each once."""
        owned: dict[str, list[InSprint]] = {}

        def visit(node: Node, above: Mapping[str, str] | None) -> list[str]:
            rules = own_rules(self.world.settings, node.key) or above
            owned[node.path] = self.own(node, rules)
            below = [path for child in node.children for path in visit(child, rules)]
            every = [owned[path] for path in (node.path, *below)]
            subtrees[node.path] = list({id(one): one for several in every for one in several}.values())
            return [node.path, *below]

        subtrees: dict[str, list[InSprint]] = {}
        visit(self.world.tree, None)
        return [(node, subtrees[node.path]) for node in self.world.tree.preorder()]

    # -- rows ----------------------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Cell]]:
        if self.level == "sprint":
            return self._by_sprint()
        return self._by_dates() if self.granularity == "SPRINT" else self._by_period()

    def _by_sprint(self) -> list[dict[str, Cell]]:
        rows = []
        for place, (node, items) in enumerate(self.nodes()):
            for sprint in {one.sprint for one in items}:
                of_sprint = [one for one in items if one.sprint == sprint]
                label = (
                    sprint.name if self.granularity == "SPRINT" else period(self.day(sprint.end), self.granularity)[0]
                )
                days = (self.day(sprint.start), self.day(sprint.end))
                order = (days[1], days[0], sprint.end, sprint.start, sprint.identity, place)
                leading = {"Sprint": sprint.name, "Sprint_Id": sprint.identity, "Board": ";".join(sprint.boards)}
                rows.append((order, {**lead(label, *days, node), **leading, **cells(of_sprint)}))
        return [row for _, row in sorted(rows, key=lambda pair: pair[0])]

    def _by_dates(self) -> list[dict[str, Cell]]:
        rows = []
        for place, (node, items) in enumerate(self.nodes()):
            spans = {(self.day(one.sprint.end), self.day(one.sprint.start)) for one in items}
            for last, first in spans:
                same = [one for one in items if (self.day(one.sprint.end), self.day(one.sprint.start)) == (last, first)]
                label = min(one.sprint.name for one in same)
                rows.append(((last, first, place), {**lead(label, first, last, node), **cells(same)}))
        return [row for _, row in sorted(rows, key=lambda pair: pair[0])]

    def _by_period(self) -> list[dict[str, Cell]]:
        labels: dict[str, list[date]] = {}
        for number in range((self.end - self.start).days + 1):
            day = self.start + timedelta(days=number)
            labels.setdefault(period(day, self.granularity)[0], []).append(day)
        rows = []
        nodes = self.nodes()
        for label, days in labels.items():
            for node, items in nodes:
                inside = [one for one in items if self.day(one.sprint.end) in days]
                rows.append({**lead(label, days[0], days[-1], node), **cells(inside)})
        return rows


def period(day: date, granularity: str) -> tuple[str, ...]:
    if granularity == "WEEKLY":
        year, week, _ = day.isocalendar()
        return (f"{year}-W{week:02d}",)
    if granularity == "MONTHLY":
        return (day.strftime("%b %Y"),)
    return (f"Q{(day.month - 1) // 3 + 1} {day.year}",)


def lead(label: str, first: date, last: date, node: Node) -> dict[str, Cell]:
    return {
        "Granularity": label,
        "Start_Date": first.isoformat(),
        "End_Date": last.isoformat(),
        "Team": node.name,
        "Team_Hierarchy": node.path,
    }


def own_rules(settings: Mapping[str, str], key: str | None) -> dict[str, str] | None:
    names = ("project", "label", "board")
    return {name: settings[f"team.{key}.{name}"] for name in names if f"team.{key}.{name}" in settings} or None


def thing(one: InSprint, name: str) -> list[str]:
    if name == "board":
        return list(one.sprint.boards)
    return list(one.item.row.get("labels") or []) if name == "label" else [one.item.row["project"]]


def holds(text: str, values: Iterable[str]) -> bool:
    """Filters such as ``equals a, b; not contains c``, all of which must hold."""
    lower = [value.lower() for value in values]
    tests: Mapping[str, Callable[[str, str], bool]] = {
        "equals": lambda value, wanted: value == wanted,
        "contains": lambda value, wanted: wanted in value,
        "starts with": lambda value, wanted: value.startswith(wanted),
    }
    for part in text.split(";"):
        positive = part.strip().removeprefix("not ")
        name = next(name for name in tests if positive.startswith(name))
        wanted = [value.strip().lower() for value in positive.removeprefix(name).split(",")]
        hit = any(tests[name](value, one) for value in lower for one in wanted)
        if hit == part.strip().startswith("not "):
            return False
    return True


# -- cells -------------------------------------------------------------------------------------------------------------


def cells(items: Sequence[InSprint]) -> dict[str, Cell]:
    """Every column of a row that is of ``items``."""
    commit = sum((one.commit for one in items), Fraction(0))
    creep = sum((one.creep for one in items), Fraction(0))
    removed = sum((one.removed for one in items), Fraction(0))
    delivered = sum((one.kept for one in items if one.done), Fraction(0))
    delivered_creep = sum((one.creep for one in items if one.done), Fraction(0))
    totals: dict[str, list[Fraction]] = {}
    for one in items:
        of_sprint = totals.setdefault(one.sprint.identity, [Fraction(0), Fraction(0)])
        of_sprint[0] += one.kept + one.creep if one.done else 0
        of_sprint[1] += one.commit
    number = Fraction(len(totals))
    total = delivered + delivered_creep
    shares = [float(done / committed) * 100 for done, committed in totals.values() if committed]

    def over(part: Fraction, whole: Fraction, factor: int = 100) -> Fraction | None:
        return part * factor / whole if whole else None

    return {
        "Sprint_Commit": commit,
        "Sprint_Creep": creep,
        "Sprint_Size": commit + creep,
        "Scope_Creep_Percent": over(creep, commit),
        "Delivered_Commit": delivered,
        "Missed_Commit": sum((one.kept for one in items if not one.done), Fraction(0)),
        "Removed_Commit": removed,
        "Delivered_Creep": delivered_creep,
        "Missed_Creep": sum((one.creep for one in items if not one.done), Fraction(0)),
        "Total_Work_Delivered": total,
        "Sprint_Velocity": over(total, number, 1),
        "Total_Delivered_Work_Vs_Committed_Work": over(total, commit, 1),
        "Committed_Work_Delivered_Percent": over(delivered, commit),
        "Creep_Work_Delivered_Percent": over(delivered_creep, creep),
        "Total_Work_Delivered_Percent": over(total, commit + creep),
        "Tickets_Removed_Mid_Sprint": Fraction(sum(one.taken_out for one in items)),
        "Churn_Rate": over(creep + removed, commit),
        "Work_Removal_Rate_Percent": over(removed, commit),
        "Predictability_Delivery_Consistency": spread([float(done) for done, _ in totals.values()]),
        "Predictability_Reliability_Of_Commitment": spread(shares),
        "Sprints": number,
        "Unestimated_Items": Fraction(sum(one.unestimated for one in items)),
        "Average_Sprint_Size": over(commit + creep, number, 1),
    }


def spread(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
