"""Files that pages load: what others made is what the list says, and everything is kept for ever and weighs little."""

from __future__ import annotations

import hashlib

import pytest

from leadline.page.static_files import FOLDER, static_url
from leadline.page.vendored import VENDORED, Vendored

from .browsing import Browsing, static_addresses


@pytest.mark.parametrize("package", VENDORED, ids=lambda package: package.folder)
def test_vendored_files_are_those_of_the_list(package: Vendored) -> None:
    folder = FOLDER / "vendor" / package.folder
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert files == package.files
    assert "LICENSE.txt" in files


def test_every_vendored_folder_is_listed() -> None:
    assert {path.name for path in (FOLDER / "vendor").iterdir()} == {package.folder for package in VENDORED}


def test_addresses_say_what_the_content_is_and_are_kept_for_ever(browsing: Browsing) -> None:
    answer = browsing.get(static_url("app.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["content-encoding"] == "gzip"
    assert f'url("{static_url("vendor/inter/inter-latin-wght-normal.woff2")}")' in answer.text
    digest = hashlib.sha256(answer.content).hexdigest()[:16]
    assert static_url("app.css") == f"/static/{digest}/app.css"


@pytest.mark.parametrize(
    "path",
    ["/static/0000000000000000/app.css", "/static/x/../page/view.py", "/static/x/%2e%2e/view.py", "/static/x/nothing"],
)
def test_nothing_else_is_served(browsing: Browsing, path: str) -> None:
    assert browsing.get(path).status_code == 404


def test_a_first_visit_weighs_at_most_a_megabyte_and_a_half(admin: Browsing) -> None:
    """As it comes over the wire, with every script that charts need, and both fonts."""
    page = admin.get("/start")
    loaded = static_addresses(page.text)
    fonts = [static_url(f"vendor/inter/{name}") for name in VENDORED[-1].files if name.endswith("woff2")]
    sizes = {}
    for address in {*loaded, *fonts}:
        with admin.http.stream("GET", address) as answer:
            assert answer.status_code == 200, address
            sizes[address] = sum(map(len, answer.iter_raw()))
    assert any("vega.min.js" in address for address in sizes)
    assert sum(sizes.values()) < 1_500_000
