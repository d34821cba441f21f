"""``kill -9`` of commands at random moments: what is there is sound, and the same command run again ends with what it would have
made undisturbed. Commands that read tools are killed in their own tests."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leadline.diagnostics.integrity import findings
from leadline.home import Home
from leadline.people import tree, trees

from .running import Leadline, write_tables

KILLS = 3

COMMANDS = {
    "import": ("import", "data"),
    "org load": ("org", "load", "people.csv", "--name", "People"),
    "demo": ("demo", "--developers", "12", "--months", "2", "--until", "2026-03-31"),
}


def content(folder: Path) -> dict[str, Any]:
    """All rows of all tables and all org trees of a home, which must be sound."""
    with Home.open(folder) as home:
        project = home.project()
        assert findings(home) == []
        snapshot = project.lake.snapshot()
        rows = {
            table: sorted(repr(row) for file in snapshot.files(table) for row in pq.read_table(file).to_pylist())
            for table in snapshot.versions
        }
        return {**rows, **{summary.name: tree(project, summary.name) for summary in trees(project)}}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_leaves_nothing_half_and_ends_as_ever(name: str, tmp_path: Path) -> None:
    cwd = tmp_path / "cwd"
    write_tables(cwd / "data")
    people = [f"d{n}@x.test,Dev {n},{f'd{n // 8}@x.test' if n else ''},T{n // 8}" for n in range(3000)]
    (cwd / "people.csv").write_text("\n".join(["email,full_name,manager_email,team", *people]))
    rows = [f"o/r{n % 40},{n},Title {n},merged,2026-02-{n % 28 + 1:02}T08:00:00Z" for n in range(30_000)]
    (cwd / "data" / "pull_requests.csv").write_text("\n".join(["repository,number,title,state,created_at", *rows]))
    undisturbed, killed = Leadline(tmp_path / "undisturbed", cwd), Leadline(tmp_path / "killed", cwd)
    began = time.monotonic()
    undisturbed.process(*COMMANDS[name])
    seconds = time.monotonic() - began
    chance = random.Random(name)
    for _ in range(KILLS):
        process = killed.start(*COMMANDS[name])
        time.sleep(chance.uniform(0.3, 1.0) * seconds)
        process.kill()
        process.communicate()
        content(killed.home)
    killed.process(*COMMANDS[name])
    assert content(killed.home) == content(undisturbed.home)
