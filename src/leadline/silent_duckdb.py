"""Sessions of DuckDB that print nothing. It takes a process that runs no file (``python -c``, one that is embedded) for somebody's
terminal and draws how far a long query is on stdout: there it would stand among what a program reads, or, where nobody reads,
wait for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def silent(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """``connection``, which is a new one or a new cursor: neither has it from another."""
    connection.execute("SET enable_progress_bar = false")
    return connection
