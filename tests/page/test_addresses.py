"""What a screen takes in its address: of a word that it does not know it says so, and shows what it shows without it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from api.serving import Served
from leadline.page.parameters import Parameter, order_by, page_of, understood
from leadline.page.screens import SCREENS

from .browsing import Browsing

Q1 = {"from": "2026-01-01", "to": "2026-03-31", "team": "1"}
FREE = {"q", "createdBy", "teamId", "changed", "mapped"}
"""Words that are searched or filtered by, and what tells what was just done: any is right."""
ONE_OF_MANY = ("/people/accounts", "/exports/new", "/schedules/new", "/sources/new")
VARIANTS = {
    "/delivery": ["by=services"],
    "/productivity": ["by=developers"],
    "/compare": ["of=teams", "of=periods&than=own&than_from=2025-10-01&than_to=2025-12-31"],
    "/facts": ["kind=sprint&column=Sprint_Commit", "kind=ba", "kind=productivity&column=PR_Merged&developer=x"],
    "/flow": ["ask=when&remaining=40", "ask=how-many&target=2027-01-01&weeks=12"],
    "/explore": ["kind=sprint", "kind=sprint&level=sprint", "kind=ba", "kind=flow", "kind=efficiency&level=service"],
}
"""What shows more of what a screen takes."""


class _Asks(HTMLParser):
    """The names that links of a page and the forms that only look say to its own path."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._path, self._looks = path, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "a" and urlsplit(named.get("href", "")).path == self._path:
            self.names |= {name for name, _ in parse_qsl(urlsplit(named["href"]).query)}
        if tag == "form":
            self._looks = named.get("method") == "get" and named.get("action") == self._path
        if tag in ("input", "select") and self._looks and named.get("name"):
            self.names.add(named["name"])


def looks_of(path: str) -> Iterator[dict[str, str]]:
    for variant in ["", *VARIANTS.get(path, [])]:
        yield {**(Q1 if path not in ONE_OF_MANY else {}), **dict(parse_qsl(variant))}


