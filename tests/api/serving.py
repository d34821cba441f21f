"""Real servers for tests: a small organization in a home, served by uvicorn on a free loopback port.

``serving`` runs the API and one export worker in threads of the test process (fast); ``served_by_process`` runs
``leadline.service.server.serve`` with its worker processes as users get it. ``Client`` sends exactly the headers it is told.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from fastapi import FastAPI

from leadline.api.app import create_app
from leadline.db import keys
from leadline.exports import worker as export_worker
from leadline.home import Home, Project
from leadline.ingest.delivery import ingest
from leadline.people import load_org
from leadline.schema import table_named
from leadline.service.server import Server, bound

EXPORTS = "/v2/insights/productivity/exports"
EFFICIENCY_EXPORTS = "/v2/insights/efficiency/exports"
SPRINT_EXPORTS = "/v2/insights/sprint/exports"
FACTS_EXPORTS = "/v2/insights/facts/exports"
BUSINESS_EXPORTS = "/v2/insights/ba/exports"
FLOW_EXPORTS = "/v2/insights/flow/exports"
TICKET_EXPORTS = "/v2/insights/ticket-data/exports"
ALL_EXPORTS = (
    EXPORTS,
    EFFICIENCY_EXPORTS,
    FACTS_EXPORTS,
    BUSINESS_EXPORTS,
    FLOW_EXPORTS,
    TICKET_EXPORTS,
    SPRINT_EXPORTS,
)
REPORTS = "/v2/insights/teams/reports"
HERE = "projectIdentifier=default&orgIdentifier=default"

DEVELOPERS = """email,full_name,manager_email,team
ada@example.org,Ada Arnold,,
ben@example.org,Ben Brook,ada@example.org,Platform
cyd@example.org,Cyd Crane,ben@example.org,Platform
dee@example.org,Dee Doyle,ben@example.org,Platform
"""

AUTHORS = ("cyd@example.org", "dee@example.org")
MOMENTS = [datetime(2025, month, 10, 12, tzinfo=UTC) for month in range(1, 13)]

BODY: dict[str, Any] = {
    "scope": {"orgTreeName": "Engineering"},
    "dateRange": {"start": "2025-01-01", "end": "2025-12-31"},
    "metricGroups": ["activity", "velocity"],
    "options": {"granularity": "monthly"},
}
BUSINESS_BODY = {**{name: BODY[name] for name in ("scope", "dateRange")}, "options": {"granularity": "QUARTERLY"}}
FLOW_BODY = {**BODY, "metricGroups": ["throughput", "wip"]}
SPRINT_BODY = {
    **{name: BODY[name] for name in ("scope", "dateRange")},
    "metricGroups": ["work"],
    "options": {"granularity": "MONTHLY"},
}
FACTS_BODY = {"fact": "pull-requests", **{name: BODY[name] for name in ("scope", "dateRange")}}


def exports_of(path: str) -> str:
    """The exports that a route is about; those of productivity if it is about none."""
    path = path.replace("/insights/sprints/", "/insights/sprint/")
    return next((exports for exports in ALL_EXPORTS if path.startswith(exports)), EXPORTS)


def fill(project: Project, folder: Path) -> None:
    """An org tree of four developers and a few pull requests and commits in 2025; again, it is that tree from today on."""
    developers = folder / "developers.csv"
    developers.write_text(DEVELOPERS)
    load_org(project, developers, "Engineering", now=datetime.now(UTC))
    commits = [
        {
            "repository": "org/app",
            "sha": f"{n:040x}",
            "author_email": AUTHORS[n % 2],
            "authored_at": at,
            "committed_at": at,
        }
        for n, at in enumerate(MOMENTS)
    ]
    put(project, pull_requests=[pull_request(n) for n in range(12)], commits=commits)


def pull_request(number: int) -> dict[str, Any]:
    """The pull request of one of the ``MOMENTS``."""
    return {
        "repository": "org/app",
        "number": number,
        "author": AUTHORS[number % 2],
        "created_at": MOMENTS[number],
        "merged_at": MOMENTS[number],
        "state": "merged",
    }


EFFICIENCY_BODY: dict[str, Any] = {
    "scope": {"orgTreeName": "Engineering"},
    "dateRange": {"start": "2025-01-01", "end": "2025-12-31"},
    "metricGroups": ["summary"],
    "options": {"granularity": "QUARTERLY"},
}


EXPORT_BODIES: Mapping[str, Mapping[str, Any]] = {
    EXPORTS: BODY,
    EFFICIENCY_EXPORTS: EFFICIENCY_BODY,
    FACTS_EXPORTS: FACTS_BODY,
    BUSINESS_EXPORTS: BUSINESS_BODY,
    FLOW_EXPORTS: FLOW_BODY,
    TICKET_EXPORTS: {name: BODY[name] for name in ("scope", "dateRange", "options")},
    SPRINT_EXPORTS: SPRINT_BODY,
}
"""A small body of each kind of export."""


def fill_delivery(project: Project) -> None:
    """What happened to the pull requests of ``fill``: each merged as the commit of its day and deployed a day later, the
    last deployment of every quarter a failure, and an incident of three hours in March."""
    merged = [{**pull_request(n), "merge_commit_sha": f"{100 + n:040x}"} for n in range(12)]
    merges = [
        {
            "repository": "org/app",
            "sha": f"{100 + n:040x}",
            "parents": " ".join([*([f"{99 + n:040x}"] if n else []), f"{n:040x}"]),
            "author_email": "ben@example.org",
            "authored_at": at,
            "committed_at": at,
        }
        for n, at in enumerate(MOMENTS)
    ]
    deployments = [
        {
            "deployment_id": f"run-{n}",
            "repository": "org/app",
            "environment": "production",
            "sha": f"{100 + n:040x}",
            "status": "failure" if n % 3 == 2 else "success",
            "started_at": at + timedelta(hours=23),
            "finished_at": at + timedelta(days=1),
        }
        for n, at in enumerate(MOMENTS)
    ]
    created = datetime(2025, 3, 20, 9, tzinfo=UTC)
    incidents = [
        {
            "incident_id": "INC-1",
            "repository": "org/app",
            "created_at": created,
            "resolved_at": created + timedelta(hours=3),
        }
    ]
    put(project, pull_requests=merged, commits=merges, deployments=deployments, incidents=incidents)


def put(project: Project, **tables: list[dict[str, Any]]) -> None:
    """Deliver rows, given as dictionaries that all have the same columns."""
    for name, rows in tables.items():
        table = table_named(name)
        columns = [field for field in table.arrow_schema if field.name in rows[0]]
        batch = pa.RecordBatch.from_pylist(rows, schema=pa.schema(columns))
        ingest(project, table, [batch])


@dataclass
class Answer:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Talks to ``base`` (an address, perhaps with a path) with ``key`` unless told otherwise; its exports are those at
    ``exports``."""

    def __init__(self, base: str, key: str | None = None, exports: str = EXPORTS) -> None:
        self.base = base
        self.key = key
        self.exports = exports

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one request; a mapping is sent as JSON. No header is added but ``SEI_API_KEY`` and what HTTP needs."""
        address = urlsplit(self.base)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
        if isinstance(body, Mapping):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
        raw = body.encode() if isinstance(body, str) else body
        sent = {**({"SEI_API_KEY": self.key} if self.key else {}), **(headers or {})}
        try:
            connection.putrequest(method, address.path + path, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if raw is not None and "Content-Length" not in sent:
                connection.putheader("Content-Length", str(len(raw)))
            connection.endheaders(raw)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET with headers given as keywords (``_`` for ``-``)."""
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def create(self, body: Mapping[str, Any] | str | bytes | None = None, **headers: str) -> Answer:
        """Create an export in the default project."""
        named = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        usual = EFFICIENCY_BODY if self.exports == EFFICIENCY_EXPORTS else BODY
        return self.send("POST", f"{self.exports}?{HERE}", headers=named, body=usual if body is None else body)

    def completed(self, body: Mapping[str, Any] | None = None, **headers: str) -> str:
        """Create an export and wait until it is completed; its id."""
        created = self.create(body, **headers)
        assert created.status in (200, 202), created.body
        export_id: str = created.json["exportId"]
        self.wait_for(export_id)
        return export_id

    def wait_for(self, export_id: str, state: str = "completed") -> dict[str, Any]:
        """Poll until the export is in ``state``."""

        def there() -> dict[str, Any] | None:
            poll: dict[str, Any] = self.get(f"{self.exports}/{export_id}").json
            status = poll["status"].lower()
            assert status in ("queued", "processing", state), poll
            return poll if status == state else None

        return eventually(there)


