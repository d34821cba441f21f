"""How fast the page answers: every screen of it by itself, and many people clicking at once beside an org-wide export.

Prints per screen the first look, p50 and p95 of later ones (over a loopback socket) and the bytes that come; the first look at all
people over ranges that nobody has asked for; then p50, p95 and errors of the crowd, on screens of teams that nobody has looked at
yet, and again. Wanted: 150 ms (p95) per screen of the demo, 1 s for any range of 20,000 people, 300 ms in the crowd, 60 kB per
later visit.

    python bench/page.py [--home FOLDER | --developers 120 --months 9] [--looks 20] [--ranges 5] [--people 50] [--seconds 60]
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import httpx

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from leadline.page.screens import SCREENS
from served import Service, service

PAUSE_SECONDS = 1.0
"""How long somebody looks before they click again, on average."""
REFRESH_SECONDS = 0.5
"""After how long a page that says what is being computed asks again, as in a browser."""
WHOLE = ("/delivery", "/productivity")
"""The screens that are of all people."""


def signed_in(served: Service) -> httpx.Client:
    """A browser with a session of an admin."""
    base = f"http://{served.address}:{served.port}"
    browser = httpx.Client(base_url=base, timeout=120, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
    answer = browser.post("/sign-in", data={"key": served.keys["admin"], "next": "/docs"}, headers={"Origin": base})
    assert answer.status_code == 303, answer.text
    return browser


def look(browser: httpx.Client, path: str) -> tuple[float, int]:
    """Seconds until ``path`` is there, and the bytes of it as they come; a page that asks to wait is asked again."""
    began = time.perf_counter()
    while True:
        with browser.stream("GET", path) as answer:
            size = sum(map(len, answer.iter_raw()))
        if answer.status_code != 202:
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            return time.perf_counter() - began, size
        time.sleep(REFRESH_SECONDS)


def screens(browser: httpx.Client, query: str, looks: int) -> None:
    """Look at every screen."""
    print(f"{'screen':16}{'first':>10}{'p50':>10}{'p95':>10}{'bytes':>10}")
    for screen in SCREENS:
        first, _ = look(browser, screen.path + query)
        later = [look(browser, screen.path + query) for _ in range(looks)]
        seconds = [took for took, _ in later]
        times = (first, percentile(seconds, 0.5), percentile(seconds, 0.95))
        print(f"{screen.path:16}" + "".join(f"{took * 1000:7.0f} ms" for took in times) + f"{later[-1][1]:>10,}")


def other_ranges(browser: httpx.Client, start: date, end: date, ranges: int) -> None:
    """Look at all people over ranges that nobody has asked for, each some days shorter than the one before."""
    took: dict[str, list[float]] = {path: [] for path in WHOLE}
    for days in range(1, ranges + 1):
        query = f"?from={start + timedelta(days)}&to={end - timedelta(days)}"
        for path, seconds in took.items():
            seconds.append(look(browser, path + query)[0])
    for path, seconds in took.items():
        print(f"{path:16} of {ranges} further ranges: " + ", ".join(f"{one * 1000:.0f}" for one in seconds) + " ms")


def crowd(served: Service, addresses: Sequence[str], people: int, seconds: float, until: date) -> None:
    """``people`` who click on ``addresses`` for so long, while an org-wide export is made again and again."""
    took: list[float] = []
    errors: list[str] = []
    end = time.perf_counter() + seconds

    def person(number: int) -> None:
        chosen = random.Random(number)
        browser = signed_in(served)
        while time.perf_counter() < end:
            time.sleep(chosen.uniform(0, 2 * PAUSE_SECONDS))
            try:
                took.append(look(browser, chosen.choice(addresses))[0])
            except (AssertionError, httpx.HTTPError) as error:
                errors.append(str(error))

    def export() -> None:
        while time.perf_counter() < end:
            served.wait(served.create({"orgTreeName": served.tree}, until - timedelta(days=364), until), 0.2)

    threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
    threads.append(threading.Thread(target=export))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p95 = (percentile(took, share) * 1000 for share in (0.5, 0.95))
    print(f"{people} people: {len(took)} looks, p50 {p50:.0f} ms, p95 {p95:.0f} ms, {len(errors)} errors {errors[:1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--developers", type=int, default=120)
    parser.add_argument("--months", type=int, default=9)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 3, 31))
    parser.add_argument("--looks", type=int, default=20)
    parser.add_argument("--ranges", type=int, default=5)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    start = given.until - timedelta(days=364)
    with service(given.home, developers=given.developers, months=given.months, until=given.until) as served:
        query = f"?from={start}&to={given.until}"
        browser = signed_in(served)
        screens(browser, query, given.looks)
        other_ranges(browser, start, given.until, given.ranges)
        addresses = [f"{screen.path}{query}&team={team}" for screen in SCREENS for team in served.teams[:10]]
        if given.people:
            # What nobody has looked at yet is computed while they click; then what was.
            for _ in range(2):
                crowd(served, addresses, given.people, given.seconds, given.until)


if __name__ == "__main__":
    main()
