"""`make pictures`: the pictures of the page in the README, taken of the demo that it shows.

Makes the demo in a folder that is gone afterwards, serves it on a free port, signs in by the one-time link as a user does, and
takes each screen in a real browser (the system's Chromium, or the one that Playwright installs). Nothing is left running.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
VIEW = "team=1&from=2026-01-01&to=2026-03-31&granularity=weekly"
SCREENS = {"delivery": f"/delivery?{VIEW}", "productivity": f"/productivity?{VIEW}"}
"""The pictures, and what each shows."""
SIZE = {"width": 1440, "height": 1180}
QUALITY = 70
SECONDS = 180


def command(home: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("leadline")), "--home", str(home)]


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """A server of the home; gives the address that signs in once."""
    started = [*command(home), "serve", "--port", "0"]
    process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout or ():
            if found := re.search(r"http://\S+once=\S+", line):
                yield found[0]
                break
        else:
            sys.exit("the server ended before it printed its link")
    finally:
        process.terminate()
        process.wait(timeout=30)


def take(page: Page, name: str, address: str) -> int:
    """Take the picture of what is at ``address``; returns its size in bytes."""
    page.goto(address)
    expect(page.locator("figure.chart")).not_to_have_count(0, timeout=SECONDS * 1000)
    expect(page.locator("figure.chart:not(.drawn)")).to_have_count(0, timeout=SECONDS * 1000)
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    picture = FOLDER / f"{name}.webp"
    picture.write_bytes(base64.b64decode(taken["data"]))
    return picture.stat().st_size


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        subprocess.run([*command(home), "demo", "--until", "2026-03-31"], check=True, stdout=subprocess.DEVNULL)
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        with serving(home) as link:
            page = browser.new_page(viewport=SIZE, base_url=link.partition("/sign-in")[0])
            page.goto(link)
            for name, address in SCREENS.items():
                print(f"{FOLDER / name}.webp: {take(page, name, address):,} bytes", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
