"""Runs of schedules: begun when they are due, and taken step by step to their end. Each step may be made twice, or cut off
anywhere: the next look goes on from what is stored. A run's export has an id that is known before it is made, so that it is made
once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import structlog

from leadline.db import jobs, outbox, sources, webhooks
from leadline.db import schedules as stored
from leadline.db.schedules import CANCELLED, COMPLETED, FAILED, RUNNING, RUNS_KEPT, WAITING, Run, Schedule
from leadline.errors import LeadlineError
from leadline.exports import service
from leadline.home import Project
from leadline.schedules import folders, names
from leadline.schedules.definition import body_for, days
from leadline.schedules.times import Times

LATE = timedelta(minutes=2)
"""A run that begins so long after it was due was missed at its time."""
DELIVERED, NOT_DELIVERED, TAKEN_AWAY = "delivered", "failed", "deleted"
"""What becomes of the file of a run in a folder."""

_log = structlog.get_logger("leadline.schedules")


def begin_due(project: Project, now: datetime) -> list[Run]:
    """Begin the runs that are due; of several that were missed the last alone."""
    begun = []
    for schedule in stored.due(project.db, project.id, now):
        times = Times(schedule.cron, schedule.timezone)
        due = times.last_until(now)
        late = due != schedule.next_at or now - due > LATE
        run = _new_run(schedule, times, due, now, late=late)
        if stored.begin(project.db, schedule, run, times.next_after(now)):
            begun.append(run)
    return begun


def request(project: Project, schedule_id: str, now: datetime) -> Run:
    """Begin a run because somebody asks for it; it is of the days that one due now would be of. Raises ``NotFound``."""
    schedule = stored.get(project.db, project.id, schedule_id)
    run = _new_run(schedule, Times(schedule.cron, schedule.timezone), now, now, requested=True)
    stored.request(project.db, run)
    return run


def _new_run(
    schedule: Schedule, times: Times, due: datetime, now: datetime, *, late: bool = False, requested: bool = False
) -> Run:
    start, end = days(schedule.request, times.day_of(due).date())
    wait = None if schedule.wait_minutes is None else now + timedelta(minutes=schedule.wait_minutes)
    return Run(
        id=f"run_{secrets.token_hex(10)}",
        schedule_id=schedule.id,
        due_at=due,
        requested=requested,
        late=late,
        state=WAITING,
        start=start,
        end=end,
        created_at=now,
        wait_until=wait,
    )


def advance(project: Project, now: datetime) -> int:
    """Take each run that has not ended a step on; how many have."""
    ended = 0
    for schedule, run in stored.open_runs(project.db, project.id):
        try:
            ended += _advance(project, schedule, run, now)
        except LeadlineError as error:
            ended += _end(project, run, FAILED, now, error=error.body())
            _log.warning("scheduled run failed", schedule=schedule.id, run=run.id, error=error.message)
    return ended


def _advance(project: Project, schedule: Schedule, run: Run, now: datetime) -> bool:
    if run.state == WAITING:
        return _make(project, schedule, run, now)
    export = jobs.get(project.db, project.id, export_id_of(run))
    if export is None:
        return _end(project, run, FAILED, now, error={"error": "Its export is not there", "code": "unknown_export"})
    if export.state == jobs.COMPLETED:
        return _deliver(project, schedule, run, now)
    if export.state in (jobs.FAILED, jobs.CANCELLED):
        state = FAILED if export.state == jobs.FAILED else CANCELLED
        return _end(project, run, state, now, error=export.error)
    return False


def export_id_of(run: Run) -> str:
    """The id of a run's export."""
    return f"exp_{run.id.removeprefix('run_')}"


# -- waiting and making ----------------------------------------------------------------------------------------------------


def _make(project: Project, schedule: Schedule, run: Run, now: datetime) -> bool:
    incomplete: list[str] = []
    if (
        run.wait_until is not None
        and (incomplete := incomplete_sources(project, schedule, run))
        and now < run.wait_until
    ):
        return False
    export_id = export_id_of(run)
    if jobs.get(project.db, project.id, export_id) is None:
        service.create(
            project,
            body_for(schedule.request, run.start, run.end),
            kind=schedule.kind,
            created_by=schedule.id,
            now=now,
            fresh=True,
            export_id=export_id,
        )
    with project.db.write() as connection:
        values = {"state": RUNNING, "export_id": export_id, "incomplete_sources": incomplete}
        if stored.advance(connection, run, **values) and incomplete:
            outbox.announce(connection, project.id, "data.late", _lateness(schedule, run, incomplete), now)
    return False


