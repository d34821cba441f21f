"""The facts of delivery: deployments, incidents, work items and the end of a pull request's way, on one small world."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.db import settings
from leadline.diagnostics.data_quality import oddities
from leadline.errors import InvalidRequest
from leadline.facts.catalogue import FACTS
from leadline.facts.query import Filters
from leadline.facts.write import write
from leadline.home import Project
from leadline.people import tree
from metrics.oracle_events import World
from metrics.oracle_people import tree_of
from metrics.world import TREE, deliver, load, rows_of

DEVELOPERS = """
email,           full_name, manager_email,   team
top@example.com, Top,       ,
mia@example.com, Mia,       top@example.com, Web
zoe@example.com, Zoe,       top@example.com, Api
dan@example.com, Dan,       mia@example.com, Web
eva@example.com, Eva,       zoe@example.com, Api
"""
TABLES = {
    "repositories": """
repository
o/web
""",
    "commits": """
repository, sha,  parents, author_email,    authored_at,       message
o/web,      aaaa, ,        dan@example.com, 2026-01-01T10:00Z, first
o/web,      bbbb, aaaa,    dan@example.com, 2026-01-05T10:00Z, second
o/web,      cccc, bbbb,    eva@example.com, 2026-01-06T10:00Z, third
o/web,      dddd, aaaa,    eva@example.com, 2026-01-07T10:00Z, hotfix (cherry picked from commit cccc)
""",
    "pull_requests": """
repository, number, author,          created_at,        merged_at,         merge_commit_sha, title
o/web,      1,      dan@example.com, 2026-01-05T11:00Z, 2026-01-05T12:00Z, bbbb,             WEB-1 a thing
o/web,      2,      eva@example.com, 2026-01-06T11:00Z, 2026-01-06T12:00Z, cccc,             another
""",
    "pull_request_commits": """
repository, number, sha,  authored_at
o/web,      1,      bbbb, 2026-01-05T10:00Z
o/web,      2,      cccc, 2026-01-06T10:00Z
""",
    "work_items": """
project, key,   type,  assignee,        created_at,        started_at,        completed_at
WEB,     WEB-1, Story, dan@example.com, 2026-01-01T00:00Z, 2026-01-04T10:00Z, 2026-01-05T13:00Z
WEB,     WEB-2, Bug,   eva@example.com, 2026-01-08T00:00Z, ,                  2026-01-07T00:00Z
""",
    "builds": """
build_id, repository, sha,  status,  finished_at
b1,       o/web,      bbbb, failure, 2026-01-05T12:30Z
b2,       o/web,      bbbb, success, 2026-01-05T13:00Z
""",
    "deployments": """
deployment_id, repository, service, environment, sha,  status,    rollback, started_at,        finished_at
d1,            o/web,      web,     prod,        aaaa, success,   ,         2026-01-02T10:00Z, 2026-01-02T10:10Z
d2,            o/web,      web,     staging,     cccc, success,   ,         2026-01-06T10:00Z, 2026-01-06T13:00Z
d3,            o/web,      web,     prod,        bbbb, success,   ,         2026-01-08T10:00Z, 2026-01-08T09:00Z
d4,            o/web,      web,     prod,        aaaa, success,   true,     2026-01-08T11:00Z, 2026-01-08T11:00Z
d5,            o/web,      web;api, prod,        cccc, success,   ,         2026-01-09T11:00Z, 2026-01-09T11:00Z
d6,            o/web,      web,     prod,        cccc, cancelled, ,         2026-01-10T11:00Z, 2026-01-10T11:00Z
d7,            o/web,      web,     prod,        cccc, failure,   ,         2026-01-10T12:00Z, 2026-01-10T12:00Z
d8,            o/web,      api,     prod,        ffff, success,   ,         2026-01-11T12:00Z, 2026-01-11T12:00Z
""",
    "incidents": """
