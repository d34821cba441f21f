"""Exports: from the form to the file, whose bytes are the API's; the history with its filters; what somebody limited sees."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Client, Served
from leadline.access import Access
from leadline.db import keys
from leadline.exports.kinds import KINDS

from .browsing import Browsing, fields
from .windows import window

Q1 = {"period": "own", "start": "2026-01-01", "end": "2026-03-31"}


@pytest.fixture(scope="module")
def api(page_server: Served) -> Client:
    return Client(page_server.base, page_server.keys["admin"])


def ask(browsing: Browsing, kind: str = "productivity", **said: str) -> str:
    """The address of the export that was made."""
    sent = {"form_token": browsing.form_token(), "kind": kind, **Q1, **said}
    answer = browsing.post("/exports/new", sent)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_from_the_form_to_the_file(chromium: Browser, page_server: Served, api: Client, tmp_path: Path) -> None:
    with window(chromium, page_server) as page:
        page.goto("/exports")
        page.get_by_role("link", name="New export").first.click()
        page.get_by_label("Days", exact=True).select_option("own")
        page.get_by_label("From", exact=True).fill("2026-01-01")
        page.get_by_label("To", exact=True).fill("2026-03-31")
        page.get_by_label("A row for each").select_option("team")
        page.get_by_label("Search metrics").fill("merged pull requests")
        expect(page.get_by_label("Coding days")).not_to_be_visible()
        page.get_by_label("Search metrics").fill("")
        page.get_by_label("Pull requests merged", exact=True).check()
        page.get_by_role("button", name="Make the file").click()
        link = page.get_by_role("link", name="Download")
        link.wait_for()
        with page.expect_download() as downloading:
            link.click()
        downloading.value.save_as(tmp_path / "file.csv")
        export_id = page.url.rpartition("/")[2]
        page.get_by_role("link", name="Ask again").click()
        expect(page.get_by_label("Pull requests merged", exact=True)).to_be_checked()
        expect(page.get_by_label("Coding days")).not_to_be_checked()
        expect(page.get_by_label("A row for each")).to_have_value("team")
    answer = api.get(f"/v2/insights/productivity/exports/{export_id}/download", Accept_Encoding="identity")
    assert (tmp_path / "file.csv").read_bytes() == answer.body
    assert b"PR_Merged" in answer.body
    assert b"Coding_Days" not in answer.body
    asked = api.get(f"/v2/insights/productivity/exports/{export_id}").json["options"]
    assert "splitBy" not in asked  # what is not chosen is not asked for


def test_what_was_asked_for_can_be_asked_for_again(admin: Browsing) -> None:
    said = {"options.aggregationLevel": "team", "options.granularity": "weekly", "options.splitBy": "ai"}
    again = re.search(r'href="(/exports/new\?[^"]*)"', admin.get(ask(admin, "productivity", **said)).text)
    assert again is not None
    query = dict(parse_qsl(urlsplit(html.unescape(again[1])).query))
    assert {name: query.get(name) for name in said} == said


def test_services_can_be_asked_for_with_nothing_chosen(admin: Browsing) -> None:
    assert ask(admin, "efficiency", **{"options.aggregationLevel": "service"})


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_can_be_asked_for_with_nothing_chosen(admin: Browsing, kind: str) -> None:
    page = admin.get(ask(admin, kind)).text
    assert KINDS[kind].title in page
    assert ask(admin, kind) in page  # the same is not made twice
    assert ask(admin, kind, fresh="yes") not in page


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(admin: Browsing) -> None:
    typed = {"start": "2026-03-31", "end": "2026-01-01", "metrics": "Coding_Days", "options.format": "parquet"}
    sent = {"form_token": admin.form_token(), "kind": "productivity", "period": "own", **typed}
    answer = admin.post("/exports/new", sent)
    assert answer.status_code == 400
    assert 'class="strip bad"' in answer.text
    assert "From (2026-03-31) must not be after To (2026-01-01)" in answer.text  # as the form calls them
    assert 'value="2026-03-31"' in answer.text
    assert re.search(r'value="Coding_Days" checked', answer.text)
    assert re.search(r'value="parquet" selected', answer.text)
    assert admin.post("/exports/new", {**sent, "form_token": "nothing"}).status_code == 403


def test_the_history_is_filtered_by_what_the_address_says(admin: Browsing) -> None:
    mine = ask(admin, "efficiency")
    today = datetime.now(UTC).date()
    for said in ("", "?kind=efficiency", "?scope=mine", f"?dateFrom={today}", "?createdBy=a+admin"):
        assert mine in admin.get(f"/exports{said}").text, said
    for said in ("?kind=productivity", "?status=cancelled", "?teamId=nothing", "?dateTo=2020-01-01"):
        assert mine not in admin.get(f"/exports{said}").text, said
    assert "None of these" in admin.get("/exports?teamId=nothing").text
    unknown = admin.get("/exports?status=nothing")
    assert (unknown.status_code, mine in unknown.text) == (200, True)
    assert "it must be one of queued, processing, completed, failed, cancelled" in unknown.text


def test_what_is_finished_is_not_cancelled(chromium: Browser, page_server: Served, admin: Browsing) -> None:
    made = ask(admin)
    with window(chromium, page_server) as page:
        page.goto(made)
        page.get_by_role("link", name="Download").wait_for()
    answer = admin.post(f"{made}/cancel", {"form_token": admin.form_token()})
    assert answer.status_code == 409
    assert admin.get("/exports/nothing/exp_1").status_code == 404
    assert admin.get("/exports/productivity/exp_1").status_code == 404


def test_who_is_limited_sees_their_exports_alone(page_server: Served, admin: Browsing) -> None:
    project = page_server.home.project()
    whole = ask(admin)
    limits = Access(frozenset({3}), developers=False)
    key = keys.create(project.db, project.id, "one team", "viewer", now=datetime.now(UTC), access=limits).key
    browsing = Browsing(page_server.base).signed_in(key)
    assert whole not in browsing.get("/exports").text
    assert browsing.get(whole).status_code == 404
    assert browsing.get(f"{whole}/download").status_code == 404
    token = fields(browsing.get("/exports").text, "/sign-out")["form_token"]
    sent = {"form_token": token, "kind": "productivity", "team": "3", **Q1}
    assert "no single developers" in browsing.post("/exports/new", sent).text
    assert browsing.post("/exports/new", {**sent, "options.aggregationLevel": "team"}).status_code == 303
    assert browsing.post("/exports/new", {**sent, "options.aggregationLevel": "team", "team": "1"}).status_code == 400
