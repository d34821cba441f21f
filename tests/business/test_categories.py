"""Which category a completed work item counts for, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.errors import InvalidRequest
from leadline.home import Project

from .running import asked, cells, filled, table_of

ONE = {"business.categories": "A; B"}
HEADER = (
    "project, key, type, title, status_category, assignee, story_points, time_spent_seconds, completed_at, parent_key"
)
ITEMS = f"""
{HEADER}, labels, components, priority, fix_versions
P, P-1, Story, Login page,  done, ada@example.com, 3,   3600, 2026-03-03T10:00:00, ,    web;new, shop, High, 1.0
P, P-2, Bug,   Fix login,   done, ben@example.com, 0.5, 1800, 2026-03-04T10:00:00, P-1, web,     cart, Low,  1.1
P, P-3, Task,  Patch,       done, dot@example.com, ,    ,     2026-03-05T10:00:00, P-2, ,        ,     ,     1.0;1.1
Q, Q-1, Story, New basket,  done, eve@example.com, 2,   ,     2026-03-06T10:00:00, ,    ,        shop, High,
Q, Q-2, Bug,   April's fix, done, eve@example.com, 8,   7200, 2026-04-01T10:00:00, ,    ,        ,     ,
Q, Q-3, Bug,   Not done,    todo, eve@example.com, 8,   7200, ,                    ,    ,        ,     ,
"""


@pytest.mark.parametrize(
    ("rules", "a", "b", "none"),
    [
        ({}, 0, 0, 4),
        ({"business.A.type": "equals bug"}, 1, 0, 3),
        ({"business.A.type": "equals Story, Bug", "business.B.type": "equals Bug, Task"}, 3, 1, 0),
        ({"business.B.type": "equals Story, Bug"}, 0, 3, 1),
        ({"business.A.type": "equals Story", "business.A.project": "equals Q"}, 1, 0, 3),
        ({"business.A.type": "equals Bug", "business.A.project": "equals Q", "business.A.join": "any"}, 2, 0, 2),
        ({"business.A.title": "contains LOGIN; not contains fix"}, 1, 0, 3),
        ({"business.A.label": "equals web", "business.B.component": "equals shop"}, 2, 1, 1),
        ({"business.A.label": "not equals web"}, 2, 0, 2),
        ({"business.A.priority": "equals high", "business.B.fix_version": "equals 1.1"}, 2, 2, 0),
        ({"business.A.key": "ends with -1", "business.B.parent": "equals p-1"}, 2, 1, 1),
        ({"business.A.join": "any"}, 0, 0, 4),
    ],
)
def test_tickets_by_rules(project: Project, tmp_path: Path, rules: dict[str, str], a: int, b: int, none: int) -> None:
    filled(project, tmp_path, tables={"work_items": ITEMS}, values={**ONE, **rules})
    table = table_of(project, tmp_path, asked())
    whole = cells(table, "A_tickets", "B_tickets", "Uncategorized_tickets", where={"Team": "Engineering"})
    assert whole == [[str(a), str(b), str(none)]]


def test_the_columns_and_their_values(project: Project, tmp_path: Path) -> None:
    """Points that are not told count 0, as does time; each team has its people's, a parent all of them."""
    rules = {"business.A.type": "equals Story", "business.B.type": "equals Bug"}
    filled(project, tmp_path, tables={"work_items": ITEMS}, values={**ONE, **rules})
    header, *rows = table_of(project, tmp_path, asked())
    assert header == [
        *("Granularity", "Team", "Team_Hierarchy", "Start_Date", "End_Date"),
        *("A_story_points", "A_tickets", "A_time_spent_hours"),
        *("B_story_points", "B_tickets", "B_time_spent_hours"),
        *("Uncategorized_story_points", "Uncategorized_tickets", "Uncategorized_time_spent_hours"),
        "Team_Id",
    ]
    assert [row[5:-1] for row in rows] == [
        ["5.0", "2", "1.0", "0.5", "1", "0.5", "0.0", "1", "0.0"],
        ["2.0", "1", "0.0", "0.0", "0", "0.0", "0.0", "1", "0.0"],
    ]
    assert rows[0][:5] == ["Mar 2026", "Engineering", "Engineering", "2026-03-01", "2026-03-31"]


HIERARCHY = f"""
{HEADER}
P, E-1, Epic,  A epic,  done, ada@example.com, , , 2026-03-02T10:00:00,
P, S-1, Story, B story, done, ada@example.com, , , 2026-03-02T10:00:00, E-1
P, T-1, Task,  task,    done, ada@example.com, , , 2026-03-02T10:00:00, S-1
P, U-1, Sub,   sub,     done, ada@example.com, , , 2026-03-02T10:00:00, T-1
P, C-1, Task,  one,     done, ada@example.com, , , 2026-03-02T10:00:00, C-2
P, C-2, Task,  A two,   done, ada@example.com, , , 2026-03-02T10:00:00, C-1
P, X-1, Task,  lost,    done, ada@example.com, , , 2026-03-02T10:00:00, NO-1
"""


