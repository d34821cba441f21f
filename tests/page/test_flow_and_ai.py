"""Flow and AI: their figures, the forecast and the comparison are what the API answers; what is missing is said."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from api.serving import Client, Served, fill, put, serving
from leadline.home import Home
from leadline.page.install import install
from leadline.page.screens.ai import COMPARED, PARTS

from .browsing import Browsing
from .test_insight_screens import ASKED, Q1, Figures, compare_screen

TOLD_BY_THE_API = re.compile(r'<data value="([^"]*)" data-column="([^"]*)">')


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


@pytest.mark.parametrize(
    ("screen", "kind", "granularity", "team"), [("flow", "flow", "weekly", "1"), ("ai", "productivity", "monthly", "2")]
)
def test_every_figure_is_the_apis(
    admin: Browsing, api: Client, screen: str, kind: str, granularity: str, team: str
) -> None:
    assert compare_screen(admin, api, team, screen, kind, granularity) >= 20


@pytest.mark.parametrize("screen", ["flow", "ai"])
def test_a_value_leads_to_the_rows_behind_it(admin: Browsing, screen: str) -> None:
    text = admin.get(f"/{screen}?{Q1}&team=1&trend=yes").text
    links = dict.fromkeys(Figures(text).links)
    assert len(links) >= 10
    assert not any("trend" in dict(parse_qsl(urlsplit(link).query)) for link in links)
    column = {"flow": "Cycle_Time_P85_Days", "ai": "PR_AI_Percent"}[screen]
    link = next(link for link in links if dict(parse_qsl(urlsplit(link).query))["column"] == column)
    value = Figures(text).cards[column]
    assert f'<data value="{value}" data-column="{column}">' in admin.get(link).text


def test_work_with_and_without_ai_is_the_apis(admin: Browsing, api: Client) -> None:
    text = admin.get(f"/ai?{Q1}&team=1").text
    shown = {
        metric: TOLD_BY_THE_API.findall(cells)
        for metric, cells in re.findall(r'<tr data-metric="(\w+)">(.*?)</tr>', text, re.DOTALL)
    }
    assert list(shown) == [metric for metrics in COMPARED.values() for metric in metrics]
    for kind, metrics in COMPARED.items():
        level = "&level=team" if kind == "productivity" else ""
        asked = f"{ASKED}&teamId=1&granularity=total&depth=0&splitBy=ai&metrics={','.join(metrics)}{level}"
        body = api.get(f"/v2/insights/{kind}?{asked}").json
        rows = {row["key"]["AI"]: row["values"] for row in body["rows"]}
        assert list(rows) == list(PARTS)
        assert {type(row["key"]["Small"]) for row in body["rows"]} == {bool}
        for metric in body["metrics"]:
            values = [rows[part][metric["column"]] for part in PARTS]
            assert shown[metric["id"]] == [(str(value), metric["column"]) for value in values if value is not None]


def test_a_part_is_compared_with_the_same_part_before(api: Client) -> None:
    """A month with the one before: each part of that is what it is by itself."""
    asked = "teamId=1&level=team&granularity=total&depth=0&splitBy=ai&metrics=PR_Merged&dateTo=2026-03-31"
    compared = api.get(f"/v2/insights/productivity?{asked}&dateFrom=2026-03-01&compare=previous").json["rows"]
    earlier = f"{asked.replace('2026-03-31', '2026-02-28')}&dateFrom=2026-02-01"
    before = api.get(f"/v2/insights/productivity?{earlier}").json["rows"]
    assert [row["previous"]["values"] for row in compared] == [row["values"] for row in before]
    assert len({row["values"]["PR_Merged"] for row in before}) == 3


# -- what is missing, and the forecast ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Four developers with pull requests, and without a work item."""
    folder = tmp_path_factory.mktemp("flow")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home, workers=0, faces=[install]) as running:
            yield running


def test_without_work_items_it_says_what_to_do(small: Served) -> None:
    for role, button in (("admin", True), ("viewer", False)):
        text = Browsing(small.base).signed_in(small.keys[role]).get("/flow").text
        assert "No work items known" in text
        assert ('href="/sources/new"' in text) == button
        assert 'href="/docs/guide/sources"' in text
        assert "<figure" not in text


def test_without_reports_of_use_it_says_why(admin: Browsing) -> None:
    text = admin.get("/ai?from=2025-01-01&to=2025-03-31&team=2").text
    assert text.count("connect Copilot, Cursor or Claude Code, or push rows of ai_usage") == 7
    assert "No work known" not in text


def completed(number: int) -> dict[str, Any]:
    """One of two items of a week, the newest of last week."""
    moment = datetime.now(UTC) - timedelta(days=7 * (1 + number // 2))
    return {
        "project": "P",
        "key": f"P-{number}",
        "assignee": "cyd@example.org",
        "status_category": "done",
        "created_at": moment - timedelta(days=3),
        "completed_at": moment,
    }


@pytest.fixture(scope="module")
def busy(small: Served) -> Served:
    """The same with two work items completed in each of the last twelve weeks."""
    put(small.home.project(), work_items=[completed(number) for number in range(24)])
    return small


def test_the_forecast_is_the_apis(busy: Served) -> None:
    browsing = Browsing(busy.base).signed_in(busy.keys["viewer"])
    target = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    history = {"history": {"weeks": 8}}
    for query, question in (
        ("remaining=9&weeks=8", {"remaining": 9, **history}),
        (f"target={target}&weeks=8", {"target": target, **history}),
    ):
        body = {"scope": {"teamId": "1"}, **question}
        told = busy.client.send("POST", "/v2/insights/forecast", body=body).json
        text = browsing.get(f"/flow?team=1&{query}").text
        columns = {column: value for value, column in TOLD_BY_THE_API.findall(text) if column.startswith("forecast_")}
        assert columns == {f"forecast_{percent}": str(value) for percent, value in told["percentiles"].items()}
        assert ", ".join(str(week["completed"]) for week in told["history"]) in text


@pytest.mark.parametrize(
    ("query", "question"),
    [
        ("remaining=0", {"remaining": 0}),
        ("remaining=many", {"remaining": "many"}),
        ("remaining=5&weeks=3", {"remaining": 5, "history": {"weeks": 3}}),
        ("ask=how-many&target=2020-01-01", {"target": "2020-01-01"}),
    ],
)
def test_what_cannot_be_forecast_is_told_as_the_api_tells_it(
    busy: Served, query: str, question: dict[str, Any]
) -> None:
    body = {"scope": {"teamId": "1"}, **question}
    refused = busy.client.send("POST", "/v2/insights/forecast", body=body)
    assert refused.status == 400
    answer = Browsing(busy.base).signed_in(busy.keys["viewer"]).get(f"/flow?team=1&{query}")
    assert answer.status_code == 200
    assert refused.json["error"] in html.unescape(answer.text)


def test_nothing_that_was_typed_is_lost(busy: Served) -> None:
    text = Browsing(busy.base).signed_in(busy.keys["viewer"]).get("/flow?team=1&remaining=0&weeks=3").text
    assert re.search(r'name="remaining"[^>]* value="0"', text)
    assert re.search(r'name="weeks"[^>]* value="3"', text)