def _lateness(schedule: Schedule, run: Run, incomplete: Sequence[str]) -> Mapping[str, Any]:
    return {
        "scheduleId": schedule.id,
        "name": schedule.name,
        "runId": run.id,
        "exportId": export_id_of(run),
        "start": run.start.isoformat(),
        "end": run.end.isoformat(),
        "incompleteSources": list(incomplete),
    }


def incomplete_sources(project: Project, schedule: Schedule, run: Run) -> list[str]:
    """The configured sources that were not read whole since the end of a run's days, or since it was due if that is earlier."""
    tree = schedule.request.get("scope", {}).get("orgTreeName")
    zone = project.profile(tree).zone
    after = datetime.combine(run.end + timedelta(days=1), time(), zone)
    least = min(after, run.due_at)
    return [
        row.name
        for row in sources.listed(project.db, project.id, configured=True)
        if row.succeeded_at is None or row.succeeded_at < least
    ]


# -- delivering ------------------------------------------------------------------------------------------------------------


def _deliver(project: Project, schedule: Schedule, run: Run, now: datetime) -> bool:
    deliveries = [_delivered(project, schedule, run, target) for target in schedule.deliver]
    faults = [str(delivery["error"]) for delivery in deliveries if "error" in delivery]
    error = {"error": faults[0], "code": "not_delivered"} if faults else None
    ended = _end(project, run, FAILED if faults else COMPLETED, now, error=error, deliveries=deliveries)
    if ended:
        _tidy(project, schedule)
    return ended


def _delivered(project: Project, schedule: Schedule, run: Run, target: Mapping[str, str]) -> dict[str, Any]:
    """Where a file went, or why not. A webhook was told as the export ended, in the same transaction."""
    try:
        if "webhook" in target:
            webhooks.get(project.db, project.id, target["webhook"])
            return {"webhook": target["webhook"], "state": DELIVERED}
        name = file_name(schedule, run, target["name"])
        file = service.stored_file(project, export_id_of(run), kind=schedule.kind)
        allowed = project.profile()["exports.folders"]
        folders.put(file.path, target["folder"], name, allowed, run.id, gzipped=file.gzip)
    except LeadlineError as error:
        where = {"webhook": target["webhook"]} if "webhook" in target else {"folder": target["folder"]}
        return {**where, "state": NOT_DELIVERED, "error": error.message}
    return {"folder": target["folder"], "file": name, "state": DELIVERED}


def file_name(schedule: Schedule, run: Run, template: str) -> str:
    """What the file of a run is called."""
    due = Times(schedule.cron, schedule.timezone).day_of(run.due_at).date()
    named: dict[str, date | str] = {"name": schedule.name, "export": schedule.kind, "start": run.start, "end": run.end}
    return names.called(template, {part: str(value) for part, value in {**named, "due": due}.items()})


def _end(
    project: Project,
    run: Run,
    state: str,
    now: datetime,
    *,
    error: Mapping[str, Any] | None = None,
    deliveries: Sequence[Mapping[str, Any]] = (),
) -> bool:
    values = {"state": state, "finished_at": now, "error": error, "deliveries": [dict(one) for one in deliveries]}
    with project.db.write() as connection:
        return stored.advance(connection, run, **values)


def _tidy(project: Project, schedule: Schedule) -> None:
    """Take away the files of runs before the last ``keep``, and forget runs of long ago."""
    runs = stored.runs(project.db, schedule.id, 2 * RUNS_KEPT)
    stored.forget(project.db, [run.id for run in runs[RUNS_KEPT:]])
    if schedule.keep is None:
        return
    with_files = [run for run in runs if any(_lies_there(delivery) for delivery in run.deliveries)]
    kept = {
        _place(delivery) for run in with_files[: schedule.keep] for delivery in run.deliveries if _lies_there(delivery)
    }
    allowed = project.profile()["exports.folders"]
    for run in with_files[schedule.keep :]:
        stored.note(project.db, run.id, [_without(delivery, kept, allowed) for delivery in run.deliveries])


def _lies_there(delivery: Mapping[str, Any]) -> bool:
    return delivery.get("state") == DELIVERED and "file" in delivery


def _place(delivery: Mapping[str, Any]) -> tuple[str, str]:
    return str(delivery["folder"]), str(delivery["file"])


def _without(delivery: Mapping[str, Any], kept: set[tuple[str, str]], allowed: Sequence[str]) -> Mapping[str, Any]:
    """A delivery whose file is taken away, unless a later run put its own there."""
    if not _lies_there(delivery):
        return delivery
    if _place(delivery) not in kept:
        try:
            folders.take_away(*_place(delivery), allowed)
        except LeadlineError as error:  # another time
            _log.warning("a file could not be deleted", error=error.message)
            return delivery
    return {**delivery, "state": TAKEN_AWAY}
