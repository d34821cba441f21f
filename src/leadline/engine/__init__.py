"""Runs expressions: one DuckDB connection with the tables of a snapshot bound to it.

A lake snapshot, Arrow tables or Parquet files come in as named tables, ibis expressions or DuckDB SQL as queries;
Arrow tables, record batches and finished files go out.
"""

from leadline.engine.duck import DIALECT, EVERYTHING, Engine, Interrupted, Within, compiled
from leadline.engine.sql_text import parquet_relation, quoted, sql_text
from leadline.engine.tables import BoundTable, schema_table

__all__ = [
    "DIALECT",
    "EVERYTHING",
    "BoundTable",
    "Engine",
    "Interrupted",
    "Within",
    "compiled",
    "parquet_relation",
    "quoted",
    "schema_table",
    "sql_text",
]
