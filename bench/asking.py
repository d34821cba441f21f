"""What commands cost that ask, in that of `leadline --version`: `python bench/asking.py [--rounds 15] [--developers 30]`.

Seconds of the processor, user and system, of the command and what it starts, with bytecode that is there already; all in turn, on
a demo of three months that was asked once before. What carries over to other machines is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent))
from frame import Spent, in_turn, measured, ratio

MOST = {"status": 4.0, "keys list": 2.5, "org show": 2.5, "settings": 2.5}
"""What a command may cost, in that of `--version`."""
DAYS = ("--start", "2026-01-01", "--end", "2026-01-31")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--developers", default="30")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        environ = {key: text for key, text in os.environ.items() if not key.startswith("PYTHON")}
        environ |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "LEADLINE_HOME": str(folder / "home")}
        row = "acme/shop,1,A change,dev1,merged,2026-01-02T00:00:00Z,github"
        pulls = folder / "pull_requests.csv"
        pulls.write_text(f"repository,number,title,author,state,created_at,source\n{row}\n")

        def run(*words: str, more: Mapping[str, str] | None = None) -> Spent:
            return measured([sys.executable, "-m", "leadline", *words], environ={**environ, **(more or {})}, cwd=folder)

        completing = {"_LEADLINE_COMPLETE": "complete_bash", "COMP_WORDS": "leadline export pro", "COMP_CWORD": "2"}
        runs = {
            "--version": lambda: run("--version"),
            "--help": lambda: run("--help"),
            "completion": lambda: run(more=completing),
            "keys list": lambda: run("keys", "list"),
            "org show": lambda: run("org", "show"),
            "settings": lambda: run("settings"),
            "status": lambda: run("status"),
            "import": lambda: run("import", str(pulls)),
            "export": lambda: run("export", "productivity", *DAYS, "--level", "team", "-o", "export.csv"),
        }
        run("demo", "--developers", options.developers, "--months", "3", "--until", "2026-03-31")
        for first in runs.values():
            first()
        report(in_turn(options.rounds, runs))


def report(spent: dict[str, list[Spent]]) -> None:
    floor = [each.processor for each in spent["--version"]]
    for name, results in spent.items():
        taken = [each.processor for each in results]
        most = f", at most {MOST[name]}" if name in MOST else ""
        print(f"{name}: {statistics.median(taken):.2f} s, {ratio(taken, floor):.2f} x --version{most}")


if __name__ == "__main__":
    main()
