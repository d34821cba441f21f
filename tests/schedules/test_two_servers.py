"""Two servers on one PostgreSQL database, either of which is killed while a schedule runs: it runs once, and who is to be told is
told."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.serving import served_by_process
from leadline.administration import schedules, webhooks
from leadline.db import outbox
from leadline.db import schedules as stored
from leadline.db.models import exports
from leadline.home import Project
from stubs.endpoint import Endpoint, Received, listening

from .test_running import BODY, MADE, staffed

__all__ = ["staffed"]

SECONDS = 300
"""The machine may be busy, and what a dead server held is let go after a while."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as served:
        yield served


class Servers:
    """The two; each is started anew under its name."""

    def __init__(self, project: Project) -> None:
        self._home, self._open = project.home.path, ExitStack()
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str) -> None:
        log = self._home.parent / f"{name}.log"
        _, self._running[name] = self._open.enter_context(served_by_process(self._home, log=log))

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(60)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._open:
            yield


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def due(project: Project, name: str, webhook: str, folder: Path) -> str:
    """A schedule whose time is over: it is due as soon as a server looks, once."""
    deliver = [{"folder": str(folder), "name": "{name}.csv.gz"}, {"webhook": webhook}]
    return schedules.add(project, {**BODY, "name": name, "deliver": deliver}, created_by="key_1", now=MADE).id


def completed(project: Project, schedule_id: str) -> bool:
    return [run.state for run in stored.runs(project.db, schedule_id)] == ["completed"]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_schedule_runs_once_whichever_server_is_killed(staffed: Project, tmp_path: Path, endpoint: Endpoint) -> None:
    added = webhooks.add(staffed, endpoint.url, ["export.completed"], created_by="test", now=datetime.now(UTC))
    cut: set[str] = set()
    servers = Servers(staffed)

    def answer(message: Received) -> tuple[int, dict[str, str]]:
        if second and message.id not in known and not cut:
            cut.add(message.id)
            servers.kill("B")  # in the middle of telling
        return 204, {}

    second, known = "", set[str]()
    endpoint.answer = answer
    with servers.running():
        servers.start("A")
        servers.start("B")
        first = due(staffed, "first", added.id, tmp_path / "reports")
        wait_for(lambda: stored.runs(staffed.db, first))
        servers.kill("A")  # which began it
        wait_for(lambda: completed(staffed, first))
        wait_for(lambda: not outbox.counts(staffed.db))
        known.update(endpoint.ids)
        servers.start("A")
        second = due(staffed, "second", added.id, tmp_path / "reports")
        wait_for(lambda: completed(staffed, second) and cut and not outbox.counts(staffed.db))

    made = staffed.db.rows(sa.select(exports.c.created_by, exports.c.state, exports.c.id))
    assert sorted(row[:2] for row in made) == sorted([(first, "completed"), (second, "completed")])
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {"first.csv.gz", "second.csv.gz"}
    told = {(message.json["data"]["exportId"], message.id) for message in endpoint.received}
    assert {export for export, _ in told} == {row[2] for row in made}
    assert len(told) == 2, "the same under two ids"
    assert len(endpoint.received) >= 3
    assert all(message.signed_with(added.secret) for message in endpoint.received)
