"""What an enterprise's data costs, by simulation: homes of growing sizes and 60 months each, the first org-wide export of
productivity and of efficiency on them, every step measured, the growth of each step fitted and the whole extrapolated.

Each export runs in a process of its own. Of each step: seconds of the processor (children's as well, so that what else the machine
does counts little), rows written and bytes read. The growth of a step is the slope of its seconds over the developers, both as
logarithms, over the three largest sizes; what is below linear is taken as linear. Writes a table in Markdown.

    python bench/enterprise.py --homes /tmp/enterprise [--sizes 500,1000,2000,5000] [--whole 100000] [--out table.md]

Homes that are there are kept, and so is what was measured on them (``measured.json``, unless ``--again``); 60 months of 1,000
developers take 0.3 GB and a minute.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from dora import last_year

MONTHS = 60
QUERY = "query and file"
CORES = (2, 16, 64)
FITTED = 3
"""How many sizes, the largest, a slope is taken from: small ones fit in one batch, and tell of what a process takes to begin."""
LEAST = 0.5
"""Seconds of the processor below which a step of the largest home is told with the others: its growth would be noise."""
KINDS: dict[str, dict[str, Any]] = {
    "productivity": {"options": {"aggregationLevel": "developer", "granularity": "monthly", "aggregation": "mean"}},
    "efficiency": {"metricGroups": ["summary"], "options": {"granularity": "MONTHLY", "aggregation": "mean"}},
}
"""What each export's body says beside scope and range; the second finds what the first has computed."""


@dataclass(frozen=True)
class Step:
    """What a step of an export took; ``name`` is the stored table's, or ``QUERY``."""

    name: str
    processor: float
    rows: int
    read: int


@dataclass(frozen=True)
class Measured:
    """A home of so many ``developers``: rows and bytes of its lake, bytes of its stored facts, the ``steps`` of both exports, and
    the most memory in MiB that a process of them held."""

    developers: int
    rows: int
    lake: int
    facts: int
    peak_mib: float
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, document: dict[str, Any]) -> Measured:
        return cls(**{**document, "steps": tuple(Step(**step) for step in document["steps"])})


# -- measuring ---------------------------------------------------------------------------------------------------------


