"""The route of reports: one synchronous answer, a CSV, or a refusal that names the export to ask for instead.

A request comes in; ``leadline.exports.reports`` reads its body and computes the rows, at the server's desk for reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api import describe
from leadline.api.app_state import query_of, services_of
from leadline.api.auth import READ
from leadline.api.body import read_object
from leadline.api.errors import NO_STORE
from leadline.errors import Detail, InvalidRequest, LeadlineError
from leadline.exports.reports import Report, parse_report, run_report

PATH = "/v2/insights/teams/reports"
TAGS: list[str | Enum] = ["reports"]

WARNINGS = "Leadline-Warnings"
"""The answer's header that tells what was ignored in the request, as a JSON array of sentences in ASCII."""
_LONGEST_WARNINGS = 2000


class ReportTimeout(LeadlineError):
    """The report took longer than the server lets a request wait."""

    code = "report_timeout"
    http_status = 503


def add_report_route(app: FastAPI) -> None:
    """Add the route of reports to ``app``."""

    @app.post(PATH, tags=TAGS, **describe.report())
    async def report(request: Request) -> Response:
        services = services_of(request)
        # The key is checked before a byte of the body is read.
        key = await run_in_threadpool(services.caller, request, READ)
        check_format(query_of(request))
        body = await read_object(request)
        project = services.project(key)
        wanted, warnings = await run_in_threadpool(parse_report, project, body)
        computed = await services.desk.run(
            request,
            lambda runner, control: run_report(runner, project, wanted, control),
            late=too_late(wanted, services.desk.seconds),
        )
        headers = {
            **NO_STORE,
            "Content-Type": "text/csv",
            "Content-Disposition": f'attachment; filename="{wanted.filename}"',
        }
        if warnings:
            headers[WARNINGS] = warnings_header(warnings)
        return Response(computed.text, headers=headers)


def check_format(query: Mapping[str, Sequence[str]]) -> None:
    """Reports are CSV; saying nothing means that, too."""
    if refused := [value for value in query.get("format", ()) if value.strip().lower() not in ("", "csv")]:
        message = f"Unsupported format: {json.dumps(refused[0][:80], ensure_ascii=False)}; supported: csv"
        raise InvalidRequest(message, code="unsupported_format", details=[Detail("format", "csv")])


def too_late(report: Report, seconds: float) -> ReportTimeout:
    """The refusal of a report that took too long: it names the exports that have the same numbers."""
    ways = " or ".join(f"POST /v2/insights/{kind}/exports" for kind in report.exports)
    return ReportTimeout(
        f"The report was not ready within {seconds:g} seconds; ask for an export with {ways}, which may take its time, "
        "or for one team or fewer days"
    )


def warnings_header(warnings: Sequence[str]) -> str:
    """As many of ``warnings`` as a header may well hold."""
    told = list(warnings)
    while len(text := json.dumps(told)) > _LONGEST_WARNINGS:
        told = [*told[:-2], "further warnings were left out"]
    return text
