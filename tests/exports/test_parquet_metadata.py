"""A Parquet file says what it is, whatever its kind: the unit of each number, the definitions' version, the versions of the tables
and of the org tree that its rows follow from, and what was asked for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.demo import fill
from leadline.exports.export_kind import ExportKind
from leadline.exports.fact_files import write
from leadline.exports.kinds import KINDS
from leadline.facts.catalogue import FACTS, Number
from leadline.facts.query import Filters, Versions
from leadline.home import Home, Project
from leadline.metrics.catalogue import DEFINITIONS
from leadline.metrics.request import Control, Pins, Since
from leadline.metrics.run import pin, produce

START, END, TREE = date(2026, 2, 1), date(2026, 3, 31), "Engineering"
ASKED: dict[str, tuple[dict[str, Any], ...]] = {
    "productivity": ({}, {"options": {"splitBy": "ai", "aggregation": "p90", "aggregationLevel": "team"}}),
    "efficiency": ({"metricGroups": ["df", "lttc", "mttr", "cfr"], "options": {"granularity": "MONTHLY"}},),
    "ba": (
        {"metricGroups": ["CATEGORIZED", "UNCATEGORIZED", "EFFORT", "SHARE"], "options": {"granularity": "MONTHLY"}},
    ),
    "sprint": (
        {"options": {"granularity": "MONTHLY", "computationMode": "TICKETS"}},
        {"options": {"granularity": "SPRINT", "metricLevel": "sprint"}},
    ),
    "ticket-data": ({}, {"options": {"aggregationLevel": "sprint"}}),
    "flow": ({},),
    "facts": tuple({"fact": fact} for fact in FACTS),
}
"""For each kind bodies that ask for all columns that it can have."""
WITHOUT_UNIT = {
    name
    for fact in FACTS.values()
    for name, said in fact.declared.items()
    if isinstance(said, Number) and not said.unit
}
"""Columns of numbers that only tell things apart, as declared."""
CASES = [(kind, body) for kind in KINDS.values() for body in ASKED[kind.name]]


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Home.open(tmp_path_factory.mktemp("small") / "home") as home:
        fill(home.project(), developers=8, months=2, until=END)
        yield home.project()


def exported(project: Project, kind: ExportKind, asked: dict[str, Any], path: Path, since: Pins | None = None) -> Pins:
    """The versions that the file at ``path`` was made of."""
    days = {"start": START.isoformat(), "end": END.isoformat()}
    body = {"scope": {"orgTreeName": TREE}, "dateRange": days, **asked}
    body["options"] = {**asked.get("options", {}), "format": "parquet"}
    request = kind.parse(project, body).request
    pins = pin(project, request.tree)
    earlier = None if since is None else kind.earlier(request, Since("", since))
    produce(project, request, pins, path, Control(), kind.rows.query, earlier)
    return pins


def told_by(path: Path) -> dict[str, Any]:
    """What a file tells about itself, by what follows `leadline.`."""
    told = {name.decode(): text.decode() for name, text in pq.read_schema(path).metadata.items()}
    own = {name.removeprefix("leadline."): text for name, text in told.items() if name.startswith("leadline.")}
    return {name: text if name == "definitions" else json.loads(text) for name, text in own.items()}


def numbers_of(path: Path) -> list[str]:
    """The columns of numbers."""
    schema = pq.read_schema(path)
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return [field.name for field in schema if any(is_kind(field.type) for is_kind in kinds)]


def check(path: Path, tables: dict[str, int], trees: dict[str, int], without_unit: Collection[str] = ()) -> None:
    told = told_by(path)
    assert set(told) == {"definitions", "units", "tables", "trees", "request"}
    columns, units = pq.read_schema(path).names, told["units"]
    assert [name for name in numbers_of(path) if name not in units and name not in without_unit] == []
    assert set(units) <= set(columns)
    assert all(isinstance(unit, str) and unit for unit in units.values())
    assert told["definitions"] == DEFINITIONS
    assert told["tables"]
    assert told["tables"].items() <= tables.items()
    assert told["trees"] == trees
    assert (told["request"]["start"], told["request"]["end"]) == (START.isoformat(), END.isoformat())


@pytest.mark.parametrize(
    ("kind", "asked"), CASES, ids=[f"{kind.name}-{number}" for number, (kind, _) in enumerate(CASES)]
)
def test_an_export_says_what_it_is(
    organization: Project, tmp_path: Path, kind: ExportKind, asked: dict[str, Any]
) -> None:
    path = tmp_path / "export.parquet"
    pins = exported(organization, kind, asked, path)
    assert numbers_of(path) or asked.get("fact") == "deployments"
    check(path, dict(pins.tables), {TREE: pins.trees[TREE]}, WITHOUT_UNIT if kind.name == "facts" else ())


@pytest.mark.parametrize("fact", FACTS)
def test_a_file_of_facts_says_what_it_is(organization: Project, tmp_path: Path, fact: str) -> None:
    path, filters = tmp_path / "facts.parquet", Filters(START, END, TREE)
    write(organization, fact, path, filters, form="parquet")
    versions = Versions.newest(organization, TREE)
    check(path, dict(versions.tables), {TREE: versions.trees[TREE]}, WITHOUT_UNIT)
    export = tmp_path / "export.parquet"
    exported(organization, KINDS["facts"], {"fact": fact}, export)
    same = ("definitions", "units", "tables", "trees")
    assert {name: told_by(path)[name] for name in same} == {name: told_by(export)[name] for name in same}


def test_a_file_of_all_trees_names_them_all(organization: Project, tmp_path: Path) -> None:
    path = tmp_path / "facts.parquet"
    write(organization, "commits", path, Filters(START, END), form="parquet")
    assert told_by(path)["trees"] == dict(Versions.newest(organization, None).trees)
    assert "tree" not in told_by(path)["request"]


def test_a_difference_says_what_it_starts_from(organization: Project, tmp_path: Path) -> None:
    path, filters, commits = tmp_path / "changes.parquet", Filters(START, END, TREE), {"fact": "commits"}
    pins = exported(organization, KINDS["facts"], commits, path)
    whole = told_by(path)
    exported(organization, KINDS["facts"], commits, path, since=pins)
    assert told_by(path) == {**whole, "since": {name: whole[name] for name in ("tables", "trees")}}
    versions = Versions.newest(organization, TREE)
    write(organization, "commits", path, filters, form="parquet", since=versions)
    assert told_by(path)["since"] == {name: whole[name] for name in ("tables", "trees")}


def test_tables_that_are_not_read_are_not_told(organization: Project, tmp_path: Path) -> None:
    """So that new rows of theirs change no byte."""
    path = tmp_path / "facts.parquet"
    write(organization, "commits", path, Filters(START, END, TREE), form="parquet")
    assert told_by(path)["tables"].keys().isdisjoint({"incidents", "deployments", "sprints"})
