"""The routes that take data: rows of any table, and runs of a custom CI/CD integration. A push is answered when its rows are
durably stored. Which rows are good is decided by ``leadline.ingest``, what a run means by ``leadline.sources.custom_cicd``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import WithJsonSchema
from starlette.responses import Response

from leadline.api.answers import Json, RowErrorBody, new_router, refusals
from leadline.api.body import json_body
from leadline.api.caller import Writer
from leadline.api.push.models import PushedBody, RunBody, RunRequest
from leadline.api.push.rows import PUSHED_ROWS
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.field_types import printable
from leadline.formats.rows import Refusal
from leadline.ingest.inbox import Accepted, Push
from leadline.schema import TABLES, Table
from leadline.sources.custom_cicd import run_of

router = new_router("push")

KEPT_ERRORS = 1_000
"""Refused values told in an answer; the rest is only counted."""


async def _table(
    name: Annotated[
        str,
        Path(alias="table", description="A table of the data model."),
        WithJsonSchema({"type": "string", "enum": list(TABLES)}),
    ],
) -> Table:
    if name not in TABLES:
        raise NotFound(
            f"There is no table {printable(name)[:80]!r}; tables are {', '.join(TABLES)}", code="unknown_table"
        )
    return TABLES[name]


@router.post(
    "/v2/ingest/{table}",
    operation_id="pushRows",
    status_code=202,
    response_model=PushedBody,
    response_description="The good rows are durably stored; refused ones are told one by one.",
    responses=refusals(404),
)
async def push(
    caller: Writer, table: Annotated[Table, Depends(_table)], rows: Annotated[list[Any], Depends(PUSHED_ROWS)]
) -> Response:
    """Push rows of a table."""
    return Json(_answer(await caller.state.pushes.take(Push(caller.key.project_id, table, rows))), 202)


def _answer(accepted: Accepted) -> PushedBody:
    """Raises ``InvalidRequest`` if no row was good."""
    errors = [_error(refusal) for refusal in accepted.refusals[:KEPT_ERRORS]]
    if accepted.refused_rows and not accepted.rows:
        raise InvalidRequest(
            f"No row was taken, {accepted.refused_rows} refused; the first: {_field(errors[0])}: {errors[0].message}",
            code="invalid_rows",
            details=[Detail(_field(error), error.message) for error in errors],
        )
    body = PushedBody(accepted=accepted.rows, rejected=accepted.refused_rows, errors=errors)
    warnings = [printable(f"{name}: left out; {why}") for name, why in accepted.unknown.items()]
    if accepted.repeats:
        body.repeated = len(accepted.repeats)
        before, at = accepted.repeats[0]
        warnings.append(f"rows[{at}] has the key of rows[{before}], with other content: both are applied, in order")
    if warnings:
        body.warnings = warnings
    return body


def _field(error: RowErrorBody) -> str:
    return f"rows[{error.row}]" + (f".{error.field}" if error.field else "")


def _error(refusal: Refusal) -> RowErrorBody:
    value = f" ({refusal.value[:80]!r})" if refusal.value else ""
    return RowErrorBody(row=refusal.line, field=printable(refusal.column), message=printable(refusal.reason + value))


@router.post(
    "/v1/custom-cicd",
    operation_id="pushCicdRun",
    status_code=202,
    response_model=RunBody,
    response_description="The run is durably stored.",
)
async def push_run(caller: Writer, body: Annotated[dict[str, Any], Depends(json_body(RunRequest))]) -> Response:
    """Push a run of a CI/CD pipeline."""
    run = run_of(body)
    accepted = await caller.state.pushes.take(Push(caller.key.project_id, TABLES[run.table], [run.row]))
    if accepted.refusals:
        details = [Detail(printable(refusal.column), printable(refusal.reason)) for refusal in accepted.refusals]
        raise InvalidRequest("The run cannot be taken", code="invalid_run", details=details)
    answer = RunBody(status="accepted", table=run.table, id=run.id)
    if run.warnings:
        answer.warnings = [printable(warning) for warning in run.warnings]
    return Json(answer, 202)
