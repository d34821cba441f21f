"""What reading and computing ask of an engine: tables bound by name, expressions run to Arrow or to files.

DuckDB's ``Engine`` is the one there is. Whatever is read of facts, metrics and the store of computed tables goes through
this; rows on their way into the lake are DuckDB's alone (see the decision "DuckDB on the write path").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from leadline.engine.spellings import AS_WRITTEN, Spellings

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from leadline.lake import Snapshot
    from leadline.settings.engine_limits import EngineLimits

FileFormat = Literal["parquet", "csv", "jsonl"]


@dataclass(frozen=True)
class Rows:
    """The rows whose ``key`` columns are a row of the bound table ``table`` (there with `wanted_` before their names), all of
    ``repositories``."""

    key: tuple[str, ...]
    table: str
    repositories: frozenset[str]


Range = tuple[str | None, str | None]
"""Names of repositories from the first (inclusive) to the second (exclusive); None is open."""
Within = Range | frozenset[str] | Rows
"""What is read of a table with repositories: a range of their names; or these alone; or single rows, and of a table that has not
their key all of their repositories."""
EVERYTHING: Within = (None, None)


def within_columns(within: Within, columns: Collection[str]) -> Within:
    """``within`` as it is for a table of ``columns``."""
    if isinstance(within, Rows) and not set(within.key) <= set(columns):
        return within.repositories
    return within


class Backend(Protocol):
    """A session on an engine. Queries are ibis expressions, or SQL text in its ``dialect``.

    Use from one thread at a time, except ``interrupt``. Whatever runs raises ``Interrupted`` once it was interrupted, and
    ``StoreError`` when disk or memory fail.
    """

    dialect: str
    limits: EngineLimits
    """What it may take."""

    def bind_snapshot(
        self,
        snapshot: Snapshot,
        tables: Iterable[str] | None = None,
        *,
        within: Within = EVERYTHING,
        spellings: Spellings = AS_WRITTEN,
    ) -> None:
        """Make schema tables (default: all) queryable with their declared columns, names read by ``spellings``; ``within``
        keeps those that are keyed by repository to some repositories."""

    def bind_arrow(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Make an Arrow table, or a stream that one query can read, queryable as ``name``."""

    def bind_files(self, name: str, paths: Sequence[Path], *, within: Within = EVERYTHING) -> None:
        """Make Parquet files, of which there is at least one, queryable as ``name``."""

    def unbind(self) -> None:
        """Forget every table that was bound."""

    def arrow(self, query: ibis.Table | str) -> pa.Table:
        """The whole result as an Arrow table."""

    def reader(self, query: ibis.Table | str, batch_rows: int = ...) -> pa.RecordBatchReader:
        """The result as a stream of record batches, computed as it is read."""

    def copy(
        self,
        query: ibis.Table | str,
        path: Path,
        format: FileFormat,  # noqa: A002 - the word users know
        *,
        durable: bool = ...,
        compression: Literal["zstd", "snappy"] = ...,
        metadata: Mapping[str, str] = ...,
    ) -> int:
        """Write the result to a file that is whole or absent; returns its rows."""

    def remember(self, query: str) -> str:
        """A short query with the rows of ``query``, for one that is run again and again."""

    @property
    def stopped(self) -> bool:
        """Whether it was interrupted, and so will never run anything again."""

    def interrupt(self) -> None:
        """Stop it for good, from any thread."""

    def close(self) -> None:
        """End the session."""
