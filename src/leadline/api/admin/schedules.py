"""The routes of schedules: exports that are made again and again, shown, made, changed, run and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path
from starlette.responses import Response

from leadline.administration import schedules
from leadline.administration.schedules import RunShown, ScheduleShown
from leadline.api.answers import NO_STORE, Json, new_router, refusals
from leadline.api.body import json_body
from leadline.api.caller import Admin, LimitedReader
from leadline.json_body import Body
from leadline.schedules.definition import ScheduleRequest

router = new_router("schedules")

SCHEDULE = json_body(ScheduleRequest)
ScheduleId = Annotated[str, Path(alias="scheduleId", min_length=1, description="A schedule's id, as listed.")]
Sent = Annotated[Mapping[str, Any], Depends(SCHEDULE)]


class SchedulesBody(Body):
    """The schedules that the key may see."""

    schedules: list[ScheduleShown]


class RunsBody(Body):
    """Runs of a schedule."""

    runs: list[RunShown]


@router.get("/v2/schedules", response_description="Oldest first; those whose export the key could make.")
def list_schedules(caller: LimitedReader) -> SchedulesBody:
    """List schedules."""
    return SchedulesBody(schedules=schedules.listed(caller.project, caller.now, caller.access))


@router.post(
    "/v2/schedules",
    status_code=201,
    response_model=ScheduleShown,
    response_description="The schedule, with when it is due.",
    responses=refusals(409),
)
def add_schedule(caller: Admin, body: Sent) -> Response:
    """Make a schedule."""
    return Json(schedules.add(caller.project, body, created_by=caller.key.id, now=caller.now), 201)


@router.get("/v2/schedules/{scheduleId}", response_description="The schedule.", responses=refusals(404))
def get_schedule(caller: LimitedReader, schedule_id: ScheduleId) -> ScheduleShown:
    """Show a schedule."""
    return schedules.one(caller.project, schedule_id, caller.now, caller.access)


@router.put("/v2/schedules/{scheduleId}", response_description="As it is now.", responses=refusals(404))
def change_schedule(caller: Admin, schedule_id: ScheduleId, body: Sent) -> ScheduleShown:
    """Change a schedule."""
    return schedules.change(caller.project, schedule_id, body, caller.now)


@router.delete(
    "/v2/schedules/{scheduleId}",
    status_code=204,
    response_class=Response,
    response_description="It is gone, with its runs; exports and files stay.",
    responses=refusals(404),
)
def remove_schedule(caller: Admin, schedule_id: ScheduleId) -> Response:
    """Remove a schedule."""
    schedules.remove(caller.project, schedule_id)
    return Response(status_code=204, headers=NO_STORE)


@router.post(
    "/v2/schedules/{scheduleId}/run",
    status_code=202,
    response_model=RunShown,
    response_description="The run, which the server makes.",
    responses=refusals(404, 409),
)
def run_schedule(caller: Admin, schedule_id: ScheduleId) -> Response:
    """Have a schedule run now."""
    return Json(schedules.run(caller.project, schedule_id, caller.now), 202)


@router.get(
    "/v2/schedules/{scheduleId}/runs", response_description="The newest first, at most 100.", responses=refusals(404)
)
def list_schedule_runs(caller: LimitedReader, schedule_id: ScheduleId) -> RunsBody:
    """List the runs of a schedule."""
    return RunsBody(runs=schedules.runs(caller.project, schedule_id, caller.now, caller.access))
