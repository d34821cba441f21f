"""The OpenAPI 3.1 document, generated from the routes.

An application comes in, the document goes out. ``published`` prints it as it is committed.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from leadline.api.describe import SECURITY_SCHEMES
from leadline.exports.kinds import KINDS
from leadline.exports.models import ReportRequest

_REF = "#/components/schemas/{model}"


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``'s routes; made once per application."""
    if app.openapi_schema is None:
        app.openapi_schema = _generated(app)
    return app.openapi_schema


def _generated(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description="Create an export, poll it until it is completed, download its file. Every refusal has one shape.",
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    models: list[type[BaseModel]] = [*(kind.model for kind in KINDS.values()), ReportRequest]
    _, requests = models_json_schema([(model, "validation") for model in models], by_alias=True, ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(requests["$defs"])
    components["schemas"] = dict(sorted(components["schemas"].items()))
    components["securitySchemes"] = SECURITY_SCHEMES
    return document
