"""The page on warehouses is true: what it says is run on a small home, between whose two exports things happen."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from api.serving import put
from cli.running import Leadline
from leadline.demo import fill
from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.facts.catalogue import FACTS
from leadline.home import Home, Project
from stubs.sail import sail_session

from .pages import Pages, blocks, section

PAGE = "docs/guide/warehouse.md"
AT = datetime(2026, 3, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A demo home, and beside it what the page's first commands write, and its second ones after more came."""
    place = tmp_path_factory.mktemp("warehouse")
    with Home.open(place / "home") as home:
        fill(home.project(), developers=8, months=2, until=date(2026, 3, 31))
        yield place


def run(folder: Path, command: str) -> None:
    words, _, target = command.strip().partition(" > ")
    printed = Leadline(folder / "home", folder)(*shlex.split(words)[1:]).stdout
    (folder / target).write_text(printed)


def deployments(**cells: Any) -> list[dict[str, Any]]:
    row = {
        "repository": "acme/basket",
        "environment": "production",
        "status": "success",
        "started_at": AT,
        "finished_at": AT,
    }
    return [{**row, **cells}]


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    # Through Arrow: DuckDB itself needs one more library for instants with a time zone.
    return sorted((tuple(row.values()) for row in connection.sql(query).to_arrow_table().to_pylist()), key=repr)


def test_the_example(folder: Path, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    text = section(pages[PAGE], "An example")
    (first, second, _), (create, apply, _) = list(blocks(text, "sh")), list(blocks(text, "sql"))
    monkeypatch.chdir(folder)
    with Home.open(folder / "home") as home:
        put(home.project(), deployments=deployments(deployment_id="to-change"))
        run(folder, first)
        put(home.project(), deployments=deployments(deployment_id="new", service="s"))
        put(home.project(), deployments=deployments(deployment_id="to-change", status="failure"))
        run(folder, second)
        run(folder, first.replace("deployments.parquet", "whole.parquet").replace("loaded.json", "whole.json"))
    with duckdb.connect() as connection:
        connection.execute(create)
        before = rows(connection, "FROM deployments")
        for _ in range(2):
            connection.execute(apply)
            assert rows(connection, "FROM deployments") == rows(connection, "FROM 'whole.parquet'") != before
        told = rows(
            connection,
            "SELECT deployment_id, _change FROM 'changes.parquet' WHERE deployment_id IN ('new', 'to-change')",
        )
        assert told == [("new", "insert"), ("to-change", "update")]


def test_spark(folder: Path, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the example, whose files it takes."""
    create, apply = blocks(section(pages[PAGE], "The same in Spark"), "sql")
    monkeypatch.chdir(folder)
    spark = sail_session()
    spark.sql(create)
    with duckdb.connect() as connection:
        whole = rows(connection, "FROM 'whole.parquet'")
        connection.register("known", spark.table("deployments").toArrow())
        assert rows(connection, "FROM known") != whole
        for _ in range(2):
            for statement in filter(str.strip, apply.split(";")):
                spark.sql(statement)
            connection.register("known", spark.table("deployments").toArrow())
            assert rows(connection, "FROM known") == whole


def test_polars(folder: Path, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the others, whose files it takes and overwrites."""
    (script,) = blocks(pages[PAGE], "python")
    monkeypatch.chdir(folder)
    exec(script, {})
    with duckdb.connect() as connection:
        assert rows(connection, "FROM 'deployments.parquet'") == rows(connection, "FROM 'whole.parquet'")


def test_merge(pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, merge = blocks(section(pages[PAGE], "An example"), "sql")
    monkeypatch.chdir(tmp_path)
    day = "DATE '2026-01-01'"
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE teams AS SELECT {day} AS Start_Date, * "
            "FROM (VALUES ('1', 'Gone', 1), ('2', 'Old', 2), ('3', 'Same', 3)) AS told(Team_Id, Team, PR_Merged)"
        )
        connection.execute(
            f"COPY (SELECT {day} AS Start_Date, * FROM (VALUES ('4', 'New', 4, 'insert'), ('2', 'Renamed', 5, 'update'), "
            "('1', 'Gone', 1, 'delete'), ('9', 'Unknown', 9, 'delete')) AS told(Team_Id, Team, PR_Merged, _change)) "
            "TO 'teams-changes.parquet'"
        )
        connection.execute(merge)
        assert rows(connection, "SELECT Team_Id, Team, PR_Merged FROM teams") == [
            ("2", "Renamed", 5),
            ("3", "Same", 3),
            ("4", "New", 4),
        ]


def key_of(project: Project, kind: ExportKind, level: str) -> tuple[str, ...]:
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "options": {"granularity": "MONTHLY", "metricLevel": level, "aggregationLevel": level},
        **({"metricGroups": ["df"]} if kind.needs_columns else {}),
    }
    return kind.rows.key(kind.parse(project, body).request)


def test_the_keys_are_those_of_the_kinds(folder: Path, pages: Pages) -> None:
    table = section(pages[PAGE], "What tells rows apart")
    said = {tuple(re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1])) for row in table.splitlines() if row.startswith("|")}
    for name, fact in FACTS.items():
        assert fact.key in said, name
    with Home.open(folder / "home") as home:
        for kind in KINDS.values():
            for level in kind.leading if kind.name != "facts" else ():
                assert key_of(home.project(), kind, level) in said, (kind.name, level)
