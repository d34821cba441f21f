"""What the benchmarks against hand-written SQL share: runs in processes of their own, in turn, whose files are compared.

A benchmark has ``run(home, kind, out) -> {…}`` for each of its kinds, one of them ``floor``: the SQL. Its script calls itself
with ``--child KIND`` for each run.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frame import peak_mib, ratio

if TYPE_CHECKING:
    import pyarrow as pa

Run = dict[str, Any]
"""What a run says of itself, with ``seconds`` (of the whole process) and ``peak_mib``."""


Spent = tuple[float, float]
"""Seconds by the clock and of the processor."""


def timed(work: Callable[[], object]) -> Spent:
    began = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began[0], time.process_time() - began[1]


def arguments(about: str | None, kinds: Sequence[str], rounds: int) -> argparse.ArgumentParser:
    """The options of every such benchmark."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--child", choices=kinds, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


def answered(options: argparse.Namespace, run: Callable[[Path, str, Path], Run]) -> bool:
    """Whether this process is a run's, which is made then and says how it went."""
    if options.child:
        print(json.dumps({**run(options.home, options.child, options.out), "peak_mib": int(peak_mib())}))
    return bool(options.child)


def runs(
    script: str, home: Path, turns: Sequence[Sequence[str]], more: Sequence[str] = ()
) -> tuple[dict[str, list[Run]], dict[str, list[list[str]]]]:
    """What the runs of each kind say, and the cells of its last file; ``turns``: the kinds of each round in their order;
    ``more``: what the script is told besides."""
    said: dict[str, list[Run]] = {}
    cells = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in (kind for turn in turns for kind in turn):
            out = Path(folder) / f"{kind}.csv.gz"
            command = [sys.executable, script, "--home", str(home), "--child", kind, "--out", str(out), *more]
            began = time.monotonic()
            answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            said.setdefault(kind, []).append({**answer, "seconds": time.monotonic() - began})
        for kind in said:
            with gzip.open(Path(folder) / f"{kind}.csv.gz", "rt", newline="") as file:
                cells[kind] = list(csv.reader(file))
    print(f"rows: {len(cells['floor']) - 1:,}; columns: {len(cells['floor'][0])}; rounds: {len(turns)}")
    return said, cells


def line(kind: str, runs: list[Run], floors: list[Run]) -> str:
    text = f"{kind:6}"
    for what in ("whole", "query"):
        if runs[0][what] is not None:
            clock, processor = zip(*(run[what] for run in runs), strict=True)
            floor_clock, floor_processor = zip(*(floor[what] for floor in floors), strict=True)
            text += f" {what} {statistics.median(clock):7.3f} s (x{ratio(clock, floor_clock):.2f} of the SQL, "
            text += f"processor x{ratio(processor, floor_processor):.2f})  "
    return text + f" peak {max(run['peak_mib'] for run in runs):,} MiB"


def print_differences(cells: dict[str, list[list[str]]]) -> None:
    for kind, table in cells.items():
        if kind != "floor":
            print(f"{kind}: {different(cells['floor'], table)} cells differ from the SQL's")


def different(expected: list[list[str]], table: list[list[str]]) -> int:
    """Cells that are not equal as text, nor as numbers but for one of the fourth decimal, which binary fractions may round
    otherwise; -1 if there are other rows or columns."""
    if len(expected) != len(table) or expected[0] != table[0]:
        return -1
    return sum(
        a != b and not close(a, b)
        for one, other in zip(expected, table, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def close(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) < 0.00011
    except ValueError:
        return False


class Floor:
    """A DuckDB with two threads and all the memory it wants, for the SQL. The product binds trees and periods to it."""

    def __init__(self) -> None:
        import duckdb

        self.connection = duckdb.connect(config={"threads": 2})
        self.connection.execute("SET TimeZone = 'UTC'")

    def bind_arrow(self, name: str, table: pa.Table) -> None:
        self.connection.register(name, table)

    def write(self, out: Path) -> None:
        """The table ``finished`` as a gzipped CSV file."""
        plain = out.with_suffix(".plain")
        self.connection.execute(f"COPY finished TO '{plain}' (FORMAT csv, HEADER, NEW_LINE '\\r\\n')")
        with plain.open("rb") as source, gzip.open(out, "wb", compresslevel=4) as target:
            shutil.copyfileobj(source, target, 1 << 20)
