"""What a Parquet file of rows tells about itself, so that it can be judged without the server that made it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from leadline.metrics.request import Pins


def described(
    request: Mapping[str, Any],
    units: Mapping[str, str],
    pins: Pins,
    read: Collection[str],
    *,
    tree: str | None,
    since: Pins | None = None,
) -> dict[str, str]:
    """Metadata of the schema: the definitions' version, and as JSON the units of the numbers by column, the versions of the tables
    that were ``read`` (of others a version says nothing of the rows) and of the org ``tree`` (None: of all that were read), and the
    ``request``; of a difference also those that it starts from."""
    told = {
        "units": units,
        **_versions(tree, pins, read),
        "request": request,
        "since": {} if since is None else _versions(tree, since, read),
    }
    texts = {f"leadline.{name}": json.dumps(value, sort_keys=True) for name, value in told.items()}
    if since is None:
        del texts["leadline.since"]
    return {"leadline.definitions": pins.definitions, **texts}


def _versions(tree: str | None, pins: Pins, read: Collection[str]) -> dict[str, dict[str, int]]:
    # A run pins all trees; who has the file need not know of others than that of its rows.
    trees = {name: version for name, version in pins.trees.items() if tree in (None, name)}
    return {"tables": {table: version for table, version in pins.tables.items() if table in read}, "trees": trees}
