"""Which deployment carries each commit: from scratch over a large history, and once more after one deployment was added.

Makes its own lake (commits with merges, branches and cherry-picks, repository after repository; several services in half
of the repositories), then runs each action in a fresh process and prints seconds (on the clock and of the processor), rows
and peak memory. One added deployment, with the commits it brings, is shown as a ratio of processor seconds to the run from
scratch.

    python bench/attribution.py [--commits 5000000] [--deployments 300000] [--repositories 500]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2016, 1, 1, tzinfo=UTC)
ROWS_PER_FILE = 491_520


def history(repository: int, count: int) -> Iterator[dict[str, object]]:
    """Commits of a repository, oldest first: a main line, one commit in five a merge of a short branch."""
    chance = random.Random(repository)
    shas = [f"{chance.getrandbits(160):040x}" for _ in range(count)]
    side: list[int] = []
    tip = -1
    for at in range(count):
        parents = [shas[tip]] if tip >= 0 else []
        message = f"PROJ-{at % 9999} change number {at}"
        kind = at % 5
        if kind in (1, 2, 3) and tip >= 0:
            parents = [shas[side[-1]] if side else shas[tip]]
            side.append(at)
        elif kind == 4 and side:
            parents.append(shas[side[-1]])
            side = []
            tip = at
        else:
            tip = at
        if at % 50 == 7:
            message += f"\n\n(cherry picked from commit {shas[max(0, at - 40)]})"
        yield {
            "repository": f"acme/service-{repository:03}",
            "sha": shas[at],
            "parents": " ".join(parents) or None,
            "message": message,
            "authored_at": START + timedelta(minutes=at),
        }


def make(folder: Path, commits: int, deployments: int, repositories: int) -> None:
    """Fill a lake: commits a repository after another, as a sync brings them, and deployments in order of time."""
    import pyarrow as pa

    from leadline.lake import Lake
    from leadline.schema import TABLES

    lake = Lake(folder / "lake")
    each, runs = commits // repositories, deployments // repositories
    waiting: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    for repository in range(repositories):
        made = list(history(repository, each))
        waiting += made
        several = "api; web; worker" if repository % 2 else None
        for run in range(runs):
            last = made[min(each - 1, (run + 1) * each // runs)]
            rows.append(
                {
                    "deployment_id": f"{repository:03}-{run}",
                    "repository": last["repository"],
                    "service": several,
                    "sha": str(last["sha"])[: 40 if run % 3 else 12],
                    "status": "success" if run % 10 else "failure",
                    "finished_at": START + timedelta(hours=run),
                }
            )
        while len(waiting) >= ROWS_PER_FILE or (repository == repositories - 1 and waiting):
            part, waiting = waiting[:ROWS_PER_FILE], waiting[ROWS_PER_FILE:]
            add(lake, "commits", pa.Table.from_pylist(part, schema=TABLES["commits"].arrow_schema))
    rows.sort(key=lambda row: str(row["deployment_id"])[::-1])
    add(lake, "deployments", pa.Table.from_pylist(rows, schema=TABLES["deployments"].arrow_schema))


def add(lake: object, name: str, table: object) -> None:
    """One delivery of rows that are all new."""
    import pyarrow.parquet as pq

    from leadline.lake import Lake, TableWriter
    from leadline.lease import Lease
    from leadline.schema import TABLES

    assert isinstance(lake, Lake)
    folder = lake.staging_folder(name)
    path = folder / f"{time.monotonic_ns()}.parquet"
    pq.write_table(table, path, compression="zstd", compression_level=1, row_group_size=122_880)
    number = time.time_ns() // 1000
    TableWriter(lake, TABLES[name], Lease(name, number, lambda: number)).commit(added=[path], message="bench")
    shutil.rmtree(folder)


def deliver(folder: Path, repository: int) -> None:
    """Ten more commits of one repository and a deployment of them."""
    import pyarrow as pa

    from leadline.lake import Lake
    from leadline.schema import TABLES

    lake = Lake(folder / "lake")
    name = f"acme/service-{repository:03}"
    chance = random.Random(time.time_ns())  # a lake that is kept gets others each time
    shas = [f"{chance.getrandbits(160):040x}" for _ in range(10)]
    new = [{"repository": name, "sha": sha, "parents": above} for sha, above in zip(shas[1:], shas, strict=False)]
    add(lake, "commits", pa.Table.from_pylist(new, schema=TABLES["commits"].arrow_schema))
    row = {"deployment_id": f"more-{shas[-1]}", "repository": name, "service": "api; web; worker", "sha": shas[-1]}
    row |= {"status": "success", "finished_at": START + timedelta(days=9999, seconds=chance.randrange(86_400))}
    add(lake, "deployments", pa.Table.from_pylist([row], schema=TABLES["deployments"].arrow_schema))


def run(folder: Path, out: str) -> None:
    """Compute the step in this process; print seconds (imports left out), rows and peak memory."""
    import duckdb  # noqa: F401 - loaded before the clock starts
    import ibis  # noqa: F401
    import pyarrow.parquet as pq

    from leadline.engine import Engine
    from leadline.facts.deployment_contents import CARRIED
    from leadline.facts.policy import BUILD_POLICY
    from leadline.facts.production import ENVIRONMENTS
    from leadline.lake import Lake
    from leadline.materialize.compiled import CompiledQueryCache
    from leadline.materialize.model import BuildContext
    from leadline.settings.profile import Profile

    assert ENVIRONMENTS.computation is not None
    assert CARRIED.computation is not None
    began, began_cpu = time.perf_counter(), time.process_time()
    snapshot = Lake(folder / "lake").snapshot()
    with Engine(temp_dir=folder / "temp") as engine:
        engine.bind_snapshot(snapshot)
        (folder / "state").mkdir(exist_ok=True)
        environments, carried = folder / f"{out}-e", folder / f"{out}-c"
        context = BuildContext(
            engine,
            Profile.of({}),
            snapshot,
            environments,
            folder / "state",
            frozenset(["deployments"]),
            queries=CompiledQueryCache(folder / "queries", BUILD_POLICY.query_code),
        )
        environments.mkdir()
        ENVIRONMENTS.computation.run(context)
        engine.bind_files(ENVIRONMENTS.bound_name, list(environments.glob("*.parquet")))
        carried.mkdir()
        CARRIED.computation.run(replace(context, folder=carried))
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    files = list(carried.glob("*.parquet"))
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": rows, "files": len(files), "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """Peak memory of this process. Where there is /proc it is read there: the other figure survives an exec, and so may be
    that of the process which started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [splitline for splitline in status.read_text().splitlines() if splitline.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(folder: Path, out: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--run", str(folder), out]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(finished.stdout))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--commits", type=int, default=5_000_000)
    options.add_argument("--deployments", type=int, default=300_000)
    options.add_argument("--repositories", type=int, default=500)
    options.add_argument("--folder", type=Path, help="keep the lake here, and use it if it is there")
    options.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        run(Path(chosen.run[0]), chosen.run[1])
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        if not (folder / "lake").exists():
            make(folder, chosen.commits, chosen.deployments, chosen.repositories)
        shown: dict[str, dict[str, float]] = {}
        for attempt in ("from scratch", "nothing new", "one deployment", "another"):
            if attempt in ("one deployment", "another"):
                deliver(folder, 1 if attempt == "one deployment" else 7)
            shown[attempt] = found = measured(folder, attempt.replace(" ", "-"))
            ratio = found["cpu"] / shown["from scratch"]["cpu"]
            print(
                f"{attempt:15} {found['seconds']:7.2f} s ({found['cpu']:.2f} s of processor)  "
                f"{found['rows']:>10,} rows in {found['files']} files  peak {found['peak_mib']:.0f} MiB  "
                f"{ratio:.3f} of scratch",
                flush=True,
            )


if __name__ == "__main__":
    main()
