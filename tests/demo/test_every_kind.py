"""The demo is a fair test: every kind of thing that the definitions speak of is in it, and the facts say so of some row."""

from __future__ import annotations

import re
from typing import Any

import pytest

from leadline import people
from leadline.db import settings
from leadline.demo.fill import TREE
from leadline.exports.kinds import KINDS, parse
from leadline.facts.catalogue import FACTS
from leadline.facts.query import Filters, fact_rows
from leadline.home import Project
from leadline.metrics.request import Control
from leadline.metrics.run import Runner, pin

SAID = {
    "commits": [
        "merge commit: not credited",
        "result of a squash or rebase: its listed commits are credited",
        "copy of",
        "bot",
        "author is no known developer",
        "lines left out by code.exclude",
        "lines left out by .gitattributes",
    ],
    "pull-requests": [
        "an agent's: its requester's",
        "bot: counts for nobody",
        "which lists its merge",
        "cherry-picked as",
        "linked to no work item",
        "lines left out by code.exclude",
        "no comment or review by others",
        "no production deployment after a service's first known one carries it",
        "no finished build of the merge",
        "not merged: counts in no period",
    ],
    "work-items": [
        "its resolution Won't Do is not completed work",
        "its resolution Duplicate is not completed work",
        "linked to no pull request",
        "no assignee",
        "not completed: counts in no period",
    ],
    "deployments": [
        "a rollback",
        "failed: it was rolled back",
        "cancelled: counts in nothing",
        "not production: counts in nothing",
        "teams by repositories",
    ],
    "incidents": ["deployment: the one that it names", "deployment: the latest of its"],
    "effort": [
        "commit",
        "review",
        "status",
        "nothing done: in progress and assigned at noon",
        "one of 2 items of the day",
        "absent for 1.0 of the day",
        "absent for 0.5 of the day",
        "employed for 0.8",
        "at a weekend",
    ],
    "status-visits": ["no assignee", "not left"],
    "sprint-items": [
        "there at the start",
        "added while the sprint ran: creep",
        "added while the sprint ran, and taken out again",
        "taken out while the sprint ran",
        "its estimate was raised: creep",
        "its estimate was lowered: removed",
        "delivered",
        "missed",
        "no estimate: counts 0 points",
        "done before its sprint started: outside it",
        "its sprint has not ended",
    ],
}
"""Of each fact, what ``why`` says of at least one row."""


@pytest.fixture(scope="module")
def rows(demo: Project) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name in FACTS:
        with fact_rows(demo, name, Filters()) as facts:
            found[name] = facts.page(1_000_000).to_pylist()
    return found


def monthly(kind: str, **asked: list[str]) -> dict[str, Any]:
    """A request for the whole demo, by team."""
    level = {} if kind == "efficiency" else {"aggregationLevel": "team"}
    return {
        "scope": {"orgTreeName": TREE},
        "dateRange": {"start": "2025-07-01", "end": "2026-03-31"},
        "options": {"granularity": "monthly", **level},
        **asked,
    }


@pytest.mark.parametrize(("fact", "sentence"), [(fact, said) for fact, sentences in SAID.items() for said in sentences])
def test_some_row_says_so(rows: dict[str, list[dict[str, Any]]], fact: str, sentence: str) -> None:
    assert any(sentence in row["why"] for row in rows[fact])


