"""Every declared chart: valid by Vega-Lite's own schema, of metrics that there are, in colours that can be seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from leadline.charts.catalogue import CHARTS, SPARKLINE, chart_named, metric_chart
from leadline.charts.chart import Categories, Chart, Events, Periods
from leadline.charts.draw import bound
from leadline.charts.theme import DARK, LIGHT
from leadline.errors import NotFound
from leadline.exports.kinds import KINDS
from leadline.metrics.catalogue import by_ids
from published.packages import VEGA_LITE, published

SPECS = {
    **{chart.name: chart.spec for chart in CHARTS.values()},
    "sparkline": SPARKLINE,
    "of several teams": metric_chart(by_ids(("CFR_PERCENT",))[0]).spec,
}


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of a JSON value with its name, at any depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in items:
        yield str(name), member
        yield from walk(member)


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    return Draft7Validator(json.loads(published(VEGA_LITE, "build/vega-lite-schema.json").read_text("utf-8")))


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("further", [{}, {"trend": 1, "goal": 2}])
def test_a_specification_is_valid(name: str, schema: Draft7Validator, further: dict[str, int]) -> None:
    rows = [{"start": "2026-01-01", "value": 1, **further}]
    spec = json.loads(json.dumps(bound(SPECS[name], rows, unit="days")))
    assert len(spec["layer"]) == len(SPECS[name]["layer"]) or not further
    assert schema.is_valid(spec), next(schema.iter_errors(spec)).message
    assert not schema.is_valid({**spec, "layer": [{"mark": "no such mark"}]})


@pytest.mark.parametrize("name", SPECS)
def test_a_specification_loads_nothing(name: str) -> None:
    """No address but the schema's name, no pictures, no links: data are the only thing that varies."""
    members = list(walk(json.loads(json.dumps(SPECS[name]))))
    assert {name for name, _ in members} & {"url", "href", "image", "loader", "projection"} == set()
    assert [value for name, value in members if isinstance(value, str) and "://" in value and name != "$schema"] == []


@pytest.mark.parametrize("name", SPECS)
def test_colours_are_named_by_role(name: str) -> None:
    members = list(walk(json.loads(json.dumps(SPECS[name]))))
    assert [value for _, value in members if isinstance(value, str) and re.fullmatch(r"#[0-9a-f]{3,8}", value)] == []
    named = {value for member, value in members if member == "expr" and value.isidentifier()}
    assert named - set(LIGHT) - {"unit"} == set()


@pytest.mark.parametrize("chart", CHARTS.values(), ids=lambda chart: chart.name)
def test_a_chart_says_what_it_shows(chart: Chart) -> None:
    assert re.fullmatch(r"[a-z][a-z-]+", chart.name)
    assert chart.reading.endswith(".")
    assert chart.insight in KINDS
    if isinstance(chart.data, Periods):
        labels = [series.label for series in chart.data.series]
        assert len(set(labels)) == len(labels)
        assert len({series.declared.unit for series in chart.data.parts}) == 1
    elif not isinstance(chart.data, Categories):
        assert isinstance(chart.data, Events)
        metric = by_ids((chart.data.metric,))[0].metric
        assert metric.kind in ("statistic", "percentile")
        assert metric.unit in ("days", "hours")
        assert list(chart.data.bounds) == sorted(chart.data.bounds)


def test_an_unknown_chart_is_told_with_those_there_are() -> None:
    assert chart_named(" Lead-Time ").name == "lead-time"
    with pytest.raises(NotFound, match="There is no chart 'lead'; charts are lead-time, deployments"):
        chart_named("lead")


# -- colours -----------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_stands_out_from_its_background(theme: dict[str, str]) -> None:
    assert theme.keys() == LIGHT.keys()
    for role, colour in theme.items():
        least = {"surface": 1.0, "grid": 1.0, "ink": 7.0, "muted": 4.5}.get(role, 3.0)
        assert contrast(colour, theme["surface"]) >= least, role
