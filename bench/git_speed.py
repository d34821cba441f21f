"""How `sync git` compares with git itself: `python bench/git_speed.py REPOSITORY [ROUNDS]`.

Interleaves, ROUNDS times (default 3): `git log --all --numstat -M` to /dev/null (the floor), the same restricted to what
a sync reads (branches and tags), and a sync into an empty home, each in a process of its own. Then the time of a sync with
nothing new, and the peak memory of the full sync. Prints ratios of medians; figures are seconds and MiB.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SYNC = """
import json, resource, sys
from pathlib import Path
from leadline.home import Home
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
with Home.open(Path(sys.argv[1])) as home:
    project = home.project()
    (result,) = sync_repositories(SyncRun(project), [sys.argv[2]])
    if result.error is not None:
        raise SystemExit(result.error.message)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"commits": result.commits_added, "files": result.files_added, "seconds": result.seconds,
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}))
"""


def timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Seconds the command takes, and its output."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed: {done.stderr[-500:]}")
    return seconds, done.stdout


def git_log(repository: Path, *revisions: str) -> float:
    """Seconds of git's own walk, its output thrown away."""
    command = ["git", "-c", "safe.directory=*", "--no-pager", "log", *revisions, "--numstat", "-M"]
    started = time.perf_counter()
    with Path(os.devnull).open("wb") as nothing:
        done = subprocess.run(command, cwd=repository, check=False, stdout=nothing, stderr=subprocess.PIPE)
    if done.returncode:
        print(f"git log {revisions[0]} failed ({done.stderr.decode()[-100:].strip()}); its time is no measure")
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    repository = Path(sys.argv[1]).absolute()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    floor, same, full, again, peaks = [], [], [], [], []
    result: dict[str, float] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as home:
            floor.append(git_log(repository, "--all"))
            seconds, output = timed([sys.executable, "-c", SYNC, home, str(repository)], repository)
            full.append(seconds)
            result = json.loads(output)
            peaks.append(result["peak"])
            same.append(git_log(repository, "--branches", "--tags", "--remotes"))
            seconds, output = timed([sys.executable, "-c", SYNC, home, str(repository)], repository)
            again.append(seconds)
            if json.loads(output)["commits"]:
                sys.exit("the second sync found commits: the repository changes while it is measured")
    median = statistics.median
    print(f"commits {result['commits']:.0f}, files {result['files']:.0f}, rounds {rounds}")
    print(f"git log --all --numstat -M        {median(floor):8.2f} s")
    print(f"the same, branches and tags only  {median(same):8.2f} s")
    print(f"sync into an empty home           {median(full):8.2f} s   {result['commits'] / median(full):.0f} commits/s")
    print(f"ratio to git log --all            {median(full) / median(floor):8.2f}")
    print(f"ratio to branches and tags only   {median(full) / median(same):8.2f}")
    print(f"sync with nothing new             {median(again):8.2f} s (whole process)")
    print(f"peak memory of the full sync      {max(peaks) / 2**20:8.0f} MiB")


if __name__ == "__main__":
    main()
