"""Made-up trees of later days for property tests: people who move, leave and join, teams that go, come and hang elsewhere.

A ``random.Random`` and a first tree come in, trees in force from later days go out, each made of the one before by a few changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import date, timedelta
from random import Random
from typing import Any

from .oracle_events import InForce
from .oracle_people import managers_of, nested, tree_of

Rows = list[dict[str, Any]]


def days_of(random: Random, start: date, end: date) -> list[date]:
    """None to three days, most of them within the range, some before it or after."""
    number = random.choice((0, 1, 2, 2, 3))
    length = (end - start).days
    return sorted({start + timedelta(days=random.randrange(-10, length + 5)) for _ in range(number)})


# --- lists ----------------------------------------------------------------------------------------------------------------


def later_lists(
    random: Random, name: str, developers: Rows, newcomers: Sequence[str], start: date, end: date
) -> list[InForce]:
    """Later trees of HR rows. ``p0@example.com`` stays at the top."""
    found, rows, joining = [], developers, list(newcomers)
    for day in days_of(random, start, end):
        rows = [dict(row) for row in rows]
        for _ in range(random.choice((1, 2, 3))):
            _change_list(random, rows, joining)
        found.append(InForce(day, tree_of(name, rows), rows))
    return found


def _change_list(random: Random, rows: Rows, joining: list[str]) -> None:
    managing = sorted({manager for row in rows for manager in managers_of(row)})
    leaves = [row for row in rows if row["email"] not in managing]
    change = random.choice((_move, _move, _leave, _join, _dissolve, _promote))
    if len(leaves) > 1:
        change(random, rows, managing, leaves, joining)


def _move(random: Random, _rows: Rows, managing: list[str], leaves: Rows, _joining: list[str]) -> None:
    number = min(len(managing), random.choice((1, 1, 2)))
    random.choice(leaves).update(manager_email=";".join(random.sample(managing, number)), team="")


def _leave(random: Random, rows: Rows, _managing: list[str], leaves: Rows, _joining: list[str]) -> None:
    gone = random.choice(leaves)
    if any(managers_of(row) for row in rows if row is not gone):
        rows.remove(gone)


def _join(random: Random, rows: Rows, managing: list[str], _leaves: Rows, joining: list[str]) -> None:
    if joining:
        email, above = joining.pop(0), random.choice(managing)
        rows.append({"email": email, "full_name": f"New {email[:2]}", "manager_email": above, "team": ""})


def _dissolve(random: Random, rows: Rows, managing: list[str], _leaves: Rows, _joining: list[str]) -> None:
    """A team is no more; its people are the top manager's."""
    gone = random.choice(managing)
    if gone != "p0@example.com":
        for row in rows:
            if gone in managers_of(row) or (row["email"] == gone and not row["manager_email"]):
                row["manager_email"] = "p0@example.com"


def _promote(random: Random, _rows: Rows, _managing: list[str], leaves: Rows, _joining: list[str]) -> None:
    """Somebody gets a report, and so a team."""
    new, report = random.sample(leaves, 2)
    if len(managers_of(new)) == 1:
        report.update(manager_email=new["email"], team="")
        new["team"] = f"Team of {new['full_name']}"


# --- nested trees ---------------------------------------------------------------------------------------------------------


def later_nested(
    random: Random, document: dict[str, Any], newcomers: Sequence[str], start: date, end: date
) -> list[InForce]:
    """Later trees of nested files, whose nodes all have keys."""
    found, joining = [], list(newcomers)
    for day in days_of(random, start, end):
        document = deepcopy(document)
        for _ in range(random.choice((1, 2, 3))):
            _change_nested(random, document, joining)
        emails = sorted({member["email"] for node in _nodes(document) for member in node["members"]})
        people = [{"email": email, "full_name": email[:2].title()} for email in emails]
        found.append(InForce(day, nested(document), people, document))
    return found


def _nodes(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [document, *(node for child in document["children"] for node in _nodes(child))]


def _change_nested(random: Random, document: dict[str, Any], joining: list[str]) -> None:
    nodes = _nodes(document)
    peopled = [node for node in nodes if node["members"]]
    change = random.choice(("move", "move", "move", "leave", "join", "dissolve", "hang"))
    node, target = random.choice(peopled), random.choice(nodes)
    if change in ("move", "leave") and len(_everybody(nodes)) > 1:
        member = random.choice(node["members"])
        for one in nodes:
            one["members"] = [other for other in one["members"] if other["email"] != member["email"]]
        if change == "move":
            target["members"].append(member)
    elif change == "join" and joining:
        email = joining.pop(0)
        target["members"].append({"email": email, "full_name": email[:2].title()})
    elif change == "dissolve" and document["children"]:
        gone = random.choice(document["children"])
        document["children"].remove(gone)
        known = {member["email"] for member in document["members"]}
        for one in _nodes(gone):
            document["members"] += [
                member for member in one["members"] if not (member["email"] in known or known.add(member["email"]))
            ]
    elif change == "hang" and len(document["children"]) > 1:
        moved, above = random.sample(document["children"], 2)
        document["children"].remove(moved)
        above["children"].append(moved)


def _everybody(nodes: Sequence[dict[str, Any]]) -> set[str]:
    return {member["email"] for node in nodes for member in node["members"]}
