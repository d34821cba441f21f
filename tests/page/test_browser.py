"""The page in a real browser, as people use it: by keyboard alone, in two tabs, as a session ends, as the server starts again."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.serving import Served, fill, serving
from leadline.demo import fill as fill_demo
from leadline.home import Home
from leadline.page.install import install

from .windows import window

RANGE = "from=2026-01-01&to=2026-03-31"


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name")
    return text


def tab_to(page: Page, text: str) -> None:
    """Press Tab until what has ``text`` is focused."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if text in focused(page):
            return
    raise AssertionError(f"{text!r} cannot be reached by the keyboard")


def test_signing_in_and_out_by_keyboard_alone(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server, role=None) as page:
        page.goto("/catalogue")
        tab_to(page, "key")
        page.keyboard.type(page_server.keys["viewer"])
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Metrics", exact=True).wait_for()
        tab_to(page, "To the content")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.reload()
        tab_to(page, "Sign out")
        page.keyboard.press("Enter")
        page.get_by_label("Key").wait_for()


def test_a_menu_opens_and_closes_by_keyboard(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        page.goto(f"/delivery?{RANGE}")
        page.locator("summary", has_text="Own days").focus()
        page.keyboard.press("Enter")
        choice = page.get_by_role("link", name="Last quarter", exact=True)
        expect(choice).to_be_visible()
        page.keyboard.press("Escape")
        expect(choice).not_to_be_visible()
        assert "Own days" in focused(page)
        page.keyboard.press("Enter")
        page.mouse.click(700, 600)
        expect(choice).not_to_be_visible()


def test_a_team_is_searched_and_the_view_stays(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        page.goto(f"/delivery?{RANGE}&granularity=quarterly")
        search = page.get_by_label("Search teams")
        search.press_sequentially("core", delay=20)
        found = page.locator("#team-list a", has_text="Commerce Core")
        found.first.wait_for()
        found.first.click()
        page.wait_for_url("**/delivery?*team=*")
        for part in ("granularity=quarterly", "from=2026-01-01", "to=2026-03-31"):
            assert part in page.url
        page.go_back()
        assert "team=" not in page.url


def test_without_scripts_a_team_is_searched_on_a_page_of_its_own(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server, java_script_enabled=False) as page:
        page.goto(f"/delivery?{RANGE}")
        page.get_by_label("Search teams").fill("core")
        page.get_by_label("Search teams").press("Enter")
        page.locator("#team-list a", has_text="Commerce Core").first.click()
        page.wait_for_url("**/delivery?*team=*")
        assert "from=2026-01-01" in page.url


def test_days_that_cannot_be_say_so_and_stay_typed(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        page.goto("/delivery?from=2026-03-31&to=2026-01-01")
        expect(page.get_by_role("alert")).to_contain_text("must not be after")
        page.locator("summary", has_text="Last 3 months").click()
        expect(page.get_by_label("From", exact=True)).to_have_value("2026-03-31")


def test_two_tabs_and_a_session_that_ends_in_one_of_them(chromium: Browser, home: Home) -> None:
    fill(home.project(), home.temp)
    with serving(home, workers=0, faces=[install]) as running, window(chromium, running) as page:
        page.goto("/catalogue")
        other = page.context.new_page()
        other.goto("/docs")
        other.get_by_role("button", name="Sign out", exact=True).click()
        other.get_by_label("Key").wait_for()
        page.get_by_role("button", name="Sign out everywhere").click()
        page.get_by_text("Your session ended").wait_for()
        page.get_by_label("Key").fill(running.keys["admin"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Everywhere")).to_have_value("yes")
        page.get_by_role("button", name="Send it").click()
        page.get_by_label("Key").wait_for()
        other.goto("/docs")
        other.get_by_label("Key").wait_for()


def test_the_server_may_start_again_under_an_open_page(chromium: Browser, home: Home, tmp_path: Path) -> None:
    """Sessions are in the database; the address is another, as if a proxy led there."""
    fill(home.project(), home.temp)
    with serving(home, workers=0, faces=[install]) as running, window(chromium, running) as page:
        page.goto("/catalogue")
        cookie = next(iter(page.context.cookies()))
    shutil.copytree(home.path, tmp_path / "again")
    with (
        Home.open(tmp_path / "again") as again,
        serving(again, workers=0, faces=[install]) as running,
        window(chromium, running, role=None) as page,
    ):
        name = f"leadline_session_{running.base.rpartition(':')[2]}"
        page.context.add_cookies([{"name": name, "value": cookie["value"], "url": running.base}])
        page.goto("/catalogue")
        page.get_by_role("heading", name="Metrics", exact=True).wait_for()


@pytest.mark.slow
def test_a_screen_is_drawn_within_the_demo(chromium: Browser, home: Home) -> None:
    """From an empty server to the first chart, by the link that ``serve`` prints, without a key."""
    from datetime import UTC, datetime

    from leadline.db import sessions

    fill_demo(home.project(), developers=30, months=3, seed=1, until=date(2026, 3, 31))
    link = sessions.create_link(home.db, home.project().id, datetime.now(UTC))
    with serving(home, workers=0, faces=[install]) as running, window(chromium, running, role=None) as page:
        page.goto(f"/sign-in?once={link}")
        page.goto(f"/delivery?{RANGE}")
        page.wait_for_selector("figure.chart.drawn svg")
        assert page.locator("figure.chart.drawn").count() >= 1
