"""How fast `sync jira` fills an empty home: `python bench/jira_sync.py [ISSUES] [cloud] [center]`.

As `github_sync.py`, with 5,000 issues of both kinds of Jira, 100 a page, with 10 entries of history (15 changed fields) each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from frame import Synced, backfill, stub
from stubs.jira import TOKEN, USER

PROJECTS = 5
JIRA = f"""(lambda tool: [*(tool.add(f"P{{n}}", %(each)d, edits=6) for n in range({PROJECTS})), tool][-1])(
    jira.Jira(cloud=%(cloud)r, latency=0.05, frozen=True, clock=1e8))"""
"""Six entries of history beside the four that every issue has."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("issues", type=int, nargs="?", default=5000)
    parser.add_argument("kinds", nargs="*", default=["cloud", "center"])
    options = parser.parse_args()
    for kind in options.kinds:
        print(f"-- {kind}")
        with stub(JIRA % {"each": options.issues // PROJECTS, "cloud": kind == "cloud"}) as tool:
            backfill(synced(kind), tool, options.issues, "issues", rounds=3 if options.issues <= 10_000 else 1)


def synced(kind: str) -> Synced:
    from leadline.sources.jira.api import headers

    user = USER if kind == "cloud" else None
    return Synced("jira", TOKEN, {"user": (user,)} if user else {}, headers(user, TOKEN))


if __name__ == "__main__":
    main()
