"""``leadline report`` and ``leadline export efficiency``: the API's bytes without a server."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, datetime

import pytest

from leadline.exports import service
from leadline.exports.reports import parse_report, run_report
from leadline.exports.worker import Worker
from leadline.home import Home
from leadline.metrics.request import Control
from leadline.metrics.run import Runner

from .running import Leadline

QUARTER = ["--start", "2026-01-01", "--end", "2026-03-31"]

DEPLOYMENTS = """deployment_id,repository,service,environment,sha,status,finished_at
d0,example/shop,shop,production,,success,2026-02-04T09:00:00Z
d1,example/shop,shop,production,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,success,2026-02-04T10:00:00Z
d2,example/shop,shop,production,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,failure,2026-02-05T10:00:00Z
"""


@pytest.fixture
def deploying(company: Leadline) -> Leadline:
    """The small company with three deployments."""
    (company.cwd / "deployments.csv").write_text(DEPLOYMENTS)
    company("import", "deployments.csv")
    return company


# -- efficiency exports ------------------------------------------------------------------------------------------------


def test_the_export_has_the_bytes_of_the_api(deploying: Leadline) -> None:
    body = {
        "scope": {"orgTreeName": "Research"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "metricGroups": ["df", "cfr", "rating"],
        "options": {"granularity": "QUARTERLY", "aggregation": "median"},
    }
    with Home.open(deploying.home) as home:
        project = home.project()
        made = service.create(project, body, kind="efficiency", created_by="test", now=datetime.now(UTC))
        with Worker(home) as worker:
            while worker.run_one():
                pass
        expected = service.stored_file(project, made.export.id, kind="efficiency").path.read_bytes()
    options = ["--group", "deployment_frequency,CFR", "--group", "rating", "--granularity", "quarterly"]
    summary = deploying.json("export", "efficiency", *QUARTER, *options, "--aggregation", "median", "-o", "dora.csv.gz")
    assert (deploying.cwd / "dora.csv.gz").read_bytes() == expected
    assert summary["rows"] == 2
    lines = gzip.decompress(expected).decode().split("\r\n")
    assert lines[1].startswith("Q1 2026,2026-01-01,2026-03-31,Research,")
    assert lines[1].split(",")[6] == "2"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ([], 2, "name a group (lttc, work_items, lttc_items, df, cfr, mttr, rating, summary)"),
        (["--group", "ltcc"], 2, "did you mean lttc"),
        (["--metric", "PR_Merged"], 2, "Unknown metric"),
        (["--group", "df", "--granularity", "daily"], 2, "'daily' is not one of"),
        (["--group", "df", "--team", "1", "--org-tree", "Research"], 2, "cannot be combined with --org-tree"),
        (["--group", "df", "--team", "999"], 2, "Invalid --team"),
    ],
)
def test_what_an_export_cannot_be(company: Leadline, options: list[str], code: int, says: str) -> None:
    done = company("export", "efficiency", *QUARTER, "-o", "x.csv", *options, code=code)
    assert says in done.stderr
    assert "scope." not in done.stderr
    assert not (company.cwd / "x.csv").exists()


# -- reports -----------------------------------------------------------------------------------------------------------


def test_the_report_has_the_bytes_of_the_api(deploying: Leadline) -> None:
    body = {
        "dateStart": "2026-01-01",
        "dateEnd": "2026-03-31",
        "granularity": "monthly",
        "efficiency": {"metrics": ["DEPLOYMENT_FREQUENCY", "OVERALL_DORA"], "calculationType": "P90"},
        "productivity": {"metrics": []},
        "includeRatings": True,
    }
    with Home.open(deploying.home) as home, Runner(home) as runner:
        report, _ = parse_report(home.project(), body)
        expected = run_report(runner, home.project(), report, Control()).text
    options = [
        *QUARTER,
        *("--efficiency", "overall_dora,DEPLOYMENT_FREQUENCY", "--productivity", "ALL"),
        *("--calculation", "P90", "--granularity", "monthly", "--ratings"),
    ]
    summary = deploying.json("report", *options, "-o", "teams.csv")
    data = (deploying.cwd / "teams.csv").read_bytes()
    assert data == expected
    assert summary == {
        "file": "teams.csv",
        "rows": 2,
        "sizeBytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    deploying("report", *options, "-o", "teams.csv.gz")
    assert gzip.decompress((deploying.cwd / "teams.csv.gz").read_bytes()) == expected
    assert deploying("report", *options).stdout.encode() == expected
    # Two good deployments in three months; the highest node is the tree itself.
    assert expected.decode().split("\r\n")[1].startswith("Research,0.6667,")


def test_developers_of_one_team(company: Leadline) -> None:
    (shown,) = company.json("org", "show")
    team = next(node["refId"] for node in shown["teams"] if node["name"] == "Engines")
    done = company("report", *QUARTER, "--team", str(team), "--contributors", "CODING_DAYS", "--granularity", "daily")
    assert done.stdout.splitlines() == [
        "Collection Name,Email,CODING_DAYS",
        "Cleo Ray,cleo@example.com,0.0",
        "Dan Fox,dan@example.com,0.0111",
    ]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ([*QUARTER], 2, "name metrics with it"),
        ([*QUARTER, "--efficiency", "all", "--contributors", "all"], 2, "its rows are developers"),
        ([*QUARTER, "--efficiency", "OVERALL"], 2, "did you mean OVERALL_DORA"),
        ([*QUARTER, "--productivity", "all", "--team", "999"], 2, "Invalid --team: "),
        ([*QUARTER, "--productivity", "all", "--granularity", "yearly"], 2, "'yearly' is not one of"),
        ([*QUARTER, "--productivity", "all", "--calculation", "mode"], 2, "'mode' is not one of"),
        ([*QUARTER, "--productivity", "all", "--json"], 2, "stdout cannot take both"),
        ([*QUARTER, "--productivity", "all", "-o", "none/x.csv"], 1, "no folder none"),
        (
            ["--start", "2026-02-01", "--end", "2026-01-01", "--productivity", "all"],
            2,
            "--start (2026-02-01) must not be after --end",
        ),
        (["--start", "Jan", "--end", "2026-01-01", "--productivity", "all"], 2, "'Jan' is no day"),
    ],
)
def test_what_a_report_cannot_be(company: Leadline, options: list[str], code: int, says: str) -> None:
    done = company("report", *options, code=code)
    assert says in done.stderr
    assert done.stdout == ""
    assert not list(company.cwd.glob("*.csv"))
