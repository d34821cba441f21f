"""How long one team's quarter takes from create to completed, over HTTP, on the demo home.

Every export is new (another team or range, never reused); the wanted figure is a p50 of 0.2 s or less. The floor printed
beside it is a create followed by a poll, answered by the same server without waiting for the export.

    python bench/one_team.py [--developers 120] [--exports 40]
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from pathlib import Path

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from served import service

START, END = date(2026, 4, 1), date(2026, 6, 30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--developers", type=int, default=120)
    parser.add_argument("--exports", type=int, default=40)
    given = parser.parse_args()
    with service(given.home, developers=given.developers, months=9, until=END) as served:
        served.wait(served.create({"orgTreeName": served.tree}, START, END), 0.05)
        taken, floor = [], []
        for number in range(given.exports):
            team = served.teams[number % len(served.teams)]
            began = time.perf_counter()
            export_id = served.create({"teamId": team}, START, END)
            served.state(export_id)
            floor.append(time.perf_counter() - began)
            served.wait(export_id, 0.01)
            taken.append(time.perf_counter() - began)
    print(f"{given.exports} exports of one team and one quarter")
    for name, values in (("create to completed", taken), ("create and one poll", floor)):
        print(f"{name}: p50 {percentile(values, 0.5):.3f} s   p95 {percentile(values, 0.95):.3f} s")
    print(f"ratio: p50 {percentile(taken, 0.5) / percentile(floor, 0.5):.1f}x")


if __name__ == "__main__":
    main()
