"""The routes of a kind of export: create, list, poll, cancel, download, and the catalogue of what can be exported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import Json, new_router, refusals, text_headers
from leadline.api.body import json_body
from leadline.api.caller import Caller, Creator, LimitedReader
from leadline.api.exports.download import DownloadHeaders, DownloadQuery, FileHeaders, respond
from leadline.api.exports.models import CatalogueBody, ListQuery, MetricBody
from leadline.exports import service
from leadline.exports.asking import Asking
from leadline.exports.export_kind import ExportKind
from leadline.json_body import Body

BodyT = TypeVar("BodyT", bound=Body)

ExportId = Annotated[str, Path(alias="exportId", min_length=1, description="As the create answer names it.")]

_CacheControl = Annotated[
    list[str] | None,
    Header(
        alias="Cache-Control",
        description="`no-cache` makes a new export whatever is there to reuse.",
        examples=["no-cache"],
    ),
    WithJsonSchema({"type": "string", "pattern": "^[ -~]*$"}),
]

_MEDIA = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    "application/gzip": {"schema": {"type": "string", "format": "binary"}},
}
_FILE_HEADERS = text_headers(
    ETag="Strong validator of these bytes.",
    Content_Disposition="The file's name.",
    Accept_Ranges="`bytes`.",
    Vary="`Accept-Encoding`.",
)
_WHOLE = {"description": "The file.", "content": _MEDIA, "headers": _FILE_HEADERS}
_PART = {
    "description": "The range asked for.",
    "content": _MEDIA,
    "headers": {**_FILE_HEADERS, **text_headers(Content_Range="Which bytes.")},
}
_UNCHANGED = {"description": "The client has it already."}


@cache  # making the models of a route takes longer than most requests
def export_routes(kind: ExportKind) -> APIRouter:
    """The routes of ``kind``."""
    router = new_router("exports")
    for path, name in zip(kind.paths, _names_of(kind), strict=True):
        _add_one(router, kind, path, name)  # first: routes are tried in this order, and polls are asked for most often
    _add_create(router, kind)
    for path, name in zip(kind.paths, _names_of(kind), strict=True):
        _add_list(router, kind, path, name)
        _add_download(router, kind, path, name)
    _add_catalogue(router, kind)
    return router


def _names_of(kind: ExportKind) -> list[str]:
    """What operations are named by, for each path under which exports that are there are found."""
    return [_joined(name) for name in (kind.name, *kind.also_called)]


def _joined(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def names_of(kind: ExportKind) -> tuple[str, str]:
    """The kind's name in operation ids, and after its article."""
    return _joined(kind.name), f"{'an' if kind.name[0] in 'aeiou' else 'a'} {kind.name}"


def _add_create(router: APIRouter, kind: ExportKind) -> None:
    name, a_kind = names_of(kind)
    read = Depends(json_body(kind.model, "Unknown members are ignored and reported as `warnings`."))

    @router.post(
        kind.path,
        operation_id=f"create{name}Export",
        summary=f"Create {a_kind} export",
        status_code=202,
        response_model=kind.created_body,
        response_description="A new export was queued.",
        responses={
            200: {"model": kind.reused_body, "description": "An identical export is there and will do."},
            **refusals(409, 410),
        },
    )
    def create(
        request: Request, caller: Creator, cache_control: _CacheControl = None, body: dict[str, Any] = read
    ) -> Response:
        created = service.create(
            caller.project,
            body,
            kind=kind.name,
            created_by=caller.key.id,
            now=caller.now,
            fresh=_fresh(cache_control or ()),
            access=caller.access,
        )
        request.state.export = created.export.id
        if created.reused:
            return Json(kind.reused_body.of(created, kind.reused))
        return Json(_completed(kind, caller, kind.created_body.of(created, kind.created)), 202)


def _fresh(cache_control: Sequence[str]) -> bool:
    return any(directive.strip() == "no-cache" for directive in ",".join(cache_control).lower().split(","))


def _completed(kind: ExportKind, caller: Caller, body: BodyT) -> BodyT:
    """``body`` with all that it tells beside the rows of exports."""
    if kind.complete is not None:
        kind.complete(Asking(caller.project, caller.access, caller.key.id), body)
    return body


