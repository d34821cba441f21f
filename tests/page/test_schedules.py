"""Schedules: from the form to a run that is made, what cannot be, who may see them and who may change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Served, eventually, fill, serving
from leadline.access import Access
from leadline.administration import schedules, settings, webhooks
from leadline.db import keys
from leadline.home import Home
from leadline.page.install import install
from leadline.schedules.running import advance

from .accessibility import faults
from .browsing import Browsing, fields
from .windows import WIDTHS, look, window

MONTHLY = {"kind": "productivity", "name": "Monthly", "when": "0 6 1 * *", "period": "last-month", "team": "1"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a home with people, that makes exports but no runs by the clock."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(tmp_path_factory.mktemp("schedules") / "home")
    with home:
        fill(home.project(), home.temp)
        with serving(home, faces=[install]) as served:
            yield served


@pytest.fixture
def admin(running: Served) -> Iterator[Browsing]:
    """An admin; there is no schedule before and after."""
    yield Browsing(running.base).signed_in(running.keys["admin"])
    project = running.home.project()
    for schedule in schedules.listed(project, datetime.now(UTC)):
        schedules.remove(project, schedule.id)


def add(browsing: Browsing, **said: str) -> str:
    """The page of the schedule that was made."""
    answer = browsing.post("/schedules/new", {"form_token": browsing.form_token(), "enabled": "yes", **MONTHLY, **said})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_from_the_form_to_a_file(chromium: Browser, running: Served, admin: Browsing, tmp_path: Path) -> None:
    assert "No schedules yet" in admin.get("/schedules").text
    project = running.home.project()
    settings.change(project, {"exports.folders": str(tmp_path)}, on_machine=True)
    with window(chromium, running) as page:
        page.goto("/schedules")
        page.get_by_role("link", name="New schedule").first.click()
        page.get_by_role("link", name="Efficiency", exact=False).first.click()
        page.get_by_label("Name").fill("Weekly DORA")
        page.get_by_label("When", exact=True).select_option("By the cron line below")
        page.get_by_label("Cron line").fill("30 7 * * 1")
        page.get_by_label("Days", exact=True).select_option("The week before")
        page.get_by_label("Length of a period").select_option("weekly")
        page.get_by_label("Folder").fill(str(tmp_path))
        page.get_by_label("File", exact=True).fill("dora-{start}.csv")
        page.get_by_label("Compression").select_option("none")
        page.get_by_role("button", name="Make the schedule").click()
        expect(page.locator("#runs")).to_contain_text("30 7 * * 1 (UTC)")
        expect(page.locator("#runs")).to_contain_text("No run yet")
        assert "splitBy" not in schedules.listed(running.home.project(), datetime.now(UTC))[0].request["options"]
        page.get_by_role("button", name="Run now").click()
        made = page.locator("#runs tbody tr")
        expect(made).to_contain_text("asked for", timeout=20_000)

        def is_made() -> bool:
            advance(running.home.project(), datetime.now(UTC))
            return bool(list(tmp_path.iterdir()))

        eventually(is_made, 60)
        expect(made).to_contain_text("done", timeout=20_000)  # nobody loads the page anew
        made.get_by_role("link", name="Export").click()
        page.get_by_role("link", name="Download").wait_for()
    (written,) = tmp_path.iterdir()
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday() + 7)
    assert written.name == f"dora-{monday}.csv"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"period": "previous_month", "count": 1}, "The month before"),
        ({"period": "last-month", "count": 3}, "The 3 months before"),
        ({"period": "last-4-weeks"}, "The 4 weeks before"),
        ({"period": "month_to_date"}, "The month so far"),
    ],
)
def test_days_stand_in_words_however_they_were_said(
    running: Served, admin: Browsing, said: dict[str, Any], words: str
) -> None:
    project, now = running.home.project(), datetime.now(UTC)
    request = {"scope": {"teamId": "1"}, "dateRange": said}
    body = {"name": "x", "export": "productivity", "request": request, "at": {"cron": "0 6 1 * *"}}
    made = schedules.add(project, body, created_by="x", now=now)
    for path in ("/schedules", f"/schedules/{made.id}"):
        assert f">{words}<" in admin.get(path).text


def test_it_is_changed_and_what_its_exports_are_stays(running: Served, admin: Browsing) -> None:
    page = add(admin, metrics="PR_Merged", **{"options.granularity": "monthly"})
    project, now = running.home.project(), datetime.now(UTC)
    (before,) = schedules.listed(project, now)
    assert before.request["metrics"] == ["PR_Merged"]
    shown = fields(admin.get(page).text, page)
    assert (shown["name"], shown["timezone"]) == ("Monthly", "UTC")
    due = {
        "when": "own",
        "cron": "0 7 * * 5",
        "timezone": "Europe/Berlin",
        "wait": "90",
        "keep": "3",
        "name": "Fridays",
    }
    answer = admin.post(page, {**shown, **due, "enabled": "yes", "do": "change"})
    assert answer.status_code == 303, answer.text
    (after,) = schedules.listed(project, now)
    assert (after.name, after.at.cron, after.at.timezone) == ("Fridays", "0 7 * * 5", "Europe/Berlin")
    assert (after.wait_for_data and after.wait_for_data.minutes, after.keep) == (90, 3)
    assert (after.export, after.request, after.deliver) == (before.export, before.request, before.deliver)
    text = admin.get(page).text
    assert "0 7 * * 5 (Europe/Berlin)" in text
    without = {name: value for name, value in fields(text, page).items() if name != "enabled"}
    assert admin.post(page, {**without, "when": "own", "do": "change"}).status_code == 303
    assert "when asked" in admin.get("/schedules").text
    (off,) = schedules.listed(project, now)
    assert (off.enabled, off.next_run_at, off.at.cron) == (False, None, "0 7 * * 5")


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"when": "own", "cron": "6 o'clock"}, "Invalid Cron line"),
        ({"timezone": "Mars/Olympus"}, "Invalid Time zone"),
        ({"name": " "}, "Name is required"),
        ({"wait": "soon"}, "Minutes to wait for data must be a whole number from 1"),
        ({"folder": "/somewhere", "file": "kept-{start}.csv"}, "exports.folders"),
        ({"team": "999"}, "999"),
        ({"webhook": "wh_none"}, "wh_none"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    running: Served, admin: Browsing, said: dict[str, str], refused: str
) -> None:
    typed = {"name": "Kept", **said}
    sent = {"form_token": admin.form_token(), **MONTHLY, **typed}
    answer = admin.post("/schedules/new", sent)
    assert answer.status_code in (400, 404), answer.text
    assert refused in answer.text.replace("&#39;", "'")
    assert not re.search(r"waitForData|deliver\.\w|dateRange|teamId", answer.text)  # the form calls them otherwise
    stands = fields(answer.text, next(line for line in answer.text.split('"') if line.startswith("/schedules/new?")))
    assert {name: stands.get(name, typed[name]) for name in typed} == typed
    assert 'name="enabled" value="yes">' in answer.text  # as it was sent: not ticked
    assert schedules.listed(running.home.project(), datetime.now(UTC)) == []


def test_a_wrong_change_changes_nothing(running: Served, admin: Browsing) -> None:
    page = add(admin)
    shown = fields(admin.get(page).text, page)
    answer = admin.post(page, {**shown, "name": "Other", "when": "own", "cron": "x", "do": "change"})
    assert answer.status_code == 400
    assert fields(answer.text, page)["name"] == "Other"
    (kept,) = schedules.listed(running.home.project(), datetime.now(UTC))
    assert (kept.name, kept.at.cron) == ("Monthly", "0 6 1 * *")
    assert admin.post(page, {**shown, "do": "dance"}).status_code == 400


def test_a_viewer_looks_and_an_admin_changes(running: Served, admin: Browsing) -> None:
    page = add(admin)
    viewer = Browsing(running.base).signed_in(running.keys["viewer"])
    for path in ("/schedules", page):
        text = viewer.get(path).text
        assert "Monthly" in text
        assert "Run now" not in text
        assert "New schedule" not in text
    token = viewer.form_token()
    assert viewer.get("/schedules/new").status_code == 403
    assert viewer.post("/schedules/new", {"form_token": token, **MONTHLY}).status_code == 403
    for action in ("run", "remove", "change"):
        assert viewer.post(page, {"form_token": token, "do": action}).status_code == 403
    assert admin.post(page, {"form_token": admin.form_token(), "do": "remove"}).status_code == 303
    assert admin.get(page).status_code == 404


def test_whoever_is_limited_sees_those_of_their_teams(running: Served, admin: Browsing) -> None:
    whole, part = add(admin), add(admin, name="Of Platform", team="2")
    project, now = running.home.project(), datetime.now(UTC)
    key = keys.create(running.home.db, project.id, "lead", "viewer", now=now, access=Access(teams=frozenset({2})))
    lead = Browsing(running.base).signed_in(key.key)
    listed = lead.get("/schedules").text
    assert "Of Platform" in listed
    assert "Monthly" not in listed
    assert (lead.get(whole).status_code, lead.get(part).status_code) == (404, 200)


def test_its_pages_are_accessible_and_fit(chromium: Browser, running: Served, admin: Browsing) -> None:
    project, now = running.home.project(), datetime.now(UTC)
    told = webhooks.add(project, "https://hooks.example.com/in", ["export.completed"], created_by="x", now=now)
    page_of = add(admin, webhook=told.id, wait="30", keep="2")
    schedules.run(project, page_of.rsplit("/", 1)[1], now)
    with window(chromium, running) as page:
        for path in ("/schedules", page_of, "/schedules/new?kind=sprint"):
            look(page, path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert faults(page) == [], (path, width)
    webhooks.remove(project, told.id)
