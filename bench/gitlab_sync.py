"""How fast `sync gitlab` fills an empty home: `python bench/gitlab_sync.py [MERGE_REQUESTS] [PROJECTS]`.

A stub on loopback in a process of its own answers as GitLab does, 50 ms after being asked. Interleaved three times (default
2,000 merge requests in 2 projects): the floor, which asks the stub the same requests again and throws the answers away, and a
sync into an empty home. Then a sync of the same with nothing new, and one over 100 projects. Prints merge requests per
second, calls per merge request, the ratio to the floor (medians) and the peak memory in MiB.
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
TOKEN = "glpat-stub0123456789"
ROUNDS = 3

SERVE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from gitlab_data import project
from gitlab_stub import Hub, serving
requests, projects = int(sys.argv[2]), int(sys.argv[3])
each = requests // projects
hub = Hub(latency=0.05, projects=[
    *(project(f"acme/r{at}", at + 1, merge_requests=each, issues=each, releases=10, deployments=50, pipelines=each,
              files=8, commits=4) for at in range(projects)),
    *(project(f"quiet/r{at}", 1000 + at, merge_requests=2, issues=2, pipelines=2, deployments=1) for at in range(100)),
])
with serving(hub) as url:
    print(url, flush=True)
    for line in sys.stdin:
        asked = [[each.url, each.body] for each in hub.requests]
        hub.requests.clear()
        print(json.dumps(asked), flush=True)
"""


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    projects = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    stub = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(TESTS), str(requests), str(projects)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stub.stdout is not None
    url = stub.stdout.readline().strip()
    try:
        measure(stub, url, requests)
    finally:
        stub.kill()
        stub.wait()


def measure(stub: subprocess.Popen[str], url: str, requests: int) -> None:
    syncs, floors = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder)) as home:
            done = sync(home, url, "acme")
            syncs.append(done.result.seconds)
            floors.append(replay(url, asked_of(stub)))
            asked_of(stub)
            again = sync(home, url, "acme")
    taken, floor, calls = statistics.median(syncs), statistics.median(floors), done.result.figures.calls
    print(f"backfill: {requests / taken:,.0f} merge requests/s, {calls / requests:.3f} calls each, {taken:.1f} s")
    print(f"floor (the same requests, nothing done with the answers): {floor:.1f} s; ratio {taken / floor:.2f}")
    print(f"nothing new: {again.result.figures.calls} calls, {again.result.seconds:.2f} s")
    with tempfile.TemporaryDirectory() as folder, Home.open(Path(folder)) as home:
        first = sync(home, url, "quiet")
        again = sync(home, url, "quiet")
        print(f"100 small projects: {first.result.figures.calls} calls, {first.result.seconds:.1f} s")
        print(f"100 projects, nothing new: {again.result.figures.calls} calls, {again.result.seconds:.2f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def sync(home: Home, url: str, group: str) -> SourceResult:
    project = home.project()
    (settings,) = checked(SourceSettings("gitlab", targets=(group,), url=url))
    pull = SyncRun(project)
    done = run_source(pull, settings, environ={"GITLAB_TOKEN": TOKEN})
    assert done.error is None, done.error
    return done


def asked_of(stub: subprocess.Popen[str]) -> list[Any]:
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
        for path, body in asked:
            if body:
                client.post(path, json=body).raise_for_status()
            else:
                client.get(path).raise_for_status()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
