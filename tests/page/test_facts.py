"""Facts: the rows behind every value add up to it, are found in three clicks, and can be had as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Client, Served
from leadline.access import Access
from leadline.db import keys
from leadline.exports.insights.models import CellRow
from leadline.facts.catalogue import FACTS
from leadline.metrics.catalogue import by_ids
from leadline.page.behind import FACES, FactRow, fact_rows, web_address
from leadline.page.behind_kinds import BehindMetric
from leadline.page.view import View

from .browsing import Browsing
from .windows import window

Q1 = "from=2026-01-01&to=2026-03-31"
API = "dateFrom=2026-01-01&dateTo=2026-03-31&teamId=1&team=1&granularity=total"
OF_ONE = {"LTTC_Mean_Days": 86_400, "MTTR_Mean_Days": 86_400, "PR_Cycle_Time_Days_Avg": 86_400}


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


def values(html: str) -> list[str]:
    return re.findall(r'<data value="([^"]*)" data-value>', html)


def names(html: str) -> list[str]:
    return re.findall(r'<tr data-name="([^"]+)"', html)


def walked(admin: Browsing, address: str) -> list[str]:
    """The pages from ``address`` on, to the last."""
    pages = []
    while address:
        pages.append(admin.get(address).text)
        following = re.search(r'rel="next" href="([^"]+)"', pages[-1])
        address = following[1].replace("&amp;", "&") if following else ""
    return pages


@pytest.mark.parametrize("column", ["LTTC_Mean_Days", "MTTR_Mean_Days", "PR_Cycle_Time_Days_Avg"])
def test_the_mean_of_the_rows_is_the_value(admin: Browsing, api: Client, column: str) -> None:
    kind, level = ("productivity", "&level=team") if column.startswith("PR") else ("efficiency", "")
    cell = api.get(f"/v2/insights/{kind}/cells?{API}{level}&metrics={column}&column={column}").json
    pages = walked(admin, f"/facts?{Q1}&team=1&column={column}")
    assert f'<data value="{cell["value"]}" data-column="{column}">' in pages[0]
    shown = [float(value) for page in pages for value in values(page)]
    assert len(shown) == cell["count"] == cell["n"] > 0
    assert sum(shown) / len(shown) == pytest.approx(cell["value"], abs=1e-4)
    assert shown == sorted(shown, reverse=True)
    everything = [name for page in pages for name in names(page)]
    assert len(set(everything)) == len(everything) == cell["count"]


def test_every_figure_of_delivery_leads_to_its_value(admin: Browsing) -> None:
    page = admin.get(f"/delivery?{Q1}&team=1").text
    links = set(re.findall(r'<div class="value"><a href="(/facts[^"]+)"><data value="([^"]+)"', page))
    assert len(links) == 4
    for link, value in links:
        assert f'<data value="{value}" data-column=' in admin.get(link.replace("&amp;", "&")).text


def test_rows_are_searched_sorted_and_downloaded(admin: Browsing) -> None:
    address = f"/facts?{Q1}&column=PR_Cycle_Time_Days_Avg&q=acme/basket&sort=merged_at"
    pages = walked(admin, address)
    found = [name for page in pages for name in names(page)]
    assert found
    assert all(name.startswith("acme/basket#") for name in found)
    answer = admin.get(address.replace("/facts?", "/facts/rows.csv?"))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [f"{row['repository']}#{row['number']}" for row in rows] == found
    assert [row["merged_at"] for row in rows] == sorted(row["merged_at"] for row in rows)
    assert [row["value"] for row in rows] == [value for page in pages for value in values(page)]
    assert "attachment" in answer.headers["content-disposition"]


def test_what_cannot_be_shown_says_so(admin: Browsing) -> None:
    assert "Unknown metric" in admin.get("/facts?column=nothing").text
    assert "cannot be sorted by" in admin.get(f"/facts?{Q1}&sort=nothing").text
    assert "No row has these words" in admin.get(f"/facts?{Q1}&q=nobody-says-this").text
    assert "Nothing behind it" in admin.get("/facts?from=2020-01-01&to=2020-01-31").text
    assert "mean of ratings" in admin.get(f"/facts?{Q1}&column=Overall_Rating").text
    assert "No rows" in admin.get(f"/facts?{Q1}&developer=nobody@example.com").text
    assert admin.get(f"/facts?{Q1}&cursor=nothing").status_code in (200, 400)
    for wrong in ("fact=nothing", "fact=pull-requests&repository=a/b", "fact=pull-requests&repository=a/b&number=1"):
        assert admin.get(f"/facts/row?{wrong}").status_code == 404


def test_pull_requests_of_a_deployment_are_called_as_their_own_pages_are(admin: Browsing, api: Client) -> None:
    cells = api.get(f"/v2/insights/efficiency/cells?{API}&metrics=DF_Deployment_Count&column=DF_Deployment_Count").json
    carrying = [row["row"]["deployment_id"] for row in cells["rows"]]
    pages = (
        admin.get(f"/facts/row?{urlencode({'fact': 'deployments', 'deployment_id': name})}").text for name in carrying
    )
    listed = next(found for page in pages if (found := re.findall(r'<li><a href="([^"]+)">([^<]+)</a> <span', page)))
    for address, title in listed:
        assert not re.fullmatch(r".+#\d+", title)
        assert f"<h1>{title}</h1>" in admin.get(unescape(address)).text


@pytest.mark.parametrize(
    "file", ["/facts/rows.csv", "/charts/lead-time.svg", "/charts/lead-time.json", "/explore/chart/PR_MERGED.json"]
)
@pytest.mark.parametrize(
    "wrong", ["team=999999", "tree=Nowhere", "from=2026-13-01&to=zz", "from=2026-03-01", "granularity=hourly"]
)
def test_who_gets_a_file_is_not_given_another_than_was_asked_for(admin: Browsing, file: str, wrong: str) -> None:
    """A screen says what it did not understand, and shows something else; in a file nobody reads that."""
    said = dict(part.split("=") for part in f"{Q1}&{wrong}".split("&"))
    said.pop("to", None) if wrong == "from=2026-03-01" else None
    refused = admin.get(f"{file}?{urlencode(said)}")
    assert refused.status_code == 400, refused.text[:200]
    assert admin.get(f"{file}?{Q1}").status_code == 200


@pytest.mark.parametrize("wrong", ["column=nothing", "kind=nothing"])
def test_a_file_of_rows_is_of_the_column_that_was_asked_for(admin: Browsing, wrong: str) -> None:
    assert admin.get(f"/facts/rows.csv?{Q1}&{wrong}").status_code == 400
    assert "There is no kind" in admin.get(f"/facts?{Q1}&kind=nothing").text


def test_who_sees_no_developers_sees_no_names(page_server: Served) -> None:
    project = page_server.home.project()
    limited = Access(developers=False)
    key = keys.create(project.db, project.id, "teams only", "viewer", now=datetime.now(UTC), access=limited).key
    browsing = Browsing(page_server.base).signed_in(key)
    page = browsing.get(f"/facts?{Q1}&team=1&column=PR_Merged").text
    assert len(names(page)) > 10
    assert "@example.com" not in page
    assert browsing.get(f"/facts?{Q1}&developer=ada@example.com").status_code == 403


def test_from_a_card_to_the_pull_request_in_three_clicks(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        page.goto(f"/delivery?{Q1}&team=1")
        page.locator('.stat a:has(data[data-column="CFR_Percent"])').click()
        page.get_by_role("heading", name="Change failure rate").wait_for()
        failed = page.locator("tr", has=page.locator(".badge.bad")).filter(has=page.locator("a", has_text="#"))
        link = failed.first.get_by_role("link").filter(has_text="#").first
        name = link.inner_text()
        link.click()
        expect(page.get_by_role("navigation", name="Where this is")).to_contain_text(name, timeout=60_000)
        tool = page.get_by_role("link", name="Open in its tool")
        repository, _, number = name.partition("#")
        assert tool.get_attribute("href") == f"https://code.example.com/{repository}/pull/{number}"
        page.get_by_role("link", name="All rows").click()
        page.get_by_role("heading", name="Change failure rate").wait_for()


def test_from_a_team_to_a_developers_rows(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server, java_script_enabled=False) as page:
        page.goto(f"/facts?{Q1}&team=1&column=PR_Merged")
        person = page.locator("tbody tr").first.locator("td a").first
        name = person.inner_text()
        person.click()
        crumbs = page.get_by_role("navigation", name="Where this is")
        expect(crumbs).to_contain_text(name, timeout=60_000)
        crumbs.get_by_role("link").first.click()
        expect(page.get_by_role("navigation", name="Where this is")).not_to_contain_text(name, timeout=60_000)


# -- rows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://git.example/a/1", "https://git.example/a/1"),
        (" http://git.example ", "http://git.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//git.example/a", ""),
        ("https://", ""),
        ("http://[", ""),
        (None, ""),
    ],
)
def test_only_addresses_of_the_web_are_links(url: str | None, address: str) -> None:
    assert web_address(url) == address


def test_a_timeline_is_to_the_scale_of_the_longest() -> None:
    lead, cycle = (
        BehindMetric(cast("View", SimpleNamespace(aggregation="mean", query={})), column)
        for column in by_ids(("LTTC_MEAN_DAYS", "PR_CYCLE_TIME_DAYS_AVG"))
    )
    rows = [
        CellRow(row={"coding_seconds": coding, "review_seconds": 3600, "deploy_seconds": None}, value=1.5)
        for coding in (3600, 10_800)
    ]
    short, long = fact_rows("pull-requests", rows, lead.text_of, lead.stages)
    assert [(part.stage, part.start, part.width) for part in long.timeline] == [("coding", 0, 75), ("review", 75, 25)]
    assert [part.width for part in short.timeline] == [25, 25]
    assert short.timeline_in_words == "coding 60 min, review 60 min"
    assert short.value == "36 h"
    lengths = {"creation_seconds": 60, "first_comment_seconds": 120, "merge_seconds": 180, "coding_seconds": 9}
    (pull,) = fact_rows("pull-requests", [CellRow(row=lengths, value=1.5)], cycle.text_of, cycle.stages)
    assert pull.timeline_in_words == "creation 1 min, first review 2 min, merge 3 min"
    assert FactRow("commits", {"repository": "a/b", "sha": "0123456789abcdef"}).title == "a/b@0123456789"


def test_every_fact_has_a_face() -> None:
    assert set(FACES) == set(FACTS)
    for name, fact in FACTS.items():
        assert {column.name for column in FACES[name].columns} <= set(fact.columns)
        assert "x" in FactRow(name, dict.fromkeys(fact.columns, "x")).title
    assert FactRow("effort", {"day": "2026-01-02", "key": None}).name == "2026-01-02"
