"""The one way rows enter the lake: stage them, resolve them against what is there, commit once. A delivery is one atomic Delta
commit, or none when nothing changes. Staging happens outside the table's lock, resolving and committing inside it, so any number of
processes may deliver at once and none loses or doubles a row. A process killed anywhere leaves the last good state, and one that
loses the lock resolves anew against what the table has become."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from leadline.engine import Engine
from leadline.errors import LockLost, StoreError
from leadline.home import Project
from leadline.ingest.forgetting import forgotten_in_files
from leadline.ingest.resolution import Decision, Outcome, decide, repeated_within, resolve
from leadline.ingest.staging import stage_batches
from leadline.lake import Lake, TableWriter
from leadline.lake.maintenance import TOO_MANY_SMALL_FILES, clear_table, merge_files, small_files
from leadline.lease import Lease
from leadline.people.forgotten import Forgotten, forgotten_of
from leadline.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY_LIMIT = 450_000_000
"""Bytes that resolving may hold before it spills: with Arrow and Python beside it a worker stays below 1 GiB."""
CLEAR_EVERY = 32
"""Versions of a table after which files that no kept version reads any more are cleared from the disk."""


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery (``Decision``). ``version`` is the table's Delta version afterwards, None while it was never
    written."""

    decision: Decision
    version: int | None

    @property
    def added(self) -> int:
        """Rows of new keys."""
        return self.decision.added

    @property
    def updated(self) -> int:
        """Rows that changed what was there."""
        return self.decision.updated

    @property
    def unchanged(self) -> int:
        """Rows that say what is there."""
        return self.decision.unchanged


T = TypeVar("T")
_TRIES = 5
"""How often a change of a table is begun, if its lock is lost each time."""


def change_table(
    project: Project, table: Table, change: Callable[[TableWriter], T], *, under: Lease | None = None
) -> T:
    """What ``change`` makes of the table, whose lock is held meanwhile. Where the lock was lost nothing has changed, and ``change``
    begins anew with the table as it is by then. ``under``: another lock without which nothing is written; it is not taken anew.
    Raises ``LockLost`` if that one is lost, or the table's again and again."""
    for _ in range(_TRIES - 1):
        try:
            with project.writing(table, under=under) as writer:
                return change(writer)
        except LockLost:
            if under is not None:
                under.require()
    with project.writing(table, under=under) as writer:
        return change(writer)


def ingest(
    project: Project,
    table: Table,
    batches: Iterable[pa.RecordBatch],
    *,
    progress: Callable[[int], None] | None = None,
    engine: Engine | None = None,
    under: Lease | None = None,
) -> Receipt:
    """Takes typed rows of ``table`` into the lake in one commit.

    ``batches`` carry columns of ``table.arrow_schema``, and ``TOLD`` where not every row tells all of them. What a row tells
    replaces what the one of the same natural key has, unless both carry ``updated_at`` and it is the older; rows of an immutable
    table are only added. The
    outcome does not depend on how a delivery is cut. Nothing is taken if ``batches`` raises. ``progress`` is told the
    rows staged so far; ``engine`` lends one for resolving (default: one of its own); ``under``: a lock that the caller
    holds, without which nothing is taken. Raises ``InvalidInput`` for rows that are not of the table, ``LockLost`` if
    ``under`` was lost, ``StoreError`` if the disk fails.
    """
    with staging(project.lake, table) as folder:
        staged, rows = stage_batches(table, batches, folder, progress)
        return commit_staged(project, table, staged, rows, engine=engine, under=under)


