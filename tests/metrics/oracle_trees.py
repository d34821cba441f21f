"""The oracle's dated trees: who is in which team on which day, and which rows an export has, from metrics.md ("Which team a person
is in is dated") alone.

In come a ``World`` with its trees and a range; out go ``Row``s in order, each of which says for a day whose events are its. A node
is the same on all days by its key, else by its manager; the root is always the root. No leadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from .oracle_events import InForce, World
from .oracle_people import Node, Row, team_of

DAY = timedelta(days=1)


def identity(node: Node, root: Node) -> str:
    return "root" if node is root else node.key or node.own[0]


class Trees:
    """The trees of a world, as it is asked on ``today`` (None: after all days)."""

    def __init__(self, world: World, today: date | None = None) -> None:
        self.world = world
        self._people: dict[tuple[str, str, int], set[str]] = {}
        self.trees = world.trees()
        if world.setting("people.history") == "current":
            self.trees = [self._on(today or date.max)]
            self.trees = [InForce(None, self.trees[0].tree, self.trees[0].developers)]

    def _on(self, day: date) -> InForce:
        return [one for one in self.trees if one.start is None or one.start <= day][-1]

    def on(self, day: date) -> InForce:
        """What is in force on a day."""
        return self._on(day)

    def node(self, name: str, scope: str, day: date) -> Node | None:
        """The node called ``name`` (its identity) on a day, if it is below the node ``scope`` then."""
        tree = self.on(day).tree
        top = find(tree, scope)
        return None if top is None else next((one for one in top.preorder() if identity(one, tree) == name), None)

    def people(self, name: str, scope: str, day: date) -> set[str]:
        """Who is below that node on a day. Kept by tree: it is asked for every event and row."""
        key = (name, scope, id(self.on(day)))
        if key not in self._people:
            node = self.node(name, scope, day)
            self._people[key] = node.people() if node else set()
        return self._people[key]

    def within(self, start: date, end: date) -> list[InForce]:
        """The trees in force on some day of a range, the newest first."""
        days = [start + number * DAY for number in range((end - start).days + 1)]
        return list({id(one): one for one in map(self.on, reversed(days))}.values())

    def scope(self, path: str | None, start: date, end: date) -> str:
        """The identity of the node of a path, as the newest tree of the range that has it says."""
        if path is None:
            return "root"
        return next(
            identity(node, one.tree)
            for one in self.within(start, end)
            for node in one.tree.preorder()
            if node.path == path
        )

    def teams(self, path: str | None, start: date, end: date) -> list[TeamRow]:
        """The rows of teams."""
        scope, rows = self.scope(path, start, end), {}
        for at, one in enumerate(self.within(start, end)):
            top = find(one.tree, scope)
            for node in top.preorder() if top else ():
                if at == 0 or node.people():
                    rows.setdefault(identity(node, one.tree), node)
        found = [TeamRow(name, scope, node, self) for name, node in rows.items()]
        return sorted(found, key=lambda row: row.node.path.split("/"))

    def developers(self, path: str | None, start: date, end: date) -> list[DeveloperRow]:
        """The rows of developers, each under the first listed team in scope."""
        scope, rows = self.scope(path, start, end), {}
        for one in self.within(start, end):
            top = find(one.tree, scope)
            known = {row["email"].lower(): row for row in one.developers}
            for email in top.people() if top else ():
                if email not in rows:
                    rows[email] = DeveloperRow(email, known[email], team_of(email, top, known), scope, self)
        return sorted(rows.values(), key=lambda row: (row.node.path.split("/"), row.email))


@dataclass
class TeamRow:
    """A team as a row, with its node in the newest tree that has it."""

    name: str
    scope: str
    node: Node
    trees: Trees

    def people(self, day: date) -> set[str]:
        return self.trees.people(self.name, self.scope, day)


@dataclass
class DeveloperRow:
    """A developer as a row."""

    email: str
    row: Row
    node: Node
    scope: str
    trees: Trees

    def people(self, day: date) -> set[str]:
        return {self.email} & self.trees.people(self.scope, self.scope, day)


def find(tree: Node, name: str) -> Node | None:
    return next((node for node in tree.preorder() if identity(node, tree) == name), None)


def heads(people: Callable[[date], set[str]], first: date, last: date, today: date | None) -> set[str]:
    """Who is there on some day of a period that is over or began; of a period to come, on any day."""
    end = last if today is None or today < first else min(last, today)
    return {email for number in range((end - first).days + 1) for email in people(first + number * DAY)}


def developer_rows(tree: InForce) -> Mapping[str, Row]:
    return {row["email"].lower(): row for row in tree.developers}
