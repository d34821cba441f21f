"""How answers are written: JSON of the model that a route declares, which nothing on the way may keep. Members are camelCase on the
wire. A member that was not set is left out, so that a model's optional members are absent rather than null."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Literal

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel, Field
from pydantic.alias_generators import to_camel
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from leadline.api.body_memory import release
from leadline.api.query import LenientRequest, unknown_parameters
from leadline.json_body import Body, ErrorDetail

NO_STORE = {"Cache-Control": "no-store"}
"""Answers tell about one moment and one key."""


class Json(JSONResponse):
    """A JSON answer with ``Cache-Control: no-store``. It takes JSON values or a ``Body``."""

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        super().__init__(content, status_code, {**NO_STORE, **(headers or {})}, media_type, background)

    def render(self, content: Any) -> bytes:
        """The content as compact JSON in UTF-8."""
        if isinstance(content, Body):
            return content.model_dump_json(exclude_unset=True).encode()
        if isinstance(content, list):
            return b"[" + b",".join(self.render(entry) for entry in content) + b"]"
        return super().render(content)


def _written_at_once(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """An endpoint that writes its answer in the thread it runs in; FastAPI would wait for a thread once more to check it."""

    @wraps(endpoint)
    def answer(**values: Any) -> Response:
        content = endpoint(**values)
        return content if isinstance(content, Response) else Json(content)

    return answer


WARNINGS = "warnings"
"""The member of an answer that says what was ignored."""


def _parameters_of(dependant: Dependant) -> Iterator[str]:
    """The names of the query parameters that a route declares; its callers, of whom each knows its own, are others."""
    for field in dependant.query_params:
        declared = field.field_info.annotation
        if inspect.isclass(declared) and issubclass(declared, BaseModel):
            yield from (member.alias or name for name, member in declared.model_fields.items())
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _parameters_of(dependency)


def _with_warnings(response: Response, warnings: list[str]) -> Response:
    """``response`` with ``warnings`` beside those that it has, if it is a JSON object; it may have been kept as bytes, for whoever
    asks the same without what is ignored."""
    if response.status_code != HTTPStatus.OK or response.headers.get("content-type") != "application/json":
        return response
    content = json.loads(bytes(response.body))
    if not isinstance(content, dict):
        return response
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    told = {**content, WARNINGS: [*content.get(WARNINGS, ()), *warnings]}
    return Json(told, headers=kept, background=response.background)


class Route(APIRoute):
    """A route that reads its query as ``LenientQuery`` does, and whose answer leaves out what was not set. What a ``GET`` was asked
    for with parameters that it does not declare says so in its ``warnings``. Its name and summary in OpenAPI are those of the
    function, unless they are said."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        summary, _, _ = (endpoint.__doc__ or "").partition("\n")
        options["summary"] = options.get("summary") or summary.rstrip(".")
        options["operation_id"] = options.get("operation_id") or to_camel(endpoint.__name__)
        if not inspect.iscoroutinefunction(endpoint):
            endpoint = _written_at_once(endpoint)
        super().__init__(path, endpoint, **{**options, "response_model_exclude_unset": True})
        self.description = ""

    @property
    def tells_what_it_ignores(self) -> bool:
        """Whether its answer has ``warnings``: who may ask without a key asks nothing in particular, and is given what is given to
        all."""
        return "GET" in (self.methods or ()) and bool(self.dependant.dependencies)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, handed a ``LenientRequest``."""
        handler, declared = super().get_route_handler(), list(_parameters_of(self.dependant))
        warns = self.tells_what_it_ignores

        async def lenient(request: Request) -> Response:
            asking = LenientRequest(request.scope, request.receive)
            try:
                response = await handler(asking)
            finally:
                release(request.scope)
            unknown = unknown_parameters(asking.query_params, declared) if warns else []
            return _with_warnings(response, unknown) if unknown else response

        return lenient


class ErrorBody(Body):
    """Every refusal has this shape."""

    status: Literal["failed"]
    error: str = Field(description="One plain sentence.")
    code: str = Field(description="Stable and machine-readable.")
    message: str | None = Field(
        default=None,
        description="What was refused and what would do, where `error` is a sentence that is known to the letter.",
    )
    details: list[ErrorDetail] | None = Field(default=None, description="The single findings, where they help.")


class RowErrorBody(Body):
    """One refused value of a pushed row."""

    row: int = Field(description="Position of the row, from 0.")
    field: str = Field(description="Column; empty where the whole row is meant.")
    message: str = Field(description="What is wrong with it, and the value.")


_REFUSALS = {
    400: "The request is wrong; the sentence and the details say where.",
    401: "Missing or invalid API key.",
    403: "Insufficient permissions: the key's role or its project does not allow this.",
    404: "There is no such export, table, version, org tree, team or developer in the key's project.",
    409: "What is there is not in a state that allows this.",
    410: "What was read is kept no longer; begin again.",
    412: "No developers are saved yet: upload a list and save it first.",
    413: "The body is too large.",
    415: "The body is not declared as a type that is taken, or not in UTF-8.",
    416: "The range lies outside the file.",
    429: "The key made more requests than it may.",
    500: "A fault of the server; the sentence names the entry in its log.",
    501: "What this needs is not installed; the sentence says what.",
    503: "The server cannot reach what it stores.",
}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "`ApiKey`."}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the refusals that a route answers besides those of its dependencies."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}}
    return {
        status: {"description": _REFUSALS[status], "content": content}
        | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
        for status in statuses
    }


def text_headers(**descriptions: str) -> dict[str, Any]:
    """What OpenAPI says of an answer's headers (``_`` for ``-``), each a text."""
    return {
        name.replace("_", "-"): {"schema": {"type": "string"}, "description": description}
        for name, description in descriptions.items()
    }


def new_router(tag: str) -> APIRouter:
    """A router of routes that are listed under ``tag``."""
    return APIRouter(tags=[tag], route_class=Route, default_response_class=Json, responses=refusals(500, 503))
