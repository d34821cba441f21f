"""The routes of exports: create, list, poll, download, cancel, and the catalogue of what can be exported.

A kind of export is a declaration (``ExportKind``); ``routes`` makes its routes. Each reads the request, asks
``leadline.exports.service`` and shapes the answer; rules about exports are there, not here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api import describe
from leadline.api.auth import READ
from leadline.api.body import read_object
from leadline.api.download import respond
from leadline.api.errors import json_response
from leadline.api.listing import parse_list
from leadline.api.models import CatalogueBody, CreatedBody, ExportBody, ListBody, MetricBody
from leadline.api.services import query_of, services_of
from leadline.exports import service
from leadline.exports.models import ProductivityExportRequest

Endpoint = Callable[[Request], Response]

TAGS: list[str | Enum] = ["exports"]
CREATED = "Export created successfully"
REUSED = "Using existing export with identical parameters"


@dataclass(frozen=True)
class ExportKind:
    """One kind of export: ``name`` in paths and job rows, and the model that documents its request."""

    name: str
    request: type[BaseModel]

    @property
    def path(self) -> str:
        """Where the kind's exports are."""
        return f"/v2/insights/{self.name}/exports"


KINDS = (ExportKind("productivity", ProductivityExportRequest),)


def add_routes(app: FastAPI, kind: ExportKind) -> None:
    """Add the routes of one kind of export to ``app``."""
    one = kind.path + "/{exportId}"
    name = kind.name.capitalize()
    app.post(kind.path, tags=TAGS, **describe.create(name, kind.request))(_create(kind))
    app.get(kind.path, tags=TAGS, **describe.listed(name))(_list(kind))
    app.get(one, tags=TAGS, **describe.poll(name))(_poll(kind))
    app.delete(one, tags=TAGS, **describe.cancel(name, "delete"))(_cancel(kind))
    app.post(one + "/cancel", tags=TAGS, **describe.cancel(name, "cancel"))(_cancel(kind))
    app.get(one + "/download", tags=TAGS, **describe.download(name))(_download(kind))
    app.head(one + "/download", tags=TAGS, **describe.download(name, head=True))(_download(kind))


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
        answer = CreatedBody.of(created, REUSED if created.reused else CREATED)
        return json_response(answer.document(), 200 if created.reused else 202)

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
        return json_response(ListBody.of(page, kind.path, services.now()).document())

    return listed


def _poll(kind: ExportKind) -> Endpoint:
    def poll(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        export = service.get(services.project(key), request.path_params["exportId"], kind=kind.name)
        return json_response(ExportBody.of(export, kind.path, services.now()).document())

    return poll


def _cancel(kind: ExportKind) -> Endpoint:
    def cancel(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        project, now = services.project(key), services.now()
        export = service.cancel(project, request.path_params["exportId"], kind=kind.name, now=now)
        return json_response(ExportBody.of(export, kind.path, now).document())

    return cancel


def _download(kind: ExportKind) -> Endpoint:
    def download(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        project, now = services.project(key), services.now()
        stored = service.stored_file(project, request.path_params["exportId"], kind=kind.name, now=now)
        return respond(stored, request.headers, plain=stored.plain, head=request.method == "HEAD")

    return download


def add_catalogue_route(app: FastAPI) -> None:
    """Add the route of the productivity catalogue to ``app``."""

    @app.get("/v2/insights/productivity/metrics", tags=TAGS, **describe.catalogue())
    def metrics(request: Request) -> Response:
        from leadline.metrics.catalogue import CATALOGUE

        services_of(request).caller(request, READ)
        return json_response(CatalogueBody(metrics=[MetricBody.of(metric) for metric in CATALOGUE]).document())
