"""The routes of developers: a list is uploaded, reviewed and put in force; single ones are changed, listed, downloaded.

Requests come in, answers go out; what a list may say and how it becomes an org tree is decided by ``leadline.people``. Every
route has the documented current spelling, and the older ones beside it.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.app_state import query_of, services_of
from leadline.api.auth import ADMIN, READ
from leadline.api.body import kind_of, malformed, read_object, read_value
from leadline.api.errors import NO_STORE, json_response
from leadline.api.people import describe
from leadline.api.people.models import ChangedBody, DeveloperBody, DevelopersBody, SchemaBody, VersionBody
from leadline.api.people.query import (
    ListRequest,
    check_fields,
    developers_of,
    emails_of,
    list_request,
    mappings_of,
    tree_name,
    wants_csv,
)
from leadline.api.people.uploads import read_upload
from leadline.db import developer_uploads as uploads
from leadline.db.keys import ApiKey
from leadline.engine.output import neutralized
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.people import changes, versions
from leadline.people import trees as all_trees
from leadline.people.default_tree import chosen_tree
from leadline.people.fields import FIELDS
from leadline.people.records import Record, fields_of, records, selected
from leadline.people.tree import OrgTree

Endpoint = Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]

TAGS: list[str | Enum] = ["people"]
DEVELOPERS = "/v2/developers"
VERSION = DEVELOPERS + "/versions/{versionId}"
UPLOAD = DEVELOPERS + "/uploads/{uploadId}"

MAX_ROWS = 10_000
MAX_BYTES = 4 << 20
"""Most developers in one change, and the largest body that has them."""


def add_developer_routes(app: FastAPI) -> None:
    """Add the routes to ``app``."""
    _upload_routes(app)
    _version_routes(app)
    app.get(DEVELOPERS, tags=TAGS, **describe.listed("listDevelopers", "List or download developers"))(_list)
    app.patch(DEVELOPERS, tags=TAGS, **describe.upsert("upsertDevelopers", "Add or change developers"))(
        _change(developers_of, changes.upsert)
    )
    app.delete(DEVELOPERS, tags=TAGS, **describe.delete("deleteDevelopers", "Remove developers"))(
        _change(emails_of, changes.delete)
    )
    app.get(DEVELOPERS + "/schema", tags=TAGS, **describe.schema("getDeveloperSchema", "The fields of developers"))(
        _schema
    )
    app.post(
        DEVELOPERS + "/list",
        tags=TAGS,
        **describe.listed("searchDevelopers", "List developers (older spelling)", search=True),
    )(_search)
    app.get(
        DEVELOPERS + "/download",
        tags=TAGS,
        **describe.download("downloadDevelopers", "Download all developers (older spelling)"),
    )(_download)


def _upload_routes(app: FastAPI) -> None:
    first, again = _upload(again=False), _upload(again=True)
    app.post(DEVELOPERS, tags=TAGS, **describe.upload("uploadDevelopers", "Upload a list of developers"))(first)
    app.put(
        DEVELOPERS,
        tags=TAGS,
        **describe.upload("reuploadDevelopers", "Upload the list of developers again", again=True),
    )(again)
    app.post(
        DEVELOPERS + "/upload",
        tags=TAGS,
        **describe.upload("uploadDevelopersOlder", "Upload a list of developers (older spelling)"),
    )(first)
    app.post(
        DEVELOPERS + "/reupload",
        tags=TAGS,
        **describe.upload(
            "reuploadDevelopersOlder", "Upload the list of developers again (older spelling)", again=True
        ),
    )(again)


def _version_routes(app: FastAPI) -> None:
    app.get(VERSION, tags=TAGS, **describe.version("getDevelopersVersion", "Review a version"))(_version)
    app.put(
        VERSION + "/fieldMappings",
        tags=TAGS,
        **describe.map_fields("mapDeveloperFields", "Map a version's columns to fields", "versionId"),
    )(_map_fields("versionId", save=False))
    app.patch(
        VERSION,
        tags=TAGS,
        **describe.activate("activateDevelopersVersion", "Put a version in force", "versionId", body=True),
    )(_patch_version)
    app.post(
        UPLOAD + "/save",
        tags=TAGS,
        **describe.map_fields("saveDevelopersUpload", "Map columns and put in force (older spelling)", "uploadId"),
    )(_map_fields("uploadId", save=True))
    app.post(
        UPLOAD + "/approve",
        tags=TAGS,
        **describe.activate("approveDevelopersUpload", "Put in force (older spelling)", "uploadId", body=False),
    )(_approve)


# -- versions ------------------------------------------------------------------------------------------------------------


def _upload(*, again: bool) -> Callable[[Request], Awaitable[Response]]:
    async def upload(request: Request) -> Response:
        services = services_of(request)
        key = await run_in_threadpool(services.caller, request, ADMIN)
        query = query_of(request)
        check_file_type(query.get("fileType", ()))
        file = await read_upload(request)
        version = await run_in_threadpool(
            versions.upload,
            services.project(key),
            file.data,
            file.name,
            tree_name=tree_name(query, file.fields),
            again=again,
            upload_id=f"ver_{secrets.token_hex(10)}",
            created_by=key.id,
            now=services.now(),
        )
        return json_response(VersionBody.of(version).document())

    return upload


def check_file_type(given: Sequence[str]) -> None:
    """Lists are CSV; saying nothing means that, too."""
    if refused := [text for text in given if text.strip().lower() not in ("", "csv")]:
        raise InvalidRequest(
            f"Unsupported fileType: {refused[0][:80]!r}; supported: CSV",
            code="unsupported_file_type",
            details=[Detail("fileType", "CSV")],
        )


def _version(request: Request) -> Response:
    services = services_of(request)
    key = services.caller(request, READ)
    query_of(request)
    found = versions.version(services.project(key), _id(request, "versionId"))
    return json_response(VersionBody.of(found).document())


def _map_fields(parameter: str, *, save: bool) -> Callable[[Request], Awaitable[Response]]:
    async def map_fields(request: Request) -> Response:
        services = services_of(request)
        key = await run_in_threadpool(services.caller, request, ADMIN)
        query_of(request)
        mapping = mappings_of(await read_object(request))
        version = await run_in_threadpool(
            versions.map_fields,
            services.project(key),
            _id(request, parameter),
            mapping,
            now=services.now(),
            save=save,
        )
        return json_response(VersionBody.of(version).document())

    return map_fields


async def _patch_version(request: Request) -> Response:
    key = await run_in_threadpool(services_of(request).caller, request, ADMIN)
    body = await read_object(request)
    if body.get("active") is not True:
        raise InvalidRequest(
            'Send {"active": true}; a version ends by putting another one in force',
            code="invalid_request",
            details=[Detail("active", "true")],
        )
    return await run_in_threadpool(_activate, request, key, "versionId")


def _approve(request: Request) -> Response:
    return _activate(request, services_of(request).caller(request, ADMIN), "uploadId")


def _activate(request: Request, key: ApiKey, parameter: str) -> Response:
    services = services_of(request)
    query_of(request)
    version = versions.activate(services.project(key), _id(request, parameter), now=services.now())
    return json_response(VersionBody.of(version).document())


def _id(request: Request, parameter: str) -> str:
    """The upload's id in the address; one that no database could hold is nobody's."""
    text: str = request.path_params[parameter]
    if not text.isascii() or not text.isprintable():
        raise NotFound("There is no such version of the developers", code="unknown_version")
    return text


# -- single developers ---------------------------------------------------------------------------------------------------


def _change(
    read: Callable[[Any], Sequence[Any]], apply: Callable[..., changes.Changed]
) -> Callable[[Request], Awaitable[Response]]:
    """The route of a change of single developers: ``read`` takes them from the body, ``apply`` puts them in force."""

    async def change(request: Request) -> Response:
        services = services_of(request)
        key = await run_in_threadpool(services.caller, request, ADMIN)
        name = tree_name(query_of(request))
        # Before the list itself is judged: without developers in force no list can be right.
        await run_in_threadpool(chosen_tree, services.project(key), name)
        given = read(await read_value(request, MAX_BYTES))
        _check_count(given)
        changed = await run_in_threadpool(apply, services.project(key), given, tree_name=name, now=services.now())
        return json_response(ChangedBody.of(changed).document())

    return change


def _check_count(rows: Sequence[Any]) -> None:
    if len(rows) > MAX_ROWS:
        raise InvalidRequest(
            f"The body has {len(rows)} developers; at most {MAX_ROWS} are taken at a time: upload a list instead",
            code="too_many_rows",
        )


# -- lists ---------------------------------------------------------------------------------------------------------------


def _list(request: Request) -> Response:
    services = services_of(request)
    key = services.caller(request, READ)
    wanted = list_request(query_of(request))
    tree, found = _selected(request, key, wanted)
    if wants_csv(request.headers.getlist("accept")):
        return _csv(found)
    return _page(tree, found, wanted)


async def _search(request: Request) -> Response:
    key = await run_in_threadpool(services_of(request).caller, request, READ)
    query = query_of(request)
    body = await read_value(request)
    if not isinstance(body, dict):
        raise malformed(f"it is {kind_of(body)}; send an object")
    wanted = list_request(query, body)
    tree, found = await run_in_threadpool(_selected, request, key, wanted)
    return _page(tree, found, wanted)


def _download(request: Request) -> Response:
    services = services_of(request)
    key = services.caller(request, READ)
    _, found = _selected(request, key, list_request({"orgTreeName": query_of(request).get("orgTreeName", [])}))
    return _csv(found)


def _selected(request: Request, key: ApiKey, wanted: ListRequest) -> tuple[OrgTree | None, list[Record]]:
    """The tree and those of its developers that are wanted; nobody while there is no tree and none is named."""
    project = services_of(request).project(key)
    if wanted.tree is None and not all_trees(project):
        return None, []
    tree = chosen_tree(project, wanted.tree)
    found = records(tree)
    check_fields(wanted.wanted, found)
    return tree, selected(found, wanted.wanted)


def _page(tree: OrgTree | None, found: Sequence[Record], wanted: ListRequest) -> Response:
    start = wanted.page * wanted.limit
    body = DevelopersBody(
        developers=[DeveloperBody.of(record) for record in found[start : start + wanted.limit]],
        page=wanted.page,
        limit=wanted.limit,
        total=len(found),
        org_tree_name=None if tree is None else tree.name,
        org_tree_version=None if tree is None else tree.version,
    )
    return json_response(body.document())


def _csv(found: Sequence[Record]) -> Response:
    """A developers CSV as uploads take it; texts that a spreadsheet would run have a `'` before them."""
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\r\n")
    names = fields_of(found)
    writer.writerow([neutralized(name) for name in names])
    for record in found:
        values = record.values
        writer.writerow([neutralized(values.get(name, "")) for name in names])
    headers = {
        **NO_STORE,
        "Content-Type": "text/csv",
        "Content-Disposition": 'attachment; filename="developers.csv"',
        "Vary": "Accept",
    }
    return Response(output.getvalue().encode(), headers=headers)


def _schema(request: Request) -> Response:
    services = services_of(request)
    key = services.caller(request, READ)
    name = tree_name(query_of(request))
    if name is None and not all_trees(services.project(key)):
        return json_response(SchemaBody.of(FIELDS, {}).document())
    tree = chosen_tree(services.project(key), name)
    mappings = uploads.newest_mappings(services.home.db, key.project_id, tree.name)
    headers = {field: title for title, field in mappings.items() if field}
    return json_response(SchemaBody.of(fields_of(records(tree)), headers).document())
