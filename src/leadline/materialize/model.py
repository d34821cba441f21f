"""What a stored table is: a step between the lake and the metrics whose rows are computed once per state of the data.

``store`` computes and keeps the rows; the modules of the facts declare their tables. Nothing here knows what rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from leadline.engine import compiled
from leadline.engine.spellings import AS_WRITTEN
from leadline.materialize.compiled import CompiledQueryCache

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings
    from leadline.lake import Snapshot
    from leadline.settings.profile import Profile

BeforeComputing = Callable[[str, Callable[[], int]], None]
"""Hears the name of a stored table that is not there, with what counts the rows that computing it reads at most. May raise, and
then it is not computed."""
_READ: ContextVar[list[Model] | None] = ContextVar("read", default=None)
"""The stored tables that the expression being built has named so far; None while none is built."""
_DECLARED: dict[str, WeakSet[Model]] = {}
"""All stored tables there are, by name."""


@dataclass(frozen=True)
class BuildContext:
    """Where a step that no query can say is computed.

    ``engine`` has the step's ``sources`` and ``depends_on`` bound; the step writes Parquet files of its declared columns
    into ``folder`` (at least one, if only an empty one). ``profile`` answers what the step declared alone. ``state`` is a
    folder of the step's own that outlives the computation, used by one process at a time and never needed: it may be empty
    whenever a step begins.
    """

    engine: Backend
    profile: Profile
    snapshot: Snapshot
    folder: Path
    state: Path
    readable: frozenset[str] = frozenset()
    """The names of the tables that the step declared."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What the profile answers to all that the step declared."""
    queries: CompiledQueryCache = field(default_factory=CompiledQueryCache)
    spellings: Spellings = AS_WRITTEN
    """What is read instead of what rows of the lake have; the bound tables are read so already."""

    def sql(self, name: str, state: object, query: Callable[[], Table]) -> str:
        """What ``query`` gives as SQL text, kept as what follows from ``name``, ``state``, ``answers`` and the code.

        Raises ``AssertionError`` if it reads a table that the step did not declare.
        """

        def text() -> str:
            expression = query()
            if undeclared := sorted(tables_in(expression) - self.readable):
                raise AssertionError(f"{', '.join(undeclared)} is read and not declared")
            return compiled(expression)

        return self.queries.text(name, [state, dict(self.answers)], text)


@dataclass(frozen=True)
class Computation:
    """How a table is computed that no query can say, with all that it reads, since that cannot be inferred: tables of the
    lake, stored tables, settings, and team rules by name (of any team). ``state`` names a state that several computations
    share; one without has a state of its own."""

    run: Callable[[BuildContext], None]
    sources: tuple[str, ...]
    depends_on: tuple[Model, ...] = ()
    settings: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    state: str = ""


@dataclass(frozen=True)
class LookUp:
    """How the rows of other repositories find those of a stored table: by its ``column``, which ``table`` of the lake has,
    too."""

    table: str
    column: str


@dataclass(frozen=True, eq=False)
class Model:
    """One stored table: its columns with ibis types, and its rows by ``expression`` or, where no query can say them, by
    ``computation``. What an expression reads is inferred from it.

    ``by_repository``: rows of one repository follow from rows of that repository alone (and from stored tables), so that
    a large lake can be worked through some repositories at a time, in memory that does not grow with it. ``looked_up``:
    such a step reads all of this table none the less, since several repositories share what it is about.
    """

    name: str
    columns: Mapping[str, str]
    expression: Callable[[Profile], Table] | None = None
    computation: Computation | None = None
    by_repository: bool = False
    looked_up: LookUp | None = None

    def __post_init__(self) -> None:
        _DECLARED.setdefault(self.name, WeakSet()).add(self)

    @property
    def bound_name(self) -> str:
        """The name under which its rows are bound in an engine."""
        return f"stored_{self.name}"

    def table(self) -> Table:
        """Its rows as an unbound table."""
        import ibis

        if (read := _READ.get()) is not None:
            read.append(self)
        return ibis.table(dict(self.columns), name=self.bound_name)


def tables_in(query: Table) -> frozenset[str]:
    """The names of the tables that an expression reads."""
    import ibis.expr.operations as ops

    return frozenset(table.name for table in query.op().find(ops.UnboundTable))


def only_model(name: str) -> Model | None:
    """The stored table called ``name``; None if there is none, or several are declared."""
    models = list(_DECLARED.get(name, ()))
    return models[0] if len(models) == 1 else None


@contextmanager
def noting_tables() -> Iterator[list[Model]]:
    """The stored tables whose ``table`` is asked for meanwhile."""
    read: list[Model] = []
    token = _READ.set(read)
    try:
        yield read
    finally:
        _READ.reset(token)


@dataclass(frozen=True)
class BuildPolicy:
    """What the store must be told of the tables that it keeps: ``code`` are the packages of leadline that rows follow from
    (a new release computes them anew), ``query_code`` those that texts of queries follow from, ``weighed`` the tables of
    the lake, keyed by repository, whose rows say how much work a repository is. ``spellings`` tells which names mean one
    thing, of an engine, the lake's tables (opened where that is needed) at some versions, and a folder to keep it in."""

    code: tuple[str, ...]
    query_code: tuple[str, ...]
    weighed: tuple[str, ...]
    spellings: Callable[[Backend, Callable[[], Snapshot], Mapping[str, int], Path], Spellings]
