"""Charts over HTTP and by the command, of the demo: drawn on what insights answer."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from api.serving import Client, Served
from cli.running import Leadline
from leadline.charts import render
from leadline.charts.catalogue import CHARTS
from leadline.charts.chart import Events, Periods
from leadline.metrics.catalogue import by_ids

Q1 = "orgTreeName=Engineering&dateFrom=2026-01-01&dateTo=2026-03-31"
MARKS = re.compile(r"\b(mark-rect|mark-symbol|mark-line) role-mark\b")


def test_all_charts_are_listed(viewer: Client) -> None:
    listed = viewer.get("/v2/charts").json["charts"]
    assert [chart["name"] for chart in listed] == list(CHARTS)
    assert listed[0]["insight"] == "efficiency"
    assert "LTTC_MEAN_DAYS" in listed[0]["metrics"]


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_with_its_marks(viewer: Client, name: str) -> None:
    answer = viewer.get(f"/v2/charts/{name}.svg?{Q1}&width=640")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    root = ElementTree.fromstring(answer.body.decode())
    assert root.get("width") == "640"
    groups = [group for group in root.iter() if MARKS.search(group.get("class") or "")]
    assert sum(len(group) for group in groups) >= 3, "nothing is drawn"
    assert CHARTS[name].title in "".join(root.itertext())


@pytest.mark.parametrize("name", [name for name, chart in CHARTS.items() if isinstance(chart.data, Periods)])
def test_every_value_is_the_insights(viewer: Client, name: str) -> None:
    data = CHARTS[name].data
    assert isinstance(data, Periods)
    spec = viewer.get(f"/v2/charts/{name}.json?{Q1}&aggregation=p90").json
    level = "&level=team" if data.insight == "productivity" else ""
    metrics = ",".join(series.metric for series in data.series)
    body = viewer.get(f"/v2/insights/{data.insight}?{Q1}&aggregation=p90&depth=0&metrics={metrics}{level}").json
    columns = {metric["id"]: metric["column"] for metric in body["metrics"]}
    drawn = {(row["start"], row["series"]): row for row in spec["data"]["values"]}
    assert len(body["rows"]) == 3
    for row in body["rows"]:
        for series in data.series:
            value = row["values"][columns[series.metric]]
            if series is data.count:
                assert {drawn[row["startDate"], part.label]["count"] for part in data.parts} == {value}
            else:
                assert drawn[row["startDate"], series.label]["exact"] == value
    assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v6.json"


@pytest.mark.parametrize("name", [name for name, chart in CHARTS.items() if isinstance(chart.data, Events)])
def test_single_things_are_those_behind_the_value(viewer: Client, name: str) -> None:
    """As many as the value is of; their mean or percentile is the value, and so the line."""
    data = CHARTS[name].data
    assert isinstance(data, Events)
    level = "&level=team" if data.insight == "productivity" else ""
    asked = f"{Q1}&granularity=total&depth=0&metrics={data.metric}{level}"
    body = viewer.get(f"/v2/insights/{data.insight}?{asked}").json
    ((column, value),) = body["rows"][0]["values"].items()
    rows = viewer.get(f"/v2/charts/{name}.json?{Q1}").json["data"]["values"]
    if data.bounds:
        assert sum(row["value"] for row in rows) == body["rows"][0]["n"][column] > 2
        return
    dots = [row["value"] for row in rows if row["kind"] == "dot"]
    (line,) = (row["value"] for row in rows if row["kind"] == "whole")
    assert len(dots) == body["rows"][0]["n"][column] > 2
    assert line == value * 86_400
    if by_ids((data.metric,))[0].metric.kind == "percentile":
        assert sum(dot <= line + 1 for dot in dots) >= 0.85 * (len(dots) - 1)
        return
    assert abs(sum(dots) / len(dots) - line) <= 86_400 * 0.00006


def test_a_picture_is_known_by_its_tag(viewer: Client) -> None:
    address = f"/v2/charts/deployments.svg?{Q1}"
    first = viewer.get(address)
    assert viewer.get(address, If_None_Match=first.headers["etag"]).status == 304
    for other in ("&theme=dark", "&width=500", "&trend=true", "&granularity=weekly"):
        assert viewer.get(address + other, If_None_Match=first.headers["etag"]).status == 200


def test_a_page_of_its_own_has_the_numbers_as_a_table(viewer: Client) -> None:
    answer = viewer.get(f"/v2/charts/deployments.html?{Q1}")
    assert answer.headers["content-disposition"] == 'attachment; filename="deployments.html"'
    page = answer.body.decode()
    values = viewer.get(f"/v2/insights/efficiency?{Q1}&depth=0&metrics=Total_Failures,Total_Success").json["rows"]
    assert page.count("<tr>") == 1 + len(values)
    for row in values:
        assert f"<td>{row['values']['Total_Success']:,}</td>" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        (f"/v2/charts/nothing.svg?{Q1}", 404, "unknown_chart"),
        (f"/v2/charts/deployments.gif?{Q1}", 404, "unknown_format"),
        (f"/v2/charts/deployments.svg?{Q1}&width=9", 400, "invalid_parameter"),
        (f"/v2/charts/deployments.svg?{Q1}&theme=pink", 400, "invalid_parameter"),
        (f"/v2/charts/deployments.svg?{Q1}&granularity=hourly", 400, "unsupported_granularity"),
        ("/v2/charts/deployments.svg?orgTreeName=Engineering", 400, "missing_field"),
        ("/v2/charts/deployments.svg?teamId=999999&period=last-month", 400, "invalid_team_id"),
    ],
)
def test_what_cannot_be_drawn_is_told(viewer: Client, address: str, status: int, code: str) -> None:
    answer = viewer.get(address)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body


def test_without_the_library_there_is_json(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "find_spec", lambda _name: None)
    refused = viewer.get(f"/v2/charts/deployments.svg?{Q1}")
    assert (refused.status, refused.json["code"]) == (501, "charts_not_installed")
    assert "pip install" in refused.json["error"]
    assert viewer.get(f"/v2/charts/deployments.json?{Q1}").status == 200


@pytest.fixture
def command(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Leadline:
    return Leadline(served.home.path, tmp_path_factory.mktemp("cwd"))


def test_the_command_writes_what_the_api_answers(command: Leadline, viewer: Client) -> None:
    days = ("--start", "2026-01-01", "--end", "2026-03-31")
    command("chart", "deployments", *days, "--trend", "--theme", "dark", "--width", 500, "-o", "d.svg")
    answer = viewer.get(f"/v2/charts/deployments.svg?{Q1}&trend=true&theme=dark&width=500")
    assert (command.cwd / "d.svg").read_bytes() == answer.body
    command("chart", "deployments", *days, "--team", "2", "-o", "d.json")
    team = viewer.get("/v2/charts/deployments.json?teamId=2&dateFrom=2026-01-01&dateTo=2026-03-31")
    assert json.loads((command.cwd / "d.json").read_text()) == team.json
    assert command.process("chart", "list").stdout.startswith("lead-time: Lead time by stage\n")


def test_the_command_refuses_what_it_cannot_do(command: Leadline) -> None:
    days = ("--start", "2026-01-01", "--end", "2026-03-31")
    assert "the ending .gif is none of .svg, .png" in command("chart", "rework", *days, "-o", "x.gif", code=2).stderr
    assert "--team" in command("chart", "rework", *days, "--team", "no", "-o", "x.svg", code=2).stderr
    assert "Missing option '--start'" in command("chart", "rework", "-o", "x.svg", code=2).stderr
    assert list(command.cwd.iterdir()) == []


def test_of_very_many_things_the_newest_are_dots(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line stays that of all."""
    address = f"/v2/charts/cycle-time-scatter.json?{Q1}"
    whole = viewer.get(address).json["data"]["values"]
    monkeypatch.setattr("leadline.api.charts.MOST_DOTS", 10)
    fewer = viewer.get(address).json["data"]["values"]
    assert fewer == whole[-11:]
    assert len(whole) > 11
    assert fewer[-1]["kind"] == "whole"
