"""The screen Exports: what was asked for and what became of it, a form for more, and the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from leadline.api.exports.download import DownloadHeaders, respond
from leadline.api.exports.models import ListQuery
from leadline.api.query import refused_values
from leadline.db import keys
from leadline.db.jobs import COMPLETED, FAILED, PROCESSING, QUEUED, STATES, Export
from leadline.errors import Forbidden, InvalidRequest, LeadlineError, NotFound
from leadline.exports import service
from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.field_words import reword
from leadline.page.export_form import METRICS, ExportForm, body_of, fields_of
from leadline.page.forms import Form, typed
from leadline.page.parameters import Parameter, understood
from leadline.page.screen import PageRoute, Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

PER_PAGE = 25
KIND = Parameter("kind", tuple(KINDS))
_FILTERS = ("status", "scope", "teamId", "createdBy", "dateFrom", "dateTo", "page", "sortBy", "sortOrder")
STATE_WORDS = {
    "queued": ("waiting", ""),
    "processing": ("running", "info"),
    "completed": ("done", "good"),
    "failed": ("failed", "bad"),
    "cancelled": ("cancelled", ""),
}
"""Each state in a word, and the kind of its badge."""


@dataclass(frozen=True)
class Shown:
    """An export as it is shown, and the names of keys by their ids."""

    export: Export
    now: datetime
    names: Mapping[str, str]

    @property
    def kind(self) -> ExportKind:
        """Its kind."""
        return KINDS[self.export.kind]

    @property
    def address(self) -> str:
        """Its page."""
        return f"/exports/{self.export.kind}/{self.export.id}"

    @property
    def state(self) -> tuple[str, str]:
        """Its state in a word, and the kind of badge."""
        if self.export.expired(self.now):
            return "expired", ""
        return STATE_WORDS[self.export.state]

    @property
    def waiting(self) -> bool:
        """Whether it is still to be finished."""
        return self.export.state in (QUEUED, PROCESSING)

    @property
    def has_file(self) -> bool:
        """Whether there is a file to download."""
        return self.export.state == COMPLETED and not self.export.expired(self.now)

    @property
    def who(self) -> str:
        """Who asked for it."""
        return self.names.get(self.export.created_by, self.export.created_by)

    @property
    def error(self) -> str:
        """Why it failed."""
        error = self.export.error or {}
        return "" if self.export.state != FAILED else str(error.get("message") or error.get("error") or "It failed")

    @property
    def again(self) -> str:
        """The address of a form that asks for the same."""
        query = [("kind", self.export.kind), *fields_of(self.export.request, self.kind)]
        return f"/exports/new?{urlencode(query)}"


@router.get("/exports")
def exports(visit: LimitedReader) -> Response:
    """The history, by what the address filters."""
    said = {name: value.strip() for name, value in visit.request.query_params.items() if value.strip()}
    query, problems = understood(said, [KIND])
    filters, refused = _filter(query)
    query = {name: value for name, value in query.items() if name not in refused}
    page = service.listed(visit.project, query.get("kind"), filters.filter(visit.key.id), visit.access)
    names = _names(visit)
    context: dict[str, Any] = {
        "page": page,
        "shown": [Shown(export, visit.now, names) for export in page.exports],
        "query": {name: query[name] for name in ("kind", *_FILTERS) if name in query},
        "problems": [*problems, *refused.values()],
        "kinds": KINDS,
        "states": {state: STATE_WORDS[state][0] for state in STATES},
        "link": _link,
    }
    return visit.html("exports.html", title="Exports", **context)


def _filter(query: Mapping[str, str]) -> tuple[ListQuery, dict[str, str]]:
    """The filters that ``query`` says, and a sentence about each that it says wrongly, which is left out."""
    asked = {name: query[name] for name in _FILTERS if name in query}
    try:
        return _list_query(asked), {}
    except ValidationError as error:
        found = refused_values(error.errors())
        refused = {detail.field: f"{detail.field}: {detail.message}. It is left out" for detail in found}
    return _list_query({name: value for name, value in asked.items() if name not in refused}), refused


def _list_query(asked: Mapping[str, str]) -> ListQuery:
    return ListQuery.model_validate({"limit": str(PER_PAGE), **asked})


def _link(query: Mapping[str, Any], **changes: Any) -> str:
    said = {name: value for name, value in {**query, **changes}.items() if value not in (None, "")}
    return "/exports" + (f"?{urlencode(said)}" if said else "")


def _names(visit: Visit) -> dict[str, str]:
    """The names of keys; who may not know others' sees their own alone."""
    if not visit.access.keys_of_others:
        return {visit.key.id: visit.key.name}
    return {key.id: key.name for key in keys.listed(visit.project.db, visit.project.id)}


