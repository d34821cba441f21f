"""The walk that finds the age of deleted lines is killed at any moment, and what goes on from there is right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

from leadline.sources.git.line_ages.walk import LineWalk
from leadline.sources.git.location import Location
from leadline.sources.git.repository import open_repository
from stubs.git_random import RandomHistory

KILLS = 20
RUN = """
import json, os, shutil, signal, sys, time
from pathlib import Path
from leadline.sources.git.line_ages.ages import LineAges, name_of
from leadline.sources.git.location import Location
from leadline.sources.git.repository import open_repository

folder, states, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
repository = open_repository(Location(folder), name="o/r", clones=folder / "clones")
state = repository.state()

def write(path, text):
    path.with_suffix(".part").write_text(text)
    path.with_suffix(".part").rename(path)

def read_new(states):
    cursor = states / "cursor"
    before = cursor.read_text() if cursor.exists() else None
    batches = LineAges(repository, states / "lines").batches(before, state, None)
    rows = [[row[name] for name in ("sha", "path", "origin", "lines")] for batch in batches for row in batch.to_pylist()]
    write(states / f"{name_of(state)}.rows", json.dumps(rows))
    write(cursor, name_of(state))

def started(states):
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        read_new(states)
        os._exit(0)
    return child

killed = 0
if kills:
    began = time.monotonic()
    shutil.copytree(states, states.with_name("measured"))
    os.waitpid(started(states.with_name("measured")), 0)
    took = time.monotonic() - began
    shutil.copytree(states, states.with_name("before"))
    for number in range(kills):
        child = started(states)
        time.sleep(took * (number + 0.5) / kills)
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if (states / "cursor").read_text() == name_of(state):
            shutil.rmtree(states)
            shutil.copytree(states.with_name("before"), states)
read_new(states)
print(killed)
"""


def run(folder: Path, states: Path, kills: int) -> int:
    """Read what is new, after it was killed so often; how often it was not at its end by then."""
    states.mkdir(exist_ok=True)
    command = [sys.executable, "-c", RUN, str(folder), str(states), str(kills)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=300).stdout)


def test_a_walk_that_is_killed_goes_on_right(tmp_path: Path) -> None:
    folder, states = tmp_path / "r", tmp_path / "states"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "--bare"], cwd=folder, check=True)
    history = RandomHistory(folder, Random(14))
    history.grow(30)
    run(folder, states, 0)
    history.grow(150)
    assert run(folder, states, KILLS) > KILLS // 4
    repository = open_repository(Location(folder), name="o/r", clones=folder / "clones")
    rows = LineWalk(repository).walk(repository.state().heads)
    found = [tuple(row) for path in states.glob("*.rows") for row in json.loads(path.read_text())]
    assert Counter(found) == Counter((row.sha, row.path, row.origin, row.lines) for row in rows)
    assert len(found) > KILLS
    assert len(list((states / "lines").iterdir())) <= 2