def eventually(check: Callable[[], Any], seconds: float = 90) -> Any:
    """What ``check`` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


@dataclass
class Served:
    """A running server: ``client`` holds a viewer's key of the default project, ``keys`` one of each role."""

    home: Home
    base: str
    keys: dict[str, str]

    @property
    def client(self) -> Client:
        return self.as_("viewer")

    @property
    def efficiency(self) -> Client:
        return Client(self.base, self.keys["viewer"], EFFICIENCY_EXPORTS)

    def as_(self, role: str) -> Client:
        return Client(self.base, self.keys[role])


def make_keys(project: Project) -> dict[str, str]:
    """A key of each role."""
    now = datetime.now(UTC)
    return {role: keys.create(project.db, project.id, f"a {role}", role, now=now).key for role in keys.ROLES}


class Unprepared(export_worker.Worker):
    """A worker that compiles nothing beforehand: a tenth of the time of these tests went into queries that none of them asks."""

    def _preparing(self) -> Iterator[str]:
        yield from ()


@contextmanager
def serving(
    home: Home, *, workers: int = 1, faces: Sequence[Callable[[FastAPI], None]] = (), **produce: Any
) -> Iterator[Served]:
    """Serve ``home`` from threads, with ``faces`` beside the API; ``produce`` goes to the workers."""
    made = make_keys(home.project())
    stop = threading.Event()
    threads = [threading.Thread(target=Unprepared(home, **produce).run, args=(stop,)) for _ in range(workers)]
    with bound("127.0.0.1", 0) as listener:
        server = Server(create_app(home, workers=lambda: (workers, workers), faces=faces))
        ready = threading.Event()
        address: list[str] = []
        threads.append(
            threading.Thread(target=server.run_on, args=(listener, lambda url: (address.append(url), ready.set())))
        )
        for thread in threads:
            thread.start()
        try:
            assert ready.wait(60)
            yield Served(home, address[0], made)
        finally:
            stop.set()
            server.should_exit = True
            for thread in threads:
                thread.join(60)


@contextmanager
def served_by_process(
    home: Path, *, workers: int = 1, log: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the server as a process of its own: its address and the process, killed in the end."""
    code = (
        "import sys; from pathlib import Path; from leadline.service.server import serve; "
        f"serve(Path({str(home)!r}), port=0, workers={workers}, on_ready=lambda url: print(url, flush=True))"
    )
    with (log or Path(os.devnull)).open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(env or {})},
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), log.read_text() if log else "the server did not start"
        yield address, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()
