"""Helpers for exports: queueing rows without a request body, and runs that write a small file of their own."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from leadline.db import jobs
from leadline.db.jobs import Export
from leadline.demo import fill
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.metrics.request import Control, MetricsRequest, Pins, Produced
from leadline.metrics.run import Runner

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REQUEST = MetricsRequest("Engineering", None, date(2026, 1, 1), date(2026, 1, 31), ("PR_MERGED",))
PINS = Pins({"commits": 3}, {"Engineering": 1}, "1", {"timezone": "UTC"})


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The demo of eight people, whose rows are looked at."""
    with Home.open(tmp_path_factory.mktemp("small") / "home") as home:
        fill(home.project(), developers=8, months=2, until=date(2026, 3, 31))
        yield home.project()


@pytest.fixture(scope="session")
def runner(small: Project) -> Iterator[Runner]:
    with Runner(small.home) as running:
        yield running


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


_numbers = count(1)


def row(project: Project, **values: Any) -> Export:
    """A queued export of ``project``; ids and hashes are distinct unless given."""
    number = next(_numbers)
    export = Export(
        id=f"exp_{number:020x}",
        project_id=project.id,
        kind="productivity",
        state=jobs.QUEUED,
        request=REQUEST.document(),
        request_hash=f"hash {number}",
        compression="gzip",
        team_id=None,
        team_key=None,
        created_by="key",
        created_at=NOW,
        filename="developer-insights.csv",
        content_type="text/csv",
    )
    return replace(export, **values)


def queue(project: Project, **values: Any) -> Export:
    """``row`` put into the database."""
    export = row(project, **values)
    with project.db.write() as connection:
        jobs.insert(connection, export)
    return export


def now_of(project: Project, export: Export) -> Export:
    """The export as it is now."""
    newest = jobs.get(project.db, project.id, export.id)
    assert newest is not None
    return newest


def pin(_project: Project, _tree: str) -> Pins:
    return PINS


def produce(project: Project, request: MetricsRequest, pins: Pins, path: Path, control: Control) -> Produced:
    """A run that writes what it was asked for and pinned to, and nothing else: three lines."""
    control.progress(0.5)
    control.check()
    text = f"{request.document()}\r\n{pins.document()}\r\n".encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return Produced(rows=1)


@dataclass
class Gate:
    """A run that tells when it began and goes on when it is let, or is cancelled."""

    began: threading.Event
    go: threading.Event
    interrupted: threading.Event

    def produce(self, project: Project, request: MetricsRequest, pins: Pins, path: Path, control: Control) -> Produced:
        control.attach(self)
        path.write_bytes(b"half of it")
        self.began.set()
        assert self.go.wait(120)
        control.check()
        return produce(project, request, pins, path, control)

    def interrupt(self) -> None:
        self.interrupted.set()
        self.go.set()


@pytest.fixture
def gate() -> Gate:
    return Gate(threading.Event(), threading.Event(), threading.Event())


def worker(home: Home, clock: Callable[[], datetime], run: Any = produce, **options: Any) -> Worker:
    """A worker on ``clock`` whose runs are ``run``."""
    return Worker(home, produce=run, pin=pin, clock=clock, **options)


@contextmanager
def at_work(one: Worker) -> Iterator[None]:
    """The worker runs in a thread during the block, and has ended after it."""
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def files_below(project: Project) -> list[str]:
    """Every file below the project's exports, relative to them."""
    folder = project.folder / "exports"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


ORG = """email,full_name,manager_email,team
ada@example.com,Ada Adams,,
bob@example.com,Bob Brown,ada@example.com,
cyd@example.com,Cyd Cole,ada@example.com,
dan@example.com,Dan Drew,bob@example.com,Platform
eve@example.com,Eve East,cyd@example.com,Mobile
"""


def load_trees(project: Project, folder: Path) -> None:
    """Two trees: ``Engineering`` from a list of developers and ``Sales``, whose team has a key."""
    from leadline.people import load_org

    path = folder / "org.csv"
    path.write_text(ORG)
    load_org(project, path, "Engineering", now=NOW)
    path = folder / "sales.json"
    path.write_text(
        '{"name": "Sales", "members": [{"email": "zoe@example.com", "full_name": "Zoe Zane"}],'
        ' "children": [{"name": "North", "key": "team_abc123",'
        ' "members": [{"email": "yan@example.com", "full_name": "Yan York"}]}]}'
    )
    load_org(project, path, "Sales", now=NOW)


def team_ids(project: Project, tree: str) -> list[int]:
    """The ref ids of a tree's nodes, root first."""
    from leadline import people

    return [node.ref_id for node in people.tree(project, tree).nodes]


def body(**changes: Any) -> dict[str, Any]:
    """A small good body; ``changes`` replace top-level members, None takes them away."""
    full: dict[str, Any] = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": "2026-01-01", "end": "2026-01-31"},
        "metrics": ["PR_Merged"],
        **changes,
    }
    return {key: value for key, value in full.items() if value is not None}
