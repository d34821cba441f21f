"""Who computes a stored table that is a query: DuckDB in this process, or a cluster that is reached by Spark Connect.

Rows come out the same, so it is in no digest: what one has computed, another reads. Steps that no query can say are computed here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from leadline.engine import DUCKDB, EVERYTHING, NotPortable, Within, compiled, within_columns
from leadline.engine.connect import ConnectEngine, spark_types
from leadline.engine.connect_errors import QueryRefused, TaskLost
from leadline.materialize.model import Model

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table

    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings
    from leadline.lake import Snapshot

_log = logging.getLogger("leadline.facts")

Query = Callable[[str], str]
"""The text of a step's query in a dialect."""
Parts = Callable[[], Sequence[Within]]
"""What of the inputs is worked on one after the other, where all of it is too much at once."""
PAUSES = (1.0, 10.0, 35.0)
"""Seconds before a step is tried again: a cluster sends work to a worker that is lost until its heartbeat has been missed, which
takes half a minute unless it is set otherwise."""


@dataclass(frozen=True)
class StepInputs:
    """What a step reads: ``sources`` of the lake at ``snapshot``, the rows of ``stored`` tables in their folders, and the people,
    each ``within`` some repositories if the model is by repository. ``bind`` makes a part of it queryable in the session's engine;
    ``check`` raises if the step is not wanted any more; ``rows`` counts what is read at most."""

    snapshot: Snapshot
    sources: tuple[str, ...]
    spellings: Spellings
    stored: Mapping[Model, Path]
    people: tuple[str, Callable[[], pa.Table]] | None
    bind: Callable[[Within], None]
    check: Callable[[], None]
    rows: Callable[[], int]
    within: Within = EVERYTHING


class Steps(Protocol):
    """Writes the rows of steps as Parquet files into their folders."""

    def in_pieces(self, inputs: StepInputs) -> bool:
        """Whether several workers may each write some of a step's rows."""

    def write(self, model: Model, query: Query, inputs: StepInputs, folder: Path, parts: Parts) -> str:
        """Write the rows of ``model``, if there are any, to ``folder``; returns who computed them. Raises ``Interrupted``, or
        ``StoreError``."""

    def interrupt(self) -> None:
        """Stop for good, from any thread."""

    def close(self) -> None:
        """Give back what is held."""


class DuckSteps:
    """Computes on the session's own engine, part by part."""

    def __init__(self, engine: Backend) -> None:
        self._engine = engine

    def in_pieces(self, inputs: StepInputs) -> bool:  # noqa: ARG002
        """As of any."""
        return True

    def write(self, model: Model, query: Query, inputs: StepInputs, folder: Path, parts: Parts) -> str:  # noqa: ARG002
        """As of any."""
        text = query(self._engine.dialect)
        for number, within in enumerate(parts()):
            inputs.check()
            inputs.bind(within)
            # A cache: written and read sooner is worth more than smaller.
            self._engine.copy(text, folder / f"{number:05}.parquet", "parquet", compression="snappy")
        return "DuckDB"

    def interrupt(self) -> None:
        """Nothing but the engine, which is told by itself."""

    def close(self) -> None:
        """Nothing: the engine is the session's."""


