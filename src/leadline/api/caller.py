"""Who asks: the dependencies by which a route says which roles it is for. Each answers with the ``Caller``. A route that takes a
``Reader``, ``Writer`` or ``Admin`` as its first parameter is refused to everybody else before anything else of the request is
read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.api.app_state import AppState
from leadline.api.auth import ADMIN, IDENTIFIERS, READ, WRITE, check_tenant, presented_key, require_role
from leadline.api.query import check_storable
from leadline.db import Database
from leadline.db.keys import ApiKey
from leadline.home import Project

_KEY_HEADERS = ("sei_api_key", "x-api-key", "authorization")


@dataclass(frozen=True)
class Caller:
    """The key that a request was made with, and what there is for it."""

    key: ApiKey
    state: AppState

    @property
    def project(self) -> Project:
        """The project that the key belongs to."""
        return self.state.project(self.key)

    @property
    def db(self) -> Database:
        """The metadata database."""
        return self.state.home.db

    @property
    def now(self) -> datetime:
        """The time of the request."""
        return self.state.now()


@dataclass(frozen=True, eq=False)
class Authorized:
    """A dependency: the caller, if its key is good, within its rate, of the project named and of one of ``roles``; these are
    refused in this order with 401, 429, 400 or 403, and 403."""

    roles: frozenset[str]
    tenant_required: bool = False

    async def __call__(self, request: Request) -> Caller:
        """The caller of ``request``. Raises ``Unauthenticated``, ``TooManyRequests``, ``InvalidRequest`` or ``Forbidden``."""
        state: AppState = request.app.state.leadline
        text = presented_key({name: request.headers.getlist(name) for name in _KEY_HEADERS})
        # A key that is remembered is no reason to leave the event loop.
        key = state.keyring.remembered(text)
        if key is None:
            key = await run_in_threadpool(state.keyring.find, text)
        request.state.key_id = key.id
        state.limit.take(key.id)
        check_storable(request.query_params)
        named = {name: request.query_params.getlist(name) for name, _ in IDENTIFIERS}
        check_tenant(key, named, required=self.tenant_required)
        require_role(key, self.roles)
        return Caller(key, state)

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """What OpenAPI says of the identifiers. They are no parameters to FastAPI, which takes as long to read them as all
        else here takes."""
        may_be_left_out = "" if self.tenant_required else " May be left out."
        return [
            {
                "name": name,
                "in": "query",
                "required": self.tenant_required,
                "schema": {"type": "string", "minLength": 1},
                "description": f"The {what} that the API key belongs to.{may_be_left_out}",
            }
            for name, what in IDENTIFIERS
        ]


Reader = Annotated[Caller, Depends(Authorized(READ))]
"""Who may read and export."""

Writer = Annotated[Caller, Depends(Authorized(WRITE))]
"""Who may push data."""

Admin = Annotated[Caller, Depends(Authorized(ADMIN))]
"""Who may change teams and settings."""


Creator = Annotated[Caller, Depends(Authorized(READ, tenant_required=True))]
"""A reader who names project and organization, as creating demands."""
