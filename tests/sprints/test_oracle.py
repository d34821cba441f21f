"""Exports of sprints held against the oracle, cell by cell, on random small worlds; and what holds of every row of them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import count
from math import floor
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.db import settings as stored_settings
from leadline.home import Home, Project
from metrics.oracle_events import World
from metrics.world import deliver, load_nested

from . import worlds
from .asking import Rows, export
from .oracle import Cell, Export

NUMBERS = count()
Sums = dict[str, float]
SUMS = (
    *("Sprint_Commit", "Sprint_Creep", "Delivered_Commit", "Missed_Commit"),
    *("Removed_Commit", "Delivered_Creep", "Missed_Creep", "Total_Work_Delivered", "Unestimated_Items", "Sprints"),
)


def load(home: Home, folder: Path, made: World, document: dict[str, object]) -> Project:
    project = home.project("sprints", f"world-{next(NUMBERS)}", create=True)
    load_nested(project, document, folder, "Engineering", date(1970, 1, 1))
    stored_settings.put(project.db, project.id, made.settings)
    for table, rows in made.tables.items():
        deliver(project, table, rows)
    return project


def rows_of(project: Project, folder: Path, asked: Export) -> Rows:
    days = (asked.start.isoformat(), asked.end.isoformat())
    options = {"metricLevel": asked.level, "granularity": asked.granularity, "computationMode": asked.mode}
    return export(project, folder, days=days, **options)


def agrees(cell: str, expected: Cell) -> bool:
    if expected is None or isinstance(expected, str):
        return cell == (expected or "")
    if isinstance(expected, float):  # a root, which is no fraction
        return bool(cell) and abs(float(cell) - expected) < 0.000051
    return bool(cell) and Fraction(cell) == Fraction(floor(expected * 10_000 + Fraction(1, 2)), 10_000)


@pytest.mark.parametrize("number", range(8))
def test_random_worlds(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(number)
    made, document = worlds.world(random)
    project = load(home, tmp_path, made, document)
    for _ in range(2):
        asked = worlds.request(random, made)
        expected, actual = asked.rows(), rows_of(project, tmp_path, asked)
        assert [list(row.values())[:3] for row in actual] == [list(row.values())[:3] for row in expected], asked
        found = [
            (row["Granularity"], row["Team_Hierarchy"], name, cell, wanted[name])
            for row, wanted in zip(actual, expected, strict=True)
            for name, cell in row.items()
            if name != "Team_Id" and not agrees(cell, wanted[name])
        ]
        assert found == [], (asked.mode, asked.level, asked.granularity)


def test_the_worlds_have_what_they_are_about() -> None:
    """Of enough items of each kind, or the comparison proves nothing."""
    told: dict[str, int] = {}
    for number in range(8):
        made, _ = worlds.world(Random(number))
        everything = Export(made, "STORY_POINTS", "team", "SPRINT", worlds.START, worlds.END)
        for one in everything.items:
            kinds = {
                "committed": one.commit > 0,
                "crept in": one.creep > 0 and one.commit == 0,
                "raised": one.creep > 0 and one.commit > 0,
                "lowered": one.removed > 0 and one.kept > 0,
                "taken out": one.taken_out,
                "delivered": one.done and one.kept + one.creep > 0,
                "missed": not one.done and one.kept + one.creep > 0,
                "without an estimate": one.unestimated,
            }
            for kind, holds in kinds.items():
                told[kind] = told.get(kind, 0) + holds
    assert all(number >= 3 for number in told.values()), told


def number(cell: str) -> float:
    return float(cell or 0)


def sums_of(row: dict[str, str]) -> Sums:
    return {name: round(number(row[name]), 4) for name in SUMS}


def total(rows: Rows) -> Sums:
    return {name: round(sum(number(row[name]) for row in rows), 4) for name in SUMS}


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(1000, 10**6), mode=st.sampled_from(["STORY_POINTS", "TICKETS"]))
def test_what_holds_of_every_row(home: Home, tmp_path: Path, seed: int, mode: str) -> None:
    made, document = worlds.world(Random(seed))
    project = load(home, tmp_path, made, document)
    tables = {
        (level, granularity): rows_of(
            project, tmp_path, Export(made, mode, level, granularity, worlds.START, worlds.END)
        )
        for level in ("team", "sprint")
        for granularity in ("SPRINT", "MONTHLY")
    }
    for row in (row for rows in tables.values() for row in rows):
        value = {name: number(row[name]) for name in SUMS}
        kept = value["Delivered_Commit"] + value["Missed_Commit"] + value["Removed_Commit"]
        assert value["Sprint_Commit"] == pytest.approx(kept)
        assert value["Sprint_Creep"] == pytest.approx(value["Delivered_Creep"] + value["Missed_Creep"])
        delivered = value["Delivered_Commit"] + value["Delivered_Creep"]
        assert value["Total_Work_Delivered"] == pytest.approx(delivered)
    # A row's sums are those of its sprints, however long its period is.
    for row in tables["team", "MONTHLY"]:
        mine = [
            sprint
            for sprint in tables["sprint", "MONTHLY"]
            if (sprint["Granularity"], sprint["Team_Id"]) == (row["Granularity"], row["Team_Id"])
        ]
        assert sums_of(row) == total(mine)
    for row in tables["team", "SPRINT"]:
        mine = [
            sprint
            for sprint in tables["sprint", "SPRINT"]
            if all(sprint[name] == row[name] for name in ("Start_Date", "End_Date", "Team_Id"))
        ]
        assert sums_of(row) == total(mine)
