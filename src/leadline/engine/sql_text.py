"""Names, literals and Parquet scans as DuckDB SQL text that is safe to paste into a query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.errors import StoreError
from leadline.lake.files import exact_paths
from leadline.schema.table import default_of

if TYPE_CHECKING:
    import pyarrow as pa


def quoted(name: str) -> str:
    """``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(value: str | Path) -> str:
    """``value`` as a SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def sql_list(names: Iterable[str]) -> str:
    """Column names as a quoted, comma-separated list."""
    return ", ".join(quoted(name) for name in names)


def tables_read(query: str) -> frozenset[str]:
    """The names that stand in ``query``, a text that was compiled, where tables do: those that are bound, and its own."""
    return frozenset(_RELATION.findall(query))


_RELATION = re.compile(r'\b(?:FROM|JOIN)\s+"?(\w+)')


def duckdb_type(kind: pa.DataType) -> str:
    """The DuckDB type of a stored Arrow type. Raises ``TypeError`` for a type the schema does not use."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return duckdb_type(kind.value_type) + "[]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    names = {
        pa.string(): "VARCHAR",
        pa.large_string(): "VARCHAR",
        pa.bool_(): "BOOLEAN",
        pa.int8(): "TINYINT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.uint64(): "UBIGINT",
        pa.float32(): "FLOAT",
        pa.float64(): "DOUBLE",
        pa.date32(): "DATE",
    }
    if kind not in names:
        raise TypeError(f"no DuckDB type is known for Arrow type {kind}")
    return names[kind]


def parquet_files(paths: Iterable[str | Path], *options: str) -> str:
    """A table function that scans exactly ``paths``; no name of a folder (``a=b``) is taken for a column."""
    return f"read_parquet({', '.join((exact_paths(paths), 'hive_partitioning=false', *options))})"


def parquet_relation(paths: Sequence[str | Path], schema: pa.Schema) -> str:
    """A table function that scans ``paths`` with exactly the columns of ``schema``.

    Files written before a column existed read it as its default, or as unknown. The virtual columns ``filename``, ``file_index``
    (position in ``paths``) and ``file_row_number`` can be selected by name.
    """
    columns = ", ".join(
        f"{sql_text(field.name)}: {{name: {sql_text(field.name)}, type: {sql_text(duckdb_type(field.type))}, "
        f"default_value: {_literal(default_of(field))}}}"
        for field in schema
    )
    return parquet_files(paths, f"schema=MAP {{{columns}}}")


def empty_relation(schema: pa.Schema) -> str:
    """A query with the columns of ``schema`` and no row."""
    columns = ", ".join(f"CAST(NULL AS {duckdb_type(field.type)}) AS {quoted(field.name)}" for field in schema)
    return f"SELECT {columns} WHERE false"


def relation_query(paths: Sequence[str | Path], schema: pa.Schema) -> str:
    """A query over ``paths`` (possibly none) with exactly the columns of ``schema``, in its order.

    Unlike ``parquet_relation`` it lets the planner see how many rows there are, without which it joins in the wrong
    order: large queries read through this. A column that a file does not have yet reads as its default, or as unknown.
    """
    if not paths:
        return empty_relation(schema)
    in_files = frozenset[str]().union(*(columns_of(str(path)) for path in paths))
    columns = ", ".join(_read(field, in_files) for field in schema)
    return f"SELECT {columns} FROM {parquet_files(paths, 'union_by_name=true')}"


def _read(field: pa.Field, in_files: frozenset[str]) -> str:
    """A column of files of which some have it, if it is among those ``in_files``."""
    name, default = quoted(field.name), default_of(field)
    if field.name not in in_files:
        return f"CAST({_literal(default)} AS {duckdb_type(field.type)}) AS {name}"
    return name if default is None else f"coalesce({name}, {default}) AS {name}"


def _literal(number: int | None) -> str:
    return "NULL" if number is None else str(number)


@lru_cache(maxsize=8192)
def columns_of(path: str) -> frozenset[str]:
    """The columns of a Parquet file. A file never changes once it is committed, so its answer is remembered."""
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    try:
        return frozenset(read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} cannot be read as Parquet: {error}; run leadline status --check") from error