incident_id, service, repository, created_at,        resolved_at,       deployment_id
i1,          web,     ,           2026-01-09T12:00Z, 2026-01-09T14:00Z,
i2,          ,        o/web,      2026-01-09T12:00Z, 2026-01-09T11:00Z,
i3,          web,     ,           2026-01-20T12:00Z, ,                  gone
""",
}


def with_all(project: Project, folder: Path) -> Project:
    people = rows_of("developers", DEVELOPERS)
    tables = {table: rows_of(table, text) for table, text in TABLES.items()}
    load(project, World(tables, tree_of(TREE, people), people), folder)
    return project


@pytest.fixture(scope="module")
def loaded(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small world, to be read only."""
    return with_all(module_project, tmp_path_factory.mktemp("people"))


@pytest.fixture
def changeable(project: Project, tmp_path: Path) -> Project:
    """The small world, for tests that change settings."""
    return with_all(project, tmp_path)


def facts(project: Project, fact: str, folder: Path, **filters: Any) -> dict[str, dict[str, str]]:
    """The rows of a fact by their first two columns."""
    path = folder / "facts.csv"
    write(project, fact, path, Filters(**filters))
    with path.open(encoding="utf-8", newline="") as file:
        return {" ".join(list(row.values())[:2]).strip(): row for row in csv.DictReader(file)}


def test_deployments(loaded: Project, tmp_path: Path) -> None:
    rows = facts(loaded, "deployments", tmp_path)
    assert {name: (row["production"], row["outcome"], row["failed_by"]) for name, row in rows.items()} == {
        "d1 web": ("true", "success", ""),
        "d2 web": ("false", "success", ""),
        "d3 web": ("true", "failure", "d4"),
        "d4 web": ("true", "success", ""),
        "d5 api": ("true", "success", ""),
        "d5 web": ("true", "success", ""),
        "d6 web": ("true", "", ""),
        "d7 web": ("true", "failure", "d7"),
        "d8 api": ("true", "success", ""),
    }
    assert {name: row["commits"] for name, row in rows.items() if row["commits"]} == {
        "d3 web": "bbbb",
        "d5 web": "cccc",
        "d8 api": "ffff",
    }
    assert rows["d3 web"]["pull_requests"] == "o/web#1"
    teams = "Engineering;Engineering/Api;Engineering/Web"
    assert {name: row["teams"] for name, row in rows.items() if row["teams"]} == dict.fromkeys(
        ("d3 web", "d4 web", "d5 api", "d5 web", "d7 web", "d8 api"), teams
    )
    assert "finished before it started" in rows["d3 web"]["why"]
    assert "it was rolled back" in rows["d3 web"]["why"]
    assert "no team: nobody merged to its repository in the days before" in rows["d1 web"]["why"]
    assert "not production" in rows["d2 web"]["why"]
    assert "cancelled" in rows["d6 web"]["why"]
    assert "not a known commit" in rows["d8 api"]["why"]


def test_teams_by_rules(changeable: Project, tmp_path: Path) -> None:
    db = changeable.db
    web = next(node for node in tree(changeable, TREE).nodes if node.name == "Web")
    settings.put(db, changeable.id, {f"team.{web.ref_id}.service": "equals web"})
    rows = facts(changeable, "deployments", tmp_path)
    assert rows["d5 api"]["teams"] == "Engineering;Engineering/Api"
    assert rows["d5 web"]["teams"] == "Engineering;Engineering/Api;Engineering/Web"
    assert "own rule: Engineering/Web" in rows["d5 web"]["why"]
    assert "rule of Engineering/Web below: Engineering" in rows["d5 web"]["why"]
    kept = facts(changeable, "deployments", tmp_path, team=str(web.ref_id))
    assert {name.split()[1] for name in kept} == {"web"}


def test_incidents(loaded: Project, tmp_path: Path) -> None:
    rows = facts(loaded, "incidents", tmp_path)
    assert {name: row["restore_seconds"] for name, row in rows.items()} == {
        "i1 web": "7200.0",
        "i2": "0.0",
        "i3 web": "",
    }
    assert rows["i1 web"]["teams"] == "Engineering;Engineering/Api;Engineering/Web"
    assert "cut to 0" in rows["i2"]["why"]
    assert "not resolved" in rows["i3 web"]["why"]
    assert "names a deployment that is not known: gone" in rows["i3 web"]["why"]
    assert {name: row["deployment_id"] for name, row in rows.items()} == {"i1 web": "d5", "i2": "d5", "i3 web": "d5"}
    assert "deployment: the latest of its service before it" in rows["i1 web"]["why"]
    assert "deployment: the latest of its repository before it" in rows["i2"]["why"]


