"""The one way rows enter the lake: stage them, resolve them against what is there, commit once. A delivery is one atomic Delta
commit, or none when nothing changes. Staging happens outside the table's lock, resolving and committing inside it, so any number of
processes may deliver at once and none loses or doubles a row. A process killed anywhere leaves the last good state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine import Engine
from leadline.errors import StoreError
from leadline.home import Project
from leadline.ingest.resolution import Outcome, decide, repeated_within, resolve
from leadline.ingest.staging import stage_batches
from leadline.lake import Lake
from leadline.lake.maintenance import TOO_MANY_SMALL_FILES, clear_table, merge_files, small_files
from leadline.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY_LIMIT = "450MB"
"""What resolving may hold before it spills: with Arrow and Python beside it a worker stays below 1 GiB."""
CLEAR_EVERY = 32
"""Versions of a table after which files that no kept version reads any more are cleared from the disk."""


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery, in rows. ``added`` + ``updated`` + ``unchanged`` are the rows delivered; ``unchanged``
    ones were there already, are older than what is there, or were overtaken within the delivery. ``version`` is the
    table's Delta version afterwards, None while it was never written."""

    added: int
    updated: int
    unchanged: int
    version: int | None


def ingest(
    project: Project,
    table: Table,
    batches: Iterable[pa.RecordBatch],
    *,
    progress: Callable[[int], None] | None = None,
    engine: Engine | None = None,
) -> Receipt:
    """Takes typed rows of ``table`` into the lake in one commit.

    ``batches`` carry columns of ``table.arrow_schema`` (missing ones are unknown). A row replaces the one of the same
    natural key unless both carry ``updated_at`` and it is the older; rows of an immutable table are only added. The
    outcome does not depend on how a delivery is cut. Nothing is taken if ``batches`` raises. ``progress`` is told the
    rows staged so far; ``engine`` lends one for resolving (default: one of its own). Raises ``InvalidInput`` for rows
    that are not of the table, ``StoreError`` if the disk fails.
    """
    with staging(project.lake, table) as folder:
        staged, rows = stage_batches(table, batches, folder, progress)
        return commit_staged(project, table, staged, rows, engine=engine)


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
) -> Receipt:
    """Resolves ``staged`` files (``rows`` rows, conforming to the table, in delivery order) and commits them."""
    lake = project.lake
    if not rows:
        return Receipt(0, 0, 0, lake.version(table.name))
    lent = nullcontext(engine) if engine is not None else Engine(temp_dir=project.temp, memory_limit=MEMORY_LIMIT)
    with lent as resolver:
        repeated_within(resolver, table, staged)
        with project.lock(f"lake:{table.name}"):
            outcome, version = _commit(lake, table, staged, resolver, message)
    if version is not None and version % CLEAR_EVERY == 0 and outcome.added_files:
        with suppress(StoreError, OSError):  # the rows are in; clearing comes round again
            clear_table(lake, table, now=datetime.now(UTC))
    return Receipt(outcome.added, outcome.updated, rows - outcome.added - outcome.updated, version)


def commit_held(lake: Lake, table: Table, staged: Sequence[Path], *, engine: Engine, message: str = "ingest") -> None:
    """As ``commit_staged`` with at least one row, for who holds the table's lock."""
    repeated_within(engine, table, staged)
    _commit(lake, table, staged, engine, message)


def _commit(
    lake: Lake, table: Table, staged: Sequence[Path], engine: Engine, message: str
) -> tuple[Outcome, int | None]:
    """Resolve and commit; ``repeated_within`` has run, the table's lock is held."""
    present = lake.newest([table.name]).files(table.name)
    outcome = resolve(engine, table, staged, present, folder=staged[0].parent)
    if not outcome.added_files and not outcome.removed_files:
        return outcome, lake.version(table.name)
    version = lake.commit(table, added=outcome.added_files, removed=outcome.removed_files, message=message)
    return outcome, _merge_if_many(lake, table) or version


def dry_run(project: Project, table: Table, staged: Sequence[Path], rows: int) -> Receipt:
    """The receipt that ``commit_staged`` would give now; nothing is written."""
    lake = project.lake
    if not rows:
        return Receipt(0, 0, 0, lake.version(table.name))
    with Engine(temp_dir=project.temp, memory_limit=MEMORY_LIMIT) as engine:
        repeated_within(engine, table, staged)
        decision = decide(engine, table, staged, lake.newest([table.name]).files(table.name))
    return Receipt(decision.added, decision.updated, decision.superseded, lake.version(table.name))


def _merge_if_many(lake: Lake, table: Table) -> int | None:
    """Merges the table's small files when there are too many; the new version, if so. The table's lock is held."""
    small = small_files(lake.newest([table.name]), table.name)
    if len(small) <= TOO_MANY_SMALL_FILES:
        return None
    merge_files(lake, table, small)
    return lake.version(table.name)