@router.get("/exports/new")
async def new_export(visit: LimitedReader, kind: Annotated[str, Query()] = "") -> Response:
    """The form; what the address says of its fields is filled in."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Exports")
    return _form(visit, view, _kind(kind), visit.request.query_params.multi_items())


@router.post("/exports/new")
async def ask(visit: LimitedReader, form: Form) -> Response:
    """Queue the export that the form says, or find the identical one; or show the form again with what is wrong."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Exports")
    fields = typed(form)
    asked = _filled(view, _kind(dict(fields).get("kind", "")), fields)
    try:
        created = await run_in_threadpool(_create, visit, asked)
    except (InvalidRequest, Forbidden) as error:
        return _form(visit, view, asked.kind, fields, reword(error, asked.words))
    return RedirectResponse(Shown(created, visit.now, {}).address, 303)


def _create(visit: Visit, asked: ExportForm) -> Export:
    body = body_of(asked, whole_trees=visit.access.teams is None)
    kind, fresh = asked.kind.name, asked.typed.get("fresh") == "yes"
    return service.create(
        *(visit.project, body), kind=kind, created_by=visit.key.id, now=visit.now, fresh=fresh, access=visit.access
    ).export


def _kind(name: str) -> ExportKind:
    return KINDS.get(name.strip().lower()) or next(iter(KINDS.values()))


def _filled(view: View, kind: ExportKind, fields: list[tuple[str, str]]) -> ExportForm:
    chosen = frozenset(value for name, value in fields if name == METRICS)
    return ExportForm(kind, view, {"team": str(view.team.ref_id), **dict(fields)}, chosen)


def _form(
    visit: Visit, view: View, kind: ExportKind, fields: list[tuple[str, str]], error: LeadlineError | None = None
) -> Response:
    status = 200 if error is None else error.http_status
    context: dict[str, Any] = {"form": _filled(view, kind, fields), "view": view, "error": error}
    context["problems"] = understood(dict(fields), [KIND])[1]
    context["kind_titles"] = {known.name: known.title for known in KINDS.values()}
    return visit.html("export_form.html", status=status, title="New export", **context)


@router.get("/exports/{kind}/{export_id}")
def one_export(visit: LimitedReader, kind: str, export_id: str) -> Response:
    """One export as it is now."""
    export = service.get(visit.project, export_id, kind=_known(kind).name, access=visit.access)
    shown = Shown(export, visit.now, _names(visit))
    return visit.html("export.html", title=f"{shown.kind.title} export", shown=shown)


@router.post("/exports/{kind}/{export_id}/cancel")
def cancel(visit: LimitedReader, kind: str, export_id: str) -> Response:
    """Cancel it, and show it."""
    export = service.cancel(visit.project, export_id, kind=_known(kind).name, now=visit.now, access=visit.access)
    return RedirectResponse(Shown(export, visit.now, {}).address, 303)


def download(visit: LimitedReader, kind: str, export_id: str) -> Response:
    """Its file, as the API sends it."""
    name = _known(kind).name
    stored = service.stored_file(visit.project, export_id, kind=name, now=visit.now, access=visit.access)
    headers = {
        name: visit.request.headers.get(name) for name in ("accept-encoding", "if-none-match", "range", "if-range")
    }
    return respond(stored, DownloadHeaders.model_validate({name: text for name, text in headers.items() if text}))


router.add_api_route("/exports/{kind}/{export_id}/download", download, route_class_override=PageRoute)


def _known(kind: str) -> ExportKind:
    if kind not in KINDS:
        raise NotFound(f"There is no kind of export {kind[:40]!r}; kinds are {', '.join(KINDS)}")
    return KINDS[kind]


SCREEN = Screen("/exports", "Exports", "Insights", "exports", router)
