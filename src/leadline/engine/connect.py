"""A session on a Spark Connect server (Apache Spark 4, Databricks, Sail): tables bound by name, queries written to Parquet files.

The server reads and writes the same storage as this process, under the same names. Nothing is believed of that: what it reads is
counted, and what it is said to have written must be there.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from leadline.engine.backend import EVERYTHING, Within, within_columns
from leadline.engine.connect_errors import ClusterGone, QueryRefused, TaskLost, told
from leadline.engine.dialects import SPARK, translated
from leadline.engine.duck import Interrupted
from leadline.engine.narrowed import narrowed
from leadline.engine.spellings import AS_WRITTEN, Spellings
from leadline.engine.sql_text import quoted
from leadline.engine.tables import schema_table
from leadline.errors import PreconditionFailed, StoreError, first_line
from leadline.schema import TABLES
from leadline.schema.table import default_of

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.lake import Snapshot

_T = TypeVar("_T")
DEFAULT_PORT = 15002
_ANSWER_SECONDS = 10.0
"""How long a server may take until it answers at all."""
_OLDEST = 4
"""The first version of Spark that reads what is asked here."""
_CONFIGURATION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.ansi.enabled": "true",
}
_POLL_SECONDS = 0.02


class ConnectEngine:
    """A session on the server at ``address`` (``sc://HOST:PORT``), opened when it is first needed. Use from one thread at a time,
    except ``interrupt``.

    Raises ``Interrupted`` once it was interrupted, ``PreconditionFailed`` where the client is not installed, ``ClusterGone`` where
    no server answers, and other ``StoreError``s for what it cannot do.
    """

    dialect = SPARK

    def __init__(self, address: str) -> None:
        self.name = shown(address)
        self._address = address
        self._stop = threading.Event()
        self._open: Any = None
        self._bound: dict[str, object] = {}

    # -- binding -------------------------------------------------------------------------------------------------------

    def bind_snapshot(
        self,
        snapshot: Snapshot,
        tables: Iterable[str],
        *,
        within: Within = EVERYTHING,
        spellings: Spellings = AS_WRITTEN,
    ) -> None:
        """Make schema tables queryable with their declared columns, names read by ``spellings``; ``within`` keeps those that
        are keyed by repository to some repositories."""
        for name in tables:
            schema = TABLES[name].arrow_schema
            counts, every = [file.rows for file in snapshot.data_files(name)], f"files_of_{name}"
            rows = None if any(count < 0 for count in counts) else sum(counts)
            self._files(every, _types(name), [Path(path) for path in snapshot.files(name)], rows)
            query = spellings.query(name, f"SELECT {', '.join(map(_cell, schema))} FROM {quoted(every)}")
            narrow = "repository" in TABLES[name].key
            self._view(name, narrowed(query, within_columns(within, schema.names)) if narrow else query)

    def bind_arrow(self, name: str, table: pa.Table) -> None:
        """Make a small Arrow table queryable as ``name``."""
        if (before := self._bound.get(name)) is not None and table.equals(before):
            return
        session = self._session()

        def bind() -> None:
            from pyspark.sql.pandas.types import from_arrow_schema

            rows = table if table.num_rows else []
            session.createDataFrame(rows, from_arrow_schema(table.schema)).createOrReplaceTempView(name)

        self.run(bind)
        self._bound[name] = table

    def bind_files(
        self, name: str, types: str, paths: Sequence[Path], rows: int, *, within: Within = EVERYTHING
    ) -> None:
        """Make Parquet files, which have so many ``rows``, queryable as ``name``."""
        every = f"files_of_{name}"
        self._files(every, types, paths, rows)
        self._view(name, narrowed(f"SELECT * FROM {quoted(every)}", within))

    def _files(self, name: str, types: str, paths: Sequence[Path], rows: int | None) -> None:
        """Make exactly these files queryable. A server may read what it does not find as nothing, so rows are counted."""
        state = (types, tuple(paths))
        if self._bound.get(name) == state:
            return
        session = self._session()

        def bind() -> None:
            addresses = [_address_of(path) for path in paths]
            read = session.read.schema(types).parquet(*addresses) if paths else session.createDataFrame([], types)
            read.createOrReplaceTempView(name)
            if rows is not None and rows != (found := read.count() if paths else 0):
                raise StoreError(
                    f"{self.name} finds {found:,} of the {rows:,} rows of {Path(paths[0]).parent}: it must see the home under "
                    "the same name as this machine, and all of it"
                )

        self.run(bind)
        self._bound[name] = state

    def _view(self, name: str, query: str) -> None:
        if self._bound.get(name) != query:
            session, text = self._session(), translated(query, SPARK)
            self.run(lambda: session.sql(text).createOrReplaceTempView(name))
            self._bound[name] = query

    # -- running -------------------------------------------------------------------------------------------------------

    def write(self, text: str, folder: Path) -> list[Path]:
        """Write the rows of a query in Spark SQL to Parquet files in ``folder``, which is there; none if there are no rows.
        Whatever fails leaves no file, and what a task that nobody stopped writes later is not taken for a row."""
        attempt = folder / f".{uuid.uuid4().hex}"
        session = self._session()
        try:
            rows = self.run(lambda: session.sql(text))
            self.run(lambda: rows.write.option("compression", "snappy").parquet(_address_of(attempt)))
            written = sorted(attempt.glob("*.parquet")) if attempt.is_dir() else []
            # Not whether there is a first row: Sail cannot take that of some queries, and here none is expected.
            if not written and self.run(rows.count):
                raise StoreError(
                    f"What {self.name} wrote to {folder} is not there: it must see the home under the same name as this machine"
                )
            return [file.replace(folder / f"{number:05}.parquet") for number, file in enumerate(written)]
        finally:
            shutil.rmtree(attempt, ignore_errors=True)

    def require_plan(self, text: str) -> None:
        """Raises ``QueryRefused`` if the server cannot say how it would do a query: then it is not a worker that was lost."""
        session = self._session()
        try:
            self.run(lambda: session.sql(text)._explain_string(extended=True))
        except TaskLost as error:
            raise QueryRefused(f"{self.name} cannot plan a query of leadline's: {first_line(error)}") from error

    def run(self, action: Callable[[], _T]) -> _T:
        """What ``action`` gives, which asks the server; not waited for once it was interrupted."""
        if self._stop.is_set():
            raise Interrupted("Stopped on request")
        result: list[_T] = []
        failed: list[BaseException] = []
        done = threading.Event()

        def ask() -> None:
            try:
                result.append(action())
            except BaseException as error:
                failed.append(error)
            finally:
                done.set()

        threading.Thread(target=ask, name="cluster", daemon=True).start()
        while not done.wait(_POLL_SECONDS):
            if self._stop.is_set():
                raise Interrupted("Stopped on request")
        if not failed:
            return result[0]
        self._stop_if_interrupted()
        raise told(failed[0], self.name) from failed[0]

    def _stop_if_interrupted(self) -> None:
        if self._stop.is_set():
            raise Interrupted("Stopped on request")

    def wait(self, seconds: float) -> None:
        """Wait, unless it is interrupted meanwhile."""
        self._stop.wait(seconds)
        self._stop_if_interrupted()

    @property
    def stopped(self) -> bool:
        """Whether it was interrupted, and so will never run anything again."""
        return self._stop.is_set()

    def interrupt(self) -> None:
        """Stop it for good, from any thread."""
        self._stop.set()
        if (session := self._open) is not None:
            threading.Thread(
                target=_quietly, args=(session.interruptAll,), name="cluster-interrupt", daemon=True
            ).start()

    def close(self) -> None:
        """End the session; the next use opens another, unless it was interrupted."""
        session, self._open = self._open, None
        self._bound.clear()
        if session is not None:
            threading.Thread(target=_quietly, args=(session.stop,), name="cluster-close", daemon=True).start()

    def _session(self) -> Any:
        if self._open is None:
            builder = client()
            self._require_answer()
            self._open = self.run(lambda: self._opened(builder))
        return self._open

    def _require_answer(self) -> None:
        parts = urlsplit(self._address)
        try:
            socket.create_connection((parts.hostname or "", parts.port or DEFAULT_PORT), _ANSWER_SECONDS).close()
        except OSError as error:
            raise ClusterGone(
                f"No Spark Connect server answers at {self.name} ({error}); start it, or set LEADLINE_CLUSTER to where it is"
            ) from error

    def _opened(self, builder: Any) -> Any:
        from pyspark.sql.connect.client.retries import DefaultPolicy

        session = builder.remote(self._address).create()
        # By default, a server that is gone is waited for longer than ten minutes, without a word.
        session.client.set_retry_policies([DefaultPolicy(max_retries=4, initial_backoff=200, max_backoff=2000)])
        version = str(session.version)
        if not (number := re.match(r"\d+", version)) or int(number[0]) < _OLDEST:
            session.stop()
            raise StoreError(f"{self.name} is Spark {version}; leadline needs Spark {_OLDEST} or newer")
        for name, value in _CONFIGURATION.items():
            session.conf.set(name, value)
        return session


def client() -> Any:
    """What opens sessions, in any process. Raises ``PreconditionFailed`` where the client is not installed."""
    try:
        with _as_a_program(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas may be newer than what it is tested with; it is not used
            from pyspark.sql import SparkSession
            from pyspark.sql.connect.client import SparkConnectClient  # noqa: F401 - says what it lacks when it is loaded
    except ImportError as error:
        raise PreconditionFailed(
            f"LEADLINE_CLUSTER needs the client of Spark Connect ({error}): pip install 'leadline[spark]'"
        ) from error
    return SparkSession.builder


@contextmanager
def _as_a_program() -> Iterator[None]:
    """A process without a file of its own (``python -c``, a spawned one) is taken by the client for its own doctests, and ended."""
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = __file__
    try:
        yield
    finally:
        del main.__file__


def shown(address: str) -> str:
    """``address`` without what opens doors."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or DEFAULT_PORT}"


def spark_types(columns: Iterable[tuple[str, object]]) -> str:
    """Columns with their ibis types as a Spark schema."""
    import ibis
    from ibis.backends.sql.datatypes import PySparkType
    from ibis.backends.sql.dialects import PySpark

    kinds = ((name, PySparkType.from_ibis(ibis.dtype(kind)).sql(dialect=PySpark)) for name, kind in columns)
    return ", ".join(f"`{name}` {kind}" for name, kind in kinds)


def _types(table: str) -> str:
    return spark_types(schema_table(table).schema().items())


def _cell(column: pa.Field) -> str:
    name, default = quoted(column.name), default_of(column)
    return name if default is None else f"coalesce({name}, {default}) AS {name}"


def _address_of(path: str | Path) -> str:
    return str(path) if "://" in str(path) else Path(path).as_uri()


def _quietly(action: Callable[[], object]) -> None:
    with suppress(Exception):  # it is gone anyway
        action()
