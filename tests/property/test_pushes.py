"""An export after pushes equals the same export computed from nothing: whatever is kept between exports changes no byte.

Every seed is a history of its own: a world, an export, then rounds of changes (rows pushed or delivered, changed, moved, taken
away; files merged; settings and people changed), each followed by exports with and without what was kept. ``--seeds 1000`` runs
more.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.db import settings as stored_settings
from leadline.home import Home, Project
from leadline.ingest.pushed import deliver_pushed
from metrics import worlds, worlds_dora
from metrics.changes import Rows, change, drawn
from metrics.oracle_events import World
from metrics.world import body_of, export_bytes, load, load_people

ROUNDS = 3
SETTINGS = {
    "timezone": ("UTC", "Asia/Tokyo", "America/New_York"),
    "rework.window_days": ("1", "14", "40"),
    "work_items.complete_from": ("created", "started"),
    "bots": ("", "CI-helper"),
    "cfr.source": ("pipelines", "incidents"),
}


def start(project: Project, random: Random, folder: Path) -> tuple[World, dict[str, Rows], dict[str, Rows]]:
    """Load a world, of people with teams' rules (as DORA reads them) or without; its rows, and rows of another."""
    world, mine = drawn(random)
    _, other = drawn(random)
    if random.random() < 0.5:
        dora = worlds_dora.dora_world(random)
        world = replace(dora.world, tables={**world.tables, **dora.world.tables})
        mine |= {table: list(rows) for table, rows in dora.world.tables.items() if rows}
        load(project, world, folder, dora.org)
    else:
        load(project, world, folder)
    return world, mine, other


def bodies(project: Project, random: Random, world: World) -> list[tuple[str, dict[str, Any]]]:
    """One request of each kind and level."""
    requests = [worlds.request(random, level, world) for level in ("developer", "team")]
    asked = [("productivity", body_of(project, request)) for request in requests]
    return [*asked, ("efficiency", body_of(project, worlds_dora.dora_request(random, world)))]


def exports(project: Project, asked: list[tuple[str, dict[str, Any]]], folder: Path) -> list[bytes]:
    """What the requests give now; rows that wait are delivered first, as a worker does."""
    deliver_pushed(project)
    return [export_bytes(project, body, folder, kind) for kind, body in asked]


def from_nothing(project: Project, asked: list[tuple[str, dict[str, Any]]], folder: Path) -> list[bytes]:
    """The same from a home newly opened and without what was kept, which is put back afterwards."""
    kept, aside = project.folder / "cache", project.folder / "cache-aside"
    kept.rename(aside)
    with Home.open(project.home.path) as home:
        expected = exports(home.project(project.organization, project.name), asked, folder)
    shutil.rmtree(kept)
    aside.rename(kept)
    return expected


def another_day(project: Project, random: Random, world: World, folder: Path) -> str:
    """Now and then people leave or a setting changes; what did."""
    draw = random.random()
    if draw < 0.15:
        name = random.choice(sorted(SETTINGS))
        stored_settings.put(project.db, project.id, {name: random.choice(SETTINGS[name])})
        return name
    if draw < 0.25 and not any("team" in person for person in world.developers):
        managers = {person.get("manager_email") for person in world.developers}
        leaver = random.choice([person for person in world.developers if person["email"] not in managers])
        left = [person for person in world.developers if person is not leaver]
        if any(person.get("manager_email") for person in left):
            load_people(project, left, folder, world.tree.name)
        return "somebody left"
    return "nobody left"


@pytest.mark.slow
def test_an_export_after_pushes_is_that_computed_from_nothing(home: Home, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    project = home.project("pushes", f"seed-{seed}", create=True)
    world, mine, other = start(project, random, tmp_path)
    asked = bodies(project, random, world)
    exports(project, asked, tmp_path)
    done: list[str] = []
    for _ in range(ROUNDS):
        done += [change(project, random, mine, other, pushed=True) for _ in range(random.choice((1, 1, 2, 4)))]
        done.append(another_day(project, random, world, tmp_path))
        after = exports(project, asked, tmp_path)
        expected = from_nothing(project, asked, tmp_path)
        assert after == expected, done
