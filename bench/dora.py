"""DORA summary of all teams by month: leadline against hand-written DuckDB SQL (``dora.sql``) on the same attributed tables.

Runs in turn, each in a process of its own: a first run after new data (no facts stored), the SQL over the facts that this
stored, a later run. Prints the medians from the request to the finished file, and of the query alone (all tables bound),
the ratios to the SQL, the peak memory of the processes and whether all wrote the same cells.

    python bench/make_big_home.py --developers 20000 --home /tmp/big
    python bench/dora.py --home /tmp/big
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
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from org_wide import different

KINDS = ("first", "floor", "later")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="in how many of the rounds all facts are computed anew")
    parser.add_argument("--child", choices=KINDS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.home, options.child, options.out)))
    else:
        compare(options.home, options.rounds, options.first)


def compare(home: Path, rounds: int, firsts: int) -> None:
    measured: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    cells: dict[str, list[list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            # Which of the two comes first after the others' caches changes by round.
            later = ("floor", "later") if turn % 2 else ("later", "floor")
            for kind in ("first", *later) if turn < firsts else later:
                out = Path(folder) / f"{kind}.csv.gz"
                command = [sys.executable, __file__, "--home", str(home), "--child", kind, "--out", str(out)]
                answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                measured[kind].append(json.loads(answer))
        for kind in KINDS if firsts else KINDS[1:]:
            with gzip.open(Path(folder) / f"{kind}.csv.gz", "rt", newline="") as file:
                cells[kind] = list(csv.reader(file))
    print(f"rows: {len(cells['floor']) - 1:,}; columns: {len(cells['floor'][0])}; rounds: {rounds}")
    for kind in cells:
        print(line(kind, measured[kind], measured["floor"]))
    for kind, mine in cells.items():
        if kind != "floor":
            print(f"{kind}: {different(cells['floor'], mine)} cells differ from the SQL's")


def line(kind: str, mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> str:
    text = f"{kind:6}"
    for what in ("whole", "query"):
        if mine[0][what] is not None:
            clock, processor = zip(*(each[what] for each in mine), strict=True)
            floor_clock, floor_processor = zip(*(each[what] for each in theirs), strict=True)
            median, floor = statistics.median(clock), statistics.median(floor_clock)
            of_processor = statistics.median(processor) / statistics.median(floor_processor)
            text += f" {what} {median:7.3f} s (x{median / floor:.2f} of the SQL, processor x{of_processor:.2f})  "
    return text + f" peak {max(each['peak_mib'] for each in mine):,} MiB"


def child(home: Path, kind: str, out: Path) -> dict[str, Any]:
    from leadline.exports.kinds import parse
    from leadline.home import Home
    from leadline.metrics.run import pin

    with Home.open(home) as opened:
        project = opened.project()
        request = parse(project, body(project), "efficiency").request
        pins = pin(project, request.tree)
        if kind == "first":
            shutil.rmtree(project.folder / "cache", ignore_errors=True)
        whole, query = (floor if kind == "floor" else product)(project, request, pins, out, kind)
    return {"whole": whole, "query": query, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def body(project: Any) -> dict[str, Any]:
    """The last twelve months of the demo."""
    from leadline.db import cursors

    found = cursors.get(project.db, project.id, "demo", "options")
    if found is None:
        raise SystemExit("error: this home holds no demo; make one with make_big_home.py")
    end = date.fromisoformat(found["options"]["until"])
    month = end.year * 12 + end.month - 12
    return {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": date(month // 12, month % 12 + 1, 1).isoformat(), "end": end.isoformat()},
        "metricGroups": ["summary"],
        "options": {"granularity": "MONTHLY", "aggregation": "mean"},
    }


Spent = tuple[float, float]
"""Seconds by the clock and of the processor."""


def timed(work: Callable[[], object]) -> Spent:
    began = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began[0], time.process_time() - began[1]


def product(project: Any, request: Any, pins: Any, out: Path, kind: str) -> tuple[Spent, Spent | None]:
    """As a worker of the server runs it: what can be done before any request is done."""
    from leadline.metrics.request import Control
    from leadline.metrics.run import Runner

    with Runner(project.home) as runner:
        list(runner.prepare())
        whole = timed(lambda: runner.produce(project, request, pins, out, Control()))
    return whole, query_alone(project, request, pins) if kind == "later" else None


def query_alone(project: Any, request: Any, pins: Any) -> Spent:
    """The seconds of the product's query, to Arrow, on an engine where everything is bound."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session
    from leadline.metrics.binder import bind_owners, bind_scope
    from leadline.metrics.catalogue import by_ids
    from leadline.metrics.query import facts_of, sql
    from leadline.people import tree
    from leadline.settings.profile import Profile

    profile = Profile.of(pins.settings)
    org_tree = tree(project, request.tree, pins.trees[request.tree])
    with session(project, pins.tables, pins.trees, profile, BUILD_POLICY) as opened:
        facts = facts_of(by_ids(request.metrics), request.level)
        opened.facts.bind(stored for fact in facts for stored in fact.stored_tables)
        zone = bind_scope(opened.engine, org_tree, request, profile)
        kinds = [fact.team_events for fact in facts if fact.team_events]
        ruled = bind_owners(opened.engine, org_tree, request, profile, kinds)
        text = sql(request.metrics, request.level, request.aggregation, zone, ruled, opened.facts.queries)
        return timed(lambda: opened.engine.arrow(text))


def floor(project: Any, request: Any, pins: Any, out: Path, _kind: str) -> tuple[Spent, Spent]:
    """The SQL, with all the memory it wants; binding the tree and the periods is the product's."""
    import duckdb
    import pyarrow as pa

    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session
    from leadline.metrics.binder import bind_owners, bind_scope
    from leadline.metrics.catalogue import by_ids
    from leadline.metrics.query import facts_of
    from leadline.people import tree
    from leadline.settings.profile import Profile

    profile = Profile.of(pins.settings)
    facts = facts_of(by_ids(request.metrics), request.level)
    reads = {stored.bound_name: stored for fact in facts for stored in fact.stored_tables}
    with session(project, pins.tables, pins.trees, profile, BUILD_POLICY) as opened:
        opened.facts.bind(reads.values())
        folders = {name: f"{stored.name}-{opened.facts.fingerprint(stored)}" for name, stored in reads.items()}

    began = time.monotonic(), time.process_time()
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")

    class Binder:
        """What ``bind_scope`` needs of an engine."""

        def bind_arrow(self, name: str, table: pa.Table) -> None:
            connection.register(name, table)

    org_tree = tree(project, request.tree, pins.trees[request.tree])
    bind_scope(Binder(), org_tree, request, profile)
    if bind_owners(Binder(), org_tree, request, profile, ()):
        raise SystemExit("error: this SQL knows no team rules")
    for name, folder in folders.items():
        files = project.folder / "cache" / "facts" / folder / "*.parquet"
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{files}')")
    text = Path(__file__).with_name("dora.sql").read_text()
    query = timed(lambda: connection.execute(text))
    plain = out.with_suffix(".plain")
    connection.execute(f"COPY finished TO '{plain}' (FORMAT csv, HEADER, NEW_LINE '\\r\\n')")
    with plain.open("rb") as source, gzip.open(out, "wb", compresslevel=4) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return (time.monotonic() - began[0], time.process_time() - began[1]), query


if __name__ == "__main__":
    main()
