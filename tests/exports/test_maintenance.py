"""Idle workers look after the lake: many small files become few, what nothing reads is deleted, the rows stay."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime, timedelta

import pytest

from api.serving import put
from leadline.exports.maintenance import MANY_SMALL_FILES, maintain
from leadline.home import Project
from leadline.lake import Lake
from leadline.schema import TABLES

from .conftest import NOW, Clock, worker


def deliver(project: Project, deliveries: int) -> None:
    for number in range(deliveries):
        put(project, releases=[{"repository": "org/app", "tag": f"v{number}", "published_at": NOW}])


def files(project: Project) -> int:
    return len(Lake(project.lake.storage).snapshot().files("releases"))


def rows(project: Project) -> int:
    return Lake(project.lake.storage).snapshot().row_counts()["releases"]


def test_many_small_files_become_one_table_by_table(project: Project) -> None:
    deliver(project, MANY_SMALL_FILES - 1)
    assert list(maintain(project.home, NOW)) == list(TABLES)
    assert files(project) == MANY_SMALL_FILES - 1
    put(project, releases=[{"repository": "org/app", "tag": "last", "published_at": NOW}])
    before = project.lake.snapshot().versions["releases"]
    assert list(maintain(project.home, NOW)) == list(TABLES)
    assert (files(project), rows(project)) == (1, MANY_SMALL_FILES)
    assert len(project.lake.snapshot({"releases": before}).files("releases")) == MANY_SMALL_FILES


def test_every_project_in_turn_and_a_broken_one_stops_no_other(project: Project) -> None:
    other = project.home.project("default", "other", create=True)
    for one in (project, other):
        deliver(one, MANY_SMALL_FILES)
    put(project, comments=[{"repository": "org/app", "number": 1, "comment_id": "c", "created_at": NOW}])
    shutil.rmtree(project.folder / "lake" / "comments" / "_delta_log")
    (project.folder / "lake" / "comments" / "_delta_log").mkdir()
    (project.folder / "lake" / "comments" / "_delta_log" / "00000000000000000000.json").write_text("{broken")
    assert len(list(maintain(project.home, NOW))) == 2 * len(TABLES)
    assert files(other) == 1


def test_a_table_that_something_is_delivered_to_is_left_alone(project: Project) -> None:
    deliver(project, MANY_SMALL_FILES)
    with project.lock("lake:releases"):
        list(maintain(project.home, NOW))
    assert files(project) == MANY_SMALL_FILES


def test_a_worker_does_it_by_itself(project: Project, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadline.exports.worker.MAINTENANCE_SECONDS", 0.05)
    deliver(project, MANY_SMALL_FILES)
    stop = threading.Event()
    thread = threading.Thread(target=worker(project.home, clock).run, args=(stop,))
    thread.start()
    for _ in range(500):
        if files(project) == 1:
            break
        threading.Event().wait(0.02)
    stop.set()
    thread.join(30)
    assert (files(project), rows(project)) == (1, MANY_SMALL_FILES)


def test_what_a_dead_delivery_left_goes_after_a_day(project: Project) -> None:
    deliver(project, 1)
    staged = project.lake.staging_folder("releases")
    (staged / "half.parquet").write_bytes(b"x")
    now = datetime.now(UTC)
    list(maintain(project.home, now))
    assert staged.exists()
    list(maintain(project.home, now + timedelta(days=2)))
    assert not staged.exists()
