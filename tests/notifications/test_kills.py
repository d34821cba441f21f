"""200 exports end while a server that tells of them is killed 20 times, without a warning and at any moment: each is told at least
once, always under the same id, and nothing else is told."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import sqlalchemy as sa

from leadline.db import outbox
from leadline.db.models import exports
from notifications.conftest import Told

EVENTS, KILLS = 200, 20
KILLS_THERE = 5
"""On PostgreSQL, where the same holds for the same reasons."""

SERVER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from leadline.db import jobs
from leadline.home import Home
from leadline.service.notifier import Notifier
from notifications.exporting import claimed, complete

with Home.open(Path(sys.argv[1])) as home:
    project = home.project()
    Notifier(home, look_seconds=0.02).start()
    print("ready", flush=True)
    while True:
        if jobs.counts(home.db)["completed"] < int(sys.argv[2]):
            complete(project, claimed(project, datetime.now(UTC)), datetime.now(UTC))
        time.sleep(0.005)
"""


def _server(told: Told) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVER, str(told.project.home.path), str(EVENTS)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return server


def _kill(server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGKILL)
    server.wait(60)
    assert server.stdout is not None
    server.stdout.close()


def _wait_for(told: Told, number: int) -> None:
    deadline = time.monotonic() + 300
    while len(set(told.endpoint.ids)) < number:
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.002)


def test_every_event_is_told_at_least_once_whoever_dies(told: Told) -> None:
    chance = random.Random(20)
    # Some are answered late, so that servers die between an answer and its note, and some refused: those come again.
    refused: set[str] = set()

    def answer(message: object) -> tuple[int, dict[str, str]]:
        name = message.id  # type: ignore[attr-defined]
        if chance.random() < 0.05 and name not in refused:
            refused.add(name)
            return 503, {}
        time.sleep(chance.choice((0, 0, 0.01, 0.05)))
        return 200, {}

    told.endpoint.answer = answer
    kills = KILLS if told.project.db.is_sqlite else KILLS_THERE
    for number in range(kills):
        server = _server(told)
        _wait_for(told, (number + 1) * EVENTS // (kills + 5))
        time.sleep(chance.random() / 20)
        _kill(server)
    server = _server(told)
    _wait_for(told, EVENTS)
    deadline = time.monotonic() + 300
    while outbox.counts(told.project.db):
        assert time.monotonic() < deadline, "what was taken is sent for ever"
        time.sleep(0.02)
    _kill(server)

    completed = set(told.project.db.rows(sa.select(exports.c.id).where(exports.c.state == "completed")))
    by_export = defaultdict(set)
    for message in told.endpoint.received:
        assert message.signed_with(told.webhook.secret)
        by_export[message.json["data"]["exportId"]].add((message.id, message.body))
    assert {export for (export,) in completed} == set(by_export)
    assert len(by_export) == EVENTS
    assert all(len(told_as) == 1 for told_as in by_export.values()), "the same export under two ids, or in two ways"
    assert (
        len({json.loads(body)["data"]["exportId"] for told_as in by_export.values() for _, body in told_as}) == EVENTS
    )
