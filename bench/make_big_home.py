"""Makes a large demo home for the benchmarks: options in, a filled home out, with its rows, seconds and peak memory printed.

    python bench/make_big_home.py --developers 2000|6000|20000|60000 --home DIR [--months 12] [--seed 1] [--until 2026-06-30]

The same options make the same rows, so a home is made once and kept; running this again on it only prints its rows.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from datetime import date
from pathlib import Path

from leadline.demo import fill
from leadline.errors import LeadlineError
from leadline.home import Home


def main() -> int:
    options = _options()
    begun = time.monotonic()

    def progress(share: float) -> None:
        print(f"\r{share:4.0%} after {time.monotonic() - begun:,.0f} s", end="", file=sys.stderr, flush=True)

    try:
        with Home.open(options.home) as home:
            summary = fill(
                home.project(),
                developers=options.developers,
                months=options.months,
                seed=options.seed,
                until=options.until,
                progress=progress,
            )
    except LeadlineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(file=sys.stderr)
    for table, rows in summary.rows.items():
        print(f"{table:22}{rows:>12,}")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made = "made" if summary.changed else "already there"
    print(f"{made} in {time.monotonic() - begun:,.1f} s, peak memory {peak_mib:,.0f} MiB")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes a large demo home for the benchmarks.")
    parser.add_argument("--developers", type=int, default=20_000)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 30))
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
