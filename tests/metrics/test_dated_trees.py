"""What trees of later days change, and what they do not: finished periods stay, by whatever way they are asked for."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leadline.db import settings as stored_settings
from leadline.errors import InvalidRequest
from leadline.exports.reports import parse_report, run_report
from leadline.facts.query import Filters
from leadline.facts.write import write
from leadline.home import Home, Project
from leadline.metrics.request import Control
from leadline.metrics.run import Runner, pin
from leadline.people import tree

from . import worlds
from .oracle import COUNTS, Request
from .world import TREE, body_of, deliver, export_bytes, load, load_people, read_csv, rows_of
from .worlds_dora import ALL_GROUPS, dora_world
from .worlds_dora import END as DORA_END
from .worlds_dora import START as DORA_START

NUMBERS = count()
FIRST = """
email,            full_name, manager_email,   team
top@example.com,  Top,       ,
mia@example.com,  Mia,       top@example.com, A
ben@example.com,  Ben,       top@example.com, B
ann@example.com,  Ann,       mia@example.com, A
cy@example.com,   Cy,        ben@example.com, B
"""
MOVED = FIRST.replace(
    "ann@example.com,  Ann,       mia@example.com, A", "ann@example.com,  Ann,       ben@example.com, B"
)
DISSOLVED = MOVED.replace(
    "mia@example.com,  Mia,       top@example.com, A", "mia@example.com,  Mia,       ben@example.com, B"
)
PULL_REQUESTS = """
repository, number, author,          state,  created_at,        merged_at,         additions, deletions
o/r,        1,      ann@example.com, merged, 2026-01-05T10:00Z, 2026-01-05T10:00Z, 30, 10
o/r,        2,      ann@example.com, merged, 2026-02-20T10:00Z, 2026-02-20T10:00Z, 30, 10
o/r,        3,      ann@example.com, open,   2026-02-21T10:00Z, ,                  1,  1
"""
DEPLOYMENTS = """
deployment_id, repository, status,  finished_at
d1,            o/r,        success, 2026-01-06T10:00Z
d2,            o/r,        success, 2026-02-21T10:00Z
"""
some = settings(
    max_examples=3,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def moved(project: Project, tmp_path: Path) -> Project:
    """Ann moves from A to B on 15 February."""
    load_people(project, rows_of("developers", FIRST), tmp_path)
    load_people(project, rows_of("developers", MOVED), tmp_path, since=date(2026, 2, 15))
    deliver(project, "pull_requests", rows_of("pull_requests", PULL_REQUESTS))
    deliver(project, "deployments", rows_of("deployments", DEPLOYMENTS))
    return project


def export(project: Project, request: Request, folder: Path, today: date | None = None) -> list[list[str]]:
    return read_csv(export_bytes(project, body_of(project, request), folder, request.insight, today))


def records(table: list[list[str]]) -> list[dict[str, str]]:
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


# --- finished periods -----------------------------------------------------------------------------------------------------


@some
@given(seed=seeds)
def test_a_later_tree_changes_no_finished_period(home: Home, tmp_path: Path, seed: int) -> None:
    """Exports of the range as a whole are byte for byte as before every tree that is in force after it; those of one that is in
    force in the midst have other rows, and the same numbers before its day."""
    random = Random(seed)
    drawn = dora_world(random)
    world = replace(drawn.world, settings={**drawn.world.settings, "people.history": "dated"}, later=())
    project = home.project("dated", f"world-{next(NUMBERS)}", create=True)
    load(project, world, tmp_path, drawn.org)
    end = DORA_END - timedelta(days=9)
    requests = [
        Request(DORA_START, end, "team", "weekly", groups=ALL_GROUPS, insight="efficiency"),
        Request(DORA_START, end, "team", "monthly"),
        Request(DORA_START, end, "developer", "weekly"),
    ]
    before = [export(project, request, tmp_path, end) for request in requests]
    for number, later in enumerate(drawn.world.later):
        moved = replace(later, start=end + timedelta(days=1 + number))
        load(project, replace(world, tables={}, later=[moved]), tmp_path, drawn.org)
    assert [export(project, request, tmp_path, end) for request in requests] == before
    # The same trees in the midst of the range.
    half = DORA_START + timedelta(days=(end - DORA_START).days // 2)
    for later in drawn.world.later:
        load(project, replace(world, tables={}, later=[replace(later, start=half)]), tmp_path, drawn.org)
    for request, old in zip(requests, before, strict=True):
        new = {key(row): row for row in records(export(project, request, tmp_path, end))}
        for row in records(old):
            if row["End_Date"] < half.isoformat() and key(row) in new:
                kept = {name: cell for name, cell in row.items() if name not in ("Team", "Team_Hierarchy", "Team_Id")}
                assert {name: new[key(row)][name] for name in kept} == kept


def key(row: dict[str, str]) -> tuple[str, str]:
    return row["Granularity"], row.get("Email") or row["Team_Id"]


@some
@given(seed=seeds)
def test_weeks_add_up_to_months_whoever_moves(home: Home, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    world = worlds.world(random)
    project = home.project("dated", f"sums-{next(NUMBERS)}", create=True)
    load(project, world, tmp_path)
    for level in ("team", "developer"):
        totals = []
        for granularity in ("daily", "weekly", "quarterly"):
            total: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
            for row in records(export(project, Request(worlds.START, worlds.END, level, granularity), tmp_path)):
                for name in (name for name in COUNTS if name in row):
                    total[row.get("Email") or row["Team_Id"], name] += Fraction(row[name])
            totals.append(total)
        assert totals[0] == totals[1] == totals[2]


# --- pins and stored rows -------------------------------------------------------------------------------------------------


def test_the_same_trees_give_the_same_bytes_whatever_came_later(moved: Project, tmp_path: Path) -> None:
    request = Request(date(2026, 1, 1), date(2026, 3, 31), "team")
    from leadline.exports.kinds import parse

    parsed = parse(moved, body_of(moved, request), "productivity").request
    pins = pin(moved, TREE)
    with Runner(moved.home) as runner:
        first = runner.table(moved, parsed, pins, Control())
        load_people(moved, rows_of("developers", DISSOLVED), tmp_path, since=date(2026, 2, 1))
        assert runner.table(moved, parsed, pins, Control()).equals(first)
        assert not runner.table(moved, parsed, pin(moved, TREE), Control()).equals(first)


def test_a_move_computes_no_fact_anew(moved: Project, tmp_path: Path) -> None:
    request = Request(date(2026, 1, 1), date(2026, 3, 31), "team")
    export(moved, request, tmp_path)
    folder = moved.folder / "cache" / "facts"
    before = sorted(path.name for path in folder.iterdir())
    back = rows_of("developers", FIRST)
    load_people(moved, back, tmp_path, since=date(2026, 3, 10))
    export(moved, request, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == before
    load_people(
        moved, [*back, {"email": "new@example.com", "full_name": "New", "manager_email": "mia@example.com"}], tmp_path
    )
    export(moved, request, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) != before


# --- teams that are gone --------------------------------------------------------------------------------------------------


def test_a_team_that_is_gone_can_be_asked_for_its_months(moved: Project, tmp_path: Path) -> None:
    gone = next(node.ref_id for node in tree(moved, TREE, day=date(2026, 1, 1)).nodes if node.name == "A")
    load_people(moved, rows_of("developers", DISSOLVED), tmp_path, since=date(2026, 3, 1))
    assert tree(moved, TREE).find(str(gone)) is None

    def merged(start: str, end: str) -> list[tuple[str, str]]:
        body = {
            "scope": {"teamId": str(gone)},
            "dateRange": {"start": start, "end": end},
            "metrics": ["PR_Merged"],
            "options": {"aggregationLevel": "team"},
        }
        rows = records(read_csv(export_bytes(moved, body, tmp_path)))
        return [(row["Granularity"], row["PR_Merged"]) for row in rows]

    assert merged("2026-01-01", "2026-03-31") == [("Jan 2026", "1"), ("Feb 2026", "0"), ("Mar 2026", "0")]
    with pytest.raises(InvalidRequest, match="Invalid teamId"):
        merged("2026-03-01", "2026-03-31")
    stored_settings.put(moved.db, moved.id, {"people.history": "current"})
    with pytest.raises(InvalidRequest, match="Invalid teamId"):
        merged("2026-01-01", "2026-03-31")


def test_before_the_first_tree_there_is_nobody(project: Project, tmp_path: Path) -> None:
    load_people(project, rows_of("developers", FIRST), tmp_path, since=date(2026, 2, 1))
    deliver(project, "pull_requests", rows_of("pull_requests", PULL_REQUESTS))
    for level in ("team", "developer"):
        before = Request(date(2026, 1, 1), date(2026, 1, 31), level, metrics=["PR_Merged"])
        assert records(export(project, before, tmp_path)) == []
    both = Request(date(2026, 1, 1), date(2026, 2, 28), "team", metrics=["PR_Merged"])
    rows = [(row["Granularity"], row["Team"], row["PR_Merged"]) for row in records(export(project, both, tmp_path))]
    assert rows[:3] == [("Jan 2026", "Engineering", "0"), ("Jan 2026", "A", "0"), ("Jan 2026", "B", "0")]
    assert rows[3:5] == [("Feb 2026", "Engineering", "1"), ("Feb 2026", "A", "1")]


# --- facts and reports ----------------------------------------------------------------------------------------------------


def fact(project: Project, name: str, folder: Path, **filters: str) -> Iterator[dict[str, str]]:
    path = folder / "fact.csv"
    write(project, name, path, Filters(**filters))
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def test_facts_name_the_team_of_the_day(moved: Project, tmp_path: Path) -> None:
    teams = {row["number"]: row["team"] for row in fact(moved, "pull-requests", tmp_path)}
    assert teams == {"1": "Engineering/A", "2": "Engineering/B", "3": "Engineering/B"}
    numbers = {node.name: str(node.ref_id) for node in tree(moved, TREE).nodes} | {
        node.name: str(node.ref_id) for node in tree(moved, TREE, day=date(2026, 1, 1)).nodes
    }
    found = {
        name: [row["number"] for row in fact(moved, "pull-requests", tmp_path, team=numbers[name])] for name in "AB"
    }
    assert found == {"A": ["1"], "B": ["2", "3"]}
    runs = {row["deployment_id"]: row["teams"] for row in fact(moved, "deployments", tmp_path)}
    # From 15 February on Mia has no reports: her team is gone, and has no deployments any more.
    assert runs == {"d1": "Engineering;Engineering/A", "d2": "Engineering;Engineering/B"}
    own = [row["deployment_id"] for row in fact(moved, "deployments", tmp_path, team=numbers["B"])]
    assert own == ["d2"]
    stored_settings.put(moved.db, moved.id, {"people.history": "current"})
    assert {row["team"] for row in fact(moved, "pull-requests", tmp_path)} == {"Engineering/B"}


def test_reports_count_who_was_there_in_the_range(moved: Project) -> None:
    body = {
        "dateStart": "2026-02-01",
        "dateEnd": "2026-02-28",
        "granularity": "monthly",
        "productivity": {"metrics": ["PR_VELOCITY_PER_DEV"]},
    }
    report, _ = parse_report(moved, body)
    with Runner(moved.home) as runner:
        text = run_report(runner, moved, report, Control()).text.decode()
    rows = {row["Collection Name"]: row["PR_VELOCITY_PER_DEV"] for row in csv.DictReader(io.StringIO(text))}
    # 40 lines by Ann in B: by five people, and by Ben, Cy and Ann; A had Mia and Ann, and none.
    assert rows == {"Engineering": "8.0", "A": "0.0", "B": "13.3333"}
