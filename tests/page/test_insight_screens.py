"""Delivery and Productivity: every figure on them is what the API answers, for every team of the demo; what is unknown says why."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from api.serving import Client, Served
from leadline.charts.catalogue import CHARTS
from leadline.charts.chart import Periods
from leadline.metrics.catalogue import groups_of
from leadline.page.screens.productivity import COLUMNS

from .browsing import Browsing

Q1 = "from=2026-01-01&to=2026-03-31"
ASKED = "dateFrom=2026-01-01&dateTo=2026-03-31"


GROUPS = {
    "efficiency": "groups=lttc,lttc_items,work_items,df,cfr,mttr,rating,summary",
    "productivity": f"groups={','.join(groups_of('productivity'))}",
}
"""Everything that the kinds have which must be asked for."""
NUMBERED = {"person": "data-row", "service": "data-service", "metric": "data-metric"}
"""What rows are about that are no teams, with the attribute that says which."""


@dataclass
class Row:
    """One row of the table: whose it is, and its values by column."""

    key: str
    values: dict[str, str] = field(default_factory=dict)


class Figures(HTMLParser):
    """The figures of a screen: those of its cards, of the rows of its table, and the specifications of its charts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.cards: dict[str, str] = {}
        self.rows: list[Row] = []
        self.specs: list[dict[str, Any]] = []
        self.links: list[str] = []
        self._in_spec = False
        self._row: Row | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "tr":
            numbered = [f"{what} {named[name]}" for what, name in NUMBERED.items() if name in named]
            key = named.get("data-team") or next(iter(numbered), "")
            self._row = Row(key) if key else None
            self.rows += [self._row] if self._row else []
        if tag == "data":
            place = self._row.values if self._row else self.cards
            place[named["data-column"]] = named["value"]
        if tag == "a" and re.match(r"/facts\?.*column=", named.get("href", "")):
            self.links.append(named["href"])
        self._in_spec = tag == "script" and named.get("type") == "application/json"

    def handle_endtag(self, tag: str) -> None:
        self._in_spec = self._in_spec and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_spec:
            self.specs.append(json.loads(data))


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


@pytest.fixture(scope="module")
def teams(api: Client) -> list[str]:
    """All teams, by ref id."""
    body = api.get(f"/v2/insights/productivity?{ASKED}&orgTreeName=Engineering&level=team&granularity=total").json
    return [row["team"]["refId"] for row in body["rows"]]


