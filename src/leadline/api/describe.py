"""How each route is described: what goes into the OpenAPI document for it, and nothing else.

The kind's name and request model come in, keyword arguments for FastAPI's route decorators go out. Parameters are read
by our own code (they are lenient in ways a schema cannot say), so they are described here from the same declarations.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from leadline.api.listing import PARAMETERS
from leadline.api.models import CatalogueBody, CreatedBody, ErrorBody, ExportBody, HealthBody, ListBody, ReadyBody

SECURITY: list[dict[str, list[str]]] = [{"SeiApiKey": []}, {"ApiKey": []}, {"XApiKey": []}, {"Bearer": []}]
SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "SeiApiKey": {"type": "apiKey", "in": "header", "name": "SEI_API_KEY"},
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": "`ApiKey <key>`; the scheme word in any letter case.",
    },
    "XApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}

_REFUSALS = {
    400: "The request is wrong; the sentence and the details say where.",
    401: "Missing or invalid API key.",
    403: "Insufficient permissions: the key's role or its project does not allow this.",
    404: "There is no such export in the key's project.",
    409: "The export is not in a state that allows this.",
    413: "The body is too large.",
    415: "The body is not declared as JSON in UTF-8.",
    416: "The range lies outside the file.",
    500: "A fault of the server; the sentence names the entry in its log.",
    503: "The server cannot reach what it stores.",
}

_EXPORT_ID = {
    "name": "exportId",
    "in": "path",
    "required": True,
    "description": "As the create answer names it.",
    "schema": {"type": "string", "minLength": 1},
}


def create(name: str, request: type[BaseModel]) -> dict[str, Any]:
    """A kind's create route."""
    body = {"schema": {"$ref": f"#/components/schemas/{request.__name__}"}}
    fresh = _header("Cache-Control", "`no-cache` makes a new export whatever is there to reuse.", "no-cache")
    extra = {
        "parameters": [*_identifiers(required=True), fresh],
        "requestBody": {
            "required": True,
            "description": "JSON; comments and trailing commas (JSON5) are accepted. Unknown members are ignored and "
            "reported as `warnings`.",
            "content": {"application/json": body},
        },
    }
    answers = {
        202: _json(CreatedBody, "A new export was queued."),
        200: _json(CreatedBody, "An identical export is there and will do."),
    }
    return _route(
        f"create{name}Export", f"Create a {name.lower()} export", answers, (400, 401, 403, 413, 415), extra, status=202
    )


def listed(name: str) -> dict[str, Any]:
    """A kind's list route."""
    parameters = [
        {
            "name": parameter.name,
            "in": "query",
            "required": False,
            "description": parameter.doc,
            "schema": dict(parameter.schema),
        }
        for parameter in PARAMETERS
    ]
    extra = {"parameters": [*_identifiers(), *parameters]}
    answers = {200: _json(ListBody, "One page of exports.")}
    return _route(f"list{name}Exports", f"List {name.lower()} exports", answers, (400, 401, 403), extra)


def poll(name: str) -> dict[str, Any]:
    """A kind's poll route."""
    extra = {"parameters": [_EXPORT_ID, *_identifiers()]}
    answers = {200: _json(ExportBody, "The export as it is now.")}
    return _route(f"get{name}Export", f"Poll a {name.lower()} export", answers, (400, 401, 403, 404), extra)


def cancel(name: str, verb: str) -> dict[str, Any]:
    """A kind's cancel route; ``verb`` tells its two spellings apart."""
    extra = {"parameters": [_EXPORT_ID, *_identifiers()]}
    answers = {200: _json(ExportBody, "The export, now cancelled.")}
    summary = f"Cancel a {name.lower()} export"
    return _route(f"{verb}{name}Export", summary, answers, (400, 401, 403, 404, 409), extra)


def download(name: str, *, head: bool = False) -> dict[str, Any]:
    """A kind's download route."""
    text = {"schema": {"type": "string"}}
    media = {
        "text/csv": text,
        "application/x-ndjson": text,
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    }
    headers = {
        name: {"schema": {"type": "string"}, "description": doc}
        for name, doc in (
            ("ETag", "Strong validator of these bytes."),
            ("Content-Disposition", "The file's name."),
            ("Accept-Ranges", "`bytes`."),
            ("Vary", "`Accept-Encoding`."),
        )
    }
    parameters = [
        _EXPORT_ID,
        *_identifiers(),
        _header("Accept-Encoding", "Text is sent gzipped unless this rules gzip out.", "gzip"),
        _header("If-None-Match", "Entity tags that the client has.", '"…"'),
        *(() if head else (_header("Range", "One range of bytes.", "bytes=0-1023"),)),
        *(() if head else (_header("If-Range", "The entity tag that `Range` is about.", '"…"'),)),
    ]
    answers: dict[int, dict[str, Any]] = {200: {"description": "The file.", "content": media, "headers": headers}}
    if not head:
        ranged = {**headers, "Content-Range": {"schema": {"type": "string"}, "description": "Which bytes."}}
        answers[206] = {"description": "The range asked for.", "content": media, "headers": ranged}
    answers[304] = {"description": "The client has it already."}
    refusals = (400, 401, 403, 404, 409) if head else (400, 401, 403, 404, 409, 416)
    operation, what = ("head", "The headers of") if head else ("download", "Download")
    summary = f"{what} a {name.lower()} export's file"
    return _route(f"{operation}{name}Export", summary, answers, refusals, {"parameters": parameters})


def catalogue() -> dict[str, Any]:
    """The catalogue's route."""
    answers = {200: _json(CatalogueBody, "Every metric, in the order of the file's columns.")}
    extra = {"parameters": _identifiers()}
    return _route("listProductivityMetrics", "List the productivity metrics", answers, (400, 401, 403), extra)


def health() -> dict[str, Any]:
    """The liveness route."""
    return _route("health", "Whether the server answers", {200: _json(HealthBody, "It does.")}, open_to_all=True)


def readiness() -> dict[str, Any]:
    """The readiness route."""
    answers = {200: _json(ReadyBody, "Database, lake and workers are usable.")}
    return _route("ready", "Whether the server can do its work", answers, open_to_all=True)


def figures() -> dict[str, Any]:
    """The Prometheus route."""
    text = {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return _route("metrics", "Figures for Prometheus", {200: text}, open_to_all=True)


def document() -> dict[str, Any]:
    """The route of the OpenAPI document itself."""
    answer = {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
    return _route("openapi", "This document", {200: answer}, open_to_all=True)


def _route(
    operation: str,
    summary: str,
    answers: dict[int, dict[str, Any]],
    refusals: tuple[int, ...] = (),
    extra: dict[str, Any] | None = None,
    *,
    status: int = 200,
    open_to_all: bool = False,
) -> dict[str, Any]:
    errors = {code: _json(ErrorBody, _REFUSALS[code]) for code in (*refusals, 500, 503)}
    if 401 in errors:
        errors[401]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "`ApiKey`."}}
    return {
        "operation_id": operation,
        "summary": summary,
        "status_code": status,
        "response_class": Response,
        "response_model": None,
        "responses": {**answers, **errors},
        "openapi_extra": {**(extra or {}), "security": [] if open_to_all else SECURITY},
    }


def _json(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"model": model, "description": description}


def _identifiers(*, required: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": required,
            "description": f"{what} that the API key belongs to." + ("" if required else " May be left out."),
            "schema": {"type": "string", "minLength": 1},
        }
        for name, what in (("projectIdentifier", "The project"), ("orgIdentifier", "The organization"))
    ]


def _header(name: str, description: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "pattern": "^[ -~]*$"},
        "example": example,
    }
