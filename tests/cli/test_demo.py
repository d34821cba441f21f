"""``leadline demo``: what it says and refuses; what it makes up is tested with the demo. And ``make demo``, the script."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from .running import Leadline, environment

SCRIPT = Path(__file__).parents[2] / "examples" / "demo.py"


def test_a_demo_says_what_to_try_next_and_is_there_once(leadline: Leadline) -> None:
    options = ("--developers", "12", "--months", "1", "--until", "2026-06-30")
    out = leadline("demo", *options, env={"COLUMNS": "80"}).stdout
    assert out.startswith("12 made-up developers from ")
    assert "leadline export productivity --org-tree Engineering" in out
    assert max(map(len, out.splitlines())) <= 80
    days = re.search(r"--start (\S+) --end (\S+) ", out)
    assert days is not None
    first, last = map(date.fromisoformat, days.groups())
    assert (last - first).days >= 27, "also on the first day of a month"
    again = leadline.json("demo", *options)
    assert again["changed"] is False
    assert again["rows"] == leadline.rows()


def test_it_does_not_mix_with_real_data(company: Leadline) -> None:
    before = company.rows()
    assert company("demo", "--developers", "12", "--months", "1", code=1).stderr.startswith("error: ")
    assert company.rows() == before


@pytest.mark.slow
def test_the_demo_script_shows_two_exports_and_the_facts_behind_a_number(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "home")]
    done = subprocess.run(
        command, env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and " leadline --home " not in line] == []
    assert re.search(r"^  http://127\.0\.0\.1:8080/sign-in\?once=[\w-]{43}$", done.stdout, re.MULTILINE)
    assert re.search(
        r"^  Month +Developer +Team .*\n(  [A-Z][a-z]{2} 20\d\d .*\n){8}  … 4[678]\d rows", done.stdout, re.MULTILINE
    )
    assert re.search(
        r"^  Team +Lead days .*\n  Engineering +\d.*(High|Medium)\n(.*\n){7}  … 75 rows", done.stdout, re.MULTILINE
    )
    # The script has recomputed the number from these facts, and would have stopped if it came out otherwise.
    assert re.search(r"is the mean of \d+ work items", done.stdout)
    assert re.search(
        r"planning [\d.]+ \+ .* days (dep-\w{16}|release:\S+) carries it; linked: ", re.sub(r"\s+", " ", done.stdout)
    )
    again = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
