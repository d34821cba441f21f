"""Import speed and memory: CSV into an empty lake against a plain Arrow CSV → Parquet conversion of the same file.

Makes its own input (pull requests and commit files), runs import and floor in turn in fresh processes, and prints rows
per second, the ratio of the two and the peak memory at two sizes; a second import of the same file shows what it costs
to find that nothing changed. Ratios mean something on a busy machine, rows per second only on an idle one.

    python bench/import_speed.py [--rounds 3] [--scale 1.0]
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

FLOORS = {"pull_requests": 100_000, "commit_files": 200_000}
SIZES = {"pull_requests": (200_000, 800_000), "commit_files": (1_000_000, 4_000_000)}
START = datetime(2025, 1, 1, tzinfo=UTC)


PULL_REQUEST_COLUMNS = (
    *("repository", "number", "title", "body", "author", "state", "draft", "created_at", "ready_at", "merged_at"),
    *("closed_at", "merged_by", "base_branch", "head_branch", "merge_commit_sha", "additions", "deletions"),
    *("changed_files", "labels", "url", "source", "updated_at"),
)


def pull_requests(rows: int) -> Iterator[Sequence[object]]:
    chance = random.Random(1)
    yield PULL_REQUEST_COLUMNS
    for row in range(rows):
        opened = START + timedelta(seconds=chance.randrange(31_536_000))
        merged = opened + timedelta(seconds=chance.randrange(900_000))
        made, done = opened.strftime("%Y-%m-%dT%H:%M:%SZ"), merged.strftime("%Y-%m-%dT%H:%M:%SZ")
        body = f'What "it" does.\n\nSee PROJ-{row % 9999}.' if row % 3 == 0 else "A short description of the change"
        yield (
            *(f"acme/service-{row % 500}", row // 500 + 1, f"PROJ-{row % 99_999} change, number {row}", body),
            *(f"user{chance.randrange(20_000)}", "merged", "false", made, made, done, done),
            *(f"user{chance.randrange(20_000)}", "main", f"feature/PROJ-{row}", f"{chance.getrandbits(160):040x}"),
            *(
                chance.randrange(900),
                chance.randrange(500),
                chance.randrange(40),
                "bug;backend" if row % 4 == 0 else "",
            ),
            *(f"https://code.example/acme/service-{row % 500}/pull/{row}", "github", done),
        )


def commit_files(rows: int) -> Iterator[Sequence[object]]:
    chance = random.Random(2)
    yield "repository", "sha", "path", "old_path", "additions", "deletions"
    sha = ""
    for row in range(rows):
        if row % 3 == 0:
            sha = f"{chance.getrandbits(160):040x}"
        path = f"src/module{chance.randrange(300)}/file{row % 3}_{chance.randrange(900)}.py"
        yield f"acme/service-{row // 3 % 500}", sha, path, "", chance.randrange(200), chance.randrange(100)


def measured(action: str, path: Path, folder: Path) -> dict[str, float]:
    """Runs one action in a fresh process; seconds of the work (imports of libraries left out) and peak memory (MiB)."""
    command = [sys.executable, __file__, "--run", action, str(path), str(folder)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(finished.stdout))


def run(action: str, path: Path, folder: Path) -> None:
    import duckdb  # noqa: F401 - loaded before the clock starts
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as pq

    from leadline.home import Home
    from leadline.ingest.importing import import_paths

    project = Home.open(folder / "home").project()
    project.lake.snapshot()  # its libraries are loaded, and the database made, before the clock starts
    started = time.perf_counter()
    if action == "floor":
        names = path.open().readline().strip().split(",")
        reader = arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=4 << 20),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types={name: pa.string() for name in names}),
        )
        with pq.ParquetWriter(folder / "floor.parquet", reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
    else:
        report = import_paths(project, [path])
        if not report.ok:
            sys.exit(f"refused: {[file.error for file in report.files]}")
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory}))


def bench(table: str, rounds: int, scale: float) -> None:
    for size in SIZES[table]:
        rows = int(size * scale)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / f"{table}.csv"
            with path.open("w", newline="") as output:
                csv.writer(output).writerows(globals()[table](rows))
            imports, floors, again = [], [], []
            for at in range(rounds):
                fresh = folder / str(at)
                fresh.mkdir()
                floors.append(measured("floor", path, fresh))
                imports.append(measured("import", path, fresh))
                again.append(measured("import", path, fresh))
        seconds = statistics.median(one["seconds"] for one in imports)
        repeat = statistics.median(one["seconds"] for one in again)
        ratio = statistics.median(one["seconds"] / floor["seconds"] for one, floor in zip(imports, floors, strict=True))
        print(
            f"{table:14} {rows:>9,} rows: {rows / seconds:>10,.0f} rows/s (asked: {FLOORS[table]:,}), "
            f"{ratio:.2f}× plain conversion, peak {max(one['memory'] for one in imports):,.0f} MiB; "
            f"same file again {rows / repeat:>9,.0f} rows/s, peak {max(one['memory'] for one in again):,.0f} MiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes")
    parser.add_argument("--run", nargs=3, metavar=("ACTION", "FILE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        action, path, folder = options.run
        run(action, Path(path), Path(folder))
        return
    for table in FLOORS:
        bench(table, options.rounds, options.scale)


if __name__ == "__main__":
    main()
