"""What business alignment says, found the slow and obvious way in plain Python: a row is a team or developer and a period. No SQL,
no speed, no leadline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
NONE, UNLINKED = "Uncategorized", "Unlinked"
NOT_DONE = ("won't do", "won't fix", "duplicate", "cannot reproduce", "declined", "rejected", "invalid", "obsolete")
NOT_DONE += ("incomplete", "not a bug")


@dataclass
class World:
    """Tables, the teams of each developer (all that their own team and those above it are called), settings by category:
    ``rules[team][category]`` are sets of (property, operator, values) and how they are joined ('' is the project's)."""

    tables: Mapping[str, Sequence[Row]]
    teams: Mapping[str, Sequence[str]]
    categories: Sequence[str]
    rules: Mapping[str, Mapping[str, tuple[Sequence[tuple[str, str, Sequence[str]]], str]]]
    hierarchy: str = "none"
    zone: str = "UTC"
    fte: Mapping[str, float] = field(default_factory=dict)

    def rows(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())

    @property
    def items(self) -> dict[str, Row]:
        return {row["key"]: row for row in self.rows("work_items")}

    def local(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.zone)).date()


# -- categories --------------------------------------------------------------------------------------------------------

OF = {"label": "labels", "component": "components", "fix_version": "fix_versions", "parent": "parent_key"}


def fits(item: Row, one: tuple[str, str, Sequence[str]]) -> bool:
    name, operator, wanted = one
    value = item.get(OF.get(name, name))
    values = [text.lower() for text in (value if isinstance(value, list) else [value]) if text is not None]
    tests = {
        "equals": lambda text, part: text == part,
        "contains": lambda text, part: part in text,
        "starts with": lambda text, part: text.startswith(part),
        "ends with": lambda text, part: text.endswith(part),
    }
    test = tests[operator.removeprefix("not ")]
    hit = any(test(text, part.lower()) for text in values for part in wanted)
    return not hit if operator.startswith("not ") else hit


def own_category(world: World, item: Row, teams: Sequence[str]) -> str | None:
    """Of an item by itself, for somebody whose team and those above it are ``teams``, the nearest first."""
    for category in world.categories:
        for team in (*teams, ""):
            if category in world.rules.get(team, {}):
                sets, join = world.rules[team][category]
                if (any if join == "any" else all)(fits(item, one) for one in sets):
                    return category
                break
    return None


def above(world: World, item: Row) -> list[Row]:
    """The items above it, the nearest first; a circle or an unknown parent ends it."""
    found, met = [], {item["key"]}
    while (parent := world.items.get((item.get("parent_key") or "").upper())) and parent["key"] not in met:
        met.add(parent["key"])
        found.append(parent)
        item = parent
    return found


def category(world: World, item: Row, teams: Sequence[str]) -> str:
    own, parents = own_category(world, item, teams), above(world, item)
    if world.hierarchy == "epic" and (item.get("type") or "").lower() != "epic":
        epics = [parent for parent in parents if (parent.get("type") or "").lower() == "epic"]
        if epics:
            return own_category(world, epics[0], teams) or NONE
    inherited = {"none": 0, "epic": 0, "children": 1}.get(world.hierarchy, len(parents))
    for parent in parents[:inherited]:
        own = own or own_category(world, parent, teams)
    return own or NONE


# -- completed items ---------------------------------------------------------------------------------------------------


def completed(world: World) -> Iterable[tuple[Row, str]]:
    """Each item that counts, with whose it is."""
    parents = {above(world, item)[0]["key"] for item in world.items.values() if above(world, item)}
    for key, item in world.items.items():
        if item.get("completed_at") is None:
            continue
        who = value_at(world, key, "assignee", item["completed_at"])
        if who not in world.teams:
            continue
        if (item.get("resolution") or "").lower() in NOT_DONE or (world.hierarchy == "leaves" and key in parents):
            continue
        yield item, who


# -- effort ------------------------------------------------------------------------------------------------------------


def links(world: World) -> dict[tuple[str, int], set[str]]:
    """The items that are mentioned in the title of each pull request."""
    return {
        (pull["repository"], pull["number"]): {word.upper() for word in pull["title"].split()} & set(world.items)
        for pull in world.rows("pull_requests")
    }


def touched(world: World) -> Iterable[tuple[str, datetime, set[str]]]:
    """Who did something when, to which items (none: to what is unlinked)."""
    linked = links(world)
    for pull in world.rows("pull_requests"):
        key = (pull["repository"], pull["number"])
        yield pull["author"], pull["created_at"], linked[key]
        if pull.get("merged_at") and pull.get("merged_by"):
            yield pull["merged_by"], pull["merged_at"], linked[key]
    for table, when in (("reviews", "submitted_at"), ("comments", "created_at")):
        for row in world.rows(table):
            yield row["author"], row[when], linked[row["repository"], row["number"]]
    of_commit: dict[tuple[str, str], set[str]] = {}
    for row in world.rows("pull_request_commits"):
        of_commit.setdefault((row["repository"], row["sha"]), set()).update(linked[row["repository"], row["number"]])
    for commit in world.rows("commits"):
        yield commit["author_email"], commit["authored_at"], of_commit.get((commit["repository"], commit["sha"]), set())
    for change in world.rows("work_item_changes"):
        if change["field"] == "status" and change.get("author"):
            yield change["author"], change["changed_at"], {change["key"]}


