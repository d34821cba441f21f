"""Time in status: hand-derived tables, the oracle over random worlds, and what must hold of every export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.demo import fill
from leadline.exports.kinds import KINDS, parse
from leadline.home import Home, Project
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce
from leadline.metrics.status_columns import column_name

from . import oracle_ticket
from .oracle_events import World
from .oracle_people import tree_of
from .world import TREE, cells_of, load, read_csv, rows_of
from .worlds import END, START, paths_in
from .worlds_flow import flow_world

KIND = KINDS["ticket-data"]
PEOPLE = """
email,           full_name, manager_email
mia@example.com, Mia,
dan@example.com, Dan,       mia@example.com
"""
TEAMS = """
email,           full_name, manager_email
eva@example.com, Eva,
mia@example.com, Mia,       eva@example.com
ben@example.com, Ben,       eva@example.com
dan@example.com, Dan,       mia@example.com;ben@example.com
cy@example.com,  Cy,        mia@example.com
ann@example.com, Ann,       ben@example.com
"""
ITEMS = "project, key, status, status_category, assignee, created_at, fix_versions, resolution, completed_at\n"
CHANGES = "project, key, changed_at, field, from_value, to_value, from_category, to_category\n"


@dataclass(frozen=True)
class Case:
    """``items`` and ``changes`` as lines of their tables, what is asked, and the cells that are expected of the rows, in order."""

    why: str
    items: str
    changes: str
    expected: str
    options: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: str = ""
    people: str = PEOPLE
    days: tuple[str, str] = ("2026-01-01", "2026-01-31")


DAN = "dan@example.com"
CASES = {
    "from creation in the first status to the resolution": Case(
        "Created Monday 5 January 8:00, in progress from 6 January 8:00 (24 h), done on the 8th at 20:00 (60 h). 24 + 60 = 84.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T08:00Z, , ,",
        """
        P, P-1, 2026-01-06T08:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-01-08T20:00Z, status, In Progress, Done, in_progress, done
        """,
        "total_issues, in_progress_hours, to_do_hours, total_lead_time_hours\n1, 60, 24, 84",
    ),
    "hours are sums over the items, median and p90 are per item": Case(
        "In progress 10, 20 and 60 hours: sum 90, median 20, p90 at place 1.8: 20 + 0.8 × 40 = 52. Each 1 hour in To Do.",
        "\n".join(f"P, P-{n}, Done, done, {DAN}, 2026-01-05T00:00Z, , ," for n in (1, 2, 3)),
        "\n".join(
            f"P, P-{n}, 2026-01-05T01:00Z, status, To Do, In Progress, todo, in_progress\n"
            f"P, P-{n}, {end}Z, status, In Progress, Done, in_progress, done"
            for n, end in ((1, "2026-01-05T11:00"), (2, "2026-01-05T21:00"), (3, "2026-01-07T13:00"))
        ),
        "total_issues, in_progress_hours, to_do_hours, total_lead_time_hours, in_progress_issues, in_progress_hours_median, "
        "in_progress_hours_p90, to_do_issues, to_do_hours_median, to_do_hours_p90\n3, 90, 3, 93, 3, 20, 52, 3, 1, 1",
    ),
    "every visit counts": Case(
        "In progress for 2 and again for 3 hours, in review for 4 between, 1 hour in To Do.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-05T01:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-01-05T03:00Z, status, In Progress, Review, in_progress, in_progress
        P, P-1, 2026-01-05T07:00Z, status, Review, In Progress, in_progress, in_progress
        P, P-1, 2026-01-05T10:00Z, status, In Progress, Done, in_progress, done
        """,
        "in_progress_hours, review_hours, to_do_hours, total_lead_time_hours, in_progress_issues\n5, 4, 1, 10, 1",
    ),
    "time in done before it was reopened counts, after the end nothing does": Case(
        "Done for 10 hours, reopened for 5, done again: the end. 1 + 2 + 10 + 5 = 18 hours.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-05T01:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-01-05T03:00Z, status, In Progress, Done, in_progress, done
        P, P-1, 2026-01-05T13:00Z, status, Done, In Progress, done, in_progress
        P, P-1, 2026-01-05T18:00Z, status, In Progress, Done, in_progress, done
        """,
        "done_hours, in_progress_hours, to_do_hours, total_lead_time_hours\n10, 7, 1, 18",
    ),
    "what is not done now is left out": Case(
        "P-1 is open again. P-2 is Won't Do. P-3 says that it was completed, but its status is open.",
        f"P, P-1, To Do, todo, {DAN}, 2026-01-05T00:00Z, , ,\n"
        f"P, P-2, Done, done, {DAN}, 2026-01-05T00:00Z, , Won't Do,\n"
        f"P, P-3, In Progress, in_progress, {DAN}, 2026-01-05T00:00Z, , , 2026-01-06T00:00Z",
        """
        P, P-1, 2026-01-05T01:00Z, status, To Do, Done, todo, done
        P, P-1, 2026-01-05T02:00Z, status, Done, To Do, done, todo
        P, P-2, 2026-01-05T01:00Z, status, To Do, Done, todo, done
        """,
        "total_issues, total_lead_time_hours\n0, 0",
    ),
    "the end that an item says goes before its changes": Case(
        "It says that it was completed at 4:00, the change into done is of 9:00: in progress from 1:00 to 4:00.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , , 2026-01-05T04:00Z",
        """
        P, P-1, 2026-01-05T01:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-01-05T09:00Z, status, In Progress, Done, in_progress, done
        """,
        "in_progress_hours, to_do_hours, total_lead_time_hours\n3, 1, 4",
    ),
    "an item without changes is in the status that it has": Case(
        "Created at 0:00, completed at 6:00, no change known: 6 hours in Done.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , , 2026-01-05T06:00Z",
        "",
        "total_issues, done_hours, total_lead_time_hours\n1, 6, 6",
    ),
    "asked for by name, in any case and in that order": Case(
        "Review 4 hours, to do 1; nothing was ever in QA. The total is that of the statuses asked for.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-05T01:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-01-05T03:00Z, status, In Progress, Review, in_progress, in_progress
        P, P-1, 2026-01-05T07:00Z, status, Review, Done, in_progress, done
        """,
        "total_issues, review_hours, to_do_hours, qa_hours, total_lead_time_hours, review_issues, qa_issues, qa_hours_median\n"
        "1, 4, 1, 0, 5, 1, 0,",
        statuses=("REVIEW", "to do", "review", "QA"),
    ),
    "statuses that are called alike are one": Case(
        "*In Progress*, *in-progress* and *In  progress!* are `in_progress`: 2 + 3 + 4 hours.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-05T02:00Z, status, In Progress, in-progress, in_progress, in_progress
        P, P-1, 2026-01-05T05:00Z, status, in-progress, In  progress!, in_progress, in_progress
        P, P-1, 2026-01-05T09:00Z, status, In  progress!, Done, in_progress, done
        """,
        "in_progress_hours, total_lead_time_hours, in_progress_issues, in_progress_hours_median\n9, 9, 1, 9",
    ),
    "columns are in the order of code points": Case(
        "`a_b` comes before `ab`, since `_` comes before `b`; `éa` comes last.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-05T02:00Z, status, ab, éa, todo, in_progress
        P, P-1, 2026-01-05T05:00Z, status, éa, A B, in_progress, in_progress
        P, P-1, 2026-01-05T09:00Z, status, A B, Done, in_progress, done
        """,
        "a_b_hours, ab_hours, éa_hours, total_lead_time_hours\n4, 2, 3, 9",
    ),
    "the period of an item is that of its end": Case(
        "In progress in January and February, done in February: all of its 744 + 24 = 768 hours are February's.",
        f"P, P-1, Done, done, {DAN}, 2026-01-01T00:00Z, , ,",
        """
        P, P-1, 2026-01-01T00:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-02-02T00:00Z, status, In Progress, Done, in_progress, done
        """,
        "granularity, total_issues, in_progress_hours\nJan 2026, 0, 0\nFeb 2026, 1, 768",
        days=("2026-01-01", "2026-02-28"),
    ),
    "days": Case(
        "By days, and by the local ones: 23:30 UTC on the 5th is the 6th in Berlin.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T20:30Z, , ,",
        "P, P-1, 2026-01-05T23:30Z, status, To Do, Done, todo, done",
        "granularity, start_date, end_date, total_issues, to_do_hours\n2026-01-05, 2026-01-05, 2026-01-05, 0, 0\n"
        "2026-01-06, 2026-01-06, 2026-01-06, 1, 3",
        options={"granularity": "daily"},
        settings={"timezone": "Europe/Berlin"},
        days=("2026-01-05", "2026-01-06"),
    ),
    "weekdays": Case(
        "From Friday 9 January 12:00 to Monday the 12th 12:00: 12 hours of Friday, 12 of Monday. All Saturday in review: 0 hours.",
        f"P, P-1, Done, done, {DAN}, 2026-01-09T12:00Z, , ,\nP, P-2, Done, done, {DAN}, 2026-01-10T10:00Z, , ,",
        """
        P, P-1, 2026-01-12T12:00Z, status, In Progress, Done, in_progress, done
        P, P-2, 2026-01-10T20:00Z, status, Review, Done, in_progress, done
        """,
        "total_issues, in_progress_hours, review_hours, total_lead_time_hours, review_issues, review_hours_median\n"
        "2, 24, 0, 24, 1, 0",
        options={"calendar": "weekdays"},
    ),
    "weekdays are local ones, and as long as they are": Case(
        "In New York Saturday 7 March begins at 5:00 UTC and Monday the 9th, after the clocks went forward, at 4:00 UTC. From "
        "Friday 21:00 UTC to Monday 10:00 UTC: 8 + 6 hours.",
        f"P, P-1, Done, done, {DAN}, 2026-03-06T21:00Z, , ,",
        "P, P-1, 2026-03-09T10:00Z, status, In Progress, Done, in_progress, done",
        "in_progress_hours, total_lead_time_hours\n14, 14",
        options={"calendar": "weekdays"},
        settings={"timezone": "America/New_York"},
        days=("2026-03-01", "2026-03-31"),
    ),
    "until the first of its versions was released": Case(
        "Done on the 6th, released on the 10th (2.0 first, whatever is named first): 24 hours in To Do, 96 in Done. P-2 names "
        "a version that is not released, P-3 none, P-4 one of another project.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, 1.0;2.0;3.0, ,\n"
        f"P, P-2, Done, done, {DAN}, 2026-01-05T00:00Z, 3.0, ,\n"
        f"P, P-3, Done, done, {DAN}, 2026-01-05T00:00Z, , ,\n"
        f"Q, Q-4, Done, done, {DAN}, 2026-01-05T00:00Z, 1.0, ,",
        "P, P-1, 2026-01-06T00:00Z, status, To Do, Done, todo, done",
        "total_issues, done_hours, to_do_hours, total_lead_time_hours\n1, 96, 24, 120",
        options={"terminalDateColumn": "version_release_date"},
        versions="P, 1.0, 2026-01-20T00:00Z\nP, 2.0, 2026-01-10T00:00Z\nP, 3.0,",
    ),
    "released before it was done": Case(
        "Nothing counts after the release on the 6th, whatever happened: 24 hours in progress.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, 1.0, ,",
        "P, P-1, 2026-01-09T00:00Z, status, In Progress, Done, in_progress, done",
        "total_issues, in_progress_hours, total_lead_time_hours\n1, 24, 24",
        options={"terminalDateColumn": "VERSION_RELEASE_DATE"},
        versions="P, 1.0, 2026-01-06T00:00Z",
    ),
    "a parent has each item once": Case(
        "Dan is in both teams: his 24 hours count in each and once in their parent; Cy's 48 are Mia's team's and the parent's.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,\nP, P-2, Done, done, cy@example.com, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-06T00:00Z, status, To Do, Done, todo, done
        P, P-2, 2026-01-07T00:00Z, status, To Do, Done, todo, done
        """,
        "team_hierarchy, total_issues, to_do_hours, to_do_hours_median\nEngineering, 2, 72, 36\n"
        "Engineering/Ben's team, 1, 24, 24\nEngineering/Mia's team, 2, 72, 36",
        people=TEAMS,
    ),
    "whose it is, is told at completion": Case(
        "Cy had it when it was completed, Ann has it now: Mia's team's.",
        "P, P-1, Done, done, ann@example.com, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-06T00:00Z, status, To Do, Done, todo, done
        P, P-1, 2026-01-07T00:00Z, assignee, cy@example.com, ann@example.com, ,
        """,
        "team_hierarchy, total_issues, to_do_hours\nEngineering, 1, 24\nEngineering/Ben's team, 0, 0\n"
        "Engineering/Mia's team, 1, 24",
        people=TEAMS,
    ),
    "a resolution that is no completed work": Case(
        "A duplicate is not resolved work.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , Duplicate,",
        "P, P-1, 2026-01-06T00:00Z, status, To Do, Done, todo, done",
        "total_issues, total_lead_time_hours\n0, 0",
    ),
    "since when it was is not known": Case(
        "Its creation is not known: the time in To Do counts nothing, the 2 hours in progress do.",
        f"P, P-1, Done, done, {DAN}, , , ,",
        """
        P, P-1, 2026-01-06T00:00Z, status, To Do, In Progress, todo, in_progress
        P, P-1, 2026-01-06T02:00Z, status, In Progress, Done, in_progress, done
        """,
        "total_issues, in_progress_hours, total_lead_time_hours\n1, 2, 2",
    ),
    "a status that is called total": Case(
        "Its columns are others than those of all statuses.",
        f"P, P-1, Done, done, {DAN}, 2026-01-05T00:00Z, , ,",
        """
        P, P-1, 2026-01-05T02:00Z, status, Total, ???, todo, in_progress
        P, P-1, 2026-01-05T05:00Z, status, ???, Done, in_progress, done
        """,
        "total_issues, total_status_hours, unnamed_hours, total_lead_time_hours, total_status_issues\n1, 2, 3, 5, 1",
    ),
}


