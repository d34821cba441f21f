"""How fast `sync gitlab` fills an empty home: `python bench/gitlab_sync.py [MERGE_REQUESTS] [PROJECTS]`.

As `github_sync.py`, with 2,000 merge requests in 2 projects, and as many issues and pipelines.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from frame import Synced, backfill, many_small, stub
from stubs.gitlab import TOKEN

HUB = """gitlab.Hub(latency=0.05, projects=[
    *(gitlab_data.project(f"acme/r{n}", n + 1, merge_requests=%(each)d, issues=%(each)d, releases=10, deployments=50,
                          pipelines=%(each)d, files=8, commits=4) for n in range(%(projects)d)),
    *(gitlab_data.project(f"quiet/r{n}", 1000 + n, merge_requests=2, issues=2, pipelines=2, deployments=1)
      for n in range(100)),
])"""
GITLAB = Synced("gitlab", TOKEN, {}, {"Authorization": f"Bearer {TOKEN}"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", type=int, nargs="?", default=2000)
    parser.add_argument("projects", type=int, nargs="?", default=2)
    options = parser.parse_args()
    sizes = {"each": options.requests // options.projects, "projects": options.projects}
    with stub(HUB % sizes) as tool:
        backfill(GITLAB, tool, options.requests, "merge requests", "acme")
        many_small(GITLAB, tool, "100 small projects", "quiet")


if __name__ == "__main__":
    main()
