"""The OpenAPI 3.1 document, generated from the routes: ``python -m leadline.api.openapi`` prints it.

An application comes in, the document goes out. It is committed as ``docs/openapi.json``; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from leadline.api.describe import SECURITY_SCHEMES
from leadline.api.insights import KINDS

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
    _, requests = models_json_schema([(kind.request, "validation") for kind in KINDS], by_alias=True, ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(requests["$defs"])
    components["schemas"] = dict(sorted(components["schemas"].items()))
    components["securitySchemes"] = SECURITY_SCHEMES
    return document


def main() -> None:
    """Print the document as it is committed."""
    from leadline.api.app import routed

    sys.stdout.write(json.dumps(openapi_document(routed()), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
