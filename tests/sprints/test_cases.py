"""One rule at a time, each with the numbers derived by hand: what one or two items are of the sprint S, which runs from 5 January
10:00 to 16 January 16:00."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

import pytest

from leadline.db import settings as stored_settings
from leadline.home import Project
from metrics.world import deliver, load_nested, rows_of

from .asking import Rows, export, same

SPRINT = "A, S, Sprint S, closed, 2026-01-05T10:00Z, 2026-01-16T16:00Z, 2026-01-16T16:00Z,"
ITEM = "P, P-1, Story, {category}, dan@example.com, {points}, 2025-12-01T09:00Z, {completed}, S, ,"
TREE = {
    "name": "Engineering",
    "members": [{"email": "mia@example.com", "full_name": "Mia"}],
    "children": [
        {"name": "Red", "key": "red", "members": [{"email": "dan@example.com", "full_name": "Dan"}]},
        {"name": "Blue", "key": "blue", "members": [{"email": "eve@example.com", "full_name": "Eve"}]},
    ],
}
HEADERS = {
    "sprints": "board, sprint_id, name, state, start_at, end_at, completed_at, activated_at",
    "work_items": "project, key, type, status_category, assignee, story_points, created_at, completed_at, sprints, "
    "resolution, labels",
    "work_item_changes": "project, key, changed_at, field, from_value, to_value, from_category, to_category",
}


def item(points: str = "3", *, category: str = "todo", completed: str = "") -> str:
    return ITEM.format(points=points, category=category, completed=completed)


def change(at: str, field_name: str, before: str, after: str, key: str = "P-1") -> str:
    return f"P, {key}, 2026-01-{at}Z, {field_name}, {before}, {after}, ,"


def done(at: str, key: str = "P-1") -> str:
    return f"P, {key}, {at}Z, status, Doing, Done, in_progress, done"


@dataclass(frozen=True)
class Case:
    """``expected``: of the row of S (or, ``team``, of that team) the columns that matter, others are not said; None: no row."""

    name: str
    items: list[str]
    expected: dict[str, str] | None
    changes: list[str] = field(default_factory=list)
    sprints: list[str] = field(default_factory=lambda: [SPRINT])
    settings: dict[str, str] = field(default_factory=dict)
    mode: str = "STORY_POINTS"
    team: str = "Engineering"


def work(commit: float, creep: float, delivered: float, missed: float, removed: float, **more: str) -> dict[str, str]:
    columns = {
        "Sprint_Commit": commit,
        "Sprint_Creep": creep,
        "Delivered_Commit": delivered,
        "Missed_Commit": missed,
        "Removed_Commit": removed,
    }
    return {**{name: str(value) for name, value in columns.items()}, **more}


CASES = [
    Case("an item that was created in it has no change that says so", [item()], work(3, 0, 0, 3, 0)),
    Case("done at the end", [item(category="done")], work(3, 0, 3, 0, 0), [done("2026-01-10T10:00")]),
    Case("done at the very end", [item(category="done")], work(3, 0, 3, 0, 0), [done("2026-01-16T16:00")]),
    Case("done a second too late", [item(category="done")], work(3, 0, 0, 3, 0), [done("2026-01-16T16:00:01")]),
    Case(
        "done at the very start: not before it",
        [item(category="done")],
        work(3, 0, 3, 0, 0),
        [done("2026-01-05T10:00")],
    ),
    Case("done a second before the start: outside", [item(category="done")], None, [done("2026-01-05T09:59:59")]),
    Case(
        "done shortly before the start, within the grace: committed and delivered",
        [item(category="done")],
        work(3, 0, 3, 0, 0),
        [done("2026-01-03T10:00")],
        settings={"sprints.start_grace_days": "2"},
    ),
    Case(
        "done a second before the grace",
        [item(category="done")],
        None,
        [done("2026-01-03T09:59:59")],
        settings={"sprints.start_grace_days": "2"},
    ),
    Case(
        "without a history, done since it was completed",
        [item(category="done", completed="2026-01-20T10:00Z")],
        work(3, 0, 0, 3, 0),
    ),
    Case(
        "reopened before the end",
        [item()],
        work(3, 0, 0, 3, 0),
        [done("2026-01-10T10:00"), "P, P-1, 2026-01-11T10:00Z, status, Done, Doing, done, in_progress"],
    ),
    Case("added at the very start: committed", [item()], work(3, 0, 0, 3, 0), [change("05T10:00", "sprint", "", "S")]),
    Case(
        "added a second later: creep",
        [item()],
        work(0, 3, 0, 0, 0, Missed_Creep="3", Scope_Creep_Percent=""),
        [change("05T10:00:01", "sprint", "", "S")],
    ),
    Case(
        "added within the grace: committed as estimated when it was added",
        [item("5")],
        work(3, 2, 0, 3, 0, Missed_Creep="2"),
        [change("06T09:00", "sprint", "", "S"), change("07T09:00", "story_points", "3", "5")],
        settings={"sprints.commit_grace_hours": "24"},
    ),
    Case(
        "carried over at the close: still in it at the end",
        [item().replace(", S,", ", S;T,")],
        work(3, 0, 0, 3, 0, Tickets_Removed_Mid_Sprint="0"),
        [change("16T16:00", "sprint", "S", "S; T")],
    ),
    Case(
        "taken out a second before the end",
        [item().replace(", S,", ", T,")],
        work(3, 0, 0, 0, 3, Tickets_Removed_Mid_Sprint="1"),
        [change("16T15:59:59", "sprint", "S", "T")],
    ),
    Case(
        "added and taken out again: nothing but a ticket removed",
        [item().replace(", S,", ", ,")],
        work(0, 0, 0, 0, 0, Tickets_Removed_Mid_Sprint="1", Sprint_Size="0"),
        [change("07T10:00", "sprint", "", "S"), change("08T10:00", "sprint", "S", "")],
    ),
    Case(
        "out and in again: committed, not removed",
        [item()],
        work(3, 0, 0, 3, 0, Tickets_Removed_Mid_Sprint="0"),
        [change("07T10:00", "sprint", "S", ""), change("08T10:00", "sprint", "", "S")],
    ),
    Case(
        "a higher estimate creeps in and is delivered",
        [item("8", category="done")],
        work(5, 3, 5, 0, 0, Delivered_Creep="3", Total_Work_Delivered="8"),
        [change("08T10:00", "story_points", "5", "8"), done("2026-01-10T10:00")],
    ),
    Case(
        "a lower estimate is removed; of tickets it is nothing",
        [item("3")],
        work(1, 0, 0, 1, 0),
        [change("08T10:00", "story_points", "5", "3")],
        mode="TICKETS",
    ),
    Case(
        "estimated only in the sprint: creep, and without an estimate at the start",
        [item("5")],
        work(0, 5, 0, 0, 0, Unestimated_Items="1", Missed_Creep="5"),
        [change("08T10:00", "story_points", "", "5")],
    ),
    Case(
        "an estimate that is no number is none",
        [item("5")],
        work(0, 5, 0, 0, 0, Unestimated_Items="1"),
        [change("08T10:00", "story_points", "large", "5")],
    ),
    Case("half a point, exactly", [item("0.5")] * 1, work(0.5, 0, 0, 0.5, 0)),
    Case(
        "what is not done work by its resolution is missed",
        [item(category="done").replace(", S, ,", ", S, Won't Do,")],
        work(3, 0, 0, 3, 0),
        [done("2026-01-10T10:00")],
    ),
    Case("a type that is left out", [item()], None, settings={"work_items.exclude_types": "story"}),
    Case(
        "a sprint that was started late",
        [item()],
        work(3, 0, 0, 3, 0),
        [change("06T10:00", "sprint", "", "S")],
        sprints=[SPRINT.removesuffix(",") + ", 2026-01-06T12:00Z"],
    ),
    Case(
        "closed, and when it was completed not known: its planned end",
        [item(category="done")],
        work(3, 0, 3, 0, 0),
        [done("2026-01-16T16:00")],
        sprints=["A, S, Sprint S, Closed, 2026-01-05T10:00Z, 2026-01-16T16:00Z, ,"],
    ),
    Case("not ended", [item()], None, sprints=["A, S, Sprint S, active, 2026-01-05T10:00Z, 2026-01-16T16:00Z, ,"]),
    Case("no known start", [item()], None, sprints=["A, S, Sprint S, closed, , 2026-01-16T16:00Z, ,"]),
    Case(
        "ended before it started",
        [item()],
        None,
        sprints=["A, S, Sprint S, closed, 2026-01-17T10:00Z, 2026-01-16T16:00Z, ,"],
    ),
    Case(
        "two boards show it: one sprint",
        [item()],
        work(3, 0, 0, 3, 0, Board="A;B", Sprints="1"),
        sprints=[SPRINT, SPRINT.replace("A,", "B,", 1)],
    ),
    Case("named by its name", [item().replace(", S,", ", Sprint S,")], work(3, 0, 0, 3, 0)),
    Case(
        "whoever had it at the end, not who has it now",
        [item()],
        work(3, 0, 0, 3, 0),
        [change("20T10:00", "assignee", "eve@example.com", "dan@example.com")],
        team="Blue",
    ),
    Case(
        "and not who has it now",
        [item()],
        None,
        [change("20T10:00", "assignee", "eve@example.com", "dan@example.com")],
        team="Red",
    ),
    Case("nobody's", [item().replace("dan@example.com", "")], None),
    Case(
        "a rule over boards takes what nobody has",
        [item().replace("dan@example.com", "")],
        work(3, 0, 0, 3, 0),
        settings={"team.blue.board": "equals a"},
        team="Blue",
    ),
    Case(
        "and the team with a rule has nothing by its people",
        [item()],
        None,
        settings={"team.red.board": "equals other"},
        team="Red",
    ),
    Case(
        "labels and projects, all of them",
        [item().removesuffix(",") + ", hot"],
        work(3, 0, 0, 3, 0),
        settings={"team.blue.label": "contains ho", "team.blue.project": "equals P"},
        team="Blue",
    ),
    Case(
        "who is in two ways a team's counts once above",
        [item()],
        work(3, 0, 0, 3, 0, Sprints="1"),
        settings={"team.blue.board": "equals A"},
    ),
]


Asked = dict[str, dict[str, Rows]]


def renamed(row: str, number: int) -> str:
    """A row of a case with a sprint and items of its own."""
    return re.sub(r"\bS\b", f"S{number}", row).replace("P-1", f"P-{number}")


@pytest.fixture(scope="module")
def asked(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The rows of all cases, by their settings and mode; cases of the same settings share a project."""
    folder = tmp_path_factory.mktemp("cases")
    told: Asked = {}
    for at, settings in enumerate(dict.fromkeys(str(case.settings) for case in CASES)):
        cases = [(number, case) for number, case in enumerate(CASES) if str(case.settings) == settings]
        project = module_project.home.project("cases", f"settings-{at}", create=True)
        load_nested(project, TREE, folder, "Engineering", date(1970, 1, 1))
        if cases[0][1].settings:
            stored_settings.put(project.db, project.id, cases[0][1].settings)
        for table, header in HEADERS.items():
            field_name = {"sprints": "sprints", "work_items": "items"}.get(table, "changes")
            lines = [renamed(row, number) for number, case in cases for row in getattr(case, field_name)]
            deliver(project, table, rows_of(table, "\n".join([header, *lines])))
        options = {"metricLevel": "sprint", "granularity": "SPRINT"}
        modes = {case.mode for _, case in cases}
        told[settings] = {mode: export(project, folder, computationMode=mode, **options) for mode in modes}
    return told


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_by_hand(asked: Asked, number: int) -> None:
    case = CASES[number]
    found = asked[str(case.settings)][case.mode]
    rows = [row for row in found if (row["Team"], row["Sprint_Id"]) == (case.team, f"S{number}")]
    if case.expected is None:
        assert rows == []
        return
    (row,) = rows
    assert {name: row[name] for name, cell in case.expected.items() if not same(row[name], cell)} == {}
