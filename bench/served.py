"""A running service for benchmarks over HTTP: a home filled with the demo (or one given), served as users serve it.

A folder comes in; an address, a key and plain request functions go out. One connection per request, as the documented
client does it.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadline.db import keys
from leadline.demo import fill
from leadline.home import Home

EXPORTS = "/v2/insights/productivity/exports"


@dataclass(frozen=True)
class Service:
    """A served home: how to reach it, a key of each role, and the org tree in it: its leaf teams, and the developers below
    every node."""

    address: str
    port: int
    pid: int
    keys: dict[str, str]
    tree: str
    teams: tuple[int, ...]
    heads: dict[int, int]

    @property
    def key(self) -> str:
        """The viewer's key."""
        return self.keys["viewer"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request on a connection of its own; the JSON answer."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=60)
        try:
            headers = {"SEI_API_KEY": self.key, "Content-Type": "application/json", "Cache-Control": "no-cache"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            raw = answer.read()
            if answer.status >= 400:
                raise SystemExit(f"{method} {path}: {answer.status} {raw.decode()}")
            return json.loads(raw)
        finally:
            connection.close()

    def create(self, scope: dict[str, Any], start: date, end: date) -> str:
        """Create a new export of all metrics by developer and month; its id."""
        body = {"scope": scope, "dateRange": {"start": start.isoformat(), "end": end.isoformat()}}
        identifiers = "projectIdentifier=default&orgIdentifier=default"
        return str(self.call("POST", f"{EXPORTS}?{identifiers}", body)["exportId"])

    def state(self, export_id: str) -> str:
        """One poll."""
        return str(self.call("GET", f"{EXPORTS}/{export_id}")["status"])

    def wait(self, export_id: str, pause: float) -> None:
        """Poll until the export is completed."""
        while (state := self.state(export_id)) != "completed":
            if state not in ("queued", "processing"):
                raise SystemExit(f"{export_id} is {state}")
            time.sleep(pause)


@contextmanager
def service(home: Path | None, *, developers: int, months: int, until: date, workers: int = 1) -> Iterator[Service]:
    """Serve ``home``, or without one a demo of ``developers`` over ``months`` in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as temporary:
        folder = home or Path(temporary) / "home"
        with Home.open(folder) as opened:
            project = opened.project()
            if home is None:
                fill(project, developers=developers, months=months, until=until)
            now = datetime.now(UTC)
            made = {role: keys.create(opened.db, project.id, f"bench {role}", role, now=now).key for role in keys.ROLES}
            tree, teams, heads = _tree_of(opened)
        code = (
            "import sys; from pathlib import Path; from leadline.service.server import serve; "
            f"serve(Path(sys.argv[1]), port=0, workers={workers}, on_ready=lambda url: print(url, flush=True))"
        )
        with (Path(temporary) / "log").open("w") as log:
            command = [sys.executable, "-c", code, str(folder)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=dict(os.environ))
        assert process.stdout is not None
        try:
            address = urlsplit(process.stdout.readline().strip())
            yield Service(address.hostname or "", address.port or 0, process.pid, made, tree, teams, heads)
        finally:
            process.terminate()
            process.wait(20)


def _tree_of(home: Home) -> tuple[str, tuple[int, ...], dict[int, int]]:
    from leadline import people

    project = home.project()
    (first, *_) = people.trees(project)
    tree = people.tree(project, first.name)
    parents = {node.parent for node in tree.nodes}
    teams = tuple(node.ref_id for node in tree.nodes if node.ref_id not in parents)
    return first.name, teams, tree.head_counts()
