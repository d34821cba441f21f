"""What benchmarks share: processes that are measured, tools' stubs in processes of their own, medians and ratios.

Whatever is compared runs in turn, round by round, so that a machine that is busy for a while is so for all of them; what
carries over to other machines is the ratio. Benchmarks run as scripts from anywhere, so their folder is on the path.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline.sync.source import SourceResult

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
"""Where the stubs of tools are."""
sys.path.append(str(TESTS))


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of the processor, and the peak memory in MiB, of a process with those it started."""

    seconds: float
    processor: float
    mib: float


def measured(command: Sequence[str], *, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Spent:
    """Run a command to its end, which must be a good one."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{errors.decode()[-2000:]}")
    return Spent(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def processor_of(pid: int) -> float:
    """Seconds of the processor that a running process and those it started have taken; 0 where the system does not tell."""
    ticks, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        number = int(path.parent.name)
        parents[number], ticks[number] = int(fields[1]), sum(map(int, fields[11:15]))
    family = {pid}
    while more := {number for number, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(ticks.get(number, 0) for number in family) / os.sysconf("SC_CLK_TCK")


def peak_mib() -> float:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_turn(rounds: int, runs: Mapping[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """What the runs return, each once a round; every other round begins at the end."""
    results: dict[str, list[Any]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name in list(runs)[:: -1 if turn % 2 else 1]:
            results[name].append(runs[name]())
    return results


def ratio(values: Sequence[float], floor: Sequence[float]) -> float:
    """The median of ``values`` in medians of ``floor``; 1 if that is nothing."""
    return statistics.median(values) / (statistics.median(floor) or statistics.median(values) or 1)


def percentile(values: Sequence[float], share: float) -> float:
    """The value at ``share`` (0 to 1) of the sorted ``values``, nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# -- stubs of tools ----------------------------------------------------------------------------------------------------

_SERVE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from stubs import bitbucket, bitbucket_data, github, github_company, github_data, gitlab, gitlab_data
from stubs import jenkins, jira, jira_data, pagerduty
from stubs.server import serving
tool = eval(sys.argv[2])
with serving(tool) as url:
    print(url, flush=True)
    for _ in sys.stdin:
        asked = [[request.method, request.url, request.body] for request in tool.requests]
        tool.requests.clear()
        print(json.dumps(asked), flush=True)
"""


@dataclass(frozen=True)
class Stub:
    """A tool's stub in a process of its own."""

    url: str
    process: subprocess.Popen[str]

    def requests(self) -> list[tuple[str, str, Any]]:
        """What it was asked since the last time: method, path and body."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [tuple(request) for request in json.loads(self.process.stdout.readline())]


@contextmanager
def stub(tool: str) -> Iterator[Stub]:
    """Serve ``tool``, an expression that makes one (``jira.small()``)."""
    command = [sys.executable, "-c", _SERVE, str(TESTS), tool]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Stub(process.stdout.readline().strip(), process)
    finally:
        process.kill()
        process.wait()


# -- how fast a tool is synced -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Synced:
    """A kind of source, and how it is read from a stub: its secret, options, and the headers that the same requests need."""

    kind: str
    secret: str
    options: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]

    def into(self, folder: str | Path, url: str, *targets: str) -> SourceResult:
        """Sync ``targets`` into the home in ``folder``."""
        from leadline.home import Home
        from leadline.sources.kit.settings import SourceSettings, checked
        from leadline.sync.run import SyncRun
        from leadline.sync.source import run_source

        with Home.open(Path(folder)) as home:
            given = SourceSettings(self.kind, targets=targets, url=url, options=self.options)
            (settings,) = checked(given)
            environ = {settings.declared.secret_env: self.secret}
            done = run_source(SyncRun(home.project()), settings, environ=environ)
        if done.error is not None:
            raise SystemExit(done.error.message)
        return done

    def ask(self, url: str, requests: Sequence[tuple[str, str, Any]]) -> float:
        """Seconds that the same requests take, their answers thrown away."""
        import httpx

        began = time.perf_counter()
        with httpx.Client(headers=dict(self.headers), base_url=url) as client:
            for method, path, body in requests:
                client.request(method, path, json=body).raise_for_status()
        return time.perf_counter() - began


def backfill(synced: Synced, tool: Stub, count: int, things: str, *targets: str, rounds: int = 3) -> None:
    """Sync into an empty home, ask the same again, and sync with nothing new; print the medians and their ratio."""
    syncs, floors, memory = [], [], 0.0
    for _ in range(rounds):
        with TemporaryDirectory() as folder:
            done = synced.into(folder, tool.url, *targets)
            memory = memory or peak_mib()
            syncs.append(done.result.seconds)
            floors.append(synced.ask(tool.url, tool.requests()))
            tool.requests()
            again = synced.into(folder, tool.url, *targets)
    taken, calls = statistics.median(syncs), done.result.call_stats.calls
    print(f"backfill: {count / taken:,.0f} {things}/s, {calls / count:.3f} calls each, {taken:.1f} s")
    print(
        f"floor (the same requests, nothing done with the answers): {statistics.median(floors):.1f} s; ratio "
        f"{ratio(syncs, floors):.2f}"
    )
    print(f"nothing new: {again.result.call_stats.calls} calls, {again.result.seconds:.2f} s")
    print(f"peak memory of the first sync: {memory:.0f} MiB")


def many_small(synced: Synced, tool: Stub, things: str, *targets: str) -> None:
    """Sync many small things into an empty home, and with nothing new."""
    with TemporaryDirectory() as folder:
        first = synced.into(folder, tool.url, *targets)
        again = synced.into(folder, tool.url, *targets)
    print(f"{things}: {first.result.call_stats.calls} calls, {first.result.seconds:.1f} s")
    print(f"{things}, nothing new: {again.result.call_stats.calls} calls, {again.result.seconds:.2f} s")
