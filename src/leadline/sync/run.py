"""The frame that runs a connector: takes its pages, delivers their rows in batches, and keeps how far it has read.

A ``Source`` comes in; its rows are in the lake and a ``SyncResult`` goes out. A batch is delivered whole (what is gone goes,
rows come, what a whole list lacks goes) and only then its cursors are stored, together. So a run may be killed anywhere: the
next one goes on from the last batch, and what is delivered twice is the same as once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from leadline.db import cursors
from leadline.engine import Engine, parquet_relation
from leadline.engine.sql_text import sql_list
from leadline.errors import LeadlineError
from leadline.formats.json_lines import Columns, RowRefused, raw_row
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, ingest
from leadline.ingest.inbox import flush
from leadline.ingest.removal import remove
from leadline.ingest.staging import lower_case_columns
from leadline.ingest.validation import RawRow, RowValidator
from leadline.people import load_org
from leadline.schema import TABLES, Table
from leadline.sources.git import SOURCE as GIT
from leadline.sources.kit.cursor import Cursor, stored
from leadline.sources.kit.page import CallStats, Developers, Page, Row, RowOfFile, RunContext, Skipped, Source, State
from leadline.sync.prefetch import Prefetch

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_A_TIME = 20_000
SECONDS_AT_A_TIME = 20.0
"""A batch is delivered when it has so many rows or is so old: what a kill costs at most."""
SKIPPED_KEPT = 100
"""Things left out that a result names; all are counted."""
OF_A_REPOSITORY = tuple(table for table in TABLES.values() if "repository" in table.key and not table.immutable)
"""Tables in which a repository's rows go with its name. Commits stay: git knows them, whatever the repository is called."""


@dataclass(frozen=True)
class TableCounts:
    """Rows of one table: new, changed and taken away."""

    added: int = 0
    updated: int = 0
    removed: int = 0


@dataclass(frozen=True)
class SyncResult:
    """What a run brought. ``error``: why it ended before its time; what it had delivered until then stays.

    ``records``: things read. ``skipped``: the first of the ``skipped_count`` things that were left out. ``failed``: streams that
    could not be read, as the tool was in trouble; they are among what was left out, too.
    """

    records: int
    tables: dict[str, TableCounts]
    skipped: tuple[Skipped, ...]
    skipped_count: int
    figures: CallStats
    seconds: float
    error: LeadlineError | None = None
    failed: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class SyncRun:
    """One project's lake and cursors, and how a source is read into them.

    ``progress`` is told what is being read and the records so far; ``now`` stamps cursors, ``clock`` measures seconds.
    """

    project: Project
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    progress: Callable[[str, int], None] | None = None
    rows_at_a_time: int = ROWS_AT_A_TIME

    def run(self, source: Source) -> SyncResult:
        """Read ``source`` to its end. A second run of the same source waits here for the first to end.

        What the tool refuses ends up in the result; only this machine's own troubles (``StoreError`` of the lake or the
        database) are raised.
        """
        began = self.clock()
        with self.project.lock(source.lock), Engine(temp_dir=self.project.temp, memory_limit=MEMORY_LIMIT) as engine:
            carrier = _BatchWriter(self, source.kind, engine)
            error = self._read(source, carrier)
            carrier.deliver()
        return SyncResult(
            carrier.records,
            carrier.tables,
            tuple(carrier.skipped),
            carrier.skipped_count,
            source.figures(),
            self.clock() - began,
            error,
            tuple(carrier.failed),
        )

    def _read(self, source: Source, carrier: _BatchWriter) -> LeadlineError | None:
        """Hand every page to ``carrier``; what ended the reading, if it was not its end."""
        with Prefetch(source.pages(self._context(source.kind))) as pages:
            while True:
                try:
                    page = next(pages, None)
                except LeadlineError as error:
                    return error
                if page is None:
                    return None
                carrier.take(page)
                if self.progress is not None:
                    self.progress(page.subject, carrier.records)

    def _context(self, kind: str) -> RunContext:
        names = [(source, name) for source, name, _ in cursors.listed(self.project.db, self.project.id)]
        return RunContext(
            cursors.of_source(self.project.db, self.project.id, kind),
            frozenset(name for source, name in names if source == GIT),
            has_commits=self.project.lake.version("commits") is not None,
            other_kinds=any(source != kind for source, _ in names),
        )


