"""Org-wide, developer x month, all metrics: leadline against hand-written DuckDB SQL (``org_wide.sql``) on the same files.

Runs in turn, each in a process of its own: the SQL, a first run after new data (no facts stored; their queries are kept from
the round before), a later run. Prints the medians, the ratios to the SQL, the peak memory and whether all wrote the same
cells.

    python bench/make_big_home.py --developers 2000 --home /tmp/big
    python bench/org_wide.py --home /tmp/big
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

KINDS = ("floor", "first", "later")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=KINDS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.home, options.child, options.out)))
    else:
        compare(options.home, options.rounds)


def compare(home: Path, rounds: int) -> None:
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    peaks: dict[str, int] = dict.fromkeys(KINDS, 0)
    cells: dict[str, list[list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for kind in KINDS:
                out = Path(folder) / f"{kind}.csv.gz"
                command = [sys.executable, __file__, "--home", str(home), "--child", kind, "--out", str(out)]
                began = time.monotonic()
                answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                seconds[kind].append(time.monotonic() - began)
                peaks[kind] = max(peaks[kind], answer["peak_mib"])
        for kind in KINDS:
            with gzip.open(Path(folder) / f"{kind}.csv.gz", "rt", newline="") as file:
                cells[kind] = list(csv.reader(file))
    floor = statistics.median(seconds["floor"])
    print(f"rows: {len(cells['floor']) - 1:,}; columns: {len(cells['floor'][0])}; rounds: {rounds}")
    for kind in KINDS:
        median = statistics.median(seconds[kind])
        ratios = [mine / theirs for mine, theirs in zip(seconds[kind], seconds["floor"], strict=True)]
        print(
            f"{kind:6} {median:7.2f} s   x{median / floor:.2f} of the SQL "
            f"(by round x{min(ratios):.2f}-{max(ratios):.2f})   peak {peaks[kind]:,} MiB"
        )
    for kind in ("first", "later"):
        print(f"{kind}: {different(cells['floor'], cells[kind])} cells differ from the SQL's")


def different(theirs: list[list[str]], mine: list[list[str]]) -> int:
    """Cells that are not equal as text, nor as numbers to the fourth decimal."""
    if len(theirs) != len(mine) or theirs[0] != mine[0]:
        return -1
    return sum(
        a != b and not (a and b and number(a) is not None and number(a) == number(b))
        for one, other in zip(theirs, mine, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def number(text: str) -> float | None:
    try:
        return round(float(text), 4)
    except ValueError:
        return None


def child(home: Path, kind: str, out: Path) -> dict[str, object]:
    from leadline.exports.kinds import parse
    from leadline.home import Home
    from leadline.metrics.request import Control
    from leadline.metrics.run import pin, produce

    with Home.open(home) as opened:
        project = opened.project()
        request = parse(project, body(), "productivity").request
        pins = pin(project, request.tree)
        if kind == "first":
            shutil.rmtree(project.folder / "cache" / "facts", ignore_errors=True)
        if kind == "floor":
            floor(project, request, pins, out)
        else:
            produce(project, request, pins, out, Control())
    return {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def body() -> dict[str, object]:
    """The last twelve months up to yesterday."""
    end = datetime.now(UTC).date() - timedelta(days=1)
    start = date(end.year - 1, end.month, 1) + timedelta(days=31)
    return {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": start.replace(day=1).isoformat(), "end": end.isoformat()},
        "options": {"aggregationLevel": "developer", "granularity": "monthly", "aggregation": "mean"},
    }


def floor(project, request, pins, out: Path) -> None:
    """The SQL, with all the memory it wants."""
    import duckdb
    import pyarrow as pa

    from leadline.derive.accounts import BOTS
    from leadline.engine.sql_text import relation_query
    from leadline.metrics.binder import bind_scope
    from leadline.people import tree, trees
    from leadline.people.arrow import people
    from leadline.schema import TABLES
    from leadline.settings.profile import Profile

    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")

    class Binder:
        """What ``bind_scope`` needs of an engine."""

        def bind_arrow(self, name: str, table: pa.Table) -> None:
            connection.register(name, table)

    profile = Profile.of(pins.settings)
    known = [tree(project, each.name) for each in trees(project)]
    org_tree = next(each for each in known if each.name == request.tree)
    bind_scope(Binder(), org_tree, request, profile)
    connection.register("people", people(known))
    connection.register("bot_names", pa.table({"name": [*BOTS, *profile["bots"]]}))
    snapshot = project.lake.snapshot()
    for name, table in TABLES.items():
        connection.execute(f'CREATE VIEW "{name}" AS {relation_query(snapshot.files(name), table.arrow_schema)}')
    connection.execute((Path(__file__).with_name("org_wide.sql")).read_text())
    plain = out.with_suffix(".plain")
    connection.execute(f"COPY finished TO '{plain}' (FORMAT csv, HEADER, NEW_LINE '\\r\\n')")
    with plain.open("rb") as source, gzip.open(out, "wb", compresslevel=4) as target:
        shutil.copyfileobj(source, target, 1 << 20)


if __name__ == "__main__":
    main()
