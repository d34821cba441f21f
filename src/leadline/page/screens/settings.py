"""The screen Settings: every setting with its meaning, what is in force and who set it; the form of one, which says at once what is
wrong with a text and what it would catch; and what the server itself was started with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from leadline.administration import settings
from leadline.administration.server import variables
from leadline.api.auth import ADMIN
from leadline.errors import InvalidRequest, LeadlineError, NotFound, StoreError
from leadline.field_types import printable
from leadline.home import Project
from leadline.page.forms import Form
from leadline.page.offers import MOST_TEAMS
from leadline.page.screen import Screen, new_router
from leadline.page.setting_form import SettingForm, places
from leadline.page.shown_settings import Level, grouped, levels, trees_of_today, whose
from leadline.page.visit import Admin, Visit
from leadline.people.team_settings import spellings
from leadline.settings.categories import CATEGORIES, OF_CATEGORY, OF_TEAM
from leadline.settings.profile import SCOPES, canonical

router = new_router()

CHECK, SAVE, RESET = "check", "save", "reset"


@dataclass(frozen=True)
class Scoped:
    """What may be set for one team, service or repository (``scope``): the rules, and the names to choose from; if there are none,
    one is typed."""

    scope: str
    rules: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()


@router.get("/settings")
def all_settings(
    visit: Admin,
    of: Annotated[str, Query()] = "",
    q: Annotated[str, Query()] = "",
    changed: Annotated[str, Query()] = "",
) -> Response:
    """The list, or what of it has the words of ``q``; ``changed`` is what was just changed."""
    level = Level(of or None)
    groups = grouped(visit.project, level, q.lower().split())
    context: dict[str, Any] = {
        "level": level,
        "levels": levels(visit.project),
        "groups": groups,
        "q": q,
        "changed": settings.one(visit.project, changed, level.tree) if _is_setting(changed) else None,
        "scopes": _scopes(visit.project, level),
    }
    return visit.html("settings.html", title="Settings", **context)


def _is_setting(key: str) -> bool:
    try:
        return bool(canonical(key))
    except InvalidRequest:
        return False


def _scopes(project: Project, level: Level) -> list[Scoped]:
    trees = [tree for tree in trees_of_today(project) if level.tree in (None, tree.name)]
    teams = tuple((spellings(node)[0], node.path) for tree in trees for node in tree.nodes)
    offered = {"team": teams if len(teams) <= MOST_TEAMS else (), OF_CATEGORY: _categories(project, level)}
    scopes = {scope: rules for scope, rules in SCOPES.items() if scope != OF_TEAM}  # that one is named by its whole key
    return [Scoped(scope, tuple(rules), offered.get(scope, ())) for scope, rules in scopes.items()]


def _categories(project: Project, level: Level) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((name, name) for name in project.profile(level.tree)[CATEGORIES])
    except StoreError:  # as trees of today
        return ()


@router.get("/settings/one")
def one_setting(
    visit: Admin,
    of: Annotated[str, Query()] = "",
    key: Annotated[str, Query()] = "",
    scope: Annotated[str, Query()] = "",
    name: Annotated[str, Query()] = "",
    rule: Annotated[str, Query()] = "",
) -> Response:
    """The form of one setting, named by its key or by the parts of it."""
    named = key or f"{scope}.{name.strip()}.{rule}"
    if not _is_setting(named):
        raise NotFound(f"There is no setting {printable(named)[:80]!r}; the list of settings has them all")
    return _page(visit, SettingForm.of(visit.project, named, Level(of or None)))


@router.post("/settings/one")
def change(visit: Admin, form: Form) -> Response:
    """Save or take away what is set, or only look at what was typed; what is refused stays in its field."""
    sent, wanted = SettingForm.sent(form), form.get("do", SAVE)
    if wanted == CHECK:
        return _page(visit, sent)
    try:
        if wanted == RESET:
            sent.reset(visit.project)
        else:
            sent.save(visit.project)
    except LeadlineError as error:
        return _page(visit, sent.seen(visit.project), error)
    return RedirectResponse(sent.level.address(changed=sent.key) + "#changed", 303)


def _page(visit: Visit, form: SettingForm, error: LeadlineError | None = None) -> Response:
    fault = form.check(visit.project) if error is None else error
    context: dict[str, Any] = {
        "form": form,
        "fault": fault,
        "caught": form.caught(visit.project),
        "places": places(visit.project, form.key),
        "whose": whose(visit.project, form.key),
    }
    return visit.html("setting.html", status=200 if error is None else error.http_status, title=form.key, **context)


@router.get("/settings/server")
def server(visit: Admin) -> Response:
    """What the server was started with."""
    return visit.html("server.html", title="Server", variables=variables(visit.state.home.settings))


SCREEN = Screen("/settings", "Settings", "Administration", "settings", router, ADMIN)