class ConnectSteps:
    """Computes on a Spark Connect server, all of a table at once; a step that fails with a worker is tried again."""

    def __init__(self, engine: ConnectEngine, pauses: Sequence[float] = PAUSES) -> None:
        self.engine = engine
        self._pauses = pauses

    def in_pieces(self, inputs: StepInputs) -> bool:  # noqa: ARG002
        """As of any: the cluster shares out a step by itself."""
        return False

    def write(self, model: Model, query: Query, inputs: StepInputs, folder: Path, parts: Parts) -> str:  # noqa: ARG002
        """As of any; raises ``NotPortable`` or ``QueryRefused`` too, where the cluster cannot do it as DuckDB does."""
        text = query(self.engine.dialect)
        for pause in self._pauses:
            try:
                return self._once(text, inputs, folder)
            except TaskLost as error:
                self.engine.require_plan(text)
                _log.warning("%s: %s; tried again in %d s", model.name, error, pause)
                self.engine.wait(pause)
        return self._once(text, inputs, folder)

    def _once(self, text: str, inputs: StepInputs, folder: Path) -> str:
        inputs.check()
        self._bind(inputs)
        for file in self.engine.write(text, folder):
            with file.open("rb") as written:
                os.fsync(written.fileno())
        return self.engine.name

    def _bind(self, inputs: StepInputs) -> None:
        self.engine.bind_snapshot(inputs.snapshot, inputs.sources, within=inputs.within, spellings=inputs.spellings)
        for above, folder in inputs.stored.items():
            paths = sorted(folder.glob("*.parquet"))
            types = spark_types(above.columns.items())
            within = within_of(above, inputs.within)
            self.engine.bind_files(above.bound_name, types, paths, rows_of(folder), within=within)
        if inputs.people is not None:
            name, people = inputs.people
            self.engine.bind_arrow(name, people())

    def interrupt(self) -> None:
        """As of any."""
        self.engine.interrupt()

    def close(self) -> None:
        """As of any."""
        self.engine.close()


class SharedSteps:
    """Leaves to ``cluster`` what reads ``from_rows`` rows or more and can be said to it, and all else to ``local``."""

    def __init__(self, local: Steps, cluster: Steps, from_rows: int) -> None:
        self._local, self._cluster, self._from_rows = local, cluster, from_rows

    def in_pieces(self, inputs: StepInputs) -> bool:
        """As of any."""
        return inputs.rows() < self._from_rows and self._local.in_pieces(inputs)

    def write(self, model: Model, query: Query, inputs: StepInputs, folder: Path, parts: Parts) -> str:
        """As of any."""
        if inputs.rows() >= self._from_rows:
            try:
                return self._cluster.write(model, query, inputs, folder, parts)
            except NotPortable as error:
                _log.warning("%s is computed by DuckDB: the cluster cannot say %s", model.name, error)
            except QueryRefused as error:
                _log.warning("%s is computed by DuckDB: %s", model.name, error)
        return self._local.write(model, query, inputs, folder, parts)

    def interrupt(self) -> None:
        """As of any."""
        self._cluster.interrupt()

    def close(self) -> None:
        """As of any."""
        self._cluster.close()


def within_of(model: Model, within: Within) -> Within:
    """The part of a stored table that a step which works on the repositories of ``within`` reads."""
    if model.looked_up is not None or "repository" not in model.columns:
        return EVERYTHING
    return within_columns(within, model.columns)


def rows_of(folder: Path) -> int:
    """How many rows the Parquet files of a folder have; they need not be read for that."""
    from pyarrow.parquet import read_metadata

    return sum(read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def compiled_step(model: Model, expression: Table, dialect: str = DUCKDB) -> str:
    """The query of a stored table, built as ``expression``, as SQL text with the declared columns."""
    from leadline.engine.functions import to_bigint

    columns = {
        name: to_bigint(expression[name]) if kind == "int64" else expression[name].cast(kind)
        for name, kind in model.columns.items()
    }
    return compiled(expression.select(**columns), dialect)


def no_rows(model: Model) -> Table:
    """A query for none with the columns of ``model``: Spark writes no file for no rows."""
    import ibis

    nothing = ibis.range(0).unnest().name("nothing").as_table()
    return nothing.select(**{name: ibis.null(kind) for name, kind in model.columns.items()})


def require_file(engine: Backend, model: Model, folder: Path) -> None:
    """Where nobody wrote a file, there are no rows."""
    if not any(folder.glob("*.parquet")):
        engine.copy(no_rows(model), folder / "00000.parquet", "parquet")
