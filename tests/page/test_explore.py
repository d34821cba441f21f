"""Explore: its table and charts are the API's answer, the texts to copy run and give the same, files are the export's, and views
are saved, pinned and forgotten."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Client, Served
from leadline.access import Access
from leadline.charts.columns import BUSINESS
from leadline.db import keys, saved_views
from leadline.exports.insights.request import PARAMETERS
from leadline.exports.kinds import KINDS
from leadline.exports.ticket_data import TICKET_DATA_EXPORT
from leadline.metrics.metric import EFFICIENCY, FLOW, PRODUCTIVITY
from leadline.metrics.sprint_columns import SPRINT

from .accessibility import faults
from .browsing import Browsing, fields
from .test_insight_screens import Figures
from .windows import WIDTHS, look, window

Q1 = "from=2026-01-01&to=2026-03-31&team=1"
DAYS = {"dateFrom": "2026-01-01", "dateTo": "2026-03-31", "teamId": "1"}
TIME = TICKET_DATA_EXPORT.name
VIEWS: list[tuple[str, ...]] = [
    (PRODUCTIVITY, "team", "daily", "mean", "PR_MERGED,PR_CYCLE_TIME_DAYS_AVG"),
    (PRODUCTIVITY, "developer", "quarterly", "median", "CODING_DAYS,REVIEW_TIME_TO_FIRST_COMMENT_HRS_AVG"),
    (EFFICIENCY, "service", "quarterly", "median", "DF_DEPLOYMENT_COUNT,CFR_PERCENT"),
    (EFFICIENCY, "team", "weekly", "p95", "LTTC_MEAN_DAYS,LTTC_RATING"),
    (EFFICIENCY, "team", "monthly", "mean", "LTTC_MEAN_DAYS,CFR_PERCENT", "splitBy=ai"),
    (PRODUCTIVITY, "team", "monthly", "mean", "AI_ADOPTION_PERCENT,PR_AI_PERCENT,LOC_ADDED_AI", "splitBy=ai"),
    (FLOW, "team", "monthly", "", "WIP_AVG,THROUGHPUT"),
    (SPRINT, "team", "sprint", "", "SPRINT_COMMIT,SPRINTS", "computationMode=tickets"),
    (SPRINT, "sprint", "monthly", "", "SPRINT_COMMIT,CHURN_RATE", "computationMode=story_points"),
    (BUSINESS, "team", "monthly", "", "UNCATEGORIZED_PERCENT,UNCATEGORIZED_TICKETS", "effortUnit=fte"),
    (BUSINESS, "developer", "quarterly", "", "UNCATEGORIZED_FTE,UNCATEGORIZED_STORY_POINTS", "effortUnit=time_spent"),
    (TIME, "team", "weekly", "", "TOTAL_ISSUES,IN_PROGRESS_HOURS,IN_REVIEW_HOURS_P90", "calendar=weekdays"),
    (TIME, "sprint", "monthly", "", "TOTAL_LEAD_TIME_HOURS,TO_DO_ISSUES", "ends=version_release_date"),
]
NAMES = [" ".join((*view[:4], *view[5:])) for view in VIEWS]


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


def address(
    kind: str, level: str, granularity: str, aggregation: str, metrics: str, further: str = "", *, more: str = ""
) -> str:
    look_of = f"granularity={granularity}&aggregation={aggregation}&{further}"
    return f"/explore?{Q1}&kind={kind}&level={level}&{look_of}&metrics={metrics}{more}"


def answered(
    api: Client,
    kind: str,
    level: str,
    granularity: str,
    aggregation: str,
    metrics: str,
    further: str = "",
    **more: Any,
) -> Any:
    brought = KINDS[kind].brought_by([column.lower() if kind == TIME else column for column in metrics.split(",")])
    columns = {name: ",".join(columns) for name, columns in brought.items()}
    asked = {**DAYS, "level": level, "granularity": granularity, **columns, **dict(parse_qsl(further)), **more}
    asked |= {"aggregation": aggregation} if aggregation else {}
    answer = api.get(f"/v2/insights/{kind}?{urlencode(asked)}")
    assert answer.status == 200, answer.body
    return answer.json


def lines_of(text: str) -> list[dict[str, str]]:
    """The values of each row of the table by column; unknown ones are left out."""
    rows = re.findall(r'<tr data-line="\d+">(.*?)</tr>', text, re.DOTALL)
    found = [re.findall(r'<data value="([^"]*)" data-column="([^"]*)"', row) for row in rows]
    return [{column: value for value, column in row} for row in found]


def shown(values: dict[str, Any]) -> dict[str, str]:
    return {column: str(value) for column, value in values.items() if value is not None}


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_the_table_is_the_answer_cell_by_cell(admin: Browsing, api: Client, view: tuple[str, ...]) -> None:
    admin.get(address(*view))  # which is waited for while facts are computed
    column = next(metric["column"] for metric in answered(api, *view)["metrics"] if metric["id"] in view[4].split(","))
    for sort in ("", f"-{column}"):
        text = admin.get(address(*view, more=f"&rows=all&sort={sort}")).text
        assert 'class="strip bad"' not in text
        body = answered(api, *view, limit=1000, **({"sort": sort} if sort else {}))
        columns = {
            metric["column"] for metric in body["metrics"] if view[0] != TIME or metric["id"] in view[4].split(",")
        }
        assert len(columns) == len(view[4].split(","))
        values = [{column: row["values"][column] for column in columns} for row in body["rows"]]
        assert lines_of(text) == [shown(row) for row in values]
        assert f"{body['total']:,} rows" in text


@pytest.mark.parametrize("view", [VIEWS[0], VIEWS[3]], ids=["productivity", "efficiency"])
def test_the_charts_are_the_answer_line_by_line(admin: Browsing, api: Client, view: tuple[str, ...]) -> None:
    specs = Figures(admin.get(address(*view)).text).specs
    body = answered(api, *view, depth=1)
    numbers = [metric for metric in body["metrics"] if metric["unit"] != "rating"]
    assert len(specs) == len(numbers)
    for spec, metric in zip(specs, numbers, strict=True):
        values = spec["data"]["values"]
        names = list(dict.fromkeys(row["series"] for row in values))
        own = next(row["team"]["name"] for row in body["rows"] if row["team"]["refId"] == "1")
        assert names[0] == own
        assert len(names) >= 3
        for name in names:
            of_team = [row for row in body["rows"] if row["team"]["name"] == name]
            drawn = [(row["start"], row["exact"]) for row in values if row["series"] == name]
            assert drawn == [(row["startDate"], row["values"][metric["column"]]) for row in of_team]


# -- the same elsewhere ------------------------------------------------------------------------------------------------


def copied(text: str) -> dict[str, str]:
    """The texts to copy, by what they are."""
    found = re.findall(r'<pre tabindex="0" aria-label="As ([^"]+)"><code>(.*?)</code>', text, re.DOTALL)
    return {title: html.unescape(code) for title, code in found}


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_each_text_to_copy_runs_and_says_the_same(
    admin: Browsing, api: Client, page_server: Served, tmp_path: Path, view: tuple[str, ...]
) -> None:
    texts = copied(admin.get(address(*view)).text)
    rows = answered(api, *view)["rows"]
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    environment |= {"API_KEY": page_server.keys["viewer"], "LEADLINE_HOME": str(page_server.home.path)}

    def run(command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(run(["bash", "-c", texts["curl"]]))["rows"] == rows
    assert run([sys.executable, "-c", texts["Python"]]).splitlines() == [str(row) for row in rows]
    run(["bash", "-c", texts["Command line"]])
    with (tmp_path / f"{view[0]}.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(rows)
    for line, row in zip(written, rows, strict=True):
        for column, value in row["values"].items():
            assert line[column] == ("" if value is None else str(value)) or float(line[column]) == float(value)
        for column, value in row.get("key", {}).items():
            assert (line.get(column) or line.get(column.lower()) or "").lower() == (
                "" if value is None else str(value).lower()
            )


def test_every_kind_with_rows_at_once_is_explored_at_every_level_and_length_of_period(
    admin: Browsing, api: Client, page_server: Served
) -> None:
    """What can be chosen is what the kinds declare; whatever is chosen is understood, and has rows."""
    kinds = {name: kind for name, kind in KINDS.items() if kind.insight}
    assert {view[0] for view in VIEWS} == {*kinds}
    profile = page_server.home.project().profile()
    for name, kind in kinds.items():
        for level in kind.leading:
            text = admin.get(f"/explore?{Q1}&kind={name}&level={level}").text
            offered = set(re.findall(r'type="checkbox" name="metrics" value="([^"]+)"', text))
            every = kind.columns_of(profile)
            if kind.told_of is not None:
                every = kind.told_of(
                    [metric["column"] for metric in answered(api, name, "team", "total", "", "")["metrics"]]
                )
                assert len(every) > 10
            assert offered == {entry.id for entry in every if level in entry.levels}
            named = {place: name for name, place in PARAMETERS.items()}
            options = {named[option.field]: option.choices for option in kind.command.options if option.choices}
            assert set(re.findall(r"[?;]granularity=(\w+)", text)) >= {*options["granularity"]}
            for name_of, words in options.items():
                if name_of not in ("aggregationLevel", "level", "granularity", "aggregation"):
                    assert set(re.findall(rf"[?;]{name_of}=(\w+)", text)) >= {*words}
            for length in options["granularity"]:
                text = admin.get(f"/explore?{Q1}&kind={name}&level={level}&granularity={length}").text
                assert 'class="strip bad"' not in text
                assert lines_of(text), (name, level, length)


def test_what_leads_to_another_kind_or_level_is_understood_there(admin: Browsing) -> None:
    """Nothing is said of what only the kind or level before has."""
    for view in VIEWS:
        text = admin.get(address(*view, more="&sort=Start_Date")).text
        links = re.findall(
            r'<nav class="segmented" aria-label="(?:Kind of metrics|What a row is)">(.*?)</nav>', text, re.DOTALL
        )
        for link in {html.unescape(link) for part in links for link in re.findall(r'href="([^"]+)"', part)}:
            assert 'class="strip bad"' not in admin.get(link).text, link


def test_rows_behind_a_value_are_counted_as_it_is(admin: Browsing) -> None:
    for view, said in ((VIEWS[8], "work=points"), (VIEWS[9], "share=people")):
        text = admin.get(address(*view)).text
        cells = re.findall(r'<a class="cell" href="([^"]+)"[^>]*>(<data value="[^"]+" data-column="[^"]+")', text)
        for link, data in cells[:6]:
            assert said in link
            assert data in admin.get(html.unescape(link)).text
        assert len(cells) > 3


def test_relative_days_stay_relative_in_what_is_copied(admin: Browsing) -> None:
    texts = copied(admin.get("/explore?team=1&period=last-quarter").text)
    assert "period=last-quarter" in texts["curl"]
    assert "--period last-quarter" in texts["Command line"]


def test_a_file_is_the_export(chromium: Browser, page_server: Served, api: Client, tmp_path: Path) -> None:
    with window(chromium, page_server) as page:
        look(page, address(*VIEWS[0]))
        page.get_by_role("button", name="JSON Lines").click()
        link = page.get_by_role("link", name="Download")
        link.wait_for()
        with page.expect_download() as downloading:
            link.click()
        downloading.value.save_as(tmp_path / "file.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "file.jsonl").read_text("utf-8").splitlines()]
    rows = answered(api, *VIEWS[0])["rows"]
    assert [{column: line[column] for column in row["values"]} for line, row in zip(lines, rows, strict=True)] == [
        row["values"] for row in rows
    ]


@pytest.mark.parametrize(("form", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("json", b"{")])
def test_a_chart_is_there_as_a_file(admin: Browsing, form: str, begins: bytes) -> None:
    page = admin.get(address(*VIEWS[0])).text
    (link,) = set(re.findall(rf'href="(/explore/chart/pr_merged\.{form}\?[^"]+)"', page))
    answer = admin.get(html.unescape(link))
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert admin.get("/explore/chart/nothing.svg").status_code == 404
    assert admin.get("/explore/chart/pr_merged.exe").status_code == 404


def test_what_is_wrong_is_said_and_the_rest_is_shown(admin: Browsing) -> None:
    text = admin.get(f"/explore?{Q1}&metrics=nothing,PR_MERGED&sort=nothing&kind=nothing&level=nothing").text
    assert text.count('class="strip bad"') == 4
    assert len(lines_of(text)) > 5
    at_level = admin.get(f"/explore?{Q1}&kind=efficiency&level=service&metrics=LTTC_MEAN_DAYS").text
    assert "Lead time for changes is not among what can be shown here" in at_level
    sent = {"form_token": admin.form_token(), "format": "exe"}
    assert admin.post(f"/explore/file?{Q1}", sent).status_code == 400
    assert "There is no granularity" in admin.get(f"/explore?{Q1}&kind=efficiency&granularity=daily").text


def test_developers_are_named_when_that_is_asked_for(admin: Browsing, api: Client) -> None:
    person = answered(api, *VIEWS[1])["rows"][0]["developer"]
    hidden, named = (admin.get(address(*VIEWS[1], more=more)).text for more in ("", "&names=shown"))
    assert person["name"] not in hidden
    assert person["email"] not in hidden
    assert person["name"] in named


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=[" ".join(view[:2]) for view in VIEWS])
def test_with_data_it_is_drawn_and_accessible_at_every_width(
    chromium: Browser, page_server: Served, view: tuple[str, ...]
) -> None:
    with window(chromium, page_server) as page:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            look(page, address(*view))
            expect(page.locator("figure.chart:not(.drawn)")).to_have_count(0, timeout=60_000)
            assert faults(page) == [], width
        assert page.locator("figure.chart svg .role-mark path").count() >= 3


# -- saved views -------------------------------------------------------------------------------------------------------


def named(page_server: Served) -> dict[str, saved_views.SavedView]:
    project = page_server.home.project()
    return {view.name: view for view in saved_views.listed(project.db, project.id)}


def test_a_view_is_saved_pinned_and_forgotten(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        look(page, address(*VIEWS[0]))
        page.locator("summary", has_text="Saved views").click()
        page.get_by_label("Save this view as").fill("Board <i>")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url("**/explore?*")
        page.locator("summary", has_text="Saved views").click()
        page.get_by_role("button", name="Pin Board <i>").click()
        page.wait_for_url("**/explore?*")
        page.goto(f"/?{Q1}")
        page.get_by_role("navigation", name="Pinned views").get_by_role("link", name="Board <i>").click()
        page.wait_for_url("**/explore?*metrics=PR_MERGED,PR_CYCLE_TIME_DAYS_AVG*")
        page.locator("summary", has_text="Saved views").click()
        page.get_by_role("button", name="Delete Board <i>").click()
        page.wait_for_url("**/explore?*")
        page.goto(f"/?{Q1}")
        expect(page.get_by_role("navigation", name="Pinned views")).to_have_count(0)
    assert "Board <i>" not in named(page_server)


def test_a_view_that_cannot_be_saved_says_why_and_nothing_typed_is_lost(admin: Browsing, page_server: Served) -> None:
    token = admin.form_token()
    sent = {"form_token": token, "name": "  ", "address": "/explore?team=1"}
    refused = admin.post("/views", sent)
    assert refused.status_code == 400
    assert fields(refused.text, "/views")["address"] == "/explore?team=1"
    long = admin.post("/views", {**sent, "name": "x" * 81})
    assert (long.status_code, fields(long.text, "/views")["name"]) == (400, "x" * 81)
    for elsewhere in ("https://elsewhere.example/explore", "//elsewhere.example", "/static/x", "/v2/insights"):
        assert admin.post("/views", {**sent, "name": "x", "address": elsewhere}).status_code == 400
    assert admin.post("/views", {**sent, "name": "x", "form_token": "forged"}).status_code == 403
    assert "x" not in named(page_server)


def test_who_saved_a_view_and_admins_delete_it_and_admins_alone_pin(admin: Browsing, page_server: Served) -> None:
    viewer = Browsing(page_server.base).signed_in(page_server.keys["viewer"])
    token = viewer.form_token()
    for browsing, name in ((admin, "the admin's"), (viewer, "the viewer's")):
        sent = {"form_token": browsing.form_token(), "name": name, "address": f"/explore?{Q1}"}
        assert browsing.post("/views", sent).status_code == 303
    views = named(page_server)
    admins, viewers = views["the admin's"], views["the viewer's"]
    back = {"form_token": token, "back": "/explore"}
    assert viewer.post(f"/views/{admins.id}/delete", back).status_code == 404
    assert viewer.post(f"/views/{viewers.id}/pin", back).status_code == 403
    taken = viewer.post("/views", {"form_token": token, "name": "the admin's", "address": "/explore"})
    assert taken.status_code == 409
    assert "has saved a view as" in taken.text
    for name in views:
        sent = {"form_token": admin.form_token(), "back": "//elsewhere.example"}
        answer = admin.post(f"/views/{views[name].id}/delete", sent)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert not {"the admin's", "the viewer's"} & set(named(page_server))


def test_who_is_limited_sees_views_of_their_teams(admin: Browsing, page_server: Served) -> None:
    for name, team in (("of all", "1"), ("of three", "3")):
        sent = {"form_token": admin.form_token(), "name": name, "address": f"/explore?team={team}"}
        assert admin.post("/views", sent).status_code == 303
    project = page_server.home.project()
    limits = Access(frozenset({3}), developers=False)
    key = keys.create(project.db, project.id, "saves", "viewer", now=datetime.now(UTC), access=limits).key
    browsing = Browsing(page_server.base).signed_in(key)
    text = browsing.get("/explore").text
    assert "of three" in text
    assert "of all" not in text
    assert "by a admin" not in text
    assert "no single developers" in browsing.get(address(*VIEWS[1]).replace("team=1", "team=3")).text
    for view in named(page_server).values():
        saved_views.delete(project.db, view)
