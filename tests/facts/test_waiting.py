"""What is open: what each pull request waits for, by the rule as documented, and whose open incidents are."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from leadline.errors import InvalidRequest
from leadline.facts.query import Filters
from leadline.facts.waiting import WAITS_FOR
from leadline.facts.write import write
from leadline.home import Project
from leadline.people import tree
from metrics.oracle_events import World
from metrics.oracle_people import tree_of
from metrics.world import TREE, load, rows_of

DEVELOPERS = """
email,           full_name, manager_email,   team
top@example.com, Top,       ,
mia@example.com, Mia,       top@example.com, Web
zoe@example.com, Zoe,       top@example.com, Api
dan@example.com, Dan,       mia@example.com, Web
eva@example.com, Eva,       zoe@example.com, Api
"""
TABLES = {
    "repositories": "\nrepository\no/web\n",
    "commits": """
repository, sha,  parents, author_email,    authored_at,       message
o/web,      aaaa, ,        dan@example.com, 2026-01-01T10:00Z, first
o/web,      bbbb, aaaa,    dan@example.com, 2026-01-05T10:00Z, second
""",
    "pull_requests": """
repository, number, author,          state,  draft, created_at,        ready_at,          merged_at,         closed_at
o/web,      1,      dan@example.com, open,   true,  2026-02-01T10:00Z, ,                  ,
o/web,      2,      dan@example.com, open,   ,      2026-02-01T10:00Z, 2026-02-02T10:00Z, ,
o/web,      3,      dan@example.com, open,   ,      2026-02-01T10:00Z, ,                  ,
o/web,      4,      dan@example.com, open,   ,      2026-02-01T10:00Z, ,                  ,
o/web,      5,      dan@example.com, open,   ,      2026-02-01T10:00Z, ,                  ,
o/web,      6,      dan@example.com, open,   ,      2026-02-01T10:00Z, ,                  ,
o/web,      7,      dan@example.com, open,   ,      2026-02-01T10:00Z, ,                  ,
o/web,      8,      eva@example.com, closed, ,      2026-02-01T10:00Z, ,                  ,                  2026-02-03T10:00Z
o/web,      9,      eva@example.com, merged, ,      2026-01-04T10:00Z, ,                  2026-01-05T11:00Z, 2026-01-05T11:00Z
o/web,      10,     eva@example.com, merged, ,      2026-02-01T10:00Z, ,                  2026-02-04T10:00Z, 2026-02-04T10:00Z
o/api,      11,     eva@example.com, merged, ,      2026-02-01T10:00Z, ,                  2026-02-04T10:00Z, 2026-02-04T10:00Z
o/api,      12,     eva@example.com, ,       ,      2026-02-01T10:00Z, ,                  ,
o/api,      13,     eva@example.com, ,       ,      2026-02-01T10:00Z, ,                  ,                  2026-02-02T10:00Z
""",
    "pull_request_commits": """
repository, number, sha, committed_at
o/web,      3,      c3,  2026-02-01T09:00Z
o/web,      4,      c4,  2026-02-06T10:00Z
""",
    "reviews": """
repository, number, review_id, author,          state,             submitted_at
o/web,      2,      r1,        eva@example.com, commented,         2026-02-03T10:00Z
o/web,      3,      r2,        eva@example.com, changes_requested, 2026-02-03T10:00Z
o/web,      3,      r3,        mia@example.com, approved,          2026-02-04T10:00Z
o/web,      4,      r4,        eva@example.com, changes_requested, 2026-02-05T10:00Z
o/web,      5,      r5,        eva@example.com, changes_requested, 2026-02-05T10:00Z
o/web,      5,      r6,        eva@example.com, approved,          2026-02-06T10:00Z
o/web,      5,      r7,        mia@example.com, approved,          2026-02-07T10:00Z
o/web,      6,      r8,        eva@example.com, approved,          2026-02-05T10:00Z
o/web,      6,      r9,        eva@example.com, dismissed,         2026-02-06T10:00Z
o/web,      7,      r10,       dan@example.com, approved,          2026-02-05T10:00Z
""",
    "deployments": """