def value_at(world: World, key: str, name: str, instant: datetime) -> Any:
    """A field of an item at an instant: by its last change until then, else by what its first change left, else as it is."""
    changes = sorted(
        (row for row in world.rows("work_item_changes") if row["key"] == key and row["field"] == name),
        key=lambda row: row["changed_at"],
    )
    earlier = [row for row in changes if row["changed_at"] <= instant]
    if earlier:
        return earlier[-1]["to_value"]
    return changes[0]["from_value"] if changes else world.items[key].get(name)


def held(world: World, email: str, noon: datetime) -> set[str]:
    """The items that were in progress and somebody's at noon."""
    return {
        key
        for key, item in world.items.items()
        if item["created_at"] <= noon
        and value_at(world, key, "status", noon) == "In Progress"
        and value_at(world, key, "assignee", noon) == email
    }


def days(world: World, email: str, start: date, end: date) -> dict[date, set[str]]:
    """The items of each day of a developer; none on a day of what is unlinked."""
    done: dict[date, set[str]] = {}
    for who, instant, items in touched(world):
        if who == email and start <= world.local(instant) <= end:
            done.setdefault(world.local(instant), set()).update(items)
    day = start
    while day <= end:
        noon = datetime.combine(day, time(12), ZoneInfo(world.zone)).astimezone(UTC)
        if day not in done and day.weekday() < 5 and (items := held(world, email, noon)):
            done[day] = items
        day += timedelta(days=1)
    return done


def weekdays(start: date, end: date) -> int:
    return sum((start + timedelta(days=at)).weekday() < 5 for at in range((end - start).days + 1))


def effort(world: World, email: str, start: date, end: date) -> dict[str, Fraction]:
    """The days of a developer by category, from ``start`` to ``end``."""
    of_day = days(world, email, start, end)
    absent: dict[date, Fraction] = {}
    for row in world.rows("absences"):
        if row["email"].lower() == email:
            share = Fraction(1) if row.get("share") is None else min(Fraction(str(row["share"])), Fraction(1))
            absent[row["day"].date()] = min(absent.get(row["day"].date(), Fraction(0)) + share, Fraction(1))
    weight = {day: 1 - absent.get(day, Fraction(0)) for day in of_day}
    room = weekdays(start, end) - sum(weight[day] for day in of_day if day.weekday() < 5)
    for day in sorted(of_day):
        if day.weekday() >= 5:
            weight[day] = max(min(weight[day], room), Fraction(0))
            room -= weight[day]
    spent: dict[str, Fraction] = {}
    fte = Fraction(str(world.fte.get(email, 1)))
    for day, items in of_day.items():
        for key in items or [None]:
            name = UNLINKED if key is None else category(world, world.items[key], world.teams[email])
            spent[name] = spent.get(name, Fraction(0)) + weight[day] * fte / (len(items) or 1)
    return spent


# -- rows --------------------------------------------------------------------------------------------------------------


def row(
    world: World, people: Iterable[str], start: date, end: date, today: date, unit: str
) -> dict[str, Fraction | None]:
    """All columns of those people together, by name of category and measure."""
    names = [*world.categories, NONE]
    inside = set(people)
    amounts = {
        (name, measure): Fraction(0) for name in names for measure in ("story_points", "tickets", "time_spent_hours")
    }
    for item, who in completed(world):
        if who in inside and start <= world.local(item["completed_at"]) <= end:
            name = category(world, item, world.teams[who])
            amounts[name, "story_points"] += Fraction(str(item.get("story_points") or 0))
            amounts[name, "tickets"] += 1
            amounts[name, "time_spent_hours"] += Fraction(item.get("time_spent_seconds") or 0, 3600)
    last = min(end, today)
    spent = [effort(world, who, start, last) for who in inside]
    by_name = {name: sum((one.get(name, Fraction(0)) for one in spent), Fraction(0)) for name in (*names, UNLINKED)}
    counted = weekdays(start, last)
    cells: dict[str, Fraction | None] = {f"{name}_{measure}": amount for (name, measure), amount in amounts.items()}
    cells |= {f"{name}_fte": amount / counted if counted else None for name, amount in by_name.items()}
    measure = {"TICKETS": "tickets", "STORY_POINTS": "story_points", "TIME_SPENT": "time_spent_hours"}.get(unit)
    of = by_name if measure is None else {name: amounts[name, measure] for name in names}
    whole = sum(of.values())
    cells |= {f"{name}_percent": amount * 100 / whole if whole else None for name, amount in of.items()}
    return cells
