"""How fast `sync github` fills an empty home: `python bench/github_sync.py [PULL_REQUESTS] [REPOSITORIES]`.

A stub on loopback in a process of its own answers as GitHub does, 50 ms after being asked. In turn (default 3,000 pull
requests in 3 repositories): a sync into an empty home, the floor, which asks the stub the same requests again and throws the
answers away, and a sync with nothing new. Then a sync of 100 repositories. Prints pull requests per second, calls per pull
request, the ratio to the floor (medians) and the peak memory in MiB.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from frame import Synced, backfill, many_small, stub
from stubs.github import TOKEN

HUB = """github.Hub({
    "acme": [
        github_data.repository(f"acme/r{n}", n + 1, pulls=%(each)d, releases=10, deployments=50, runs=%(each)d, files=8, commits=4)
        for n in range(%(repositories)d)
    ],
    "quiet": [github_data.repository(f"quiet/r{n}", 1000 + n, pulls=2, runs=2, deployments=1) for n in range(100)],
}, latency=0.05)"""
GITHUB = Synced("github", TOKEN, {}, {"Authorization": f"Bearer {TOKEN}"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pulls", type=int, nargs="?", default=3000)
    parser.add_argument("repositories", type=int, nargs="?", default=3)
    options = parser.parse_args()
    sizes = {"each": options.pulls // options.repositories, "repositories": options.repositories}
    with stub(HUB % sizes) as tool:
        backfill(GITHUB, tool, options.pulls, "pull requests", "acme")
        many_small(GITHUB, tool, "100 small repositories", "quiet")


if __name__ == "__main__":
    main()
