"""Org-wide, developer x month, all metrics: leadline against hand-written DuckDB SQL (``org_wide.sql``) on the same files.

Runs in turn, each in a process of its own: the SQL, a first run after new data (no facts stored; their queries are kept from
the round before), a later run. Prints the medians, the ratios to the SQL, the peak memory and whether all wrote the same
cells.

The SQL knows one tree, in which nobody moves, and neither agents nor those who ask them: cells of these differ.

    python bench/make_big_home.py --developers 2000 --home /tmp/big
    python bench/org_wide.py --home /tmp/big
"""

from __future__ import annotations

import shutil
import statistics
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from against_sql import Floor, Run, answered, arguments, print_differences, runs
from frame import ratio

KINDS = ("floor", "first", "later")


def main() -> None:
    options = arguments(__doc__, KINDS, rounds=3).parse_args()
    if answered(options, run):
        return
    said, cells = runs(__file__, options.home, [KINDS] * options.rounds)
    seconds = {kind: [answer["seconds"] for answer in said[kind]] for kind in KINDS}
    for kind in KINDS:
        by_round = [mine / floor for mine, floor in zip(seconds[kind], seconds["floor"], strict=True)]
        print(
            f"{kind:6} {statistics.median(seconds[kind]):7.2f} s   x{ratio(seconds[kind], seconds['floor']):.2f} of the SQL "
            f"(by round x{min(by_round):.2f}-{max(by_round):.2f})   peak {max(answer['peak_mib'] for answer in said[kind]):,} MiB"
        )
    print_differences(cells)


def run(home: Path, kind: str, out: Path) -> Run:
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
    return {}


def body() -> dict[str, object]:
    """The last twelve months up to yesterday."""
    end = datetime.now(UTC).date() - timedelta(days=1)
    start = date(end.year - 1, end.month, 1) + timedelta(days=31)
    return {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": start.replace(day=1).isoformat(), "end": end.isoformat()},
        "options": {"aggregationLevel": "developer", "granularity": "monthly", "aggregation": "mean"},
    }


def floor(project: Any, request: Any, pins: Any, out: Path) -> None:
    """The SQL."""
    import pyarrow as pa

    from leadline.derive.bots import AGENTS, BOTS
    from leadline.engine.sql_text import relation_query
    from leadline.metrics.binder import bind_scope
    from leadline.metrics.run import timeline_of
    from leadline.people.arrow import everybody, people
    from leadline.schema import TABLES
    from leadline.settings.profile import Profile

    duck = Floor()
    profile = Profile.of(pins.settings)
    scope = bind_scope(duck, timeline_of(project, request, pins, request.start), request, profile, pins.today)
    if scope.dated:
        duck.connection.execute("CREATE VIEW units AS FROM dated_units")
    duck.bind_arrow("people", people(everybody(project, pins.trees)))
    duck.bind_arrow("bot_names", pa.table({"name": [*BOTS, *AGENTS, *profile["bots"]]}))
    snapshot = project.lake.snapshot()
    for name, table in TABLES.items():
        duck.connection.execute(f'CREATE VIEW "{name}" AS {relation_query(snapshot.files(name), table.arrow_schema)}')
    duck.connection.execute((Path(__file__).with_name("org_wide.sql")).read_text())
    duck.write(out)


if __name__ == "__main__":
    main()
