"""The routes for whoever runs the server. They tell nothing of any tenant and need no key."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from leadline.api.answers import NO_STORE, Json, new_router
from leadline.api.app_state import State
from leadline.api.openapi import openapi_document
from leadline.api.operations.models import HealthBody, ReadyBody

router = new_router("operations")


@router.get("/healthz", response_description="It does.")
async def health() -> HealthBody:
    """Whether the server answers."""
    return HealthBody(status="ok")


@router.get("/readyz", response_description="Database, disk and workers are usable.")
def ready(state: State) -> ReadyBody:
    """Whether the server can do its work."""
    return ReadyBody(status="ready", checks=state.monitor.ready())


@router.get("/metrics", response_class=PlainTextResponse, response_description="Prometheus' text format.")
def metrics(state: State) -> Response:
    """Figures for Prometheus."""
    text = state.monitor.exposition()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=NO_STORE)


@router.get("/openapi.json", response_model=dict[str, Any], response_description="OpenAPI 3.1.")
def openapi(request: Request) -> Response:
    """This document."""
    return Json(openapi_document(request.app))
