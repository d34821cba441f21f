"""The routes that say whose accounts are whose: cloud ids by email, as JSON or as a CSV (vendor docs, "Upload developer
cloud IDs"). They do what ``leadline identities set`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends

from leadline.api.answers import RowErrorBody, new_router
from leadline.api.body import TooLarge
from leadline.api.caller import Caller, Writer
from leadline.api.people.bodies import ACCOUNTS, MAX_ROWS
from leadline.api.people.models import CloudIdsBody
from leadline.api.people.uploads import ACCOUNTS_FILE, UploadedFile
from leadline.errors import Detail, InvalidInput, InvalidRequest
from leadline.ingest.identities import AccountMapping, RefusedMapping, set_identities
from leadline.people.csv_file import peek
from leadline.people.error_types import documented
from leadline.people.titles import normalized
from leadline.people.violations import Violations, text_problem

router = new_router("people")

KEPT_ERRORS = 1_000
"""Refused values told in an answer; the rest is only counted."""

_ANSWERED = "The good ones are stored; refused ones are told one by one."

_COLUMNS = {
    **dict.fromkeys(("email",), "email"),
    **dict.fromkeys(("applicationtype", "source"), "applicationType"),
    **dict.fromkeys(("cloudid", "account", "accountid"), "cloudId"),
}
"""Members by the titles of a CSV's columns, without what is between words."""

_EDITIONS = ("_cloud", "_server", "_enterprise", "_data_center", "_dc", "_self_managed", "_on_prem")
_SOURCES = {"azure_devops": "azure", "azure_boards": "azure-boards"}


@router.post("/v2/developers/cloud-ids", response_description=_ANSWERED)
def put_cloud_ids(caller: Writer, rows: Annotated[list[Mapping[str, Any]], Depends(ACCOUNTS)]) -> CloudIdsBody:
    """Say whose accounts are whose."""
    return _stored(caller, rows)


@router.post("/v2/developers/cloud-ids/upload", response_description=_ANSWERED)
def upload_cloud_ids(caller: Writer, file: Annotated[UploadedFile, Depends(ACCOUNTS_FILE)]) -> CloudIdsBody:
    """Say whose accounts are whose, as CSV."""
    return _stored(caller, csv_rows(file.data, file.name))


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
        as_documented = documented(error)
        raise InvalidInput(as_documented.message, code="invalid_identities", details=as_documented.details) from None
    return [
        {member: cell for member, cell in zip(members, cells, strict=False) if member is not None} for cells in rows
    ]


def _stored(caller: Caller, rows: Sequence[Mapping[str, Any]]) -> CloudIdsBody:
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"There are more than {MAX_ROWS} accounts, the most that is taken at a time")
    refused: list[RowErrorBody] = []
    good: list[tuple[int, AccountMapping]] = []
    for position, row in enumerate(rows):
        mapping = _mapping(position, row, refused)
        if mapping is not None:
            good.append((position, mapping))
    outcome = set_identities(caller.project, rows=[mapping for _, mapping in good], now=caller.now)
    refused += [_error(good[refusal.position][0], refusal) for refusal in outcome.refusals]
    return _answer(outcome.taken, len(rows) - outcome.taken, sorted(refused, key=lambda error: error.row))


def _mapping(position: int, row: Mapping[str, Any], refused: list[RowErrorBody]) -> AccountMapping | None:
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
    refused += [RowErrorBody(row=position, field=member, message=message) for member, message in problems]
    if problems:
        return None
    return AccountMapping(source_of(texts["applicationType"]), texts["cloudId"], texts["email"])


_FIELDS = {"unknown_developer": "email", "conflicting_identity": "cloudId"}


def _error(position: int, refusal: RefusedMapping) -> RowErrorBody:
    return RowErrorBody(row=position, field=_FIELDS.get(refusal.error.code, ""), message=refusal.error.message)


def _answer(taken: int, rejected: int, errors: Sequence[RowErrorBody]) -> CloudIdsBody:
    """Raises ``InvalidRequest`` if no row was good."""
    kept = list(errors[:KEPT_ERRORS])
    if not taken:
        first = f"rows[{kept[0].row}].{kept[0].field}: {kept[0].message}"
        raise InvalidRequest(
            f"No identity was taken, {rejected} refused; the first: {first}",
            code="invalid_identities",
            details=[Detail(f"rows[{error.row}].{error.field}", error.message) for error in kept],
        )
    return CloudIdsBody(
        status="partial" if rejected else "success",
        message=f"{rejected} identities were refused, the others updated."
        if rejected
        else "Developer identities updated successfully.",
        accepted=taken,
        rejected=rejected,
        errors=kept,
    )
