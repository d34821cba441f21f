"""The routes by which a list of developers is uploaded, reviewed and put in force; what it may say is decided by
``leadline.people``. Every route has the documented current spelling, and the older one beside it."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from leadline.api.answers import new_router, refusals
from leadline.api.caller import Admin, Caller, Reader
from leadline.api.people.bodies import ACTIVATION, MAPPINGS
from leadline.api.people.models import VersionBody
from leadline.api.people.query import ChangeQuery, TreeQuery
from leadline.api.people.uploads import DEVELOPERS_FILE, UploadedFile
from leadline.api.query import only, read
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.people import versions

router = new_router("people")

_DRAFT = "A draft: its preview, the field mappings proposed, and its errors."
_MAPPED = "The version under this mapping."
_IN_FORCE = "The version, now in force."


def _possible(text: str) -> str:
    """An upload's id that a database could hold; another one is nobody's."""
    if not text.isascii() or not text.isprintable():
        raise NotFound("There is no such version of the developers", code="unknown_version")
    return text


_NAMED_BY = "As the upload's answer names it."
VersionId = Annotated[str, Path(alias="versionId", min_length=1, description=_NAMED_BY), AfterValidator(_possible)]
UploadId = Annotated[str, Path(alias="uploadId", min_length=1, description=_NAMED_BY), AfterValidator(_possible)]
Mappings = Annotated[dict[str, str], Depends(MAPPINGS)]


def _unsupported(text: str) -> InvalidRequest:
    message = f"Unsupported fileType: {text[:80]!r}; supported: CSV"
    return InvalidRequest(message, code="unsupported_file_type", details=[Detail("fileType", "CSV")])


async def _only_csv(
    _type: Annotated[
        str, only("CSV", _unsupported), Query(alias="fileType", description="The only type of file there is.")
    ] = "CSV",
) -> None:
    """Lists are CSV; saying nothing means that, too."""


CsvFile = Annotated[None, Depends(_only_csv)]
File = Annotated[UploadedFile, Depends(DEVELOPERS_FILE)]
Tree = Annotated[TreeQuery, Query()]
From = Annotated[ChangeQuery, Query()]


def _uploaded(caller: Caller, tree: TreeQuery, file: UploadedFile, *, again: bool) -> VersionBody:
    name = TreeQuery.__pydantic_fields__["org_tree_name"].alias or ""
    names = [text for text in (tree.org_tree_name, file.fields.get(name)) if text]
    version = versions.upload(
        caller.project,
        file.data,
        file.name,
        tree_name=read(TreeQuery, {name: names}).org_tree_name,
        again=again,
        upload_id=f"ver_{secrets.token_hex(10)}",
        created_by=caller.key.id,
        now=caller.now,
    )
    return VersionBody.of(version)


@router.post("/v2/developers", response_description=_DRAFT)
def upload_developers(caller: Admin, _type: CsvFile, file: File, tree: Tree) -> VersionBody:
    """Upload a list of developers."""
    return _uploaded(caller, tree, file, again=False)


@router.put("/v2/developers", response_description=_DRAFT, responses=refusals(412))
def reupload_developers(caller: Admin, _type: CsvFile, file: File, tree: Tree) -> VersionBody:
    """Upload the list of developers again."""
    return _uploaded(caller, tree, file, again=True)


@router.post("/v2/developers/upload", response_description=_DRAFT)
def upload_developers_older(caller: Admin, _type: CsvFile, file: File, tree: Tree) -> VersionBody:
    """Upload a list of developers (older spelling)."""
    return _uploaded(caller, tree, file, again=False)


@router.post("/v2/developers/reupload", response_description=_DRAFT, responses=refusals(412))
def reupload_developers_older(caller: Admin, _type: CsvFile, file: File, tree: Tree) -> VersionBody:
    """Upload the list of developers again (older spelling)."""
    return _uploaded(caller, tree, file, again=True)


@router.get("/v2/developers/versions/{versionId}", response_description="The version.", responses=refusals(404))
def get_developers_version(caller: Reader, version_id: VersionId) -> VersionBody:
    """Review a version."""
    return VersionBody.of(versions.version(caller.project, version_id))


@router.put(
    "/v2/developers/versions/{versionId}/fieldMappings", response_description=_MAPPED, responses=refusals(404, 409)
)
def map_developer_fields(caller: Admin, version_id: VersionId, mappings: Mappings, change: From) -> VersionBody:
    """Map a version's columns to fields."""
    return _mapped(caller, version_id, mappings, change, save=False)


@router.patch("/v2/developers/versions/{versionId}", response_description=_IN_FORCE, responses=refusals(404, 409, 412))
def activate_developers_version(
    caller: Admin, version_id: VersionId, since: Annotated[date | None, Depends(ACTIVATION)], change: From
) -> VersionBody:
    """Put a version in force."""
    if since is not None and change.since not in (None, since):
        message = "the parameter and the member of the body must not differ"
        raise InvalidRequest(f"Invalid from: {message}", code="invalid_date", details=[Detail("from", message)])
    return _activated(caller, version_id, change.since if since is None else since)


@router.post("/v2/developers/uploads/{uploadId}/save", response_description=_MAPPED, responses=refusals(404, 409))
def save_developers_upload(caller: Admin, upload_id: UploadId, mappings: Mappings, change: From) -> VersionBody:
    """Map columns and put in force (older spelling)."""
    return _mapped(caller, upload_id, mappings, change, save=True)


@router.post(
    "/v2/developers/uploads/{uploadId}/approve", response_description=_IN_FORCE, responses=refusals(404, 409, 412)
)
def approve_developers_upload(caller: Admin, upload_id: UploadId, change: From) -> VersionBody:
    """Put in force (older spelling)."""
    return _activated(caller, upload_id, change.since)


def _mapped(
    caller: Caller, upload_id: str, mappings: dict[str, str], change: ChangeQuery, *, save: bool
) -> VersionBody:
    return VersionBody.of(
        versions.map_fields(caller.project, upload_id, mappings, now=caller.now, save=save, since=change.since)
    )


def _activated(caller: Caller, upload_id: str, since: date | None) -> VersionBody:
    return VersionBody.of(versions.activate(caller.project, upload_id, now=caller.now, since=since))
