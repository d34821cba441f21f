"""Sums that must come out: days make up their month, and a node's counts are the distinct events of its subtree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from itertools import count
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.home import Home, Project
from metrics import worlds
from metrics.oracle import COUNTS, Request
from metrics.oracle_events import World
from metrics.world import body_of, export_bytes, load, read_csv

NUMBERS = count()
RANGE = (worlds.START, worlds.END)
Table = list[dict[str, str]]
some_worlds = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made(home: Home, folder: Path, random: Random) -> tuple[Project, World]:
    world = worlds.world(random)
    project = home.project("sums", f"world-{next(NUMBERS)}", create=True)
    load(project, world, folder)
    return project, world


def export(project: Project, request: Request, folder: Path) -> Table:
    header, *rows = read_csv(export_bytes(project, body_of(project, request), folder))
    return [dict(zip(header, row, strict=True)) for row in rows]


def counts(row: dict[str, str]) -> dict[str, Fraction]:
    return {name: Fraction(row[name]) for name in COUNTS if name in row}


def added(rows: list[dict[str, Fraction]]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows:
        for name, number in row.items():
            total[name] += number
    return dict(total)


@some_worlds
@given(random=st.randoms(use_true_random=False), level=st.sampled_from(["developer", "team"]))
def test_days_of_a_month_sum_to_the_month(home: Home, tmp_path: Path, random: Random, level: str) -> None:
    project, _ = made(home, tmp_path, random)
    monthly = Request(worlds.START, worlds.END, level, "monthly")
    days = defaultdict(list)
    for row in export(project, replace(monthly, granularity="daily"), tmp_path):
        who = row.get("Email", row["Team_Hierarchy"])
        days[row["Start_Date"][:7], who].append(counts(row))
    months = export(project, monthly, tmp_path)
    assert len(months) == len(days)
    for row in months:
        assert added(days[row["Start_Date"][:7], row.get("Email", row["Team_Hierarchy"])]) == counts(row)


@some_worlds
@given(random=st.randoms(use_true_random=False))
def test_a_team_counts_the_distinct_events_of_its_people(home: Home, tmp_path: Path, random: Random) -> None:
    """Every event is one developer's, so a team's are those of everybody who was in it, while they were, added."""
    project, world = made(home, tmp_path, random)
    request = Request(worlds.START, worlds.END, "team", "weekly", scope=random.choice(worlds.paths_in(world, *RANGE)))
    own = defaultdict(list)
    for row in export(project, replace(request, level="developer"), tmp_path):
        own[row["Granularity"]].append(counts(row))
    rows = [row for row in export(project, request, tmp_path) if row["Team_Hierarchy"] == request.scope]
    assert len(rows) == len(own)
    for row in rows:
        there, expected = counts(row), added(own[row["Granularity"]])
        assert {name: expected[name] for name in there if name in expected} == {
            name: number for name, number in there.items() if name in expected
        }
