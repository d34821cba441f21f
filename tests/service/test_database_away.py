"""Under a database that comes and goes: requests are answered, processes wait and end, and each outage is told in a sentence."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from api.serving import EXPORTS, HERE, Client, eventually, fill, make_keys, served_by_process
from api.test_openapi import operations
from conftest import PostgreSQL, running_postgresql
from exports.conftest import queue
from leadline.db import inbox, jobs
from leadline.db.inbox import Delivery
from leadline.home import Home

LONGEST_ANSWER = 60
"""Seconds; connections and statements are waited for 10 and 30."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that these tests may end."""
    with running_postgresql(durable=True) as running:
        yield running


@pytest.fixture
def home(server: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, dict[str, str]]]:
    """A filled home on ``server``: its path and a key of each role. The server runs again after the test."""
    monkeypatch.setenv("LEADLINE_DATABASE_URL", server.create())
    monkeypatch.setenv("LEADLINE_LOG", "json")
    with Home.open(tmp_path / "home") as opened:
        fill(opened.project(), tmp_path)
        made = make_keys(opened.project())
    yield tmp_path / "home", made
    if not server.running:
        server.start()


def spoken(log: Path) -> list[str]:
    """What is said of the database, in the order of the log."""
    return re.findall(r"The metadata database is (away|back)", log.read_text())


Request = tuple[str, str, dict[str, str], bytes | None]


def requests(keys: dict[str, str]) -> Iterator[Request]:
    """A request to every route, with a key of whom it is for."""
    values = {"exportId": "exp_0123456789abcdef0123", "table": "incidents", "kind": "productivity"}
    for method, path, operation in operations():
        address = re.sub(r"\{(\w+)\}", lambda name: quote(values.get(name[1], "1")), path)
        role = "ingestion" if "ingest" in path or "cicd" in path else "admin"
        body = None
        headers = {"x-api-key": keys[role]}
        if "requestBody" in operation:
            body, headers["Content-Type"] = b"{}", next(iter(operation["requestBody"]["content"]))
        yield method.upper(), f"{address}?{HERE}", headers, body