@dataclass
class _Batch:
    """Pages that wait for their delivery."""

    began: float
    rows: dict[str, list[Row]] = field(default_factory=dict)
    complete_parents: dict[str, list[Row]] = field(default_factory=dict)
    still_present: dict[str, list[Row]] = field(default_factory=dict)
    parents: set[tuple[Any, ...]] = field(default_factory=set)
    renamed_away: list[str] = field(default_factory=list)
    cursors: dict[str, Cursor | State | None] = field(default_factory=dict)
    size: int = 0

    def has_one_of(self, page: Page) -> bool:
        """Whether a parent of which ``page`` has everything is in here already."""
        return any(
            _parent(table, each) in self.parents for table, found in page.complete_parents.items() for each in found
        )

    def add(self, page: Page) -> None:
        for mine, theirs in (
            (self.rows, page.rows),
            (self.complete_parents, page.complete_parents),
            (self.still_present, page.still_present),
        ):
            for table, found in theirs.items():
                mine.setdefault(table, []).extend(found)
        self.parents.update(_parent(table, each) for table, found in page.complete_parents.items() for each in found)
        self.renamed_away += page.renamed_away
        self.cursors.update(page.cursors)
        self.size += max(1, sum(map(len, page.rows.values())))  # a page without rows still has its cursor


def _parent(table: str, key: Row) -> tuple[Any, ...]:
    return (table, *key.values())


