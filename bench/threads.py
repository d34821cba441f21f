"""What a second thread is worth: a first org-wide run (no facts stored) with one thread and with two, and what deployments carry in
one process and in two.

Runs in turn, each in a process of its own, on a machine that is quiet; wanted are at least 1.5 times the speed by the clock. The
processor's seconds say what the second thread costs.

    python bench/make_big_home.py --developers 2000 --home /tmp/big
    python bench/threads.py --home /tmp/big [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from functools import partial
from pathlib import Path

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import Spent, in_turn, measured, ratio

WANTED = 1.5
WORK = ("export", "carried")


def spent(home: Path, work: str, threads: int) -> Spent:
    """What one process takes for ``work`` with so many threads. Its facts are gone before."""
    from leadline.home import Home

    with Home.open(home) as opened:
        shutil.rmtree(opened.project().computed, ignore_errors=True)
    if work == "carried":
        do("what it reads", home)
    environ = {**os.environ, "LEADLINE_THREADS": str(threads)}
    return measured([sys.executable, __file__, "--home", str(home), "--do", work], environ=environ)


def do(work: str, home: Path) -> None:
    """Compute what ``work`` names: an export of everybody by month, or what deployments carry."""
    from leadline.exports.kinds import parse
    from leadline.facts.deployment_contents import CARRIED
    from leadline.facts.policy import BUILD_POLICY
    from leadline.home import Home
    from leadline.materialize.session import session
    from leadline.metrics.request import Control
    from leadline.metrics.run import pin, produce
    from leadline.settings.profile import Profile
    from org_wide import body

    with Home.open(home) as opened:
        project = opened.project()
        request = parse(project, body(), "productivity").request
        pins = pin(project, request.tree)
        if work == "export":
            produce(project, request, pins, opened.temp / "threads.csv", Control())
            return
        computation = CARRIED.computation
        assert computation is not None
        with session(project, pins.tables, pins.trees, Profile.of(pins.settings), BUILD_POLICY) as facts:
            facts.facts.bind([CARRIED] if work == "carried" else computation.depends_on)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--do", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.do:
        do(options.do, options.home)
        return
    spent(options.home, "export", 2)  # what it compiles is kept
    runs = {(work, threads): partial(spent, options.home, work, threads) for work in WORK for threads in (1, 2)}
    taken: dict[tuple[str, int], list[Spent]] = in_turn(options.rounds, runs)  # type: ignore[arg-type,assignment]
    for work in WORK:
        one, two = taken[work, 1], taken[work, 2]
        faster = 1 / ratio([run.seconds for run in two], [run.seconds for run in one])
        dearer = ratio([run.processor for run in two], [run.processor for run in one])
        print(
            f"{work:8} 1 thread {statistics.median(run.seconds for run in one):6.1f} s, 2 threads "
            f"{statistics.median(run.seconds for run in two):6.1f} s: x{faster:.2f} as fast (wanted x{WANTED}), x{dearer:.2f} of "
            f"the processor, peak {max(run.mib for run in one):,.0f} and {max(run.mib for run in two):,.0f} MiB"
        )


if __name__ == "__main__":
    main()
