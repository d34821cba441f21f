"""The oracle of time in status: the table that such an export must show, found the slow and obvious way from further-exports.md
alone. No SQL, no speed, no leadline.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from .oracle import Cell, periods, safe
from .oracle_events import World, left_out
from .oracle_flow import DAY, Item, Items, meaning, percentile
from .oracle_names import one_name
from .oracle_trees import TeamRow, Trees

HOUR = timedelta(hours=1)


@dataclass
class Asked:
    """What is asked: dates inclusive, ``scope`` a path of the tree (None: all), ``statuses`` by name (none: all that are met)."""

    start: date
    end: date
    granularity: str = "monthly"
    statuses: Sequence[str] = ()
    ends: str = "issue_resolved_at"
    calendar: str = "wall"
    scope: str | None = None


def column_of(status: str) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in status.strip().lower())
    name = re.sub("__+", "_", name).strip("_")
    return {"": "unnamed", "total": "total_status", "total_lead_time": "total_lead_time_status"}.get(name, name)


class Times:
    """How long each item was in each status until it ended."""

    def __init__(self, world: World, asked: Asked) -> None:
        self.world, self.asked = world, asked
        self.zone = ZoneInfo(world.setting("timezone"))
        self.items = [
            (item, end, self.spent(item, end))
            for item in Items(world).all
            if not left_out(world, item.row) and (end := self.end(item)) is not None
        ]

    def end(self, item: Item) -> datetime | None:
        """When the time of an item ends."""
        if self.asked.ends == "issue_resolved_at":
            now = meaning(item.row.get("status_category"), item.row.get("status")) or item.visits[-1].category
            return item.completed if now in ("done", None) else None
        named = set(item.row.get("fix_versions") or ())
        released = [
            row["released_at"]
            for row in self.world.rows("versions")
            if row["project"] == item.row["project"] and row["name"] in named and row.get("released_at")
        ]
        return min(released, default=None)

    def spent(self, item: Item, end: datetime) -> Mapping[str, Fraction]:
        """Hours by column, of statuses in which it was for any time."""
        found: dict[str, Fraction] = defaultdict(Fraction)
        for visit in item.visits:
            if visit.status is None or visit.entered is None:
                continue
            until = min(visit.left, end)
            if until > visit.entered:
                found[column_of(visit.status)] += self.hours(visit.entered, until)
        return found

    def hours(self, begun: datetime, ended: datetime) -> Fraction:
        """The time between two instants that counts, day by day."""
        if self.asked.calendar == "wall":
            return in_hours(ended - begun)
        total, day = timedelta(), begun.astimezone(self.zone).date()
        while self.midnight(day) < ended:
            if day.weekday() < 5:
                total += min(ended, self.midnight(day + DAY)) - max(begun, self.midnight(day))
            day += DAY
        return in_hours(total)

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def of(self, row: TeamRow, first: date, last: date) -> list[Mapping[str, Fraction]]:
        """The hours of each item of a row that ended within its period."""
        return [
            spent
            for item, end, spent in self.items
            if first <= (day := self.world.local_date(end)) <= last and item.developer in row.people(day)
        ]


def in_hours(duration: timedelta) -> Fraction:
    return Fraction(duration // timedelta(microseconds=1), HOUR // timedelta(microseconds=1))


def export(world: World, asked: Asked) -> tuple[list[str], list[list[Cell]]]:
    """Header and rows; ``team_id`` is left empty, since ref ids are given out by leadline."""
    world = replace(world, tables=one_name(world.tables))
    trees, times = Trees(world), Times(world, asked)
    grid = [
        (label, first, last, row, times.of(row, first, last))
        for label, first, last in periods(asked.start, asked.end, asked.granularity)
        for row in trees.teams(asked.scope, asked.start, asked.end)
    ]
    met = {column for *_, items in grid for spent in items for column in spent}
    columns = list(dict.fromkeys(map(column_of, asked.statuses))) or sorted(met)
    rows = [lead(label, row) + cells(columns, items, first, last) for label, first, last, row, items in grid]
    return header_of(columns), rows


def lead(label: str, row: TeamRow) -> list[Cell]:
    return [label, safe(row.node.name), safe(row.node.path)]


def cells(columns: Sequence[str], items: Sequence[Mapping[str, Fraction]], first: date, last: date) -> list[Cell]:
    """What is said of items, whose hours by column are given."""
    sums = [sum((spent.get(column, Fraction(0)) for spent in items), Fraction(0)) for column in columns]
    told: list[Cell] = [Fraction(len(items)), *sums, sum(sums, Fraction(0)), first.isoformat(), last.isoformat(), None]
    for column in columns:
        own = [spent[column] for spent in items if column in spent]
        told += [Fraction(len(own)), percentile(own, Fraction(1, 2)), percentile(own, Fraction(9, 10))]
    return told


def header_of(columns: Sequence[str], *further: str) -> list[str]:
    header = ["granularity", "team", "team_hierarchy", *further, "total_issues"]
    header += [*(f"{name}_hours" for name in columns), "total_lead_time_hours", "start_date", "end_date", "team_id"]
    return header + [f"{name}_{what}" for name in columns for what in ("issues", "hours_median", "hours_p90")]


def differences(table: list[list[str]], header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Every cell in which an export differs from what is expected: numbers to 4 decimals, an exact half rounded up."""
    if table[0] != list(header):
        return [f"header {table[0]} instead of {list(header)}"]
    if len(table) - 1 != len(rows):
        return [f"{len(table) - 1} rows instead of {len(rows)}"]
    return [
        f"{actual[:3]}: {name} is {text!r}, not {cell}"
        for actual, expected in zip(table[1:], rows, strict=True)
        for name, text, cell in zip(header, actual, expected, strict=True)
        if name != "team_id" and not same(text, cell)
    ]


def same(text: str, cell: Cell) -> bool:
    if isinstance(cell, Fraction):
        return text != "" and Fraction(text) == Fraction(int(cell * 10_000 + Fraction(1, 2)), 10_000)
    return text == (cell or "")
