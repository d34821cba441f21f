"""The schema's tables as unbound ibis tables, which facts and metrics are written against.

A table name comes in, an ``ibis.Table`` with the declared columns and types goes out; nothing is read.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from leadline.schema import ColumnType, table_named
from leadline.schema.table import ATTRIBUTES

if TYPE_CHECKING:
    import ibis

_IBIS_TYPES = {
    ColumnType.TEXT: "string",
    ColumnType.INTEGER: "int64",
    ColumnType.DECIMAL: "float64",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.INSTANT: "timestamp('UTC', 6)",
    ColumnType.LIST: "array<string>",
}


@cache
def schema_table(name: str) -> ibis.Table:
    """The unbound ibis table of the schema table ``name``. Raises ``InvalidRequest`` for an unknown name."""
    import ibis

    table = table_named(name)
    columns = {column.name: _IBIS_TYPES[column.type] for column in table.columns}
    if table.open_columns:
        columns[ATTRIBUTES] = "string"
    return ibis.table(ibis.schema(columns), name=name)
