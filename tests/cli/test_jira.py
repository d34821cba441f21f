"""``leadline sources`` and ``leadline sync jira`` as a user runs them: whole, killed, and what the facts then say."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stubs.jira import TOKEN, USER, Jira, small
from stubs.jira_data import issue
from stubs.server import serving

from .running import Leadline, write_tables

ENV = {"JIRA_TOKEN": TOKEN}
PEOPLE = {
    "developers": """\
        email,full_name,manager_email,team
        eve@example.com,Eve Lead,,Shop
        ada@example.com,Ada Example,eve@example.com,Shop
        ben@example.com,Ben Example,eve@example.com,Shop
        """,
    "identities": """\
        source,account,email
        jira,5b10:ada,ada@example.com
        """,
}


@pytest.fixture
def jira() -> Jira:
    return small()


@pytest.fixture
def url(jira: Jira) -> Iterator[str]:
    with serving(jira) as address:
        yield address


def test_a_source_from_its_adding_to_its_removal(leadline: Leadline, jira: Jira, url: str) -> None:
    added = leadline(
        *("sources", "add", "jira", "SHOP", "--url", url, "--user", USER, "--name", "tickets"),
        *("--field", "story_points=Story point estimate"),
    ).stdout
    assert "Added tickets" in added
    tried = leadline("sources", "test", "tickets", env=ENV).stdout
    assert "1 projects of Bot Example" in tried
    done = leadline("sync", env=ENV)
    assert done.stdout.startswith("tickets: 7 work_items added, 42 work_item_changes added, ")
    assert leadline("sync", env=ENV).stdout.startswith("tickets: nothing new (6 calls, ")
    (status,) = leadline.json("status")["sources"]
    assert (status["name"], status["state"], status["error"]) == ("tickets", "done", None)
    leadline("sources", "remove", "tickets", "--yes")
    assert leadline.rows()["work_items"] == 7
    for path in leadline.home.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["SHOP"], "--url"),
        (["--url", "https://example.atlassian.net"], "--user"),
        (["--url", "https://jira.example.com", "--field", "points=Size"], "COLUMN=FIELD"),
    ],
)
def test_what_cannot_be_is_said(leadline: Leadline, options: list[str], says: str) -> None:
    assert says in leadline("sync", "jira", *options, code=2, env=ENV).stderr


def test_a_token_that_expired_is_seen_in_the_status(leadline: Leadline, jira: Jira, url: str) -> None:
    leadline("sync", "jira", "--url", url, "--user", USER, env=ENV)
    done = leadline("sync", "jira", "--url", url, "--user", USER, code=1, env={"JIRA_TOKEN": "ATATT3x_expired"})
    assert "refuses the token from the variable JIRA_TOKEN" in done.stderr
    (status,) = leadline.json("status")["sources"]
    assert (status["state"], status["succeededAt"] is not None) == ("failed", True)
    assert "ATATT3x_expired" not in done.stderr


def test_killed_again_and_again(leadline: Leadline, jira: Jira, url: str, tmp_path: Path) -> None:
    jira.issues += [issue("SHOP", number) for number in range(8, 500)]
    straight = Leadline(tmp_path / "straight", leadline.cwd)
    straight("sync", "jira", "--url", url, "--user", USER, env=ENV)
    (leadline.cwd / "token").write_text(TOKEN)
    for answered in (6, 9):
        jira.requests.clear()
        jira.latency = 0.05
        process = leadline.start("sync", "jira", "--url", url, "--user", USER, "--token-file", "token")
        deadline = time.monotonic() + 60
        while len(jira.requests) < answered and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait(30)
    assert leadline.json("status")["sources"][0]["state"] in ("not ended", "interrupted")
    jira.latency = 0.0
    leadline("sync", "jira", "--url", url, "--user", USER, env=ENV)
    assert leadline.rows() == straight.rows()
    leadline("status", "--check")


def test_the_facts_of_what_came(leadline: Leadline, jira: Jira, url: str, tmp_path: Path) -> None:
    write_tables(tmp_path / "people", PEOPLE)
    leadline("import", str(tmp_path / "people"))
    leadline("sync", "jira", "SHOP", "--url", url, "--user", USER, env=ENV)
    leadline("facts", "work-items", "--start", "2026-01-01", "--end", "2026-01-31", "-o", "items.csv")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO((leadline.cwd / "items.csv").read_text()))}
    assert len(rows) == 7
    first = rows["SHOP-1"]
    assert first["developer"] == "ada@example.com"
    assert first["started_at"].startswith("2026-01-05T11:20")  # its first change to in progress
    assert first["completed_at"].startswith("2026-01-05T12:10")  # when it was resolved
