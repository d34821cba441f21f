"""Steps that no query can say: computed once per state of the data, by one process at a time, whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.engine import schema_table
from leadline.errors import StoreError
from leadline.facts.policy import BUILD_POLICY
from leadline.home import Home, Project
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.materialize.session import session
from leadline.settings.profile import Profile
from metrics.world import deliver

HOLD = "TEST_HOLD"
"""Names a folder: a step says there that it has begun, and goes on once it is told there to."""
LINGER = "TEST_LINGER"
"""If set, a step looks out for another computation that uses its state at the same time."""


def _depths(place: BuildContext) -> None:
    """How many commits lie below each, by walking the parents."""
    mine = place.state / f"busy-{os.getpid()}"
    mine.touch()
    with (place.state / "runs").open("a") as runs:
        runs.write(f"{os.getpid()}\n")
    parents: dict[tuple[str, str], list[str]] = {
        (repository, sha): (its or "").split() for repository, sha, its in place.engine.execute("FROM stored_parents")
    }
    depths: dict[tuple[str, str], int] = {}

    def depth(repository: str, sha: str) -> int:
        if (repository, sha) not in depths:
            theirs = [
                depth(repository, parent) + 1 for parent in parents[repository, sha] if (repository, parent) in parents
            ]
            depths[repository, sha] = max(theirs, default=0)
        return depths[repository, sha]

    for repository in sorted({name for name, _ in parents}):
        rows = [(name, sha, depth(name, sha)) for name, sha in parents if name == repository]
        columns = dict(zip(DEPTHS.columns, zip(*rows, strict=True), strict=True))
        pq.write_table(pa.table(columns), place.folder / f"{repository}.parquet")
    _hold()
    if LINGER in os.environ:  # long enough to meet another that uses the state, if any may
        meeting = time.monotonic() + 0.2
        while time.monotonic() < meeting:
            assert list(place.state.glob("busy-*")) == [mine]
    mine.unlink()


def _hold() -> None:
    if HOLD not in os.environ:
        return
    folder = Path(os.environ[HOLD])
    (folder / "begun").touch()
    _await(folder / "go")


def _await(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} did not come"
        time.sleep(0.01)


PARENTS = Model(
    "parents",
    {"repository": "string", "sha": "string", "parents": "string"},
    expression=lambda _profile: schema_table("commits").select("repository", "sha", "parents"),
)
DEPTHS = Model(
    "depths",
    {"repository": "string", "sha": "string", "depth": "int64"},
    computation=Computation(_depths, sources=("commits",), depends_on=(PARENTS,), rules=("environment",)),
)
DEEPEST = Model(
    "deepest",
    {"repository": "string", "depth": "int64"},
    expression=lambda _profile: DEPTHS.table().group_by("repository").agg(depth=lambda t: t.depth.max()),
)


def commits(project: Project, *shas: str, repository: str = "o", parent: str | None = None) -> None:
    """Deliver a chain of commits."""
    rows = []
    for sha in shas:
        rows.append({"repository": repository, "sha": sha, "parents": parent or ""})
        parent = sha
    deliver(project, "commits", rows)


def found(project: Project, stored: Model = DEPTHS, versions: Mapping[str, int] | None = None) -> list[tuple[str, ...]]:
    """The step's rows at the newest state of the data, or at ``versions``."""
    with session(project, versions or project.lake.snapshot().versions, {}, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind([stored])
        return opened.engine.execute(f"SELECT * FROM {stored.bound_name} ORDER BY ALL")


def facts(project: Project) -> Path:
    return project.folder / "cache" / "facts"


def runs(project: Project) -> list[str]:
    """The processes that computed the step, one for each time."""
    (state,) = (facts(project) / "state-depths").iterdir()  # goes by the number of who had the lock last
    return (state / "runs").read_text().split()


def test_a_step_is_computed_once_per_state_and_keeps_its_state(project: Project) -> None:
    commits(project, "a", "b", "c")
    commits(project, "x", repository="p")
    first = [("o", "a", 0), ("o", "b", 1), ("o", "c", 2), ("p", "x", 0)]
    old = project.lake.snapshot().versions
    assert found(project) == first
    assert found(project) == first
    assert found(project, DEEPEST) == [("o", 2), ("p", 0)]
    assert len(runs(project)) == 1
    commits(project, "d", parent="c")
    assert found(project, DEEPEST) == [("o", 3), ("p", 0)]
    assert len(runs(project)) == 2
    assert found(project, versions=old) == first
    assert len(runs(project)) == 2


def test_a_step_without_rows_reads_as_empty_with_its_columns(project: Project) -> None:
    assert found(project) == []
    with session(project, {}, {}, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind([DEPTHS])
        schema = opened.engine.arrow("FROM stored_depths").schema
    assert schema == pa.schema([("repository", pa.string()), ("sha", pa.string()), ("depth", pa.int64())])


def test_a_step_that_fails_leaves_nothing(project: Project) -> None:
    commits(project, "a", "b")

    def fails(place: BuildContext) -> None:
        pq.write_table(pa.table({"repository": ["o"], "sha": ["half"], "depth": [7]}), place.folder / "o.parquet")
        raise StoreError("no space")

    with pytest.raises(StoreError, match="no space"):
        found(project, replace(DEPTHS, computation=replace(DEPTHS.computation, run=fails)))
    assert not [*facts(project).glob("depths-*"), *facts(project).glob(".*")]
    assert found(project) == [("o", "a", 0), ("o", "b", 1)]


def test_a_step_is_computed_anew_for_the_team_rules_it_reads_alone(project: Project) -> None:
    commits(project, "a")
    versions = project.lake.snapshot().versions

    def fingerprint(stored: Model, texts: Mapping[str, str]) -> str:
        with session(project, versions, {}, Profile.of(texts), BUILD_POLICY) as opened:
            return opened.facts.fingerprint(stored)

    plain = fingerprint(DEPTHS, {})
    assert fingerprint(DEPTHS, {"team.a.b.environment": "equals live"}) != plain
    assert fingerprint(DEEPEST, {"team.a.b.environment": "equals live"}) != fingerprint(DEEPEST, {})
    assert fingerprint(DEPTHS, {"team.a.b.service": "equals live", "bots": "robo"}) == plain
    assert fingerprint(PARENTS, {"team.a.b.environment": "equals live"}) == fingerprint(PARENTS, {})


def test_a_query_is_compiled_for_the_team_rules_it_reads(project: Project) -> None:
    commits(project, "a")

    def teams(profile: Profile) -> object:
        rows = schema_table("commits").select("repository")
        return rows.filter(rows.repository.isin(sorted(profile.team_rules))).distinct()

    ruled = Model("ruled", {"repository": "string"}, expression=teams)  # type: ignore[arg-type]
    for texts, expected in (({}, []), ({"team.o.service": "equals s"}, [("o",)]), ({}, [])):
        with session(project, project.lake.snapshot().versions, {}, Profile.of(texts), BUILD_POLICY) as opened:
            opened.facts.bind([ruled])
            assert opened.engine.execute(f"FROM {ruled.bound_name}") == expected


# -- several processes -------------------------------------------------------------------------------------------------


@pytest.fixture
def started() -> Iterator[list[BaseProcess]]:
    """Processes that end with the test."""
    processes: list[BaseProcess] = []
    yield processes
    for process in processes:
        process.kill()
        process.join()


def _find(home: Path, versions: Mapping[str, int], barrier: Barrier | None, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    with Home.open(home) as opened:
        if barrier is not None:
            barrier.wait(60)
        found(opened.project(), versions=versions)


def test_a_killed_computation_leaves_no_half_and_no_lock(
    project: Project, tmp_path: Path, started: list[BaseProcess]
) -> None:
    commits(project, "a", "b")
    hold = tmp_path / "hold"
    hold.mkdir()
    process = multiprocessing.get_context("spawn").Process(
        target=_find, args=(project.home.path, project.lake.snapshot().versions, None, {HOLD: str(hold)})
    )
    started.append(process)
    process.start()
    _await(hold / "begun")
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    (unfinished,) = facts(project).glob(".depths-*")
    assert list(unfinished.glob("*.parquet")), "it had written rows"
    assert not list(facts(project).glob("depths-*"))
    assert found(project) == [("o", "a", 0), ("o", "b", 1)]


def test_processes_that_ask_at_once_compute_once_per_state_of_the_data_and_one_after_another(
    project: Project, started: list[BaseProcess]
) -> None:
    states = []
    for number in range(2):
        commits(project, *(f"{number}-{each}" for each in range(50)))
        states.append(project.lake.snapshot().versions)
    context = multiprocessing.get_context("spawn")
    asked = [*states, *states]
    barrier = context.Barrier(len(asked))
    for versions in asked:
        started.append(context.Process(target=_find, args=(project.home.path, versions, barrier, {LINGER: "1"})))
        started[-1].start()
    for process in started:
        process.join(120)
        assert process.exitcode == 0
    assert len(runs(project)) == len(states)
    assert [len(found(project, versions=versions)) for versions in states] == [50, 100]
    assert len(runs(project)) == len(states)
