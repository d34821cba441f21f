"""The ASGI application of one open home, put together: middleware around routes.

A ``Home`` comes in, an application goes out that any ASGI server can run; ``leadline.service.server`` is the one that does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from leadline import __version__
from leadline.api import describe, errors
from leadline.api.app_state import AppState, services_of
from leadline.api.auth import Keyring
from leadline.api.exports.reports import add_report_route
from leadline.api.exports.routes import add_routes
from leadline.api.log import LogRequests
from leadline.api.models import HealthBody, ReadyBody
from leadline.api.openapi import openapi_document
from leadline.api.operations.monitoring import Monitor
from leadline.api.paths import NormalizePaths
from leadline.api.people.accounts import add_account_routes
from leadline.api.people.developers import add_developer_routes
from leadline.api.people.trees import add_tree_routes
from leadline.api.push.routes import add_push_routes
from leadline.api.report_pool import ReportPool
from leadline.api.webhooks.routes import add_webhook_routes
from leadline.exports.kinds import KINDS
from leadline.home import Home


def create_app(
    home: Home,
    *,
    workers: Callable[[], tuple[int, int]] = lambda: (0, 0),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ASGIApp:
    """The API of ``home`` (which stays the caller's to close). ``workers`` tells (running, wanted) worker processes."""
    monitor = Monitor(home, workers, now)
    desk = ReportPool(home, seconds=home.settings.report_seconds)
    services = AppState(home, Keyring(home.db, now=now), monitor, desk, now)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        services.receiver.close()
        services.desk.close()
        services.keyring.close()

    app = routed(lifespan)
    app.state.services = services
    # Paths are rewritten first and requests logged last, so that a line knows the route and the final status.
    return NormalizePaths(LogRequests(app, monitor.observe), home.settings.prefixes)


def routed(lifespan: Callable[[FastAPI], object] | None = None) -> FastAPI:
    """The routes alone, without a home: what the OpenAPI document is made from."""
    app = FastAPI(
        title="leadline",
        version=__version__,
        summary="Engineering productivity exports from your own data.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,  # type: ignore[arg-type]
    )
    add_push_routes(app)  # first: routes are tried in this order, and these are asked for most often
    for kind in KINDS.values():
        add_routes(app, kind)
    add_report_route(app)
    add_developer_routes(app)
    add_account_routes(app)
    add_tree_routes(app)
    add_webhook_routes(app)
    _operations(app)
    errors.install(app)
    app.add_middleware(errors.CatchBugs)
    return app


def _operations(app: FastAPI) -> None:
    """Routes for whoever runs the server; they tell nothing of any tenant and need no key."""

    @app.get("/healthz", tags=["operations"], **describe.health())
    async def health() -> Response:
        return errors.json_response(HealthBody(status="ok").document())

    @app.get("/readyz", tags=["operations"], **describe.readiness())
    def ready(request: Request) -> Response:
        checks = services_of(request).monitor.ready()
        return errors.json_response(ReadyBody(status="ready", checks=checks).document())

    @app.get("/metrics", tags=["operations"], **describe.figures())
    def figures(request: Request) -> Response:
        text = services_of(request).monitor.exposition()
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=errors.NO_STORE)

    @app.get("/openapi.json", tags=["operations"], **describe.document())
    def document(request: Request) -> Response:
        return errors.json_response(openapi_document(request.app))
