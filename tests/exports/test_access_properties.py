"""On random worlds, in which people join, leave, move and share teams: who is limited to a team gets what the team's own rows are
to everybody, and who sees no names gets the same numbers."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline import people
from leadline.access import Access
from leadline.errors import Forbidden, InvalidRequest
from leadline.exports.kinds import parse
from leadline.facts.catalogue import ACCOUNTS, FACTS
from leadline.facts.query import Filters, fact_rows
from leadline.home import Project
from leadline.people.access import VisibleTrees
from leadline.people.pseudonyms import pseudonyms_of
from metrics import worlds
from metrics.world import TREE, export_bytes, load, read_csv
from metrics.worlds_dora import dora_world

DATES = {"start": worlds.START.isoformat(), "end": worlds.END.isoformat()}
HIDDEN = Access(names=False)


def body(level: str, **scope: str) -> dict[str, Any]:
    return {"scope": scope, "dateRange": DATES, "options": {"aggregationLevel": level, "granularity": "monthly"}}


def teams(project: Project) -> list[int]:
    """Every team of any day, by ref id."""
    versions = [entry.version for entry in people.history(project, TREE)]
    nodes = [node for version in versions for node in people.tree(project, TREE, version).nodes]
    return sorted({node.ref_id for node in nodes})


@pytest.fixture(scope="module", params=range(2))
def project(
    request: pytest.FixtureRequest, module_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A random world, which the tests only read."""
    made = module_project.home.project("worlds", str(request.param), create=True)
    load(made, worlds.world(Random(request.param)), tmp_path_factory.mktemp("world"))
    return made


def test_limited_to_a_team_one_gets_the_rows_of_the_team(project: Project, tmp_path: Path) -> None:
    compared = 0
    for team in teams(project):
        access = Access(frozenset([team]))
        for level in ("developer", "team"):
            own = export_bytes(project, body(level, teamId=str(team)), tmp_path)
            for scope in ({}, {"orgTreeName": TREE}):
                assert export_bytes(project, body(level, **scope), tmp_path, access=access) == own
            compared += len(read_csv(own)) - 1
    assert compared > 10


def test_what_is_not_seen_is_refused(project: Project) -> None:
    everything = set(teams(project))
    for team in everything:
        access = Access(frozenset([team]))
        seen = VisibleTrees(project, access).teams or frozenset()
        assert team in seen
        assert seen <= everything
        for other in everything:
            asked = body("team", teamId=str(other))
            if other in seen:
                assert parse(project, asked, "productivity", access).request.team == other
            else:
                with pytest.raises(InvalidRequest) as refused:
                    parse(project, asked, "productivity", access)
                assert refused.value.code == "invalid_team_id"
    with pytest.raises(Forbidden):
        parse(project, body("developer", orgTreeName=TREE), "productivity", Access(developers=False))


def test_hidden_names_change_no_number(project: Project, tmp_path: Path) -> None:
    shown = pseudonyms_of(project)
    named, hidden = (
        read_csv(export_bytes(project, body("developer", orgTreeName=TREE), tmp_path, access=access))
        for access in (Access(), HIDDEN)
    )
    at, name, team, path = (named[0].index(title) for title in ("Email", "Developer", "Team", "Team_Hierarchy"))
    names = {row[name]: shown.name(row[at]) for row in named[1:]}
    expected = []
    for row in named[1:]:
        renamed = {at: shown.address(row[at]), name: names[row[name]]}
        expected.append([renamed.get(column, cell) for column, cell in enumerate(row) if column not in (team, path)])
    actual = [[cell for column, cell in enumerate(row) if column not in (team, path)] for row in hidden[1:]]
    assert sorted(actual) == sorted(expected)
    assert not any(email in str(hidden) for email in ("@example.com", "Person "))


@pytest.mark.slow
def test_facts_within_are_those_of_the_team(project: Project) -> None:
    compared = 0
    for fact, declared in FACTS.items():
        for team in teams(project)[:3]:
            with fact_rows(project, fact, Filters(team=str(team))) as rows:
                own = rows.engine.arrow(rows.sql()).to_pylist()
            with fact_rows(project, fact, Filters(), Access(frozenset([team]))) as rows:
                seen = rows.engine.arrow(rows.sql()).to_pylist()
            # Somebody who is in other teams, too, is shown under the one within.
            different = {"team", "team_id", *(("teams", "team_ids", "why") if declared.by_team else ())}
            plain = [
                [{name: value for name, value in row.items() if name not in different} for row in listed]
                for listed in (own, seen)
            ]
            assert plain[0] == plain[1], (fact, team)
            compared += len(seen)
    assert compared > 5


@pytest.mark.slow
def test_facts_without_names(project: Project) -> None:
    shown = pseudonyms_of(project)
    for fact in ("pull-requests", "work-items", "commits"):
        tables = []
        for access in (Access(), HIDDEN, Access(developers=False)):
            with fact_rows(project, fact, Filters(), access) as rows:
                tables.append(rows.engine.arrow(rows.sql()).to_pylist())
        named, hidden, teams_only = tables
        for row in named:
            row.update(
                dict.fromkeys(ACCOUNTS & row.keys()), developer=row["developer"] and shown.address(row["developer"])
            )
            row.pop("team")
        for row in hidden:
            row.pop("team")
        assert named == hidden
        assert all(row["developer"] is None for row in teams_only)
        assert any(row["developer"] for row in hidden)


def test_a_pseudonym_finds_what_an_address_does_not(project: Project) -> None:
    def count(developer: str, access: Access) -> int:
        with fact_rows(project, "commits", Filters(developer=developer), access) as rows:
            return rows.count()

    counts = {f"p{number}@example.com": count(f"p{number}@example.com", Access()) for number in range(3)}
    assert any(counts.values())
    for email, number in counts.items():
        assert count(pseudonyms_of(project).address(email), HIDDEN) == number
        assert count(email, HIDDEN) == 0
        with pytest.raises(Forbidden):
            count(email, Access(developers=False))


def test_delivery_within_is_that_of_the_team(module_project: Project, tmp_path: Path) -> None:
    project = module_project.home.project("worlds", "delivery", create=True)
    drawn = dora_world(Random(1))
    load(project, drawn.world, tmp_path, drawn.org)
    asked = {"metricGroups": ["summary"], "dateRange": DATES, "options": {"granularity": "MONTHLY"}}
    there = {node.ref_id for day in (worlds.START, worlds.END) for node in people.tree(project, TREE, day=day).nodes}
    for team in there:
        access = Access(frozenset([team]))
        own = {**asked, "scope": {"teamId": str(team)}}
        within = {**asked, "scope": {"orgTreeName": TREE}}
        assert export_bytes(project, within, tmp_path, "efficiency", access=access) == export_bytes(
            project, own, tmp_path, "efficiency"
        )
        for fact in ("deployments", "incidents"):
            with fact_rows(project, fact, Filters(), access) as rows:
                seen = rows.engine.arrow(rows.sql()).to_pylist()
            with fact_rows(project, fact, Filters(team=str(team))) as rows:
                listed = rows.engine.arrow(rows.sql()).to_pylist()
            assert [row[FACTS[fact].key[0]] for row in seen] == [row[FACTS[fact].key[0]] for row in listed]
            for row, whole in zip(seen, listed, strict=True):
                assert set(row["teams"]) <= set(whole["teams"])
