"""The routes that take data: rows of any table, and runs of a custom CI/CD integration.

Requests come in; their rows go to the ``Receiver``, and the answer goes out when they are durably stored. Which rows are
good is decided by ``leadline.ingest``, what a run means by ``leadline.sources.custom_cicd``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api import describe
from leadline.api.app_state import services_of
from leadline.api.auth import WRITE
from leadline.api.body import TooLarge, kind_of, malformed, read_object, read_text
from leadline.api.errors import json_response
from leadline.api.models import PushedBody, RowErrorBody, RunBody
from leadline.db.keys import ApiKey
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.field_types import printable
from leadline.formats.json_lines import parsed_document, parsed_line
from leadline.formats.rows import Refusal, RowRefused
from leadline.ingest.inbox import Accepted, Push
from leadline.schema import TABLES, Table
from leadline.sources.custom_cicd import run_of

TAGS: list[str | Enum] = ["push"]
MAX_ROWS = 10_000
MAX_BYTES = 16 << 20
NDJSON = ("application/x-ndjson", "application/jsonl", "application/json-lines")
KEPT_ERRORS = 1_000
"""Refused values told in an answer; the rest is only counted."""

_PARSED_AT_ONCE = 64 << 10


def add_push_routes(app: FastAPI) -> None:
    """Add both routes to ``app``."""

    @app.post("/v2/ingest/{table}", tags=TAGS, **describe.push())
    async def push(request: Request) -> Response:
        services = services_of(request)
        key = await _writer(request)
        table = table_of(request.path_params["table"])
        kind, text = await read_text(request, NDJSON, MAX_BYTES)
        # Reading megabytes of JSON would hold up every other request.
        rows = await run_in_threadpool(rows_of, text, kind) if len(text) > _PARSED_AT_ONCE else rows_of(text, kind)
        accepted = await services.receiver.take(Push(key.project_id, table, rows))
        return json_response(_answer(accepted).document(), 202)

    @app.post("/v1/custom-cicd", tags=TAGS, **describe.custom_cicd())
    async def custom_cicd(request: Request) -> Response:
        services = services_of(request)
        key = await _writer(request)
        run = run_of(await read_object(request))
        accepted = await services.receiver.take(Push(key.project_id, TABLES[run.table], [run.row]))
        if accepted.refusals:
            details = [Detail(refusal.column, refusal.reason) for refusal in accepted.refusals]
            raise _printable(InvalidRequest("The run cannot be taken", code="invalid_run", details=details))
        body = RunBody(status="accepted", table=run.table, id=run.id)
        if run.warnings:
            body.warnings = [printable(warning) for warning in run.warnings]
        return json_response(body.document(), 202)


async def _writer(request: Request) -> ApiKey:
    """The key of the request, checked before a byte of the body is read."""
    services = services_of(request)
    if services.known(request):  # no look-up, so no need to leave the event loop
        return services.caller(request, WRITE)
    return await run_in_threadpool(services.caller, request, WRITE)


def table_of(name: str) -> Table:
    """The table of an address. Raises ``NotFound`` naming those there are."""
    if name not in TABLES:
        raise NotFound(
            f"There is no table {printable(name)[:80]!r}; tables are {', '.join(TABLES)}", code="unknown_table"
        )
    return TABLES[name]


def rows_of(text: str, kind: str) -> list[Any]:
    """The rows in a body of type ``kind``: objects with numbers as texts, or why one is none. Raises ``InvalidRequest``
    if it is no list of rows at all, ``TooLarge`` for too many."""
    rows = _lines(text) if kind in NDJSON else _elements(text)
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"The body has {len(rows)} rows; at most {MAX_ROWS} are taken at a time")
    return rows


def _lines(text: str) -> list[Any]:
    rows: list[Any] = []
    for line in text.split("\n"):
        try:
            parsed: Any = parsed_line(line.encode())
        except RowRefused as refused:
            parsed = refused
        if parsed is not None:
            rows.append(parsed)
    return rows


def _elements(text: str) -> list[Any]:
    if not text.strip():
        raise malformed("it is empty; send a JSON array of rows")
    try:
        document = parsed_document(text)
    except json.JSONDecodeError as error:
        raise malformed(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise malformed("it is nested too deeply") from None
    if isinstance(document, RowRefused):
        raise malformed(f"{printable(document.column)}: {document.reason}" if document.column else document.reason)
    if isinstance(document, dict):
        if set(document) != {"rows"}:
            raise malformed('it is an object; send an array of rows, or {"rows": […]} and nothing else')
        document = document["rows"]
    if not isinstance(document, list):
        what = "no array" if isinstance(document, RowRefused) else kind_of(document)
        raise malformed(f"it is {what}; send an array of rows")
    return document


def _answer(accepted: Accepted) -> PushedBody:
    """Raises ``InvalidRequest`` if no row was good."""
    errors = [_error(refusal) for refusal in accepted.refusals[:KEPT_ERRORS]]
    if accepted.refused_rows and not accepted.rows:
        first = f"rows[{errors[0].row}]{'.' if errors[0].field else ''}{errors[0].field}: {errors[0].message}"
        raise InvalidRequest(
            f"No row was taken, {accepted.refused_rows} refused; the first: {first}",
            code="invalid_rows",
            details=[
                Detail(f"rows[{each.row}]" + (f".{each.field}" if each.field else ""), each.message) for each in errors
            ],
        )
    body = PushedBody(accepted=accepted.rows, rejected=accepted.refused_rows, errors=errors)
    if accepted.unknown:
        body.warnings = [printable(f"{name}: left out; {why}") for name, why in accepted.unknown.items()]
    return body


def _error(refusal: Refusal) -> RowErrorBody:
    value = f" ({refusal.value[:80]!r})" if refusal.value else ""
    return RowErrorBody(row=refusal.line, field=printable(refusal.column), message=printable(refusal.reason + value))


def _printable(error: InvalidRequest) -> InvalidRequest:
    details: Sequence[Detail] = [Detail(printable(each.field), printable(each.message)) for each in error.details]
    return InvalidRequest(printable(error.message), code=error.code, details=details)
