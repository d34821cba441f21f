"""Signing in with the company's provider: the way there, and the way back."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadline.access import UNLIMITED
from leadline.db.sessions import SignedIn
from leadline.errors import Forbidden, InvalidRequest, NotFound, StoreError, Unauthenticated
from leadline.home import Project
from leadline.page import cookies
from leadline.page.provider import Attempt, Provider
from leadline.page.screen import PageRoute, new_router
from leadline.page.sign_in import begin, local, sign_in_form, state_of
from leadline.people.access import limited_to
from leadline.settings.sign_in_roles import RoleRule, first_fitting

router = new_router(PageRoute)

WAY_BACK = "/sign-in/provider/back"
_ATTEMPT = "provider"
_ATTEMPT_SECONDS = 600


@router.get("/sign-in/provider")
def leave(request: Request, back: Annotated[str, Query(alias="next")] = "/") -> Response:
    """To the provider."""
    attempt = Attempt.to(local(back))
    try:
        address = _provider(request).address(attempt, _redirect_uri(request))
    except StoreError as error:
        return sign_in_form(request, error.http_status, attempt.back, error=error)
    response = RedirectResponse(address, 303)
    text = base64.urlsafe_b64encode(json.dumps(asdict(attempt)).encode()).decode()
    cookies.keep(request, response, text, _ATTEMPT, seconds=_ATTEMPT_SECONDS)
    return response


@router.get(WAY_BACK)
def come_back(
    request: Request,
    code: Annotated[str, Query()] = "",
    state: Annotated[str, Query()] = "",
    error: Annotated[str, Query()] = "",
) -> Response:
    """From the provider: whoever it says came gets a session, if a rule gives them a role."""
    attempt = _attempt(request)
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        refused = Unauthenticated("This answer is of no sign-in that was begun in this browser; try again")
        return sign_in_form(request, 401, "/", error=refused)
    try:
        if error or not code:
            raise Unauthenticated(f"{_provider(request).name} let nobody in: {error[:80] or 'it gave no code'}")
        who = _who(request, _provider(request).claims(attempt, code, _redirect_uri(request)))
    except (Unauthenticated, Forbidden, StoreError) as problem:
        response = sign_in_form(request, problem.http_status, attempt.back, error=problem)
    else:
        response = RedirectResponse(local(attempt.back), 303)
        cookies.keep(request, response, begin(request, who))
    cookies.forget(request, response, _ATTEMPT)
    return response


def _who(request: Request, claims: dict[str, Any]) -> SignedIn:
    """Who has these claims. Raises ``Forbidden`` if no rule is for them, or theirs names a project or team that there is not."""
    home = state_of(request).home
    rule = first_fitting(home.settings.oidc_roles, claims)
    if rule is None:
        raise Forbidden(
            "Nothing that your company's sign-in says of you gives a role here; ask whoever runs this server"
        )
    try:
        project = home.project(*(rule.project or ()))
    except NotFound as error:
        raise Forbidden(f"LEADLINE_OIDC_ROLES names a project that there is not: {error.message}") from error
    name = next(
        (str(claims[claim]) for claim in ("name", "preferred_username", "email") if claims.get(claim)), claims["sub"]
    )
    return SignedIn(project.id, f"oidc:{claims['sub']}", name, rule.role, limits=_limits(project, rule))


def _limits(project: Project, rule: RoleRule) -> dict[str, Any] | None:
    if not rule.teams and rule.developers:
        return UNLIMITED.limits
    try:
        return limited_to(project, rule.teams, developers=rule.developers).limits
    except InvalidRequest as error:
        raise Forbidden(f"LEADLINE_OIDC_ROLES names a team that there is not: {error.message}") from error


def _attempt(request: Request) -> Attempt | None:
    try:
        said = json.loads(base64.urlsafe_b64decode(request.cookies.get(cookies.name(request, _ATTEMPT), "")))
        return Attempt(**{name: str(value) for name, value in said.items()})
    except (ValueError, TypeError, AttributeError):
        return None


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFound("No provider is set up to sign in with")
    return provider


def _redirect_uri(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}{WAY_BACK}"
