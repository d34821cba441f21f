"""Signing in and out: with a key that is pasted once, or by a link that works once."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadline.api.app_state import AppState
from leadline.api.auth import READ
from leadline.api.rate_limit import TooManyRequests
from leadline.api.same_origin import from_here
from leadline.db import keys, sessions
from leadline.errors import Forbidden, LeadlineError, Unauthenticated
from leadline.page import cookies, forms
from leadline.page.forgery import form_token
from leadline.page.refusals import SIGN_IN, Forged, headers_of
from leadline.page.render import render
from leadline.page.screen import PageRoute, new_router
from leadline.page.visit import LimitedReader, visit_of

router = new_router(PageRoute)


class WrongKeys:
    """How often an address gave a wrong key lately. Each server counts for itself; ``clock`` gives seconds that only grow."""

    most = 10
    within_seconds = 60.0
    _most_addresses = 4096

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: OrderedDict[str, deque[float]] = OrderedDict()
        self._guard = threading.Lock()

    def check(self, address: str) -> None:
        """Raise ``TooManyWrongKeys`` if ``address`` gave so many that it must wait."""
        with self._guard:
            times = self._at.get(address, deque())
            while times and times[0] <= self._clock() - self.within_seconds:
                times.popleft()
            if len(times) >= self.most:
                raise TooManyWrongKeys(math.ceil(times[0] + self.within_seconds - self._clock()))

    def note(self, address: str) -> None:
        """Count a wrong key of ``address``."""
        with self._guard:
            self._at.setdefault(address, deque(maxlen=self.most)).append(self._clock())
            self._at.move_to_end(address)
            while len(self._at) > self._most_addresses:
                self._at.popitem(last=False)


class TooManyWrongKeys(TooManyRequests):
    """An address gave too many wrong keys; ``retry_after`` is in how many whole seconds it may try again."""

    def __init__(self, retry_after: int) -> None:
        LeadlineError.__init__(self, f"Too many wrong keys from your address; try again in {retry_after} seconds")
        self.retry_after = retry_after


@router.get(SIGN_IN)
def sign_in_page(
    request: Request, back: Annotated[str, Query(alias="next")] = "/", once: Annotated[str, Query()] = ""
) -> Response:
    """The form for a key; with ``once``, the text of a link, signed in at once."""
    if once:
        return _by_link(request, once)
    if visit_of(request) is not None:
        return RedirectResponse(local(back), 303)
    return sign_in_form(request, 200, local(back))


@router.post(SIGN_IN)
def sign_in(request: Request, form: forms.Form) -> Response:
    """Sign in with the form's key. Who had typed something in a form when their session ended sees it again, to send it."""
    if not from_here(request):
        raise Forged
    back = local(str(form.get("next", "/")))
    typed, posted = forms.carried(form), bool(form.get(forms.POSTED))
    if form.get("already") and (visit := visit_of(request)) is not None:
        return _send_again(request, visit.token, back, typed) if posted else RedirectResponse(back, 303)
    try:
        who = _who(request, str(form.get("key", "")).strip())
    except (Unauthenticated, Forbidden, TooManyWrongKeys) as error:
        return sign_in_form(request, error.http_status, back, typed, error, posted=posted)
    token = begin(request, who)
    response = _send_again(request, token, back, typed) if posted else RedirectResponse(back, 303)
    cookies.keep(request, response, token)
    return response


@router.post("/sign-out")
def sign_out(visit: LimitedReader, form: forms.Form) -> Response:
    """End this session, or, with ``everywhere``, every one of whoever is signed in."""
    if form.get("everywhere"):
        sessions.end_all(visit.db, visit.session)
    else:
        sessions.end(visit.db, visit.session)
    response = RedirectResponse(SIGN_IN, 303)
    cookies.forget(visit.request, response)
    return response


def local(address: str) -> str:
    """``address`` if it is one of this server's pages, else the first page: nobody is sent elsewhere by a link to signing in."""
    # Browsers read a backslash as a slash, and leave out tabs and line breaks.
    plain = address.isprintable() and "\\" not in address and address.startswith("/") and not address.startswith("//")
    parts = urlsplit(address) if plain else None
    if parts is None or parts.scheme or parts.netloc or parts.path.startswith(SIGN_IN):
        return "/"
    return address


def sign_in_form(
    request: Request,
    status: int,
    back: str,
    typed: Sequence[tuple[str, str]] = (),
    error: LeadlineError | None = None,
    *,
    posted: bool = False,
) -> Response:
    """The form for a key, with what is wrong and with what was typed elsewhere, in a form that was ``posted``."""
    context = {"next": back, "posted": posted, "typed": typed, "had_file": False, "error": error}
    response = render(request, "sign_in.html", status, context)
    response.headers.update(headers_of(error))
    return response


def _who(request: Request, text: str) -> sessions.SignedIn:
    """Whose key ``text`` is. Raises ``Unauthenticated``, ``Forbidden`` for a key that may not read, ``TooManyWrongKeys``."""
    state = state_of(request)
    wrong: WrongKeys = request.app.state.wrong_keys
    address = request.client.host if request.client else ""
    wrong.check(address)
    key = keys.find(state.home.db, text, state.now())
    if key is None:
        wrong.note(address)
        raise Unauthenticated("This is no key that is in force: unknown, expired or revoked")
    if key.role not in READ:
        raise Forbidden("This key only writes data; sign in with one of the role viewer or admin")
    keys.touch(state.home.db, key.id, state.now())
    return sessions.of_key(key)


def _by_link(request: Request, text: str) -> Response:
    state = state_of(request)
    project_id = sessions.use_link(state.home.db, text, state.now())
    if project_id is None:
        error = Unauthenticated("This link was used or is too old: it signs in once, within ten minutes")
        return sign_in_form(request, 401, "/", error=error)
    response = RedirectResponse("/", 303)
    cookies.keep(request, response, begin(request, sessions.of_link(project_id)))
    return response


def begin(request: Request, who: sessions.SignedIn) -> str:
    """A new session, whatever the browser had before: nobody can have put its text there."""
    state = state_of(request)
    if (former := visit_of(request)) is not None:
        sessions.end(state.home.db, former.session)
    return sessions.create(state.home.db, who, state.now())


def _send_again(request: Request, token: str, action: str, typed: list[tuple[str, str]]) -> Response:
    context = {"action": action, "typed": typed, "had_file": False, "error": None, "form_token": form_token(token)}
    return render(request, "send_again.html", 200, context)


def state_of(request: Request) -> AppState:
    """What all requests share."""
    state: AppState = request.app.state.leadline
    return state
