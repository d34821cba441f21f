"""A home of the demo with the whole service, as people open it: one for all tests of the page, which only look at it or undo what
they did."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from api.serving import Served, serving
from leadline.demo import fill
from leadline.home import Home
from leadline.page.install import install

from .browsing import Browsing

LAST_DAY = date(2026, 3, 31)


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a small demo organization, with the page."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(tmp_path_factory.mktemp("page") / "home")
    with home:
        fill(home.project(), developers=30, months=3, seed=1, until=LAST_DAY)
        with serving(home, faces=[install]) as running:
            yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser: the system's, or the one that Playwright installs. It is closed with the module: while it is open, an event
    loop runs in this thread, and no other test could begin one."""
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if program is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("needs Chromium: install the system's package, or run `playwright install chromium`")
        # Under root, as in containers, Chromium has no sandbox.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """What people like their pages to be."""
    return str(request.param)


@pytest.fixture
def browsing(page_server: Served) -> Browsing:
    """Somebody with cookies and without scripts, who is not signed in."""
    return Browsing(page_server.base)


@pytest.fixture
def admin(page_server: Served) -> Browsing:
    """The same, signed in as admin."""
    return Browsing(page_server.base).signed_in(page_server.keys["admin"])
