"""Requests to files with the metrics really computed: the pins, the bytes, and what newer data does to reuse."""

from __future__ import annotations

import gzip
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.db import jobs, settings
from leadline.exports import service
from leadline.exports.answers import Created
from leadline.exports.worker import Worker
from leadline.home import Project
from leadline.ingest.importing import import_paths

from .conftest import NOW, body, load_trees, now_of


def commit(project: Project, folder: Path, sha: str) -> None:
    """One commit of Dan's, imported; another sha is another hour, since commits alike in all else count once."""
    instant = f"2026-01-05T1{int(sha, 16) - 10}:00:00Z"
    path = folder / "commits.csv"
    path.write_text(
        "repository,sha,author_name,author_email,authored_at,committed_at,additions,deletions\n"
        f"acme/app,{sha * 40},Dan Drew,dan@example.com,{instant},{instant},7,3\n"
    )
    import_paths(project, [path])


def create(project: Project, **options: Any) -> Created:
    request = body(metrics=["LOC_Added", "Coding_Days"], scope={"orgTreeName": "Engineering"})
    return service.create(project, request, kind="productivity", created_by="key", now=NOW, **options)


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    load_trees(project, tmp_path)
    commit(project, tmp_path, "a")
    return project


def test_the_same_request_on_the_same_data_gives_the_same_bytes(filled: Project) -> None:
    one = Worker(filled.home)
    files = []
    for _ in range(2):
        export = create(filled, fresh=True).export
        assert one.run_one()
        done = now_of(filled, export)
        assert (done.state, done.row_count) == (jobs.COMPLETED, 5), done.error
        assert done.pinned is not None
        assert done.pinned["trees"] == {"Engineering": 1, "Sales": 1}
        assert list(done.pinned["tables"]) == ["commits"]
        files.append(service.stored_file(filled, export.id, kind="productivity").path.read_bytes())
    assert files[0] == files[1]
    lines = gzip.decompress(files[0]).decode().split("\r\n")
    assert lines[0].startswith("Granularity,Start_Date,End_Date,Developer,Email,Team,Team_Hierarchy,Coding_Days,")
    assert next(line for line in lines if "dan@example.com" in line).endswith(",1,7,3")


def test_reuse_while_unchanged_ends_with_an_import(filled: Project, tmp_path: Path) -> None:
    settings.put(filled.home.db, filled.id, {"exports.reuse": "unchanged"})
    first = create(filled).export
    assert Worker(filled.home).run_one()
    assert create(filled).reused
    commit(filled, tmp_path, "b")
    second = create(filled)
    assert not second.reused
    assert Worker(filled.home).run_one()
    stored = [now_of(filled, export) for export in (first, second.export)]
    assert stored[0].sha256 != stored[1].sha256


def test_a_later_attempt_ignores_data_that_landed_since(filled: Project, tmp_path: Path) -> None:
    first = create(filled, fresh=True).export
    assert Worker(filled.home).run_one()
    second = create(filled, fresh=True).export
    now = datetime.now(UTC)
    claim = jobs.claim(filled.home.db, "dies", now, now - timedelta(seconds=1))
    assert claim is not None
    assert jobs.pin(filled.home.db, claim, now_of(filled, first).pinned or {}, now)
    commit(filled, tmp_path, "b")
    assert Worker(filled.home).run_one()
    done = now_of(filled, second)
    assert (done.attempts, done.sha256) == (2, now_of(filled, first).sha256)


def test_one_worker_serves_two_projects_and_gives_back_what_it_kept(filled: Project, tmp_path: Path) -> None:
    other = filled.home.project("elsewhere", "other", create=True)
    load_trees(other, tmp_path)
    commit(other, tmp_path, "b")
    commit(other, tmp_path, "c")
    with Worker(filled.home) as one:
        for _ in range(2):
            queued = [(project, create(project, fresh=True).export) for project in (filled, other)]
            assert one.run_one()
            assert one.run_one()
            for (project, export), added in zip(queued, ("7", "14"), strict=True):
                stored = service.stored_file(project, export.id, kind="productivity").path.read_bytes()
                lines = gzip.decompress(stored).decode().split("\r\n")
                assert (
                    next(line for line in lines if "dan@example.com" in line).rpartition(",")[0].endswith(f",1,{added}")
                )
        one.close()
        create(filled, fresh=True)
        assert one.run_one()
    assert list(filled.home.temp.iterdir()) == []


def test_a_worker_that_waits_is_ready_for_the_first_export(filled: Project) -> None:
    """It prepares while there is nothing to do, and an export that was queued meanwhile is served all the same."""
    one, stop = Worker(filled.home), threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    try:
        export = create(filled).export
        deadline = time.monotonic() + 60
        while now_of(filled, export).state != jobs.COMPLETED and time.monotonic() < deadline:
            stop.wait(0.01)
    finally:
        stop.set()
        thread.join(60)
    assert now_of(filled, export).state == jobs.COMPLETED
    assert list(filled.home.temp.iterdir()) == []
