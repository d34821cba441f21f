"""Which commits AI tools had part in: all marks from scratch, as a ratio to reading every message once.

    python bench/ai_marks.py [--commits 1000000] [--rounds 3]

Makes a lake of commits of which three in ten have trailers, then in turn reads all messages for the words that trailers have
(the floor) and computes the stored table of marks, its accounts known. Goal: 1,000,000 commits in 10 s of the processor.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from attribution import add

START = datetime(2024, 1, 1, tzinfo=UTC)
PART = 250_000
TRAILERS = (
    "Co-Authored-By: Claude Opus 4.6 <noreply@anthropic.com>",
    "Co-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>",
    "Co-authored-by: Somebody Else <somebody{number}@example.com>",
    "Assisted-by: Crush:glm-5.2",
    "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
)
FLOOR = (
    "SELECT count(*) FROM commits WHERE regexp_matches(message, '(?i)authored-by|assisted|generated-by|generated with')"
)


def make(lake: object, commits: int) -> None:
    """Fill a lake with commits of a thousand people."""
    import pyarrow as pa

    from leadline.schema import TABLES

    chance = random.Random(1)
    for start in range(0, commits, PART):
        rows = []
        for number in range(start, min(start + PART, commits)):
            message = f"PROJ-{number % 9999} change number {number}\n\n" + "What it does and why, in some words. " * 4
            if number % 10 < 3:
                message += "\n\n" + chance.choice(TRAILERS).format(number=number % 1000)
            rows.append(
                {
                    "repository": f"acme/service-{number % 200:03}",
                    "sha": f"{chance.getrandbits(160):040x}",
                    "author_email": f"somebody{number % 1000}@example.com",
                    "committer_email": "noreply@github.com",
                    "authored_at": START + timedelta(minutes=number),
                    "message": message,
                }
            )
        add(lake, "commits", pa.Table.from_pylist(rows, schema=TABLES["commits"].arrow_schema))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from leadline.facts.accounts import ACCOUNTS
    from leadline.facts.ai_marks import AI_COMMITS
    from leadline.facts.policy import BUILD_POLICY
    from leadline.home import Home
    from leadline.materialize.session import session

    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder, Home.open(Path(folder)) as home:
        project = home.project("default", "default", create=True)
        make(project.lake, options.commits)
        spent: dict[str, list[float]] = {"floor": [], "marks": []}
        for _ in range(options.rounds):
            for path in [path for path in Path(folder).rglob("ai_commits-*") if path.is_dir()]:
                shutil.rmtree(path)
            with session(project, project.lake.snapshot().versions, {}, project.profile(), BUILD_POLICY) as opened:
                opened.facts.bind([ACCOUNTS])
                opened.facts.bind_raw()
                began = time.process_time()
                opened.engine.arrow(FLOOR)
                spent["floor"].append(time.process_time() - began)
                began = time.process_time()
                opened.facts.bind([AI_COMMITS])
                spent["marks"].append(time.process_time() - began)
                (marked,) = opened.engine.arrow(f"SELECT count(ai_tool) AS n FROM {AI_COMMITS.bound_name}")[
                    "n"
                ].to_pylist()
    floor, marks = (statistics.median(spent[name]) for name in ("floor", "marks"))
    print(f"{options.commits:,} commits, {marked:,} marked: {marks:.1f} s of the processor")
    print(f"{options.commits / marks:,.0f} commits a second; {marks / floor:.1f} times the floor ({floor:.2f} s)")


if __name__ == "__main__":
    main()
