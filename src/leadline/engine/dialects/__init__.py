"""Expressions as SQL text: a compiler for each dialect, which knows what the named functions are called there.

Whoever writes expressions knows of no dialect. What one cannot say as DuckDB does raises ``NotPortable``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadline.engine.dialects.not_portable import NotPortable

if TYPE_CHECKING:
    import ibis

__all__ = ["DUCKDB", "SPARK", "NotPortable", "compiled", "translated"]

DUCKDB = "duckdb"
SPARK = "spark"
"""Spark SQL as Apache Spark 4, Databricks and Sail read it."""


def compiled(query: ibis.Table | str, dialect: str = DUCKDB) -> str:
    """``query`` as SQL text."""
    if isinstance(query, str):
        return query
    if dialect == SPARK:
        from leadline.engine.dialects.spark import spark_sql

        return spark_sql(query)
    import ibis

    return str(ibis.to_sql(query, dialect=dialect))


def translated(text: str, dialect: str) -> str:
    """A query of plain words that all engines have, written as DuckDB reads it, for one of ``dialect``: names and texts are quoted
    otherwise there."""
    if dialect == DUCKDB:
        return text
    import sqlglot

    return str(sqlglot.transpile(text, read=DUCKDB, write=dialect)[0])