def body(
    days: tuple[str, str], options: Mapping[str, str], statuses: tuple[str, ...] = (), **scope: str
) -> dict[str, Any]:
    asked = {"issueStatuses": list(statuses)} if statuses else {}
    return {
        "scope": scope or {"orgTreeName": TREE},
        "dateRange": dict(zip(("start", "end"), days, strict=True)),
        "options": dict(options),
        **asked,
    }


def export(project: Project, asked: Mapping[str, Any], folder: Path) -> list[list[str]]:
    path = folder / "export.csv"
    request = parse(project, asked, KIND.name).request
    again = KIND.rows.request_of(request.document())
    assert again == request
    produce(project, again, pin(project, request.tree), path, Control(), KIND.rows.query)
    return read_csv(path.read_bytes())


def world_of(case: Case) -> World:
    tables = {
        "work_items": rows_of("work_items", ITEMS + case.items),
        "work_item_changes": rows_of("work_item_changes", CHANGES + case.changes),
        "versions": rows_of("versions", "project, name, released_at\n" + case.versions),
    }
    people = rows_of("developers", case.people)
    return World(tables, tree_of(TREE, people), people, dict(case.settings))


def checked(table: list[list[str]], case: Case) -> None:
    """The columns that are expected, and no other columns of hours."""
    header, *lines = cells_of(case.expected)
    hours = [name for name in table[0] if name.endswith("_hours") and name != "total_lead_time_hours"]
    assert [name for name in header if name in hours] == hours or not any(
        name.endswith("_hours") for name in header[1:-1]
    )
    places = [table[0].index(name) for name in header]
    assert [[number(row[place]) for place in places] for row in table[1:]] == [
        [number(cell) for cell in line] for line in lines
    ]


