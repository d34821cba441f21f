"""The routes for whoever runs the server. They tell nothing of any tenant and need no key."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
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
async def ready(state: State) -> ReadyBody:
    """Whether the server can do its work."""
    return ReadyBody(status="ready", checks=await state.readiness.outcome())


@router.head("/healthz", response_class=Response, response_description="It does.")
async def head_health() -> Response:
    """Whether the server answers, for probes that ask for no more."""
    return Response(headers=NO_STORE)


@router.head("/readyz", response_class=Response, response_description="Database, disk and workers are usable.")
async def head_ready(state: State) -> Response:
    """Whether the server can do its work, for probes that ask for no more."""
    await state.readiness.outcome()
    return Response(headers=NO_STORE)


@router.get("/metrics", response_class=PlainTextResponse, response_description="Prometheus' text format.")
async def metrics(state: State) -> Response:
    """Figures for Prometheus."""
    text = await state.figures.outcome()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=NO_STORE)


@router.get("/openapi.json", response_model=dict[str, Any], response_description="OpenAPI 3.1.")
def openapi(request: Request) -> Response:
    """This document."""
    with _WRITING:
        document = _document(request.app)
    return Response(document, media_type="application/json", headers=NO_STORE)


_WRITING = threading.Lock()


@lru_cache(maxsize=1)
def _document(app: FastAPI) -> bytes:
    """Written once: whoever may ask for it needs no key, and writing it takes long."""
    return bytes(Json(openapi_document(app)).body)
