"""How many single-row posts a server takes, and what they do to exports: 500 a second, with exports of one small team beside.

Prints p50 and p99 of the posts (from the moment each was due), and the time of an export with and without posts, in
rounds that take turns; the wanted figure is a ratio of 2 or less. Checks in the end that the tables have every row.

    python bench/push.py [--home FOLDER | --developers 500 --months 6] [--rate 500] [--seconds 20] [--rounds 2] [--comments]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from leadline.db import keys
from leadline.home import Home
from leadline.ingest.pushed import deliver_pushed
from served import Service, service

CONNECTIONS = 200
STARTED = 1_772_000_000_000
RUN = f"push-{time.time_ns():x}"
"""Keys of this run: a home may be pushed to again."""


def request(served: Service, key: str, number: int, comments: bool) -> bytes:
    """One post: by turns a deployment, a build, an incident as a row, and (if so) a comment, which exports read."""
    path, body = (
        ("/v1/custom-cicd", _run(number, cd=True)),
        ("/v1/custom-cicd", _run(number, cd=False)),
        ("/v2/ingest/incidents", [{"incident_id": f"{RUN}-{number}", "created_at": "2026-03-01T12:00:00Z"}]),
        ("/v2/ingest/comments", [_comment(number)]),
    )[number % (3 + comments)]
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {served.address}\r\nSEI_API_KEY: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def _run(number: int, *, cd: bool) -> dict[str, object]:
    return {
        "pipeline": "deploy",
        "job_full_name": "shop/deploy",
        "qualified_name": "shop/deploy",
        "instance_name": "ci",
        "instance_guid": "5f0c",
        "start_time": STARTED + number * 1000,
        "duration": 60_000,
        "result": "SUCCESS",
        "execution_id": f"{RUN}-{number}",
        "repo_url": "https://code.example.com/example/pushed.git",
        "cd": cd,
    }


def _comment(number: int) -> dict[str, object]:
    return {
        "repository": "example/pushed",
        "number": number,
        "comment_id": f"{RUN}-{number}",
        "author": "nobody",
        "kind": "review",
        "created_at": "2026-03-01T12:00:00Z",
    }


class Poster:
    """Posts at a fixed rate from ``CONNECTIONS`` kept connections until told to stop."""

    def __init__(self, served: Service, key: str, rate: float, first: int, comments: bool) -> None:
        self.served, self.key, self.rate, self.comments = served, key, rate, comments
        self.next = first
        self.latencies: list[float] = []
        self.failures = 0
        self.stop = threading.Event()

    async def run(self) -> None:
        due: asyncio.Queue[tuple[float, int] | None] = asyncio.Queue()
        posting = [asyncio.create_task(self._post(due)) for _ in range(CONNECTIONS)]
        start, sent = time.perf_counter(), 0
        while not self.stop.is_set():
            wanted = int((time.perf_counter() - start) * self.rate)
            for _ in range(wanted - sent):
                due.put_nowait((start + sent / self.rate, self.next))
                self.next += 1
                sent += 1
            await asyncio.sleep(0.002)
        for _ in posting:
            due.put_nowait(None)
        await asyncio.gather(*posting)

    async def _post(self, due: asyncio.Queue[tuple[float, int] | None]) -> None:
        reader, writer = await asyncio.open_connection(self.served.address, self.served.port)
        while (item := await due.get()) is not None:
            planned, number = item
            writer.write(request(self.served, self.key, number, self.comments))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(length)
            self.latencies.append(time.perf_counter() - planned)
            if not head.startswith(b"HTTP/1.1 202"):
                self.failures += 1
                print(head.split(b"\r\n")[0].decode(), body.decode()[:300])
        writer.close()


@contextmanager
def posting(served: Service, key: str, rate: float, first: int, comments: bool = False) -> Iterator[Poster]:
    poster = Poster(served, key, rate, first, comments)
    thread = threading.Thread(target=lambda: asyncio.run(poster.run()))
    thread.start()
    try:
        yield poster
    finally:
        poster.stop.set()
        thread.join()


def exports(served: Service, start: date, end: date, seconds: float) -> list[float]:
    """Seconds of exports of one small team, one after another with a pause, for ``seconds``."""
    taken = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        served.wait(served.create({"teamId": str(served.teams[0])}, start, end), 0.01)
        taken.append(time.perf_counter() - began)
        time.sleep(0.5)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--developers", type=int, default=500)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 30))
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--comments", action="store_true", help="push rows of a table that the exports read, too")
    given = parser.parse_args()
    start = given.until - timedelta(days=given.months * 30)
    alone: list[float] = []
    beside: list[float] = []
    latencies: list[float] = []
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as temporary:
        folder = given.home or Path(temporary) / "home"
        if given.home is None:
            from leadline.demo import fill

            with Home.open(folder) as home:
                fill(home.project(), developers=given.developers, months=given.months, until=given.until)
        with Home.open(folder) as home:
            before = home.project().lake.snapshot().row_counts()
            key = keys.create(home.db, home.project().id, "bench", "ingestion", now=datetime.now(UTC)).key
        pushed = failures = 0
        with service(folder, developers=0, months=0, until=given.until) as served:
            exports(served, start, given.until, 3)
            for _ in range(given.rounds):
                alone += exports(served, start, given.until, given.seconds / 2)
                with posting(served, key, given.rate, pushed, given.comments) as poster:
                    beside += exports(served, start, given.until, given.seconds)
                pushed = poster.next
                latencies += poster.latencies
                failures += poster.failures
        with Home.open(folder) as home:
            deliver_pushed(home.project())
            after = home.project().lake.snapshot().row_counts()
    rows = sum(after.values()) - sum(before.values())
    rate = pushed / (given.rounds * given.seconds)
    print(f"{pushed} posts in {given.rounds} x {given.seconds:.0f} s, {rate:.0f} a second; {failures} refused")
    for name, values in (("posts", latencies), ("export alone", alone), ("export beside", beside)):
        shown = "   ".join(f"p{at:.0f} {percentile(values, at / 100) * 1000:7.1f} ms" for at in (50, 99))
        print(f"{name:>14}: {shown}   ({len(values)})")
    print(f"         ratio: {percentile(beside, 0.5) / percentile(alone, 0.5):.2f}x (median export)")
    print(f"   rows pushed: {rows} in the tables of {pushed} acknowledged")
    if rows != pushed or failures:
        raise SystemExit("rows are missing")


if __name__ == "__main__":
    main()
