"""What leaves the product over its sockets, what comes back, and which keys of the answers it reads.

``recorded`` watches every request of httpx in this process. The JSON of an answer reaches the product as ``Traced`` objects,
which note the keys they are asked for; a copy (``dict(node)``) notes nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

ELEMENT = "[]"
"""Stands in a path of keys for whichever element of a list."""

KeyPath = tuple[str, ...]


class Traced(dict[str, Any]):
    """An object at ``path`` of a document, which notes in ``reads`` the paths that it is asked for."""

    def __init__(self, value: dict[str, Any], path: KeyPath, reads: set[KeyPath]) -> None:
        super().__init__((key, traced(inner, (*path, key), reads)) for key, inner in value.items())
        self._path, self._reads = path, reads

    def __getitem__(self, key: str) -> Any:
        self._reads.add((*self._path, key))
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._reads.add((*self._path, str(key)))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._reads.add((*self._path, key))
        return super().get(key, default)


def traced(value: Any, path: KeyPath, reads: set[KeyPath]) -> Any:
    """``value`` with all objects in it ``Traced``."""
    if isinstance(value, dict):
        return Traced(value, path, reads)
    if isinstance(value, list):
        return [traced(element, (*path, ELEMENT), reads) for element in value]
    return value


@dataclass
class Exchange:
    """One request with its answer. ``body`` and ``answer`` are JSON (None: none); ``reads``: paths read of the answer."""

    method: str
    url: str
    body: Any
    status: int
    answer: Any
    reads: set[KeyPath] = field(default_factory=set)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def query(self) -> str | None:
        """The text of a GraphQL query."""
        return self.body.get("query") if self.path.endswith("/graphql") else None


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """The exchanges of the block, in their order."""
    exchanges: list[Exchange] = []
    contents: dict[bytes, Exchange] = {}  # of answers alike the last, which is the one that is read now
    send, loads = httpx.Client.send, json.loads

    def sending(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        response = send(client, request, **options)
        body = loads(request.content) if request.content else None
        try:
            answer = loads(response.read()) if response.read() else None
        except ValueError:
            answer = None
        exchange = Exchange(request.method, str(request.url), body, response.status_code, answer)
        exchanges.append(exchange)
        contents[response.content] = exchange
        return response

    def loading(text: Any, *arguments: Any, **options: Any) -> Any:
        value = loads(text, *arguments, **options)
        exchange = contents.get(text) if isinstance(text, bytes) else None
        return value if exchange is None else traced(value, (), exchange.reads)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(httpx.Client, "send", sending)
        patched.setattr(json, "loads", loading)
        yield exchanges


def matching(exchanges: list[Exchange], fits: Callable[[Exchange], bool]) -> list[Exchange]:
    return [exchange for exchange in exchanges if fits(exchange)]
