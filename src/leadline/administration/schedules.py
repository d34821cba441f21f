"""The schedules of a project as they are shown, made, changed, run and removed by those who run it, wherever they are."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Self

from pydantic import Field

from leadline.access import UNLIMITED, Access
from leadline.db import schedules as stored
from leadline.db.schedules import MOST, STATES, Run, Schedule
from leadline.errors import Conflict, NotFound
from leadline.home import Project
from leadline.json_body import Body, Instant
from leadline.schedules.definition import check, shows
from leadline.schedules.running import request as request_run

RUNS_SHOWN = 100


class AtShown(Body):
    """When it is due, by the clocks of a time zone."""

    cron: str
    timezone: str


class WaitShown(Body):
    """How long a run waits for its sources."""

    minutes: int


class DeliveryShown(Body):
    """Where the files of runs go, or who is told."""

    folder: str | None = None
    name: str | None = None
    webhook: str | None = None


class DeliveredShown(Body):
    """Where the file of a run went, or why not."""

    folder: str | None = None
    file: str | None = None
    webhook: str | None = None
    state: str = Field(description="`delivered`, `failed`, or `deleted` once newer ones took its place (`keep`).")
    error: str | None = None


class RunShown(Body):
    """A run of a schedule."""

    id: str
    state: str = Field(json_schema_extra={"enum": list(STATES)}, description="`waiting`: for the data of its sources.")
    due_at: Instant
    start: date
    end: date
    requested: bool = Field(description="Whether somebody asked for it.")
    late: bool = Field(description="Whether it was missed at its time and caught up with.")
    export_id: str | None
    incomplete_sources: list[str] = Field(description="Sources that were not read since the end of its days.")
    deliveries: list[DeliveredShown]
    error: str | None
    created_at: Instant
    finished_at: Instant | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """What is shown of a run."""
        same = ("id", "state", "due_at", "start", "end", "requested", "late", "export_id", "created_at", "finished_at")
        return cls(
            incomplete_sources=list(run.incomplete_sources),
            deliveries=[DeliveredShown(**delivery) for delivery in run.deliveries],
            error=None if run.error is None else str(run.error.get("message") or run.error.get("error")),
            **{name: getattr(run, name) for name in same},
        )


class ScheduleShown(Body):
    """An export that is made again and again, in the words of what made it."""

    id: str
    name: str
    export: str
    request: dict[str, Any]
    at: AtShown
    wait_for_data: WaitShown | None
    deliver: list[DeliveryShown]
    keep: int | None
    enabled: bool
    created_by: str
    created_at: Instant
    next_run_at: Instant | None = Field(description="When the next run is due; null while it is not enabled.")
    last_run: RunShown | None
    warnings: list[str] | None = Field(default=None, description="What was ignored; absent if nothing was.")

    @classmethod
    def of(cls, schedule: Schedule, last: Run | None, warnings: tuple[str, ...] = ()) -> Self:
        """What is shown of a schedule."""
        return cls(
            id=schedule.id,
            name=schedule.name,
            export=schedule.kind,
            request=dict(schedule.request),
            at=AtShown(cron=schedule.cron, timezone=schedule.timezone),
            wait_for_data=None if schedule.wait_minutes is None else WaitShown(minutes=schedule.wait_minutes),
            deliver=[DeliveryShown(**target) for target in schedule.deliver],
            keep=schedule.keep,
            enabled=schedule.enabled,
            created_by=schedule.created_by,
            created_at=schedule.created_at,
            next_run_at=schedule.next_at,
            last_run=None if last is None else RunShown.of(last),
            **({"warnings": list(warnings)} if warnings else {}),
        )


def listed(project: Project, now: datetime, access: Access = UNLIMITED) -> list[ScheduleShown]:
    """The project's schedules that ``access`` shows, oldest first."""
    last = stored.last_runs(project.db, project.id)
    return [
        ScheduleShown.of(schedule, last.get(schedule.id))
        for schedule in stored.listed(project.db, project.id)
        if shows(project, schedule, access, now)
    ]


def one(project: Project, schedule_id: str, now: datetime, access: Access = UNLIMITED) -> ScheduleShown:
    """One of them. Raises ``NotFound``, also for one that ``access`` does not show."""
    schedule = _seen(project, schedule_id, now, access)
    return ScheduleShown.of(schedule, stored.last_runs(project.db, project.id).get(schedule.id))


def add(project: Project, body: Mapping[str, Any], *, created_by: str, now: datetime) -> ScheduleShown:
    """Make a schedule of ``body``. Raises ``InvalidRequest`` for what cannot be, ``Conflict`` where there are as many as there may
    be."""
    checked = check(project, body, now)
    if len(stored.listed(project.db, project.id)) >= MOST:
        raise Conflict(f"The project has {MOST} schedules, the most it can have; remove one first", code="too_many")
    schedule = Schedule(
        id=f"schedule_{secrets.token_hex(10)}",
        project_id=project.id,
        created_by=created_by,
        created_at=now,
        **checked.values,
    )
    stored.add(project.db, schedule)
    return ScheduleShown.of(schedule, None, checked.warnings)


def change(project: Project, schedule_id: str, body: Mapping[str, Any], now: datetime) -> ScheduleShown:
    """Put ``body`` in place of what a schedule was made of. Raises as ``add``, and ``NotFound``."""
    schedule = stored.get(project.db, project.id, schedule_id)
    checked = check(project, body, now)
    changed = replace(schedule, **checked.values)
    stored.change(project.db, changed)
    return ScheduleShown.of(changed, stored.last_runs(project.db, project.id).get(schedule.id), checked.warnings)


def remove(project: Project, schedule_id: str) -> None:
    """Forget a schedule and its runs; its exports and files stay. Raises ``NotFound``."""
    stored.remove(project.db, project.id, schedule_id)


def run(project: Project, schedule_id: str, now: datetime) -> RunShown:
    """Have a run made by whoever serves the home, as soon as may be. Raises ``NotFound``."""
    return RunShown.of(request_run(project, schedule_id, now))


def runs(project: Project, schedule_id: str, now: datetime, access: Access = UNLIMITED) -> list[RunShown]:
    """The runs of a schedule, the newest first. Raises ``NotFound``."""
    schedule = _seen(project, schedule_id, now, access)
    return [RunShown.of(found) for found in stored.runs(project.db, schedule.id, RUNS_SHOWN)]


def _seen(project: Project, schedule_id: str, now: datetime, access: Access) -> Schedule:
    schedule = stored.get(project.db, project.id, schedule_id)
    if not shows(project, schedule, access, now):
        raise NotFound(f"There is no schedule {schedule_id[:80]!r}", code="unknown_schedule")
    return schedule
