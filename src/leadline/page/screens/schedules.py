"""The screen Schedules: exports that are made again and again, when they are due and what became of their runs; for admins a form
for more, and what can be done with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from leadline.administration import schedules, webhooks
from leadline.administration.schedules import RunShown, ScheduleShown
from leadline.api.auth import ADMIN
from leadline.db.schedules import CANCELLED, COMPLETED, FAILED, OPEN, RUNNING, WAITING
from leadline.errors import InvalidRequest, LeadlineError
from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.field_words import reword
from leadline.page.export_form import METRICS, ExportForm, choices_of
from leadline.page.forms import Form, typed
from leadline.page.parameters import understood
from leadline.page.schedule_form import (
    WHEN,
    WORDS,
    ScheduleForm,
    changed_body,
    days_words,
    fields_of,
    new_body,
    words_of,
)
from leadline.page.screen import Screen, new_router
from leadline.page.screens.exports import KIND
from leadline.page.view import View, view_of
from leadline.page.visit import Admin, LimitedReader, Visit
from leadline.schedules.definition import relative_range

router = new_router()

RUN_WORDS = {
    WAITING: ("waits for data", "info"),
    RUNNING: ("running", "info"),
    COMPLETED: ("done", "good"),
    FAILED: ("failed", "bad"),
    CANCELLED: ("cancelled", ""),
}
"""Each state of a run in words, and the kind of its badge."""


@dataclass(frozen=True)
class Shown:
    """A schedule as it is shown."""

    schedule: ScheduleShown

    @property
    def address(self) -> str:
        """Its page."""
        return f"/schedules/{self.schedule.id}"

    @property
    def kind(self) -> str:
        """The kind of its exports in words."""
        return KINDS[self.schedule.export].title if self.schedule.export in KINDS else self.schedule.export

    @property
    def when(self) -> str:
        """When it is due, in words where there are some."""
        at = self.schedule.at
        return f"{WHEN.get(at.cron, at.cron)} ({at.timezone})"

    @property
    def days(self) -> str:
        """Of which days a run is."""
        return days_words(relative_range(self.schedule.request))

    @property
    def of(self) -> str:
        """Of whom its exports are."""
        scope = self.schedule.request.get("scope", {})
        return scope.get("orgTreeName") or f"team {scope.get('teamId', '')}"

    @property
    def options(self) -> list[tuple[str, str]]:
        """What else is asked of its exports: what it is called, and in a word."""
        said = self.schedule.request.get("options", {})
        choices = choices_of(KINDS[self.schedule.export]) if self.schedule.export in KINDS else []
        return [(choice.label, dict(choice.choices)[text]) for choice in choices if (text := choice.said_in(said))]


@router.get("/schedules")
def list_schedules(visit: LimitedReader) -> Response:
    """Those that whoever looks may see."""
    shown = [Shown(schedule) for schedule in schedules.listed(visit.project, visit.now, visit.access)]
    return visit.html("schedules.html", title="Schedules", shown=shown, **_words(visit))


def _words(visit: Visit) -> dict[str, Any]:
    return {"run_words": RUN_WORDS, "changes": visit.may(ADMIN)}


@router.get("/schedules/new")
async def new_schedule(visit: Admin, kind: Annotated[str, Query()] = "") -> Response:
    """The form of a kind of export; what the address says of its fields is filled in."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Schedules")
    return await run_in_threadpool(_new, visit, view, _kind(kind), visit.request.query_params.multi_items())


@router.post("/schedules/new")
async def add_schedule(visit: Admin, form: Form) -> Response:
    """Make the schedule that the form says, or show it again with what is wrong."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Schedules")
    return await run_in_threadpool(_add, visit, view, typed(form))


def _add(visit: Visit, view: View, fields: Sequence[tuple[str, str]]) -> Response:
    kind = _kind(dict(fields).get("kind", ""))
    export = _export_form(view, kind, fields)
    try:
        # A box that is not ticked is not sent.
        body = new_body(_schedule_form(visit, {"enabled": "", **dict(fields)}), export)
        made = schedules.add(visit.project, body, created_by=visit.key.id, now=visit.now)
    except LeadlineError as error:
        return _new(visit, view, kind, [("enabled", ""), *fields], reword(error, words_of(export)))
    return RedirectResponse(Shown(made).address, 303)


def _kind(name: str) -> ExportKind:
    return KINDS.get(name.strip().lower()) or next(iter(KINDS.values()))


def _export_form(view: View, kind: ExportKind, fields: Sequence[tuple[str, str]]) -> ExportForm:
    chosen = frozenset(value for name, value in fields if name == METRICS)
    return ExportForm(kind, view, {"team": str(view.team.ref_id), "period": "last-month", **dict(fields)}, chosen)


def _schedule_form(visit: Visit, fields: dict[str, str]) -> ScheduleForm:
    return ScheduleForm(fields, visit.project.profile()["timezone"], webhooks.listed(visit.project))


def _new(
    visit: Visit,
    view: View,
    kind: ExportKind,
    fields: Sequence[tuple[str, str]],
    error: LeadlineError | None = None,
) -> Response:
    context: dict[str, Any] = {
        "view": view,
        "form": _export_form(view, kind, fields),
        "schedule": _schedule_form(visit, dict(fields)),
        "kind_titles": {known.name: known.title for known in KINDS.values()},
        "error": error,
        "problems": understood(dict(fields), [KIND])[1],
    }
    status = 200 if error is None else error.http_status
    return visit.html("schedule_form.html", status=status, title="New schedule", **context)


@router.get("/schedules/{schedule_id}")
def one_schedule(visit: LimitedReader, schedule_id: str) -> Response:
    """One of them with its runs."""
    return _one(visit, schedules.one(visit.project, schedule_id, visit.now, visit.access))


@router.post("/schedules/{schedule_id}")
def act(visit: Admin, schedule_id: str, form: Form) -> Response:
    """Do with a schedule what the button says."""
    match form.get("do"):
        case "run":
            schedules.run(visit.project, schedule_id, visit.now)
        case "remove":
            schedules.remove(visit.project, schedule_id)
            return RedirectResponse("/schedules", 303)
        case "change":
            shown = schedules.one(visit.project, schedule_id, visit.now)
            fields = {"enabled": "", **dict(typed(form))}
            try:
                schedules.change(
                    visit.project, schedule_id, changed_body(_schedule_form(visit, fields), shown), visit.now
                )
            except InvalidRequest as error:
                return _one(visit, shown, fields, reword(error, WORDS))
        case _:
            raise InvalidRequest("The form does not say what to do; it must be run, change or remove")
    return RedirectResponse(f"/schedules/{schedule_id}", 303)


def _one(
    visit: Visit, schedule: ScheduleShown, fields: dict[str, str] | None = None, error: LeadlineError | None = None
) -> Response:
    runs: list[RunShown] = schedules.runs(visit.project, schedule.id, visit.now, visit.access)
    context: dict[str, Any] = {
        "shown": Shown(schedule),
        "runs": runs,
        "moving": any(run.state in OPEN for run in runs),
        "form": _schedule_form(visit, fields or fields_of(schedule)),
        "error": error,
    }
    status = 200 if error is None else error.http_status
    return visit.html("schedule.html", status=status, title=schedule.name, **context, **_words(visit))


SCREEN = Screen("/schedules", "Schedules", "Insights", "calendar", router)