def number(text: str) -> Fraction | str:
    try:
        return Fraction(text)
    except ValueError:
        return text


@pytest.mark.parametrize("name", CASES)
def test_a_case(project: Project, tmp_path: Path, name: str) -> None:
    """Held against the oracle, too, which says all columns."""
    case = CASES[name]
    world = world_of(case)
    load(project, world, tmp_path)
    table = export(project, body(case.days, case.options, case.statuses), tmp_path)
    checked(table, case)
    start, end = map(date.fromisoformat, case.days)
    asked = oracle_ticket.Asked(
        start,
        end,
        case.options.get("granularity", "monthly"),
        case.statuses,
        case.options.get("terminalDateColumn", "issue_resolved_at").lower(),
        case.options.get("calendar", "wall"),
    )
    assert oracle_ticket.differences(table, *oracle_ticket.export(world, asked)) == []


@pytest.mark.parametrize("number", range(6))
def test_random_worlds(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(number)
    world = flow_world(random)
    project = home.project("ticket", f"world-{number}", create=True)
    load(project, world, tmp_path)
    for ends in ("issue_resolved_at", "version_release_date"):
        asked = oracle_ticket.Asked(
            START,
            END,
            random.choice(("daily", "weekly", "monthly", "quarterly")),
            random.choice(((), (), ("waiting for review", "in progress", "Nowhere"))),
            ends,
            random.choice(("wall", "weekdays")),
            random.choice([None, *paths_in(world, START, END)]),
        )
        options = {"granularity": asked.granularity, "terminalDateColumn": ends, "calendar": asked.calendar}
        scope = {} if asked.scope is None else {"teamId": ref_id(project, asked.scope)}
        days = (START.isoformat(), END.isoformat())
        table = export(project, body(days, options, tuple(asked.statuses), **scope), tmp_path)
        assert oracle_ticket.differences(table, *oracle_ticket.export(world, asked)) == [], asked


def ref_id(project: Project, path: str) -> str:
    from leadline.people import tree, trees

    (summary,) = trees(project)
    versions = range(summary.version, 0, -1)
    nodes = (node for version in versions for node in tree(project, summary.name, version).nodes)
    return str(next(node.ref_id for node in nodes if node.path == path))


def test_the_hours_of_all_statuses_are_the_lead_time_of_the_items(project: Project, tmp_path: Path) -> None:
    """Without a choice of statuses the total is the time from creation to the end; weekdays are at most all days."""
    fill(project, developers=10, months=3, until=date(2026, 3, 31))
    days = ("2026-01-01", "2026-03-31")
    tables = {
        calendar: export(project, body(days, {"calendar": calendar}), tmp_path) for calendar in ("wall", "weekdays")
    }
    wall, week = ([dict(zip(table[0], row, strict=True)) for row in table[1:]] for table in tables.values())
    assert any(float(row["total_lead_time_hours"]) for row in wall)
    for whole, worked in zip(wall, week, strict=True):
        hours = [name for name in whole if name.endswith("_hours") and name != "total_lead_time_hours"]
        assert abs(sum(Fraction(whole[name]) for name in hours) - Fraction(whole["total_lead_time_hours"])) < Fraction(
            1, 1000
        )
        assert all(Fraction(worked[name]) <= Fraction(whole[name]) for name in hours)
        assert [worked[name] for name in whole if name.endswith("_issues")] == [
            whole[name] for name in whole if name.endswith("_issues")
        ]


@pytest.mark.parametrize(
    ("status", "column"),
    [
        ("In Progress", "in_progress"),
        (" À tester ", "à_tester"),
        ("R&D / QA", "r_d_qa"),
        ("待处理", "待处理"),
        ("-", "unnamed"),
    ],
)
def test_names_of_columns(status: str, column: str) -> None:
    assert column_name(status) == column == oracle_ticket.column_of(status)
