"""``leadline identities``: who each account is and why; mapping one by hand."""

from __future__ import annotations

from leadline.lake import Lake

from .running import Leadline, write_tables

TOLD = {
    "tool_accounts": """\
        source,account,email,name
        github,Stranger,,Cleo Ray
        github,ben-ito,nobody@example.com,Ben
        jira,712020:AB,dan@Example.com,Somebody
        """,
    "work_items": """\
        project,key,type,status_category,assignee,completed_at,source
        SHOP,SHOP-2,Story,done,712020:ab,2026-01-08T09:00:00Z,jira
        SHOP,SHOP-3,Story,done,712020:ff,2026-01-08T09:00:00Z,jira
        """,
}


def test_every_account_with_its_reason(company: Leadline) -> None:
    accounts = {(row["domain"], row["account"]): row for row in company.json("identities")}
    assert accounts["code", "ben-ito"]["developer"] == "ben@example.com"
    assert accounts["code", "ben-ito"]["reason"] == "mapped as an account of github"
    assert accounts["git", "dan@example.com"]["commits"] == 1
    assert accounts["code", "stranger"]["developer"] is None
    assert accounts["code", "stranger"]["total"] == 1


def test_an_unmatched_account_is_mapped(company: Leadline) -> None:
    assert [row["account"] for row in company.json("identities", "--unmatched")] == ["stranger"]
    company("identities", "set", "GitHub", "Stranger", "Cleo@example.com")
    assert company.json("identities", "--unmatched") == []
    assert company("identities", "--unmatched").stdout == "No unmatched account.\n"


def test_only_to_a_developer(company: Leadline) -> None:
    done = company("identities", "set", "github", "stranger", "cloe@example.com", code=2)
    assert done.stderr.startswith("error: cloe@example.com is no developer's email; near: cleo@example.com")
    assert [row["account"] for row in company.json("identities", "--unmatched")] == ["stranger"]


def test_for_people_at_80_columns(company: Leadline) -> None:
    lines = company("identities", env={"COLUMNS": "80"}).stdout.splitlines()
    assert lines[0].split() == ["source", "account", "developer", "events", "why"]
    assert lines[1].split()[:4] == ["github", "stranger", "(nobody)", "1"]
    assert max(map(len, lines)) <= 80


def test_an_empty_home(leadline: Leadline) -> None:
    assert "leadline import" in leadline("identities").stdout


def test_what_tools_say_matches_by_email_and_suggests_by_name(company: Leadline) -> None:
    company("import", write_tables(company.cwd / "told", TOLD))
    accounts = {row["account"]: row for row in company.json("identities")}
    assert accounts["712020:ab"]["developer"] == "dan@example.com"
    assert accounts["712020:ab"]["reason"] == "the tool says its email is dan@example.com"
    assert (accounts["712020:ab"]["name"], accounts["712020:ab"]["suggestion"]) == ("Somebody", None)
    assert accounts["ben-ito"]["reason"] == "mapped as an account of github"
    lost = [(row["account"], row["name"], row["suggestion"]) for row in company.json("identities", "--unmatched")]
    assert lost == [("stranger", "Cleo Ray", "cleo@example.com"), ("712020:ff", None, None)]
    heading, line, _ = company("identities", "--unmatched").stdout.splitlines()
    assert heading.split() == ["source", "account", "name", "suggestion", "events", "why"]
    assert line.split()[:6] == ["github", "stranger", "Cleo", "Ray", "cleo@example.com", "1"]
    folded = company("identities", "--unmatched", env={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, folded)) <= 80


def test_the_same_said_again_leaves_every_version_as_it_was(company: Leadline) -> None:
    folder = write_tables(company.cwd / "told", TOLD)
    company("import", folder)
    lake = Lake(company.home / "projects" / "default" / "default" / "lake")
    before = lake.snapshot().versions
    assert "tool_accounts" in before
    company("import", folder)
    assert lake.snapshot().versions == before