deployment_id, repository, service, environment, sha,  status,  finished_at
d1,            o/web,      web,     prod,        aaaa, success, 2026-01-02T10:10Z
d2,            o/web,      web,     prod,        bbbb, success, 2026-01-06T10:10Z
""",
    "incidents": """
incident_id, service, repository, created_at,        resolved_at
i1,          web,     o/web,      2026-01-09T12:00Z, 2026-01-09T14:00Z
i2,          web,     o/web,      2026-01-10T12:00Z,
i3,          ,        o/none,     2026-01-10T12:00Z,
""",
}
EXPECTED = {
    "1": ("draft", "2026-02-01T10:00:00Z"),
    "2": ("review", "2026-02-02T10:00:00Z"),
    "3": ("changes", "2026-02-03T10:00:00Z"),
    "4": ("review", "2026-02-06T10:00:00Z"),
    "5": ("merge", "2026-02-07T10:00:00Z"),
    "6": ("review", "2026-02-01T10:00:00Z"),
    "7": ("review", "2026-02-01T10:00:00Z"),
    "10": ("deployment", "2026-02-04T10:00:00Z"),
    "12": ("review", "2026-02-01T10:00:00Z"),
}


@pytest.fixture(scope="module")
def loaded(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    people = rows_of("developers", DEVELOPERS)
    tables = {table: rows_of(table, text) for table, text in TABLES.items()}
    load(module_project, World(tables, tree_of(TREE, people), people), tmp_path_factory.mktemp("people"))
    return module_project


def facts(project: Project, fact: str, path: Path, filters: Filters) -> list[dict[str, str]]:
    write(project, fact, path, filters)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_pull_request_waits_for_what_the_rule_says(loaded: Project, tmp_path: Path) -> None:
    rows = facts(loaded, "pull-requests", tmp_path / "facts.csv", Filters())
    assert len(rows) == 13
    waits = {row["number"]: (row["waits_for"], row["wait_began_at"]) for row in rows if row["waits_for"]}
    assert waits == EXPECTED
    assert {waits_for for waits_for, _ in waits.values()} == set(WAITS_FOR)
    assert all(not row["wait_began_at"] for row in rows if not row["waits_for"])


def test_only_what_is_open_can_be_asked_for(loaded: Project, tmp_path: Path) -> None:
    pulls = facts(loaded, "pull-requests", tmp_path / "pulls.csv", Filters(open=True))
    assert {row["number"] for row in pulls} == set(EXPECTED)
    web = next(node for node in tree(loaded, TREE).nodes if node.name == "Web")
    of_web = facts(loaded, "pull-requests", tmp_path / "web.csv", Filters(open=True, team=str(web.ref_id)))
    of_eva = facts(loaded, "pull-requests", tmp_path / "eva.csv", Filters(open=True, developer="eva@example.com"))
    assert {row["number"] for row in of_eva} == {"10", "12"}
    assert {row["number"] for row in of_web} == set(EXPECTED) - {"10", "12"}
    with pytest.raises(InvalidRequest, match="Commits are never open; pull-requests, incidents are"):
        write(loaded, "commits", tmp_path / "commits.csv", Filters(open=True))


def test_an_open_incident_is_of_the_teams_that_its_repository_is_of(loaded: Project, tmp_path: Path) -> None:
    rows = {row["incident_id"]: row for row in facts(loaded, "incidents", tmp_path / "all.csv", Filters())}
    assert rows["i2"]["teams"] == rows["i1"]["teams"] != ""
    assert rows["i3"]["teams"] == ""
    assert "not resolved" in rows["i2"]["why"]
    open_ones = facts(loaded, "incidents", tmp_path / "open.csv", Filters(open=True))
    assert [row["incident_id"] for row in open_ones] == ["i2", "i3"]
    of_root = facts(loaded, "incidents", tmp_path / "root.csv", Filters(open=True, tree_name=TREE))
    assert [row["incident_id"] for row in of_root] == ["i2"]
