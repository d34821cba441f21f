"""Days of developers shared over work items, by hand: the documented example, and each rule by itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from leadline.facts.query import Filters, fact_rows
from leadline.home import Project
from metrics.world import load_people, rows_of

from .running import asked, cells, filled, table_of

TWO = """
email,           full_name, manager_email
ada@example.com, Ada,
ben@example.com, Ben,       ada@example.com
"""
RULES = {
    "business.categories": "New Capability; KTLO",
    "business.New Capability.key": "equals P-1",
    "business.KTLO.key": "equals P-2",
}
ITEMS = """
project, key, type, status, status_category, created_at
P, P-1, Story, To Do, todo, 2026-02-01T09:00:00
P, P-2, Task,  To Do, todo, 2026-02-01T09:00:00
P, P-3, Bug,   To Do, todo, 2026-02-01T09:00:00
"""
PULLS = """
repository, number, title, author, created_at, source
o/r, 1, P-1, ada@example.com, 2026-02-02T09:00:00, github
o/r, 2, P-2, ada@example.com, 2026-02-02T09:00:00, github
o/r, 3, P-3, ada@example.com, 2026-02-02T09:00:00, github
o/r, 4, none, ada@example.com, 2026-02-02T09:00:00, github
"""
REVIEWS = """
repository, number, review_id, author, state, submitted_at, source
o/r, 1, 1, ben@example.com, commented, 2026-03-02T10:00:00, github
o/r, 2, 2, ben@example.com, commented, 2026-03-02T11:00:00, github
o/r, 1, 3, ben@example.com, approved,  2026-03-03T10:00:00, github
o/r, 4, 4, ben@example.com, approved,  2026-03-05T10:00:00, github
o/r, 1, 5, ben@example.com, approved,  2026-03-06T10:00:00, github
o/r, 3, 6, ben@example.com, approved,  2026-03-06T10:00:00, github
o/r, 3, 7, ada@example.com, commented, 2026-03-02T10:00:00, github
o/r, 2, 8, ada@example.com, commented, 2026-03-06T10:00:00, github
"""
CHANGES = """
project, key, changed_at, field, from_value, to_value, from_category, to_category, author
P, P-1, 2026-03-04T09:00:00, assignee, ,            ben@example.com, ,            ,
P, P-1, 2026-03-04T09:00:00, status,   To Do,       In Progress,     todo,        in_progress,
P, P-1, 2026-03-04T17:00:00, status,   In Progress, To Do,           in_progress, todo,
P, P-3, 2026-03-03T09:00:00, assignee, ,            ada@example.com, ,            ,
P, P-3, 2026-03-03T09:00:00, status,   To Do,       In Progress,     todo,        in_progress,
P, P-3, 2026-03-03T17:00:00, status,   In Progress, To Do,           in_progress, todo,
"""
EXAMPLE = {"work_items": ITEMS, "pull_requests": PULLS, "reviews": REVIEWS, "work_item_changes": CHANGES}
FTE = ("New_Capability_fte", "KTLO_fte", "Uncategorized_fte", "Unlinked_fte")


def test_the_documented_example(project: Project, tmp_path: Path) -> None:
    """Days 3, 1.5, 2.5 and 1 of 22 weekdays."""
    filled(project, tmp_path, TWO, EXAMPLE, RULES)
    table = table_of(project, tmp_path, asked(metricGroups=["EFFORT"]))
    assert table[0][5:] == ["New_Capability_fte", "KTLO_fte", "Unlinked_fte", "Uncategorized_fte", "Team_Id"]
    assert cells(table, *FTE, where={"Team": "Engineering"}) == [["0.1364", "0.0682", "0.1136", "0.0455"]]


def test_each_developers_days_and_their_shares(project: Project, tmp_path: Path) -> None:
    """Ben: 3 of A, ½ of B, ½ of C and 1 unlinked; Ada: 1 of B and 2 of C; of 22, and of what each did."""
    filled(project, tmp_path, TWO, EXAMPLE, RULES)
    body = asked(metricGroups=["effort", "share"], metricLevel="developer", effortUnit="FTE")
    table = table_of(project, tmp_path, body)
    names = ("Email", *FTE, *(name.replace("fte", "percent") for name in FTE))
    assert cells(table, *names) == [
        ["ada@example.com", "0.0", "0.0455", "0.0909", "0.0", "0.0", "33.3333", "66.6667", "0.0"],
        ["ben@example.com", "0.1364", "0.0227", "0.0227", "0.0455", "60.0", "10.0", "10.0", "20.0"],
    ]


def test_the_rows_behind_it(project: Project, tmp_path: Path) -> None:
    filled(project, tmp_path, TWO, EXAMPLE, RULES)
    with fact_rows(project, "effort", Filters()) as facts:
        rows = facts.page(100).to_pylist()
    assert [
        (row["day"], row["developer"][:3], row["key"], row["category"], row["share"], row["why"]) for row in rows
    ] == [
        # The pull requests that Ada opened.
        ("2026-02-02", "ada", "P-1", "New Capability", 0.3333, "opened; one of 3 items of the day"),
        ("2026-02-02", "ada", "P-2", "KTLO", 0.3333, "opened; one of 3 items of the day"),
        ("2026-02-02", "ada", "P-3", "Uncategorized", 0.3333, "opened; one of 3 items of the day"),
        ("2026-03-02", "ada", "P-3", "Uncategorized", 1.0, "review"),
        ("2026-03-02", "ben", "P-1", "New Capability", 0.5, "review; one of 2 items of the day"),
        ("2026-03-02", "ben", "P-2", "KTLO", 0.5, "review; one of 2 items of the day"),
        ("2026-03-03", "ada", "P-3", "Uncategorized", 1.0, "nothing done: in progress and assigned at noon"),
        ("2026-03-03", "ben", "P-1", "New Capability", 1.0, "review"),
        ("2026-03-04", "ben", "P-1", "New Capability", 1.0, "nothing done: in progress and assigned at noon"),
        ("2026-03-05", "ben", "", "Unlinked", 1.0, "review"),
        ("2026-03-06", "ada", "P-2", "KTLO", 1.0, "review"),
        ("2026-03-06", "ben", "P-1", "New Capability", 0.5, "review; one of 2 items of the day"),
        ("2026-03-06", "ben", "P-3", "Uncategorized", 0.5, "review; one of 2 items of the day"),
    ]


PULL = "repository, number, title, author, created_at, source"
ONE_PULL = f"{PULL}\no/r, 1, P-1, ada@example.com, 2026-01-02T09:00:00, github"


def reviews(*instants: str) -> str:
    """Reviews of the one pull request by Ben."""
    rows = [f"o/r, 1, {number}, ben@example.com, commented, {at}, github" for number, at in enumerate(instants)]
    return "\n".join(["repository, number, review_id, author, state, submitted_at, source", *rows])


def fte_of_ben(project: Project, folder: Path, *, today: date | None = None, **options: str) -> str:
    body = asked(metrics=["New_Capability_fte"], metricLevel="developer", **options)
    ((cell,),) = cells(
        table_of(project, folder, body, today=today), "New_Capability_fte", where={"Email": "ben@example.com"}
    )
    return cell


def worked(*days: str) -> dict[str, str]:
    return {
        "work_items": ITEMS,
        "pull_requests": ONE_PULL,
        "reviews": reviews(*(f"2026-03-{day}T10:00:00" for day in days)),
    }


WEEK = {"dateRange": {"start": "2026-03-02", "end": "2026-03-08"}}


@pytest.mark.parametrize(
    ("days", "days_of_the_week"),
    [
        (("02", "03"), "0.4"),
        (("02", "07"), "0.4"),  # a Saturday counts
        (("02", "03", "04", "05", "07", "08"), "1.0"),  # four days and a weekend: no more than five
        (("02", "03", "04", "05", "06", "07", "08"), "1.0"),
        (("07", "08"), "0.4"),
    ],
)
def test_weekends_count_as_far_as_the_week_has_room(
    project: Project, tmp_path: Path, days: tuple[str, ...], days_of_the_week: str
) -> None:
    filled(project, tmp_path, TWO, worked(*days), RULES)
    body = asked(metrics=["New_Capability_fte"], metricLevel="developer", **WEEK)
    table = table_of(project, tmp_path, {**body, "options": {**body["options"], "granularity": "WEEKLY"}})
    assert cells(table, "New_Capability_fte", where={"Email": "ben@example.com"}) == [[days_of_the_week]]


@pytest.mark.parametrize(
    ("absences", "fte"),
    [
        ("", "0.0909"),  # 2 of 22
        ("ben@example.com, 2026-03-02, ", "0.0455"),  # one whole day less
        ("BEN@example.com, 2026-03-02, 0.5", "0.0682"),
        ("ben@example.com, 2026-03-04, 1", "0.0909"),  # a day on which nothing was anyway
        ("ben@example.com, 2026-03-02, 7", "0.0455"),
        ("ada@example.com, 2026-03-02, 1", "0.0909"),
    ],
)
def test_absences_make_days_less(project: Project, tmp_path: Path, absences: str, fte: str) -> None:
    tables = {**worked("02", "03"), "absences": f"email, day, share\n{absences}"}
    filled(project, tmp_path, TWO, tables, RULES)
    assert fte_of_ben(project, tmp_path) == fte


@pytest.mark.parametrize(("fte", "expected"), [("", "0.0909"), ("0.5", "0.0455"), ("0", "0.0"), ("1", "0.0909")])
def test_who_has_half_a_job_counts_half(project: Project, tmp_path: Path, fte: str, expected: str) -> None:
    people = (
        f"email, full_name, manager_email, fte\nada@example.com, Ada, ,\nben@example.com, Ben, ada@example.com, {fte}"
    )
    filled(project, tmp_path, people, worked("02", "03"), RULES)
    assert fte_of_ben(project, tmp_path) == expected


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 3, 2), "1.0"),
        (date(2026, 3, 3), "1.0"),
        (date(2026, 3, 6), "0.4"),
        (date(2026, 3, 8), "0.4"),
        (date(2026, 2, 27), ""),  # no day of it is over
    ],
)
def test_the_running_period_is_divided_by_the_days_so_far(
    project: Project, tmp_path: Path, today: date, expected: str
) -> None:
    filled(project, tmp_path, TWO, worked("02", "03"), RULES)
    assert fte_of_ben(project, tmp_path, today=today) == expected


def test_days_are_local(project: Project, tmp_path: Path) -> None:
    """Half past eleven in the evening of Sunday in UTC is Monday in Berlin: not of the week before."""
    tables = {**worked(), "reviews": reviews("2026-03-08T23:30:00")}
    filled(project, tmp_path, TWO, tables, {**RULES, "timezone": "Europe/Berlin"})
    body = asked(metrics=["New_Capability_fte"], metricLevel="developer", granularity="WEEKLY")
    table = table_of(project, tmp_path, body)
    weeks = cells(table, "Granularity", "New_Capability_fte", where={"Email": "ben@example.com"})
    assert [week for week, fte in weeks if fte != "0.0" and fte] == ["2026-W11"]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("comments", "o/r, 1, 1, ben@example.com, 2026-03-02T10:00:00, github"),
        ("pull_requests", "o/r, 2, P-1, ben@example.com, 2026-03-02T10:00:00, , , github"),
        (
            "pull_requests",
            "o/r, 2, P-1, ada@example.com, 2026-02-02T10:00:00, ben@example.com, 2026-03-02T10:00:00, github",
        ),
        ("work_item_changes", "P, P-1, 2026-03-02T10:00:00, status, To Do, In Progress, ben@example.com"),
        ("commits", "o/r, c1, , ben@example.com, 2026-03-02T10:00:00"),
    ],
)
def test_what_touches_an_item(project: Project, tmp_path: Path, table: str, row: str) -> None:
    headers = {
        "comments": "repository, number, comment_id, author, created_at, source",
        "pull_requests": "repository, number, title, author, created_at, merged_by, merged_at, source",
        "work_item_changes": "project, key, changed_at, field, from_value, to_value, author",
        "commits": "repository, sha, parents, author_email, authored_at",
    }
    tables = {"work_items": ITEMS, "pull_requests": ONE_PULL, table: f"{headers[table]}\n{row}"}
    if table == "commits":
        tables["pull_request_commits"] = "repository, number, sha\no/r, 1, c1"
    if table == "pull_requests":
        tables[table] += "\no/r, 1, P-1, ada@example.com, 2026-01-02T09:00:00, , , github"
    filled(project, tmp_path, TWO, tables, RULES)
    assert fte_of_ben(project, tmp_path) == "0.0455"


def test_days_and_items_are_of_the_team_of_their_day(project: Project, tmp_path: Path) -> None:
    """Ben moves from Ops to Web on the 9th: two of his days, and the item that he completed, are of Ops, one day is of Web."""
    people = """
