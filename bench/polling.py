"""How fast polls are answered while exports run: 100 polls a second, idle and with an org-wide export always running.

Prints p50 and p99 of both, and their ratio; the wanted figure is a p99 of 50 ms or less while exports run.

    python bench/polling.py [--home FOLDER | --developers 2000 --months 12] [--seconds 15] [--rate 100]
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from served import Service, service

CLIENTS = 10


def poll(served: Service, export_id: str, rate: float, seconds: float) -> list[float]:
    """Latencies (seconds) of polls at ``rate`` a second from ``CLIENTS`` threads that do not wait for each other."""
    latencies: list[float] = []
    start = time.perf_counter() + 0.1

    def client(number: int) -> None:
        for turn in range(int(rate * seconds / CLIENTS)):
            planned = start + (turn * CLIENTS + number) / rate
            time.sleep(max(0.0, planned - time.perf_counter()))
            sent = time.perf_counter()
            served.state(export_id)
            latencies.append(time.perf_counter() - sent)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--developers", type=int, default=2000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 30))
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=100)
    given = parser.parse_args()
    start = given.until - timedelta(days=given.months * 30)
    with service(given.home, developers=given.developers, months=given.months, until=given.until) as served:
        watched = served.create({"orgTreeName": served.tree}, start, given.until)
        served.wait(watched, 0.2)
        idle = poll(served, watched, given.rate, given.seconds)
        ended = threading.Event()
        exports: list[float] = []

        def keep_busy() -> None:
            while not ended.is_set():
                began = time.perf_counter()
                served.wait(served.create({"orgTreeName": served.tree}, start, given.until), 0.1)
                exports.append(time.perf_counter() - began)

        busy_thread = threading.Thread(target=keep_busy)
        busy_thread.start()
        busy = poll(served, watched, given.rate, given.seconds)
        ended.set()
        busy_thread.join()
    print(f"{given.rate:.0f} polls a second for {given.seconds:.0f} s each, {len(exports)} org-wide exports meanwhile")
    for name, values in (("idle", idle), ("exporting", busy)):
        print(
            f"{name:>10}: p50 {percentile(values, 0.5) * 1000:6.1f} ms   p99 {percentile(values, 0.99) * 1000:6.1f} ms"
        )
    print(f"     ratio: p99 {percentile(busy, 0.99) / percentile(idle, 0.99):.1f}x")


if __name__ == "__main__":
    main()
