"""The MCP server on the application of the API: ``POST /mcp``. Each request stands for itself, with a key as every other one."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from leadline.agents import messages
from leadline.agents.protocol import check_installed, server_for
from leadline.api.agents.asking import Asker
from leadline.api.answers import NO_STORE, new_router
from leadline.api.caller import LimitedReader
from leadline.api.same_origin import from_here
from leadline.errors import Forbidden

PATH = "/mcp"
MOST_BYTES = 1 << 20
"""The largest message: 1 MiB."""

router = new_router("agents")


class ForeignPage(Forbidden):
    """A page of another site asks, through somebody's browser."""

    code = "foreign_origin"


class _Handed(Response):
    """A request handed over to the library, which answers it."""

    def __init__(self, asker: Asker) -> None:
        super().__init__()
        self._asker = asker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        body, again = await messages.read(receive, MOST_BYTES)
        if len(body) <= MOST_BYTES and (refused := messages.refusal(body)) is not None:
            await refused(scope, again, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        manager = StreamableHTTPSessionManager(
            server_for(self._asker), json_response=True, stateless=True, max_request_body_size=MOST_BYTES
        )
        async with manager.run():
            await manager.handle_request(scope, again, told)


_HEADERS = [(name.lower().encode(), value.encode()) for name, value in NO_STORE.items()]


@router.post(PATH, include_in_schema=False, response_class=Response)
async def mcp(request: Request, caller: LimitedReader) -> Response:
    """One message of MCP, answered as JSON."""
    if not from_here(request):
        raise ForeignPage("A page of another site asks, which no agent does; send no Origin")
    check_installed()
    await run_in_threadpool(_load)
    return _Handed(Asker.of(request, caller))


def _load() -> None:
    """The library takes seconds to load, during which others are answered."""
    import mcp.server.streamable_http_manager  # noqa: F401


def install(app: FastAPI) -> None:
    """Add the MCP server to ``app``."""
    app.router.routes.extend(router.routes)
