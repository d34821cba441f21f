"""Who looks at a page: the dependencies by which a route says whom it is for. A route that takes a ``Reader`` or ``Admin``
sends everybody who is not signed in to do so, and back afterwards. A post is refused unless a form of the session sent it,
so no route can forget to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse

from leadline.access import UNLIMITED
from leadline.api.app_state import AppState
from leadline.api.auth import ADMIN, READ, require_role
from leadline.api.caller import Caller
from leadline.api.query import check_storable
from leadline.api.same_origin import from_here
from leadline.db import sessions
from leadline.db.sessions import Session
from leadline.errors import LeadlineError
from leadline.page import cookies, forms
from leadline.page.data_state import DataStates, weaknesses
from leadline.page.forgery import FIELD, form_token, is_token_of
from leadline.page.navigation import navigation
from leadline.page.refusals import Forged, SignInNeeded, Unconfirmed
from leadline.page.render import render


@dataclass(frozen=True)
class Visit(Caller):
    """A request of somebody who is signed in. Everything that takes a ``Caller`` takes it."""

    request: Request
    session: Session
    token: str

    def may(self, roles: frozenset[str]) -> bool:
        """Whether what is for ``roles`` is for whoever looks."""
        return self.key.role in roles

    def html(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """The page that ``template`` makes of ``context``, and of what every page has."""
        request = self.request
        # What a view did not understand of its address is not said to other screens, either.
        said = getattr(context.get("view"), "query", request.query_params)
        frame = {
            "visit": self,
            "navigation": navigation(request.app.state.screens, request.url.path, said, self.key),
            "form_token": form_token(self.token),
            "weak": self._weaknesses(),
        }
        return render(request, template, status, {**frame, **context})

    def _weaknesses(self) -> list[str]:
        """What the numbers suffer from, as far as it is known by now. It is of the whole project."""
        if self.access != UNLIMITED:
            return []
        states: DataStates = self.request.app.state.data_states
        try:
            state = states.known(self.project)
        except LeadlineError:  # the page that needs the data says so
            return []
        return [] if state is None else weaknesses(state)


@dataclass(frozen=True, eq=False)
class SignedInAs:
    """A dependency: the visit, if somebody is signed in whose role is one of ``roles`` and who may see the whole project.
    ``keeps_to_access``: the route itself shows no more than ``Visit.access`` does, so that limited people may come."""

    roles: frozenset[str]
    keeps_to_access: bool = False

    async def __call__(self, request: Request) -> Visit:
        """The visit of ``request``. Raises ``SignInNeeded``, ``TooManyRequests``, ``Forbidden``, ``Forged`` or ``Unconfirmed``."""
        check_storable(request.query_params)
        visit = await run_in_threadpool(visit_of, request)
        if visit is None:
            raise SignInNeeded
        request.state.key_id = visit.key.id
        visit.state.limit.take(visit.session.hash)
        require_role(visit.key, self.roles)
        if not self.keeps_to_access:
            visit.access.check_unlimited()
        if request.method not in ("GET", "HEAD"):
            await _check_form(request, visit)
        return visit


def visit_of(request: Request) -> Visit | None:
    """The visit, whoever it is; None if nobody is signed in. What it found is kept for the page that may refuse it."""
    state: AppState = request.app.state.leadline
    token = request.cookies.get(cookies.name(request), "")
    session = sessions.find(state.home.db, token, state.now()) if token else None
    request.state.visit = (
        None if session is None else Visit(session.key, state, request.method, request, session, token)
    )
    visit: Visit | None = request.state.visit
    return visit


async def _check_form(request: Request, visit: Visit) -> None:
    if not from_here(request):
        raise Forged
    if not is_token_of(visit.token, str((await forms.read(request)).get(FIELD, ""))):
        raise Unconfirmed


Reader = Annotated[Visit, Depends(SignedInAs(READ))]
"""Whoever may read the whole project, with the names of people."""

LimitedReader = Annotated[Visit, Depends(SignedInAs(READ, keeps_to_access=True))]
"""Whoever may read, even if it is not everything: the route keeps to ``Visit.access``."""

Admin = Annotated[Visit, Depends(SignedInAs(ADMIN))]
"""Whoever may change things."""
