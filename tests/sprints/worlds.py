"""Made-up worlds of sprints: few items and sprints, and many collisions: changes at starts and ends, estimates that come and go,
items that go and come back, boards that show the same sprint, rules of teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from metrics.oracle_events import World
from metrics.oracle_people import nested

from .oracle import Export

Row = dict[str, Any]

START, END = date(2025, 12, 20), date(2026, 3, 10)
PEOPLE = [f"p{number}@example.com" for number in range(6)]
BOARDS = ("Alpha", "Beta", "Kanban board")
ESTIMATES = (None, "0", "1", "2", "2.5", "5", "8", "a lot")


def tree(random: Random) -> dict[str, Any]:
    """Three teams, one of them below another; one person is in two of them."""
    members = [{"email": email, "full_name": email.split("@", maxsplit=1)[0].upper()} for email in PEOPLE]
    return {
        "name": "Engineering",
        "members": members[:1],
        "children": [
            {"name": "Red", "key": "red", "members": members[1:3]},
            {
                "name": "Blue",
                "key": "blue",
                "members": members[3:4],
                "children": [{"name": "Navy", "key": "navy", "members": [*members[4:], random.choice(members[:4])]}],
            },
        ],
    }


class Maker:
    """Draws one world."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sprints = self._sprints()
        self.ids = sorted({row["sprint_id"] for row in self.sprints})
        edges = [
            row[name] for row in self.sprints for name in ("start_at", "completed_at", "activated_at") if row[name]
        ]
        self.edges = sorted(set(edges))

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def instant(self) -> datetime:
        """Often an edge of a sprint, or beside one."""
        if self.chance(3):
            return self.random.choice(self.edges) + timedelta(seconds=self.random.choice((-1, 0, 0, 1, 3600)))
        return datetime(2025, 12, 28, tzinfo=UTC) + timedelta(hours=self.random.randrange(24 * 60))

    def _sprints(self) -> list[Row]:
        rows: list[Row] = []
        for number in range(self.random.randrange(2, 6)):
            start = datetime(2026, 1, 5, 10, tzinfo=UTC) + timedelta(days=14 * self.random.randrange(4))
            end, late = start + timedelta(days=11, hours=6), start + timedelta(minutes=7)
            row = {
                "board": self.random.choice(BOARDS),
                "sprint_id": str(number + 1),
                "name": self.random.choice((None, f"Sprint {number + 1}", "Sprint of all")),
                "state": self.random.choice(("closed",) * 5 + ("active",)),
                "start_at": self.random.choice((start,) * 5 + (None,)),
                "end_at": end,
                "completed_at": self.random.choice((end, end + timedelta(hours=20), None)),
                "activated_at": self.random.choice((None, None, late, late, late, end + timedelta(days=2))),
            }
            rows.append(row)
            if self.chance(3):
                rows.append({**row, "board": self.random.choice([one for one in BOARDS if one != row["board"]])})
        return rows

    def listed(self) -> list[str]:
        """Sprints of an item, now and then by name, or by something that is none."""
        texts = [*self.ids, *self.ids, "Sprint 1", "Sprint of all", "99"]
        return list(dict.fromkeys(self.random.sample(texts, self.random.choice((0, 1, 1, 1, 2)))))

    def item(self, number: int) -> tuple[Row, list[Row]]:
        created = self.random.choice((None, *[datetime(2025, 12, 1, tzinfo=UTC)] * 4, self.instant()))
        row: Row = {
            "project": self.random.choice(("P", "Q")),
            "key": f"K-{number}",
            "type": self.random.choice(("Story", "Bug", "Epic", None)),
            "labels": self.random.choice((None, ["red"], ["red", "later"])),
            "created_at": created,
            "resolution": self.random.choice((None, None, "Done", "Won't Do")),
        }
        history = [
            *self._history(row, "sprint", lambda: ";".join(self.listed()) or None),
            *self._history(row, "story_points", lambda: self.random.choice(ESTIMATES)),
            *self._history(row, "assignee", lambda: self.random.choice((*PEOPLE, None, "guest@elsewhere.test"))),
            *self._statuses(row),
        ]
        return row, history

    def _history(self, row: Row, field: str, draw: Callable[[], str | None]) -> list[Row]:
        """Changes of a field that join up, and what it is now."""
        texts = [draw() for _ in range(self.random.choice((1, 1, 2, 3, 4)))]
        instants = sorted({self.instant() for _ in texts[1:]})
        texts = texts[: len(instants) + 1]
        changes = self._changes(row, field, texts, instants)
        now = texts[-1]
        if field == "sprint":
            row["sprints"] = now.split(";") if now else []
        elif field == "story_points":
            row[field] = float(now) if now is not None and now != "a lot" else None
        else:
            row[field] = now
        return changes

    def _changes(self, row: Row, field: str, texts: list[str | None], instants: list[datetime]) -> list[Row]:
        return [
            {
                "project": row["project"],
                "key": row["key"],
                "changed_at": at,
                "field": field,
                "from_value": before,
                "to_value": after,
                "sequence": 0,
            }
            for before, after, at in zip(texts, texts[1:], instants, strict=False)
            if before != after
        ]

    def _statuses(self, row: Row) -> list[Row]:
        categories = {
            "To do": "todo",
            "Doing": "in_progress",
            "In review": "in_progress",
            "Done": "done",
            "Closed": "done",
        }
        statuses: list[str | None] = [self.random.choice(("To do", "To do", "Doing", "Doing", "Done"))]
        statuses += [self.random.choice([*categories, "Done"]) for _ in range(self.random.randrange(4))]
        instants = sorted({self.instant() for _ in statuses[1:]})
        statuses = statuses[: len(instants) + 1]
        changes = self._changes(row, "status", statuses, instants)
        for change in changes:
            change["from_category"] = categories[change["from_value"]]
            change["to_category"] = categories[change["to_value"]]
        now = str(statuses[-1])
        row["status"], row["status_category"] = now, categories[now]
        if categories[now] == "done":
            row["completed_at"] = self.random.choice((None, self.instant()))
        return changes

    def settings(self) -> dict[str, str]:
        settings = {
            "timezone": self.random.choice(("UTC", "America/New_York", "Asia/Kolkata")),
            "sprints.start_grace_days": self.random.choice(("0", "0", "3", "30")),
            "sprints.commit_grace_hours": self.random.choice(("0", "0", "5", "72")),
            "work_items.exclude_types": self.random.choice(("", "Epic", "bug, epic")),
        }
        rules = (
            ("team.red.board", "equals Alpha"),
            ("team.blue.project", "equals P; not contains x"),
            ("team.navy.label", "equals red, later"),
            ("team.navy.board", "not equals beta"),
        )
        return {**settings, **{key: text for key, text in rules if self.chance(3)}}


def world(random: Random) -> tuple[World, dict[str, Any]]:
    """A world, and its tree as a file says it."""
    maker = Maker(random)
    items, changes = [], []
    for number in range(random.randrange(40, 80)):
        row, history = maker.item(number)
        items.append(row)
        changes += history
    document = tree(random)
    tables = {"sprints": maker.sprints, "work_items": items, "work_item_changes": changes}
    return World(tables, nested(document), [], maker.settings()), document


def request(random: Random, made: World) -> Export:
    """Something to ask of a world."""
    mode = random.choice(("STORY_POINTS", "TICKETS"))
    granularity = random.choice(("SPRINT", "WEEKLY", "MONTHLY", "QUARTERLY"))
    start = START + timedelta(days=random.choice((0, 20, 28)))
    return Export(made, mode, random.choice(("team", "sprint")), granularity, start, END)
