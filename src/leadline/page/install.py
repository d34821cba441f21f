"""Puts the page on the application of the API: its routes, its files, its refusals, and the headers of every answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadline.errors import NotFound
from leadline.exports.insights.kept import Kept
from leadline.page import charts, refusals, saved, sign_in, sign_in_provider, static_files, teams
from leadline.page.chart_figures import MOST_CARDS
from leadline.page.data_state import DataStates
from leadline.page.days_of_data import MOST_KEPT
from leadline.page.headers import SecurityHeaders
from leadline.page.provider import Provider
from leadline.page.screen import PageRoute, new_router
from leadline.page.screens import SCREENS
from leadline.page.visit import LimitedReader, Visit, visit_of
from leadline.page.waiting import WaitingRoom

router = new_router(PageRoute)


def install(app: FastAPI) -> None:
    """Add the page to ``app``."""
    app.state.screens = SCREENS
    app.state.wrong_keys = sign_in.WrongKeys()
    app.state.data_states = DataStates()
    app.state.chart_cards = Kept(MOST_CARDS)
    app.state.days_of_data = Kept(MOST_KEPT)
    app.state.waiting_room = WaitingRoom(visit_of, _waiting_page)
    settings = app.state.leadline.home.settings
    app.state.provider = Provider(settings) if settings.oidc_issuer else None
    for pages in (
        router,
        sign_in.router,
        sign_in_provider.router,
        teams.router,
        charts.router,
        saved.router,
        *(screen.router for screen in SCREENS),
    ):
        app.router.routes.extend(pages.routes)
    _answer_unknown_addresses(app)
    app.add_middleware(SecurityHeaders)


@router.get("/")
def first_screen(visit: LimitedReader) -> Response:
    """To the first screen, of whatever the address names."""
    query = visit.request.url.query
    first = next(screen for screen in SCREENS if screen.is_for(visit.key))
    return RedirectResponse(first.path + (f"?{query}" if query else ""), 303)


@router.get("/static/{digest}/{name:path}")
def static_file(request: Request, digest: str, name: Annotated[str, Path()]) -> Response:
    """A file that pages load."""
    return static_files.send(request, digest, name)


@router.get("/favicon.ico")
def icon() -> Response:
    """What browsers ask for by themselves."""
    return RedirectResponse(static_files.static_url("icon.svg"), 308)


def _waiting_page(request: Request, since: str) -> Response:
    visit: Visit = request.state.visit
    path, query = request.url.path, request.url.query
    title = next((screen.title for screen in SCREENS if screen.path == path), "A moment")
    address = path + (f"?{query}" if query else "")
    return visit.html("waiting.html", status=202, title=title, address=address, since=since)


def _answer_unknown_addresses(app: FastAPI) -> None:
    """With a page, where a page is asked for."""
    as_json = app.exception_handlers[HTTPException]

    async def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 -- registered for this class alone
        # Who looks where only forms are sent to finds no page there.
        is_there = error.status_code != 404 and (request.method, error.status_code) != ("GET", 405)
        if is_there or not _wants_page(request):
            return await as_json(request, error)  # type: ignore[no-any-return, misc]
        await run_in_threadpool(visit_of, request)
        return refusals.refusal_page(request, NotFound("There is no page at this address"))

    app.add_exception_handler(HTTPException, unknown)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v2/")
