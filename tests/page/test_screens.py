"""Every screen, as people see it: at three widths, light and dark, without scripts, on paper, and for whoever may not see it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser

from api.serving import Served, eventually
from api.test_access_matrix import PAGES, ROUTES
from leadline.exports.kinds import KINDS
from leadline.page.headers import HEADERS
from leadline.page.screen import Screen
from leadline.page.screens import SCREENS
from leadline.sources.kit.kinds import KINDS as TOOLS

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
        eventually(lambda: not page.locator("#waiting").count())  # it looks again by itself
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


def of_routes(method: str) -> list[str]:
    return sorted({re.sub(r"{[\w:]+}", "x", route.path) for of, route in ROUTES if of == method})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_answer_of_every_route_carries_the_headers(page_server: Served, method: str) -> None:
    """To nobody and to an admin; refusals, what is not there and what is too large among them."""
    nobody, admin = Browsing(page_server.base), Browsing(page_server.base).signed_in(page_server.keys["admin"])
    bearer = {"x-api-key": page_server.keys["viewer"]}
    statuses = set()
    for path in [*of_routes(method), "/nothing", "/start", "/healthz"]:
        sent: dict[str, Any] = {} if method == "GET" else {"content": b"{"}
        answers = [
            nobody.http.request(method, path),
            nobody.http.request(method, f"{path}?limit=-1", headers=bearer, **sent),
        ]
        if method != "GET" or "/x" in path:  # screens are looked at one by one
            answers.append(admin.http.request(method, f"{path}?from=x"))
        for answer in answers:
            statuses.add(answer.status_code)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, (path, answer.status_code)
    assert {401, 404 if method in ("GET", "POST") else 405} <= statuses


def test_an_error_that_nobody_foresaw_carries_the_headers(admin: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("of the server")

    monkeypatch.setattr("leadline.page.screens.start.view_of", fail, raising=False)
    monkeypatch.setattr("leadline.page.screens.keys.keys.listed", fail)
    answer = admin.get("/keys")
    assert answer.status_code == 500
    assert "of the server" not in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


EXAMPLES = {
    "/teams": "/teams?tree=Engineering&q=c&back=/delivery",
    "/facts/row": "/facts/row?fact=pull-requests&repository={repository}&number={number}",
    "/exports/new": "/exports/new?kind=efficiency",
    "/exports/{kind}/{export_id}": "{export}",
    "/docs/{name:path}": "/docs/guide/dora",
}
"""A page of each route that is no screen."""
ELSEWHERE = {
    *("/people/upload", "/people/lists/{list_id}", "/people/accounts"),
    *("/sources/new", "/sources/{source_id}", "/settings/one", "/settings/server"),
    *("/keys/new", "/keys/{key_id}", "/schedules/new", "/schedules/{schedule_id}"),
}
"""Those that the tests of their screens look at with what they need."""
NO_PAGES = {"/", "/charts/{name}.{form}", "/explore/chart/{metric}.{form}", "/facts/rows.csv", "/people/developers.csv"}
NO_PAGES |= {"/exports/{kind}/{export_id}/download"}
"""Those that answer something else."""


def test_every_page_that_is_no_screen_is_accessible_and_fits(chromium: Browser, page_server: Served) -> None:
    assert {route.path for route in PAGES} == {*PATHS, *EXAMPLES, *ELSEWHERE, *NO_PAGES}
    admin = Browsing(page_server.base).signed_in(page_server.keys["admin"])
    made = admin.post("/explore/file?team=1", {"form_token": admin.form_token(), "format": "csv"})
    rows = admin.get("/facts?kind=productivity&column=PR_Merged&team=1&from=2026-01-01&to=2026-03-31").text
    known = re.search(r"repository=(?P<repository>[^&\"]+)&amp;number=(?P<number>\d+)", rows)
    assert known is not None
    taken = {"export": made.headers["location"], **known.groupdict()}
    with window(chromium, page_server) as page:
        for example in EXAMPLES.values():
            look(page, example.format(**taken))
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert faults(page) == [], (example, width)


FORMS = [
    *(f"/exports/new?kind={kind}" for kind in KINDS),
    *(f"/schedules/new?kind={kind}" for kind in KINDS),
    *(f"/sources/new?kind={kind}" for kind in TOOLS),
    "/settings/server",
]


@pytest.mark.parametrize("path", [*PATHS, *FORMS])
def test_what_is_declared_with_code_in_it_is_shown_as_code(admin: Browsing, path: str) -> None:
    """Declarations write it between backticks, which nobody should read."""
    text = admin.get(path).text
    words = re.sub(r"<(script|style|pre|code|textarea)\b.*?</\1>", " ", text, flags=re.DOTALL)
    assert re.findall(r".{0,60}`.{0,60}", re.sub(r"<[^>]*>", "", words)) == []


def test_a_form_that_is_sent_again_and_one_that_is_refused_are_accessible(
    chromium: Browser, page_server: Served
) -> None:
    """Views cannot be saved without a name: what was typed stands in both."""
    with window(chromium, page_server) as page:
        look(page, "/explore?team=1")
        page.get_by_text("Saved views").click()
        page.get_by_label("Save this view as").fill(" ")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("alert").wait_for()
        assert faults(page) == []
        page.evaluate("document.querySelector('main [name=form_token]').value = 'of before'")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("heading", name="Look at it, then send it").wait_for()
        assert faults(page) == []


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
