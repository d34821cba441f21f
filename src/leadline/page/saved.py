"""Views under a name: saving one, pinning it to the first screen, forgetting it, and which there are. A view is seen by whoever
sees the team that it is of and whom it names; it is opened with what they may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from leadline.access import UNLIMITED
from leadline.api.auth import ADMIN
from leadline.db import saved_views
from leadline.db.saved_views import SavedView
from leadline.errors import Conflict, InvalidRequest, NotFound
from leadline.field_types import storable
from leadline.page.forms import Form
from leadline.page.one_fact import said_as
from leadline.page.screen import PageRoute, new_router
from leadline.page.sign_in import local
from leadline.page.view import team_of
from leadline.page.visit import Admin, LimitedReader, Visit

router = new_router(PageRoute)

OF_PEOPLE = ("developer", said_as("developer"))
"""What addresses name people by."""
MOST_NAME = 80
MOST_ADDRESS = 4000


@dataclass(frozen=True)
class Saved:
    """A view as ``visit`` sees it."""

    stored: SavedView
    visit: Visit

    @property
    def name(self) -> str:
        """What it is called."""
        return self.stored.name

    @property
    def by(self) -> str:
        """Who saved it; nobody's name where that is not for whoever looks."""
        if self.stored.created_by == self.visit.session.subject:
            return "you"
        return self.stored.creator if self.visit.access.keys_of_others else ""

    @property
    def may_delete(self) -> bool:
        """Whether it may be forgotten: by who saved it, and by admins."""
        return self.stored.created_by == self.visit.session.subject or self.visit.may(ADMIN)


def saved_of(visit: Visit) -> Sequence[Saved]:
    """The views that ``visit`` sees, by name: of a team that they see, and of nobody whom they do not."""
    stored = saved_views.listed(visit.db, visit.project.id, visit.trees.teams)
    return [Saved(view, visit) for view in stored if _sees_people_of(visit, view)]


def _sees_people_of(visit: Visit, view: SavedView) -> bool:
    said = dict(parse_qsl(urlsplit(view.address).query))
    people = {said[name].lower() for name in OF_PEOPLE if name in said}
    if not people or visit.access == UNLIMITED:
        return True
    trees = [visit.trees.tree(known.name) for known in visit.trees.listed()]
    shown = {developer.order for tree in trees if tree is not None for developer in tree.developers.values()}
    return visit.access.developers and people <= shown


def pinned_of(visit: Visit) -> Sequence[Saved]:
    """Those that stand on the first screen."""
    return [saved for saved in saved_of(visit) if saved.stored.pinned]


@router.post("/views")
async def save(visit: LimitedReader, form: Form) -> Response:
    """Save the view at the ``address`` of the form under its ``name``; or show the form again with what is wrong."""
    address = _address(visit, form)
    try:
        await run_in_threadpool(_save, visit, _name(form), address)
    except (InvalidRequest, Conflict) as error:
        context = {"name": str(form.get("name", "")), "address": address, "error": error}
        return visit.html("save_view.html", status=error.http_status, title="Save this view", **context)
    return RedirectResponse(address, 303)


def _save(visit: Visit, name: str, address: str) -> None:
    team = team_of(visit, dict(parse_qsl(urlsplit(address).query)))
    if team is None:
        raise InvalidRequest("There is no org tree, and so there is nothing to save")
    who = (visit.session.subject, visit.key.name)
    saved_views.save(visit.db, visit.project.id, name=name, address=address, team=team.ref_id, who=who, now=visit.now)


def _name(form: FormData) -> str:
    name = " ".join(str(form.get("name", "")).split())
    if not name or len(name) > MOST_NAME or not storable(name):
        raise InvalidRequest(f"A saved view needs a name of at most {MOST_NAME} characters")
    return name


def _address(visit: Visit, form: FormData) -> str:
    """The address to save, if it is that of a screen. Raises ``InvalidRequest``."""
    address = local(str(form.get("address", "")))
    paths = [screen.path for screen in visit.request.app.state.screens]
    if urlsplit(address).path not in paths or len(address) > MOST_ADDRESS:
        raise InvalidRequest("Only views of screens can be saved, whose addresses are not longer than usual")
    return address


@router.post("/views/{view_id}/pin")
async def pin(visit: Admin, view_id: str, form: Form) -> Response:
    """Have it stand on the first screen, or (``pinned`` is `no`) no longer."""
    stored = await run_in_threadpool(saved_views.find, visit.db, visit.project.id, view_id)
    pinned = form.get("pinned") != "no"
    await run_in_threadpool(lambda: saved_views.pin(visit.db, stored, pinned=pinned))
    return RedirectResponse(local(str(form.get("back", ""))), 303)


@router.post("/views/{view_id}/delete")
async def delete(visit: LimitedReader, view_id: str, form: Form) -> Response:
    """Forget it."""
    listed = await run_in_threadpool(saved_of, visit)
    saved = next((saved for saved in listed if saved.stored.id == view_id and saved.may_delete), None)
    if saved is None:
        raise NotFound("There is no such saved view, or it is somebody else's")
    await run_in_threadpool(saved_views.delete, visit.db, saved.stored)
    return RedirectResponse(local(str(form.get("back", ""))), 303)