def words_of(text: str) -> str:
    """What people read in a page."""
    main = re.sub(r"<(script|style)\b.*?</\1>", " ", text[text.index("<main") :], flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", main))


@pytest.mark.parametrize("path", [*(screen.path for screen in SCREENS), *ONE_OF_MANY])
def test_no_screen_takes_a_word_that_it_does_not_know_for_another(admin: Browsing, path: str) -> None:
    """Whatever its own links and forms say, said wrongly: it is told in words, and never fails."""
    for look in looks_of(path):
        asks = _Asks(path)
        text = admin.get(path, look).text
        asks.feed(text[text.index("<main") :])  # the navigation says to each what some take
        for name in sorted(asks.names - FREE):
            instead = ("from", "to") if name == "period" else ()
            answer = admin.get(
                path, {**{other: said for other, said in look.items() if other not in instead}, name: "nope"}
            )
            assert answer.status_code in (200, 400, 404), (name, look)
            assert "nope" in words_of(answer.text), (name, look)


@pytest.mark.parametrize(
    ("path", "name", "wrong"),
    [
        ("/delivery", "tree", "nope"),
        ("/delivery", "team", "9999"),
        ("/delivery", "granularity", "hourly"),
        ("/delivery", "aggregation", "nope"),
        ("/delivery", "sort", "-nope"),
        ("/delivery", "by", "people"),
        ("/productivity", "names", "all"),
        ("/productivity", "people", "100"),
        ("/sprints", "work", "hours"),
        ("/allocation", "share", "fte"),
        ("/compare", "than", "last"),
        ("/compare", "metrics", "nope"),
        ("/compare?of=teams", "teams", "9999"),
        ("/explore", "kind", "nope"),
        ("/explore", "metrics", "nope"),
        ("/explore", "rows", "5"),
        ("/explore", "splitBy", "tool"),
        ("/facts", "kind", "nope"),
        ("/facts", "column", "nope"),
        ("/facts", "sort", "nope"),
        ("/open", "age", "9"),
        ("/exports", "sortBy", "nope"),
    ],
)
def test_what_is_not_known_is_as_if_it_were_not_there(admin: Browsing, path: str, name: str, wrong: str) -> None:
    """The rest of the address holds, and no link says the wrong word again."""
    path, _, way = path.partition("?")
    look = {**Q1, **dict(parse_qsl(way))}
    answer = admin.get(path, {**look, name: wrong})
    assert answer.status_code == 200
    (told,) = re.findall(r'<div class="strip bad".*?</div></div>', answer.text, re.DOTALL)
    assert wrong.removeprefix("-") in words_of(f"<main>{told}")
    assert urlencode({name: wrong}) not in html.unescape(answer.text)
    plain = admin.get(path, look)
    cells = r'<data value="([^"]*)"'
    assert re.findall(cells, answer.text) == re.findall(cells, plain.text)


@pytest.mark.parametrize(
    ("path", "said", "told"),
    [
        ("/delivery", {"period": "fortnight"}, "fortnight"),
        ("/delivery", {"from": "2026-02-30", "to": "2026-03-31"}, "2026-02-30"),
        ("/productivity", {"from": "2026-03-31", "to": "2026-03-01"}, "2026-03-01"),
        (
            "/compare",
            {**Q1, "of": "periods", "than": "own", "than_from": "2025-13-01", "than_to": "2025-12-31"},
            "2025-13-01",
        ),
    ],
)
def test_days_that_cannot_be_are_told_and_stay_where_they_were_typed(
    admin: Browsing, path: str, said: dict[str, str], told: str
) -> None:
    """In the form alone: every link of the page leads somewhere, pictures and files among them."""
    text = admin.get(path, said).text
    assert told in words_of(text)
    typed = {
        name: text for name, text in said.items() if name in ("from", "to", "than_from", "than_to") and name not in Q1
    }
    typed |= {} if path == "/compare" else {name: said[name] for name in ("from", "to") if name in said}
    for name, day in typed.items():
        assert f'name="{name}" required value="{day}"' in text
    links = [
        html.unescape(link) for link in re.findall(r'(?:href|src|data-[\w-]+)="(/[^"]*)"', text[text.index("<main") :])
    ]
    assert [link for link in links if told in link] == []
    assert [link for link in links if link.startswith("/charts/") and admin.get(link).status_code != 200][:1] == []


def test_words_are_understood_in_any_letter_case(admin: Browsing) -> None:
    look = {**Q1, "by": "Services", "sort": "-cfr_percent"}
    text = admin.get("/delivery", look).text
    assert 'class="strip bad"' not in text
    assert "data-service" in text
    assert 'aria-sort="descending"' in text


def test_a_parameter_says_what_would_do() -> None:
    by, order, page = Parameter("by", ("teams", "services")), order_by(["A", "B", "A"]), page_of(101, 50)
    meant, problems = understood({"by": "x", "sort": "-b", "page": "3", "other": "y"}, [by, order, page])
    assert meant == {"sort": "-B", "other": "y"}
    assert ["teams, services" in problems[0], "0, 1, 2" in problems[1], len(problems)] == [True, True, 2]
    assert understood({"page": "2"}, [page]) == ({"page": "2"}, [])
    assert "0 to 99" in page_of(5000, 50).problem("x")


# -- days without data -------------------------------------------------------------------------------------------------

EMPTY = {"from": "2020-01-01", "to": "2020-01-31", "team": "1"}


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_a_screen_whose_days_have_no_data_leads_to_those_that_have(admin: Browsing, path: str) -> None:
    """Every screen whose days can be chosen, however its address asks for them."""
    for variant in ["", *VARIANTS.get(path, [])]:
        look = {
            **EMPTY,
            **dict(parse_qsl(variant)),
            "developer": "",
            "than_from": "2019-01-01",
            "than_to": "2019-01-31",
        }
        text = admin.get(path, look).text
        if 'id="period-from"' not in text:
            continue
        found = re.findall(r'<a href="([^"]+)">Show the last four weeks that have some</a>', text)
        assert len(found) == 1, (path, variant)
        assert "2026-03-31" in found[0]
        there = admin.get(html.unescape(found[0])).text
        # Two ranges are compared: now the other one alone has none.
        others = re.findall(
            r'<a href="([^"]+than_to=2026-03-31[^"]*)">Show the last four weeks that have some</a>', there
        )
        assert (there.count("Show the last four weeks"), len(others)) == (("of=periods" in variant),) * 2


def test_some_screens_have_days(admin: Browsing, page_server: Served) -> None:
    with_days = [screen.path for screen in SCREENS if 'id="period-from"' in admin.get(screen.path).text]
    assert {"/delivery", "/compare", "/explore", "/facts"} <= {*with_days}