email,           full_name, manager_email,   team
mia@example.com, Mia,       ,
ada@example.com, Ada,       mia@example.com, Web
cid@example.com, Cid,       mia@example.com, Ops
abe@example.com, Abe,       ada@example.com, Web
ben@example.com, Ben,       {},              {}
"""
    items = ITEMS + "P, P-4, Story, Done, done, 2026-02-01T09:00:00"
    done = "project, key, changed_at, field, from_value, to_value, from_category, to_category\n"
    done += "P, P-4, 2026-03-03T09:00:00, assignee, , ben@example.com, ,\n"
    done += "P, P-4, 2026-03-05T09:00:00, status, In Progress, Done, in_progress, done"
    tables = {**worked("02", "03", "10"), "work_items": items, "work_item_changes": done}
    filled(
        project, tmp_path, people.format("cid@example.com", "Ops"), tables, {**RULES, "business.KTLO.key": "equals P-4"}
    )
    moved = rows_of("developers", people.format("ada@example.com", "Web"))
    load_people(project, moved, tmp_path, since=date(2026, 3, 9))
    table = table_of(project, tmp_path, asked(metrics=["New_Capability_fte", "KTLO_tickets"]))
    found = {team: rest for team, *rest in cells(table, "Team", "KTLO_tickets", "New_Capability_fte")}
    assert found["Engineering"] == ["1", "0.1364"]
    assert found["Ops"] == ["1", "0.0909"]
    assert found["Web"] == ["0", "0.0455"]
