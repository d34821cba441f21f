"""DORA summary of all teams by month: leadline against hand-written DuckDB SQL (``dora.sql``) on the same attributed tables.

Runs in turn, each in a process of its own: a first run after new data (no facts stored), the SQL over the facts that this
stored, a later run. Prints the medians from the request to the finished file, and of the query alone (all tables bound),
the ratios to the SQL, the peak memory of the processes and whether all wrote the same cells.

    python bench/make_big_home.py --developers 20000 --home /tmp/big
    python bench/dora.py --home /tmp/big
"""

from __future__ import annotations

import shutil
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from against_sql import Floor, Run, Spent, answered, arguments, line, print_differences, runs, timed

KINDS = ("first", "floor", "later")


def main() -> None:
    parser = arguments(__doc__, KINDS, rounds=5)
    parser.add_argument("--first", type=int, default=1, help="in how many of the rounds all facts are computed anew")
    options = parser.parse_args()
    if answered(options, run):
        return
    # Which of the two comes first after the others' caches changes by round.
    turns = [("floor", "later") if turn % 2 else ("later", "floor") for turn in range(options.rounds)]
    said, cells = runs(
        __file__, options.home, [("first", *turn) for turn in turns[: options.first]] + turns[options.first :]
    )
    for kind in said:
        print(line(kind, said[kind], said["floor"]))
    print_differences(cells)


def run(home: Path, kind: str, out: Path) -> Run:
    from leadline.exports.kinds import parse
    from leadline.home import Home
    from leadline.metrics.run import pin

    with Home.open(home) as opened:
        project = opened.project()
        options = {"granularity": "MONTHLY", "aggregation": "mean"}
        body = {**last_year(project), "metricGroups": ["summary"], "options": options}
        request = parse(project, body, "efficiency").request
        pins = pin(project, request.tree)
        if kind == "first":
            shutil.rmtree(project.folder / "cache", ignore_errors=True)
        whole, query = (floor if kind == "floor" else product)(project, request, pins, out, kind)
    return {"whole": whole, "query": query}


def last_year(project: Any) -> dict[str, Any]:
    """The scope and range of a body: all of the demo's organization in its last twelve months."""
    from leadline.db import cursors

    cursor = cursors.get(project.db, project.id, "demo", "options")
    if cursor is None:
        raise SystemExit("error: this home holds no demo; make one with make_big_home.py")
    end = date.fromisoformat(cursor["options"]["until"])
    month = end.year * 12 + end.month - 12
    return {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": date(month // 12, month % 12 + 1, 1).isoformat(), "end": end.isoformat()},
    }


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
    from leadline.metrics.run import timeline_of
    from leadline.people import BEGINNING
    from leadline.settings.profile import Profile

    profile = Profile.of(pins.settings)
    stretches = timeline_of(project, request, pins, BEGINNING)
    with session(project, pins.tables, pins.trees, profile, BUILD_POLICY) as opened:
        facts = facts_of(by_ids(request.metrics), request.level)
        opened.facts.bind(stored for fact in facts for stored in fact.stored_tables)
        scope = bind_scope(opened.engine, stretches, request, profile, pins.today, BEGINNING)
        kinds = [fact.team_events for fact in facts if fact.team_events]
        ruled = bind_owners(opened.engine, scope, request, profile, kinds, opened.facts.spellings)
        text = sql(request.metrics, request.level, request.aggregation, scope.zone, ruled, opened.facts.queries)
        return timed(lambda: opened.engine.arrow(text))


def floor(project: Any, request: Any, pins: Any, out: Path, _kind: str) -> tuple[Spent, Spent]:
    """The SQL; binding the tree and the periods is the product's."""
    from leadline.engine.spellings import AS_WRITTEN
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session
    from leadline.metrics.binder import bind_owners, bind_scope
    from leadline.metrics.catalogue import by_ids
    from leadline.metrics.query import facts_of
    from leadline.metrics.run import timeline_of
    from leadline.people import BEGINNING
    from leadline.settings.profile import Profile

    profile = Profile.of(pins.settings)
    facts = facts_of(by_ids(request.metrics), request.level)
    reads = {stored.bound_name: stored for fact in facts for stored in fact.stored_tables}
    with session(project, pins.tables, pins.trees, profile, BUILD_POLICY) as opened:
        opened.facts.bind(reads.values())
        folders = {name: f"{stored.name}-{opened.facts.fingerprint(stored)}" for name, stored in reads.items()}

    began = time.monotonic(), time.process_time()
    duck = Floor()
    stretches = timeline_of(project, request, pins, BEGINNING)
    scope = bind_scope(duck, stretches, request, profile, pins.today, BEGINNING)
    if bind_owners(duck, scope, request, profile, (), AS_WRITTEN):
        raise SystemExit("error: this SQL knows no team rules")
    for name, folder in folders.items():
        files = project.folder / "cache" / "facts" / folder / "*.parquet"
        duck.connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{files}')")
    text = Path(__file__).with_name("dora.sql").read_text()
    query = timed(lambda: duck.connection.execute(text))
    duck.write(out)
    return (time.monotonic() - began[0], time.process_time() - began[1]), query


if __name__ == "__main__":
    main()
