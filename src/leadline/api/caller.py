"""Who asks: the dependencies by which a route says which roles it is for. Each answers with the ``Caller``. A route that takes a
``Reader``, ``Writer`` or ``Admin`` as its first parameter is refused to everybody else before anything else of the request is
read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.access import Access
from leadline.api.app_state import AppState
from leadline.api.auth import ADMIN, IDENTIFIERS, READ, WRITE, check_tenant, presented_key, require_role
from leadline.api.query import check_storable
from leadline.db import Database
from leadline.db.keys import ApiKey
from leadline.home import Project
from leadline.people.access import VisibleTrees

_KEY_HEADERS = ("sei_api_key", "x-api-key", "authorization")


@dataclass(frozen=True)
class Caller:
    """The key that a request of ``method`` was made with, and what there is for it."""

    key: ApiKey
    state: AppState
    method: str

    @cached_property
    def project(self) -> Project:
        """The project that the key belongs to; whoever only looks gets one whose settings and trees are read once for the whole
        request."""
        project = self.state.project(self.key)
        return project.settled() if self.method in ("GET", "HEAD") else project

    @property
    def access(self) -> Access:
        """What the key may see. A route that is open to limited keys answers nothing else."""
        return self.key.access

    @cached_property
    def trees(self) -> VisibleTrees:
        """The org trees as the key may see them."""
        return VisibleTrees(self.project, self.access)

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
    """A dependency: the caller, if its key is good, within its rate, of the project named, of one of ``roles`` and allowed to see
    the whole project; these are refused in this order with 401, 429, 400 or 403, 403, and 403. ``keeps_to_access``: the route
    itself answers no more than ``Caller.access`` shows, so that limited keys may ask."""

    roles: frozenset[str]
    tenant_required: bool = False
    keeps_to_access: bool = False

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
        if not self.keeps_to_access:
            key.access.check_unlimited()
        return Caller(key, state, request.method)

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
"""Who may read and export the whole project, with the names of people: a key without limits."""

LimitedReader = Annotated[Caller, Depends(Authorized(READ, keeps_to_access=True))]
"""Who may read and export, even if it is not everything: the route keeps to ``Caller.access``."""

Writer = Annotated[Caller, Depends(Authorized(WRITE))]
"""Who may push data."""

Admin = Annotated[Caller, Depends(Authorized(ADMIN))]
"""Who may change teams and settings."""


Creator = Annotated[Caller, Depends(Authorized(READ, tenant_required=True, keeps_to_access=True))]
"""A limited reader who names project and organization, as creating demands."""
