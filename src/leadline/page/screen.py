"""What a screen is: a place in the navigation and the routes below it. ``leadline.page.screens`` lists them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from leadline.access import UNLIMITED
from leadline.api.auth import READ
from leadline.api.query import LenientRequest
from leadline.db.keys import ApiKey
from leadline.page.refusals import answered
from leadline.page.waiting import WaitingRoom


@dataclass(frozen=True)
class Screen:
    """A screen. ``path`` is where it is, ``group`` the heading it stands under in the navigation, ``icon`` a name in ``icons.svg``,
    ``roles`` who may see it. ``router`` (of ``new_router``) has its routes."""

    path: str
    title: str
    group: str
    icon: str
    router: APIRouter
    roles: frozenset[str] = READ

    def is_for(self, key: ApiKey) -> bool:
        """Whether ``key`` may see it: by its role and, unless the screen keeps to what a key may see, if that is everything."""
        return key.role in self.roles and (self.keeps_to_access or key.access == UNLIMITED)

    @cached_property
    def keeps_to_access(self) -> bool:
        """Whether its route takes a ``LimitedReader``."""
        route = next(route for route in self.router.routes if isinstance(route, APIRoute) and route.path == self.path)
        return any(getattr(needed.call, "keeps_to_access", False) for needed in route.dependant.dependencies)


class PageRoute(APIRoute):
    """A route whose refusals are pages, and which reads its query leniently, as the API does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with what it raises answered as a page."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await answered(handler, LenientRequest(request.scope, request.receive))

        return answer


class ScreenRoute(PageRoute):
    """The route of a screen: what takes long is waited for on a page that says so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a page, in the waiting room of the server."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            room: WaitingRoom = request.app.state.waiting_room
            return await room.answer(request, handler)

        return answer


def new_router(route_class: type[APIRoute] = ScreenRoute) -> APIRouter:
    """A router of pages; none of them is part of the API's description. What is not to be waited for has the ``PageRoute``."""
    return APIRouter(route_class=route_class, default_response_class=HTMLResponse, include_in_schema=False)
