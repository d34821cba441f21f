"""The OpenAPI document as it is published, made once for all modules that hold something against it. To be read only."""

from __future__ import annotations

from typing import Any

from leadline.api.app import routed
from leadline.api.openapi import openapi_document

DOCUMENT: dict[str, Any] = openapi_document(routed())
