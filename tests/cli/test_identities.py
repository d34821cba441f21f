"""``leadline identities``: who each account is and why; mapping one by hand."""

from __future__ import annotations

from .running import Leadline


def test_every_account_with_its_reason(company: Leadline) -> None:
    found = {(each["domain"], each["account"]): each for each in company.json("identities")}
    assert found["code", "ben-ito"]["developer"] == "ben@example.com"
    assert found["code", "ben-ito"]["reason"] == "mapped as an account of github"
    assert found["git", "dan@example.com"]["commits"] == 1
    assert found["code", "stranger"]["developer"] is None
    assert found["code", "stranger"]["total"] == 1


def test_an_unmatched_account_is_mapped(company: Leadline) -> None:
    assert [each["account"] for each in company.json("identities", "--unmatched")] == ["stranger"]
    company("identities", "set", "GitHub", "Stranger", "Cleo@example.com")
    assert company.json("identities", "--unmatched") == []
    assert company("identities", "--unmatched").stdout == "No unmatched account.\n"


def test_only_to_a_developer(company: Leadline) -> None:
    done = company("identities", "set", "github", "stranger", "cloe@example.com", code=1)
    assert done.stderr.startswith("error: cloe@example.com is no developer's email; near: cleo@example.com")
    assert [each["account"] for each in company.json("identities", "--unmatched")] == ["stranger"]


def test_for_people_at_80_columns(company: Leadline) -> None:
    lines = company("identities", env={"COLUMNS": "80"}).stdout.splitlines()
    assert lines[0].split() == ["source", "account", "developer", "events", "why"]
    assert lines[1].split()[:4] == ["github", "stranger", "(nobody)", "1"]
    assert max(map(len, lines)) <= 80


def test_an_empty_home(leadline: Leadline) -> None:
    assert "leadline import" in leadline("identities").stdout
