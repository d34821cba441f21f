"""Parquet files on their way into a Delta commit: durable on disk, and described by the statistics Delta keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.errors import StoreError
from leadline.schema import Table

if TYPE_CHECKING:
    from deltalake.transaction import AddAction

LONGEST_BOUND = 60
"""Text bounds longer than this (characters) are left out: writers may have cut them, and a cut maximum is wrong."""


def exact_paths(paths: Iterable[str | Path]) -> str:
    """``paths`` as a list that DuckDB reads files of, none of them taken for a pattern."""
    # A character is itself in brackets, and only there: there is no escape.
    literals = (re.sub(r"[*?\[]", r"[\g<0>]", str(path)).replace("'", "''") for path in paths)
    joined = ", ".join(f"'{literal}'" for literal in literals)
    return f"[{joined}]"


def add_action(path: Path, table: Table, *, changes: bool = True) -> AddAction:
    """The Delta action that adds ``path``, a Parquet file directly in the table's folder; without ``changes`` its rows were there.

    Its statistics are the row count and the bounds of the key columns, taken from the file's own footer. Raises
    ``StoreError`` when the file is no Parquet file.
    """
    from deltalake.transaction import AddAction

    status = path.stat()
    return AddAction(
        path=path.name,
        size=status.st_size,
        partition_values={},
        modification_time=int(status.st_mtime * 1000),
        data_change=changes,
        stats=json.dumps(_statistics(path, table)),
    )


def parquet_rows(path: Path) -> int:
    """Rows of a Parquet file by its footer. Raises ``StoreError`` when the footer cannot be read."""
    return int(_footer(path).num_rows)


def _footer(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} is not a readable Parquet file: {error}") from error


def _statistics(path: Path, table: Table) -> dict[str, Any]:
    footer = _footer(path)
    lowest: dict[str, Any] = {}
    highest: dict[str, Any] = {}
    for position in range(footer.num_columns):
        name = footer.schema.column(position).path
        if name not in table.key:
            continue
        bounds = [_bounds(footer.row_group(group).column(position)) for group in range(footer.num_row_groups)]
        complete = [bound for bound in bounds if bound is not None]
        if complete and len(complete) == len(bounds):
            lowest[name] = min(bound[0] for bound in complete)
            highest[name] = max(bound[1] for bound in complete)
    return {"numRecords": footer.num_rows, "minValues": lowest, "maxValues": highest, "nullCount": {}}


def _bounds(chunk: Any) -> tuple[Any, Any] | None:
    """The bounds of one column chunk, or None where they are missing, cut, or of a type Delta writes differently."""
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    lowest, highest = statistics.min, statistics.max
    if isinstance(lowest, str) and max(len(lowest), len(highest)) > LONGEST_BOUND:
        return None
    return (lowest, highest) if isinstance(lowest, int | str) else None
