"""``leadline facts``: files of rows; the rows themselves are tested with the facts."""

from __future__ import annotations

import csv
import gzip
import io
import json

from .running import Leadline


def test_commits_as_csv(company: Leadline) -> None:
    company("facts", "commits", "-o", "c.csv")
    rows = list(csv.DictReader(io.StringIO((company.cwd / "c.csv").read_bytes().decode())))
    assert list(rows[0]) == (
        [
            "repository",
            "sha",
            "author_email",
            "developer",
            "team",
            "authored_at",
            "additions",
            "deletions",
            "credited",
            "why",
            "ai_tool",
            "ai_why",
            "team_id",
        ]
    )
    assert {row["developer"] for row in rows} == {"ben@example.com", "dan@example.com"}


def test_facts_are_joined_to_rows_of_people_by_team(company: Leadline) -> None:
    days = ("--start", "2026-01-01", "--end", "2026-02-28")
    done = company("export", "productivity", "--org-tree", "Research", *days, "--metric", "PR_Merged", "-o", "-").stdout
    people = list(csv.DictReader(io.StringIO(done)))
    assert list(people[0])[-1] == "Team_Id"
    teams = {(row["Email"], row["Team_Id"], row["Team_Hierarchy"]) for row in people}
    for fact in ("pull-requests", "work-items", "commits"):
        rows = list(csv.DictReader(io.StringIO(company("facts", fact, "-o", "-").stdout)))
        known = {(row["developer"], row["team_id"], row["team"]) for row in rows if row["developer"]}
        assert known
        assert known <= teams
        assert list(rows[0])[-1] == "team_id"


def test_pull_requests_of_a_developer_and_a_range(company: Leadline) -> None:
    done = company.json("facts", "pull-requests", "--developer", "ben@example.com", "-o", "p.jsonl.gz")
    assert done["rows"] == 1
    (row,) = gzip.decompress((company.cwd / "p.jsonl.gz").read_bytes()).splitlines()
    assert json.loads(row)["number"] == 1
    assert company.json("facts", "pull-requests", "--start", "2026-02-01", "-o", "p.parquet")["rows"] == 2


def test_stdout_is_csv(company: Leadline) -> None:
    out = company("facts", "pull-requests", "--start", "2026-02-01", "--end", "2026-02-03", "-o", "-").stdout
    assert out.startswith("repository,number,author,developer,team,created_at,")
    assert len(out.splitlines()) == 2


def test_unknown_scopes_are_refused(company: Leadline) -> None:
    assert "Invalid --org-tree" in company("facts", "commits", "--org-tree", "X", "-o", "c.csv", code=2).stderr
    assert "Invalid --team" in company("facts", "commits", "--team", "0", "-o", "c.csv", code=2).stderr
    assert not (company.cwd / "c.csv").exists()
