"""Sprints and Work allocation: their figures are what the API answers, cell by cell; what is missing is said."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from api.serving import Client, Served, fill, put, serving
from leadline.access import Access
from leadline.db import keys
from leadline.exports.insights import answer
from leadline.home import Home
from leadline.page.install import install
from leadline.page.screens import sprints
from leadline.page.screens.sprints import COLUMNS, GROUPS, OF_SPRINTS

from .browsing import Browsing
from .test_insight_screens import Figures, shown

Q1 = "from=2026-01-01&to=2026-03-31"
DAYS = {"teamId": "1", "dateFrom": "2026-01-01", "dateTo": "2026-03-31"}
VALUE = re.compile(r'<data value="([^"]*)" data-column="([^"]*)">')


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


def answered(api: Client, kind: str, **asked: Any) -> list[dict[str, Any]]:
    body = api.get(f"/v2/insights/{kind}?{urlencode({**DAYS, **asked})}")
    assert body.status == 200, body.body
    rows: list[dict[str, Any]] = body.json["rows"]
    return rows


def rows_of(text: str, attribute: str) -> dict[str, dict[str, str]]:
    """The values of each row of a table by what the ``attribute`` says of the row; unknown ones are left out."""
    rows = re.findall(rf'<tr {attribute}="([^"]*)">(.*?)</tr>', text, re.DOTALL)
    return {key: {column: value for value, column in VALUE.findall(cells)} for key, cells in rows}


def known(values: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    return {column: text for column, text in shown(values, columns).items() if text}


def columns_of(api: Client, kind: str, ids: Sequence[str], level: str) -> list[str]:
    body = api.get(f"/v2/insights/{kind}?{urlencode({**DAYS, 'metrics': ','.join(ids), 'level': level})}").json
    return [metric["column"] for metric in body["metrics"]]


def test_of_very_many_sprints_the_newest_are_shown_and_how_many_more_there_are(
    admin: Browsing, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = answered(api, "sprint", level="sprint", depth=0, metrics="sprint_commit")
    few = 3
    monkeypatch.setattr(sprints, "MOST_SPRINTS", few)
    # More than are answered at once, unless a few are asked for.
    monkeypatch.setattr(answer, "MOST_ROWS", len(ended) - 1)
    page = admin.get(f"/sprints?{Q1}&team=1&trend=yes")
    assert page.status_code == 200
    kept = rows_of(page.text, "data-sprint")
    newest = sorted(ended, key=lambda row: row["endDate"], reverse=True)
    days = {row["key"]["Sprint_Id"]: row["endDate"] for row in ended}
    assert [days[html.unescape(key)] for key in kept] == [row["endDate"] for row in newest[:few]]
    assert f"{len(ended) - few} sprints more" in page.text


@pytest.mark.parametrize(("work", "mode"), [("points", "STORY_POINTS"), ("tickets", "TICKETS")])
def test_every_figure_of_sprints_is_the_apis(admin: Browsing, api: Client, work: str, mode: str) -> None:
    text = admin.get(f"/sprints?{Q1}&team=1&work={work}").text
    asked = {"granularity": "total", "computationMode": mode}
    totals = {row["team"]["refId"]: row["values"] for row in answered(api, "sprint", depth=1, **asked)}
    figures = Figures(re.sub(r"<tr data-sprint.*?</tr>", "", text, flags=re.DOTALL))
    cards = columns_of(api, "sprint", [name for group in GROUPS.values() for name in group], "team")
    assert figures.cards == shown(totals["1"], cards)
    below = {row.key: row.values for row in figures.rows if row.key in totals}
    columns = columns_of(api, "sprint", list(COLUMNS), "team")
    assert below == {ref: known(values, columns) for ref, values in totals.items() if ref != "1"}
    sprints = answered(api, "sprint", depth=0, level="sprint", computationMode=mode)
    columns = columns_of(api, "sprint", list(OF_SPRINTS), "sprint")
    assert len(sprints) > 3
    assert rows_of(text, "data-sprint") == {row["key"]["Sprint_Id"]: known(row["values"], columns) for row in sprints}


@pytest.mark.parametrize(("share", "unit"), [("tickets", "TICKETS"), ("people", "FTE")])
def test_every_figure_of_categories_is_the_apis(admin: Browsing, api: Client, share: str, unit: str) -> None:
    text = admin.get(f"/allocation?{Q1}&team=1&share={share}").text
    asked = {"groups": "CATEGORIZED,UNCATEGORIZED,SHARE,EFFORT", "effortUnit": unit, "granularity": "total", "depth": 1}
    totals = {row["team"]["refId"]: row["values"] for row in answered(api, "ba", **asked)}
    categories = rows_of(text, "data-category")
    assert "Uncategorized" in categories
    told = {column: value for values in categories.values() for column, value in values.items()}
    assert told == known(totals["1"], list(totals["1"]))
    shares = [column for column in totals["1"] if column.endswith("_percent")]
    below = rows_of(text, "data-team")
    assert below == {ref: known(values, shares) for ref, values in totals.items() if ref != "1"}


# -- the rows behind ---------------------------------------------------------------------------------------------------

LINK = re.compile(r'<a[^>]*href="(/facts[^"]+)"[^>]*>\s*<data value="([^"]*)" data-column="([^"]*)">')


def linked(text: str) -> dict[str, tuple[str, float]]:
    """Where the first figure of each column leads, and what it says."""
    links: dict[str, tuple[str, float]] = {}
    for address, value, column in LINK.findall(text):
        links.setdefault(column, (html.unescape(address), float(value)))
    return links


def rows_behind(admin: Browsing, address: str) -> list[dict[str, str]]:
    """All rows, as they are downloaded; asked for again while a busy machine takes too long."""
    answers = (admin.get(address.replace("/facts?", "/facts/rows.csv?")) for _ in range(20))
    answer = next(answer for answer in answers if answer.status_code != 503)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def total(rows: Sequence[Mapping[str, str]], part: str) -> float:
    return sum(float(row[part]) for row in rows)


def of_rows(column: str, rows: Sequence[Mapping[str, str]]) -> float:
    """What the rows behind a figure make of it."""
    if column == "Sprints":
        return len({row["value"] for row in rows})
    if column == "Sprint_Velocity":
        return total(rows, "value") / len({row["over"] for row in rows})
    if column.lower().endswith("percent") or column == "Churn_Rate":
        return 100 * total(rows, "value") / total(rows, "over")
    return total(rows, "value")


@pytest.mark.parametrize(
    ("address", "columns"),
    [
        ("/sprints?work=points", ("Sprint_Velocity", "Committed_Work_Delivered_Percent", "Sprint_Commit", "Sprints")),
        ("/sprints?work=tickets", ("Total_Work_Delivered", "Churn_Rate", "Sprint_Creep")),
        ("/allocation?share=tickets", ("New_Capability_percent", "New_Capability_tickets", "KTLO_story_points")),
        ("/allocation?share=people", ("New_Capability_percent", "New_Capability_fte", "Unlinked_fte")),
    ],
)
def test_a_figure_leads_to_rows_that_it_is_made_of(admin: Browsing, address: str, columns: Sequence[str]) -> None:
    links = linked(admin.get(f"{address}&team=1&{Q1}").text)
    for column in columns:
        link, value = links[column]
        page = admin.get(link).text
        assert float({name: told for told, name in VALUE.findall(page)}[column]) == value
        rows = rows_behind(admin, link)
        assert rows
        assert of_rows(column, rows) == pytest.approx(value, abs=1e-4)


def test_a_sprint_leads_to_its_items_and_an_item_back(admin: Browsing) -> None:
    text = admin.get(f"/sprints?{Q1}&team=1").text
    sprint, cells = re.findall(r'<tr data-sprint="([^"]*)">(.*?)</tr>', text, re.DOTALL)[0]
    link, value = linked(cells)["Sprint_Commit"]
    assert total(rows_behind(admin, link), "value") == value
    assert {row["sprint_id"] for row in rows_behind(admin, link)} == {sprint}
    page = admin.get(link).text
    (name,) = {row["sprint"] for row in rows_behind(admin, link)}
    assert f"the value of Engineering, {name}, " in page
    item = html.unescape(re.findall(r'<a href="(/facts/row[^"]+)" aria-label="All about', page)[0])
    shown_item = admin.get(item).text
    assert "Delivered commit points" in shown_item
    back = re.search(r'<a class="button" href="([^"]+)">All rows</a>', shown_item)
    assert back is not None
    assert f'<data value="{value}" data-column="Sprint_Commit">' in admin.get(html.unescape(back[1])).text


def test_a_category_leads_to_a_developer_and_a_day(admin: Browsing) -> None:
    link, _ = linked(admin.get(f"/allocation?{Q1}&team=1&share=people").text)["Unlinked_fte"]
    page = admin.get(link).text
    person = html.unescape(re.findall(r'<a href="(/facts\?[^"]*developer=[^"]+)">', page)[0])
    rows = rows_behind(admin, person)
    assert len({row["developer"] for row in rows}) == 1
    assert len(rows) < len(rows_behind(admin, link))
    day = html.unescape(re.findall(r'<a href="(/facts/row[^"]+)" aria-label="All about', admin.get(person).text)[0])
    text = admin.get(day).text
    assert "Unlinked" in text
    back = re.search(r'<a class="button" href="([^"]+)">All rows</a>', text)
    assert back is not None
    assert rows_behind(admin, html.unescape(back[1])) == rows


def test_who_sees_no_developers_sees_rows_without(page_server: Served) -> None:
    project = page_server.home.project()
    access = Access(developers=False)
    key = keys.create(project.db, project.id, "no developers", "viewer", now=datetime.now(UTC), access=access).key
    browsing = Browsing(page_server.base).signed_in(key)
    for column in ("kind=sprint&column=Sprint_Commit", "kind=ba&column=KTLO_tickets", "kind=ba&column=KTLO_fte"):
        page = browsing.get(f"/facts?{Q1}&team=1&{column}").text
        assert "<tr data-name" in page
        assert "@example.com" not in page
    assert browsing.get(f"/facts?{Q1}&kind=ba&column=KTLO_fte&developer=ada@example.com").status_code == 403


def test_a_column_that_there_is_not_is_said(admin: Browsing) -> None:
    for kind in ("sprint", "ba"):
        assert "Unknown metric" in admin.get(f"/facts?{Q1}&kind={kind}&column=nothing").text


# -- what is missing ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Four developers with pull requests, and neither a work item nor a sprint."""
    folder = tmp_path_factory.mktemp("sprints")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home, workers=0, faces=[install]) as running:
            yield running


