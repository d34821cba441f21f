"""A fleet under clients, whose members and database are killed at random; and what must hold of it afterwards.

Two servers with a worker each and two workers run as users run them, on one home, or, with a bucket, on two machines with one each.
Clients create exports, wait for them and compare the files; another pushes rows. Every fault that is seen is a sentence in
``faults``.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from api.serving import (
    BODY,
    EFFICIENCY_BODY,
    EFFICIENCY_EXPORTS,
    EXPORTS,
    Answer,
    Client,
    fill,
    fill_delivery,
    make_keys,
)
from conftest import PostgreSQL
from leadline.db import jobs
from leadline.diagnostics.integrity import findings
from leadline.exports.cleaning import clean
from leadline.home import Home
from leadline.ingest.pushed import deliver_pushed
from leadline.lake.bucket import Bucket
from stubs.object_store import ObjectStore

HERE = "projectIdentifier=default&orgIdentifier=default"
ANSWER_SECONDS, END_SECONDS, SETTLE_SECONDS = 120, 40, 240
"""How long clients ask, processes may take to end, and exports to be finished in the end. Generous: the machine is busy."""
STALL_SECONDS = 20
"""Longer than a lease: another takes over, then the first wakes up and must not finish."""

EVERY, LATENCY, TROUBLE_SECONDS = 7, 0.05, 6.0
"""Of a troubled bucket: which requests fail, how much longer each takes, and for how long."""

_HOW = (signal.SIGKILL, signal.SIGTERM)

Wanted = tuple[str, dict[str, Any]]
"""The address of a kind of export and a body for it."""

REQUESTS: list[Wanted] = [
    *(
        (EXPORTS, {**BODY, "options": {"granularity": granularity, "aggregationLevel": level, "format": form}})
        for granularity, form in (("daily", "csv"), ("weekly", "jsonl"), ("monthly", "parquet"), ("quarterly", "csv"))
        for level in ("developer", "team")
    ),
    (EFFICIENCY_EXPORTS, EFFICIENCY_BODY),
]


class Fleet:
    """The processes on a home; ``kills`` are made by ``chaos`` at moments that ``seed`` tells."""

    def __init__(self, folder: Path, server: PostgreSQL | None, store: ObjectStore | None, seed: int) -> None:
        self.faults: list[str] = []
        self._server, self._store, self._chance = server, store, random.Random(seed)
        self._home, self._logs = folder / "home", folder / "logs"
        self._homes = [self._home, self._home if store is None else folder / "other machine"]
        for each in (self._logs, *self._homes):
            each.mkdir(exist_ok=True)
        self._ports = [_free_port(), _free_port()]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._turn = threading.Lock()
        self._done = threading.Event()
        self._told: dict[str, str] = {}
        self._pushed: list[str] = []
        with Home.open(self._home) as home:
            fill(home.project(), folder)
            fill_delivery(home.project())
            self._keys = make_keys(home.project())
            with home.db.write() as connection:
                for statement in _AUDIT["sqlite" if home.db.is_sqlite else "postgresql"]:
                    connection.exec_driver_sql(statement)

    # -- processes -----------------------------------------------------------------------------------------------------

    def start_all(self) -> None:
        """Start every process and make each request once, undisturbed: what its bytes are to be."""
        for name in ("server 0", "server 1", "worker 0", "worker 1"):
            self._start(name)
        self._digests: dict[int, str] = {}
        for number, (address, body) in enumerate(REQUESTS):
            state = self._export(number, address, body)
            assert state is not None, f"no export was made beforehand: {address} {body}"
            self._digests[number] = state["sha256"]

    def _start(self, name: str) -> None:
        kind, _, number = name.partition(" ")
        options = ["serve", "--port", str(self._ports[int(number)])] if kind == "server" else ["worker"]
        home = self._homes[int(number)]
        command = [sys.executable, "-m", "leadline.cli.main", "--home", str(home), *options]
        with (self._logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._processes[name]
        process.send_signal(signal.SIGCONT)  # a stopped one could not end by itself
        process.send_signal(how)
        try:
            status = process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{name} did not end on {how.name}")
            process.kill()
            process.wait()
            return
        if how is signal.SIGTERM and status not in (0, -signal.SIGTERM):  # told before it could listen
            self.faults.append(f"{name} ended with {status} on SIGTERM")

    def _look(self) -> None:
        """Nothing ends by itself, whatever else is killed."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                self.faults.append(f"{name} ended by itself with {process.returncode}")
                self._start(name)

    # -- chaos ---------------------------------------------------------------------------------------------------------

    def chaos(self, kills: int, seconds: float) -> None:
        """Make so many kills, one every so many seconds on average."""
        menu: list[Callable[[], None]] = [
            *(partial(self._restart, kind, how) for kind in ("worker", "server") for how in _HOW),
            *(self._kill_child, self._stop_server, self._stall_worker),
        ]
        if self._server is not None:
            menu += [self._kill_database, self._stop_database]
        if self._store is not None:
            menu += [self._trouble_bucket]
        actions: list[Callable[[], None]] = []
        for _ in range(kills):
            time.sleep(self._chance.uniform(0.2, 1.8) * seconds)
            actions = actions or self._chance.sample(menu, len(menu))  # none twice before all had their turn
            action = actions.pop()
            with self._turn:
                self._look()
                with contextlib.suppress(psutil.NoSuchProcess):
                    action()
        time.sleep(seconds)
        self._look()

    def _restart(self, kind: str, how: signal.Signals) -> None:
        name = f"{kind} {self._chance.randrange(2)}"
        self._end(name, how)
        time.sleep(self._chance.uniform(0, 1))
        self._start(name)

    def _kill_child(self) -> None:
        server = psutil.Process(self._processes[f"server {self._chance.randrange(2)}"].pid)
        if children := server.children():
            self._chance.choice(children).kill()

    def _stop_server(self) -> None:
        self._stop(self._processes[f"server {self._chance.randrange(2)}"], 3)

    def _stall_worker(self) -> None:
        self._stop(self._processes[f"worker {self._chance.randrange(2)}"], STALL_SECONDS)

    def _stop(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        """Stop a process for a while, during which the next kills are made."""
        process.send_signal(signal.SIGSTOP)
        timer = threading.Timer(seconds, process.send_signal, args=(signal.SIGCONT,))
        timer.daemon = True
        timer.start()

    def _kill_database(self) -> None:
        assert self._server is not None
        self._server.stop(self._chance.choice([signal.SIGKILL, signal.SIGQUIT]))
        time.sleep(self._chance.uniform(0, 2))
        self._server.start()

    def _stop_database(self) -> None:
        assert self._server is not None
        self._server.signal_all(signal.SIGSTOP)
        time.sleep(3)
        self._server.signal_all(signal.SIGCONT)

    def _trouble_bucket(self) -> None:
        """For a while many requests fail and all are slow, during which nothing else is done."""
        assert self._store is not None
        with self._store.trouble(every=EVERY, latency=LATENCY):
            time.sleep(TROUBLE_SECONDS)

    # -- clients -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def clients(self, number: int) -> Iterator[None]:
        """So many clients make exports during the block, and one pushes rows; they finish what they are at."""
        threads = [threading.Thread(target=self._client, args=(random.Random(n),)) for n in range(number)]
        threads.append(threading.Thread(target=self._pusher))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def _client(self, chance: random.Random) -> None:
        while not self._done.is_set():
            number = chance.randrange(len(REQUESTS))
            self._export(number, *REQUESTS[number])

    def _export(self, number: int, address: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Create an export, wait for it and compare its file with what it is to be; the last answer to a poll."""
        created = self._ask("POST", f"{address}?{HERE}", body, {"Cache-Control": "no-cache"})
        if created is None or created.status != 202:
            self.faults.append(f"an export was not created: {created and created.body!r}")
            return None
        export_id = created.json["exportId"]
        self._told[export_id] = address
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            poll = self._ask("GET", f"{address}/{export_id}")
            if poll is None or poll.status != 200:
                self.faults.append(f"export {export_id} cannot be asked for: {poll and poll.body!r}")
                return None
            state: dict[str, Any] = poll.json
            if state["status"].lower() not in ("queued", "processing"):
                return self._compared(number, f"{address}/{export_id}", state)
            time.sleep(0.1)
        self.faults.append(f"export {export_id} was not finished in time")
        return None

    def _compared(self, number: int, address: str, state: dict[str, Any]) -> dict[str, Any] | None:
        if state["status"].lower() != "completed":
            self.faults.append(f"{address} ended as {state}")
            return None
        answer = self._ask("GET", f"{address}/download", headers={"Accept-Encoding": "gzip"})
        if answer is None or answer.status != 200:
            self.faults.append(f"{address} cannot be downloaded: {answer and (answer.status, answer.body[:200])}")
            return None
        digest = hashlib.sha256(answer.body).hexdigest()
        if answer.headers.get("content-length") != str(len(answer.body)) or digest != state["sha256"]:
            self.faults.append(f"{address}: {len(answer.body)} bytes came of {answer.headers.get('content-length')}")
        if state["sha256"] != getattr(self, "_digests", {}).get(number, state["sha256"]):
            self.faults.append(f"{address} has other bytes than before")
        return state

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Answer | None:
        """Ask one server or the other until one answers below 500; None if none does for long."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            client = Client(f"http://127.0.0.1:{random.choice(self._ports)}", self._keys["viewer"])
            try:
                answer = client.send(method, path, body=body, headers=headers)
            except (OSError, http.client.HTTPException):  # nobody is there, or was when it answered
                time.sleep(0.1)
                continue
            if answer.status < 500:
                return answer
            if answer.status != 503 or "retry-after" not in answer.headers:
                self.faults.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
            time.sleep(0.2)
        return None

    def _pusher(self) -> None:
        number = 0
        while not self._done.wait(0.3):
            number += 1
            rows = [{"incident_id": f"{number}-{n}", "created_at": "2031-01-01T00:00:00Z"} for n in range(3)]
            client = Client(f"http://127.0.0.1:{random.choice(self._ports)}", self._keys["ingestion"])
            with contextlib.suppress(OSError, http.client.HTTPException):
                headers = {"Content-Type": "application/json"}
                answer = client.send("POST", "/v2/ingest/incidents", body=json.dumps(rows), headers=headers)
                if answer.status == 202:
                    self._pushed += [row["incident_id"] for row in rows]
                elif answer.status != 503:
                    self.faults.append(f"a push was answered {answer.status} {answer.body[:200]!r}")

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def end_all(self) -> None:
        """End every process as an operator does."""
        for name in self._processes:
            self._end(name, signal.SIGTERM)

    def judge(self) -> None:
        """Look at the home when nothing runs any more: nothing lost, twice, damaged or lying about, and sentences in the logs."""
        with Home.open(self._home) as home:
            project = home.project()
            deliver_pushed(project)
            rows = home.db.rows(sa.text("SELECT id, state FROM exports"))
            states = {row.id: row.state for row in rows}
            self.faults += [f"export {name} is lost" for name in self._told if name not in states]
            self.faults += [f"export {name} is {state}" for name, state in states.items() if state != jobs.COMPLETED]
            back = home.db.rows(
                sa.text("SELECT id, old, new FROM audit WHERE old IN ('completed', 'failed', 'cancelled')")
            )
            self.faults += [f"export {row.id} went from {row.old} to {row.new}" for row in back]
            self.faults += findings(home)
            clean(home, datetime.now(UTC) + timedelta(hours=2))
            storage = project.lake.storage
            kept = storage.below("exports") if isinstance(storage, Bucket) else (project.folder / "exports").iterdir()
            files = {Path(name).name for name in kept if not Path(name).is_dir()}
            named = {Path(name).name for name in jobs.files(home.db, project.id)}
            self.faults += [f"the file {name} is of no export, or not there" for name in sorted(files ^ named)]
            stored = _incidents(project.lake.snapshot().files("incidents"))
            for name in self._pushed:
                if (times := stored.count(name)) != 1:
                    self.faults.append(f"the row {name} is there {times} times")
        for log in self._logs.iterdir():
            if traces := log.read_text().count("Traceback"):
                self.faults.append(f"{traces} tracebacks in the log of {log.stem}")

    @property
    def exports(self) -> int:
        """How many exports clients were told of."""
        return len(self._told)

    def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        for process in self._processes.values():
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()
                process.kill()
                process.wait()


_AUDIT = {
    "sqlite": [
        "CREATE TABLE audit (id text, old text, new text)",
        "CREATE TRIGGER audit AFTER UPDATE OF state ON exports BEGIN INSERT INTO audit VALUES (NEW.id, OLD.state, NEW.state); END",
    ],
    "postgresql": [
        "CREATE TABLE audit (id text, old text, new text)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO audit VALUES (NEW.id, OLD.state, NEW.state); RETURN NEW; END $$",
        "CREATE TRIGGER audit AFTER UPDATE OF state ON exports FOR EACH ROW EXECUTE FUNCTION note()",
    ],
}
"""What notes every change of an export's state, in the database itself."""


def _incidents(files: Any) -> list[str]:
    import pyarrow.parquet as pq

    return [name for file in files for name in pq.read_table(file, columns=["incident_id"]).column(0).to_pylist()]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
