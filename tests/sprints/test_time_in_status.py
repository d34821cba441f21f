"""Time in status by sprint: hand-derived cases of what a sprint has, and the oracles of sprints and of time in status together over
random worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from leadline.db import settings as stored_settings
from leadline.home import Home, Project
from metrics import oracle_ticket
from metrics.oracle import Cell, safe
from metrics.oracle_events import World
from metrics.oracle_trees import Trees
from metrics.test_ticket_data import number as exactly
from metrics.world import deliver, export_bytes, load_nested, read_csv, rows_of

from . import worlds
from .asking import fill
from .example import PEOPLE, TABLES
from .oracle import Export, Sprint
from .test_cases import HEADERS, SPRINT, TREE, change, done, item

DAYS = ("2026-01-01", "2026-01-31")


def table_of(
    project: Project, folder: Path, statuses: Sequence[str] = (), days: tuple[str, str] = DAYS, **options: str
) -> list[list[str]]:
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": dict(zip(("start", "end"), days, strict=True)),
        "options": {"aggregationLevel": "sprint", **options},
        **({"issueStatuses": list(statuses)} if statuses else {}),
    }
    return read_csv(export_bytes(project, body, folder, "ticket-data"))


def named(table: list[list[str]]) -> list[dict[str, str]]:
    header, *rows = table
    return [dict(zip(header, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Case:
    """``expected``: of the row of S of all of Engineering (or of ``team``) the columns that matter; None: it has no row."""

    name: str
    items: list[str]
    expected: dict[str, str] | None
    changes: list[str] = field(default_factory=list)
    sprints: list[str] = field(default_factory=lambda: [SPRINT])
    settings: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    team: str = "Engineering"


STORY = item(category="done")
DOING = "P, P-1, 2026-01-{at}Z, status, To Do, Doing, todo, in_progress"
# Created on 1 December 9:00, in progress since 7 January 10:00.
BEGUN = DOING.format(at="07T10:00")
CASES = [
    Case(
        "hours are those of the items, before the sprint, too",
        [STORY],
        # 1 December 9:00 to 7 January 10:00: 37 days and an hour; then 3 days.
        {"total_issues": "1", "to_do_hours": "889", "doing_hours": "72", "total_lead_time_hours": "961"},
        [BEGUN, done("2026-01-10T10:00")],
    ),
    Case("not done is not ended", [item()], None, [BEGUN]),
    Case("done at the very end", [STORY], {"doing_hours": "222"}, [BEGUN, done("2026-01-16T16:00")]),
    Case("done a second after the end", [STORY], None, [BEGUN, done("2026-01-16T16:00:01")]),
    Case(
        "done at the very start",
        [STORY],
        {"total_issues": "1", "doing_hours": "24"},
        [DOING.format(at="04T10:00"), done("2026-01-05T10:00")],
    ),
    Case("done before the start is nothing of it", [STORY], None, [done("2026-01-05T09:59:59")]),
    Case(
        "done before the start, within the grace",
        [STORY],
        {"total_issues": "1", "doing_hours": "2"},
        [DOING.format(at="04T10:00"), done("2026-01-04T12:00")],
        settings={"sprints.start_grace_days": "1"},
    ),
    Case(
        "taken out after it was done",
        [STORY.replace(", S,", ", ,")],
        None,
        [BEGUN, done("2026-01-10T10:00"), change("11T10:00", "sprint", "S", "")],
    ),
    Case(
        "added when it was nearly done",
        [STORY],
        {"total_issues": "1", "doing_hours": "72"},
        [BEGUN, change("09T10:00", "sprint", "", "S"), done("2026-01-10T10:00")],
    ),
    Case(
        "done in the sprint and open again: not done now",
        [item()],
        None,
        [BEGUN, done("2026-01-10T10:00"), "P, P-1, 2026-01-20T10:00Z, status, Done, Doing, done, in_progress"],
    ),
    Case(
        "done again after the sprint: its end is the last",
        [STORY],
        None,
        [
            BEGUN,
            done("2026-01-10T10:00"),
            "P, P-1, 2026-01-11T10:00Z, status, Done, Doing, done, in_progress",
            done("2026-01-20T10:00"),
        ],
    ),
    Case(
        "a sprint that has not ended",
        [STORY],
        None,
        [BEGUN, done("2026-01-10T10:00")],
        [SPRINT.replace("closed", "active").replace("16T16:00Z, 2026-01-16T16:00Z", "16T16:00Z,")],
    ),
    Case(
        "weekdays",
        [STORY],
        # Friday 9 January 10:00 to Monday the 12th 10:00: 14 and 10 hours.
        {"total_issues": "1", "doing_hours": "24"},
        [DOING.format(at="09T10:00"), done("2026-01-12T10:00")],
        options={"calendar": "weekdays"},
    ),
    Case(
        "its days, name, id and boards, and the period in which it ended",
        [STORY],
        {
            "granularity": "Jan 2026",
            "sprint": "Sprint S",
            "sprint_id": "S",
            "board": "A;B",
            "start_date": "2026-01-05",
            "end_date": "2026-01-16",
        },
        [BEGUN, done("2026-01-10T10:00")],
        [SPRINT, SPRINT.replace("A, S,", "B, S,")],
    ),
    Case(
        "the team of whom it is, as everywhere in time in status",
        [STORY],
        {"total_issues": "1", "doing_hours": "72"},
        [BEGUN, done("2026-01-10T10:00")],
        team="Red",
    ),
    Case("no row of other teams", [STORY], None, [BEGUN, done("2026-01-10T10:00")], team="Blue"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_by_hand(project: Project, tmp_path: Path, case: Case) -> None:
    load_nested(project, TREE, tmp_path, "Engineering", date(1970, 1, 1))
    stored_settings.put(project.db, project.id, case.settings)
    lines = {"sprints": case.sprints, "work_items": case.items, "work_item_changes": case.changes}
    for table, header in HEADERS.items():
        deliver(project, table, rows_of(table, "\n".join([header, *lines[table]])))
    rows = [row for row in named(table_of(project, tmp_path, **case.options)) if row["team"] == case.team]
    if case.expected is None:
        assert rows == []
        return
    (row,) = rows
    assert {name: exactly(row[name]) for name in case.expected} == {
        name: exactly(cell) for name, cell in case.expected.items()
    }


def test_the_example_of_the_guide(project: Project, tmp_path: Path) -> None:
    """101 has what was done in it: A-1, A-3, A-5 and A-7; A-8 was done before. 102 has A-2 and A-10. The others are open."""
    fill(project, tmp_path, PEOPLE, TABLES)
    rows = [row for row in named(table_of(project, tmp_path)) if row["team_hierarchy"] == "Engineering"]
    assert [(row["sprint_id"], row["total_issues"]) for row in rows] == [("101", "4"), ("102", "2")]


def test_until_released(project: Project, tmp_path: Path) -> None:
    """P-1 was released while S ran, P-2 after it, though both were done in it."""
    load_nested(project, TREE, tmp_path, "Engineering", date(1970, 1, 1))
    header = HEADERS["work_items"] + ", fix_versions"
    items = [f"{STORY.replace('P-1', key)}, {version}" for key, version in (("P-1", "1.0"), ("P-2", "2.0"))]
    changes = [done("2026-01-10T10:00", key) for key in ("P-1", "P-2")]
    deliver(project, "sprints", rows_of("sprints", "\n".join([HEADERS["sprints"], SPRINT])))
    deliver(project, "work_items", rows_of("work_items", "\n".join([header, *items])))
    deliver(
        project, "work_item_changes", rows_of("work_item_changes", "\n".join([HEADERS["work_item_changes"], *changes]))
    )
    released = "project, name, released_at\nP, 1.0, 2026-01-12T10:00Z\nP, 2.0, 2026-01-20T10:00Z"
    deliver(project, "versions", rows_of("versions", released))
    rows = named(table_of(project, tmp_path, terminalDateColumn="version_release_date"))
    assert [(row["team"], row["total_issues"], row["done_hours"]) for row in rows] == [
        ("Engineering", "1", "48.0"),
        ("Red", "1", "48.0"),
    ]


# -- the oracle --------------------------------------------------------------------------------------------------------


WORLDS = (1, 11, 17, 20, 21, 22, 38, 47, 54)
"""Worlds in which enough items ended in a sprint to prove anything."""


def with_people(world: World) -> World:
    """``world`` with the rows of its people, which the oracle of time in status asks for."""
    return replace(world, developers=[{"email": email} for email in worlds.PEOPLE])


def expected(world: World, asked: oracle_ticket.Asked) -> tuple[list[str], list[list[Cell]]]:
    """Header and rows, as the two oracles say: what a sprint has, and how long that was in each status."""
    world = with_people(world)
    in_range = Export(world, "TICKETS", "sprint", "MONTHLY", asked.start, asked.end)
    times = oracle_ticket.Times(world, asked)
    spent = {(one.row["project"], one.row["key"]): (one.developer, end, hours) for one, end, hours in times.items}
    grace = timedelta(days=int(world.settings.get("sprints.start_grace_days", "0")))
    ended: dict[Sprint, list[tuple[str, Mapping[str, Fraction]]]] = {}
    for one in in_range.items:
        told = spent.get((one.item.row["project"], one.item.row["key"]))
        if told and not one.taken_out and one.sprint.start - grace <= told[1] <= one.sprint.end:
            ended.setdefault(one.sprint, []).append((told[0], told[2]))
    rows = []
    for place, row in enumerate(Trees(world).teams(None, asked.start, asked.end)):
        for sprint, items in ended.items():
            first, last = in_range.day(sprint.start), in_range.day(sprint.end)
            own = [hours for developer, hours in items if developer in row.people(last)]
            if own:
                order = (last, first, sprint.end, sprint.start, sprint.identity, place)
                rows.append((order, row, sprint, own))
    rows.sort(key=lambda told: told[0])
    columns = sorted({column for *_, own in rows for hours in own for column in hours})
    cells = [
        [
            *oracle_ticket.lead(order[0].strftime("%b %Y"), row),
            *(safe(sprint.name), sprint.identity, safe(";".join(sprint.boards))),
            *oracle_ticket.cells(columns, own, order[1], order[0]),
        ]
        for order, row, sprint, own in rows
    ]
    return oracle_ticket.header_of(columns, "sprint", "sprint_id", "board"), cells


@pytest.mark.parametrize("number", WORLDS)
def test_random_worlds(home: Home, tmp_path: Path, number: int) -> None:
    made, document = worlds.world(Random(number))
    project = home.project("ticket-sprints", f"world-{number}", create=True)
    load_nested(project, document, tmp_path, "Engineering", date(1970, 1, 1))
    stored_settings.put(project.db, project.id, made.settings)
    for table, rows in made.tables.items():
        deliver(project, table, rows)
    days = (worlds.START.isoformat(), worlds.END.isoformat())
    for calendar in ("wall", "weekdays"):
        table = table_of(project, tmp_path, (), days, calendar=calendar)
        asked = oracle_ticket.Asked(worlds.START, worlds.END, calendar=calendar)
        assert oracle_ticket.differences(table, *expected(made, asked)) == []


def test_the_worlds_have_what_they_are_about() -> None:
    asked = oracle_ticket.Asked(worlds.START, worlds.END)
    counts = [len(expected(worlds.world(Random(number))[0], asked)[1]) for number in WORLDS]
    assert min(counts) >= 5, counts
