"""Every refusal has one shape: ``{"status": "failed", "error", "code", "message", "details"}``. ``LeadlineError`` already knows
its body and status; what the framework raises by itself (unknown path, wrong method, a query parameter that is none) is put into
the same shape, and a bug becomes a 500 that names the log entry but shows nothing of the inside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadline.api.answers import Json
from leadline.api.monitoring import NotReady
from leadline.api.negotiation import RangeNotSatisfiable
from leadline.api.not_there import not_there
from leadline.api.query import invalid_parameters, refused_values
from leadline.api.rate_limit import TooManyRequests
from leadline.db.outage import DATABASE_AWAY, DatabaseAway, lost
from leadline.errors import LeadlineError, StoreError, Unauthenticated, first_line

RETRY_SECONDS = 5
"""When a client may come again to a server that cannot do its work now."""

log = structlog.get_logger("leadline.api")


def error_response(error: LeadlineError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that ``error`` asks for; a 401 says which scheme would do (RFC 9110, 11.6.1), a 416
    how long the file is (15.5.17), a 429 and a 503 when to come again (RFC 6585, 4; RFC 9110, 10.2.3)."""
    extra = {}
    if isinstance(error, Unauthenticated):
        extra["WWW-Authenticate"] = "ApiKey"
    if isinstance(error, RangeNotSatisfiable):
        extra["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, TooManyRequests):
        extra["Retry-After"] = str(error.retry_after)
    if error.http_status == 503:
        extra["Retry-After"] = str(RETRY_SECONDS)
    return Json(error.body(), error.http_status, {**extra, **(headers or {})})


def database_away(error: Exception) -> LeadlineError:
    """The refusal while the database cannot be asked. That it is away is told by itself, once; what else it has against a query is
    for the log."""
    if not lost(error):
        log.error("the metadata database failed", error=first_line(error))
    return DatabaseAway("The metadata database cannot be reached now; try again in a few seconds")


def install(app: FastAPI) -> None:
    """Make every exception raised inside ``app`` an answer of the one shape."""
    app.add_exception_handler(LeadlineError, _refusal)
    app.add_exception_handler(HTTPException, _framework_refusal)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)


async def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LeadlineError)  # noqa: S101 -- registered for this class alone
    if error.http_status >= 500 and not isinstance(error, NotReady):
        log.error("request failed", error=error.message, code=error.code)
    return error_response(error)


_FRAMEWORK = {
    405: ("method_not_allowed", "This address does not take {method}; it takes {allow}"),
}


async def _framework_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for this class alone
    if error.status_code == 404:
        return error_response(not_there(request.scope["path"]))
    code, sentence = _FRAMEWORK.get(error.status_code, ("failed", str(error.detail)))
    headers = {}
    if error.status_code == 405:
        headers["Allow"] = allow = ", ".join(allowed_methods(request))
        sentence = sentence.format(method=request.method[:20], allow=allow)
    refusal = LeadlineError(sentence, code=code)
    refusal.http_status = error.status_code
    return error_response(refusal, headers)


async def _invalid_parameters(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for this class alone
    return error_response(invalid_parameters(refused_values(error.errors())))


def allowed_methods(request: Request) -> list[str]:
    """Every method that some route takes at this path; the framework itself names only the first route's."""
    methods: set[str] = set()
    for route in request.app.router.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= set(getattr(route, "methods", None) or ())
    return sorted(methods)


class CatchBugs:
    """Outermost middleware: an exception nobody expected is logged with an id, and the client gets a 500 naming it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            scope["state"]["client_gone"] = True
        except asyncio.CancelledError:  # the server was told to stop, and this took longer than it waits
            if not started:
                ending = StoreError("The server is about to stop; ask again in a moment")
                await error_response(ending)(scope, receive, send)
        except DATABASE_AWAY as error:
            if started:
                raise
            await error_response(database_away(error))(scope, receive, send)
        except Exception:
            bug = uuid.uuid4().hex[:12]
            log.exception("unexpected error", error_id=bug)
            if started:  # half an answer is out: only cutting the connection tells the client
                raise
            refusal = LeadlineError(f"Something went wrong inside; the server's log has it as {bug}", code="internal")
            refusal.http_status = 500
            await error_response(refusal)(scope, receive, send)