def answered(base: str, request: Request) -> tuple[int, dict[str, str], bytes]:
    method, address, headers, body = request
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=LONGEST_ANSWER)
    try:
        connection.request(method, address, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def check_refusal(request: Request, answer: tuple[int, dict[str, str], bytes]) -> None:
    status, headers, raw = answer
    name = f"{request[0]} {request[1]}"
    if status < 500:  # what needs no database, or is refused before it is asked
        assert status in (200, 400, 401, 404, 415, 422), (name, answer)
        return
    assert status == 503, (name, answer)
    assert int(headers["retry-after"]) > 0, name
    if request[0] != "HEAD":
        body = json.loads(raw)
        assert body["status"] == "failed", name
        assert body["error"], name
        assert body["code"] in ("store_error", "not_ready", "busy"), name


def test_every_route_answers_while_the_database_is_away(
    home: tuple[Path, dict[str, str]], server: PostgreSQL, tmp_path: Path
) -> None:
    folder, keys = home
    log = tmp_path / "log"
    with served_by_process(folder, log=log) as (base, _):
        Client(base, keys["viewer"]).completed()  # its worker is at work then
        every = list(requests(keys))
        assert len(every) > 40
        for request in every:
            assert answered(base, request)[0] < 500, request
        server.stop()
        unanswered = {request[1] for request in every if answered(base, request)[0] == 503}
        time.sleep(2.1)  # keys are remembered so long
        for request in every:
            check_refusal(request, answered(base, request))
            if "x-api-key" in request[2] and "webhooks" not in request[1] and request[1].startswith("/v"):
                assert answered(base, request)[0] == 503, request
        assert "/readyz?" + HERE in unanswered
        assert "/healthz?" + HERE not in unanswered
        server.start()
        eventually(lambda: Client(base).get("/readyz").status == 200)
        Client(base, keys["viewer"]).completed(cache_control="no-cache")
    assert "Traceback" not in log.read_text()
    assert sorted(spoken(log)) == ["away", "away", "back", "back"], "once by the server and once by its worker"


def test_a_database_that_answers_nobody_is_waited_for_a_bounded_while(
    home: tuple[Path, dict[str, str]], server: PostgreSQL, tmp_path: Path
) -> None:
    """One that is stopped takes connections and says nothing."""
    folder, keys = home
    with served_by_process(folder, log=tmp_path / "log") as (base, process):
        client = Client(base, keys["viewer"])
        assert client.get(EXPORTS).status == 200
        server.signal_all(signal.SIGSTOP)
        try:
            time.sleep(2.1)
            answers: list[int] = []
            request: Request = ("GET", EXPORTS, {"x-api-key": keys["viewer"]}, None)
            threads = [threading.Thread(target=lambda: answers.append(answered(base, request)[0])) for _ in range(5)]
            for thread in threads:
                thread.start()
            assert Client(base).get("/healthz").status == 200
            for thread in threads:
                thread.join(LONGEST_ANSWER)
            assert answers == [503] * 5
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            server.signal_all(signal.SIGCONT)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts ``leadline`` in processes that are gone when the test is; they log to ``tmp_path / "log"``."""
    started: list[subprocess.Popen[bytes]] = []

    def go(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "leadline.cli.main", *map(str, arguments)]
        with (tmp_path / "log").open("ab") as log:
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log))
        return started[-1]

    yield go
    for process in started:
        process.kill()
        process.wait(60)


COMMANDS = [("serve", "--port", "0"), ("worker",)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_is_started_without_a_database_waits_for_it(
    home: tuple[Path, dict[str, str]],
    server: PostgreSQL,
    start: Callable[..., subprocess.Popen[bytes]],
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    folder, _ = home
    log = tmp_path / "log"
    with Home.open(folder) as opened:
        queue(opened.project())
    server.stop()
    patient, ended = start("--home", folder, *command), start("--home", folder, *command)
    eventually(lambda: log.read_text().count("waiting until it can") == 2, 240)
    ended.send_signal(signal.SIGTERM)
    assert ended.wait(60) == 0
    time.sleep(1.5)
    assert patient.poll() is None
    assert log.read_text().count("waiting until it can") == 2, "told once"
    server.start()
    with Home.open(folder) as opened:
        eventually(lambda: jobs.counts(opened.db)[jobs.COMPLETED] == 1, 240)
    patient.send_signal(signal.SIGTERM)
    assert patient.wait(60) == 0
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("trouble", ["a lock", "no database", "a silent database"])
def test_sigterm_ends_what_waits(
    home: tuple[Path, dict[str, str]],
    server: PostgreSQL,
    start: Callable[..., subprocess.Popen[bytes]],
    tmp_path: Path,
    command: tuple[str, ...],
    trouble: str,
) -> None:
    folder, _ = home
    with ExitStack() as stack:
        opened = stack.enter_context(Home.open(folder))
        project = opened.project()
        row = '{"incident_id": "i", "created_at": "2026-03-01T00:00:00Z"}'
        inbox.add(project.db, [Delivery(project.id, "incidents", 1, row)], datetime.now(UTC) - timedelta(hours=1))
        if trouble == "a lock":
            stack.enter_context(project.lock("inbox"))
        process = start("--home", folder, *command)
        if command[0] == "serve":
            assert process.stdout is not None
            assert process.stdout.readline()
        else:
            eventually(lambda: "export worker" in (tmp_path / "log").read_text(), 240)
        time.sleep(5)  # until it is at work: nothing tells from outside what it waits for
        if trouble == "no database":
            server.stop()
        elif trouble == "a silent database":
            server.signal_all(signal.SIGSTOP)
            stack.callback(server.signal_all, signal.SIGCONT)
        time.sleep(1)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert psutil.wait_procs(children, timeout=60)[1] == []


def test_an_export_whose_database_went_away_is_put_back_and_counts_no_attempt(
    home: tuple[Path, dict[str, str]], server: PostgreSQL, tmp_path: Path
) -> None:
    from exports.conftest import pin, produce
    from leadline.exports.worker import Worker

    folder, _ = home

    def lose_it(*arguments: Any) -> Any:
        if server.running and not (tmp_path / "lost").exists():
            (tmp_path / "lost").touch()
            server.stop()
        return produce(*arguments)

    stop = threading.Event()
    with Home.open(folder) as opened:
        export = queue(opened.project())
        thread = threading.Thread(target=Worker(opened, produce=lose_it, pin=pin).run, args=(stop,))
        thread.start()
        try:
            eventually(lambda: (tmp_path / "lost").exists() and not server.running)
            time.sleep(1)
            server.start()
            done = eventually(
                lambda: (row := jobs.get(opened.db, 1, export.id)) and row.state == "completed" and row, 14
            )
            assert done.attempts == 1
        finally:
            stop.set()
            thread.join(60)
