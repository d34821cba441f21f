"""The MCP server over the standard streams of a process, on a home that it opens itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from leadline.access import Access
from leadline.agents.protocol import server_for
from leadline.api.agents.asking import Asker
from leadline.api.app_state import AppState
from leadline.api.monitoring import Monitor
from leadline.home import Home, Project

CREATED_BY = "mcp"
"""Whom exports that were created so are by."""


def speak(home: Home, project: Project, access: Access) -> None:
    """Answer over the standard streams about what ``access`` shows of ``project``, until the client ends them. What would be
    written to the standard output by others goes to the standard error."""
    monitor = Monitor(home, lambda: (0, 0), lambda: datetime.now(UTC))
    state, worker = AppState(home, monitor), _Worker(home)
    try:
        asyncio.run(_speak(Asker(_nobody_leaves(), state, project, access, CREATED_BY, worker.begin)))
    finally:
        worker.stop.set()
        state.close()


class _Worker:
    """Makes the exports of ``home`` in a thread of its own, from the first one on: there may be no server that does."""

    def __init__(self, home: Home) -> None:
        self.stop = threading.Event()
        self._home = home
        self._begun = False

    def begin(self) -> None:
        """Begin, unless it has."""
        from leadline.exports.worker import start

        if not self._begun:
            self._begun = True
            start(self._home, 1, self.stop)


async def _speak(asker: Asker) -> None:
    from mcp.server.stdio import stdio_server

    server = server_for(asker)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _nobody_leaves() -> Request:
    """A request whose client stays: the streams tell when it is over."""

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}, receive)
