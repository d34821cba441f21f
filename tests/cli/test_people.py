"""``people forget``: nothing of the person is left in the home, numbers of teams stay, and nobody brings them back."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from leadline.administration import erasure
from leadline.db import inbox
from leadline.db.inbox import Delivery
from leadline.db.models import metadata
from leadline.diagnostics.integrity import findings
from leadline.home import Home
from leadline.ingest.erasure import Look

from .running import Leadline, write_tables

RANGE = ("--org-tree", "Research", "--start", "2026-01-01", "--end", "2026-03-31", "-o", "-")
EXPORTS = (("productivity", "--level", "team"), ("efficiency", "--group", "lttc,df,summary"))
BEN = re.compile(rb"ben@example\.com|ben\.ito@home\.test|ben-ito|benito|ben ito|ito, ben|emp-0470115-bi", re.IGNORECASE)
"""Whatever Ben is called, in any of the files below."""

TABLES = {
    "developers": """\
        email,full_name,manager_email,team,employee_id
        ada@example.com,Ada Byron,,Research,1
        Ben@Example.com,Ben Ito,ada@example.com,,emp-0470115-bi
        cleo@example.com,Cleo Ray,ada@example.com,Engines,3
        dan@example.com,Dan Fox,ben@example.com,,4
        """,
    "identities": """\
        source,account,email
        github,ben-ito,ben@example.com
        github,benito2,ben@example.com
        github,danfox,dan@example.com
        """,
    "tool_accounts": """\
        source,account,email,name
        github,ben-ito,ben.ito@home.test,Ben Ito
        github,benito2,,Ben Ito
        jira,712020:ben,ben@example.com,"Ito, Ben"
        """,
    "tool_teams": """\
        source,team,account,name
        github,example/core,ben-ito,core
        github,example/core,benito2,core
        """,
    "commits": """\
        repository,sha,author_name,author_email,committer_email,authored_at,message,additions,deletions,source
        example/shop,1111111,Ben Ito,ben@example.com,ben@example.com,2026-01-05T08:00:00Z,SHOP-1 start,8,1,git
        example/shop,2222222,B. I.,12+ben-ito@users.noreply.github.com,dan@example.com,2026-01-06T08:00:00Z,next,9,2,git
        example/shop,3333333,Dan Fox,dan@example.com,dan@example.com,2026-02-02T08:00:00Z,with @ben-ito of ben-ito/fork,9,2,git
        example/shop,4444444,Dan Fox,dan@example.com,,2026-02-03T08:00:00Z,Co-authored-by: Ben <ben.ito@home.test>,90,20,git
        """,
    "pull_requests": """\
        repository,number,title,body,author,state,created_at,merged_at,merged_by,head_branch,additions,deletions,assignees,source
        example/shop,1,SHOP-1,to Ben Ito,ben-ito,merged,2026-01-05T09:00Z,2026-01-06T12:00Z,danfox,ben-ito/x,8,1,ben-ito,github
        example/shop,2,more,,danfox,merged,2026-02-02T09:00Z,2026-02-03T10:00Z,benito2,more,90,20,,github
        """,
    "comments": """\
        repository,number,comment_id,author,kind,created_at,source
        example/shop,1,c1,danfox,review,2026-01-05T11:00:00Z,github
        example/shop,2,c2,benito2,review,2026-02-02T11:00:00Z,github
        """,
    "work_items": """\
        project,key,type,status,status_category,assignee,created_at,completed_at,source
        SHOP,SHOP-1,Story,Done,done,712020:ben,2026-01-02T09:00:00Z,2026-01-07T09:00:00Z,jira
        """,
    "work_item_changes": """\
        project,key,changed_at,field,to_value,author,source
        SHOP,SHOP-1,2026-01-03T09:00:00Z,assignee,712020:ben,ada@example.com,jira
        """,
    "deployments": """\
        deployment_id,repository,service,environment,sha,status,finished_at,triggered_by,source
        d1,example/shop,shop,production,3333333,success,2026-02-04T09:00:00Z,ben-ito,github
        """,
}
"""A company in which Ben manages a team and stands in every column that names people."""


class Company:
    """``leadline`` on a home that knows Ben, its database wherever ``url`` says."""

    def __init__(self, leadline: Leadline, url: str) -> None:
        self.leadline, self.env = leadline, {"LEADLINE_DATABASE_URL": url}
        write_tables(leadline.cwd / "data", TABLES)
        self.run("import", "data")
        self.run("org", "load", "data/developers.csv", "--name", "Research", "--from", "beginning")
        later = (leadline.cwd / "data" / "developers.csv").read_text().replace("Dan Fox", "Daniel Fox")
        (leadline.cwd / "later.csv").write_text(later)
        self.run("org", "load", "later.csv", "--name", "Research", "--from", "2026-02-01")
        self.run("settings", "bots", "ci-runner, ben-ito")
        self.run("settings", "bots", "ci-runner")
        self.run("keys", "create", "--name", "for Ben Ito", "--role", "viewer")

    def run(self, *arguments: object, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        return self.leadline(*arguments, code=code, env={**self.env, **(env or {})}).stdout

    def forget(self, *options: str) -> dict[str, Any]:
        done: dict[str, Any] = json.loads(self.run("people", "forget", "BEN@example.com", "--json", *options))
        return done

    def teams(self) -> list[str]:
        """Both exports of teams, without the names of those that are called after people."""
        lines = []
        for kind in EXPORTS:
            text = self.run("export", *kind, *RANGE)
            lines += [re.sub(r"(Ben Ito|Forgotten [0-9a-f]{8})'s team", "A team", line) for line in text.splitlines()]
        return sorted(lines)

    def home(self) -> Home:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("LEADLINE_DATABASE_URL", self.env["LEADLINE_DATABASE_URL"])
            return Home.open(self.leadline.home)


@pytest.fixture
def company(leadline: Leadline, database_url: str) -> Company:
    return Company(leadline, database_url)


def traces(company: Company) -> list[str]:
    """Where anything of Ben is left: in files of the home, and in the database."""
    found = []
    for path in company.leadline.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            if path.suffix == ".parquet":
                content = json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
            if BEN.search(content):
                found.append(f"{path.relative_to(company.leadline.home)}: {BEN.findall(content)[:3]}")
    with company.home() as home, home.db.read() as connection:
        for table in metadata.sorted_tables:
            text = "\n".join(str(tuple(row)) for row in connection.execute(sa.select(table))).encode()
            if BEN.search(text):
                found.append(f"{table.name}: {BEN.findall(text)[:3]}")
    database = company.env["LEADLINE_DATABASE_URL"].removeprefix("sqlite:///")
    files = [Path(database + ending) for ending in ("", "-wal")]
    return found + [file.name for file in files if file.exists() and BEN.search(file.read_bytes())]


def test_nothing_of_the_person_is_left_and_numbers_of_teams_stay(company: Company) -> None:
    before = company.teams()
    assert len(traces(company)) > 10
    foreseen = company.forget("--dry-run")
    done = company.forget("--yes")
    assert {**done, "pseudonym": ""} == {**foreseen, "pseudonym": ""}
    assert set(TABLES) == set(done["tables"])
    assert traces(company) == []
    assert company.teams() == before
    with company.home() as home:
        assert findings(home) == []
    assert [one for one in json.loads(company.run("identities", "--json")) if one["developer"] is None] == []


def test_it_changes_nothing_with_dry_run(company: Company) -> None:
    def content() -> dict[str, bytes]:
        lake = company.leadline.home / "projects"
        return {
            str(path): path.read_bytes() for path in lake.rglob("*") if path.is_file() and "cache" not in path.parts
        }

    before, rows = content(), company.run("org", "show", "--people")
    company.forget("--dry-run")
    assert (content(), company.run("org", "show", "--people")) == (before, rows)
    with company.home() as home:
        assert home.db.rows(sa.select(metadata.tables["forgotten"])) == []


def test_nobody_brings_them_back(company: Company) -> None:
    before = company.teams()
    company.forget("--yes")
    company.run("import", "data")
    company.run("org", "load", "later.csv", "--name", "Research", "--from", "2026-02-02")
    row = {"repository": "example/shop", "number": 3, "author": "Ben-Ito", "title": "by Ben Ito", "source": "github"}
    with company.home() as home:
        delivery = Delivery(home.project().id, "pull_requests", 1, json.dumps(row))
        inbox.add(home.db, [delivery], datetime.now(UTC))
    company.run("identities")
    assert traces(company) == []
    assert company.teams() == before
    again = company.forget("--yes")
    assert (again["tables"], again["orgTrees"], again["uploads"], again["notes"]) == ({}, {}, 0, 0)


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("forget_in_tree", 0),
        ("rewrite", 0),
        ("rewrite", 3),
        ("rewrite", 17),
        ("forget_in_uploads", 0),
        ("_forget_files", 0),
    ],
)
def test_what_was_ended_in_the_middle_is_done_by_doing_it_again(
    leadline: Leadline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: int
) -> None:
    company = Company(leadline, f"sqlite:///{tmp_path / 'one.db'}")
    owner: Any = Look if step == "rewrite" else erasure
    before, undisturbed, left = company.teams(), getattr(owner, step), iter(range(after))

    def ending(*arguments: object) -> object:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return undisturbed(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, ending)
        company.run("people", "forget", "ben@example.com", "--yes", code=130)
    with company.home() as home:
        assert findings(home) == []
    company.forget("--yes")
    assert traces(company) == []
    assert company.teams() == before


def test_what_is_no_person_is_refused(company: Company) -> None:
    assert "no email" in company.leadline("people", "forget", "ben", "--yes", code=2, env=company.env).stderr
    nobody = company.leadline("people", "forget", "nobody@example.com", "--yes", code=1, env=company.env).stderr
    assert "Nobody in this project has the address nobody@example.com" in nobody
    unasked = company.leadline("people", "forget", "ben@example.com", code=2, env=company.env).stderr
    assert "--yes" in unasked
    assert len(traces(company)) > 10