def _add_list(router: APIRouter, kind: ExportKind, path: str, name: str) -> None:
    @router.get(
        path,
        operation_id=f"list{name}Exports",
        summary=f"List {kind.name} exports",
        response_model=kind.list_body,
        response_description="One page of exports.",
    )
    def list_exports(caller: LimitedReader, query: Annotated[ListQuery, Query()]) -> Response:
        page = service.listed(caller.project, kind.name, query.filter(caller.key.id), caller.access)
        return Json(_completed(kind, caller, kind.list_body.of(page, kind.file_path, caller.now)))


def _add_catalogue(router: APIRouter, kind: ExportKind) -> None:
    name, _ = names_of(kind)
    if not kind.catalogue():
        return

    @router.get(
        kind.catalogue_path,
        operation_id=f"list{name}Metrics",
        summary=f"List the {kind.name} metrics",
        response_description="Every metric, in the order of the file's columns.",
    )
    def list_metrics(_caller: LimitedReader) -> CatalogueBody:
        return CatalogueBody(
            metrics=[MetricBody.model_validate(metric, from_attributes=True) for metric in kind.catalogue()]
        )


def _add_one(router: APIRouter, kind: ExportKind, at: str, name: str) -> None:
    _, a_kind = names_of(kind)

    @router.get(
        at + "/{exportId}",
        operation_id=f"get{name}Export",
        summary=f"Poll {a_kind} export",
        response_model=kind.export_body,
        response_description="The export as it is now.",
        responses=refusals(404),
    )
    def poll(caller: LimitedReader, export_id: ExportId) -> Response:
        export = service.get(caller.project, export_id, kind=kind.name, access=caller.access)
        # An answer that FastAPI writes would wait for a thread once more.
        return Json(_completed(kind, caller, kind.export_body.of(export, kind.file_path, caller.now)))

    def cancel(caller: LimitedReader, export_id: ExportId) -> Response:
        now = caller.now
        export = service.cancel(caller.project, export_id, kind=kind.name, now=now, access=caller.access)
        return Json(_completed(kind, caller, kind.export_body.of(export, kind.file_path, now)))

    for verb, method, path in (("delete", "DELETE", "/{exportId}"), ("cancel", "POST", "/{exportId}/cancel")):
        router.add_api_route(
            at + path,
            cancel,
            methods=[method],
            operation_id=f"{verb}{name}Export",
            summary=f"Cancel {a_kind} export",
            response_model=kind.export_body,
            response_description="The export, now cancelled.",
            responses=refusals(404, 409),
        )


def _add_download(router: APIRouter, kind: ExportKind, at: str, name: str) -> None:
    _, a_kind = names_of(kind)
    path = at + "/{exportId}/download"

    def send(caller: LimitedReader, export_id: str, headers: FileHeaders, query: DownloadQuery) -> Response:
        stored = service.stored_file(caller.project, export_id, kind=kind.name, now=caller.now, access=caller.access)
        return respond(stored, headers, query.encoding)

    @router.get(
        path,
        operation_id=f"download{name}Export",
        summary=f"Download {a_kind} export's file",
        response_class=Response,
        responses={200: _WHOLE, 206: _PART, 304: _UNCHANGED, **refusals(404, 409, 416)},
    )
    def download(
        caller: LimitedReader,
        export_id: ExportId,
        headers: Annotated[DownloadHeaders, Header()],
        query: Annotated[DownloadQuery, Query()],
    ) -> Response:
        return send(caller, export_id, headers, query)

    @router.head(
        path,
        operation_id=f"head{name}Export",
        summary=f"The headers of {a_kind} export's file",
        response_class=Response,
        responses={200: _WHOLE, 304: _UNCHANGED, **refusals(404, 409)},
    )
    def head(
        caller: LimitedReader,
        export_id: ExportId,
        headers: Annotated[FileHeaders, Header()],
        query: Annotated[DownloadQuery, Query()],
    ) -> Response:
        return send(caller, export_id, headers, query)
