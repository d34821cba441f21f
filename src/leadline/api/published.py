"""Prints the OpenAPI document as it is committed: ``python -m leadline.api.published > docs/openapi.json``. A test compares it with
``docs/openapi.json``."""

from __future__ import annotations

import json
import sys

from leadline.api.app import routed
from leadline.api.openapi import openapi_document


def main() -> None:
    """Print the document."""
    sys.stdout.write(json.dumps(openapi_document(routed()), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
