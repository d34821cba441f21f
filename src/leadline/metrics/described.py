"""What a Parquet file of rows tells about itself, so that it can be judged without the server that made it."""

from __future__ import annotations

import json
from collections.abc import Collection

from leadline.metrics.catalogue import by_ids
from leadline.metrics.request import MetricsRequest, Pins, RowsRequest


def described(request: RowsRequest, pins: Pins, read: Collection[str], since: Pins | None = None) -> dict[str, str]:
    """Metadata of the schema: the definitions' version, and as JSON the units of the metrics by column, the versions of the tables
    that were ``read`` (of others a version says nothing of the rows) and of the org tree, and the request; of a difference also
    those that it starts from."""
    told = {
        "units": _units(request) if isinstance(request, MetricsRequest) else {},
        **_versions(request, pins, read),
        "request": request.document(),
        "since": {} if since is None else _versions(request, since, read),
    }
    texts = {f"leadline.{name}": json.dumps(value, sort_keys=True) for name, value in told.items() if value}
    return {"leadline.definitions": pins.definitions, **texts}


def _versions(request: RowsRequest, pins: Pins, read: Collection[str]) -> dict[str, dict[str, int]]:
    # A run pins all trees; who has the file need not know of others.
    trees = {name: version for name, version in pins.trees.items() if name == request.tree}
    return {"tables": {table: version for table, version in pins.tables.items() if table in read}, "trees": trees}


def _units(request: MetricsRequest) -> dict[str, str]:
    return {column.name(request.aggregation): column.metric.unit for column in by_ids(request.metrics)}
