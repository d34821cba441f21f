"""How fast `sync jira` fills an empty home: `python bench/jira_sync.py [ISSUES] [cloud|center]`.

A stub on loopback in a process of its own answers as Jira does, 50 ms after being asked, 100 issues a page, with 10 entries of
history (15 changed fields) each. Interleaved three times (default 5,000 issues of both kinds of Jira): the floor, which asks
the stub the same requests again and throws the answers away, and a sync into an empty home. Then a sync with nothing new.
Prints issues per second, calls, the ratio to the floor (medians) and the peak memory of the syncs in MiB.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from leadline.home import Home
from leadline.sources.jira.api import headers
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source

TESTS = Path(__file__).parent.parent / "tests"
TOKEN, USER = "ATATT3xStub0123456789", "bot@example.com"
ROUNDS = 3
ENTRIES = 6
"""Entries of history beside the four that every issue has."""

SERVE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from jira_stub import Jira
from tool_stub import serving
jira = Jira(cloud=sys.argv[3] == "cloud", latency=0.05, frozen=True, clock=1e8)
for at in range(5):
    jira.add(f"P{at}", int(sys.argv[2]) // 5, edits=int(sys.argv[4]))
with serving(jira) as url:
    print(url, flush=True)
    for line in sys.stdin:
        asked = [[each.method, each.url, each.body] for each in jira.requests]
        jira.requests.clear()
        print(json.dumps(asked), flush=True)
"""


def main() -> None:
    issues = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    for kind in sys.argv[2:] or ["cloud", "center"]:
        serve = [sys.executable, "-c", SERVE, str(TESTS), str(issues), kind, str(ENTRIES)]
        stub = subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert stub.stdout is not None
        url = stub.stdout.readline().strip()
        try:
            measure(stub, url, issues, kind)
        finally:
            stub.kill()
            stub.wait()


def measure(stub: subprocess.Popen[str], url: str, issues: int, kind: str) -> None:
    user = USER if kind == "cloud" else None
    syncs, floors, peaks = [], [], []
    calls = 0
    for _ in range(ROUNDS if issues <= 10_000 else 1):
        with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder)) as home:
            done = sync(home, url, user)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            calls = done.result.figures.calls
            assert done.result.tables["work_items"].added == issues
            syncs.append(done.result.seconds)
            floors.append(replay(url, user, requests(stub)))
            requests(stub)
            again = sync(home, url, user)
    taken, floor = statistics.median(syncs), statistics.median(floors)
    print(f"{kind}: {issues / taken:,.0f} issues/s with their histories, {calls} calls, {taken:.1f} s")
    print(f"floor (the same requests, nothing done with the answers): {floor:.1f} s; ratio {taken / floor:.2f}")
    print(f"nothing new: {again.result.figures.calls} calls, {again.result.seconds:.2f} s")
    print(f"peak memory of the first sync: {peaks[0]:.0f} MiB")


def sync(home: Home, url: str, user: str | None) -> SourceResult:
    project = home.project()
    options = {"user": (user,)} if user else {}
    (settings,) = checked(SourceSettings("jira", url=url, options=options))
    pull = SyncRun(project)
    done = run_source(pull, settings, environ={"JIRA_TOKEN": TOKEN})
    assert done.error is None, done.error
    return done


def requests(stub: subprocess.Popen[str]) -> list[Any]:
    """What was asked since the last time."""
    assert stub.stdin is not None
    assert stub.stdout is not None
    stub.stdin.write("\n")
    stub.stdin.flush()
    found: list[Any] = json.loads(stub.stdout.readline())
    return found


def replay(url: str, user: str | None, asked: list[Any]) -> float:
    began = time.perf_counter()
    with httpx.Client(headers=headers(user, TOKEN), base_url=url) as client:
        for method, path, body in asked:
            client.request(method, path, json=body).raise_for_status()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
