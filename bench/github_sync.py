"""How fast `sync github` fills an empty home: `python bench/github_sync.py [PULL_REQUESTS] [REPOSITORIES]`.

A stub on loopback in a process of its own answers as GitHub does, 50 ms after being asked. Interleaved three times (default
3,000 pull requests in 3 repositories): the floor, which asks the stub the same requests again and throws the answers away,
and a sync into an empty home. Then a sync of the same with nothing new, and one over 100 repositories. Prints pull requests
per second, calls per pull request, the ratio to the floor (medians) and the peak memory in MiB.
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
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source

TESTS = Path(__file__).parent.parent / "tests"
TOKEN = "ghp_stub0123456789"
ROUNDS = 3

SERVE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from github_data import repository
from github_stub import Hub, serving
pulls, repositories = int(sys.argv[2]), int(sys.argv[3])
each = pulls // repositories
hub = Hub({
    "acme": [repository(f"acme/r{at}", at + 1, pulls=each, releases=10, deployments=50, runs=each, files=8, commits=4)
             for at in range(repositories)],
    "quiet": [repository(f"quiet/r{at}", 1000 + at, pulls=2, runs=2, deployments=1) for at in range(100)],
}, latency=0.05)
with serving(hub) as url:
    print(url, flush=True)
    for line in sys.stdin:
        asked = [[each.path, each.query, each.variables] for each in hub.requests]
        hub.requests.clear()
        print(json.dumps(asked), flush=True)
"""


def main() -> None:
    pulls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    repositories = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    stub = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(TESTS), str(pulls), str(repositories)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stub.stdout is not None
    url = stub.stdout.readline().strip()
    try:
        measure(stub, url, pulls)
    finally:
        stub.kill()
        stub.wait()


def measure(stub: subprocess.Popen[str], url: str, pulls: int) -> None:
    syncs, floors = [], []
    calls = 0
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder)) as home:
            done = sync(home, url, "acme")
            calls = done.result.figures.calls
            syncs.append(done.result.seconds)
            floors.append(replay(url, requests(stub)))
            requests(stub)
            again = sync(home, url, "acme")
    taken, floor = statistics.median(syncs), statistics.median(floors)
    print(f"backfill: {pulls / taken:,.0f} pull requests/s, {calls / pulls:.3f} calls each, {taken:.1f} s")
    print(f"floor (the same requests, nothing done with the answers): {floor:.1f} s; ratio {taken / floor:.2f}")
    print(f"nothing new: {again.result.figures.calls} calls, {again.result.seconds:.2f} s")
    with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder)) as home:
        first = sync(home, url, "quiet")
        again = sync(home, url, "quiet")
        print(f"100 small repositories: {first.result.figures.calls} calls, {first.result.seconds:.1f} s")
        print(f"100 repositories, nothing new: {again.result.figures.calls} calls, {again.result.seconds:.2f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def sync(home: Home, url: str, owner: str) -> SourceResult:
    project = home.project()
    (settings,) = checked(SourceSettings("github", targets=(owner,), url=url))
    pull = SyncRun(project)
    done = run_source(pull, settings, environ={"GITHUB_TOKEN": TOKEN})
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


def replay(url: str, asked: list[Any]) -> float:
    began = time.perf_counter()
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, base_url=url) as client:
        for path, query, variables in asked:
            if query:
                client.post(path, json={"query": query, "variables": variables}).raise_for_status()
            else:
                client.get(path).raise_for_status()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
