"""Every screen, as people see it: at three widths, light and dark, without scripts, on paper, and for whoever may not see it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from api.serving import Served, eventually
from leadline.page.headers import HEADERS
from leadline.page.screen import Screen
from leadline.page.screens import SCREENS

from .accessibility import faults
from .browsing import Browsing
from .windows import WIDTHS, look, window

PATHS = [screen.path for screen in SCREENS]
WITHOUT_KEY = ["/sign-in"]


@pytest.mark.parametrize("path", [*PATHS, "/nothing-here", *WITHOUT_KEY])
def test_a_screen_is_accessible_and_fits_at_every_width(chromium: Browser, page_server: Served, path: str) -> None:
    with window(chromium, page_server, role=None if path in WITHOUT_KEY else "admin") as page:
        look(page, path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert faults(page) == [], width
        page.locator("body").press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the content" or path in WITHOUT_KEY


@pytest.mark.parametrize("path", PATHS)
def test_a_screen_can_be_read_without_scripts_and_printed(chromium: Browser, page_server: Served, path: str) -> None:
    with window(chromium, page_server, java_script_enabled=False) as page:
        page.goto(path)
        eventually(lambda: not page.locator("#waiting").count() or (page.reload() and False))
        title = next(screen.title for screen in SCREENS if screen.path == path)
        assert page.get_by_role("link", name=title, exact=True).first.get_attribute("aria-current") == "page"
        assert page.locator("main").inner_text().strip()
        page.emulate_media(media="print")
        assert not page.locator(".side").is_visible()
        assert page.locator("main h1").first.is_visible()


@pytest.mark.parametrize("path", PATHS)
def test_a_screen_carries_the_headers_and_is_kept_by_no_cache(admin: Browsing, path: str) -> None:
    answer = admin.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("screen", SCREENS, ids=PATHS)
def test_a_screen_is_for_its_roles(page_server: Served, screen: Screen) -> None:
    for role in ("admin", "viewer"):
        browsing = Browsing(page_server.base).signed_in(page_server.keys[role])
        answer = browsing.get(screen.path)
        assert answer.status_code == (200 if role in screen.roles else 403)
        start = browsing.get("/start").text
        assert (f'href="{screen.path}"' in start) == (role in screen.roles)


@pytest.mark.parametrize("path", PATHS)
def test_later_visits_weigh_little(admin: Browsing, path: str) -> None:
    """Its files are there; only the page comes anew."""
    admin.get(path)
    with admin.http.stream("GET", path) as answer:
        assert answer.status_code == 200
        assert sum(map(len, answer.iter_raw())) <= 60_000


@pytest.mark.parametrize("path", ["/start", "/v2/insights/productivity/exports", "/healthz", "/nothing", "/static/x/y"])
def test_every_answer_carries_the_headers(browsing: Browsing, path: str) -> None:
    assert {name: browsing.get(path).headers[name] for name in HEADERS} == HEADERS


def test_programs_get_json_where_people_get_a_page(browsing: Browsing) -> None:
    assert browsing.get("/nothing").headers["content-type"].startswith("text/html")
    answer = browsing.get("/nothing", Accept="application/json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for path in ("/v2/nothing", "/v2/developers"):
        assert browsing.get(path).headers["content-type"].startswith("application/json")
    assert browsing.http.delete("/start").json()["code"] == "method_not_allowed"


def test_the_first_screen_keeps_what_the_address_says(admin: Browsing) -> None:
    """As links of the vendor's kind do."""
    answer = admin.get("/?collectionId=1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATHS[0]}?collectionId=1")


def test_what_finds_nothing_would_find_something(chromium: Browser, page_server: Served) -> None:
    with window(chromium, page_server) as page:
        page.goto("/start")
        assert faults(page) == []
        page.evaluate("document.querySelector('main h1').style.color = '#ccc'")
        page.evaluate("document.querySelector('main').append(document.createElement('button'))")
        assert {fault.partition(":")[0] for fault in faults(page)} == {"color-contrast", "button-name"}
        page.evaluate("document.querySelector('main h1').style.color = '#333'")
        page.evaluate("document.querySelector('main button').style.width = '9999px'")
        found = " ".join(faults(page))
        assert "dark: color-contrast" in found
        assert " color-contrast" not in found.replace("dark: color-contrast", "")
        assert "wider than its window" in found
