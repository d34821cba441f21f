"""An export depends on the data alone: not on how it was delivered, nor on compaction, restarts or repeated imports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from leadline.engine import Engine
from leadline.exports.kinds import parse
from leadline.home import Home, Project
from leadline.lake.maintenance import check_lake, compact_lake
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce
from leadline.schema import TABLES
from metrics import worlds
from metrics.oracle import Request
from metrics.oracle_events import World
from metrics.world import NOW, body_of, deliver, export_bytes, load, read_csv

NUMBERS = count()
Delivery = tuple[str, list[dict[str, Any]]]
some_worlds = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
REQUESTS = [Request(worlds.START, worlds.END, level, "weekly") for level in ("developer", "team")]


def exports(project: Project, folder: Path) -> list[bytes]:
    return [export_bytes(project, body_of(project, request), folder) for request in REQUESTS]


def without_ids(content: bytes) -> list[list[str]]:
    """An export without ref ids, which two projects do not share."""
    table = read_csv(content)
    return [[cell for name, cell in zip(table[0], row, strict=True) if name != "Team_Id"] for row in table]


def pieces(random: Random, world: World) -> list[Delivery]:
    """The world's rows in small deliveries, shuffled, some repeated, some preceded or followed by an older version.

    Rows of tables that change carry ``updated_at``, so that the newest wins whatever the order.
    """
    cut: list[Delivery] = []
    for table, rows in world.tables.items():
        stale = random.sample(list(rows), len(rows) // 3)
        if not TABLES[table].immutable:
            stale = [{**older(row, TABLES[table].key), "updated_at": NOW - timedelta(days=9)} for row in stale]
        waiting = [*rows, *stale]
        random.shuffle(waiting)
        while waiting:
            size = random.randrange(1, 1 + max(2, len(rows)))
            cut.append((table, waiting[:size]))
            del waiting[:size]
    random.shuffle(cut)
    return [*cut, *random.sample(cut, len(cut) // 4)]


def deliver_all(project: Project, deliveries: list[Delivery]) -> None:
    with Engine(temp_dir=project.temp) as engine:
        for table, rows in deliveries:
            deliver(project, table, rows, engine=engine)


NAMES = {
    *(
        "author",
        "author_email",
        "committer_email",
        "merged_by",
        "assignee",
        "reporter",
        "triggered_by",
        "account",
        "email",
    ),
    *("source", "repository", "service"),
}
"""Columns whose texts compare in any letter case, wherever they are."""


def in_any_case(random: Random, name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [in_any_case(random, name, one) for one in value]
    return random.choice((str, str.lower, str.upper, str.title))(value) if isinstance(value, str) else value


def respelled(random: Random, world: World) -> World:
    """The same world, with the letter case of every account, address, repository and service as it comes: each cell for itself.

    Repositories are listed as the world has them, so that what is first by name stays so.
    """
    tables: dict[str, list[dict[str, Any]]] = {
        table: [
            {
                name: in_any_case(random, name, cell)
                if name in NAMES or (name in ("from_value", "to_value") and row.get("field") == "assignee")
                else cell
                for name, cell in row.items()
            }
            for row in rows
        ]
        for table, rows in world.tables.items()
        if table != "repositories"
    }
    for row in tables.get("pull_requests", ()):
        row["assignees"] = in_any_case(random, "assignees", row.get("assignees"))
    listed = [dict(row) for row in world.tables.get("repositories", ())]
    known = {row["repository"] for row in listed}
    written = {row["repository"] for rows in world.tables.values() for row in rows if row.get("repository")}
    tables["repositories"] = [*listed, *({"repository": name} for name in sorted(written - known))]
    return replace(world, tables=tables)


def older(row: dict[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
    """What a row may have been before: its key, its accounts gone, its times a week earlier."""
    moved = {name: cell - timedelta(days=7) if isinstance(cell, datetime) else None for name, cell in row.items()}
    return {**moved, **{name: row[name] for name in key if name in row}}


def versioned(world: World) -> World:
    """The same world with a version on every row that may change."""
    tables = {
        table: [row if TABLES[table].immutable else {**row, "updated_at": NOW} for row in rows]
        for table, rows in world.tables.items()
    }
    return replace(world, tables=tables)


@pytest.mark.slow
@some_worlds
@given(random=st.randoms(use_true_random=False))
def test_order_splitting_and_repetition_change_nothing(home: Home, tmp_path: Path, random: Random) -> None:
    world = versioned(worlds.world(random))
    number = next(NUMBERS)
    whole = home.project("deliveries", f"whole-{number}", create=True)
    load(whole, world, tmp_path)
    piecemeal = home.project("deliveries", f"pieces-{number}", create=True)
    load(piecemeal, replace(world, tables={}), tmp_path)
    deliver_all(piecemeal, pieces(random, world))
    expected, actual = exports(whole, tmp_path), exports(piecemeal, tmp_path)
    assert list(map(without_ids, actual)) == list(map(without_ids, expected))


@pytest.mark.slow
@some_worlds
@given(random=st.randoms(use_true_random=False))
def test_letter_case_changes_nothing(home: Home, tmp_path: Path, random: Random) -> None:
    """Of accounts, addresses, repositories and services; and then neither do order, splitting and repetition."""
    world = versioned(worlds.world(random))
    number = next(NUMBERS)
    plain = home.project("deliveries", f"plain-{number}", create=True)
    load(plain, world, tmp_path)
    other = home.project("deliveries", f"respelled-{number}", create=True)
    load(other, replace(world, tables={}), tmp_path)
    spelled = respelled(random, world)
    assume(spelled.tables != world.tables)
    deliver_all(other, pieces(random, versioned(spelled)))
    expected, actual = exports(plain, tmp_path), exports(other, tmp_path)
    assert list(map(without_ids, actual)) == list(map(without_ids, expected))


def test_compaction_restart_and_repeated_import_change_nothing(home: Home, tmp_path: Path) -> None:
    random = Random(7)
    world = versioned(worlds.world(random))
    project = home.project()
    load(project, replace(world, tables={}), tmp_path)
    deliver_all(project, pieces(random, world))
    before = exports(project, tmp_path)

    compact_lake(project.lake, now=datetime.now(UTC), writing=project.writing, keep_days=0)
    assert check_lake(project.lake) == []
    assert exports(project, tmp_path) == before

    with Home.open(home.path) as again:
        assert exports(again.project(), tmp_path) == before

    versions = project.lake.snapshot().versions
    load(project, world, tmp_path)
    assert project.lake.snapshot().versions == versions
    assert exports(project, tmp_path) == before


def test_old_pins_give_the_old_bytes(home: Home, tmp_path: Path) -> None:
    """New data, new settings and a new tree do not change an export that is pinned to what was before."""
    world = worlds.world(Random(11))
    project = home.project()
    load(project, world, tmp_path)
    request = parse(project, body_of(project, REQUESTS[0]), "productivity").request
    pins = pin(project, request.tree)

    def run(name: str, *, newest: bool = False) -> bytes:
        path = tmp_path / name
        produce(project, request, pin(project, request.tree) if newest else pins, path, Control())
        return path.read_bytes()

    before = run("before.csv")
    commit = {"repository": "o/a", "sha": "beef", "author_email": "p0@example.com", "additions": 1, "deletions": 1}
    deliver(project, "commits", [{**commit, "authored_at": datetime(2026, 3, 1, 12, tzinfo=UTC)}])
    people = [*world.developers, {"email": "new@example.com", "full_name": "New", "manager_email": "p0@example.com"}]
    load(project, replace(world, tables={}, developers=people, settings={"timezone": "Asia/Tokyo"}), tmp_path)
    assert run("again.csv") == before
    assert run("newest.csv", newest=True) != before