@contextmanager
def staging(lake: Lake, table: Table) -> Iterator[Path]:
    """A staging folder of the table, removed at the end with whatever was not committed."""
    folder = lake.staging_folder(table.name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit_staged(
    project: Project,
    table: Table,
    staged: Sequence[Path],
    rows: int,
    *,
    message: str = "ingest",
    engine: Engine | None = None,
    under: Lease | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> Receipt:
    """Resolves ``staged`` files (``rows`` rows, conforming to the table, in delivery order) and commits them. ``progress`` is told
    the share of it that is done (0 to 1)."""
    lake = project.lake
    if not rows:
        return Receipt(Decision(0, 0, 0), lake.version(table.name))
    lent = nullcontext(engine) if engine is not None else Engine.of(project.home, most_memory=MEMORY_LIMIT)
    with lent as resolver:
        arriving = _Arriving.of(project, table, staged)
        repeated_within(resolver, table, arriving.files, lambda share: progress(_COMPARED * share))

        def resolving(share: float) -> None:
            progress(_COMPARED + (1 - _COMPARED) * share)

        outcome, version = change_table(
            project, table, lambda writer: _commit(project, writer, arriving, resolver, message, resolving), under=under
        )
    progress(1.0)
    if version is not None and version % CLEAR_EVERY == 0 and outcome.added_files:
        with suppress(StoreError, OSError):  # the rows are in; clearing comes round again
            clear_table(lake, table, now=datetime.now(UTC))
    return Receipt(outcome.decision, version)


_COMPARED = 0.4
"""How much of a commit is done once the rows have been compared among themselves, for the progress shown."""


@dataclass(frozen=True)
class _Arriving:
    """Staged ``files``, in which those who are ``forgotten`` have pseudonyms."""

    files: Sequence[Path]
    forgotten: Forgotten

    @classmethod
    def of(cls, project: Project, table: Table, staged: Sequence[Path]) -> _Arriving:
        forgotten = forgotten_of(project)
        return cls(forgotten_in_files(forgotten, table, staged), forgotten)


def commit_held(writer: TableWriter, staged: Sequence[Path], *, engine: Engine, message: str = "ingest") -> None:
    """As ``commit_staged`` with at least one row, for who holds the table's lock and gives rows in which nobody is forgotten."""
    repeated_within(engine, writer.table, staged)
    _resolve(writer, staged, engine, message)


def _commit(
    project: Project,
    writer: TableWriter,
    arriving: _Arriving,
    engine: Engine,
    message: str,
    progress: Callable[[float], None],
) -> tuple[Outcome, int | None]:
    """Resolve and commit; ``repeated_within`` has run."""
    files = arriving.files
    if (forgotten := forgotten_of(project)) != arriving.forgotten:  # somebody was, while the lock was waited for
        files = forgotten_in_files(forgotten, writer.table, files)
        repeated_within(engine, writer.table, files)
    return _resolve(writer, files, engine, message, progress)


def _resolve(
    writer: TableWriter,
    staged: Sequence[Path],
    engine: Engine,
    message: str,
    progress: Callable[[float], None] = lambda _share: None,
) -> tuple[Outcome, int | None]:
    outcome = resolve(engine, writer.table, staged, writer.files(), folder=staged[0].parent, progress=progress)
    if outcome.added_files or outcome.removed_files:
        writer.commit(added=outcome.added_files, removed=outcome.removed_files, message=message)
        _merge_if_many(writer)
    return outcome, writer.version


def dry_run(project: Project, table: Table, staged: Sequence[Path], rows: int) -> Receipt:
    """The receipt that ``commit_staged`` would give now; nothing is written."""
    lake = project.lake
    if not rows:
        return Receipt(Decision(0, 0, 0), lake.version(table.name))
    with Engine.of(project.home, most_memory=MEMORY_LIMIT) as engine:
        files = _Arriving.of(project, table, staged).files
        repeated_within(engine, table, files)
        decision = decide(engine, table, files, lake.newest([table.name]).files(table.name))
    return Receipt(decision, lake.version(table.name))


def _merge_if_many(writer: TableWriter) -> None:
    """Merges the table's small files when there are too many."""
    small = small_files(writer)
    if len(small) > TOO_MANY_SMALL_FILES:
        with suppress(LockLost):  # the rows are in; merging comes round again
            merge_files(writer, small)
