"""The documentation under /docs: every page of the contents, with links and anchors that lead somewhere; and the catalogue."""

from __future__ import annotations

import re

import pytest

from leadline.exports.kinds import KINDS
from leadline.page.library import Document, anchor, library
from leadline.page.markdown import address_of, html

from .browsing import Browsing

DOCUMENTS = list(library().documents.values())


def ids(page: str) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', page))


def links(page: str) -> list[str]:
    body = page[page.index('<article class="prose">') :]
    return re.findall(r'<a href="([^"]+)"', body)


@pytest.fixture(scope="module")
def anchors() -> dict[str, set[str]]:
    return {document.address: ids(html(document.text, document.name)) for document in DOCUMENTS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_page_is_served_and_its_links_lead_somewhere(
    admin: Browsing, anchors: dict[str, set[str]], document: Document
) -> None:
    page = admin.get(document.address)
    assert page.status_code == 200
    assert " style=" not in page.text
    for link in links(page.text):
        path, _, fragment = link.partition("#")
        if path.startswith(("https://", "http://")) or path == "/openapi.json":
            continue
        target = path or document.address
        assert target in anchors, link
        assert not fragment or fragment in anchors[target], link
    for section in document.sections:
        assert section.anchor in anchors[document.address]


def test_the_contents_have_the_guide_and_what_is_generated() -> None:
    groups = {title: [document.name for document in documents] for title, documents in library().contents}
    assert groups[""][0] == "index"
    assert "guide/first-export" in groups["Guide"]
    assert groups["Reference"] == [f"reference/{name}" for name in ("metrics", "data-model", "settings", "commands")]
    assert "leadline serve" in library().document("reference/commands").text


def test_a_search_finds_sections_headings_first(admin: Browsing) -> None:
    page = admin.get("/docs", params={"q": "error"}).text
    found = re.findall(r'<a class="card" href="([^"]+)"', page)
    assert len(found) > 3
    assert "/docs/api#errors" in found[:5]
    assert "Nothing found" in admin.get("/docs", params={"q": "xyzzy"}).text
    payload = admin.get("/docs", params={"q": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in payload


@pytest.mark.parametrize("path", ["/docs/guide/data.md", "/docs/guide/data.html"])
def test_links_of_files_lead_to_their_page(admin: Browsing, path: str) -> None:
    assert admin.get(path).headers["location"] == "/docs/guide/data"


@pytest.mark.parametrize("name", ["nothing", "../../pyproject.toml", "generate.py", "%2e%2e/README"])
def test_nothing_else_is_a_page(admin: Browsing, name: str) -> None:
    assert admin.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize(
    ("link", "name", "address"),
    [
        ("data.md#files", "guide/dora", "/docs/guide/data#files"),
        ("../api.md", "guide/dora", "/docs/api"),
        ("../index.md", "guide/dora", "/docs"),
        ("#here", "api", "#here"),
        ("openapi.json", "index", "/openapi.json"),
        ("https://example.com/a.md", "index", "https://example.com/a.md"),
    ],
)
def test_where_links_lead(link: str, name: str, address: str) -> None:
    assert address_of(link, name) == address


def test_markup_in_a_page_stays_text() -> None:
    made = html("# <b>A</b>\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n|a|\n|--:|\n|`<i>`|", "index")
    assert "<script" not in made
    assert "<b>" not in made
    assert "<i>" not in made
    assert 'href="javascript' not in made
    assert '<td class="num">' in made


def test_tables_are_told_apart_and_what_heads_nothing_is_no_head() -> None:
    shown = html("| | b |\n|---|---|\n| 1 | 2 |\n\n| a |\n|---|\n| 3 |\n", "index")
    assert [f'aria-label="Table {number}"' in shown for number in (1, 2, 3)] == [True, True, False]
    assert shown.count("<th>") == 2
    assert "<td></td>\n<th>b</th>" in shown


def test_anchors_are_those_of_code_hosts() -> None:
    assert anchor("Why a *number* is, as it is?") == "why-a-number-is-as-it-is"


def test_every_metric_has_its_place_in_the_catalogue(admin: Browsing) -> None:
    page = admin.get("/catalogue").text
    wanted = {entry.id for kind in KINDS.values() for entry in kind.catalogue()}
    assert wanted <= ids(page)
    found = admin.get("/catalogue", params={"q": "time to restore"}).text
    assert 0 < len(ids(found) & wanted) < len(wanted)
    assert "No metric has these words" in admin.get("/catalogue", params={"q": "xyzzy"}).text
