"""Rows split by AI: `all` is what rows are without a split, the parts add up to it, and few pull requests are told."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.exports.kinds import parse
from leadline.home import Home, Project
from leadline.metrics.catalogue import by_ids, catalogue_of, select
from leadline.metrics.metric import MetricColumn
from leadline.metrics.query import facts_of
from leadline.metrics.split import ALL, KEYS, PARTS

from . import worlds, worlds_dora
from .oracle_ai import Marks
from .oracle_events import World
from .oracle_people import Accounts, tree_of
from .world import TREE, body_of, export_bytes, load, read_csv, rows_of

NUMBERS = count()
NOT_ADDED = {"Coding_Days", "AI_Adoption_Percent"}
"""A day with commits of both kinds is one of each."""

Cells = list[dict[str, str]]


def exported(project: Project, body: dict[str, Any], folder: Path, kind: str) -> Cells:
    header, *lines = read_csv(export_bytes(project, body, folder, kind))
    return [dict(zip(header, line, strict=True)) for line in lines]


def check(project: Project, body: dict[str, Any], folder: Path, kind: str) -> None:
    """Hold the rows of ``body`` that are split against those that are not."""
    plain = exported(project, body, folder, kind)
    split = exported(project, {**body, "options": {**body["options"], "splitBy": "AI"}}, folder, kind)
    request = parse(project, body, kind).request
    added = [
        column.name("mean")
        for column in by_ids(request.metrics)
        if column.metric.kind in ("sum", "count") and column.metric.column not in NOT_ADDED
    ]
    assert added
    assert [row["AI"] for row in split] == list(PARTS) * len(plain)
    for number, whole in enumerate(plain):
        assisted, none, everything = split[3 * number : 3 * number + 3]
        assert {name: cell for name, cell in everything.items() if name not in ("AI", "Small")} == whole
        for name in added:
            if whole[name] != "":
                assert float(assisted[name]) + float(none[name]) == float(whole[name]), (name, whole)
        if "PR_Merged" in whole:
            parts = (assisted, none, everything)
            assert [row["Small"] for row in parts] == [str(int(row["PR_Merged"]) < 5).lower() for row in parts]
    assert any(float(row[name] or 0) for row in split if row["AI"] == ALL for name in added)


@pytest.mark.parametrize("number", range(3))
def test_parts_of_productivity_add_up(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(number)
    world = worlds.world(random)
    project = home.project("split", f"world-{next(NUMBERS)}", create=True)
    load(project, world, tmp_path)
    for level in ("developer", "team"):
        request = replace(worlds.request(random, level, world), scope=None)
        body = body_of(project, request)
        body["options"] |= {"aggregation": "mean"}
        body["metrics"] = [column.id for column in select(["ai"], [], level)]
        body["metrics"] += [column.id for column in select([], [], level)]
        check(project, body, tmp_path, "productivity")


@pytest.mark.parametrize("number", range(2))
def test_parts_of_efficiency_add_up(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(number)
    dora = worlds_dora.dora_world(random)
    for row in dora.world.tables["commits"][::3]:
        row["message"] = f"{row.get('message') or ''}\n\n{worlds.MARKS[0]}"
    project = home.project("split", f"world-{next(NUMBERS)}", create=True)
    load(project, dora.world, tmp_path, dora.org)
    body = body_of(project, worlds_dora.dora_request(random, dora.world))
    body["options"] |= {"aggregation": "mean"}
    check(project, body, tmp_path, "efficiency")


def test_every_fact_of_the_two_catalogues_has_parts() -> None:
    levels = {"productivity": ("developer", "team"), "efficiency": ("team",)}
    facts = {
        fact
        for insight, of_insight in levels.items()
        for level in of_insight
        for fact in facts_of([MetricColumn(one) for one in catalogue_of(insight) if one.formula(level)], level)
    }
    assert {fact.single or fact for fact in facts} == set(KEYS)


DEVELOPERS = "email, full_name, manager_email\nmia@example.com, Mia,\ndan@example.com, Dan, mia@example.com"
MARKED = "Fix\n\nCo-authored-by: Claude <noreply@anthropic.com>"
PULLS = """
repository, number, author,          created_at,        merged_at,         merge_commit_sha, title
o/r,        1,      dan@example.com, 2026-01-02T00:00Z, 2026-01-03T00:00Z, m1,               P-1
o/r,        2,      dan@example.com, 2026-01-02T00:00Z, 2026-01-06T00:00Z, m2,               P-2
o/r,        3,      mia@example.com, 2026-01-02T00:00Z, 2026-01-08T00:00Z, m3,               P-2
"""
ITEMS = """
project, key, assignee,        created_at,        started_at,        completed_at,      status_category
P,       P-1, dan@example.com, 2026-01-01T00:00Z, 2026-01-01T12:00Z, 2026-01-10T00:00Z, done
P,       P-2, dan@example.com, 2026-01-01T00:00Z, 2026-01-01T12:00Z, 2026-01-11T00:00Z, done
P,       P-3, dan@example.com, 2026-01-01T00:00Z, 2026-01-01T12:00Z, 2026-01-12T00:00Z, done
"""
DEPLOYMENTS = """
deployment_id, repository, sha, status,  finished_at,       environment
d0,            o/r,        m0,  success, 2026-01-02T12:00Z, production
d1,            o/r,        m1,  success, 2026-01-04T00:00Z, production
d2,            o/r,        m2,  success, 2026-01-07T00:00Z, production
d3,            o/r,        m3,  success, 2026-01-09T00:00Z, production
d4,            o/r,        m3,  failure, 2026-01-10T00:00Z, production
"""
INCIDENTS = """
incident_id, repository, created_at,        resolved_at,       deployment_id
i1,          o/r,        2026-01-04T01:00Z, 2026-01-04T02:00Z, d1
i2,          o/r,        2026-01-07T01:00Z, 2026-01-08T01:00Z,
"""


def test_what_is_assisted_by_hand(project: Project, tmp_path: Path) -> None:
    """1 (marked) and 3 (marked) are assisted, so P-1 and P-2 are, and the deployments d1 and d3, which carried them; d2 carried 2,
    d4 failed and carried nothing, d0 is no team's, as nobody had merged before. Of the incidents i1 is that of d1; i2 names none
    and is that of d2."""
    commits = [
        {"repository": "o/r", "sha": "m0", "author_email": "mia@example.com", "message": "start"},
        {"repository": "o/r", "sha": "m1", "parents": "m0", "author_email": "dan@example.com", "message": MARKED},
        {"repository": "o/r", "sha": "m2", "parents": "m1", "author_email": "dan@example.com", "message": "plain"},
        {"repository": "o/r", "sha": "m3", "parents": "m2", "author_email": "mia@example.com", "message": MARKED},
    ]
    tables = {"commits": commits, "pull_requests": rows_of("pull_requests", PULLS)}
    tables |= {"work_items": rows_of("work_items", ITEMS), "deployments": rows_of("deployments", DEPLOYMENTS)}
    tables["incidents"] = rows_of("incidents", INCIDENTS)
    people = rows_of("developers", DEVELOPERS)
    load(project, World(tables, tree_of(TREE, people), people), tmp_path)
    body: dict[str, Any] = {
        "scope": {"orgTreeName": TREE},
        "dateRange": {"start": "2026-01-01", "end": "2026-01-31"},
        "metrics": ["Total_Work_Items", "DF_Deployment_Count", "CFR_Percent", "Incident_Count", "MTTR_Mean_Days"],
        "options": {"granularity": "MONTHLY", "splitBy": "ai"},
    }
    rows = exported(project, body, tmp_path, "efficiency")
    names = (
        "AI",
        "Small",
        "Total_Work_Items",
        "DF_Deployment_Count",
        "CFR_Percent",
        "MTTR_Mean_Days",
        "Incident_Count",
    )
    assert [(row["AI"], row["Small"], *(float(row[name]) for name in names[2:])) for row in rows] == [
        ("assisted", "true", 2, 2, 0, 0.0417, 1),
        ("none", "true", 1, 1, 50, 1, 1),
        ("all", "true", 3, 3, 25, 0.5208, 2),
    ]
    marks = Marks(
        World(tables, tree_of(TREE, people), people), Accounts(tables, {"dan@example.com", "mia@example.com"})
    )
    assert [marks.of_pull_request(row) for row in tables["pull_requests"]] == [True, False, True]


def test_rows_of_services_are_not_split(project: Project, tmp_path: Path) -> None:
    people = rows_of("developers", DEVELOPERS)
    load(project, World({}, tree_of(TREE, people), people), tmp_path)
    body = {
        "scope": {"orgTreeName": TREE},
        "dateRange": {"start": "2026-01-01", "end": "2026-01-31"},
        "metricGroups": ["df"],
        "options": {"granularity": "MONTHLY", "splitBy": "ai", "metricLevel": "service"},
    }
    with pytest.raises(InvalidRequest) as refused:
        parse(project, body, "efficiency")
    assert refused.value.code == "split_not_at_level"
