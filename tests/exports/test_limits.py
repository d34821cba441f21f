"""An export is the same file whatever it may take of the machine: threads, memory, how much is worked on at a time, and in how many
processes."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from leadline.demo import fill
from leadline.exports.kinds import KINDS, parse
from leadline.facts.deployment_contents import parts
from leadline.home import Project
from leadline.materialize import ranges
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce
from leadline.settings.server import ServerSettings

SCOPE = {"scope": {"orgTreeName": "Engineering"}, "dateRange": {"start": "2026-02-01", "end": "2026-03-31"}}
BODIES = {
    "productivity": SCOPE,
    "efficiency": SCOPE
    | {"metricGroups": ["summary"], "options": {"aggregationLevel": "team", "granularity": "monthly"}},
}


@pytest.fixture(scope="module")
def demo(module_project: Project) -> Project:
    fill(module_project, developers=40, months=3, until=date(2026, 3, 31))
    return module_project


def exported(project: Project, folder: Path) -> dict[str, bytes]:
    """The files of all kinds, whose facts are computed anew."""
    shutil.rmtree(project.computed, ignore_errors=True)
    files = {}
    for kind, body in BODIES.items():
        request = parse(project, body, kind).request
        produce(project, request, pin(project, request.tree), folder / kind, Control(), KINDS[kind].rows.query)
        files[kind] = (folder / kind).read_bytes()
    return files


def test_limits_change_no_byte(demo: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LEAST_COMMITS", 500)
    monkeypatch.setattr(parts, "_MOST_PROCESSES", 2)
    processes: list[int] = []
    as_ever = parts.processes_for
    monkeypatch.setattr(
        "leadline.facts.deployment_contents.update.processes_for", lambda *a: _noted(processes, as_ever(*a))
    )
    files = []
    for threads, memory, batch in (("1", "200MB", 9_000), ("4", "1GB", 10**9)):
        monkeypatch.setattr(ranges, "PIECE_ROWS", batch)
        settings = ServerSettings.from_environment(
            {**os.environ, "LEADLINE_THREADS": threads, "LEADLINE_MEMORY": memory}, home=demo.home.path
        )
        project = Project(replace(demo.home, settings=settings), demo.id, demo.organization, demo.name)
        files.append(exported(project, tmp_path))
    assert files[1] == files[0]
    assert all(len(content.splitlines()) > 10 for content in files[0].values())
    assert processes == [1, 2]


def _noted(numbers: list[int], number: int) -> int:
    numbers.append(number)
    return number
