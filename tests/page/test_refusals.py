"""What is refused is told on a page, and what nobody foresaw shows nothing of the inside; every answer carries the headers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.serving import Served, serving
from leadline.api.app import routed
from leadline.db.outage import DatabaseAway
from leadline.errors import Detail, Forbidden, InvalidRequest, LeadlineError, NotFound, StoreError
from leadline.home import Home
from leadline.page import install as page_install
from leadline.page.headers import HEADERS
from leadline.page.install import install
from leadline.page.screen import new_router
from leadline.page.visit import Reader

from .browsing import Browsing

RAISED: dict[str, Exception] = {
    "forbidden": Forbidden("Not for you"),
    "missing": NotFound("No <b>such</b> thing"),
    "wrong": InvalidRequest("It is wrong", details=[Detail("from", "a day"), Detail("to", "a day")]),
    "store": StoreError("The lake is damaged"),
    "away": DatabaseAway("The database is away"),
    "bug": ZeroDivisionError("secret of the inside"),
}
STATUS = {"forbidden": 403, "missing": 404, "wrong": 400, "store": 503, "away": 503, "bug": 500}

router = new_router()


@router.get("/raise/{what}")
def raise_it(visit: Reader, what: str) -> Response:
    assert visit
    raise RAISED[what]


def with_trouble(app: FastAPI) -> None:
    install(app)
    app.router.routes.extend(router.routes)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(tmp_path_factory.mktemp("troubled") / "home")
    with home, serving(home, workers=0, faces=[with_trouble]) as running:
        yield running


@pytest.mark.parametrize("what", RAISED)
def test_a_refusal_is_a_page_that_says_why(troubled: Served, what: str) -> None:
    browsing = Browsing(troubled.base).signed_in(troubled.keys["viewer"])
    answer = browsing.get(f"/raise/{what}")
    assert answer.status_code == STATUS[what]
    assert answer.headers["content-type"].startswith("text/html")
    assert "a viewer" in answer.text  # who is signed in still sees where else to go
    assert ("retry-after" in answer.headers) == (STATUS[what] == 503)
    error = RAISED[what]
    if isinstance(error, LeadlineError):
        assert error.message.replace("<b>", "&lt;b&gt;").replace("</b>", "&lt;/b&gt;") in answer.text
        assert all(f"<strong>{detail.field}</strong>" in answer.text for detail in error.details)
    else:
        assert "secret" not in answer.text
        assert "server&#39;s log has it as" in answer.text


def paths() -> list[str]:
    """Every address that there is, of the API and the page."""
    app = routed()
    pages = [page_install.router, *(screen.router for screen in page_install.SCREENS)]
    routes = [*app.router.routes, *(route for router in pages for route in router.routes)]
    return sorted({route.path for route in routes if isinstance(route, APIRoute)})


@pytest.mark.parametrize("path", paths())
def test_every_address_answers_with_the_headers(troubled: Served, path: str) -> None:
    browsing = Browsing(troubled.base)
    for method in ("GET", "POST"):
        answer = browsing.http.request(method, path.replace("{", "").replace("}", "").replace(":path", ""))
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.status_code < 500
