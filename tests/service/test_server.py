"""The server as a process: it starts, survives its workers, and ends with all that it started."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
from functools import partial
from pathlib import Path

import psutil
import pytest

from api.serving import BODY, EXPORTS, Client, eventually, fill, make_keys, served_by_process
from leadline.errors import InvalidRequest
from leadline.home import Home
from leadline.service.server import address_of, bound, serve


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, str]:
    """A home with data, closed: its path and a viewer's key."""
    with Home.open(tmp_path / "served-home") as home:
        fill(home.project(), tmp_path)
        return home.path, make_keys(home.project())["viewer"]


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def test_a_whole_life(filled: tuple[Path, str], tmp_path: Path) -> None:
    home, key = filled
    log = tmp_path / "log"
    with served_by_process(home, log=log) as (base, process):
        client = Client(base, key)
        export = client.completed()
        assert client.get(f"{EXPORTS}/{export}/download").status == 200
        assert client.get("/readyz").json["checks"]["workers"] == "1 of 1 running"

        # A worker that dies is replaced, and the replacement works.
        (worker,) = workers_of(process)
        worker.kill()
        eventually(lambda: [child for child in workers_of(process) if child.pid != worker.pid])
        client.completed(BODY, cache_control="no-cache")

        (worker,) = workers_of(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        worker.wait(60)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(line["event"] == "export completed" and line["export_id"] == export for line in lines)
    assert "Traceback" not in log.read_text()
    assert key not in log.read_text()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_while_it_starts(
    filled: tuple[Path, str], how: signal.Signals, tmp_path: Path
) -> None:
    with served_by_process(filled[0], log=tmp_path / "log") as (_, process):
        (worker,) = workers_of(process)
        process.send_signal(how)
        assert process.wait(60) == 0
        worker.wait(60)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_ctrl_c_on_a_terminal_reaches_everyone_and_all_end(filled: tuple[Path, str], tmp_path: Path) -> None:
    """A terminal signals the whole process group; the worker leaves the decision to the server."""
    with served_by_process(filled[0], log=tmp_path / "log") as (_, process):
        (worker,) = workers_of(process)
        for pid in (worker.pid, process.pid):
            os.kill(pid, signal.SIGINT)
        assert process.wait(60) == 0
        worker.wait(60)


def test_workers_do_not_outlive_a_killed_server(filled: tuple[Path, str]) -> None:
    with served_by_process(filled[0], workers=2) as (_, process):
        workers = workers_of(process)
        assert len(workers) == 2
        process.kill()
        for worker in workers:
            worker.wait(60)


def fewer_queued(client: Client, number: int) -> bool:
    return bool(client.get(f"{EXPORTS}?status=queued").json["total"] < number)


def leases_run_out(home: Path) -> None:
    """What 15 seconds do, without waiting for them."""
    with sqlite3.connect(home / "leadline.db") as database:
        database.execute("UPDATE exports SET lease_until = '2026-01-01 00:00:00.000000' WHERE state = 'processing'")


def test_exports_survive_kill_9_of_everything_and_complete_once(filled: tuple[Path, str]) -> None:
    """Server and workers die twice while exports are queued and running; every export ends with its one file."""
    home, key = filled
    exports: set[str] = set()
    for _ in range(2):
        with served_by_process(home) as (base, process):
            client = Client(base, key)
            exports |= {client.create(BODY, cache_control="no-cache").json["exportId"] for _ in range(3)}
            eventually(partial(fewer_queued, client, len(exports)))
            everyone = [psutil.Process(process.pid), *workers_of(process)]
            for running in everyone:
                running.kill()
            psutil.wait_procs(everyone[1:], timeout=120)
        leases_run_out(home)
    with served_by_process(home) as (base, _):
        client = Client(base, key)
        files = {client.wait_for(export)["sha256"] for export in exports}
        assert len(files) == 1, "the same request on the same data"
        assert client.get(f"{EXPORTS}?status=completed").json["total"] == len(exports)
    stored = [path for path in (home / "projects" / "default" / "default" / "exports").iterdir() if path.is_file()]
    assert len(stored) == len(exports)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_download_that_is_cut_off_is_no_shorter_file(filled: tuple[Path, str], how: signal.Signals) -> None:
    """Its length came first, so that every client sees that it is not whole."""
    home, key = filled
    size = 64 << 20  # more than the system keeps on its way
    with served_by_process(home) as (base, process):
        export = Client(base, key).completed({**BODY, "options": {"format": "parquet"}})
        (stored,) = (home / "projects" / "default" / "default" / "exports").glob("*.parquet")
        stored.write_bytes(bytes(size))
        with sqlite3.connect(home / "leadline.db") as database:
            database.execute("UPDATE exports SET size_bytes = ?", (size,))
        connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=60)
        connection.request("GET", f"{EXPORTS}/{export}/download", headers={"x-api-key": key})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-length"]) == (200, str(size))
        answer.read(1000)
        process.send_signal(how)
        process.wait(60)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        connection.close()


def test_two_servers_share_a_home(filled: tuple[Path, str]) -> None:
    home, key = filled
    with served_by_process(home, workers=0) as (first, _), served_by_process(home) as (second, _):
        export = Client(first, key).create().json["exportId"]
        Client(first, key).wait_for(export)
        assert Client(second, key).get(f"{EXPORTS}/{export}/download").status == 200


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidRequest, match=rf"127\.0\.0\.1 port {port}.*--port"):
            serve(tmp_path / "home", port=port, workers=0)


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70000), ("nowhere.invalid", 0), ("192.0.2.1", 0), ("x" * 80, 0)]
)
def test_impossible_addresses(host: str, port: int) -> None:
    with pytest.raises(InvalidRequest, match="Cannot listen"), bound(host, port):
        pass


def test_impossible_worker_numbers(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="--workers cannot be -1"):
        serve(tmp_path / "home", workers=-1)


def test_addresses_are_printed_as_urls() -> None:
    with bound("127.0.0.1", 0) as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
