"""The facts of items in sprints: what `why` says, what `leadline status` tells, and who sees what of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from leadline.access import UNLIMITED, Access
from leadline.db import settings as stored_settings
from leadline.diagnostics.data_quality import oddities
from leadline.facts.query import Filters, fact_rows
from leadline.facts.write import write
from leadline.home import Project
from leadline.people import tree
from leadline.people.access import limited_to
from metrics.world import deliver, load_nested, rows_of

from .asking import export, fill
from .example import PEOPLE, TABLES

SPRINTS = """
board, sprint_id, name,  state,  start_at,          end_at,            completed_at
A,     on,        Now,   active, 2026-01-05T10:00Z, 2026-01-16T16:00Z,
A,     open,      Open,  closed, 2026-01-05T10:00Z, ,
A,     unbegun,   Never, closed, ,                  2026-01-16T16:00Z,
A,     over,      Wrong, closed, 2026-01-20T10:00Z, 2026-01-16T16:00Z,
A,     S,         Good,  closed, 2026-01-05T10:00Z, 2026-01-16T16:00Z, 2026-01-16T16:00Z
"""
ITEMS = """
project, key, type,  status_category, assignee,        story_points, created_at,        completed_at,      sprints
P,       1,   Story, todo,            dan@example.com, 3,            2025-12-01T09:00Z, ,                  on;open;unbegun;over;S
P,       2,   Epic,  todo,            dan@example.com, 3,            2025-12-01T09:00Z, ,                  S
P,       3,   Story, done,            dan@example.com, 3,            2025-12-01T09:00Z, 2026-01-01T09:00Z, S
P,       4,   Story, todo,            ,                3,            2025-12-01T09:00Z, ,                  S
P,       5,   Story, todo,            guest,           ,             2025-12-01T09:00Z, ,                  S
P,       6,   Story, todo,            ci-bot,          3,            2025-12-01T09:00Z, ,                  S
"""
SAID = [
    ("on", "1", "its sprint has not ended"),
    ("open", "1", "its sprint has no known end"),
    ("unbegun", "1", "its sprint has no known start"),
    ("over", "1", "its sprint ended before it started"),
    ("S", "1", "teams by who had it at the end of the sprint"),
    ("S", "2", "its type Epic is left out"),
    ("S", "3", "done before its sprint started: outside it"),
    ("S", "4", "no team: nobody had it at the end of the sprint, and no rule matches it"),
    ("S", "5", "no team: its assignee is no known developer, and no rule matches it"),
    ("S", "5", "no estimate: counts 0 points"),
    ("S", "6", "no team: its assignee is a bot, and no rule matches it"),
]


@pytest.fixture(scope="module")
def left_out(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = module_project.home.project("sprints", "left-out", create=True)
    settings = {"work_items.exclude_types": "epic", "team.1.work_type": "feature = Story"}
    fill(project, tmp_path_factory.mktemp("left"), PEOPLE, {"sprints": SPRINTS, "work_items": ITEMS}, settings)
    return project


@pytest.fixture(scope="module")
def told(left_out: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, str]]:
    path = tmp_path_factory.mktemp("told") / "items.csv"
    write(left_out, "sprint-items", path)
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["sprint_id"], row["key"]): row for row in csv.DictReader(file)}


@pytest.mark.parametrize(("sprint", "key", "sentence"), SAID)
def test_why_names_the_rule(told: dict[tuple[str, str], dict[str, str]], sprint: str, key: str, sentence: str) -> None:
    assert sentence in told[sprint, key]["why"].split("; ")


def test_status_tells_of_sprints_that_are_left_out(left_out: Project) -> None:
    said = [sentence for sentence in oddities(left_out) if sentence.startswith("sprints are left out")]
    assert said == [
        "sprints are left out, 1 of them (such as Wrong): its sprint ended before it started",
        "sprints are left out, 1 of them (such as Open): its sprint has no known end",
        "sprints are left out, 1 of them (such as Never): its sprint has no known start",
    ]


def test_rules_over_items_that_match_nothing_are_told(left_out: Project) -> None:
    rules = {"team.1.board": "equals Nowhere", "team.1.project": "equals P", "team.1.label": "equals none"}
    stored_settings.put(left_out.db, left_out.id, rules)
    said = oddities(left_out)
    for key in rules:
        stored_settings.remove(left_out.db, left_out.id, key)
    assert "team.1.board matches no sprint" in said
    assert "team.1.label matches no deployment" in said
    assert not any(sentence.startswith("team.1.project") for sentence in said)


# -- who sees what -----------------------------------------------------------------------------------------------------

TREE: dict[str, Any] = {
    "name": "Engineering",
    "members": [{"email": "mia@example.com", "full_name": "Mia"}],
    "children": [
        {"name": "Red", "key": "red", "members": [{"email": "dan@example.com", "full_name": "Dan"}]},
        {"name": "Blue", "key": "blue", "members": [{"email": "eve@example.com", "full_name": "Eve"}]},
    ],
}


@pytest.fixture(scope="module")
def two_teams(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = module_project.home.project("sprints", "two", create=True)
    folder = tmp_path_factory.mktemp("two")
    load_nested(project, TREE, folder, "Engineering")
    for_eve = TABLES["work_items"].replace("A-9,  Story, todo,            dan", "A-9,  Story, todo,            eve")
    for table, text in {**TABLES, "work_items": for_eve}.items():
        deliver(project, table, rows_of(table, text))
    return project


def seen(project: Project, access: Access, filters: Filters | None = None) -> list[dict[str, Any]]:
    with fact_rows(project, "sprint-items", filters or Filters(), access) as rows:
        return rows.page(1000).to_pylist()


def team_only(project: Project, name: str) -> Access:
    (node,) = (node for node in tree(project, "Engineering").nodes if node.name == name)
    return limited_to(project, [str(node.ref_id)])


def test_who_is_limited_to_a_team_sees_its_items_alone(two_teams: Project) -> None:
    blue = seen(two_teams, team_only(two_teams, "Blue"))
    assert [row["key"] for row in blue] == ["A-9"]
    assert {team for row in blue for team in row["teams"]} == {"Engineering/Blue"}
    assert len(seen(two_teams, UNLIMITED)) == 12


def test_hidden_people_are_hidden_in_the_items_of_sprints(two_teams: Project) -> None:
    for access in (replace(UNLIMITED, names=False), replace(UNLIMITED, developers=False)):
        rows = seen(two_teams, access)
        assert len(rows) == 12
        assert "@example.com" not in str(rows)
        assert {row["assignee"] for row in rows} == {None}


def test_rows_of_a_team_alone_are_those_of_the_whole(two_teams: Project, tmp_path: Path) -> None:
    whole = export(two_teams, tmp_path, metricLevel="sprint", granularity="SPRINT")
    (node,) = (node for node in tree(two_teams, "Engineering").nodes if node.name == "Blue")
    alone = export(two_teams, tmp_path, scope={"teamId": str(node.ref_id)}, metricLevel="sprint", granularity="SPRINT")
    assert alone == [row for row in whole if row["Team"] == "Blue"]
    assert [(row["Sprint_Id"], row["Sprint_Commit"]) for row in alone] == [("102", "5.0")]


def test_an_item_is_of_the_team_in_which_its_person_was_at_the_end(module_project: Project, tmp_path: Path) -> None:
    """Dan moves from Red to Blue between the two sprints."""
    project = module_project.home.project("sprints", "moved", create=True)
    red, blue = TREE["children"]
    later = {**TREE, "children": [{**red, "members": []}, {**blue, "members": [*blue["members"], *red["members"]]}]}
    load_nested(project, TREE, tmp_path, "Engineering", date(1970, 1, 1))
    load_nested(project, later, tmp_path, "Engineering", date(2026, 1, 20))
    for table, text in TABLES.items():
        deliver(project, table, rows_of(table, text))
    rows = export(project, tmp_path, metricLevel="sprint", granularity="SPRINT")
    assert [(row["Sprint_Id"], row["Team_Hierarchy"], row["Sprint_Commit"]) for row in rows] == [
        ("101", "Engineering", "15.0"),
        ("101", "Engineering/Red", "15.0"),
        ("102", "Engineering", "11.0"),
        ("102", "Engineering/Blue", "11.0"),
    ]
