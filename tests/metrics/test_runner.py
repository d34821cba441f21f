"""A runner keeps its engine between runs: the bytes are those of a fresh one whatever it ran before, on any project and
any version of the data, and a cancelled or failed run takes nothing down with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from leadline.errors import StoreError
from leadline.home import Project
from leadline.materialize import session
from leadline.metrics.catalogue import select
from leadline.metrics.request import Cancelled, Control, MetricsRequest, Pins
from leadline.metrics.run import Runner, pin, produce

from .oracle import World
from .oracle_people import tree_of
from .world import TREE, deliver, load, read_csv, rows_of

DEVELOPERS = """
email,           full_name, manager_email
mia@example.com, Mia,
dan@example.com, Dan,       mia@example.com
"""
COMMITS = """
repository, sha, author_email,    authored_at,       additions, deletions
o/r,        c1,  dan@example.com, 2026-01-04T23:30Z, 8,         3
o/r,        c2,  mia@example.com, 2026-02-05T10:00Z, 2,         1
"""
PULL_REQUESTS = """
repository, number, author,          created_at,        merged_at
o/r,        1,      dan@example.com, 2026-01-05T10:00Z, 2026-01-07T10:00Z
"""


def filled(project: Project, folder: Path, tables: dict[str, str], settings: dict[str, str] | None = None) -> Project:
    folder.mkdir()
    people = rows_of("developers", DEVELOPERS)
    rows = {table: rows_of(table, text) for table, text in tables.items()}
    load(project, World(rows, tree_of(TREE, people), people, settings or {}), folder)
    return project


@pytest.fixture
def one(project: Project, tmp_path: Path) -> Project:
    return filled(project, tmp_path / "one", {"commits": COMMITS, "pull_requests": PULL_REQUESTS})


@pytest.fixture
def other(project: Project, tmp_path: Path) -> Project:
    """Another project of the home: the same people and table versions, other commits, no pull request, another zone."""
    second = project.home.project("elsewhere", "other", create=True)
    commits = COMMITS.replace("8,         3", "900,       30")
    return filled(second, tmp_path / "other", {"commits": commits}, {"timezone": "Europe/Berlin"})


@pytest.fixture
def runner(project: Project) -> Iterator[Runner]:
    with Runner(project.home) as made:
        yield made


def request(level: str = "developer", aggregation: str = "mean", form: str = "csv") -> MetricsRequest:
    metrics = tuple(metric.id for metric in select((), (), level))
    return MetricsRequest(
        TREE, None, date(2026, 1, 1), date(2026, 3, 31), metrics, level, "monthly", aggregation, format=form
    )


REQUESTS = [
    *(request(level, aggregation) for level, aggregation in product(("developer", "team"), ("mean", "p90"))),
    request(form="jsonl"),
    request(form="parquet"),
]


def fresh(project: Project, asked: MetricsRequest, pins: Pins, folder: Path) -> bytes:
    path = folder / f"fresh.{asked.format}"
    produce(project, asked, pins, path, Control())
    return path.read_bytes()


def warm(runner: Runner, project: Project, asked: MetricsRequest, pins: Pins, folder: Path) -> bytes:
    path = folder / f"warm.{asked.format}"
    runner.produce(project, asked, pins, path, Control())
    return path.read_bytes()


def added(content: bytes) -> dict[tuple[str, str], str]:
    """LOC_Added by email and start of the month."""
    header, *rows = read_csv(content)
    at = [header.index(name) for name in ("Email", "Start_Date", "LOC_Added")]
    return {(row[at[0]], row[at[1]]): row[at[2]] for row in rows}


def test_each_project_and_shape_in_turn_gives_the_bytes_of_a_fresh_engine(
    one: Project, other: Project, runner: Runner, tmp_path: Path
) -> None:
    pinned = [(project, pin(project, TREE)) for project in (one, other)]
    expected = {
        (number, asked): fresh(project, asked, pins, tmp_path)
        for number, (project, pins) in enumerate(pinned)
        for asked in REQUESTS
    }
    for _ in range(2):
        for asked in REQUESTS:
            for number, (project, pins) in enumerate(pinned):
                assert warm(runner, project, asked, pins, tmp_path) == expected[number, asked]
    assert expected[0, REQUESTS[0]] != expected[1, REQUESTS[0]]


def test_nothing_of_one_project_is_seen_in_another(
    one: Project, other: Project, runner: Runner, tmp_path: Path
) -> None:
    first = warm(runner, one, REQUESTS[0], pin(one, TREE), tmp_path)
    second = warm(runner, other, REQUESTS[0], pin(other, TREE), tmp_path)
    assert added(first)["dan@example.com", "2026-01-01"] == "8"
    assert added(second)["dan@example.com", "2026-01-01"] == "900"
    header, *rows = read_csv(second)
    assert {row[header.index("PR_Merged")] for row in rows} == {"0"}


def test_versions_pinned_before_newer_data_are_honoured(one: Project, runner: Runner, tmp_path: Path) -> None:
    before = pin(one, TREE)
    first = warm(runner, one, REQUESTS[0], before, tmp_path)
    newer = COMMITS.replace("c1", "c3").replace("2026-01-04T23:30Z, 8, ", "2026-01-06T10:00Z, 70,")
    deliver(one, "commits", rows_of("commits", newer))
    after = pin(one, TREE)
    assert after.tables != before.tables
    second = warm(runner, one, REQUESTS[0], after, tmp_path)
    assert added(second)["dan@example.com", "2026-01-01"] == "78"
    assert warm(runner, one, REQUESTS[0], before, tmp_path) == first
    assert warm(runner, one, REQUESTS[0], after, tmp_path) == second


def test_settings_of_a_later_run_count_in_it(one: Project, runner: Runner, tmp_path: Path) -> None:
    pins = pin(one, TREE)
    assert added(warm(runner, one, REQUESTS[0], pins, tmp_path))["dan@example.com", "2026-01-01"] == "8"
    for zone in ("Asia/Tokyo", "America/New_York", "UTC"):
        moved = Pins(pins.tables, pins.trees, pins.definitions, {**pins.settings, "timezone": zone})
        expected = fresh(one, REQUESTS[0], moved, tmp_path)
        assert warm(runner, one, REQUESTS[0], moved, tmp_path) == expected


def test_a_version_that_is_gone_fails_and_leaves_the_runner_usable(
    one: Project, runner: Runner, tmp_path: Path
) -> None:
    pins = pin(one, TREE)
    gone = Pins({**pins.tables, "commits": 99}, pins.trees, pins.definitions, pins.settings)
    expected = warm(runner, one, REQUESTS[0], pins, tmp_path)
    with pytest.raises(StoreError, match="99"):
        warm(runner, one, REQUESTS[0], gone, tmp_path)
    assert warm(runner, one, REQUESTS[0], pins, tmp_path) == expected


def test_a_cancelled_run_leaves_no_file_and_a_usable_runner(one: Project, runner: Runner, tmp_path: Path) -> None:
    pins = pin(one, TREE)
    expected = warm(runner, one, REQUESTS[0], pins, tmp_path)
    path = tmp_path / "cancelled.csv"

    for moment in (0.0, 0.5):
        control = Control()

        def cancel(fraction: float, control: Control = control, moment: float = moment) -> None:
            if fraction >= moment:
                thread = threading.Thread(target=control.cancel)
                thread.start()
                thread.join()

        control.progress = cancel
        with pytest.raises(Cancelled):
            runner.produce(one, REQUESTS[0], pins, path, control)
        assert not path.exists()
        assert warm(runner, one, REQUESTS[0], pins, tmp_path) == expected


def test_a_cancel_that_comes_after_the_run_does_not_reach_the_next(
    one: Project, runner: Runner, tmp_path: Path
) -> None:
    pins = pin(one, TREE)
    late = Control()
    runner.produce(one, REQUESTS[0], pins, tmp_path / "first.csv", late)
    during = Control(progress=lambda _fraction: late.cancel())
    runner.produce(one, REQUESTS[0], pins, tmp_path / "second.csv", during)
    assert (tmp_path / "second.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()


def test_the_engine_is_kept_after_short_runs_alone(
    one: Project, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def engine() -> Any:
        return runner._sessions._engine

    assert list(runner.prepare())[-1] == "engine"
    prepared = engine()
    pins = pin(one, TREE)
    for asked in REQUESTS:
        warm(runner, one, asked, pins, tmp_path)
    assert prepared is engine() is not None
    monkeypatch.setattr(session, "LONGEST_KEPT_SECONDS", 0.0)
    warm(runner, one, REQUESTS[0], pins, tmp_path)
    assert engine() is None
    assert list(one.home.temp.iterdir()) == []
