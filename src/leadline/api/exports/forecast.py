"""The route of forecasts: when work items will be completed, or how many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import Json, new_router, refusals
from leadline.api.body import json_body
from leadline.api.caller import Caller, LimitedReader
from leadline.api.report_pool import ReportTimeout
from leadline.exports.forecast import ForecastBody, ForecastRequest, parse_forecast, pinned, run_forecast

router = new_router("forecast")

_read = json_body(ForecastRequest, "Unknown members are ignored and reported as `warnings`.")


@router.post(
    "/v2/insights/forecast",
    operation_id="forecast",
    response_model=ForecastBody,
    response_description="The forecast.",
    responses=refusals(409, 503),
)
async def forecast(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_read)]
) -> Response:
    """Forecast the completion of work items from the throughput of the last weeks."""
    return Json(await forecast_for(request, caller, body))


async def forecast_for(request: Request, caller: Caller, body: Mapping[str, Any]) -> ForecastBody:
    """The forecast that ``body`` asks for, on what is newest. Raises ``InvalidRequest``, ``Forbidden``, ``Conflict``,
    ``ReportTimeout``, and ``ClientDisconnect`` when the client of ``request`` went away."""
    project, pool, now = caller.project, caller.state.reports, caller.now
    wanted = await run_in_threadpool(parse_forecast, project, body, now, caller.access)
    pins = await run_in_threadpool(pinned, project, wanted)
    late = ReportTimeout(f"The forecast was not ready within {pool.seconds:g} seconds; ask for fewer weeks or runs")
    return await pool.run(
        request, lambda runner, control: run_forecast(runner, project, wanted, pins, now, control), late=late
    )