@pytest.mark.parametrize(
    ("hierarchy", "a", "b", "none"),
    [
        # E-1 and C-2 are A, S-1 is B; T-1, U-1, C-1 and X-1 fit nothing.
        ("none", 2, 1, 4),
        # T-1 takes S-1's; U-1's parent has none; C-1 takes C-2's; X-1's parent is unknown.
        ("children", 3, 2, 2),
        # U-1 takes S-1's, too.
        ("descendants", 3, 3, 1),
        # E-1, S-1, T-1, C-1 and C-2 have children: U-1 (B) and X-1 are left.
        ("leaves", 0, 1, 1),
        # All below E-1 take A, S-1 too; C-2 has its own and C-1 none.
        ("epic", 5, 0, 2),
    ],
)
def test_items_above(project: Project, tmp_path: Path, hierarchy: str, a: int, b: int, none: int) -> None:
    rules = {"business.A.title": "starts with A", "business.B.title": "starts with B"}
    settings = {**ONE, **rules, "business.hierarchy": hierarchy}
    filled(project, tmp_path, tables={"work_items": HIERARCHY}, values=settings)
    names = ("A_tickets", "B_tickets", "Uncategorized_tickets")
    table = table_of(project, tmp_path, asked())
    assert cells(table, *names, where={"Team": "Engineering"}) == [[str(a), str(b), str(none)]]


def test_the_nearest_team_with_a_rule_for_the_category_decides(project: Project, tmp_path: Path) -> None:
    """Ops has a rule for A and none for B: its bugs are A by its own, and its tasks B by everybody's."""
    from leadline.people import tree

    filled(project, tmp_path, tables={"work_items": ITEMS}, values=ONE)
    ops = next(node for node in tree(project, "Engineering").nodes if node.name == "Ops")
    rules = {"business.A.type": "equals Bug", "business.B.type": "equals Story, Task"}
    own = {f"team.{ops.ref_id}.business.A.project": "equals Q"}
    from leadline.administration import settings

    settings.change(project, {**rules, **own})
    table = table_of(project, tmp_path, asked())
    # The whole: P-1 B, P-2 A, P-3 of Dot B by the rule of all, Q-1 of Eve A by the rule of Ops.
    names = ("A_tickets", "B_tickets", "Uncategorized_tickets")
    assert cells(table, *names) == [["2", "2", "0"], ["1", "1", "0"]]


@pytest.mark.parametrize(
    ("unit", "shares"),
    [
        ("TICKETS", [["50.0", "25.0", "25.0"], ["50.0", "0.0", "50.0"]]),
        ("STORY_POINTS", [["90.9091", "9.0909", "0.0"], ["100.0", "0.0", "0.0"]]),
        ("TIME_SPENT", [["66.6667", "33.3333", "0.0"], ["", "", ""]]),
    ],
)
def test_shares_are_of_what_is_asked(project: Project, tmp_path: Path, unit: str, shares: list[list[str]]) -> None:
    rules = {"business.A.type": "equals Story", "business.B.type": "equals Bug"}
    filled(project, tmp_path, tables={"work_items": ITEMS}, values={**ONE, **rules})
    table = table_of(project, tmp_path, asked(metricGroups=["share"], effortUnit=unit))
    assert cells(table, "A_percent", "B_percent", "Uncategorized_percent") == shares


def test_hours_come_where_any_time_is_known_or_when_they_are_named(project: Project, tmp_path: Path) -> None:
    items = f"{HEADER}\nP, P-1, Bug, x, done, ada@example.com, 1, , 2026-03-03T10:00:00,"
    filled(project, tmp_path, tables={"work_items": items}, values=ONE)
    assert [name for name in table_of(project, tmp_path, asked())[0] if "hours" in name] == []
    named = table_of(project, tmp_path, asked(metrics=["category_TIME_spent_hours"]))
    assert named[0][5:] == ["A_time_spent_hours", "B_time_spent_hours", "Team_Id"]


def test_developers_have_rows(project: Project, tmp_path: Path) -> None:
    filled(project, tmp_path, tables={"work_items": ITEMS}, values={**ONE, "business.A.type": "equals Bug"})
    table = table_of(project, tmp_path, asked(metricLevel="developer", metrics=["a_tickets"]))
    assert table[0][:7] == ["Granularity", "Developer", "Email", "Team", "Team_Hierarchy", "Start_Date", "End_Date"]
    assert cells(table, "Email", "A_tickets") == [
        ["ada@example.com", "0"],
        ["ben@example.com", "1"],
        ["mia@example.com", "0"],
        ["cid@example.com", "0"],
        ["dot@example.com", "0"],
        ["eve@example.com", "0"],
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"metrics": ["Nothing_tickets"]}, "unknown_metric"),
        ({"metricGroups": ["everything"]}, "unknown_metric_group"),
        ({"granularity": "DAILY"}, "unsupported_granularity"),
        ({"effortUnit": "DAYS"}, "unsupported_effort_unit"),
        ({"metricLevel": "service"}, "unsupported_metric_level"),
    ],
)
def test_what_is_refused(project: Project, tmp_path: Path, fields: dict[str, object], code: str) -> None:
    filled(project, tmp_path, values=ONE)
    with pytest.raises(InvalidRequest) as refused:
        table_of(project, tmp_path, asked(**fields))
    assert refused.value.code == code
