"""Open now: what waits, for what and how long, is what the API answers; each row leads to its fact and its tool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Client, Served, fill, put, serving
from leadline.access import Access
from leadline.db import keys
from leadline.home import Home
from leadline.page.install import install

from .accessibility import faults
from .browsing import Browsing
from .windows import WIDTHS, look, window

NOW = datetime.now(UTC).replace(microsecond=0)
SCRIPT = "<script>alert(1)</script>"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def pull(number: int, days: float, author: str = "cyd@example.org", **more: Any) -> dict[str, Any]:
    row = {"repository": "org/app", "number": number, "author": author, "state": "open", "draft": False}
    row |= {"created_at": ago(days), "ready_at": None, "merged_at": None, "title": f"Change {number} {SCRIPT}"}
    return {**row, "url": f"https://forge.example/{number}", **more}


def review(number: int, state: str, days: float) -> dict[str, Any]:
    row = {"repository": "org/app", "number": number, "review_id": f"r{number}{state}", "author": "ben@example.org"}
    return {**row, "state": state, "submitted_at": ago(days)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of four developers with work that waits."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(tmp_path_factory.mktemp("open") / "home")
    with home:
        fill(home.project(), home.temp)
        pulls = [pull(100 + n, 0.5 * n) for n in range(60)]
        pulls += [pull(200, 9), pull(201, 8, "dee@example.org"), pull(202, 40, draft=True)]
        pulls += [pull(203, 5, state="merged", merged_at=ago(5))]
        put(
            home.project(),
            pull_requests=pulls,
            reviews=[review(200, "changes_requested", 6), review(201, "approved", 2)],
            incidents=[
                {"incident_id": "I-1", "repository": "org/app", "created_at": ago(3), "title": f"Down {SCRIPT}"},
                {"incident_id": "I-2", "repository": "org/none", "created_at": ago(3), "title": "Nobody's"},
            ],
        )
        with serving(home, faces=[install]) as running:
            yield running


@pytest.fixture
def viewing(server: Served) -> Browsing:
    return Browsing(server.base).signed_in(server.keys["viewer"])


def cards(text: str) -> dict[str, int]:
    return {name: int(value) for value, name in re.findall(r'<data value="(\d+)" data-waits="([^"]+)"', text)}


def names(text: str) -> list[str]:
    """The pull requests that are listed."""
    return re.findall(r'<tr data-name="(org/app#[^"]+)"', text)


def test_the_counts_are_those_of_the_api(viewing: Browsing, server: Served) -> None:
    rows = Client(server.base, server.keys["viewer"]).get("/v2/facts/pull-requests?open=true&limit=1000").json["rows"]
    text = viewing.get("/open").text
    counted = cards(text)
    for waits_for in ("review", "changes", "merge", "deployment"):
        assert counted[waits_for] == sum(row["waits_for"] == waits_for for row in rows)
    assert (counted["review"], counted["changes"], counted["merge"]) == (60, 1, 1)
    assert counted["incidents"] == 1  # nobody merged to the other one's repository in the days before
    assert "I-2" not in text
    cells = re.findall(r'<tr data-waits="review">.*?</tr>', text, re.DOTALL)
    assert sum(map(int, re.findall(r'<data value="(\d+)"', cells[0]))) == 60


def test_what_waits_longest_is_first_and_a_number_leads_to_its_rows(viewing: Browsing) -> None:
    first = names(viewing.get("/open").text)
    assert first[:3] == ["org/app#202", "org/app#159", "org/app#158"]
    assert len(first) == 50
    assert names(viewing.get("/open?page=1").text)[-1] == "org/app#100"
    assert names(viewing.get("/open?for=changes").text) == ["org/app#200"]
    assert names(viewing.get("/open?for=review&age=0").text) == ["org/app#101", "org/app#100"]
    assert names(viewing.get("/open?for=merge&age=4").text) == []
    assert len(names(viewing.get("/open?for=nothing&age=99&page=99").text)) == 50


def test_a_row_leads_to_its_fact_and_its_tool(chromium: Browser, server: Served) -> None:
    with window(chromium, server) as page:
        look(page, "/open?for=merge")
        link = page.get_by_role("link", name="Change 201")
        assert link.get_attribute("href") == "https://forge.example/201"
        page.get_by_role("link", name="All about org/app#201").click()
        page.wait_for_url(re.compile(r"/facts/row\?.*number=201"))
        expect(page.locator("h1")).to_contain_text(SCRIPT, timeout=60_000)


@pytest.mark.parametrize("width", WIDTHS)
def test_with_data_it_is_accessible(chromium: Browser, server: Served, width: int) -> None:
    with window(chromium, server, viewport={"width": width, "height": 900}) as page:
        look(page, "/open")
        assert faults(page) == []


def test_who_is_limited_sees_what_is_theirs(server: Served) -> None:
    project = server.home.project()
    api = Client(server.base, server.keys["viewer"])
    teams = api.get("/v2/insights/productivity?orgTreeName=Engineering&period=last-month&level=team&metrics=PR_MERGED")
    refs = {row["team"]["name"]: row["team"]["refId"] for row in teams.json["rows"]}
    limits = Access(frozenset({int(refs["Platform"])}), developers=False)
    key = keys.create(project.db, project.id, "open", "viewer", now=datetime.now(UTC), access=limits).key
    text = Browsing(server.base).signed_in(key).get("/open").text
    assert len(names(text)) == 50
    assert "cyd@example.org" not in text
    assert "Cyd Crane" not in text
