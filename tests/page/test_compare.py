"""Compare: every value is what the API answers, for teams below, teams side by side and two ranges; where it stands is its rank."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from api.serving import Client, Served
from leadline.access import Access
from leadline.db import keys
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import TEAM
from leadline.page import comparisons
from leadline.page.boards import Board
from leadline.page.comparisons import standing
from leadline.page.figures import Figure
from leadline.page.offers import metrics_at
from leadline.page.screens import delivery
from leadline.page.view import View
from leadline.page.visit import Visit

from .accessibility import faults
from .browsing import Browsing
from .windows import WIDTHS, look, window

Q1 = "from=2026-01-01&to=2026-03-31"
LEVEL = {"productivity": "&level=team", "efficiency": ""}


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


def total(api: Client, kind: str, team: str, names: list[str], days: str, **asked: str) -> dict[str, dict[str, Any]]:
    """The values by column of each team that is answered."""
    more = "".join(f"&{name}={value}" for name, value in asked.items())
    address = f"/v2/insights/{kind}?teamId={team}&granularity=total{LEVEL[kind]}&metrics={','.join(names)}{days}{more}"
    body = api.get(address)
    assert body.status == 200, body.body
    return {row["team"]["refId"]: row["values"] for row in body.json["rows"]}


def ids_of(kind: str) -> list[str]:
    return [metric.id for metric in metrics_at(TEAM) if metric.insight == kind]


def rows_of(html: str, mark: str) -> dict[str, list[tuple[str, str]]]:
    """The columns and values of each row, by what ``mark`` says of it; unknown ones are left out."""
    found = re.findall(rf'<tr[^>]*data-{mark}="([^"]*)"[^>]*>(.*?)</tr>', html, re.DOTALL)
    return {name: re.findall(r'<data value="([^"]*)" data-column="([^"]*)"', row) for name, row in found}


def shown(values: dict[str, Any]) -> dict[str, str]:
    return {column: str(value) for column, value in values.items() if value is not None}


@pytest.mark.parametrize("kind", list(LEVEL))
def test_teams_below_have_the_apis_values(admin: Browsing, api: Client, kind: str) -> None:
    """Every metric there is, a few at a time."""
    ids, seen = ids_of(kind), 0
    for first in range(0, len(ids), 12):
        asked = ids[first : first + 12]
        html = admin.get(f"/compare?{Q1}&team=1&aggregation=p90&metrics={','.join(asked)}").text
        days = "&dateFrom=2026-01-01&dateTo=2026-03-31&aggregation=p90"
        answered = total(api, kind, "1", asked, days, depth="1")
        rows = rows_of(html, "team")
        assert set(rows) == set(answered)
        for team, values in answered.items():
            assert {column: value for value, column in rows[team]} == shown(values)
            seen += len(rows[team])
    assert seen > 60


@pytest.mark.parametrize("most", [0, 2000])
def test_teams_side_by_side_have_the_apis_values(
    admin: Browsing, api: Client, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for one by one, and at once."""
    monkeypatch.setattr(comparisons, "MOST_AT_ONCE", most)
    html = admin.get(f"/compare?{Q1}&of=teams&teams=3&teams=1&metrics=PR_MERGED&metrics=CFR_PERCENT").text
    rows, days = rows_of(html, "metric"), "&dateFrom=2026-01-01&dateTo=2026-03-31"
    for kind, metric in (("productivity", "PR_MERGED"), ("efficiency", "CFR_PERCENT")):
        answered = [total(api, kind, team, [metric], days, depth="0")[team] for team in ("3", "1")]
        assert [(column, value) for value, column in rows[metric]] == [
            pair for values in answered for pair in shown(values).items()
        ]


@pytest.mark.parametrize(
    ("than", "days"),
    [
        ("previous", "&dateFrom=2026-01-01&dateTo=2026-01-31"),
        ("year", "&dateFrom=2025-02-01&dateTo=2025-02-28"),
        ("own&than_from=2026-03-01&than_to=2026-03-31", "&dateFrom=2026-03-01&dateTo=2026-03-31"),
    ],
)
def test_two_ranges_have_the_apis_values(admin: Browsing, api: Client, than: str, days: str) -> None:
    html = admin.get(f"/compare?from=2026-02-01&to=2026-02-28&team=1&of=periods&than={than}&metrics=PR_MERGED").text
    asked = ["&dateFrom=2026-02-01&dateTo=2026-02-28", days]
    answered = [total(api, "productivity", "1", ["PR_MERGED"], each, depth="0")["1"]["PR_Merged"] for each in asked]
    assert [value for value, _ in rows_of(html, "metric")["PR_MERGED"]] == [str(value) for value in answered]