def test_every_column_has_one_type_in_every_format(loaded: Project, tmp_path: Path) -> None:
    for fact in FACTS.values():
        path = tmp_path / f"{fact.name}.parquet"
        write(loaded, fact.name, path, form="parquet")
        schema = pq.read_schema(path)
        assert tuple(schema.names) == fact.columns
        for name in ("additions", "deletions", "comments", "number"):
            assert name not in schema.names or pa.types.is_integer(schema.field(name).type), (fact.name, name)
        assert pq.read_table(path, columns=["why"])["why"].null_count == 0


def test_durations_have_no_exponent(project: Project, tmp_path: Path) -> None:
    pulls = """
repository, number, author,          created_at,               merged_at
o/web,      1,      dan@example.com, 2026-01-05T11:00:00.000Z, 2026-01-05T11:00:00.0001Z
"""
    people = rows_of("developers", DEVELOPERS)
    world = World({"pull_requests": rows_of("pull_requests", pulls)}, tree_of(TREE, people), people)
    load(project, world, tmp_path)
    assert facts(project, "pull-requests", tmp_path)["o/web 1"]["review_seconds"] == "0.0001"
    write(project, "pull-requests", tmp_path / "facts.jsonl", form="jsonl")
    assert '"review_seconds":0.0001,' in (tmp_path / "facts.jsonl").read_text()


def test_work_items(loaded: Project, tmp_path: Path) -> None:
    rows = facts(loaded, "work-items", tmp_path)
    done = rows["WEB WEB-1"]
    assert (done["work_type"], done["pull_requests"], done["deployment_id"]) == ("feature", "o/web#1", "d3")
    hour = 3600.0
    assert [
        float(done[f"{stage}_seconds"]) for stage in ("planning", "coding", "review", "build", "deploy", "lead")
    ] == [
        82 * hour,
        24 * hour,
        2 * hour,
        1 * hour,
        68 * hour,
        177 * hour,
    ]
    assert "o/web#1 in title" in done["why"]
    other = rows["WEB WEB-2"]
    assert (other["lead_seconds"], other["complete_seconds"]) == ("", "0.0")
    assert "linked to no pull request" in other["why"]


def test_a_pull_request_is_deployed_by_its_cherry_pick(loaded: Project, tmp_path: Path) -> None:
    rows = facts(loaded, "pull-requests", tmp_path)
    assert (rows["o/web 1"]["deployment_id"], rows["o/web 1"]["build_finished_at"]) == ("d3", "2026-01-05T13:00:00Z")
    assert rows["o/web 2"]["deployment_id"] == "d5"
    assert "no finished build" in rows["o/web 2"]["why"]


def test_filters(loaded: Project, tmp_path: Path) -> None:
    kept = facts(loaded, "deployments", tmp_path, start=date(2026, 1, 9), end=date(2026, 1, 9))
    assert sorted(kept) == ["d5 api", "d5 web"]
    with pytest.raises(InvalidRequest, match="belong to teams"):
        write(loaded, "incidents", tmp_path / "x.csv", Filters(developer="dan@example.com"))


def test_oddities_are_told(changeable: Project) -> None:
    settings.put(
        changeable.db,
        changeable.id,
        {
            "team.1.service": "equals nothing",
            "team.nobody.service": "equals web",
            "team.1.project": "equals NEVER",
            "team.1.work_type": "feature = Epic",
        },
    )
    told = oddities(changeable)
    assert any("nobody" in each for each in told)
    assert "team.1.service matches no deployment" in told
    assert "team.1.project matches no work item" in told
    assert any("epic" in each for each in told)
    assert any(each.startswith("1 rows of deployments") for each in told)
    assert any(each.startswith("1 rows of incidents") for each in told)


