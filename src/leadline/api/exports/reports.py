"""The route of reports: one synchronous answer, a CSV, or a refusal that names the export to ask for instead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import NO_STORE, new_router, refusals, text_headers
from leadline.api.body import json_body
from leadline.api.caller import LimitedReader
from leadline.api.query import only
from leadline.api.report_pool import ReportTimeout
from leadline.errors import Detail, InvalidRequest
from leadline.exports.models import ReportRequest
from leadline.exports.reports import Report, parse_report, run_report

router = new_router("reports")

WARNINGS = "Leadline-Warnings"
"""The answer's header that tells what was ignored in the request, as a JSON array of sentences in ASCII."""
_LONGEST_WARNINGS = 2000


def _unsupported(text: str) -> InvalidRequest:
    message = f"Unsupported format: {json.dumps(text[:80], ensure_ascii=False)}; supported: csv"
    return InvalidRequest(message, code="unsupported_format", details=[Detail("format", "csv")])


async def _only_csv(
    _format: Annotated[
        str, only("csv", _unsupported), Query(alias="format", description="The only format there is.")
    ] = "csv",
) -> None:
    """Reports are CSV; saying nothing means that, too."""


_ANSWER = {
    "description": "The report.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
    "headers": text_headers(
        Content_Disposition="The file's name.",
        Leadline_Warnings="What was ignored in the request, as a JSON array; absent if nothing was.",
    ),
}
_LATE = refusals(503)[503]
_LATE["description"] += " Or the report took too long: the sentence names the export to make."
_read = json_body(ReportRequest, "Unknown members are ignored and told in the answer's header `Leadline-Warnings`.")


@router.post(
    "/v2/insights/teams/reports",
    operation_id="createTeamReport",
    response_class=Response,
    responses={200: _ANSWER, 503: _LATE},
)
async def report(
    request: Request,
    caller: LimitedReader,
    _format: Annotated[None, Depends(_only_csv)],
    body: Annotated[dict[str, Any], Depends(_read)],
) -> Response:
    """Report on teams or developers."""
    project, pool = caller.project, caller.state.reports
    wanted, warnings = await run_in_threadpool(parse_report, project, body, caller.access)
    computed = await pool.run(
        request,
        lambda runner, control: run_report(runner, project, wanted, control),
        late=too_late(wanted, pool.seconds),
    )
    headers = {
        **NO_STORE,
        "Content-Type": "text/csv",
        "Content-Disposition": f'attachment; filename="{wanted.filename}"',
    }
    if warnings:
        headers[WARNINGS] = warnings_header(warnings)
    return Response(computed.text, headers=headers)


def too_late(report: Report, seconds: float) -> ReportTimeout:
    """The refusal of a report that took too long: it names the exports that have the same numbers."""
    ways = " or ".join(f"POST /v2/insights/{kind}/exports" for kind in report.exports)
    return ReportTimeout(
        f"The report was not ready within {seconds:g} seconds; ask for an export with {ways}, which may take its time, "
        "or for one team or fewer days"
    )


def warnings_header(warnings: Sequence[str]) -> str:
    """As many of ``warnings`` as a header may well hold."""
    sentences = list(warnings)
    while len(text := json.dumps(sentences)) > _LONGEST_WARNINGS:
        sentences = [*sentences[:-2], "further warnings were left out"]
    return text
