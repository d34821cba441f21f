"""Takes rows into the lake: validates them, resolves duplicates by natural key and version, commits them whole. ``ingest`` takes
typed record batches, ``import_paths`` files in the documented tables, ``remove`` keys whose rows go."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline.ingest.delivery import Receipt, ingest
    from leadline.ingest.importing import import_paths
    from leadline.ingest.removal import remove
    from leadline.ingest.report import FileReport, ImportReport

__all__ = ["FileReport", "ImportReport", "Receipt", "import_paths", "ingest", "remove"]

_HOMES = {
    "FileReport": "report",
    "ImportReport": "report",
    "Receipt": "delivery",
    "import_paths": "importing",
    "ingest": "delivery",
    "remove": "removal",
}


def __getattr__(name: str) -> Any:
    # A sync that finds nothing new should not wait for the import of file readers it will not use.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
