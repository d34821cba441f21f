"""What a Parquet file of an export is to who reads it: days are days, its schema says what the numbers are, and it joins with the
same rows as CSV and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as ds
import pyarrow.json as pa_json
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


@pytest.fixture(scope="module")
def by_format(organization: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same rows, of teams by week, in each format."""
    files = {name: tmp_path_factory.mktemp("formats") / f"export.{name}" for name in ("csv", "parquet", "jsonl")}
    for name, path in files.items():
        body = {
            "metrics": ["PR_Merged"],
            "scope": {"orgTreeName": "Engineering"},
            "dateRange": {"start": "2026-03-02", "end": "2026-03-29"},
            "options": {"aggregationLevel": "team", "granularity": "WEEKLY", "format": name},
        }
        wanted = parse(organization, body, "productivity").request
        produce(organization, wanted, pin(organization, wanted.tree), path, Control(), KINDS["productivity"].rows.query)
    return files


KEY = ["Start_Date", "Team_Id"]
SINCE = date(2026, 3, 16)


def by_duckdb(files: dict[str, Path]) -> list[tuple[object, ...]]:
    return duckdb.sql(
        f"""SELECT p.Start_Date, Team_Id, p.PR_Merged, c.PR_Merged, j.PR_Merged FROM '{files["parquet"]}' p
        JOIN read_csv('{files["csv"]}', types = {{'Team_Id': 'VARCHAR'}}) c USING (Start_Date, Team_Id)
        JOIN '{files["jsonl"]}' j USING (Start_Date, Team_Id) WHERE p.Start_Date >= DATE '{SINCE}' ORDER BY ALL"""
    ).fetchall()


def by_pyarrow(files: dict[str, Path]) -> list[tuple[object, ...]]:
    texts = pa_csv.ConvertOptions(column_types={"Team_Id": pa.string()})
    lines = pa_json.read_json(files["jsonl"])  # which takes days for instants
    start = lines.schema.get_field_index("Start_Date")
    lines = lines.set_column(start, "Start_Date", lines["Start_Date"].cast(pa.date32()))
    joined = ds.dataset(files["parquet"]).to_table([*KEY, "PR_Merged"], filter=ds.field("Start_Date") >= SINCE)
    for name, other in (("csv", pa_csv.read_csv(files["csv"], convert_options=texts)), ("jsonl", lines)):
        joined = joined.join(other.select([*KEY, "PR_Merged"]), KEY, join_type="inner", right_suffix=f"_{name}")
    columns = joined.sort_by([(name, "ascending") for name in KEY]).to_pydict()
    return list(zip(*(columns[name] for name in (*KEY, "PR_Merged", "PR_Merged_csv", "PR_Merged_jsonl")), strict=True))


def by_pandas(files: dict[str, Path]) -> list[tuple[object, ...]]:
    since = pandas.Timestamp(SINCE)
    parquet = pandas.read_parquet(files["parquet"], columns=[*KEY, "PR_Merged"])
    csv = pandas.read_csv(files["csv"], dtype={"Team_Id": str}, parse_dates=["Start_Date"])
    lines = pandas.read_json(files["jsonl"], lines=True, dtype={"Team_Id": str})
    for rows in (parquet, lines):
        rows["Start_Date"] = pandas.to_datetime(rows["Start_Date"])
    joined = parquet[parquet["Start_Date"] >= since]
    for name, other in (("csv", csv), ("jsonl", lines)):
        part = other.loc[other["Start_Date"] >= since, [*KEY, "PR_Merged"]]
        joined = joined.merge(part, on=KEY, validate="one_to_one", suffixes=("", f"_{name}"))
    told = joined.sort_values(KEY).itertuples(index=False)
    return [(day.date(), *values) for day, *values in told]


def by_polars(files: dict[str, Path]) -> list[tuple[object, ...]]:
    lazy = {
        "parquet": polars.scan_parquet(files["parquet"]),
        "csv": polars.scan_csv(files["csv"], try_parse_dates=True, schema_overrides={"Team_Id": polars.String}),
        "jsonl": polars.scan_ndjson(files["jsonl"]).with_columns(polars.col("Start_Date").str.to_date()),
    }
    since = polars.col("Start_Date") >= SINCE
    parts = {name: rows.filter(since).select(*KEY, "PR_Merged") for name, rows in lazy.items()}
    joined = parts["parquet"]
    for name in ("csv", "jsonl"):
        joined = joined.join(parts[name], on=KEY, suffix=f"_{name}", validate="1:1")
    return joined.sort(KEY).collect().rows()


@pytest.mark.parametrize("reader", [by_pyarrow, by_pandas, by_polars])
def test_the_formats_join_on_days_and_teams(
    by_format: dict[str, Path], reader: Callable[[dict[str, Path]], list[tuple[object, ...]]]
) -> None:
    rows = by_duckdb(by_format)
    assert rows == reader(by_format)
    weeks = {row[0] for row in rows}
    assert weeks == {date(2026, 3, 16), date(2026, 3, 23)}
    assert all(row[2] == row[3] == row[4] for row in rows)
    assert any(row[2] for row in rows)
