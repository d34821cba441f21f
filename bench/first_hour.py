"""The first hour of a new user: `python bench/first_hour.py [--repositories 40] [--pulls 6000] [--latency 0.05]`.

A stub on loopback in a process of its own is the GitHub of a company of 60, which answers 50 ms after being asked. From an empty
folder: `leadline init` with the organization, a token and an HR list, then a first export, and the first page of `leadline serve`.
Prints each command with its seconds; the number that the export tells is held against what the stub holds.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent))
from frame import stub
from stubs.github import TOKEN
from stubs.github_company import OWNER, people_csv

TREE = "Engineering"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=40)
    parser.add_argument("--pulls", type=int, default=6000)
    parser.add_argument("--latency", type=float, default=0.05)
    options = parser.parse_args()
    each = options.pulls // options.repositories
    hub = f"github_company.company(repositories={options.repositories}, pulls={each}, latency={options.latency})"
    with stub(hub) as tool, TemporaryDirectory() as folder:
        began = time.perf_counter()
        user = User(Path(folder))
        (user.folder / "people.csv").write_text(people_csv())
        print(user.run(f"leadline init --source github --target {OWNER} --url {tool.url} --people people.csv --yes"))
        days = "--start 2026-01-01 --end 2026-01-31"
        user.run(f"leadline export productivity {days} --level team --metric PR_Merged -o january.csv")
        with (user.folder / "january.csv").open() as file:
            (merged,) = (int(row["PR_Merged"]) for row in csv.DictReader(file) if row["Team"] == TREE)
        print(f"{merged:,} merged pull requests, {each * options.repositories:,} at the tool")
        user.serve()
        print(f"from nothing to the page: {time.perf_counter() - began:.1f} s")
        if merged != each * options.repositories:
            raise SystemExit("the first number is wrong")


class User:
    """Somebody with an empty folder and a token in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "LEADLINE_HOME": str(folder / "home"), "GITHUB_TOKEN": TOKEN}

    def run(self, line: str) -> str:
        """Run a command line; what it prints."""
        began = time.perf_counter()
        done = subprocess.run(
            _command(line), cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        print(f"$ {line}\n  {time.perf_counter() - began:.1f} s")
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return done.stdout

    def serve(self) -> None:
        """Serve the home until its page answers whoever follows the link."""
        began = time.perf_counter()
        line = "leadline serve --port 0"
        with subprocess.Popen(
            _command(line),
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            assert server.stdout is not None
            try:
                link = next(found[0] for text in server.stdout if (found := re.search(r"http\S+/sign-in\S+", text)))
                browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
                browser.open(link, timeout=120).read()
                print(f"$ {line}\n  {time.perf_counter() - began:.1f} s")
            finally:
                server.terminate()


def _command(line: str) -> list[str]:
    return [sys.executable, "-m", *shlex.split(line)]


if __name__ == "__main__":
    main()
