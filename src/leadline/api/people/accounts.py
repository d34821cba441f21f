"""The routes that say whose accounts are whose: cloud ids by email, as JSON or as a CSV (vendor docs, "Upload developer
cloud IDs").

Requests come in; rows of ``identities`` go the way that ``leadline identities set`` takes, and what became of each goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.app_state import query_of, services_of
from leadline.api.auth import WRITE
from leadline.api.body import TooLarge, read_value
from leadline.api.errors import json_response
from leadline.api.models import RowErrorBody
from leadline.api.people import describe
from leadline.api.people.models import CloudIdsBody
from leadline.api.people.query import accounts_of
from leadline.api.people.uploads import read_upload
from leadline.db.keys import ApiKey
from leadline.errors import Detail, InvalidInput, InvalidRequest
from leadline.ingest.identities import AccountMapping, RefusedMapping, set_identities
from leadline.people.csv_file import normalized, peek
from leadline.people.error_types import documented
from leadline.people.violations import Violations, text_problem

TAGS: list[str | Enum] = ["people"]
CLOUD_IDS = "/v2/developers/cloud-ids"

MAX_ROWS = 10_000
MAX_BYTES = 4 << 20
KEPT_ERRORS = 1_000

_COLUMNS = {
    **dict.fromkeys(("email",), "email"),
    **dict.fromkeys(("applicationtype", "source"), "applicationType"),
    **dict.fromkeys(("cloudid", "account", "accountid"), "cloudId"),
}
"""Members by the titles of a CSV's columns, without what is between words."""

_EDITIONS = ("_cloud", "_server", "_enterprise", "_data_center", "_dc", "_self_managed", "_on_prem")
_SOURCES = {"azure_devops": "azure", "azure_boards": "azure-boards"}


def add_account_routes(app: FastAPI) -> None:
    """Add both routes to ``app``."""

    @app.post(CLOUD_IDS, tags=TAGS, **describe.cloud_ids("putCloudIds", "Say whose accounts are whose", file=False))
    async def cloud_ids(request: Request) -> Response:
        key = await run_in_threadpool(services_of(request).caller, request, WRITE)
        query_of(request)
        rows = accounts_of(await read_value(request, MAX_BYTES))
        return await run_in_threadpool(_taken, request, key, rows)

    @app.post(
        CLOUD_IDS + "/upload",
        tags=TAGS,
        **describe.cloud_ids("uploadCloudIds", "Say whose accounts are whose, as CSV", file=True),
    )
    async def upload(request: Request) -> Response:
        key = await run_in_threadpool(services_of(request).caller, request, WRITE)
        query_of(request)
        file = await read_upload(request)
        rows = await run_in_threadpool(csv_rows, file.data, file.name)
        return await run_in_threadpool(_taken, request, key, rows)


def source_of(application_type: str) -> str:
    """The source of rows that an application type names: `GITLAB_CLOUD` is `gitlab`, whichever edition it is."""
    name = application_type.strip().lower().replace("-", "_").replace(" ", "_")
    for edition in _EDITIONS:
        name = name.removesuffix(edition)
    return _SOURCES.get(name, name)


def csv_rows(data: bytes, name: str) -> list[Mapping[str, Any]]:
    """The rows of an accounts CSV. Raises ``InvalidInput`` if it cannot be read or lacks a column."""
    violations = Violations(name)
    try:
        titles, rows = peek(data, violations, MAX_ROWS + 1)
        members = [_COLUMNS.get(normalized(title).replace("_", "")) for title in titles]
        for member in dict.fromkeys(_COLUMNS.values()):
            if members.count(member) != 1:
                what = "MISSING_COLUMN" if member not in members else "DUPLICATE_COLUMN"
                violations.row(1, f"{what}: {member}; columns are email, applicationType, cloudId")
        if not rows:
            violations.add(2, name, "EMPTY_FILE: it has no rows")
        violations.check()
    except InvalidInput as error:
        told = documented(error)
        raise InvalidInput(told.message, code="invalid_identities", details=told.details) from None
    return [
        {member: cell for member, cell in zip(members, cells, strict=False) if member is not None} for cells in rows
    ]


def _taken(request: Request, key: ApiKey, rows: Sequence[Mapping[str, Any]]) -> Response:
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"There are more than {MAX_ROWS} accounts, the most that is taken at a time")
    services = services_of(request)
    refused: list[RowErrorBody] = []
    good: list[tuple[int, AccountMapping]] = []
    for place, row in enumerate(rows):
        mapping = _mapping(place, row, refused)
        if mapping is not None:
            good.append((place, mapping))
    project = services.project(key)
    outcome = set_identities(
        project,
        rows=[mapping for _, mapping in good],
        now=services.now(),
    )
    refused += [_error(good[each.place][0], each) for each in outcome.refusals]
    return _answer(outcome.taken, len(rows) - outcome.taken, sorted(refused, key=lambda each: each.row))


def _mapping(place: int, row: Mapping[str, Any], refused: list[RowErrorBody]) -> AccountMapping | None:
    """The mapping of a row, or None and why it is none."""
    texts: dict[str, str] = {}
    problems = []
    for member in ("email", "applicationType", "cloudId"):
        value = row.get(member)
        text = str(value) if type(value) is int and value.bit_length() <= 128 else value
        if not isinstance(text, str) or not text.strip():
            problems.append((member, "REQUIRED_VALUE_MISSING: a text is needed"))
        elif problem := text_problem(text):
            problems.append((member, problem))
        else:
            texts[member] = text.strip()
    refused += [RowErrorBody(row=place, field=member, message=message) for member, message in problems]
    if problems:
        return None
    return AccountMapping(source_of(texts["applicationType"]), texts["cloudId"], texts["email"])


_FIELDS = {"unknown_developer": "email", "conflicting_identity": "cloudId"}


def _error(place: int, refusal: RefusedMapping) -> RowErrorBody:
    return RowErrorBody(row=place, field=_FIELDS.get(refusal.error.code, ""), message=refusal.error.message)


def _answer(taken: int, rejected: int, errors: Sequence[RowErrorBody]) -> Response:
    """Raises ``InvalidRequest`` if no row was good."""
    kept = list(errors[:KEPT_ERRORS])
    if not taken:
        first = f"rows[{kept[0].row}].{kept[0].field}: {kept[0].message}"
        raise InvalidRequest(
            f"No identity was taken, {rejected} refused; the first: {first}",
            code="invalid_identities",
            details=[Detail(f"rows[{each.row}].{each.field}", each.message) for each in kept],
        )
    body = CloudIdsBody(
        status="partial" if rejected else "success",
        message=f"{rejected} identities were refused, the others updated."
        if rejected
        else "Developer identities updated successfully.",
        accepted=taken,
        rejected=rejected,
        errors=kept,
    )
    return json_response(body.document())