def answered(api: Client, kind: str, **asked: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    body = api.get(f"/v2/insights/{kind}?{ASKED}&{query}&{GROUPS.get(kind, '')}")
    assert body.status == 200, body.body
    rows: list[dict[str, Any]] = body.json["rows"]
    return rows


def shown(values: dict[str, Any], columns: Any) -> dict[str, str]:
    return {column: "" if values[column] is None else str(values[column]) for column in columns}


@pytest.mark.parametrize(("screen", "kind"), [("delivery", "efficiency"), ("productivity", "productivity")])
@pytest.mark.parametrize("granularity", ["monthly", "weekly"])
def test_every_figure_is_the_apis(
    admin: Browsing, api: Client, teams: list[str], screen: str, kind: str, granularity: str
) -> None:
    assert len(teams) > 5
    assert sum(compare_screen(admin, api, team, screen, kind, granularity) for team in teams) >= 200


def compare_screen(admin: Browsing, api: Client, team: str, screen: str, kind: str, granularity: str) -> int:
    """Hold the figures of a screen of ``team`` against the API's; how many values of charts were compared."""
    aggregation = "mean" if granularity == "monthly" else "p90"
    level = {"level": "team"} if kind == "productivity" else {}
    look = f"granularity={granularity}&aggregation={aggregation}"
    answer = admin.get(f"/{screen}?{Q1}&team={team}&{look}")
    assert answer.status_code == 200
    figures = Figures(answer.text)
    whole = {"teamId": team, "aggregation": aggregation, **level}
    totals = {row["team"]["refId"]: row for row in answered(api, kind, granularity="total", depth=1, **whole)}
    assert len(figures.cards) >= 4
    assert figures.cards == shown(totals[team]["values"], figures.cards)
    below = [row for row in figures.rows if row.key in totals]
    assert {row.key for row in below} == set(totals) - {team}
    for row in below:
        assert row.values == shown(totals[row.key]["values"], row.values)
    series = answered(api, kind, granularity=granularity, depth=0, **whole)
    return _compare_charts(figures, series, kind, aggregation)


def _compare_charts(figures: Figures, series: list[dict[str, Any]], kind: str, aggregation: str) -> int:
    """How many values of charts were compared with those answered."""
    by_start = {row["startDate"]: row["values"] for row in series}
    charts = [chart for chart in CHARTS.values() if isinstance(chart.data, Periods) and chart.insight == kind]
    columns = {
        part.label: part.declared.column_for(aggregation)
        for chart in charts
        if isinstance(chart.data, Periods)
        for part in chart.data.series
    }
    values = [row for spec in figures.specs for row in spec["data"]["values"] if "exact" in row]
    for row in values:
        assert row["exact"] == by_start[row["start"]][columns[row["series"]]]
    return len(values)


def test_every_figure_of_a_service_is_the_apis_and_leads_to_its_rows(
    admin: Browsing, api: Client, teams: list[str]
) -> None:
    """They are the team's, taken apart: together they have what the team has."""
    for team in teams:
        figures = Figures(admin.get(f"/delivery?{Q1}&team={team}&by=services").text)
        answer = {
            row["key"]["Service"] or row["key"]["Repository"]: row["values"]
            for row in answered(api, "efficiency", granularity="total", teamId=team, level="service")
        }
        services = {row.key.removeprefix("service "): row.values for row in figures.rows}
        assert services == {name: shown(values, services[name]) for name, values in answer.items()}
        deployed = sum(int(values["DF_Deployment_Count"]) for values in services.values())
        assert deployed == int(figures.cards["DF_Deployment_Count"])
    links = [link for link in figures.links if "of_service=" in link]
    assert links
    for link in links:
        asked = dict(parse_qsl(urlsplit(link).query))
        page = admin.get(link).text
        assert (
            f'<data value="{services[asked["of_service"]][asked["column"]]}" data-column="{asked["column"]}">' in page
        )
        assert asked["of_service"] in page


def test_every_value_leads_to_the_rows_behind_it(admin: Browsing) -> None:
    figures = Figures(admin.get(f"/delivery?{Q1}&team=1").text)
    assert len(figures.links) >= 4
    for link in figures.links:
        assert re.search(r"[?&]kind=efficiency&column=[A-Za-z_0-9]+$", link)
        assert "from=2026-01-01&to=2026-03-31" in link
    values = [row for spec in figures.specs for row in spec["data"]["values"]]
    for row in values:
        if row["kind"] != "whole" or "start" in row:  # the line of single things is of all of them
            assert row["href"].startswith("/facts?")
            assert f"from={row.get('start', '2026-01-01')}" in row["href"]
    assert {row["kind"] for row in values} == {"part", "whole", "dot"}


def test_where_nothing_is_known_it_says_why_and_rates_nothing(admin: Browsing) -> None:
    text = admin.get("/delivery?from=2020-01-01&to=2020-03-31").text
    assert "No deployments known: connect the tool that deploys" in text
    assert "No work of these days has a lead time" in text
    assert "Nothing in these days" in text
    assert 'class="band' not in text


@pytest.mark.parametrize("path", ["/delivery", "/productivity", "/flow"])
def test_days_without_any_data_lead_to_the_last_that_have_some(admin: Browsing, path: str) -> None:
    text = admin.get(f"{path}?from=2020-01-01&to=2020-03-31").text
    assert re.search(r"There are no data of these days; there are some from [\w ]+ to [\w ]+\.", text)
    (href,) = re.findall(r'<a href="([^"]+)">Show the last four weeks that have some</a>', text)
    assert "There are no data" not in admin.get(unescape(href)).text


def test_a_change_is_told_in_words(admin: Browsing, api: Client) -> None:
    (row,) = answered(api, "efficiency", granularity="total", depth=0, teamId="1", compare="previous")
    now, before = (values["values"]["DF_Deployment_Count"] for values in (row, row["previous"]))
    text = admin.get(f"/delivery?{Q1}&team=1").text
    assert "Compared with 1 Oct – 31 Dec 2025" in text
    if before and now > before:
        assert re.search(r"\d+ % more|times as many", text)


# -- developers --------------------------------------------------------------------------------------------------------


def test_names_of_developers_are_hidden_until_they_are_asked_for(admin: Browsing, api: Client) -> None:
    people = answered(
        api, "productivity", granularity="total", level="developer", teamId="1", sort="-PR_Merged", limit=40
    )
    hidden = admin.get(f"/productivity?{Q1}&team=1&by=developers").text
    assert "Developer 1" in hidden
    for person in people:
        assert person["developer"]["email"] not in hidden
        assert person["developer"]["name"] not in hidden
    named = admin.get(f"/productivity?{Q1}&team=1&by=developers&names=shown").text
    assert people[0]["developer"]["name"] in named
    rows = [row for row in Figures(hidden).rows if row.key.startswith("person")]
    assert len(rows) == len(people)
    for row, person in zip(rows, people, strict=True):
        assert row.values == shown(person["values"], row.values)
    assert len(rows[0].values) == len(COLUMNS)


def test_a_chart_can_be_had_as_a_file(admin: Browsing) -> None:
    page = admin.get(f"/delivery?{Q1}&team=1").text
    (address,) = set(re.findall(r'href="(/charts/deployments\.svg\?[^"]+)"', page))
    answer = admin.get(address.replace("&amp;", "&"))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "<svg" in answer.text
    assert admin.get("/charts/deployments.exe").status_code == 404
    assert admin.get("/charts/nothing.svg").status_code == 404


def test_what_the_address_says_wrongly_is_told(admin: Browsing) -> None:
    text = admin.get("/delivery?team=nobody&from=2026-01-31&to=2026-01-01&granularity=hourly").text
    assert text.count('class="strip bad"') == 3
    assert admin.get("/productivity?sort=nothing&by=nothing&people=nothing").status_code == 200


@pytest.mark.parametrize("screen", ["delivery", "productivity", "flow", "ai"])
def test_without_a_tree_it_says_what_to_do(screen: str, admin: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"leadline.page.screens.{screen}.view_of", lambda _visit: None)
    assert "No org tree yet" in admin.get(f"/{screen}").text
