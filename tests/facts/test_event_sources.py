"""What is a deployment and what an incident: what is computed anew after a change of settings, and what facts say of each."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadline.db import settings as stored_settings
from leadline.diagnostics.data_quality import oddities
from leadline.facts.policy import BUILD_POLICY
from leadline.facts.write import write
from leadline.home import Project
from leadline.materialize.session import Sessions
from leadline.metrics.all_measures import FACT_MEASURES
from metrics.world import deliver, load_people
from metrics.world import rows_of as typed_rows

TABLES = {
    "pull_requests": """
        repository, number, author,          title, base_branch, labels, merged_at,         merge_commit_sha
        o/r,        1,      dan@example.com, ,      main,        ,       2026-01-04T00:00Z, aaaa0001
        o/r,        2,      dan@example.com, OPS-1, main,        ,       2026-01-08T00:00Z, aaaa0002
        o/s,        1,      dan@example.com, ,      main,        go,     2026-01-05T00:00Z,
        """,
    "commits": """
        repository, sha,      parents,  author_email,    authored_at
        o/r,        aaaa0001, ,         dan@example.com, 2026-01-03T00:00Z
        o/r,        aaaa0002, aaaa0001, dan@example.com, 2026-01-07T00:00Z
        """,
    "releases": """
        repository, tag,    sha,      published_at
        o/r,        v1,     aaaa0001, 2026-01-05T00:00Z
        o/r,        v2,     aaaa0002, 2026-01-09T00:00Z
        o/r,        v3.0-rc1, ,       2026-01-09T00:00Z
        o/s,        v1,     ,         2026-01-09T00:00Z
        """,
    "deployments": """
        deployment_id, repository, environment, status,  finished_at
        d1,            o/s,        prod,        success, 2026-01-06T00:00Z
        """,
    "work_items": """
        project, key,   type,     assignee,        status_category, created_at,        completed_at,      fix_versions
        OPS,     OPS-1, Incident, dan@example.com, done,            2026-01-09T06:00Z, 2026-01-10T00:00Z, 1.0;1.1
        OPS,     OPS-2, Bug,      dan@example.com, done,            2026-01-09T06:00Z, 2026-01-10T00:00Z,
        """,
    "versions": """
        project, name, released_at
        OPS,     1.0,  2026-01-06T12:00Z
        OPS,     1.1,  2026-01-08T12:00Z
        OPS,     2.0,
        """,
    "incidents": """
        incident_id, repository, created_at,        resolved_at
        i1,          o/s,        2026-01-07T00:00Z, 2026-01-08T00:00Z
        """,
}


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    people = [
        {"email": "mia@example.com", "full_name": "Mia", "manager_email": None},
        {"email": "dan@example.com", "full_name": "Dan", "manager_email": "mia@example.com"},
    ]
    load_people(project, people, tmp_path)
    for table, text in TABLES.items():
        deliver(project, table, typed_rows(table, text))
    return project


def computed(project: Project, **settings: str) -> set[str]:
    """The stored tables that all metrics need which are computed with these settings (``__`` is a dot)."""
    texts = {name.replace("__", "."): text for name, text in settings.items()}
    stored_settings.put(project.db, project.id, texts)
    names: set[str] = set()
    versions = project.lake.snapshot().versions
    with (
        Sessions(project.home, BUILD_POLICY) as sessions,
        sessions.open(project, versions, {}, project.profile(), before_each=names.add) as opened,
    ):
        for measures in FACT_MEASURES:
            opened.facts.bind(measures.FACT.stored_tables)
    return names


def test_a_change_of_settings_computes_what_depends_on_it(filled: Project) -> None:
    everything = computed(filled)
    assert {"pull_requests", "carried", "lead", "links", "deployments", "incidents", "item_incidents"} <= everything
    assert computed(filled) == set()
    assert computed(filled, incidents__source="incidents") == {"incidents", "incident_repositories"}
    of_deployments = {
        *("environments", "code_deployments", "carried", "carried_pulls", "lead"),
        *("deployments", "deployment_failures", "item_incidents", "incidents", "incident_repositories"),
    }
    assert {"code_deployments", "carried", "deployments"} <= computed(filled, deployments__source="merges")
    changed = computed(filled, deployments__source="releases", incidents__source="both")
    assert changed <= of_deployments, changed - of_deployments
    # Branches are not looked at where releases count: what comes of them stays, but for steps that no query can say.
    steps = {"environments", "code_deployments", "carried", "lead"}
    assert computed(filled, deployments__branches="release/*") <= steps
    assert computed(filled, deployments__source="auto", deployments__branches="") == set()


def facts(project: Project, name: str, folder: Path, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    write(project, name, folder / f"{name}.csv")
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file)]


def test_facts_say_the_source_and_why(filled: Project, tmp_path: Path) -> None:
    columns = ("deployment_id", "source", "environment", "production", "outcome", "pull_requests", "teams")
    assert facts(filled, "deployments", tmp_path, columns) == [
        ("d1", "pipelines", "prod", "true", "success", "", "Engineering"),
        ("release:o/r@v1", "releases", "production", "true", "success", "", "Engineering"),
        ("release:o/r@v2", "releases", "production", "true", "success", "o/r#2", "Engineering"),
    ]
    ((why,),) = [
        row[1:]
        for row in facts(filled, "deployments", tmp_path, ("deployment_id", "why"))
        if row[0] == "release:o/r@v2"
    ]
    assert why.startswith("the release v2; ")
    columns = ("incident_id", "source", "deployment_id", "restore_seconds", "teams")
    assert facts(filled, "incidents", tmp_path, columns) == [
        ("i1", "incidents", "d1", "86400.0", "Engineering"),
        ("item:OPS/OPS-1", "work_items", "release:o/r@v2", "64800.0", "Engineering"),
    ]
    stored_settings.put(filled.db, filled.id, {"deployments.source": "merges", "deployments.labels": "GO"})
    columns = ("deployment_id", "source", "production", "teams")
    assert facts(filled, "deployments", tmp_path, columns) == [
        ("d1", "pipelines", "true", ""),
        ("merge:o/s#1", "merges", "true", "Engineering"),
    ]
    whys = dict(facts(filled, "deployments", tmp_path, ("deployment_id", "why")))
    assert "deployments come from elsewhere (deployments.source)" in whys["d1"]
    assert whys["merge:o/s#1"].startswith("a merge into main; ")


def test_facts_of_versions(filled: Project, tmp_path: Path) -> None:
    """What a version has by its day is said; whoever released it before that has nothing of it."""
    stored_settings.put(filled.db, filled.id, {"deployments.source": "versions", "deployments.first_carries": "true"})
    columns = ("deployment_id", "source", "finished_at", "commits", "pull_requests", "teams")
    assert facts(filled, "deployments", tmp_path, columns) == [
        ("d1", "pipelines", "2026-01-06T00:00:00Z", "", "", ""),
        ("version:OPS/1.0", "versions", "2026-01-06T12:00:00Z", "", "", ""),
        ("version:OPS/1.1@o/r", "versions", "2026-01-08T12:00:00Z", "aaaa0002", "o/r#2", "Engineering"),
    ]
    whys = dict(facts(filled, "deployments", tmp_path, ("deployment_id", "why")))
    assert whys["version:OPS/1.0"].startswith("the version 1.0; no repository: carries nothing")
    assert whys["version:OPS/1.1@o/r"].startswith("the version 1.1; ")
    (carried,) = (
        why for why in facts(filled, "pull-requests", tmp_path, ("number", "why")) if "lists its merge" in why[1]
    )
    assert "deployed: the deployment lists its merge" in carried[1]


ADDRESSES = {
    "pull_requests": """
        repository, number, title,    url,                   merged_at,         base_branch
        o/s,        1,      A switch, https://git.example/1, 2026-01-05T00:00Z, main
        """,
    "releases": """
        repository, tag, name,      url,                    published_at
        o/r,        v1,  The first, HTTPS://git.example/v1, 2026-01-05T00:00Z
        o/r,        v2,  ,          /releases/v2,           2026-01-09T00:00Z
        """,
    "versions": """
        project, name, url,                     released_at
        OPS,     1.0,  http://jira.example/1.0, 2026-01-06T12:00Z
        """,
    "deployments": """
        deployment_id, repository, environment, status,  url,                   finished_at
        d1,            o/s,        prod,        success, https://ci.example/d1, 2026-01-06T00:00Z
        """,
    "work_items": """
        project, key,   type,     title,        url,                       created_at,        completed_at
        OPS,     OPS-1, Incident, Nothing goes, https://jira.example/OPS-1, 2026-01-09T06:00Z, 2026-01-10T00:00Z
        OPS,     OPS-2, Bug,      A bug,        javascript:alert(1),       2026-01-09T06:00Z, 2026-01-10T00:00Z
        """,
    "incidents": """
        incident_id, repository, title, url,                 created_at,        resolved_at
        i1,          o/s,        Slow,  data:text/html;hello, 2026-01-07T00:00Z, 2026-01-08T00:00Z
        """,
}


def test_each_row_has_what_its_tool_calls_it_and_its_address_there(project: Project, tmp_path: Path) -> None:
    """Addresses are those of the web: nobody who clicks on one runs a script."""
    for table, text in ADDRESSES.items():
        deliver(project, table, typed_rows(table, text))
    deployed = ("deployment_id", "title", "url")
    assert facts(project, "deployments", tmp_path, deployed) == [
        ("d1", "", "https://ci.example/d1"),
        ("release:o/r@v1", "The first", "HTTPS://git.example/v1"),
        ("release:o/r@v2", "v2", ""),
    ]
    assert facts(project, "incidents", tmp_path, ("incident_id", "title", "url")) == [
        ("i1", "Slow", ""),
        ("item:OPS/OPS-1", "Nothing goes", "https://jira.example/OPS-1"),
    ]
    assert facts(project, "work-items", tmp_path, ("key", "title", "url")) == [
        ("OPS-1", "Nothing goes", "https://jira.example/OPS-1"),
        ("OPS-2", "A bug", ""),
    ]
    for source, row in {
        "merges": ("merge:o/s#1", "A switch", "https://git.example/1"),
        "versions": ("version:OPS/1.0", "1.0", "http://jira.example/1.0"),
    }.items():
        stored_settings.put(project.db, project.id, {"deployments.source": source})
        assert facts(project, "deployments", tmp_path, deployed)[1] == row


def test_a_delivered_run_of_a_releases_id_is_that_run(filled: Project, tmp_path: Path) -> None:
    """No key is there twice, whatever ids somebody gives to runs."""
    row = {"deployment_id": "release:o/r@v1", "repository": "o/x", "status": "failure"}
    deliver(filled, "deployments", [{**row, "finished_at": datetime(2026, 1, 5, tzinfo=UTC)}])
    found = facts(filled, "deployments", tmp_path, ("deployment_id", "source", "outcome"))
    assert found == [
        ("d1", "pipelines", "success"),
        ("release:o/r@v1", "pipelines", "failure"),
        ("release:o/r@v2", "releases", "success"),
    ]


def test_rules_that_match_nothing_are_named_and_those_over_a_release_are_not(filled: Project) -> None:
    rules = {
        "team.1.incident.type": "equals Outage",
        "team.1.incident.project": "equals OPS",
        "team.1.tag": "equals v2",
    }
    stored_settings.put(filled.db, filled.id, {**rules, "team.1.label": "equals go"})
    told = [sentence for sentence in oddities(filled) if sentence.startswith("team.1")]
    assert "team.1.incident.type matches no work item" in told
    assert "team.1.label matches no deployment" in told  # merges are none
    assert not any(name in sentence for sentence in told for name in ("incident.project", "1.tag"))
    stored_settings.put(filled.db, filled.id, {"deployments.source": "merges"})
    assert not any("1.label" in sentence for sentence in oddities(filled))
