"""Refusals as pages: what was wrong, where, what would do, and where to go from there. Who is not signed in is sent to do so and
comes back to where they were; what they had typed comes back with them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from leadline.api.errors import RETRY_SECONDS, database_away
from leadline.api.query import invalid_parameters, refused_values
from leadline.api.rate_limit import TooManyRequests
from leadline.api.report_pool import ReportTimeout
from leadline.api.same_origin import from_here
from leadline.db.outage import DATABASE_AWAY
from leadline.errors import Forbidden, LeadlineError, Unauthenticated
from leadline.page import forms
from leadline.page.render import render

SIGN_IN = "/sign-in"

log = structlog.get_logger("leadline.page")

_TITLES = {
    400: "That cannot be shown",
    403: "Not for this role",
    404: "Nothing here",
    409: "Not now",
    410: "That is gone",
    412: "Something comes first",
    413: "Too large",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Back in a moment",
}


class SignInNeeded(Unauthenticated):
    """Nobody is signed in."""

    def __init__(self) -> None:
        super().__init__("Sign in to see this page")


class Unconfirmed(Forbidden):
    """A form's token is not one of this session: the page that has it is of an earlier session, or of nobody."""

    def __init__(self) -> None:
        super().__init__("This form is from before you signed in. Look at what it says, then send it again")


class Forged(Forbidden):
    """Another site posted a form."""

    def __init__(self) -> None:
        super().__init__("This form was sent from another site, so nothing was done")


async def answered(handler: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """What ``handler`` answers, or the page of its refusal."""
    try:
        return await handler(request)
    except SignInNeeded:
        return await _to_sign_in(request)
    except Unconfirmed as error:
        return _confirm(request, error, await forms.read(request))
    except (HTTPException, ClientDisconnect):
        raise
    except Exception as error:
        request.state.late = isinstance(error, ReportTimeout)
        return refusal_page(request, _refusal_of(error))


def refusal_page(request: Request, error: LeadlineError) -> Response:
    """The page that says why ``request`` was refused."""
    title = _TITLES.get(error.http_status, "That did not work")
    response = _page(request, "refusal.html", error.http_status, title=title, error=error)
    response.headers.update(headers_of(error))
    return response


def headers_of(error: LeadlineError | None) -> dict[str, str]:
    """When to come again, of a refusal that says so."""
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": str(RETRY_SECONDS)} if error is not None and error.http_status == 503 else {}


def _page(request: Request, template: str, status: int, **context: Any) -> Response:
    """A page for whoever asks, signed in or not: the visit that was found is kept with the request."""
    visit = getattr(request.state, "visit", None)
    if visit is None:
        return render(request, template, status, context)
    page: Response = visit.html(template, status=status, **context)
    return page


def _refusal_of(error: Exception) -> LeadlineError:
    """What is told of ``error``; what nobody foresaw is in the log."""
    if isinstance(error, LeadlineError):
        return error
    if isinstance(error, RequestValidationError):
        return invalid_parameters(refused_values(error.errors()))
    if isinstance(error, DATABASE_AWAY):
        return database_away(error)
    number = uuid.uuid4().hex[:12]
    log.exception("unexpected error", error_id=number)
    refusal = LeadlineError(f"The server's log has it as {number}; whoever runs it can find out more", code="internal")
    refusal.http_status = 500
    return refusal


# -- signing in on the way -----------------------------------------------------------------------------------------------


async def _to_sign_in(request: Request) -> Response:
    if request.method == "POST":
        return await _sign_in_and_send(request) if from_here(request) else refusal_page(request, Forged())
    here = _address(str(request.url))
    if request.headers.get("hx-request"):
        here = _address(request.headers.get("hx-current-url", "/"))
        return Response(status_code=401, headers={"HX-Redirect": f"{SIGN_IN}?{urlencode({'next': here})}"})
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': here})}", 303, {"Cache-Control": "no-store"})


def _address(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


async def _sign_in_and_send(request: Request) -> Response:
    here: dict[str, Any] = {"next": _address(str(request.url)), "posted": False, "typed": [], "error": None}
    try:
        form = await forms.read(request, forms.MOST_TYPED)
    except forms.TooLarge:  # so large is only a file
        return render(request, "sign_in.html", 401, {**here, "had_file": True})
    kept = {"posted": True, "typed": forms.typed(form), "had_file": forms.has_file(form)}
    return render(request, "sign_in.html", 401, {**here, **kept})


def _confirm(request: Request, error: LeadlineError, form: FormData) -> Response:
    context = {"action": _address(str(request.url)), "typed": forms.typed(form), "had_file": forms.has_file(form)}
    return _page(request, "send_again.html", 403, **context, error=error)
