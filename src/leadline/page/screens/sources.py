"""The screen Sources: which tools are read and what became of it, a form for more, and what can be done with each: try it, have it
run, remove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Path, Query
from pydantic import BeforeValidator
from starlette.responses import RedirectResponse, Response

from leadline.administration import sources
from leadline.administration.remote_sources import add_remotely, shares_its_server
from leadline.administration.sources import ConnectionShown, SourceShown
from leadline.api.admin.sources import source_number
from leadline.api.auth import ADMIN
from leadline.db.projects import DEFAULT
from leadline.errors import Conflict, InvalidRequest, LeadlineError
from leadline.page.forms import Form, typed
from leadline.page.parameters import Parameter, understood
from leadline.page.screen import Screen, new_router
from leadline.page.source_form import SourceForm, interval_words
from leadline.page.visit import Admin, Visit
from leadline.page.words import moment, number
from leadline.sources.kit.kinds import KINDS

router = new_router()

SourceId = Annotated[int, Path(), BeforeValidator(source_number)]
STATE_WORDS = {
    "never run": ("not run yet", ""),
    "running": ("running", "info"),
    "done": ("done", "good"),
    "incomplete": ("incomplete", "warn"),
    "interrupted": ("interrupted", "warn"),
    "failed": ("failed", "bad"),
}
"""Each state in a word, and the kind of its badge."""
_GUIDES = {"git": "data", **dict.fromkeys(("copilot", "cursor", "claude-code"), "ai-usage")}
"""Pages of the documentation of kinds that are not called after them."""


@dataclass(frozen=True)
class Shown:
    """A source as it is shown."""

    source: SourceShown
    now: datetime

    @property
    def address(self) -> str:
        """Its page."""
        return f"/sources/{self.source.id}"

    @property
    def state(self) -> tuple[str, str]:
        """Its state in a word, and the kind of badge."""
        waits = self.source.requested_at is not None and self.source.state != "running"
        return ("waits to be run", "info") if waits else STATE_WORDS.get(self.source.state, (self.source.state, ""))

    @property
    def moving(self) -> bool:
        """Whether it will soon be another."""
        return self.source.requested_at is not None or self.source.state == "running"

    @property
    def next_run(self) -> str:
        """When it is to run."""
        when = self.source.next_run_at
        if when is None:
            return "when asked" if self.source.configured else "read once"
        return "now" if when <= self.now else moment(when)

    @property
    def rows(self) -> int:
        """Rows that the last run brought."""
        return sum(self.source.rows.values())

    @property
    def left_out(self) -> list[tuple[str, str, str]]:
        """What could not be read or was left out, what became of it, and why."""
        failed = [(one["what"], "not read", one["why"]) for one in self.source.failed]
        others = [one for one in self.source.skipped if one not in self.source.failed]
        return failed + [(one["what"], "left out", one["why"]) for one in others]

    @property
    def every(self) -> str:
        """How often it is run, in words."""
        return interval_words(self.source.every)

    @property
    def kind(self) -> str:
        """Its kind in words."""
        return KINDS[self.source.kind].title if self.source.kind in KINDS else self.source.kind

    @property
    def guide(self) -> str:
        """The page of the documentation about its kind."""
        return f"/docs/guide/{_GUIDES.get(self.source.kind, self.source.kind)}" if self.source.kind in KINDS else ""


def webhook_address(visit: Visit, source: SourceShown) -> str:
    """Where the tool of a source may send webhooks to; nothing where it sends none."""
    if source.webhook_secret is None:
        return ""
    named = {"organization": visit.project.organization, "project": visit.project.name}
    query = "" if set(named.values()) == {DEFAULT} else f"?{urlencode(named)}"
    return f"{visit.request.base_url}v1/webhooks/{quote(source.name, safe=':/')}{query}"


@dataclass(frozen=True)
class Tried:
    """A try of a connection as it is shown."""

    connection: ConnectionShown

    @property
    def words(self) -> str:
        """What it sees."""
        one = self.connection
        of = f" of {one.owner}" if one.owner else ""
        return f"{one.server} answers: {number(len(one.seen))} {one.noun}{of} can be read."


@router.get("/sources")
def list_sources(visit: Admin) -> Response:
    """All of them."""
    shown = [Shown(source, visit.now) for source in sources.listed(visit.project, visit.now)]
    return visit.html("sources.html", title="Sources", shown=shown, moving=any(one.moving for one in shown))


@router.get("/sources/new")
def new_source(visit: Admin, kind: Annotated[str, Query()] = "") -> Response:
    """The form of a kind."""
    return _form(visit, kind, dict(visit.request.query_params))


@router.post("/sources/new")
def add_source(visit: Admin, form: Form) -> Response:
    """Add what the form says, or show it again with what is wrong."""
    fields = dict(typed(form))
    asked = _filled(visit, fields.get("kind", ""), fields)
    try:
        added = add_remotely(visit.project, asked.asked, visit.now)
    except (InvalidRequest, Conflict) as error:
        return _form(visit, asked.kind.name, fields, error)
    names = {settings.name for settings in added}
    ids = [source.id for source in sources.listed(visit.project, visit.now) if source.name in names]
    return RedirectResponse(f"/sources/{ids[0]}" if len(ids) == 1 else "/sources", 303)


KIND = Parameter("kind", tuple(KINDS))


def _filled(visit: Visit, kind: str, fields: Mapping[str, str], error: LeadlineError | None = None) -> SourceForm:
    known = KINDS.get(kind.strip().lower()) or KINDS["github"]
    shared = shares_its_server(visit.project)
    return SourceForm(known, fields, visit.project.folder, shared, error)


def _form(visit: Visit, kind: str, fields: Mapping[str, str], error: LeadlineError | None = None) -> Response:
    status = 200 if error is None else error.http_status
    context: dict[str, Any] = {"form": _filled(visit, kind, fields, error), "kinds": KINDS}
    context["problems"] = understood(fields, [KIND])[1]
    return visit.html("source_form.html", status=status, title="New source", **context)


@router.get("/sources/{source_id}")
def one_source(visit: Admin, source_id: SourceId) -> Response:
    """One source as it is now."""
    return _one(visit, source_id)


@router.post("/sources/{source_id}")
def act(visit: Admin, source_id: SourceId, form: Form) -> Response:
    """Do with a source what the button says."""
    match form.get("do"):
        case "run":
            sources.ask_to_run(visit.project, source_id, visit.now)
        case "test":
            return _one(visit, source_id, sources.try_connection(visit.project, source_id))
        case "remove":
            sources.remove(visit.project, source_id)
            return RedirectResponse("/sources", 303)
        case _:
            raise InvalidRequest("The form does not say what to do; it must be run, test or remove")
    return RedirectResponse(f"/sources/{source_id}", 303)


def _one(visit: Visit, source_id: int, connection: ConnectionShown | None = None) -> Response:
    shown = Shown(sources.one(visit.project, source_id, visit.now), visit.now)
    tried = None if connection is None else Tried(connection)
    webhooks = webhook_address(visit, shown.source)
    return visit.html("source.html", title=shown.source.name, shown=shown, tried=tried, webhooks=webhooks)


SCREEN = Screen("/sources", "Sources", "Administration", "sources", router, ADMIN)
