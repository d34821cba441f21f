"""Made-up worlds for the oracle of business alignment: few people, few items, many collisions, drawn from a random source."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from .oracle import World

START, END = date(2026, 2, 23), date(2026, 4, 5)
CATEGORIES = ("New Capability", "R&D", "KTLO")
PEOPLE = {
    "mia@example.com": ("", "Mia"),
    "ada@example.com": ("mia@example.com", "Mia"),
    "cid@example.com": ("mia@example.com", "Ops"),
    "dot@example.com": ("cid@example.com", "Ops"),
    "eve@example.com": ("cid@example.com", "Ops"),
}
"""The manager and the team of each: Mia and Ada are Engineering's own, the others those of Ops below it."""
ROOT, OPS = "Engineering", "Ops"
TYPES = ("Story", "Bug", "Task", "Epic")
LABELS = ("web", "Urgent", "api")
FILTERS = {
    "type": ("equals story", "equals Bug", "equals EPIC", "starts with t"),
    "label": ("equals web", "equals URGENT", "contains a"),
    "priority": ("equals High", "equals low"),
    "title": ("equals one", "starts with T", "contains x"),
    "key": ("ends with -3", "equals p-2"),
    "parent": ("equals P-1", "starts with p-1"),
    "project": ("equals P", "contains q"),
}


class Maker:
    """Draws one world."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.keys = [f"P-{number}" for number in range(1, random.randrange(9, 18))]

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def maybe(self, value: Any, one_in: int = 3) -> Any:
        return None if self.chance(one_in) else value

    def instant(self) -> datetime:
        day = datetime(2026, 2, 20, tzinfo=UTC) + timedelta(days=self.random.randrange(48))
        return day + timedelta(
            seconds=self.random.choice((0, 4, 11, 12, 17, 23)) * 3600 + self.random.choice((-1, 0, 1800))
        )

    def person(self) -> str:
        return self.random.choice(list(PEOPLE))

    def item(self, key: str) -> dict[str, Any]:
        random, done = self.random, not self.chance(4)
        return {
            "project": "P",
            "key": key,
            "type": self.maybe(random.choice(TYPES), 6),
            "title": random.choice(("one", "Two x", "three")),
            "status": "Done" if done else random.choice(("To Do", "In Progress")),
            "status_category": None,
            "priority": self.maybe(random.choice(("High", "Low"))),
            "labels": self.maybe(random.sample(LABELS, random.randrange(1, 3))),
            "assignee": self.maybe(self.person(), 6),
            "story_points": self.maybe(random.choice((0, 0.5, 3, 8))),
            "time_spent_seconds": self.maybe(random.choice((0, 900, 5000, 36000))),
            "created_at": datetime(2026, 1, 5, tzinfo=UTC) if self.chance(2) else self.instant(),
            "completed_at": self.instant() if done else None,
            "resolution": self.maybe(random.choice(("Done", "Duplicate", "Fixed", "Fixed")), 2),
            "parent_key": self.maybe(random.choice([*self.keys, "P-99"]).lower()),
        }

    def changes(self) -> list[dict[str, Any]]:
        rows = []
        for key in self.keys:
            status, assignee = "To Do", None
            instants = sorted({self.instant() for _ in range(self.random.randrange(5))})
            for instant in instants:
                common = {"project": "P", "key": key, "changed_at": instant}
                if self.chance(2):
                    following = self.random.choice(
                        [name for name in ("To Do", "In Progress", "Done") if name != status]
                    )
                    author = self.maybe(self.person())
                    rows.append(
                        {**common, "field": "status", "from_value": status, "to_value": following, "author": author}
                    )
                    status = following
                else:
                    following = self.maybe(self.person(), 5)
                    if following != assignee:
                        rows.append({**common, "field": "assignee", "from_value": assignee, "to_value": following})
                        assignee = following
        return rows

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        random = self.random
        pulls = [
            {
                "repository": "o/r",
                "number": number,
                "title": " ".join(random.sample([*self.keys, "fix", "P-77"], random.randrange(1, 3))),
                "author": self.person(),
                "created_at": self.instant(),
                "merged_at": self.maybe(self.instant()),
                "merged_by": self.maybe(self.person()),
            }
            for number in range(random.randrange(1, 8))
        ]

        def of_pulls(count: int, name: str, when: str) -> list[dict[str, Any]]:
            rows = []
            for number in range(count):
                pull = random.choice(pulls)
                row = {"repository": "o/r", "number": pull["number"], name: str(number), "author": self.person()}
                rows.append({**row, when: self.instant()})
            return rows

        commits = [
            {"repository": "o/r", "sha": f"c{at}", "author_email": self.person(), "authored_at": self.instant()}
            for at in range(random.randrange(8))
        ]
        listed = {(random.choice(pulls)["number"], commit["sha"]) for commit in commits if not self.chance(3)}
        return {
            "work_items": [self.item(key) for key in self.keys],
            "work_item_changes": self.changes(),
            "pull_requests": pulls,
            "reviews": of_pulls(random.randrange(12), "review_id", "submitted_at"),
            "comments": of_pulls(random.randrange(6), "comment_id", "created_at"),
            "commits": commits,
            "pull_request_commits": [{"repository": "o/r", "number": n, "sha": sha} for n, sha in sorted(listed)],
            "absences": [
                {
                    "email": email,
                    "day": datetime(2026, 3, day, tzinfo=UTC),
                    "share": self.maybe(self.random.choice((0.5, 1, 0.25))),
                }
                for email, day in {(self.person(), random.randrange(1, 29)) for _ in range(6)}
            ],
        }

    def rule(self) -> tuple[list[tuple[str, str, tuple[str, ...]]], str]:
        names = self.random.sample(list(FILTERS)[: self.random.choice((4, 7))], self.random.choice((1, 1, 2, 3)))
        sets = []
        for name in names:
            *words, value = self.random.choice(FILTERS[name]).split()
            operator = " ".join(words)
            negative = self.chance(8) and operator in ("equals", "contains")
            sets.append((name, f"not {operator}" if negative else operator, (value,)))
        return sets, self.random.choice(("all", "any"))

    def rules(self) -> dict[str, tuple[list[tuple[str, str, tuple[str, ...]]], str]]:
        return {category: self.rule() for category in CATEGORIES if not self.chance(4)}


def world(random: Random, hierarchy: str) -> World:
    maker = Maker(random)
    rules = {"": maker.rules()}
    for team in (ROOT, OPS):
        if maker.chance(2):
            rules[team] = maker.rules()
    teams = {email: ((OPS, ROOT) if team == OPS else (ROOT,)) for email, (_, team) in PEOPLE.items()}
    fte = {email: random.choice((0.5, 0.8, 0, 0.3333)) for email in PEOPLE if maker.chance(3)}
    zone = random.choice(("UTC", "America/New_York", "Asia/Kolkata"))
    return World(maker.tables(), teams, CATEGORIES, rules, hierarchy, zone, fte)


def settings_of(drawn: World, keys: dict[str, str]) -> dict[str, str]:
    """The settings that say the same; ``keys`` are those of teams by name."""
    values = {
        "business.categories": "; ".join(CATEGORIES),
        "business.hierarchy": drawn.hierarchy,
        "timezone": drawn.zone,
    }
    for team, rules in drawn.rules.items():
        for category, (sets, join) in rules.items():
            prefix = f"team.{keys[team]}.business.{category}" if team else f"business.{category}"
            values |= {f"{prefix}.{name}": f"{operator} {', '.join(wanted)}" for name, operator, wanted in sets}
            values[f"{prefix}.join"] = join
    return values
