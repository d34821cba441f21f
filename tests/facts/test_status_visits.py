"""In which status a work item was when: what its changes say of it, and how long each visit was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from leadline.facts.query import Filters, fact_rows
from leadline.home import Project
from metrics.world import deliver, load_people, rows_of

PEOPLE = """
email,           full_name, manager_email
lea@example.com, Lea,
ann@example.com, Ann,       lea@example.com
"""
ITEM_COLUMNS = "project, key, status, status_category, assignee, created_at, former_keys\n"
CHANGE_COLUMNS = "project, key, changed_at, field, from_value, to_value, from_category, to_category, sequence\n"
CASES: dict[str, tuple[str, str, Sequence[tuple[object, ...]]]] = {
    "without a change it is in the status that it has, since it was created": (
        "P, P-1, To Do, todo, ann@example.com, 2026-01-01T08:00Z,",
        "",
        [(0, "To Do", "todo", "01 08:00", None, None)],
    ),
    "the first change says in which status it was created": (
        "P, P-1, Done, done, ann@example.com, 2026-01-01T08:00Z,",
        """
        P, P-1, 2026-01-02T08:00Z, status, Idea, Doing, todo, in_progress, 0
        P, P-1, 2026-01-02T20:00Z, status, Doing, Done, in_progress, done, 0
        """,
        [
            (0, "Idea", "todo", "01 08:00", "02 08:00", 86_400),
            (1, "Doing", "in_progress", "02 08:00", "02 20:00", 43_200),
            (2, "Done", "done", "02 20:00", None, None),
        ],
    ),
    "a status that it comes back to is visited again": (
        "P, P-1, Doing, in_progress, ann@example.com, 2026-01-01T08:00Z,",
        """
        P, P-1, 2026-01-01T09:00Z, status, Doing, Blocked, , , 0
        P, P-1, 2026-01-01T10:00Z, status, Blocked, Doing, , , 0
        """,
        [
            (0, "Doing", "in_progress", "01 08:00", "01 09:00", 3_600),
            (1, "Blocked", "in_progress", "01 09:00", "01 10:00", 3_600),
            (2, "Doing", "in_progress", "01 10:00", None, None),
        ],
    ),
    "nothing is before it was created": (
        "P, P-1, Doing, in_progress, ann@example.com, 2026-01-03T08:00Z,",
        """
        P, P-1, 2026-01-01T09:00Z, status, To Do, Ready, , , 0
        P, P-1, 2026-01-04T08:00Z, status, Ready, Doing, , , 0
        """,
        [
            (0, "To Do", "todo", "03 08:00", "03 08:00", 0),
            (1, "Ready", "todo", "03 08:00", "04 08:00", 86_400),
            (2, "Doing", "in_progress", "04 08:00", None, None),
        ],
    ),
    "changes of one instant are in the order in which they join up": (
        "P, P-1, Review, in_progress, ann@example.com, 2026-01-01T08:00Z,",
        """
        P, P-1, 2026-01-01T09:00Z, status, Doing, Review, , , 0
        P, P-1, 2026-01-01T09:00Z, status, To Do, Doing, , , 0
        """,
        [
            (0, "To Do", "todo", "01 08:00", "01 09:00", 3_600),
            (1, "Doing", "in_progress", "01 09:00", "01 09:00", 0),
            (2, "Review", "in_progress", "01 09:00", None, None),
        ],
    ),
    "since when is not known of an item whose creation is not": (
        "P, P-1, Doing, in_progress, ann@example.com, ,",
        "P, P-1, 2026-01-01T09:00Z, status, To Do, Doing, , , 0",
        [(0, "To Do", "todo", None, "01 09:00", None), (1, "Doing", "in_progress", "01 09:00", None, None)],
    ),
    "a status whose meaning nobody says has none": (
        "P, P-1, Parked, , ann@example.com, 2026-01-01T08:00Z,",
        "",
        [(0, "Parked", None, "01 08:00", None, None)],
    ),
    "changes of other fields are none of status": (
        "P, P-1, To Do, todo, ann@example.com, 2026-01-01T08:00Z,",
        "P, P-1, 2026-01-01T09:00Z, priority, Low, High, , , 0",
        [(0, "To Do", "todo", "01 08:00", None, None)],
    ),
    "changes under a former key are those of the item": (
        "P, P-1, Doing, in_progress, ann@example.com, 2026-01-01T08:00Z, OLD-7\n"
        "OLD, OLD-7, To Do, todo, ann@example.com, 2026-01-01T08:00Z,",
        "OLD, OLD-7, 2026-01-01T09:00Z, status, To Do, Doing, , , 0",
        [(0, "To Do", "todo", "01 08:00", "01 09:00", 3_600), (1, "Doing", "in_progress", "01 09:00", None, None)],
    ),
    "what belongs to no known item is no visit": (
        "P, P-1, To Do, todo, ann@example.com, 2026-01-01T08:00Z,",
        "P, P-2, 2026-01-01T09:00Z, status, To Do, Doing, , , 0",
        [(0, "To Do", "todo", "01 08:00", None, None)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_visits(project: Project, tmp_path: Path, name: str) -> None:
    items, changes, expected = CASES[name]
    load_people(project, rows_of("developers", PEOPLE), tmp_path)
    deliver(project, "work_items", rows_of("work_items", ITEM_COLUMNS + items))
    deliver(project, "work_item_changes", rows_of("work_item_changes", CHANGE_COLUMNS + changes))
    with fact_rows(project, "status-visits", Filters()) as facts:
        rows = facts.page(100).to_pylist()
    assert {(row["project"], row["key"], row["developer"]) for row in rows} == {("P", "P-1", "ann@example.com")}
    told = ("number", "status", "category", "entered_at", "left_at", "visit_seconds")
    shown = [
        tuple(row[name].strftime("%d %H:%M") if row[name] and name.endswith("_at") else row[name] for name in told)
        for row in rows
    ]
    assert shown == list(expected)


def test_the_period_of_a_visit_is_that_in_which_it_was_entered(project: Project, tmp_path: Path) -> None:
    from datetime import date

    load_people(project, rows_of("developers", PEOPLE), tmp_path)
    items, changes, _ = CASES["the first change says in which status it was created"]
    deliver(project, "work_items", rows_of("work_items", ITEM_COLUMNS + items))
    deliver(project, "work_item_changes", rows_of("work_item_changes", CHANGE_COLUMNS + changes))
    with fact_rows(project, "status-visits", Filters(date(2026, 1, 2), date(2026, 1, 2))) as facts:
        assert [row["status"] for row in facts.page(100).to_pylist()] == ["Doing", "Done"]
