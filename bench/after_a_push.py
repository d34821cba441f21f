"""How long the first export after one pushed row takes: with the facts of before, and with none.

One row of each kind is pushed (a comment, a changed pull request, a deployment, a changed work item), then the productivity
export by developer and the efficiency export by team of a year are made; in turn with what the store has kept and after the
facts were deleted. Prints seconds and their ratio per kind.

    python bench/make_big_home.py --developers 6000 --home /tmp/big --deployments 50000 --incidents 4000
    python bench/after_a_push.py --home /tmp/big
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from leadline.engine import Engine
from leadline.exports.kinds import parse
from leadline.home import Home, Project
from leadline.ingest.inbox import Push, accept, flush
from leadline.ingest.validation import RowValidator
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce
from leadline.schema import TABLES

NEWEST = {
    "comments": "SELECT * FROM comments ORDER BY created_at DESC LIMIT 1",
    "pull_requests": "SELECT * FROM pull_requests WHERE merged_at IS NOT NULL ORDER BY merged_at DESC LIMIT 1",
    "deployments": "SELECT * FROM deployments WHERE status = 'success' ORDER BY finished_at DESC LIMIT 1",
    "work_items": "SELECT * FROM work_items WHERE completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT 1",
}
"""A row of each table to push again with something changed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    with Home.open(options.home) as home, tempfile.TemporaryDirectory() as folder:
        project = home.project()
        seconds(project, Path(folder))
        for table in NEWEST:
            taken = []
            for kept in (True, False, True):
                if not kept:
                    shutil.rmtree(project.folder / "cache" / "facts")
                push(project, table)
                taken.append(seconds(project, Path(folder)))
            with_facts, without = (taken[0] + taken[2]) / 2, taken[1]
            print(
                f"{table:14} {with_facts:6.2f} s   without former facts {without:6.2f} s   x{with_facts / without:.2f}"
            )


def seconds(project: Project, folder: Path) -> float:
    """Both exports, one after the other."""
    end = datetime.now(UTC).date() - timedelta(days=1)
    scope = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": date(end.year - 1, end.month, 1).isoformat(), "end": end.isoformat()},
    }
    options = {"granularity": "monthly", "aggregation": "mean"}
    bodies: dict[str, dict[str, Any]] = {
        "productivity": {**scope, "options": {**options, "aggregationLevel": "developer"}},
        "efficiency": {**scope, "options": options, "metricGroups": ["lttc", "work_items", "df", "cfr", "mttr"]},
    }
    began = time.monotonic()
    for kind, body in bodies.items():
        request = parse(project, body, kind).request
        produce(project, request, pin(project, request.tree), folder / f"{kind}.csv.gz", Control())
    return time.monotonic() - began


def push(project: Project, table: str) -> None:
    """A row as it comes from a request, taken into the lake."""
    home, now = project.home, datetime.now(UTC)
    with Engine(temp_dir=home.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), [table])
        (row,) = engine.arrow(f"SELECT COLUMNS(*)::VARCHAR FROM ({NEWEST[table]})").to_pylist()
        row = {name: value for name, value in row.items() if value is not None and not value.startswith("[")}
        row = {
            name: value.replace(" ", "T").replace("+00", "Z") if name.endswith("_at") else value
            for name, value in row.items()
        }
        row |= {"updated_at": now.isoformat()}
        for name in ("comment_id", "deployment_id", "title"):
            if name in row:
                row[name] = f"{row[name]} {now.timestamp()}"
        (accepted,) = accept(home.db, RowValidator(engine), [Push(project.id, TABLES[table], [row])], now)
        if accepted.refusals:
            raise SystemExit(f"error: {accepted.refusals[0]}")
    clock = lambda: datetime.now(UTC)  # noqa: E731
    flush(project, now=clock)


if __name__ == "__main__":
    main()
