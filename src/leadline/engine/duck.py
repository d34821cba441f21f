"""One DuckDB session: bounded memory, UTC, tables bound by name, queries run to Arrow or to a finished file.

A file that it writes exists either whole (flushed to disk) or not at all. Another thread may stop it at any time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from leadline.atomic_file import whole_file
from leadline.engine.backend import EVERYTHING, FileFormat, Within, within_columns
from leadline.engine.dialects import DUCKDB, compiled
from leadline.engine.narrowed import narrowed
from leadline.engine.spellings import AS_WRITTEN, Spellings
from leadline.engine.sql_text import parquet_files, quoted, relation_query, sql_text
from leadline.engine.temp_folder import Spill
from leadline.errors import LeadlineError, StoreError, first_line
from leadline.schema import TABLES
from leadline.settings.engine_limits import TWO_THREADS, EngineLimits
from leadline.silent_duckdb import silent

if TYPE_CHECKING:
    import duckdb
    import ibis
    import pyarrow as pa

    from leadline.home import Home
    from leadline.lake import Snapshot

_T = TypeVar("_T")

_COPY_OPTIONS: dict[str, str] = {
    "parquet": "FORMAT parquet",
    "csv": "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULL '', NEW_LINE '\\r\\n', "
    "TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'",
    "jsonl": "FORMAT json, ARRAY false, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'",
}
_PRESS_SECONDS = 0.05
_MOST_REMEMBERED = 64


class Interrupted(LeadlineError):
    """The engine was told to stop (a cancelled export); what it was writing is gone."""

    code = "cancelled"
    http_status = 409


class Engine:
    """One DuckDB session, a context manager; use from one thread at a time, except ``interrupt``.

    ``temp_dir`` is where it may spill (into a folder of its own, removed at the end), ``limits`` what it may take.
    """

    dialect = DUCKDB

    def __init__(self, *, temp_dir: Path, limits: EngineLimits = TWO_THREADS) -> None:
        import duckdb

        self.limits = limits
        self._spill = Spill(temp_dir)
        self._stop = threading.Event()
        self._streams: set[_Stream] = set()
        self._bound: dict[str, pa.Table | pa.RecordBatchReader] = {}
        self._views: dict[str, str] = {}
        self._remembered: dict[str, str] = {}
        self._running: Any = None
        self._connection: duckdb.DuckDBPyConnection = silent(
            duckdb.connect(
                ":memory:",
                config={
                    "memory_limit": f"{limits.memory}B",
                    "threads": limits.threads,
                    # DuckDB's own threads for writing may leave a COPY that fails or is interrupted waiting for ever.
                    "async_threads": 0,
                    "temp_directory": str(self._spill.path),
                    "autoinstall_known_extensions": False,
                    "allow_community_extensions": False,
                },
            )
        )
        # Global, so that the cursors of readers are in UTC too. Files never change, so their footers may be remembered.
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("SET GLOBAL parquet_metadata_cache = true")
        # Expressions use it where a sum is wider than ibis believes; "bigint" itself is a keyword here.
        self._connection.execute("CREATE MACRO to_bigint(number) AS CAST(number AS BIGINT)")
        ratio = "(numerator::HUGEINT * 20000 + denominator) // nullif(denominator::HUGEINT * 2, 0) / 1e4"
        self._connection.execute(f"CREATE MACRO rounded_ratio(numerator, denominator) AS {ratio}")
        # What a run has read is not kept for the next: the memory is given back, and the system caches files anyway.
        self._connection.execute("SET GLOBAL enable_external_file_cache = false")
        # A table name must never be taken for a Python variable that happens to be called the same.
        self._connection.execute("SET GLOBAL python_enable_replacements = false")

    @classmethod
    def of(cls, home: Home, *, most_memory: int | None = None) -> Engine:
        """An engine that takes its share of what may be used for computing on ``home``, and no more than ``most_memory`` bytes."""
        return cls(temp_dir=home.temp, limits=home.limits if most_memory is None else home.limits.at_most(most_memory))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session, with any reader still open, and removes what it spilled."""
        for stream in list(self._streams):
            stream.close()
        self._bound.clear()
        self._views.clear()
        self._remembered.clear()
        self._connection.close()
        self._spill.close()

    # -- binding ---------------------------------------------------------------------------------------------------

    def bind_snapshot(
        self,
        snapshot: Snapshot,
        tables: Iterable[str] | None = None,
        *,
        within: Within = EVERYTHING,
        spellings: Spellings = AS_WRITTEN,
    ) -> None:
        """One view per schema table (or the ``tables`` named); empty where it has no file."""
        for name in TABLES if tables is None else tables:
            query = spellings.query(name, relation_query(snapshot.files(name), TABLES[name].arrow_schema))
            of_table = within_columns(within, TABLES[name].column)
            self._view(name, narrowed(query, of_table) if "repository" in TABLES[name].key else query)

    def bind_arrow(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Makes an Arrow table queryable as ``name``; or a stream of batches, which only one query can read."""
        import pyarrow as pa

        before = self._bound.get(name)
        if isinstance(before, pa.Table) and (before is table or (isinstance(table, pa.Table) and before.equals(table))):
            return  # binding anew costs more than the comparison of a small table
        self._drop_view(name)
        self._connection.register(name, table)
        self._bound[name] = table

    def bind_files(self, name: str, paths: Sequence[Path], *, within: Within = EVERYTHING) -> None:
        """Makes Parquet files, of which there is at least one, queryable as ``name``."""
        self._view(name, narrowed(f"SELECT * FROM {parquet_files(paths)}", within))

    def unbind(self) -> None:
        """Forget every table that was bound, as if the engine were new; readers still open are ended."""
        for stream in list(self._streams):
            stream.close()
        self._streams.clear()
        for name in list(self._views):
            self._drop_view(name)
        for name in list(self._bound):
            self._unregister(name)

    def _view(self, name: str, query: str) -> None:
        if self._views.get(name) == query:
            return  # files never change, so the view is as good as new
        self._unregister(name)
        self.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS {query}")
        self._views[name] = query

    def _drop_view(self, name: str) -> None:
        if self._views.pop(name, None) is not None:
            self.execute(f"DROP VIEW {quoted(name)}")

    def _unregister(self, name: str) -> None:
        if self._bound.pop(name, None) is not None:
            self._connection.unregister(name)

    # -- running ---------------------------------------------------------------------------------------------------

    def execute(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs one SQL statement and returns its rows as Python tuples: for small answers and for set-up.

        Instants have no Python form here: cast them to text in the query, or ask ``arrow``.
        """
        return self._run(lambda: self._connection.execute(query, list(parameters)).fetchall())

    def arrow(self, query: ibis.Table | str) -> pa.Table:
        """The whole result as an Arrow table. Raises ``Interrupted``, or ``StoreError`` when disk or memory fail."""
        text = compiled(query)
        return self._run(lambda: self._connection.sql(text).to_arrow_table())

    def reader(self, query: ibis.Table | str, batch_rows: int = 65_536) -> pa.RecordBatchReader:
        """The result as a stream of record batches of about ``batch_rows`` rows, computed as it is read.

        Other queries may run on the engine meanwhile. Close it (it is a context manager) if it is not read to the end.
        """
        import pyarrow as pa

        stream = _Stream(silent(self._connection.cursor()))
        for name, table in self._bound.items():  # a cursor sees views and tables, but not what was registered
            stream.cursor.register(name, table)
        self._streams.add(stream)
        stream.source = self._run(lambda: stream.cursor.sql(compiled(query)).to_arrow_reader(batch_rows), stream.cursor)

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                while (batch := self._run(lambda: next(stream.source, None), stream.cursor)) is not None:
                    yield batch
            finally:
                stream.close()
                self._streams.discard(stream)

        return pa.RecordBatchReader.from_batches(stream.source.schema, batches())

    def remember(self, query: str) -> str:
        """A short query with the rows of ``query``: repeated, it spares the engine reading a long text anew.

        It names the bound tables as ``query`` does, and so reads what is bound under these names when it runs; their
        columns must stay the same. The engine keeps it through ``unbind``.
        """
        if query not in self._remembered:
            if len(self._remembered) == _MOST_REMEMBERED:
                for name in self._remembered.values():
                    self.execute(f"DROP VIEW {quoted(name)}")
                self._remembered.clear()
            name = f"remembered_{len(self._remembered)}"
            self.execute(f"CREATE VIEW {quoted(name)} AS {query}")
            self._remembered[query] = name
        return f"FROM {quoted(self._remembered[query])}"

    def copy(
        self,
        query: ibis.Table | str,
        path: Path,
        format: FileFormat,  # noqa: A002 - the word users know
        *,
        durable: bool = True,
        compression: Literal["zstd", "snappy"] = "zstd",
        metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> int:
        """Writes the result to ``path`` and returns its rows.

        CSV is RFC 4180 with a header row and ``\\r\\n``; instants are RFC 3339 to the second, empty is unknown. JSONL
        is one object a line. The file is written under a temporary name beside ``path``, flushed and renamed, so
        ``path`` is never half a file; on any failure nothing is left. Without ``durable`` it is not flushed: for a file
        that is only read again and deleted. ``compression`` is Parquet's: zstd is smaller, snappy is written faster. ``metadata``
        is what a Parquet file's schema tells besides.
        """
        text = compiled(query)
        options = _COPY_OPTIONS[format]
        if format == "parquet":
            told = ", ".join(f"{sql_text(name)}: {sql_text(text)}" for name, text in metadata.items())
            options += f", COMPRESSION {compression}" + (f", KV_METADATA {{{told}}}" if told else "")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, durable=durable) as partial:
                ((rows,),) = self.execute(f"COPY ({text}) TO {sql_text(partial)} ({options})")
        except OSError as error:
            raise StoreError(f"{path} could not be written: {error}") from error
        return int(rows)

    # -- stopping --------------------------------------------------------------------------------------------------

    @property
    def stopped(self) -> bool:
        """Whether it was interrupted, and so will never run anything again."""
        return self._stop.is_set()

    def interrupt(self) -> None:
        """Stops the engine for good, from any thread: the running query and every later one raise ``Interrupted``."""
        self._stop.set()
        # DuckDB forgets an interrupt that comes before a query has started, so it is pressed until the query has ended.
        threading.Thread(target=self._press, name="engine-interrupt", daemon=True).start()

    def _press(self) -> None:
        pause = threading.Event()
        while (running := self._running) is not None:
            running.interrupt()
            pause.wait(_PRESS_SECONDS)

    def _run(self, action: Callable[[], _T], connection: Any = None) -> _T:
        import duckdb

        self._running = connection if connection is not None else self._connection
        try:
            if self._stop.is_set():
                raise Interrupted("Stopped on request")
            return action()
        except (
            duckdb.Error,
            OSError,
            UnicodeDecodeError,
        ) as error:  # the last: what it says of a damaged file is no text
            if (explained := _told(error)) is error:
                raise
            raise explained from error
        finally:
            self._running = None


class _Stream:
    """A result being read: its cursor and Arrow reader, let go at once when closed (even if the reader is kept)."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.source: Any = None

    def close(self) -> None:
        if self.source is not None:
            self.source.close()
        if self.cursor is not None:
            self.cursor.close()
        self.cursor = self.source = None


_OF_DAMAGE = re.compile(
    r"(?![A-Z][A-Za-z ]* Error: )|INTERNAL Error: |Invalid Input Error: .*(No magic|Footer|Failed to read|Parquet)"
)
"""How begins what DuckDB says of a Parquet file that is none any more: its reader's own words are of no kind of error."""


def _told(error: Exception) -> Exception:
    """What a failed query raises. A streamed result reports every failure as ``OSError``, the kind only in its text."""
    import duckdb

    text = first_line(error)
    if isinstance(error, duckdb.InterruptException) or text.startswith("INTERRUPT Error"):
        return Interrupted("Stopped on request")
    if isinstance(error, duckdb.OutOfMemoryException) or text.startswith("Out of Memory Error"):
        return StoreError(f"Not enough memory or temporary disk space: {text}")
    if isinstance(error, duckdb.IOException) or text.startswith("IO Error"):
        return StoreError(f"Reading or writing failed: {text}")
    if _OF_DAMAGE.match(text) and not getattr(error, "errno", None):
        return StoreError(f"A stored file is damaged: {text}")
    return duckdb.InvalidInputException(text) if text.startswith("Invalid Input Error") else error
