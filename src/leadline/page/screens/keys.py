"""The screen Keys: the keys of a project, what each may see, when it was last used; a form for a new one, whose text is shown once;
and who is signed in to the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from leadline.administration import keys
from leadline.administration.keys import KeyShown
from leadline.api.auth import ADMIN
from leadline.db import sessions
from leadline.errors import InvalidRequest, LeadlineError, NotFound
from leadline.page.forms import Form
from leadline.page.screen import Screen, new_router
from leadline.page.shown_keys import ROLES, STATES, KeyForm, LimitsForm, sees
from leadline.page.visit import Admin, Visit

router = new_router()


MOST = 200
"""Keys and sessions that are shown at once."""


@router.get("/keys")
def all_keys(visit: Admin, q: Annotated[str, Query()] = "") -> Response:
    """The list, or what of it has the words of ``q`` in its name, and who is signed in."""
    words, every = q.lower().split(), keys.listed(visit.project, visit.now)
    named = [key for key in every if all(word in f"{key.name} {key.id} {key.role}".lower() for word in words)]
    shown = sorted(named, key=lambda key: key.state != "active")[:MOST]
    signed_in = sessions.listed(visit.db, visit.project.id, visit.now)
    context: dict[str, Any] = {
        "keys": shown,
        "total": len(named),
        "q": q,
        "searched": bool(q) or len(every) > 10,
        "sees": sees(visit.project, shown),
        "states": STATES,
        "sessions": signed_in[:MOST],
        "signed_in": len(signed_in),
    }
    return visit.html("keys.html", title="Keys", **context)


@router.get("/keys/new")
def new_key(visit: Admin) -> Response:
    """The form of a new key."""
    return _form(visit, KeyForm(LimitsForm.of(visit.project)))


@router.post("/keys/new")
def make_key(visit: Admin, form: Form) -> Response:
    """Make it and show its text, this once; or show the form again with what is wrong."""
    wanted = KeyForm.sent(visit.project, form)
    try:
        made = keys.create(
            *(visit.project, wanted.name, wanted.role),
            now=visit.now,
            expires_days=wanted.expires_days,
            **wanted.limits.limits,
        )
    except InvalidRequest as error:
        return _form(visit, replace(wanted, error=error))
    return visit.html("key_made.html", title="A new key", made=made)


def _form(visit: Visit, form: KeyForm) -> Response:
    status = 200 if form.error is None else form.error.http_status
    return visit.html("key_form.html", status=status, title="New key", form=form, roles=ROLES)


@router.get("/keys/{key_id}")
def one_key(visit: Admin, key_id: str) -> Response:
    """One key, with what it may see."""
    key = _key(visit, key_id)
    return _page(visit, key, LimitsForm.of(visit.project, key.teams, developers=key.developers))


@router.post("/keys/{key_id}/limits")
def limit_key(visit: Admin, key_id: str, form: Form) -> Response:
    """Limit it as the form says."""
    key, wanted = _key(visit, key_id), LimitsForm.sent(visit.project, form)
    try:
        keys.limit(visit.project, key.id, now=visit.now, **wanted.limits)
    except InvalidRequest as error:
        return _page(visit, key, wanted, error)
    return RedirectResponse("/keys", 303)


@router.post("/keys/{key_id}/revoke")
def revoke_key(visit: Admin, key_id: str) -> Response:
    """Revoke it for good."""
    keys.revoke(visit.project, _key(visit, key_id).id, now=visit.now)
    return RedirectResponse("/keys", 303)


@router.post("/keys/sessions/end")
def end_sessions(visit: Admin, form: Form) -> Response:
    """End the session that the form names, or all but one's own."""
    if session := str(form.get("session", "")):
        sessions.end_of_project(visit.db, visit.project.id, only=session)
    else:
        sessions.end_of_project(visit.db, visit.project.id, but=visit.session.hash)
    return RedirectResponse("/keys", 303)


def _key(visit: Visit, key_id: str) -> KeyShown:
    for key in keys.listed(visit.project, visit.now):
        if key.id == key_id:
            return key
    raise NotFound(f"There is no key {key_id[:80]!r} in this project")


def _page(visit: Visit, key: KeyShown, form: LimitsForm, error: LeadlineError | None = None) -> Response:
    context = {"key": key, "form": form, "error": error, "sees": sees(visit.project, [key])[key.id], "states": STATES}
    return visit.html("key.html", status=200 if error is None else error.http_status, title=key.name, **context)


SCREEN = Screen("/keys", "Keys", "Administration", "key", router, ADMIN)
