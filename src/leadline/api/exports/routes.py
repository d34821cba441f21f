"""The routes of exports: create, list, poll, download, cancel, and the catalogue of what can be exported.

A kind of export is a declaration (``ExportKind``); ``routes`` makes its routes. Each reads the request, asks
``leadline.exports.service`` and shapes the answer; rules about exports are there, not here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api import describe
from leadline.api.app_state import query_of, services_of
from leadline.api.auth import READ
from leadline.api.body import read_object
from leadline.api.errors import json_response
from leadline.api.exports.download import respond
from leadline.api.listing import parse_list
from leadline.api.models import CatalogueBody, MetricBody
from leadline.exports import service
from leadline.exports.answers import CreatedBody
from leadline.exports.export_kind import ExportKind

Endpoint = Callable[[Request], Response]

TAGS: list[str | Enum] = ["exports"]
REUSED = "Using existing export with identical parameters"


def add_routes(app: FastAPI, kind: ExportKind) -> None:
    """Add the routes of one kind of export to ``app``."""
    one = kind.path + "/{exportId}"
    app.post(kind.path, tags=TAGS, **describe.create(kind))(_create(kind))
    app.get(kind.path, tags=TAGS, **describe.listed(kind))(_list(kind))
    app.get(one, tags=TAGS, **describe.poll(kind))(_poll(kind))
    app.delete(one, tags=TAGS, **describe.cancel(kind, "delete"))(_cancel(kind))
    app.post(one + "/cancel", tags=TAGS, **describe.cancel(kind, "cancel"))(_cancel(kind))
    app.get(one + "/download", tags=TAGS, **describe.download(kind))(_download(kind))
    app.head(one + "/download", tags=TAGS, **describe.download(kind, head=True))(_download(kind))
    app.get(kind.catalogue_path, tags=TAGS, **describe.catalogue(kind))(_catalogue(kind))


def _create(kind: ExportKind) -> Callable[[Request], Awaitable[Response]]:
    async def create(request: Request) -> Response:
        services = services_of(request)
        # The key is checked before a byte of the body is read.
        key = await run_in_threadpool(services.caller, request, READ, tenant_required=True)
        body = await read_object(request)
        created = await run_in_threadpool(
            service.create,
            services.project(key),
            body,
            kind=kind.name,
            created_by=key.id,
            now=services.now(),
            fresh=_wants_fresh(request),
        )
        request.state.export = created.export.id
        if created.reused:
            return json_response(CreatedBody.of(created, REUSED).document(), 200)
        return json_response(kind.created_body.of(created, kind.created).document(), 202)

    return create


def _wants_fresh(request: Request) -> bool:
    directives = ",".join(request.headers.getlist("cache-control")).lower().split(",")
    return any(directive.strip() == "no-cache" for directive in directives)


def _list(kind: ExportKind) -> Endpoint:
    def listed(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        wanted = parse_list(query_of(request), caller=key.id)
        page = service.listed(services.project(key), kind.name, wanted)
        return json_response(kind.list_body.of(page, kind.path, services.now()).document())

    return listed


def _poll(kind: ExportKind) -> Endpoint:
    def poll(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        export = service.get(services.project(key), request.path_params["exportId"], kind=kind.name)
        return json_response(kind.export_body.of(export, kind.path, services.now()).document())

    return poll


def _cancel(kind: ExportKind) -> Endpoint:
    def cancel(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        project, now = services.project(key), services.now()
        export = service.cancel(project, request.path_params["exportId"], kind=kind.name, now=now)
        return json_response(kind.export_body.of(export, kind.path, now).document())

    return cancel


def _download(kind: ExportKind) -> Endpoint:
    def download(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        project, now = services.project(key), services.now()
        stored = service.stored_file(project, request.path_params["exportId"], kind=kind.name, now=now)
        return respond(stored, request.headers, plain=stored.plain, head=request.method == "HEAD")

    return download


def _catalogue(kind: ExportKind) -> Endpoint:
    def metrics(request: Request) -> Response:
        services_of(request).caller(request, READ)
        body = CatalogueBody(metrics=[MetricBody.of(metric) for metric in kind.catalogue()])
        return json_response(body.document())

    return metrics
