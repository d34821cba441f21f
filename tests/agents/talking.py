"""Talks to the MCP server with the client of the library, over HTTP and over the streams of a process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

PATIENCE = 240.0
Call = tuple[str, Mapping[str, Any]]


class Refused(Exception):
    """A tool refused; ``body`` is what it said."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.body = body


async def asked(client: Client, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a tool answers: the same as data and as text."""
    result = await client.call_tool(tool, dict(arguments))
    (content,) = result.content
    told = json.loads(content.text)  # type: ignore[union-attr]
    if result.is_error:
        raise Refused(told)
    assert result.structured_content == told
    assert len(content.text.encode()) <= 32_000  # type: ignore[union-attr]
    found: dict[str, Any] = told
    return found


def over_http(base: str, key: str, talk: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    """What ``talk`` returns of a client with the key."""

    async def run() -> Any:
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            transport = streamable_http_client(f"{base}/mcp", http_client=http)
            async with Client(transport, mode=mode, read_timeout_seconds=PATIENCE) as client:
                return await talk(client)

    return asyncio.run(run())


def over_streams(home: Path, talk: Callable[[Client], Awaitable[Any]], *options: str, mode: str = "auto") -> Any:
    """What ``talk`` returns of a client that starts `leadline mcp`."""

    async def run() -> Any:
        arguments = ["-m", "leadline.cli.main", "--home", str(home), "mcp", *options]
        started = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
        async with Client(stdio_client(started), mode=mode, read_timeout_seconds=PATIENCE) as client:
            return await talk(client)

    return asyncio.run(run())


def calls(*wanted: Call) -> Callable[[Client], Awaitable[list[Any]]]:
    """Asks for all of ``wanted``; what is refused is answered as its code."""

    async def talk(client: Client) -> list[Any]:
        answers: list[Any] = []
        for tool, arguments in wanted:
            try:
                answers.append(await asked(client, tool, arguments))
            except Refused as refusal:
                answers.append(refusal.body["code"])
        return answers

    return talk


def without_time(answers: Sequence[Any]) -> list[Any]:
    """Answers without the instants at which they were given."""
    return [
        {name: value for name, value in answer.items() if name != "dataAsOf"} if isinstance(answer, dict) else answer
        for answer in answers
    ]
