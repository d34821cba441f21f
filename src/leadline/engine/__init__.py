"""Runs queries over the lake: what an engine is asked for (``Backend``), and DuckDB, which answers (``Engine``). A cluster
(``connect``) writes what stored tables are made of.

All SQL text of reading and computing is here, but what is declared elsewhere (see the decision "DuckDB on the write path").
"""

from leadline.engine.backend import EVERYTHING, Backend, Range, Rows, Within, within_columns
from leadline.engine.dialects import DUCKDB, SPARK, NotPortable, compiled
from leadline.engine.duck import Engine, Interrupted
from leadline.engine.sql_text import parquet_relation, quoted, sql_text
from leadline.engine.tables import BoundTable, schema_table

__all__ = [
    "DUCKDB",
    "EVERYTHING",
    "SPARK",
    "Backend",
    "BoundTable",
    "Engine",
    "Interrupted",
    "NotPortable",
    "Range",
    "Rows",
    "Within",
    "compiled",
    "parquet_relation",
    "quoted",
    "schema_table",
    "sql_text",
    "within_columns",
]
