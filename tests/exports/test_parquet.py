"""What a Parquet file of an export is to who reads it: days are days, and its schema says what the numbers are."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from leadline.demo import fill
from leadline.exports.kinds import KINDS, parse
from leadline.home import Project
from leadline.ingest.importing import import_paths
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce

BODIES = {
    "productivity developer": (
        "productivity",
        {"metrics": ["PR_Merged"], "options": {"aggregationLevel": "developer"}},
    ),
    "productivity team": ("productivity", {"metrics": ["PR_Merged"], "options": {"aggregationLevel": "team"}}),
    "productivity p90": (
        "productivity",
        {"metrics": ["PR_Cycle_Time_Days_Avg"], "options": {"aggregationLevel": "team", "aggregation": "p90"}},
    ),
    "efficiency": ("efficiency", {"metricGroups": ["df"], "options": {"granularity": "WEEKLY"}}),
}


@pytest.fixture(scope="module")
def organization(module_project: Project) -> Project:
    fill(module_project, developers=12, months=2, until=date(2026, 3, 31))
    return module_project


@pytest.fixture(params=BODIES)
def exported(request: pytest.FixtureRequest, organization: Project, tmp_path: Path) -> Path:
    kind, body = BODIES[request.param]
    body = {**body, "scope": {"orgTreeName": "Engineering"}, "dateRange": {"start": "2026-03-01", "end": "2026-03-31"}}
    body["options"] = {**body["options"], "format": "parquet"}
    wanted = parse(organization, body, kind).request
    path = tmp_path / "export.parquet"
    produce(organization, wanted, pin(organization, wanted.tree), path, Control(), KINDS[kind].rows.query)
    return path


def test_first_and_last_days_are_days(exported: Path) -> None:
    schema = pq.read_schema(exported)
    assert [schema.field(name).type for name in ("Start_Date", "End_Date")] == [pa.date32(), pa.date32()]
    march = ds.dataset(exported).to_table(filter=ds.field("Start_Date") >= date(2026, 3, 2))
    days = f"SELECT count(*) FROM '{exported}' WHERE Start_Date >= DATE '2026-03-02'"
    assert duckdb.sql(days).fetchall() == [(march.num_rows,)]


def test_the_schema_says_what_the_numbers_are(exported: Path) -> None:
    schema = pq.read_schema(exported)
    told = {name.decode(): text.decode() for name, text in schema.metadata.items() if name.startswith(b"leadline.")}
    assert set(told) == {f"leadline.{name}" for name in ("definitions", "units", "tables", "trees", "request")}
    units = json.loads(told["leadline.units"])
    assert units
    assert set(units) <= set(schema.names)
    assert json.loads(told["leadline.request"])["start"] == "2026-03-01"
    assert json.loads(told["leadline.tables"])["pull_requests"] >= 1


def test_rows_that_are_not_read_change_no_byte(organization: Project, tmp_path: Path) -> None:
    kind, body = BODIES["productivity team"]
    body = {**body, "scope": {"orgTreeName": "Engineering"}, "dateRange": {"start": "2026-03-01", "end": "2026-03-31"}}
    body["options"] = {**body["options"], "format": "parquet"}
    wanted = parse(organization, body, kind).request

    def exported(name: str) -> bytes:
        path = tmp_path / name
        produce(organization, wanted, pin(organization, wanted.tree), path, Control(), KINDS[kind].rows.query)
        return path.read_bytes()

    before = exported("before.parquet")
    rows = tmp_path / "incidents.csv"
    rows.write_text("incident_id,created_at\nlater,2031-01-01T00:00:00Z\n")
    assert import_paths(organization, [rows]).files[0].added == 1
    assert exported("after.parquet") == before
