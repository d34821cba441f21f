"""Rows of the first levels of a tree are those that the whole answer has of them: what is not asked for is not bound, and changes
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.exports.kinds import KINDS, parse
from leadline.home import Home, Project
from leadline.metrics.request import Control
from leadline.metrics.run import Runner, pin

from . import worlds
from .world import TREE, body_of, load
from .worlds_dora import dora_request, dora_world

NUMBERS = count()


def rows_of(
    runner: Runner, project: Project, body: dict[str, Any], kind: str, depth: int | None
) -> list[dict[str, Any]]:
    request = parse(project, body, kind).request
    asked = replace(request, depth=depth)
    table = runner.table(project, asked, pin(project, TREE), Control(), KINDS[kind].rows.query)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def asked_of(home: Home, folder: Path, random: Random) -> Iterator[tuple[Project, dict[str, Any], str]]:
    """A project of each kind of world, with a request for its rows of teams."""
    world = worlds.world(random)
    project = home.project("depths", f"world-{next(NUMBERS)}", create=True)
    load(project, world, folder)
    yield project, body_of(project, replace(worlds.request(random, "team", world), scope=None)), "productivity"
    dora = dora_world(random)
    project = home.project("depths", f"world-{next(NUMBERS)}", create=True)
    load(project, dora.world, folder, dora.org)
    yield project, body_of(project, replace(dora_request(random, dora.world), scope=None)), "efficiency"


@pytest.mark.parametrize("number", range(4))
def test_the_first_levels_are_those_of_all(home: Home, tmp_path: Path, number: int) -> None:
    levels = set()
    with Runner(home) as runner:
        for project, body, kind in asked_of(home, tmp_path, Random(number)):
            whole = rows_of(runner, project, body, kind, None)
            top = min(level(row) for row in whole)
            for depth in (0, 1, 2):
                shown = [row for row in whole if level(row) - top <= depth]
                assert rows_of(runner, project, body, kind, depth) == shown
                levels.add(len(shown) < len(whole))
    assert levels == {True, False}


def level(row: dict[str, Any]) -> int:
    return str(row["Team_Hierarchy"]).count("/")
