"""The first hour of somebody with a company on GitHub and a list of its people: from nothing to a true number in two commands."""

from __future__ import annotations

import csv
import io

import pytest

from stubs.github import TOKEN
from stubs.github_company import OWNER, company, merged_by, people_csv
from stubs.server import serving

from .running import Leadline

TEAMS = 6


@pytest.mark.slow
def test_two_commands_to_a_true_number(leadline: Leadline) -> None:
    hub = company(repositories=40, pulls=5, teams=TEAMS)
    (leadline.cwd / "people.csv").write_text(people_csv(TEAMS))
    with serving(hub) as url:
        words = ("--source", "github", "--target", OWNER, "--url", url, "--people", "people.csv", "--yes")
        first = leadline("init", *words, env={"GITHUB_TOKEN": TOKEN})
    for all_of in (f"{40 * 5} of {40 * 5} pull requests", f"{40 * 5 * 3} of {40 * 5 * 3} commits"):
        assert all_of in first.stdout
    days = ("--start", "2026-01-01", "--end", "2026-01-31")
    second = leadline("export", "productivity", *days, "--level", "team", "--metric", "PR_Merged", "-o", "-")
    rows = {row["Team"]: int(row["PR_Merged"]) for row in csv.DictReader(io.StringIO(second.stdout))}
    assert rows == {f"Team {team}": merged_by(hub, team) for team in range(TEAMS)} | {"Engineering": 40 * 5}