def test_why_says_how_a_pull_request_was_carried_and_which_merge_is_not_known(project: Project, tmp_path: Path) -> None:
    tables = {
        "commits": """
repository, sha,      parents
o/r,        aaaa0001,
o/r,        aaaa0002, aaaa0001
o/r,        aaaa0003, aaaa0002
o/r,        aaaa0004, aaaa0003
""",
        "pull_requests": """
repository, number, merged_at,         merge_commit_sha
o/r,        1,      2026-01-03T00:00Z, aaaa0003
o/r,        2,      2026-01-03T00:00Z,
o/r,        3,      2026-01-03T00:00Z, bbbb0001
o/r,        4,      2026-01-03T00:00Z, bbbb0002
o/r,        5,      2026-01-03T00:00Z, aaaa0004
""",
        "pull_request_commits": """
repository, number, sha,      committed_at
o/r,        1,      bbbb0001, 2026-01-02T00:00Z
o/r,        2,      aaaa0002, 2026-01-02T00:00Z
""",
        "deployments": """
deployment_id, repository, sha,      status,  finished_at
d1,            o/r,        aaaa0001, success, 2026-01-02T00:00Z
d2,            o/r,        aaaa0003, success, 2026-01-05T00:00Z
""",
    }
    for table, text in tables.items():
        deliver(project, table, rows_of(table, text))
    rows = facts(project, "pull-requests", tmp_path)
    assert [rows[f"o/r {number}"]["deployment_id"] for number in range(1, 6)] == ["d2", "d2", "d2", "", ""]
    for number, sentence in enumerate(
        (
            "its merge is in the deployed history",
            "deployed: with the last commit of its branch",
            "deployed: with #1, which lists its merge",
            "its merge commit is not known",
            "no production deployment after a service's first known one carries it",
        ),
        1,
    ):
        assert sentence in rows[f"o/r {number}"]["why"]
    assert facts(project, "deployments", tmp_path)["d2"]["pull_requests"] == "o/r#1;o/r#2;o/r#3"


def test_a_service_that_has_paths_carries_only_what_touches_them(project: Project, tmp_path: Path) -> None:
    """`why` tells of the services that are deployed and whose paths it does not touch; deployments list what they carry."""
    tables = {
        "commits": """
repository, sha,      parents
o/r,        aaaa0001,
o/r,        aaaa0002, aaaa0001
o/r,        aaaa0003, aaaa0002
""",
        "pull_requests": """
repository, number, merged_at,         merge_commit_sha
o/r,        1,      2026-01-03T00:00Z, aaaa0002
o/r,        2,      2026-01-03T00:00Z, aaaa0003
o/s,        3,      2026-01-03T00:00Z,
""",
        "pull_request_files": """
repository, number, path
o/r,        1,      api/x
o/r,        2,      docs/x
o/s,        3,      docs/x
""",
        "deployments": """
deployment_id, repository, service,  sha,      status,  finished_at
d1,            o/r,        API; web, aaaa0001, success, 2026-01-02T00:00Z
d2,            o/r,        API; web, aaaa0003, success, 2026-01-05T00:00Z
""",
    }
    for table, text in tables.items():
        deliver(project, table, rows_of(table, text))
    settings.put(project.db, project.id, {f"service.{name}.paths": f"{name}/" for name in ("api", "web", "other")})
    rows = facts(project, "pull-requests", tmp_path)
    assert [rows[f"o/r {number}"]["deployment_id"] for number in (1, 2)] == ["d2", ""]
    assert "not carried by service web: touches none of its paths" in rows["o/r 1"]["why"]
    assert "of service API" in rows["o/r 1"]["why"]
    assert "not carried by service API, web: touches none of its paths" in rows["o/r 2"]["why"]
    assert "touches none" not in rows["o/s 3"]["why"]
    deployments = facts(project, "deployments", tmp_path)
    assert (deployments["d2 API"]["pull_requests"], deployments["d2 web"]["pull_requests"]) == ("o/r#1", "")
    assert deployments["d2 web"]["commits"] == "aaaa0002;aaaa0003"
