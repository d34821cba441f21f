"""PostgreSQL tells workers of what was queued: in any process, and also after the connection by which it tells was lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from leadline.db import jobs
from leadline.db.notices import CHANNEL
from leadline.home import Home, Project

from .conftest import now_of, queue, row

PROGRAM = Path(__file__).with_name("process.py")


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, postgresql: Any, postgresql_template: str
) -> Iterator[tuple[Project, str]]:
    """A project with a worker in another process that looks for exports by itself once in ten minutes."""
    url, folder = postgresql.create(template=postgresql_template), tmp_path_factory.mktemp("notices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADLINE_DATABASE_URL", url)
        with Home.open(folder / "home") as home:
            project = home.project()
            first = queue(project)
            (folder / "go").touch()
            command = [sys.executable, str(PROGRAM), "told", str(home.path), "15", str(folder)]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            try:
                completed(project, first.id, 60)
                yield project, url
            finally:
                process.kill()
                process.wait(60)


def completed(project: Project, export_id: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while jobs.get(project.db, project.id, export_id).state != jobs.COMPLETED:  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def created(project: Project) -> str:
    export, _ = jobs.create(project.db, row(project, created_at=datetime.now(UTC)), lambda _: False)
    return export.id


def connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_a_worker_in_another_process_begins_at_once(project: tuple[Project, str]) -> None:
    for _ in range(3):
        # Generous beside a busy machine, and far below the ten minutes in which it would look by itself.
        completed(project[0], created(project[0]), 30)


def test_what_is_put_back_is_told(project: tuple[Project, str]) -> None:
    """Nobody was told of this one until its first worker put it back."""
    db, now = project[0].db, datetime.now(UTC)
    export = queue(project[0], state=jobs.PROCESSING, worker="first", attempts=1, lease_until=now.replace(year=2100))
    claim = jobs.Claim(now_of(project[0], export))
    assert jobs.release(db, claim)
    completed(project[0], export.id, 30)


def test_it_listens_again_after_its_connection_was_lost(project: tuple[Project, str]) -> None:
    listens = f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query IN ('LISTEN {CHANNEL}', 'SELECT 1')"
    with connect(project[1]) as connection:
        ended = connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({listens}) AS listeners").fetchall()
    assert ended
    completed(project[0], created(project[0]), 30)
    completed(project[0], created(project[0]), 30)


def test_only_its_commit_tells_of_an_export(project: tuple[Project, str]) -> None:
    with connect(project[1]) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        created(project[0])
        assert [notice.payload for notice in connection.notifies(timeout=10, stop_after=1)] == [""]
