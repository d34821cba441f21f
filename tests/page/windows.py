"""Windows of a real browser that tell what went wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from api.serving import Served

from .browsing import Browsing

WIDTHS = (360, 900, 1440)
expect.set_options(timeout=60_000)  # what is wrong stays so: on a busy machine it is waited for as long as for all else


@contextmanager
def window(browser: Browser, served: Served, *, role: str | None = "admin", **options: Any) -> Iterator[Page]:
    """A window of its own, signed in as ``role``. At the end nothing may have been refused by the policy, nor any script have
    failed."""
    context = browser.new_context(base_url=served.base, **{"viewport": {"width": 1440, "height": 900}, **options})
    context.set_default_timeout(60_000)
    wrong: list[str] = []
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_wrong(said.type, said.text) else None)
        if role is not None:
            session = Browsing(served.base).signed_in(served.keys[role]).cookie
            context.add_cookies([{"name": session.name, "value": session.value or "", "url": served.base}])
        yield page
        assert wrong == []
    finally:
        context.close()


def _is_wrong(kind: str, text: str) -> bool:
    # A page that is refused is an error to the console, too; tests look at its status.
    return kind in ("error", "warning") and "Failed to load resource" not in text


def look(page: Page, path: str) -> None:
    """Go to ``path`` and wait until everything is there."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    # What is still being computed asks again by itself.
    expect(page.locator("#waiting, [hx-trigger^=load]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
