"""``leadline status`` and its integrity check."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deltalake
import pytest

from leadline.db import inbox
from leadline.db.inbox import Delivery
from leadline.exports import service
from leadline.exports.worker import Worker
from leadline.home import Home
from leadline.schema import TABLES

from .running import Leadline

CHANGING = ("disk", "bytes", "size", "time")


def without_changing(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_changing(member)
            for name, member in value.items()
            if not any(word in name.lower() for word in CHANGING)
        }
    return [without_changing(member) for member in value] if isinstance(value, list) else value


def complete_an_export(program: Leadline) -> str:
    body = {"scope": {"orgTreeName": "Research"}, "dateRange": {"start": "2026-01-01", "end": "2026-01-31"}}
    with Home.open(program.home) as home:
        now = datetime.now(UTC)
        made = service.create(home.project(), body, kind="productivity", created_by="test", now=now)
        assert Worker(home).run_one()
    return made.export.id


def test_what_is_in_the_home(company: Leadline) -> None:
    export_id = complete_an_export(company)
    status = company.json("status")
    tables = {row["table"]: row for row in status["tables"]}
    assert len(tables) == len(TABLES)
    assert tables["pull_requests"]["rows"] == 3
    assert tables["pull_requests"]["newestEvent"] == "2026-02-04T10:00:00Z"
    assert tables["pull_requests"]["sources"] == [
        {"source": "github", "rows": 3, "newestEvent": "2026-02-04T10:00:00Z"}
    ]
    assert tables["reviews"] | {"table": ""} == {
        "table": "",
        "rows": 0,
        "version": None,
        "newestEvent": None,
        "sources": [],
    }
    assert status["orgTrees"] == [{"orgTreeName": "Research", "version": 1, "teams": 2, "developers": 4}]
    assert status["unmatched"]["accounts"] == 1
    assert status["unmatched"]["top"][0]["account"] == "stranger"
    assert status["exports"]["states"]["completed"] == 1
    (newest,) = status["exports"]["newestCompleted"]
    assert newest["exportId"] == export_id
    assert newest["tables"] == {row["table"]: row["version"] for row in status["tables"] if row["rows"]}
    assert newest["definitions"]
    parts = {row["part"]: row["bytes"] for row in status["disk"]}
    assert parts["lake"] > 0
    assert parts["database"] > 0
    assert parts["exports"] > 0


def test_the_same_on_an_unchanged_home(company: Leadline) -> None:
    assert without_changing(company.json("status")) == without_changing(company.json("status"))


def test_fits_80_columns(company: Leadline) -> None:
    complete_an_export(company)
    lines = company("status", "--check", env={"COLUMNS": "80"}).stdout.splitlines()
    # The home's own path may be longer than any terminal is wide.
    assert max(len(line) for line in lines if str(company.home) not in line) <= 80
    assert lines[-1] == "All is sound."


def test_an_empty_home_says_how_to_begin(leadline: Leadline) -> None:
    out = leadline("status").stdout
    assert "leadline import" in out
    assert "leadline org load" in out


def faults(program: Leadline) -> list[str]:
    check = program.json("status", "--check", code=1)["check"]
    assert check["good"] is False
    findings: list[str] = check["findings"]
    return findings


def test_the_check_finds_a_lost_data_file(company: Leadline) -> None:
    table = company.home / "projects" / "default" / "default" / "lake" / "pull_requests"
    next(table.glob("*.parquet")).unlink()
    assert any("pull_requests" in finding for finding in faults(company))
    assert "fault" in company("status", "--check", code=1).stderr


@pytest.mark.parametrize("damage", ["missing", "changed", "cut"])
def test_the_check_finds_a_damaged_export(company: Leadline, damage: str) -> None:
    export_id = complete_an_export(company)
    file = company.home / "projects" / "default" / "default" / "exports" / f"{export_id}.csv.gz"
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    (finding,) = faults(company)
    assert finding.startswith(f"export {export_id}: its file ")


def test_the_check_covers_every_project(company: Leadline) -> None:
    company("--project", "second", "import", "data/comments.csv")
    table = company.home / "projects" / "default" / "second" / "lake" / "comments"
    next(table.glob("*.parquet")).unlink()
    assert all(finding.startswith("project default/second: ") for finding in faults(company))


def test_the_check_finds_a_row_without_its_project(company: Leadline) -> None:
    with sqlite3.connect(company.home / "leadline.db") as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(
            "INSERT INTO cursors (project_id, source, name, value, updated_at) VALUES (99, 'git', 'x', '{}', '2026-01-01')"
        )
    connection.close()
    assert any("cursors" in finding and "projects" in finding for finding in faults(company))


def test_a_home_that_cannot_be_used(leadline: Leadline) -> None:
    leadline.home.write_text("a file")
    done = leadline("status", code=1)
    assert done.stderr.startswith("error: The home ")
    assert "--home" in done.stderr


def test_a_metadata_database_that_is_none(leadline: Leadline) -> None:
    leadline.home.mkdir()
    (leadline.home / "leadline.db").write_text("this is no database, whatever its name says" * 100)
    assert "cannot be used" in leadline("status", code=1).stderr


def test_pushed_rows_are_in_the_tables_or_told(company: Leadline) -> None:
    aside = Delivery(1, "incidents", 1, '{"incident_id":"old","created_at":"whenever"}')
    good = Delivery(1, "incidents", 2, '{"incident_id":"a"}\n{"incident_id":"b"}')
    with Home.open(company.home) as home:
        assert home.project().id == 1
        assert "inbox" in company.json("status")
        inbox.add(home.db, [good, aside], datetime.now(UTC))
    document = company.json("status")
    assert document["inbox"]["waiting"] == []
    (refused,) = document["inbox"]["refused"]
    assert (refused["table"], refused["rows"]) == ("incidents", 1)
    assert refused["reason"].startswith("created_at: not an instant")
    assert next(row["rows"] for row in document["tables"] if row["table"] == "incidents") == 2
    shown = company("status").stdout
    assert "Pushed rows not in the tables:" in shown
    assert "not an instant" in shown


# -- repair ----------------------------------------------------------------------------------------------------------------


def test_rows_that_are_there_twice_are_taken_away(company: Leadline) -> None:
    table = company.home / "projects" / "default" / "default" / "lake" / "comments"
    double(table)
    before = company.json("status", "--check", code=1)
    (finding,) = before["check"]["findings"]
    assert re.fullmatch(
        r"Table comments has \d+ natural keys more than once, \d+ rows too many; .* leaves one of each", finding
    )
    out = company("status", "--check", "--repair").stdout
    assert re.search(r"repaired: table comments: took away \d+ rows of keys that were there more than once", out)
    assert out.splitlines()[-1] == "All is sound."
    after = company.json("status", "--check", "--repair")
    assert after["check"] == {"good": True, "findings": [], "repaired": []}
    rows = {row["table"]: row["rows"] for row in before["tables"]}
    assert {row["table"]: row["rows"] for row in after["tables"]} == rows | {"comments": rows["comments"] // 2}


def double(table: Path) -> None:
    """Commit a table's rows once more, as one who lost its lock did."""
    delta = deltalake.DeltaTable(table)
    deltalake.write_deltalake(table, delta.to_pyarrow_table(), mode="append")


def test_an_export_without_its_file_is_one_that_expired(company: Leadline) -> None:
    export_id = complete_an_export(company)
    file = company.home / "projects" / "default" / "default" / "exports" / f"{export_id}.csv.gz"
    file.write_bytes(file.read_bytes()[:-1])
    (repaired,) = company.json("status", "--check", "--repair")["check"]["repaired"]
    assert repaired.startswith(f"export {export_id}: its file exports/{export_id}.csv.gz has ")
    assert not file.exists()
    assert company.json("status", "--check")["check"] == {"good": True, "findings": []}
    assert complete_an_export(company) != export_id


def test_what_cannot_be_mended_stays_a_finding(company: Leadline) -> None:
    table = company.home / "projects" / "default" / "default" / "lake" / "comments"
    next(table.glob("*.parquet")).unlink()
    check = company.json("status", "--check", "--repair", code=1)["check"]
    assert check["repaired"] == []
    assert any("comments" in finding for finding in check["findings"])


def test_a_repair_needs_the_check(company: Leadline) -> None:
    assert "give --check, too" in company("status", "--repair", code=2).stderr