def test_a_column_sorts_and_what_is_shown_leads_on(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        look(page, f"/compare?{Q1}&team=1")
        page.get_by_role("link", name="Pull requests merged", exact=True).click()
        page.wait_for_url(re.compile("sort=-PR_MERGED"))
        cells = page.locator("tbody tr:not(.whole) data[data-column=PR_Merged]")
        values = [int(cell.get_attribute("value") or "") for cell in cells.all()]
        assert values == sorted(values, reverse=True)
        assert len(values) >= 2
        cells.first.click()
        page.wait_for_url(re.compile(r"/facts\?.*column=PR_Merged"))
        assert "metrics=" not in page.url


def test_metrics_and_teams_are_chosen_by_forms(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        look(page, f"/compare?{Q1}&team=1&of=teams&teams=1,3")
        page.locator("summary", has_text="6 metrics").click()
        page.get_by_label("Search metrics").fill("rework")
        expect(page.get_by_role("checkbox", name="Coding days")).not_to_be_visible()
        page.get_by_label("Rework", exact=True).check()
        page.get_by_role("button", name="Compare these").locator("visible=true").click()
        page.wait_for_url(re.compile("metrics="))
        expect(page.get_by_role("rowheader", name="Rework", exact=False).first).to_be_visible()
        assert "teams=1%2C3" in page.url


@pytest.mark.slow
@pytest.mark.parametrize("way", ["", "&of=teams", "&of=periods"])
def test_with_data_it_is_accessible_at_every_width(chromium: Browser, page_server: Served, way: str) -> None:
    with window(chromium, page_server) as page:
        look(page, f"/compare?{Q1}&team=1{way}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert faults(page) == [], width


@pytest.mark.parametrize(
    "path", ["/compare", "/compare?of=teams", "/explore", "/explore?kind=ticket-data", "/delivery", "/facts"]
)
def test_menus_open_within_the_window(chromium: Browser, page_server: Served, path: str) -> None:
    with window(chromium, page_server) as page:
        for width in (*WIDTHS, 800):
            page.set_viewport_size({"width": width, "height": 900})
            look(page, f"{path}{'&' if '?' in path else '?'}{Q1}&team=1")
            menus = page.locator("main details.menu > summary")
            assert menus.count() >= 2
            for menu in menus.all():
                menu.click()
                box = page.locator("main details.menu[open] > .panel").bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
                page.keyboard.press("Escape")


def test_what_is_wrong_is_said_and_the_rest_is_shown(admin: Browsing) -> None:
    wrong = "metrics=nothing,PR_MERGED&of=teams&teams=1,99999"
    text = admin.get(f"/compare?{Q1}&{wrong}").text
    assert text.count('class="strip bad"') == 2
    assert set(rows_of(text, "metric")) == {"PR_MERGED"}
    own = admin.get(f"/compare?{Q1}&of=periods&than=own&than_from=2026-03-31&than_to=2026-01-01").text
    assert "begins" in own or "begin (" in own
    many = admin.get(f"/compare?{Q1}&metrics={','.join(ids_of('productivity')[:13])}").text
    assert "the first 12 are shown" in many


def test_a_team_without_teams_says_what_else_can_be_compared(admin: Browsing, api: Client) -> None:
    below = api.get("/v2/insights/efficiency?teamId=1&period=last-month&granularity=total&metrics=CFR_PERCENT").json
    paths = {row["team"]["refId"]: row["team"]["path"] for row in below["rows"]}
    leaf = next(ref for ref, path in paths.items() if not any(other.startswith(f"{path}/") for other in paths.values()))
    assert "No teams below" in admin.get(f"/compare?{Q1}&team={leaf}").text


def test_a_team_that_was_not_there_has_no_values(admin: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    board_of = comparisons.board_of

    async def without_the_team(visit: Visit, view: View, kind: str, **more: Any) -> Board:
        board = await board_of(visit, view, kind, **more)
        gone = [row for row in board.totals.rows if row.team and row.team.ref_id != "3"]
        return replace(board, totals=board.totals.model_copy(update={"rows": gone}))

    for module in (comparisons, delivery):
        monkeypatch.setattr(module, "board_of", without_the_team)
    text = admin.get(f"/compare?{Q1}&of=teams&teams=1,3&metrics=PR_MERGED").text
    assert len(rows_of(text, "metric")["PR_MERGED"]) == 1
    assert "nothing known" in text
    own = admin.get(f"/delivery?{Q1}&team=3")
    assert (own.status_code, "No deployments known" in own.text) == (200, True)


def test_who_is_limited_compares_what_they_see(page_server: Served) -> None:
    project = page_server.home.project()
    limits = Access(frozenset({3}), developers=False)
    key = keys.create(project.db, project.id, "compares", "viewer", now=datetime.now(UTC), access=limits).key
    browsing = Browsing(page_server.base).signed_in(key)
    text = browsing.get(f"/compare?{Q1}&of=teams&teams=1,3").text
    assert "There is no team &#39;1&#39; in Engineering" in text
    assert len(rows_of(text, "metric")["PR_MERGED"]) == 1


# -- where a value stands ----------------------------------------------------------------------------------------------


def figure(value: float | None, better: str = "higher") -> Figure:
    metric = by_ids(("PR_MERGED",))[0].metric
    return Figure(metric, metric.column, metric.title, value, better=better)


@given(st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=9), st.sampled_from(["higher", "lower"]))
def test_the_better_value_never_stands_behind_the_worse(values: list[int | None], better: str) -> None:
    order = ["better-2", "better-1", "", "worse-1", "worse-2"]
    figures = [figure(value, better) for value in values]
    stand = [(value, standing(of, figures)) for value, of in zip(values, figures, strict=True)]
    known = [(value, place) for value, place in stand if value is not None and place.among]
    for value, place in known:
        for other, behind in known:
            if (value > other) == (better == "higher") and value != other:
                assert place.place < behind.place
                assert order.index(place.shade) <= order.index(behind.shade)
            if value == other:
                assert place == behind


def test_two_values_are_not_ranked_and_equal_ones_have_no_shade() -> None:
    two = [figure(1), figure(2)]
    assert standing(two[0], two).text == ""
    same = [figure(3)] * 4
    assert (standing(same[0], same).text, standing(same[0], same).shade) == ("1 of 4", "")
    five = [figure(value) for value in (1, 2, 3, 4, 5)]
    assert [standing(of, five).shade for of in five] == ["worse-2", "worse-1", "", "better-1", "better-2"]


def test_a_leap_day_has_a_day_a_year_before() -> None:
    from leadline.page.comparisons import _year_before

    assert _year_before(date(2028, 2, 29)) == date(2027, 2, 28)
    assert _year_before(date(2026, 3, 31)) == date(2025, 3, 31)
