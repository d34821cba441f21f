"""How fast `sync bitbucket` fills an empty home: `python bench/bitbucket_sync.py [PULL_REQUESTS] [REPOSITORIES]`.

As `github_sync.py`, with 500 pull requests in 2 repositories, and as many pipelines. Bitbucket gives the lists of a pull request
one by one, so almost all the time goes into asking.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from frame import Synced, backfill, many_small, stub
from leadline.sources.bitbucket.api import headers
from stubs.bitbucket import TOKEN, USER

HUB = """bitbucket.Hub(latency=0.05, repositories=[
    *(bitbucket_data.repository(f"acme/r{n}", n + 1, pulls=%(each)d, pipelines=%(each)d, deployments=50, files=8, commits=4)
      for n in range(%(repositories)d)),
    *(bitbucket_data.repository(f"quiet/r{n}", 1000 + n, pulls=2, pipelines=2, deployments=1) for n in range(100)),
])"""
BITBUCKET = Synced("bitbucket", TOKEN, {"user": (USER,)}, headers(USER, TOKEN))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", type=int, nargs="?", default=500)
    parser.add_argument("repositories", type=int, nargs="?", default=2)
    options = parser.parse_args()
    sizes = {"each": options.requests // options.repositories, "repositories": options.repositories}
    with stub(HUB % sizes) as tool:
        backfill(BITBUCKET, tool, options.requests, "pull requests", "acme")
        many_small(BITBUCKET, tool, "100 small repositories", "quiet")


if __name__ == "__main__":
    main()