class _BatchWriter:
    """Takes pages to the lake. The source's lock is held."""

    def __init__(self, pull: SyncRun, kind: str, engine: Engine) -> None:
        self._pull, self._kind, self._engine = pull, kind, engine
        self._judge = RowValidator(engine)
        self._batch = _Batch(pull.clock())
        self.records = 0
        self.tables: dict[str, TableCounts] = {}
        self.skipped: list[Skipped] = []
        self.skipped_count = 0
        self.failed: list[Skipped] = []

    def take(self, page: Page) -> None:
        """Keep a page until its batch is delivered, which may be now."""
        if page.renamed_away or self._batch.has_one_of(page):
            self.deliver()  # rows of before may bear a name that is gone, or be another version of the same parent's
        if page.developers is not None:
            self._put_in_force(page.developers)
        self._batch.add(page)
        self.records += page.records
        self._skip(page.skipped)
        self._skip(page.failed)
        self.failed += page.failed
        old = self._pull.clock() - self._batch.began >= SECONDS_AT_A_TIME
        if self._batch.size >= self._pull.rows_at_a_time or (old and self._batch.size):
            self.deliver()

    def deliver(self) -> None:
        """Bring what waits into the lake, then store its cursors."""
        batch, self._batch = self._batch, _Batch(self._pull.clock())
        if batch.renamed_away:
            self._deliver_pushed()
            self._remove_repositories(batch.renamed_away)
        for name, rows in batch.rows.items():
            if rows:
                self._deliver(TABLES[name], rows)
        for name, parents in batch.complete_parents.items():
            if not parents:
                continue
            here = _by_columns([*batch.rows.get(name, ()), *batch.still_present.get(name, ())], TABLES[name].key)
            for columns, found in _by_columns(parents, TABLES[name].key).items():
                self._remove_what_lacks(TABLES[name], columns, found, here)
        project = self._pull.project
        cursors.put_all(project.db, project.id, self._kind, stored(batch.cursors), self._pull.now())
        self._batch.began = self._pull.clock()

    def _deliver(self, table: Table, rows: Sequence[Row]) -> None:
        receipt = ingest(
            self._pull.project,
            table,
            self._typed(table, rows),
            engine=self._engine,
        )
        self._count(table, receipt.added, receipt.updated, 0)

    def _typed(self, table: Table, rows: Sequence[Row]) -> list[pa.RecordBatch]:
        """The rows with their declared types; those that the table's rules refuse are left out, and named."""
        columns = Columns(table)
        good: list[RawRow] = []
        given: list[Row] = []
        for row in rows:
            try:
                good.append(raw_row({name: _plain(value) for name, value in row.items()}, columns))
                given.append(row)
            except RowRefused as refused:
                self._skip([Skipped(_named(table, row), f"{refused.column}: {refused.reason}")])
        batches = self._judge.typed(table, good)
        if sum(batch.num_rows for batch in batches) < len(good):
            refusals = self._judge.refusals(table, good)
            self._skip([Skipped(_named(table, given[each.line]), f"{each.column}: {each.reason}") for each in refusals])
        return batches

    def _put_in_force(self, developers: Developers) -> None:
        """Load the org tree. Raises ``InvalidInput`` with every violation: its cursor is not stored then, and the last good tree
        stays."""
        pull = self._pull
        pull.project.temp.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="people-", dir=pull.project.temp) as folder:
            file = Path(folder) / "developers.csv"
            file.write_bytes(developers.content)
            load_org(pull.project, file, developers.tree, now=pull.now())

    def _deliver_pushed(self) -> None:
        """What waits in the inbox under a name that is gone must not come after its removal."""
        pull = self._pull
        flush(pull.project, now=pull.now)

    def _remove_repositories(self, names: Sequence[str]) -> None:
        import pyarrow as pa

        keys = pa.table({"repository": pa.array(sorted(set(names)), pa.string())})
        for table in OF_A_REPOSITORY:
            self._remove(table, keys)

    def _remove_what_lacks(
        self,
        table: Table,
        columns: tuple[str, ...],
        parents: Sequence[Row],
        here: Mapping[tuple[str, ...], Sequence[Row]],
    ) -> None:
        """Take away rows of ``parents`` (by ``columns``) that are not among those ``here``, which are all there are."""
        present = self._pull.project.lake.snapshot().files(table.name)
        if not present:
            return
        self._bind_keys("parents", table, columns, parents)
        bounds = " AND ".join(
            f"{name} BETWEEN (SELECT min({name}) FROM parents) AND (SELECT max({name}) FROM parents)"
            for name in columns
        )
        lower = lower_case_columns(table)
        lacking = ""
        for number, (names, found) in enumerate(here.items()):
            self._bind_keys(f"listed_{number}", table, names, found)
            same = " AND ".join(
                f"{f'lower(listed.{name})' if name in lower else f'listed.{name}'} = there.{name}" for name in names
            )
            lacking += f" AND NOT EXISTS (FROM listed_{number} AS listed WHERE {same})"
        keys = self._engine.arrow(
            f"SELECT {sql_list(table.key)} FROM {parquet_relation(present, table.arrow_schema)} AS there WHERE {bounds} "
            f"AND EXISTS (FROM parents WHERE {' AND '.join(f'parents.{name} = there.{name}' for name in columns)})"
            f"{lacking}"
        )
        if keys.num_rows:
            self._remove(table, keys)

    def _bind_keys(self, name: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        import pyarrow as pa

        schema = table.arrow_schema
        fields = pa.schema([schema.field(each) for each in columns])
        made = [{each: _as(fields.field(each), row.get(each)) for each in columns} for row in rows]
        self._engine.bind_arrow(name, pa.Table.from_pylist(made, schema=fields))

    def _remove(self, table: Table, keys: pa.Table) -> None:
        removed = remove(self._pull.project, table, keys)
        self._count(table, 0, 0, removed)

    def _count(self, table: Table, added: int, updated: int, removed: int) -> None:
        if added or updated or removed:
            before = self.tables.get(table.name, TableCounts())
            self.tables[table.name] = TableCounts(
                before.added + added, before.updated + updated, before.removed + removed
            )

    def _skip(self, skipped: Sequence[Skipped]) -> None:
        self.skipped_count += len(skipped)
        self.skipped += skipped[: SKIPPED_KEPT - len(self.skipped)]


def _plain(value: Any) -> Any:
    """Numbers as texts, as the rules take them; whatever a tool sends instead of a value as what it looks like."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, list):
        return [each if isinstance(each, str) else str(each) for each in value]
    return str(value)


def _by_columns(rows: Sequence[Row], key: tuple[str, ...]) -> dict[tuple[str, ...], list[Row]]:
    """Rows by the columns of the key that they have."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if columns := tuple(name for name in key if name in row):
            found.setdefault(columns, []).append(row)
    return found


def _as(declared: pa.Field, value: Any) -> Any:
    """A key's value with its declared type; None, which equals nothing, if it has another."""
    import pyarrow as pa

    if pa.types.is_integer(declared.type):
        return value if isinstance(value, int) else None
    if not isinstance(value, str):
        return None
    if not pa.types.is_timestamp(declared.type):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _named(table: Table, row: Mapping[str, Any]) -> str:
    if isinstance(row, RowOfFile):
        return row.place
    return f"{table.name} {' '.join(str(row.get(name)) for name in table.key)}"[:200]