@pytest.mark.parametrize(
    ("path", "title", "guide"),
    [
        ("/sprints", "No sprints known", "/docs/guide/sprints"),
        ("/allocation", "No work items known", "/docs/guide/sources"),
    ],
)
def test_what_was_never_read_is_said_with_what_brings_it(small: Served, path: str, title: str, guide: str) -> None:
    for role in ("admin", "viewer"):
        text = Browsing(small.base).signed_in(small.keys[role]).get(path).text
        assert title in text
        assert f'href="{guide}"' in text
        assert ('href="/sources/new"' in text) == (role == "admin")
        assert "<figure" not in text


def test_without_rules_it_says_where_they_are_set(small: Served) -> None:
    item = {
        "project": "P",
        "key": "P-1",
        "assignee": "cyd@example.org",
        "status_category": "done",
        "created_at": datetime(2025, 3, 1, 9, tzinfo=UTC),
        "completed_at": datetime(2025, 3, 5, 9, tzinfo=UTC),
    }
    put(small.home.project(), work_items=[item])
    for role, address in (("admin", "/settings?q=business"), ("viewer", "/docs/guide/business-alignment")):
        text = Browsing(small.base).signed_in(small.keys[role]).get("/allocation?from=2025-01-01&to=2025-12-31").text
        assert "No work item of these days has a category" in text
        assert f'href="{address}"' in text


def test_where_no_sprint_ended_it_says_so(admin: Browsing) -> None:
    text = admin.get("/sprints?from=2020-01-01&to=2020-03-31").text
    assert "No sprint ended in these days" in text
    assert "No sprint with work in it ended in these days." in text


@pytest.mark.parametrize("screen", ["sprints", "allocation"])
def test_without_a_tree_it_says_what_to_do(screen: str, admin: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"leadline.page.screens.{screen}.view_of", lambda _visit: None)
    assert "No org tree yet" in admin.get(f"/{screen}").text