@pytest.mark.parametrize("fact", list(FACTS))
def test_no_column_is_empty_or_the_same_everywhere(rows: dict[str, list[dict[str, Any]]], fact: str) -> None:
    values = {column: {str(row[column]) for row in rows[fact]} for column in FACTS[fact].columns}
    assert [column for column, different in values.items() if len(different) < 2] == []


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.catalogue()])
def test_no_metric_is_empty_or_the_same_everywhere(demo: Project, kind: str) -> None:
    body = monthly(kind, metricGroups=list(KINDS[kind].groups))
    request = parse(demo, body, kind).request
    with Runner(demo.home) as runner:
        table = runner.table(demo, request, pin(demo, TREE), Control(), KINDS[kind].rows.query)
    assert [name for name in table.column_names if len(set(table[name].to_pylist()) - {None}) < 2] == []


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"deployments.source": "releases"}, "the release v1."),
        ({"deployments.source": "merges"}, "a merge into main"),
        ({"deployments.source": "versions"}, "the version 2026."),
        ({"incidents.source": "work_items"}, ""),
        ({"incidents.source": "incidents"}, ""),
    ],
)
def test_every_source_of_deployments_and_incidents_has_numbers(
    demo: Project, sources: dict[str, str], said: str
) -> None:
    stored = {name: demo.profile().texts[name] for name in sources}
    settings.put(demo.db, demo.id, sources)
    names = ["DF_Deployment_Count", "Deploy_Mean_Days", "MTTR_Mean_Days", "Incident_Count"]
    try:
        with Runner(demo.home) as runner:
            request = parse(demo, monthly("efficiency", metrics=names), "efficiency").request
            table = runner.table(demo, request, pin(demo, TREE), Control())
        with fact_rows(demo, "deployments", Filters()) as facts:
            whys = [row["why"] for row in facts.page(1_000_000).to_pylist() if row["outcome"]]
    finally:
        settings.put(demo.db, demo.id, stored)
    assert [name for name in names if len(set(table[name].to_pylist()) - {None}) < 3] == []
    assert any(why.startswith(said) for why in whys)


def test_promotions_bring_what_they_list(rows: dict[str, list[dict[str, Any]]], demo: Project) -> None:
    """Where a release branch is deployed, merges to main go live with the promotion that lists them; whoever does not call
    promotions work leaves them out by their branch."""
    promotion = re.compile(r"deployed: with #(\d+), which lists its merge")
    numbers = {
        (row["repository"], int(found[1]))
        for row in rows["pull-requests"]
        if (found := promotion.search(row["why"])) is not None
    }
    promoted = [row for row in rows["pull-requests"] if (row["repository"], row["number"]) in numbers]
    assert len([row for row in promoted if row["repository"] == "acme/orders"]) > 20
    settings.put(demo.db, demo.id, {"pull_requests.base_branches": "main"})
    try:
        with fact_rows(demo, "pull-requests", Filters()) as facts:
            left_out = [row for row in facts.page(1_000_000).to_pylist() if "release" in row["why"]]
    finally:
        settings.put(demo.db, demo.id, {"pull_requests.base_branches": ""})
    assert {(row["repository"], row["number"]) for row in left_out} & numbers


def test_people_move_join_and_leave(demo: Project) -> None:
    """What they did counts for the team in which they were."""
    trees = [people.tree(demo, TREE, entry.version) for entry in people.history(demo, TREE)]
    first, last = trees[0].developers, trees[-1].developers
    moved = {email for email in first.keys() & last.keys() if first[email].teams != last[email].teams}
    joined, left = last.keys() - first.keys(), first.keys() - last.keys()
    assert min(len(moved), len(joined), len(left)) >= 3
    with fact_rows(demo, "pull-requests", Filters()) as facts:
        merged = [row for row in facts.page(1_000_000).to_pylist() if row["merged_at"]]
    teams = {email: {row["team"] for row in merged if row["developer"] == email} for email in moved | joined | left}
    assert all(len(teams[email]) == 2 for email in moved)
    assert all(len(teams[email]) == 1 for email in joined)
    assert all(teams[email] - {None} for email in left)


def test_where_people_moved_it_matters_whether_their_history_is_dated(demo: Project) -> None:
    body = monthly("productivity", metrics=["PR_Merged", "Work_Completed", "PR_Velocity"])
    rows = {}
    for way in ("dated", "current"):
        settings.put(demo.db, demo.id, {"people.history": way})
        with Runner(demo.home) as runner:
            table = runner.table(demo, parse(demo, body, "productivity").request, pin(demo, TREE), Control())
        rows[way] = table.to_pylist()
    settings.put(demo.db, demo.id, {"people.history": "dated"})
    differing = [
        (dated["Team"], name)
        for dated, current in zip(rows["dated"], rows["current"], strict=True)
        for name in ("PR_Merged", "Work_Completed", "PR_Velocity")
        if dated[name] != current[name]
    ]
    assert {name for _, name in differing} == {"PR_Merged", "Work_Completed", "PR_Velocity"}
    assert len({team for team, _ in differing}) >= 6
