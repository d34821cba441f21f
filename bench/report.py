"""How long a report of one team takes over HTTP, on the demo home with nine months of data.

The team is the one nearest to ``--people`` developers; the wanted figure is a p95 of 0.3 s or less. The floor printed beside
it is the catalogue, answered by the same server without reading any data. Reports are asked for one after another, and by
two clients at once.

    python bench/report.py [--home DIR] [--developers 240] [--people 50] [--reports 60]
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from served import Service, service

START, END = date(2025, 10, 1), date(2026, 6, 30)
PATH = "/v2/insights/teams/reports?format=csv"
BODIES: dict[str, dict[str, Any]] = {
    "efficiency": {"efficiency": {"metrics": []}, "includeRatings": True},
    "productivity": {"productivity": {"metrics": []}},
    "contributors": {"productivityContributors": {"metrics": []}},
    "both": {"efficiency": {"metrics": [], "calculationType": "P90"}, "productivity": {"metrics": []}},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--developers", type=int, default=240)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--reports", type=int, default=60)
    given = parser.parse_args()
    with service(given.home, developers=given.developers, months=9, until=END, workers=0) as served:
        people, team = min((abs(count - given.people), count, team) for team, count in served.heads.items())[1:]
        print(f"a team of {people} developers, {START} to {END}")
        floor = [timed(served, "GET", "/v2/insights/efficiency/metrics", None) for _ in range(given.reports)]
        line("the catalogue", floor)
        for name, body in BODIES.items():
            first = timed(served, "POST", PATH, asked(team, body))
            taken = [timed(served, "POST", PATH, asked(team, body)) for _ in range(given.reports)]
            line(f"{name} (first {first:.2f} s)", taken)
            print(f"    ratio to the floor: p50 {percentile(taken, 0.5) / percentile(floor, 0.5):.0f}x")
        line("both, two clients at once", at_once(served, asked(team, BODIES["both"]), given.reports // 2))


def asked(team: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"dateStart": START.isoformat(), "dateEnd": END.isoformat(), "teamRefId": team, **body}


def timed(served: Service, method: str, path: str, body: Any) -> float:
    """Seconds of one request on a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(served.address, served.port, timeout=60)
    headers = {"SEI_API_KEY": served.key, "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{method} {path}: {answer.status} {raw.decode()}")
    return time.perf_counter() - began


def at_once(served: Service, body: dict[str, Any], each: int) -> list[float]:
    taken: list[float] = []
    clients = [
        threading.Thread(target=lambda: taken.extend(timed(served, "POST", PATH, body) for _ in range(each)))
        for _ in range(2)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return taken


def line(name: str, values: list[float]) -> None:
    print(f"{name}: p50 {percentile(values, 0.5):.3f} s   p95 {percentile(values, 0.95):.3f} s")


if __name__ == "__main__":
    main()
