"""What a home grows to by use: 20,000 single-row posts and 500 imports of a file, half of them with a changed row.

Prints how long creating, polling and a whole export of one team take on that home and on one as new, asked in turn, which are
wanted to be as fast, and what lies in the tables that were written to: files that are read, versions, and files on the disk.

    python bench/growth.py [--developers 200 --months 3] [--posts 20000] [--rate 500] [--imports 500] [--samples 200]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from leadline.demo import fill
from leadline.home import Home
from leadline.ingest.importing import import_paths
from leadline.lake.storage import LOG
from push import posting
from served import Service, service

TABLES = ("deployments", "builds", "incidents", "releases")
"""What is posted and imported to."""


def timed(served: Service, start: date, end: date, turn: int) -> dict[str, list[float]]:
    """Seconds of creating, of polling, and of a whole export of one small team."""
    began = time.perf_counter()
    export = served.create({"teamId": str(served.teams[0])}, start, end - timedelta(days=turn % 30))
    created = time.perf_counter()
    served.wait(export, 0.01)
    taken = {"create": [created - began], "export": [time.perf_counter() - began], "poll": []}
    for _ in range(10):
        began = time.perf_counter()
        served.state(export)
        taken["poll"].append(time.perf_counter() - began)
    return taken


def compared(homes: dict[str, Service], start: date, end: date, samples: int) -> dict[str, dict[str, list[float]]]:
    """By what was done and by home: seconds of each time. The homes are asked in turn, so that what else the machine does
    meanwhile meets them alike."""
    taken: dict[str, dict[str, list[float]]] = {}
    for turn in range(samples):
        for home in homes if turn % 2 else reversed(homes):
            for what, seconds in timed(homes[home], start, end, turn).items():
                taken.setdefault(what, {}).setdefault(home, []).extend(seconds)
    return taken


def post(served: Service, count: int, rate: float) -> None:
    """Post ``count`` rows and wait until the tables have them."""
    with posting(served, served.keys["ingestion"], rate, 0) as poster:
        while poster.next < count:
            time.sleep(0.01)
    if poster.failures:
        raise SystemExit(f"{poster.failures} posts were refused")


def import_again(home: Home, folder: Path, count: int) -> None:
    """Import a file ``count`` times; every other time one of its rows is another."""
    path = folder / "releases.csv"
    for turn in range(count):
        rows = [f"acme/shop,v{number},2026-03-01T00:00:{number % 60:02d}Z" for number in range(200)]
        rows[0] = f"acme/shop,v0,2026-03-02T{turn // 2 // 60:02d}:{turn // 2 % 60:02d}:00Z"
        path.write_text("\n".join(["repository,tag,published_at", *rows]) + "\n")
        if not import_paths(home.project(), [path]).ok:
            raise SystemExit("an import was refused")


def size_of(home: Home) -> dict[str, tuple[int, int, int, int]]:
    """By table: files that are read, versions, entries of the log, files on the disk."""
    lake, sizes = home.project().lake, {}
    for table in TABLES:
        folder = Path(lake.storage.location(table))
        entries, data = len(list((folder / LOG).glob("*"))), len(list(folder.glob("*.parquet")))
        sizes[table] = (len(lake.newest([table]).files(table)), (lake.version(table) or 0) + 1, entries, data)
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--developers", type=int, default=200)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 30))
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--imports", type=int, default=500)
    parser.add_argument("--samples", type=int, default=200)
    given = parser.parse_args()
    start = given.until - timedelta(days=given.months * 30)
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as temporary:
        folder, as_new = Path(temporary) / "used", Path(temporary) / "new"
        with Home.open(folder) as home:
            fill(home.project(), developers=given.developers, months=given.months, until=given.until)
        shutil.copytree(folder, as_new)
        demo = {"developers": 0, "months": 0, "until": given.until}
        with service(as_new, **demo) as new, service(folder, **demo) as used, Home.open(folder) as home:
            began = time.perf_counter()
            post(used, given.posts, given.rate)
            posted = time.perf_counter() - began
            import_again(home, Path(temporary), given.imports)
            imported = time.perf_counter() - began - posted
            homes = {"new": new, "used": used}
            compared(homes, start, given.until, 30)
            taken = compared(homes, start, given.until, given.samples)
            sizes = size_of(home)
        database = sum(path.stat().st_size for path in folder.glob("leadline.db*"))
        disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{given.posts} posts in {posted:.0f} s, {given.imports} imports in {imported:.0f} s")
    for what, seconds in taken.items():
        unused, after = (percentile(seconds[name], 0.5) * 1000 for name in ("new", "used"))
        print(f"{what:>8}: p50 new {unused:7.1f} ms, used {after:7.1f} ms, ratio {after / unused:.2f}")
    for table, (read, versions, entries, data) in sizes.items():
        print(
            f"{table:>12}: {read} files read, {versions} versions, {entries} entries of the log, {data} files on the disk"
        )
    print(f"database {database / 1024:,.0f} KiB, home {disk / 2**20:,.1f} MiB")


if __name__ == "__main__":
    main()
