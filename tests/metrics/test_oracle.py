"""leadline held against the oracle, cell by cell: on random small worlds, and on the demo organization."""

from __future__ import annotations

from datetime import date
from itertools import count
from pathlib import Path
from random import Random

import pytest

from leadline.db import settings as stored_settings
from leadline.demo import fill
from leadline.demo.calendar import span
from leadline.demo.people import make
from leadline.demo.repositories import repository_names
from leadline.home import Home, Project

from . import oracle, oracle_dora, oracle_flow, worlds, worlds_flow
from .oracle_events import World
from .world import TREE, body_of, differences, export_bytes, load, read_csv, world_of
from .worlds import END, START
from .worlds_dora import ALL_GROUPS

NUMBERS = count()


def compare(home: Home, folder: Path, world: World, requests: list[oracle.Request]) -> None:
    """Load the world into a project of its own and hold every request's export against the oracle's."""
    project = home.project("oracle", f"world-{next(NUMBERS)}", create=True)
    load(project, world, folder)
    for request in requests:
        header, rows = oracle.export(world, request)
        actual = read_csv(export_bytes(project, body_of(project, request), folder))
        assert differences(actual, header, rows, skip=["Team_Id"]) == [], request


@pytest.mark.parametrize("number", range(6))
def test_random_worlds(home: Home, tmp_path: Path, number: int) -> None:
    """The same worlds on every run: what hypothesis draws depends on which modules are loaded, and to make a whole world smaller
    takes longer than a test may."""
    random = Random(number)
    world = worlds.world(random)
    compare(
        home,
        tmp_path,
        world,
        [ask(random, level, world) for ask in (worlds.request, worlds.ai_request) for level in ("developer", "team")],
    )


@pytest.mark.parametrize("number", range(8))
def test_random_worlds_of_flow(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(number)
    world = worlds_flow.flow_world(random)
    project = home.project("oracle", f"flow-{number}", create=True)
    load(project, world, tmp_path)
    for granularity in random.sample(("daily", "weekly", "monthly", "quarterly"), 2):
        scope, today = (
            random.choice([None, *worlds.paths_in(world, START, END)]),
            random.choice((None, date(2026, 3, 20))),
        )
        request = oracle.Request(START, END, "team", granularity, scope=scope, insight="flow", today=today)
        header, rows = oracle_flow.export(world, request)
        actual = read_csv(export_bytes(project, body_of(project, request), tmp_path, "flow", today))
        assert differences(actual, header, rows, skip=["Team_Id"]) == [], request


def test_the_demo_organization(project: Project, tmp_path: Path) -> None:
    """Whole columns of believable data: both levels, mean and a percentile, months and weeks, with and without DST, while people
    join, leave and move."""
    until = date(2026, 4, 30)
    fill(project, developers=30, months=3, until=until)
    lists = list(make(30, 1, span(until, 3), repository_names(30)).lists())
    assert len(lists) > 2
    asked = [
        ("UTC", "developer", "monthly", "mean", "dated"),
        ("UTC", "team", "weekly", "p90", "dated"),
        ("America/New_York", "developer", "weekly", "p90", "current"),
        ("America/New_York", "team", "monthly", "mean", "dated"),
    ]
    for zone, level, granularity, how, history in asked:
        stored_settings.put(project.db, project.id, {"timezone": zone, "people.history": history})
        request = oracle.Request(date(2026, 2, 10), until, level, granularity, how)
        header, rows = oracle.export(world_of(project, TREE, lists), request)
        actual = read_csv(export_bytes(project, body_of(project, request), tmp_path))
        assert differences(actual, header, rows, skip=["Team_Id"]) == [], (zone, request)
        assert any(row[header.index("PR_Merged")] for row in rows)
    for source, granularity, how in (("incidents", "monthly", "mean"), ("pipelines", "weekly", "p90")):
        stored_settings.put(project.db, project.id, {"cfr.source": source})
        request = oracle.Request(
            date(2026, 2, 10), until, "team", granularity, how, groups=ALL_GROUPS, insight="efficiency"
        )
        header, rows = oracle_dora.export(world_of(project, TREE, lists), request)
        actual = read_csv(export_bytes(project, body_of(project, request), tmp_path, "efficiency"))
        assert differences(actual, header, rows, skip=["Team_Id"]) == [], (source, request)
        assert all(any(row[header.index(name)] for row in rows) for name in header if name.endswith("_Days"))
