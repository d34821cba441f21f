"""The ASGI application of one open home, put together: middleware around routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from leadline import __version__
from leadline.api import errors
from leadline.api.admin.identities import router as identities
from leadline.api.admin.keys import router as keys
from leadline.api.admin.schedules import router as schedules
from leadline.api.admin.settings import router as settings
from leadline.api.admin.sources import router as sources
from leadline.api.admin.status import router as status
from leadline.api.admin.webhooks import router as webhooks_out
from leadline.api.agents.alignment import router as alignment
from leadline.api.agents.assistants import router as assistants
from leadline.api.agents.dora import router as dora
from leadline.api.agents.features import router as features
from leadline.api.app_state import AppState
from leadline.api.exports.charts import router as charts
from leadline.api.exports.facts import router as facts
from leadline.api.exports.forecast import router as forecast
from leadline.api.exports.insights import insight_routes
from leadline.api.exports.reports import router as reports
from leadline.api.exports.routes import export_routes
from leadline.api.log import LogRequests
from leadline.api.monitoring import Monitor
from leadline.api.operations.routes import router as operations
from leadline.api.paths import NormalizePaths
from leadline.api.people.accounts import router as accounts
from leadline.api.people.developers import router as developers
from leadline.api.people.profiles import router as profiles
from leadline.api.people.teams import router as teams
from leadline.api.people.trees import router as trees
from leadline.api.people.versions import router as versions
from leadline.api.push.routes import router as push
from leadline.api.webhooks.routes import router as webhooks
from leadline.exports.kinds import KINDS
from leadline.home import Home


def create_app(
    home: Home,
    *,
    workers: Callable[[], tuple[int, int]] = lambda: (0, 0),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    faces: Sequence[Callable[[FastAPI], None]] = (),
) -> ASGIApp:
    """The API of ``home`` (which stays the caller's to close). ``workers`` tells (running, wanted) worker processes. Each of
    ``faces`` adds what else is to be seen there, as the page does."""
    monitor = Monitor(home, workers, now)
    state = AppState(home, monitor, now)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        state.close()

    app = routed(lifespan)
    app.state.leadline = state
    for add in faces:
        add(app)
    # Paths are rewritten first and requests logged last, so that a line knows the route and the final status.
    served = NormalizePaths(LogRequests(app, monitor.observe), home.settings.prefixes)
    if not home.settings.proxies:
        return served
    behind: Any = ProxyHeadersMiddleware(cast("Any", served), list(home.settings.proxies))
    return cast("ASGIApp", behind)


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
    exports = [export_routes(kind) for kind in KINDS.values()]
    insights = [insight_routes(kind) for kind in KINDS.values() if kind.insight]
    # Routes are tried in this order, and those of pushes are asked for most often.
    for router in (
        push,
        *exports,
        *insights,
        dora,
        features,
        alignment,
        assistants,
        facts,
        charts,
        reports,
        forecast,
        versions,
        developers,
        accounts,
        trees,
        profiles,
        teams,
        webhooks,
        settings,
        keys,
        status,
        sources,
        identities,
        schedules,
        webhooks_out,
        operations,
    ):
        app.router.routes.extend(router.routes)
    errors.install(app)
    app.add_middleware(errors.CatchBugs)
    return app
