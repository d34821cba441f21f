"""The OpenAPI 3.1 document: FastAPI's, made of the routes' types, with what the routes' dependencies say of themselves.
``published`` prints it as it is committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from leadline.api.answers import WARNINGS, ErrorBody, Route, refusals
from leadline.api.body import RequestBody
from leadline.api.caller import Authorized

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

_REF = "#/components/schemas/{model}"


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``'s routes; made once per application."""
    if app.openapi_schema is None:
        app.openapi_schema = _generated(app)
    return app.openapi_schema


def _generated(app: FastAPI) -> dict[str, Any]:
    routes = [route for route in app.routes if isinstance(route, APIRoute) and route.include_in_schema]
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description="Create an export, poll it until it is completed, download its file. Every refusal has one shape.",
        routes=routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    schemas = document["components"]["schemas"]
    # Values that do not validate are answered with 400 in our own shape.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    bodies, definitions = _body_schemas(routes)
    schemas.update(definitions)
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _complete(operation, route, bodies)
            if isinstance(route, Route) and route.tells_what_it_ignores:
                _declare_warnings(operation, schemas)
    document["components"] = {"schemas": dict(sorted(schemas.items())), "securitySchemes": SECURITY_SCHEMES}
    return document


def _complete(operation: dict[str, Any], route: APIRoute, bodies: dict[tuple[int, str], dict[str, Any]]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    operation["security"] = []
    for dependency in dict.fromkeys(_dependencies(route.dependant)):  # one that others need, too, comes again
        if isinstance(dependency, Authorized):
            operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
            operation["parameters"] = [*operation.get("parameters", ()), *dependency.parameters]
            responses.update({str(status): answer for status, answer in refusals(400, 401, 403, 429).items()})
        if isinstance(dependency, RequestBody):
            content = {media: {"schema": bodies[id(dependency), media]} for media in dependency.content}
            operation["requestBody"] = {"required": True, "description": dependency.description, "content": content}
            for status, answer in refusals(400, 413, 415).items():
                responses.setdefault(str(status), answer)
    operation["responses"] = dict(sorted(responses.items()))


def _declare_warnings(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """What ``Route`` adds to an answer that is a JSON object."""
    schema = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return
    answer = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if answer.get("type") == "object":
        answer.setdefault("properties", {}).setdefault(WARNINGS, _IGNORED)


_IGNORED = {
    "type": "array",
    "items": {"type": "string"},
    "title": "Warnings",
    "description": "Parameters that there are not, and were ignored; absent if there were none.",
}


def _dependencies(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _dependencies(dependency)


def _body_schemas(routes: list[APIRoute]) -> tuple[dict[tuple[int, str], dict[str, Any]], dict[str, Any]]:
    """The schema of every request body by its dependency and media type; and the schemas that these refer to."""
    types = {
        (id(dependency), media): TypeAdapter(declared)
        for route in routes
        for dependency in _dependencies(route.dependant)
        if isinstance(dependency, RequestBody)
        for media, declared in dependency.content.items()
    }
    error = ((0, ""), "serialization", TypeAdapter(ErrorBody))
    inputs = [error, *((key, "validation", adapter) for key, adapter in types.items())]
    schemas, definitions = TypeAdapter.json_schemas(inputs, by_alias=True, ref_template=_REF)  # type: ignore[arg-type]
    return {key: schema for (key, _), schema in schemas.items()}, definitions["$defs"]
