"""Insights of the whole demo: every value is the cell of the export, and says of how many things it is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.exports.cursor import Cursor
from leadline.exports.insights.answer import answer
from leadline.exports.insights.cells import Place
from leadline.exports.insights.models import InsightBody
from leadline.exports.insights.request import parse_insight
from leadline.exports.insights.tracing import cell
from leadline.exports.kinds import KINDS
from leadline.home import Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.request import Control, MetricsRequest
from leadline.metrics.run import Runner, pin

WHOLE = {"orgTreeName": "Engineering", "dateFrom": "2025-07-01", "dateTo": "2026-03-31"}
LEVELS = [("productivity", "developer"), ("productivity", "team"), ("efficiency", "team"), ("efficiency", "service")]


def insight(project: Project, kind: str, **asked: Any) -> InsightBody:
    request = parse_insight(project, KINDS[kind], {**WHOLE, "groups": list(KINDS[kind].groups), **asked})
    pins = pin(project, "Engineering")
    with Runner(project.home) as runner:
        return answer(runner, project, request, pins, datetime.now(UTC), Control())


def exported(project: Project, kind: str, folder: Path, **asked: Any) -> list[dict[str, Any]]:
    """The lines of the file that the worker would write."""
    request = parse_insight(project, KINDS[kind], {**WHOLE, "groups": list(KINDS[kind].groups), **asked}).rows
    path = folder / "rows.jsonl.gz"
    with Runner(project.home) as runner:
        runner.produce(project, request, pin(project, "Engineering"), path, Control(), KINDS[kind].rows.query)
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of an answer as a line of a file."""
    described = {"Granularity": row["period"], "Start_Date": row["startDate"], "End_Date": row["endDate"]}
    if "key" in row:
        return {**described, **row["key"], **row["values"]}
    team = row["team"]
    if "developer" in row:
        described |= {"Developer": row["developer"]["name"], "Email": row["developer"]["email"]}
    described |= {"Team": team["name"], "Team_Id": team["refId"]}
    return {**described, "Team_Hierarchy": team["path"], **row["values"]}


@pytest.mark.parametrize(("kind", "level"), LEVELS)
@pytest.mark.parametrize("aggregation", ["mean", "p90"])
def test_every_value_is_the_cell_of_the_export(
    demo: Project, kind: str, level: str, aggregation: str, tmp_path: Path
) -> None:
    asked = {"level": level, "aggregation": aggregation}
    body = json.loads(insight(demo, kind, **asked).model_dump_json(exclude_unset=True))
    lines = exported(demo, kind, tmp_path, **asked)
    assert len(lines) == body["total"] > (30 if level == "service" else 100)
    assert [flat(row) for row in body["rows"]] == lines


@pytest.mark.parametrize(("kind", "level"), LEVELS)
def test_every_value_says_of_how_many_things_it_is(demo: Project, kind: str, level: str) -> None:
    rows = insight(demo, kind, level=level).rows
    metrics = {metric.column: metric for metric in catalogue_of(kind) if level in metric.levels}
    assert rows
    for row in rows:
        assert row.n is not None
        assert set(row.n) == set(row.values) == set(metrics)
        for column, metric in metrics.items():
            value, n = row.values[column], row.n[column]
            if metric.kind == "statistic":
                assert (n > 0) == (value is not None), column
            if metric.kind == "ratio" and not value and value is not None:
                continue  # nothing of many, or nothing of nothing
            if (column, value) == ("DF_Rating", "Low"):
                continue  # of none, where there were some before
            if column == "Code_AI_Basis":
                continue  # says by what another column is counted, also where that counted nothing
            assert (n == 0) <= (not value), column


def test_the_number_of_things_is_what_other_metrics_count(demo: Project) -> None:
    same = {
        "CFR_Percent": ("Total_Success", "Total_Failures"),
        "MTTR_Mean_Days": ("Incident_Count",),
        "LTTC_Mean_Days": ("LTTC_Items",),
        "Deploy_Mean_Days": ("Deploy_Items",),
        "DF_Deployment_Count": ("DF_Deployment_Count",),
        "Deployment_Frequency": ("DF_Deployment_Count",),
        "CFR_Rating": ("Total_Success", "Total_Failures"),
        "Percentage_PR_Associated": ("Total_Work_Items",),
        "PR_Associations": ("PR_Associations",),
    }
    for row in insight(demo, "efficiency").rows:
        for column, others in same.items():
            assert row.n is not None
            assert row.n[column] == sum(int(row.values[other] or 0) for other in others), column
        ratings = [row.values[f"{name}_Rating"] for name in ("LTTC", "DF", "CFR", "MTTR")]
        assert row.n["Overall_Rating"] == 4 - ratings.count(None)


