"""Fixtures of the tests of connectors. A module says by ``SCENARIO`` which tool it is about, or has a ``scenario`` of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.lakes import Site
from leadline.home import Home, Project
from leadline.sync.source import SourceResult
from stubs.server import Tool, serving

from .harness import Rows, Scenario, Syncer


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@dataclass(frozen=True)
class Undisturbed:
    """A home after an undisturbed sync of the small stub, what is in its tables, and how the run ended."""

    folder: Path
    tables: Rows
    done: SourceResult


@pytest.fixture(scope="module")
def scenario(request: pytest.FixtureRequest) -> Scenario:
    made: Scenario = getattr(request, "param", None) or request.module.SCENARIO
    return made


@pytest.fixture(scope="module")
def served(scenario: Scenario) -> Iterator[tuple[Tool, str]]:
    """One server for all tests of a module, and its address: ids and cursors bear it."""
    tool: Tool = scenario.small()
    with serving(tool) as url:
        yield tool, url


@pytest.fixture
def tool(served: tuple[Tool, str], scenario: Scenario) -> Tool:
    """What the server holds, as it was in the beginning."""
    return renewed(served[0], scenario)


def renewed(tool: Tool, scenario: Scenario) -> Tool:
    tool.__dict__.update(scenario.small().__dict__)
    return tool


@pytest.fixture
def sync(project: Project, tool: Tool, served: tuple[Tool, str], scenario: Scenario) -> Syncer:
    return Syncer(project, tool, served[1], scenario)


@pytest.fixture(scope="module")
def undisturbed(served: tuple[Tool, str], scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    with Home.open(folder) as home:
        sync = Syncer(home.project(), renewed(served[0], scenario), served[1], scenario)
        done = sync.good()
        return Undisturbed(folder, sync.tables(), done)


@pytest.fixture
def expected(undisturbed: Undisturbed) -> Rows:
    """What an undisturbed sync of the small stub brings."""
    return undisturbed.tables


@pytest.fixture
def later(
    undisturbed: Undisturbed, tool: Tool, served: tuple[Tool, str], scenario: Scenario, tmp_path: Path
) -> Iterator[Syncer]:
    """As ``sync``, after a first run."""
    shutil.copytree(undisturbed.folder, tmp_path / "later")
    with Home.open(tmp_path / "later") as home:
        yield Syncer(home.project(), tool, served[1], scenario)