def spent() -> tuple[float, int]:
    """Seconds of the processor of this process and of its children that have ended, and the bytes that they have read."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return sum(one.ru_utime + one.ru_stime for one in used), int(counters["rchar"])


class Steps(logging.Handler):
    """Hears of each step that is done, and notes what was taken since the one before: steps run one after another."""

    def __init__(self, rows: Callable[[str], int]) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._rows = rows
        self._before = spent()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("%s: computed by") and isinstance(record.args, tuple):
            self.done(str(record.args[0]))

    def done(self, name: str, rows: int | None = None) -> None:
        """Note that a step has ended."""
        processor, read = spent()
        written = self._rows(name) if rows is None else rows
        self.steps.append(Step(name, processor - self._before[0], written, read - self._before[1]))
        self._before = spent()


def run(home: Path, kind: str, out: Path) -> dict[str, Any]:
    """The first export of a kind: its steps, and the peak memory of its processes."""
    from leadline.exports.kinds import parse
    from leadline.home import Home
    from leadline.metrics.request import Control
    from leadline.metrics.run import pin, produce

    with Home.open(home) as opened:
        project = opened.project()
        steps = Steps(partial(rows_of_newest, project.computed))
        log = logging.getLogger("leadline.facts")
        log.setLevel(logging.DEBUG)
        log.addHandler(steps)
        request = parse(project, {**last_year(project), **KINDS[kind]}, kind).request
        produced = produce(project, request, pin(project, request.tree), out, Control())
        steps.done(QUERY, produced.rows)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"steps": [asdict(step) for step in steps.steps], "peak_mib": peak / 1024}


def rows_of_newest(facts: Path, name: str) -> int:
    from leadline.materialize.steps import rows_of

    folders = [folder for folder in facts.glob(f"{name}-*") if folder.is_dir()]
    return rows_of(max(folders, key=lambda folder: folder.stat().st_mtime)) if folders else 0


def measured(homes: Path, developers: int) -> Measured:
    """Make a home, if it is not there, and export from it anew."""
    from leadline.home import Home

    home = homes / str(developers)
    making = [sys.executable, Path(__file__).with_name("make_big_home.py"), "--home", home]
    subprocess.run([*making, "--developers", str(developers), "--months", str(MONTHS)], check=True, stdout=sys.stderr)
    with Home.open(home) as opened:
        computed, lake = opened.project().computed, opened.project().lake
        rows, bytes_of_lake = sum(lake.snapshot().row_counts().values()), size(Path(opened.project().folder) / "lake")
    shutil.rmtree(computed, ignore_errors=True)
    runs = [exported(home, kind) for kind in KINDS]
    steps = tuple(
        Step(**{**step, "name": f"{step['name']} of {kind}" if step["name"] == QUERY else step["name"]})
        for kind, one in zip(KINDS, runs, strict=True)
        for step in one["steps"]
    )
    peak = max(one["peak_mib"] for one in runs)
    return Measured(developers, rows, bytes_of_lake, size(computed), peak, steps)


def exported(home: Path, kind: str) -> dict[str, Any]:
    out = home / "tmp" / f"enterprise-{kind}.csv.gz"
    command = [sys.executable, __file__, "--homes", home, "--child", kind, "--out", out]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    out.unlink()
    return answer


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# -- growth ------------------------------------------------------------------------------------------------------------


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The slope of the line that fits the logarithms of the last values best (least squares)."""
    logs = [(math.log(x), math.log(y)) for x, y in zip(xs, ys, strict=True) if x > 0 and y > 0][-FITTED:]
    mean_x, mean_y = (sum(column) / len(logs) for column in zip(*logs, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread if spread else 1.0


def extrapolated(value: float, growth: float, developers: int, whole: int) -> float:
    """What ``value`` of so many developers is for the whole, growing no slower than linearly."""
    return value * (whole / developers) ** max(growth, 1.0)


@dataclass(frozen=True)
class Growth:
    """A step over all sizes: its seconds by size, their slope, what the largest read and wrote, and the seconds of the whole."""

    name: str
    seconds: tuple[float, ...]
    slope: float
    rows: int
    read: int
    whole: float


def growths(sizes: Sequence[Measured], whole: int) -> list[Growth]:
    """The steps of all sizes, the dearest first; those that take next to nothing as one."""
    largest = sizes[-1]
    small = {step.name for step in largest.steps if step.processor < LEAST}
    names = [step.name for step in largest.steps if step.name not in small]
    grown = [_growth(name, {name}, sizes, whole) for name in names]
    if small:
        grown.append(_growth(f"{len(small)} others", small, sizes, whole))
    return sorted(grown, key=lambda growth: -growth.whole)


def _growth(name: str, of: set[str], sizes: Sequence[Measured], whole: int) -> Growth:
    steps = [[step for step in one.steps if step.name in of] for one in sizes]
    seconds = tuple(sum(step.processor for step in taken) for taken in steps)
    growth = slope([one.developers for one in sizes], seconds)
    rows, read = (sum(getattr(step, what) for step in steps[-1]) for what in ("rows", "read"))
    return Growth(name, seconds, growth, rows, read, extrapolated(seconds[-1], growth, sizes[-1].developers, whole))


# -- the table ---------------------------------------------------------------------------------------------------------


def table(sizes: Sequence[Measured], whole: int) -> str:
    """The measured sizes, the growth of every step, and what the whole is by that, in Markdown."""
    grown = growths(sizes, whole)
    return (
        "\n".join([*_of_sizes(sizes, whole), "", *_of_steps(sizes, grown, whole), "", *_of_machines(grown, whole)])
        + "\n"
    )


def _of_sizes(sizes: Sequence[Measured], whole: int) -> list[str]:
    lines = ["| developers | rows | lake | stored facts | peak memory |", "|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {one.developers:,} | {one.rows:,} | {_gigabytes(one.lake)} | {_gigabytes(one.facts)} | {one.peak_mib:,.0f} MiB |"
        for one in sizes
    ]
    last = sizes[-1]
    developers = [one.developers for one in sizes]
    rows, lake, facts = (
        extrapolated(
            getattr(last, what), slope(developers, [getattr(one, what) for one in sizes]), last.developers, whole
        )
        for what in ("rows", "lake", "facts")
    )
    return [*lines, f"| {whole:,} (extrapolated) | {rows:,.0f} | {_gigabytes(lake)} | {_gigabytes(facts)} | |"]


def _of_steps(sizes: Sequence[Measured], grown: Sequence[Growth], whole: int) -> list[str]:
    heads = " | ".join(f"{one.developers:,}" for one in sizes)
    lines = [f"| step | {heads} | slope | rows | read | {whole:,} |", "|---|" + "--:|" * (len(sizes) + 4)]
    for one in grown:
        seconds = " | ".join(f"{value:,.1f} s" for value in one.seconds)
        lines.append(
            f"| {one.name} | {seconds} | {one.slope:.2f} | {one.rows:,} | {_gigabytes(one.read)} | {one.whole:,.0f} s |"
        )
    totals = [sum(step.processor for step in one.steps) for one in sizes]
    growth = slope([one.developers for one in sizes], totals)
    seconds = " | ".join(f"{value:,.1f} s" for value in totals)
    return [*lines, f"| **all** | {seconds} | {growth:.2f} | | | {sum(one.whole for one in grown):,.0f} s |"]


def _of_machines(grown: Sequence[Growth], whole: int) -> list[str]:
    hours = sum(one.whole for one in grown) / 3600
    lines = [f"| cores | hours for {whole:,} developers, all cores busy |", "|--:|--:|"]
    return [*lines, *(f"| {cores} | {hours / cores:.2f} |" for cores in CORES)]


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:,.2f} GB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=Path, required=True)
    parser.add_argument("--sizes", default="500,1000,2000,5000")
    parser.add_argument("--whole", type=int, default=100_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--again", action="store_true", help="measure anew what was measured")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(run(options.homes, options.child, options.out)))
        return
    sizes = []
    for developers in sorted(int(text) for text in options.sizes.split(",")):
        kept = options.homes / str(developers) / "measured.json"
        if options.again or not kept.exists():
            one = measured(options.homes, developers)
            kept.write_text(json.dumps(asdict(one)))
        sizes.append(Measured.of(json.loads(kept.read_text())))
        print(f"{developers:,} developers: {sum(step.processor for step in sizes[-1].steps):,.0f} s", file=sys.stderr)
    text = table(sizes, options.whole)
    print(text, end="")
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