def test_a_service_is_compared_with_itself(demo: Project) -> None:
    asked = {"level": "service", "granularity": "total"}
    now = insight(demo, "efficiency", **asked, dateFrom="2026-01-01", dateTo="2026-03-31", compare="previous")
    then = insight(demo, "efficiency", **asked, dateFrom="2025-10-01", dateTo="2025-12-31")
    before = {row.key["Service"] or row.key["Repository"]: row.values for row in then.rows if row.key}
    assert len(before) > 3
    for row in now.rows:
        assert row.key is not None
        earlier = before.get(row.key["Service"] or row.key["Repository"])
        assert (row.previous.values if row.previous else None) == earlier


@pytest.mark.parametrize("granularity", ["monthly", "quarterly", "total"])
def test_the_range_before_is_a_request_of_its_own(demo: Project, granularity: str) -> None:
    asked = {"level": "team", "granularity": granularity}
    now = insight(demo, "productivity", **asked, dateFrom="2026-01-01", dateTo="2026-03-31", compare="previous")
    then = insight(demo, "productivity", **asked, dateFrom="2025-10-01", dateTo="2025-12-31")
    assert [row.previous and (row.previous.start_date, row.previous.values, row.previous.n) for row in now.rows] == [
        (row.start_date, row.values, row.n) for row in then.rows
    ]
    assert now.request.previous is not None
    assert str(now.request.previous.start_date) == "2025-10-01"


def test_sorted_and_cut_rows_are_the_first_of_all(demo: Project) -> None:
    everybody = insight(demo, "productivity", granularity="total")
    some = insight(demo, "productivity", granularity="total", sort="-rework_percent", limit=20)
    values = [row.values["Rework_Percent"] for row in everybody.rows]
    known = sorted((value for value in values if isinstance(value, float)), reverse=True)
    assert [row.values["Rework_Percent"] for row in some.rows] == known[:20]
    assert (some.total, len(everybody.rows)) == (len(everybody.rows), everybody.total)
    assert some.request.sort == "-Rework_Percent"


@pytest.mark.parametrize("kind", ["productivity", "efficiency"])
@pytest.mark.parametrize("team", [None, "2"])
def test_depth_leaves_out_teams_further_below(demo: Project, kind: str, team: str | None) -> None:
    """In rows of before a move, too: here people move between teams."""
    scope = {} if team is None else {"teamId": team, "orgTreeName": None}
    whole = insight(demo, kind, level="team", **scope).rows
    top = min(row.team.path.count("/") for row in whole if row.team)
    for depth in (0, 1, 9):
        shown = insight(demo, kind, level="team", depth=depth, **scope)
        assert shown.rows == [row for row in whole if row.team and row.team.path.count("/") - top <= depth]
        assert shown.total == len(shown.rows) > 0


def test_depth_is_of_teams(demo: Project) -> None:
    with pytest.raises(InvalidRequest, match="these rows are not teams"):
        insight(demo, "productivity", level="developer", depth=1)


@pytest.mark.parametrize(
    ("kind", "column"), [("productivity", "PR_Cycle_Time_Days_Avg"), ("efficiency", "MTTR_Mean_Days")]
)
def test_the_rows_behind_a_cell_are_its_teams_at_every_depth(demo: Project, kind: str, column: str) -> None:
    """Teams between those that have rows are left out, and their numbers are not another's."""
    asked = {**WHOLE, "metrics": [column], "level": "team", "granularity": "total", "depth": 1}
    request = parse_insight(demo, KINDS[kind], asked).rows
    assert isinstance(request, MetricsRequest)
    rows = insight(
        demo, kind, groups=[], **{name: asked[name] for name in ("metrics", "level", "granularity", "depth")}
    ).rows
    at = Cursor(pin(demo, "Engineering"), datetime.now(UTC), 0)
    assert len(rows) > 2
    with Runner(demo.home) as runner:
        for row in rows:
            assert row.team is not None
            assert row.n is not None
            found = cell(runner, demo, request, Place(column, unit=row.team.ref_id), at, Control())
            assert (found.value, found.count) == (row.values[column], row.n[column])
