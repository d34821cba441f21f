"""Makes a large demo home for the benchmarks: options in, a filled home out, with its rows, seconds and peak memory printed.

    python bench/make_big_home.py --developers 2000|6000|20000|60000 --home DIR [--months 12] [--seed 1] [--until 2026-06-30]
        [--deployments 300000] [--incidents 20000]

The same options make the same rows, so a home is made once and kept; running this again on it only prints its rows. With
``--deployments`` or ``--incidents`` the demo's production runs are repeated hours later, and its incidents happen again,
until there are so many.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from datetime import date
from pathlib import Path

from leadline.demo import fill
from leadline.engine import Engine
from leadline.errors import LeadlineError
from leadline.home import Home, Project
from leadline.ingest.delivery import ingest
from leadline.schema import TABLES

AGAIN = {
    "deployments": ("deployment_id", ("started_at", "finished_at"), "environment = 'production' AND NOT rollback"),
    "incidents": ("incident_id", ("created_at", "resolved_at"), "resolved_at IS NOT NULL"),
}
"""Per table that can be topped up: its key, the instants that are put off, and which rows may happen again."""


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
            for table, least in (("deployments", options.deployments), ("incidents", options.incidents)):
                top_up(home.project(), table, least)
            rows = home.project().lake.snapshot().row_counts()
    except LeadlineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(file=sys.stderr)
    for table, count in rows.items():
        print(f"{table:22}{count:>12,}")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made = "made" if summary.changed else "already there"
    print(f"{made} in {time.monotonic() - begun:,.1f} s, peak memory {peak_mib:,.0f} MiB")
    return 0


def top_up(project: Project, name: str, least: int) -> None:
    """Let rows of a table happen again until it has ``least``."""
    snapshot = project.lake.snapshot()
    missing = least - snapshot.row_counts().get(name, 0)
    if missing <= 0:
        return
    key, instants, chosen = AGAIN[name]
    put_off = ", ".join(
        f"{instant} + to_hours(nth * 3 + (hash({key}) % 3)::BIGINT) AS {instant}" for instant in instants
    )
    query = f"""
        SELECT * EXCLUDE nth REPLACE ({key} || '-again-' || nth AS {key}, {put_off})
        FROM (FROM {name} WHERE {chosen} AND {instants[1]} < (SELECT max({instants[1]}) FROM {name}) - INTERVAL 3 DAYS)
        CROSS JOIN (SELECT unnest(range(1, 20)) AS nth)
        ORDER BY nth, hash({key}) LIMIT {missing}
    """
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(snapshot, [name])
        rows = engine.arrow(query)
    ingest(project, TABLES[name], rows.to_batches())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes a large demo home for the benchmarks.")
    parser.add_argument("--developers", type=int, default=20_000)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 30))
    parser.add_argument("--deployments", type=int, default=0, help="have at least so many")
    parser.add_argument("--incidents", type=int, default=0, help="have at least so many")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
