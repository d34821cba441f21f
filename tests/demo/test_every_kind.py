"""The demo is a fair test: every kind of thing that the definitions speak of is in it, and the facts say so of some row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from leadline.demo import fill
from leadline.exports.kinds import KINDS, parse
from leadline.facts.catalogue import FACTS
from leadline.facts.query import Filters, fact_rows
from leadline.home import Home, Project
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
}
"""Of each fact, what ``why`` says of at least one row."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder: Path = tmp_path_factory.mktemp("demo")
    with Home.open(folder / "home") as home:
        fill(home.project(), developers=120, months=9, until=date(2026, 3, 31))
        yield home.project()


@pytest.fixture(scope="module")
def rows(project: Project) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name in FACTS:
        with fact_rows(project, name, Filters()) as facts:
            found[name] = facts.page(1_000_000).to_pylist()
    return found


@pytest.mark.parametrize(("fact", "sentence"), [(fact, said) for fact, sentences in SAID.items() for said in sentences])
def test_some_row_says_so(rows: dict[str, list[dict[str, Any]]], fact: str, sentence: str) -> None:
    assert any(sentence in row["why"] for row in rows[fact])


@pytest.mark.parametrize("fact", list(FACTS))
def test_no_column_is_empty_or_the_same_everywhere(rows: dict[str, list[dict[str, Any]]], fact: str) -> None:
    values = {column: {str(row[column]) for row in rows[fact]} for column in FACTS[fact].columns}
    assert [column for column, different in values.items() if len(different) < 2] == []


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_metric_is_empty_or_the_same_everywhere(project: Project, kind: str) -> None:
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": "2025-07-01", "end": "2026-03-31"},
        "metricGroups": list(KINDS[kind].groups),
        "options": {"granularity": "monthly", "aggregationLevel": "team"},
    }
    request = parse(project, body, kind).request
    with Runner(project.home) as runner:
        table = runner.table(project, request, pin(project, "Engineering"), Control())
    assert [name for name in table.column_names if len(set(table[name].to_pylist()) - {None}) < 2] == []
