"""Run as a process of its own by the tests: a worker whose runs block, or a client that creates one export.

``worker HOME LEASE_SECONDS FOLDER``: notes each run's start as a file in FOLDER and waits there for a file ``go``.
``told HOME LEASE_SECONDS FOLDER``: as ``worker``, of one that hardly looks for exports by itself.
``create HOME FOLDER``: waits for a file ``go``, creates an export and prints its id and whether it was reused.
"""

from __future__ import annotations

import gzip
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leadline.exports import service, wakeup
from leadline.exports.worker import Worker
from leadline.home import Home
from leadline.metrics.request import Pins, Produced


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.01)


def work(home: Home, lease: float, folder: Path) -> None:
    def produce(_project: Any, _request: Any, pins: Pins, path: Path, _control: Any) -> Produced:
        path.write_bytes(b"half")
        (folder / f"{path.parent.name}.{os.getpid()}").touch()
        wait_for(folder / "go")
        path.write_bytes(gzip.compress(str(pins.document()).encode(), mtime=0))
        return Produced(1)

    def pin(*_: Any) -> Pins:
        # Differs between processes: a take-over that pinned anew would show.
        return Pins({"commits": os.getpid()}, {}, "1", {})

    Worker(home, produce=produce, pin=pin, lease=timedelta(seconds=lease)).run(threading.Event())


def create(home: Home, folder: Path) -> None:
    project = home.project()
    (folder / f"ready.{os.getpid()}").touch()
    wait_for(folder / "go")
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": "2026-01-01", "end": "2026-01-31"},
        "metrics": ["PR_Merged"],
    }
    created = service.create(project, body, kind="productivity", created_by="key", now=datetime.now(UTC))
    print(created.export.id, created.reused)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    with Home.open(Path(sys.argv[2])) as opened:
        if sys.argv[1] == "told":
            wakeup.TOLD_POLL_SECONDS = 600
        if sys.argv[1] in ("worker", "told"):
            work(opened, float(sys.argv[3]), Path(sys.argv[4]))
        else:
            create(opened, Path(sys.argv[3]))
