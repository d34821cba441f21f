"""Made-up worlds for the metrics of flow: the people of ``worlds``, and work items that move between named statuses, come back,
wait, are reopened, or say nothing of their way."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from .oracle_events import World
from .oracle_people import tree_of
from .world import TREE
from .worlds import ZONES, Maker, Rows

STATUSES = (
    ("Backlog", "todo"),
    ("Ready for work", "todo"),
    ("In Progress", "in_progress"),
    ("in progress ", "in_progress"),
    ("On hold", "in_progress"),
    ("Awaiting", "in_progress"),
    ("WAITING-for review", "in_progress"),
    ("Review", "in_progress"),
    ("Unheard of", None),
    ("Done", "done"),
    ("Closed", "done"),
)


class FlowMaker(Maker):
    """Draws one world of work items."""

    def flow(self) -> dict[str, Rows]:
        tables: dict[str, Rows] = {"work_items": [], "work_item_changes": []}
        for number in range(self.random.randrange(8, 30)):
            project = self.random.choice(("P", "P", "Q", "R"))
            place = {"project": project, "key": f"{project}-{number}"}
            moment = self.instant() - timedelta(days=20)
            created = self.maybe(moment, 8)
            assignee = self.maybe(self.account(), 8)
            status, category = self.random.choice(STATUSES[:3])
            for _ in range(self.random.randrange(7)):
                moment += timedelta(seconds=self.random.randrange(3_600, 150 * 3_600))
                change = {**place, "changed_at": moment}
                if self.chance(5):
                    newer = self.account()
                    change |= {"field": "assignee", "from_value": assignee, "to_value": newer}
                    assignee = newer
                else:
                    of_project = [
                        one for one in STATUSES if project != "R" or ("hold" not in one[0] and "WAIT" not in one[0])
                    ]
                    others = [one for one in of_project if one[0] != status]
                    to, means = self.random.choice(others[-2:] if self.chance(4) else others)
                    change |= {"field": "status", "from_value": status, "to_value": to}
                    change |= {"from_category": category, "to_category": means}
                    status, category = to, means
                tables["work_item_changes"].append(change)
            tables["work_items"].append(
                {**place, "assignee": assignee, **self._facts(status, category, created, moment)}
            )
        return tables

    def _facts(self, status: str, category: str | None, created: Any, moment: Any) -> dict[str, Any]:
        finished = moment + timedelta(hours=self.random.choice((0, 0, 30)))
        return {
            "type": self.random.choice(("Story", "bug", "Epic", None)),
            "status": status,
            "status_category": category,
            "resolution": self.random.choice((None, None, None, "Done", "Won't do")),
            "created_at": created,
            "started_at": moment - timedelta(hours=40) if self.chance(4) else None,
            "completed_at": finished if category == "done" and self.chance(3) else None,
            "fix_versions": self.random.choice((None, None, ["1.0"], ["1.1", "1.0"], ["2.0"])),
        }


def flow_world(random: Random) -> World:
    """A world of a few people and a dozen work items."""
    maker = FlowMaker(random)
    tables = maker.flow()
    tables["versions"] = [
        {"project": project, "name": name, "released_at": maker.maybe(maker.instant(), 4)}
        for project in ("P", "Q")
        for name in ("1.0", "1.1", "2.0")
    ]
    tables |= {"identities": maker.identities, "tool_accounts": maker.tool_accounts}
    settings = {
        "timezone": random.choice(ZONES),
        "people.history": random.choice(("dated", "dated", "current")),
        "work_items.exclude_types": random.choice(("", "epic")),
    }
    if random.randrange(4) == 0:
        settings["flow.wait_statuses"] = random.choice(("", "review", "on hold, unheard"))
    return World(tables, tree_of(TREE, maker.developers), maker.developers, settings, maker.later)
