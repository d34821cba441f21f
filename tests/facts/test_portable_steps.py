"""Stored tables on an engine that is reached by Spark Connect: the same rows, and so the same files of exports, byte by byte."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from leadline.db import settings
from leadline.demo import fill
from leadline.engine import Engine
from leadline.engine.connect import ConnectEngine
from leadline.home import Home, Project
from leadline.materialize.steps import ConnectSteps, DuckSteps, Steps
from metrics import worlds, worlds_dora, worlds_flow
from metrics.all_cases import beside
from metrics.case import Case, case_files
from metrics.oracle import Request
from metrics.world import body_of, deliver, export_bytes
from stubs.sail import sail_address

from .stepping import all_models, rows_of_steps

UNUSED = {"category_sources", "outside_services"}
"""What has no rows in the world of this test, since no setting asks for it."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a bit of everything: a small organization, worlds drawn to be odd, and all that cases have."""
    with Home.open(tmp_path_factory.mktemp("home")) as home:
        project = home.project("default", "default", create=True)
        fill(project, developers=12, months=2, seed=5, until=date(2026, 3, 31))
        for draw, seeds in ((worlds.world, (1, 2)), (worlds_dora.dora_world, (1,)), (worlds_flow.flow_world, (1,))):
            for seed in seeds:
                drawn = draw(Random(seed))
                for table, rows in getattr(drawn, "world", drawn).tables.items():
                    deliver(project, table, rows)
        for table, rows in beside(map(Case, case_files()))[0].items():
            deliver(project, table, rows)
        day = datetime(2026, 3, 2, tzinfo=UTC)
        deliver(project, "absences", [{"email": "a@example.com", "day": day, "share": 0.5}])
        yield project


def computed(
    project: Project, folder: Path, steps: Callable[[Engine], Steps]
) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """The rows of all stored tables by ``steps``, and the exports that are made of them."""
    shutil.rmtree(project.computed, ignore_errors=True)
    rows = rows_of_steps(project, project.computed, all_models(), steps)
    exports = {}
    for kind, level in itertools.product(("productivity", "efficiency"), ("developer", "team")):
        if (kind, level) != ("efficiency", "developer"):
            groups = worlds_dora.ALL_GROUPS if kind == "efficiency" else ()
            request = Request(date(2026, 1, 1), date(2026, 3, 31), level, groups=groups, insight=kind)
            exports[f"{kind} {level}"] = export_bytes(project, body_of(project, request, "Engineering"), folder, kind)
    return rows, exports


@pytest.mark.timeout(900)
def test_stored_tables_and_exports_are_the_same(full: Project, tmp_path: Path) -> None:
    cluster = ConnectSteps(ConnectEngine(sail_address()))
    rows_there, exports_there = computed(full, tmp_path, lambda _engine: cluster)
    cluster.close()
    by = computed_by(full)
    rows, exports = computed(full, tmp_path, DuckSteps)
    assert {name for name, lines in rows.items() if not lines} <= UNUSED
    assert [name for name in rows if rows_there[name] != rows[name]] == []
    assert exports_there == exports
    queries = {name for name, model in all_models().items() if model.expression is not None}
    assert {name for name, who in by.items() if who.startswith("sc://")} == queries
    assert set(computed_by(full).values()) == {"DuckDB", "leadline"}


@pytest.mark.timeout(0)
def test_stored_tables_are_the_same_by_other_settings(
    full: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--sail-cases") != "all":
        pytest.skip("takes minutes; --sail-cases=all runs it")
    settings.put(full.db, full.id, beside(map(Case, case_files()))[1])
    cluster = ConnectSteps(ConnectEngine(sail_address()))
    there = rows_of_steps(full, tmp_path / "there", all_models(), lambda _engine: cluster)
    cluster.close()
    here = rows_of_steps(full, tmp_path / "here", all_models())
    assert [name for name in here if there[name] != here[name]] == []


def computed_by(project: Project) -> dict[str, str]:
    records = {path.parent.name.rpartition("-")[0]: path for path in project.computed.glob("*-*/record.json")}
    return {name: json.loads(path.read_bytes())["computed_by"] for name, path in records.items()}
