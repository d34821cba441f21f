"""A screen that takes long: there is a page at once, what was asked for goes on, and whoever asked gets it, nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser
from starlette.responses import HTMLResponse, Response

from api.serving import Served, eventually, serving
from leadline.api.report_pool import ReportTimeout
from leadline.db import keys
from leadline.errors import NotFound
from leadline.home import Home
from leadline.page.install import install
from leadline.page.render import environment
from leadline.page.screen import new_router
from leadline.page.visit import Reader

from .browsing import Browsing
from .windows import window

TEMPLATE = '{% extends "base.html" %}{% block page %}<h1>Done for {{ visit.key.name }}</h1>{% endblock %}'


class Slow:
    """A screen that is computed when ``go`` is set, and counts how often."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.times = 0
        self.router = new_router()
        self.router.add_api_route("/slow", self.slow)
        self.router.add_api_route("/gone", self.gone)
        self.router.add_api_route("/late", self.late)

    def slow(self, visit: Reader) -> Response:
        self.times += 1
        assert self.go.wait(60)
        answer: HTMLResponse = visit.html(environment().from_string(TEMPLATE), title="Slow")
        return answer

    def gone(self, visit: Reader) -> Response:
        assert visit
        assert self.go.wait(60)
        raise NotFound("It is gone")

    def late(self, visit: Reader) -> Response:
        """Gets on with it twice, until time is up."""
        self.times += 1
        assert self.go.wait(60)
        if self.times < 3:
            raise ReportTimeout("It was not ready")
        answer: HTMLResponse = visit.html(environment().from_string(TEMPLATE), title="Late")
        return answer

    def install(self, app: FastAPI) -> None:
        install(app)
        app.router.routes.extend(self.router.routes)


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go.set()


@pytest.fixture
def served(home: Home, slow: Slow) -> Iterator[Served]:
    with serving(home, workers=0, faces=[slow.install]) as running:
        yield running
        slow.go.set()


def signed_in(served: Served, role: str) -> Browsing:
    return Browsing(served.base).signed_in(served.keys[role])


def test_it_says_so_and_is_computed_once(served: Served, slow: Slow) -> None:
    browsing = signed_in(served, "viewer")
    for _ in range(2):
        answer = browsing.http.get("/slow?x=1")
        assert answer.status_code == 202
        assert "Being computed" in answer.text
        assert 'hx-get="/slow?x=1"' in answer.text
    slow.go.set()
    assert eventually(lambda: (found := browsing.http.get("/slow?x=1")).status_code == 200 and found.text)
    assert slow.times in (1, 2)  # the last look may have begun anew


def test_what_is_refused_after_a_while_is_told(served: Served, slow: Slow) -> None:
    browsing = signed_in(served, "viewer")
    assert browsing.http.get("/gone").status_code == 202
    slow.go.set()
    answer = eventually(lambda: (found := browsing.http.get("/gone")).status_code != 202 and found)
    assert (answer.status_code, "It is gone" in answer.text) == (404, True)


def test_what_takes_longer_than_an_answer_may_is_gone_on_with(served: Served, slow: Slow) -> None:
    browsing = signed_in(served, "viewer")
    assert browsing.http.get("/late").status_code == 202
    slow.go.set()
    assert "Done for a viewer" in eventually(
        lambda: (got := browsing.http.get("/late")).status_code == 200 and got.text
    )
    assert slow.times == 3


def test_each_session_waits_for_its_own(served: Served, slow: Slow) -> None:
    first, second = signed_in(served, "viewer"), signed_in(served, "admin")
    assert first.http.get("/slow").status_code == 202
    assert second.http.get("/slow").status_code == 202
    slow.go.set()
    assert "Done for a viewer" in eventually(lambda: (got := first.http.get("/slow")).status_code == 200 and got.text)
    assert "Done for a admin" in eventually(lambda: (got := second.http.get("/slow")).status_code == 200 and got.text)


def test_who_is_signed_out_meanwhile_gets_nothing(served: Served, slow: Slow) -> None:
    project = served.home.project()
    made = keys.create(project.db, project.id, "short", "viewer", now=datetime.now(UTC))
    browsing = Browsing(served.base).signed_in(made.key)
    assert browsing.http.get("/slow").status_code == 202
    keys.revoke(project.db, project.id, made.id, now=datetime.now(UTC))
    slow.go.set()
    answer = browsing.http.get("/slow")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fslow")


@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, {"HX-Request": "true"}])
def test_programs_and_parts_of_pages_are_held_up(served: Served, slow: Slow, headers: dict[str, str]) -> None:
    browsing = signed_in(served, "viewer")
    threading.Timer(2.0, slow.go.set).start()
    assert browsing.http.get("/slow", headers=headers).status_code == 200


def test_a_browser_shows_it_by_itself(chromium: Browser, served: Served, slow: Slow) -> None:
    with window(chromium, served) as page:
        page.goto("/slow")
        page.get_by_text("Being computed").wait_for()
        slow.go.set()
        page.get_by_role("heading", name="Done for a admin").wait_for()
        assert page.title() == "Slow · leadline"
        assert page.url.endswith("/slow")
