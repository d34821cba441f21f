"""Takes pages to the lake: what was renamed away goes, rows come, what a whole list lacks goes; then cursors are stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from leadline.db import cursors
from leadline.engine import Engine, parquet_relation, sql_text
from leadline.engine.sql_text import sql_list
from leadline.errors import LeadlineError
from leadline.formats.rows import Columns, RawRow, Refusal, RowRefused, raw_row
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, Receipt, commit_staged, ingest, staging
from leadline.ingest.forgetting import recognized
from leadline.ingest.removal import remove, same_as
from leadline.ingest.staging import StagingWriter, conform, lower_case_columns
from leadline.ingest.validation import RowValidator
from leadline.instants import instant_of
from leadline.lake import Lake
from leadline.lease import Lease
from leadline.schema import TABLES, Table
from leadline.schema.table import default_of
from leadline.sources.kit.cursor import Cursor, stored
from leadline.sources.kit.page import Developers, Page, Row, RowOfFile, Skipped, TypedRows, Vanished
from leadline.sources.kit.text import plain
from leadline.sync.file_reading import FileReading

if TYPE_CHECKING:
    import pyarrow as pa

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


class _Staged:
    """Typed rows that wait on disk, in Parquet files nobody sees yet, until their last page has come."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._folders = ExitStack()
        self._writers: dict[tuple[str, bool, bool], tuple[Table, StagingWriter]] = {}
        # Committing needs them: they are loaded while the source is still read.
        load = lambda: [import_module(module) for module in ("duckdb", "deltalake")]  # noqa: E731
        threading.Thread(target=load, name="sync-imports", daemon=True).start()

    def write(self, rows: TypedRows) -> None:
        key = rows.table, rows.replace, rows.counted
        if key not in self._writers:
            declared = TABLES[rows.table]
            table = replace(declared, immutable=False) if rows.replace else declared
            folder = self._folders.enter_context(staging(self._lake, table))
            self._writers[key] = table, StagingWriter(table, folder)
        table, writer = self._writers[key]
        writer.write(conform(rows.batch, table))

    def finished(self) -> list[tuple[Table, StagingWriter, bool]]:
        """What was written, and whether it counts; tables of details first, so that a row that is there has all of its details."""
        written = [(table, writer, counted) for (_, _, counted), (table, writer) in self._writers.items()]
        return sorted(written, key=lambda table_first: -len(table_first[0].key))

    def close(self) -> None:
        self._folders.close()


@dataclass
class _Batch:
    """Pages that wait for their delivery."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    complete_parents: dict[str, list[Row]] = field(default_factory=dict)
    still_present: dict[str, list[Row]] = field(default_factory=dict)
    parents: set[tuple[Any, ...]] = field(default_factory=set)
    renamed_away: list[str] = field(default_factory=list)
    vanished: list[Vanished] = field(default_factory=list)
    cursors_before: dict[str, Cursor] = field(default_factory=dict)
    cursors: dict[str, Cursor | None] = field(default_factory=dict)
    size: int = 0

    def has_one_of(self, page: Page) -> bool:
        """Whether a parent of which ``page`` has everything is in here already."""
        return not self.parents.isdisjoint(_parents(page))

    def add(self, page: Page) -> None:
        for waiting, new in (
            (self.rows, page.rows),
            (self.complete_parents, page.complete_parents),
            (self.still_present, page.still_present),
        ):
            for table, rows in new.items():
                waiting.setdefault(table, []).extend(rows)
        self.parents |= _parents(page)
        self.renamed_away += page.renamed_away
        self.vanished += page.vanished
        self.cursors_before.update(page.cursors_before)
        self.cursors.update(page.cursors)
        self.size += page.weight


def _parents(page: Page) -> set[tuple[Any, ...]]:
    return {(table, *key.values()) for table, parents in page.complete_parents.items() for key in parents}


class BatchWriter:
    """Takes the pages of a source of ``kind`` to the lake of ``project``, under the source's lock ``lease``; ``close`` it. Whatever
    it delivers is refused (``LockLost``) once somebody else reads the source."""

    def __init__(self, project: Project, kind: str, now: Callable[[], datetime], lease: Lease) -> None:
        self._project, self._kind, self._now, self._lease = project, kind, now, lease
        self._batch = _Batch()
        self._unfinished: list[Page] = []
        self._staged: _Staged | None = None
        self.records = 0
        self._counts: dict[str, TableCounts] = {}
        self.skipped: list[Skipped] = []
        self.skipped_count = self.gaps = 0
        self.failed: list[Skipped] = []
        self._file: FileReading | None = None

    @cached_property
    def _engine(self) -> Engine:
        """Opened when there is something to deliver: a source without news needs none."""
        return Engine.of(self._project.home, most_memory=MEMORY_LIMIT)

    @cached_property
    def _validator(self) -> RowValidator:
        return RowValidator(self._engine)

    @property
    def size(self) -> int:
        """Rows that wait for their delivery, by their pages' weight."""
        return self._batch.size

    @property
    def tables(self) -> dict[str, TableCounts]:
        """What became of the rows, by table."""
        return {name: counts for name, counts in self._counts.items() if counts != TableCounts()}

    def close(self) -> None:
        """End the engine; what waits for pages that never came is thrown away."""
        self._throw_away()
        if "_engine" in vars(self):
            self._engine.close()

    def take(self, page: Page) -> None:
        """Keep a page until its batch is delivered, which may be now."""
        self.records += page.records
        self._skip(page.skipped)
        self._skip(page.failed)
        self.failed += page.failed
        if page.of_file:
            self._file = self._file or FileReading(page.subject)
            self._file.add(page)
        for rows in page.typed_rows:
            self._staged = self._staged or _Staged(self._project.lake)
            self._counts.setdefault(rows.table, TableCounts())  # told in the order in which they came
            self._staged.write(rows)
        if page.unfinished:
            self._unfinished.append(replace(page, typed_rows=()))
            return
        if page.renamed_away or self._batch.has_one_of(page):
            self.deliver()  # rows of before may bear a name that is gone, or be another version of the same parent's
        if page.developers is not None:
            self._put_in_force(page.developers)
        for finished in (*self._unfinished, page):
            self._batch.add(finished)
        self._unfinished.clear()
        if self._staged or page.vanished:
            self.deliver()

    def end(self) -> LeadlineError | None:
        """At the end of the source: deliver what waits; why nothing of its file can be taken, if so. A file that was not read whole
        is read again the next time, whether it has changed or not: it is in trouble until somebody mends it."""
        self.deliver()
        if self._file is None or not self._file.refused_rows:
            return None
        self._store(dict.fromkeys(self._file.cursors))
        if error := self._file.nothing_taken():
            return error
        self.failed.append(not_whole := self._file.not_whole())
        self._skip([not_whole])
        return None

    def deliver(self) -> None:
        """Bring what waits into the lake, then store its cursors; pages that are not finished wait on."""
        batch, self._batch = self._batch, _Batch()
        if batch.renamed_away:
            self._remove_repositories(batch.renamed_away)
        if not self._unfinished:
            self._deliver_staged(batch)
        for name, rows in batch.rows.items():
            if rows:
                table = TABLES[name]
                typed = self._typed(table, rows)
                self._count(table, ingest(self._project, table, typed, engine=self._engine, under=self._lease))
        for name, parents in batch.complete_parents.items():
            table = TABLES[name]
            present = _by_columns([*batch.rows.get(name, ()), *batch.still_present.get(name, ())], table.key)
            for columns, keys in _by_columns(parents, table.key).items():
                self._remove_what_lacks(table, columns, keys, present)
        self._store(batch.cursors)

    def _deliver_staged(self, batch: _Batch) -> None:
        """What came as typed rows, and what vanished. Raises ``StoreError`` if the disk fails."""
        vanished = [(of, keys) for of in batch.vanished if (keys := self._vanished_keys(of)).num_rows]
        if self._staged or vanished:
            self._store(batch.cursors_before)
        if self._staged:
            for table, writer, counted in self._staged.finished():
                files, message = writer.close(), f"sync {self._kind}"
                receipt = commit_staged(
                    self._project, table, files, writer.rows, message=message, engine=self._engine, under=self._lease
                )
                if counted:
                    self._count(table, receipt)
            self._throw_away()
        for of, keys in vanished:
            for name in (*of.details, of.table):
                self._remove(TABLES[name], keys)

    def _throw_away(self) -> None:
        if self._staged:
            self._staged.close()
        self._staged = None

    def _store(self, values: Mapping[str, Cursor | None]) -> None:
        project = self._project
        cursors.put_all(project.db, project.id, self._kind, stored(values), self._now(), under=self._lease)

    def _vanished_keys(self, vanished: Vanished) -> pa.Table:
        """Keys of the rows in the lake that are gone."""
        import pyarrow as pa

        table = TABLES[vanished.table]
        present = self._project.lake.newest([table.name]).files(table.name)
        if not present:
            return pa.table({})
        self._engine.bind_arrow("listed", recognized(self._project, table, vanished.values))
        where = " AND ".join(f"{name} = {sql_text(value)}" for name, value in vanished.where.items())
        return self._engine.arrow(
            f"SELECT {sql_list(table.key)} FROM {parquet_relation(present, table.arrow_schema)} "
            f"{'ANTI' if vanished.listed_remain else 'SEMI'} JOIN listed USING ({sql_list(vanished.values.column_names)}) "
            f"WHERE {where}"
        )

    def _typed(self, table: Table, rows: Sequence[Row]) -> list[pa.RecordBatch]:
        """The rows with their declared types; those that the table's rules refuse are left out, and named."""
        columns = Columns(table)
        good: list[RawRow] = []
        rows_of_good: list[Row] = []
        for row in rows:
            try:
                good.append(raw_row({name: plain(value) for name, value in row.items()}, columns))
                rows_of_good.append(row)
            except RowRefused as refused:
                self._refuse(table, row, refused)
        batches = self._validator.typed(table, good)
        if sum(batch.num_rows for batch in batches) < len(good):
            for refusal in self._validator.refusals(table, good):
                self._refuse(table, rows_of_good[refusal.line], refusal)
        return batches

    def _refuse(self, table: Table, row: Row, refused: Refusal | RowRefused) -> None:
        self._skip([skipped := Skipped(_named(table, row), f"{refused.column}: {refused.reason}")])
        if self._file is not None:
            self._file.refuse((skipped,))

    def _put_in_force(self, developers: Developers) -> None:
        """Load the org tree. Raises ``InvalidInput`` with every violation: its cursor is not stored then, and the last good tree
        stays."""
        from leadline.people import load_org

        self._lease.require()
        project = self._project
        project.temp.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="people-", dir=project.temp) as folder:
            file = Path(folder) / "developers.csv"
            file.write_bytes(developers.content)
            load_org(project, file, developers.tree, now=self._now())

    def _remove_repositories(self, names: Sequence[str]) -> None:
        import pyarrow as pa

        from leadline.ingest.inbox import flush

        flush(self._project, now=self._now)  # what waits there under such a name must not come after its removal
        keys = pa.table({"repository": pa.array(sorted(set(names)), pa.string())})
        for table in OF_A_REPOSITORY:
            self._remove(table, keys)

    def _remove_what_lacks(
        self,
        table: Table,
        columns: tuple[str, ...],
        parents: Sequence[Row],
        present: Mapping[tuple[str, ...], Sequence[Row]],
    ) -> None:
        """Take away rows of ``parents`` (by ``columns``) that are not among those ``present``, which are all there are."""
        files = self._project.lake.newest([table.name]).files(table.name)
        if not files:
            return
        self._bind_keys("parents", table, columns, parents)
        bounds = " AND ".join(
            f"{name} BETWEEN (SELECT min({name}) FROM parents) AND (SELECT max({name}) FROM parents)"
            for name in columns
        )
        lower = lower_case_columns(table)
        lacking = ""
        for number, (names, rows) in enumerate(present.items()):
            self._bind_keys(f"listed_{number}", table, names, rows)
            same = " AND ".join(
                f"{f'lower(listed.{name})' if name in lower else f'listed.{name}'} {same_as(table, name)} stored.{name}"
                for name in names
            )
            lacking += f" AND NOT EXISTS (FROM listed_{number} AS listed WHERE {same})"
        keys = self._engine.arrow(
            f"SELECT {sql_list(table.key)} FROM {parquet_relation(files, table.arrow_schema)} AS stored WHERE {bounds} "
            f"AND EXISTS (FROM parents WHERE {' AND '.join(f'parents.{name} = stored.{name}' for name in columns)})"
            f"{lacking}"
        )
        if keys.num_rows:
            self._remove(table, keys)

    def _bind_keys(self, name: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        import pyarrow as pa

        schema = pa.schema([table.arrow_schema.field(column) for column in columns])
        keys = [{column: _as(schema.field(column), row.get(column)) for column in columns} for row in rows]
        self._engine.bind_arrow(name, recognized(self._project, table, pa.Table.from_pylist(keys, schema=schema)))

    def _remove(self, table: Table, keys: pa.Table) -> None:
        removed = remove(self._project, table, keys, under=self._lease)
        counts = self._counts.get(table.name, TableCounts())
        self._counts[table.name] = replace(counts, removed=counts.removed + removed)

    def _count(self, table: Table, receipt: Receipt) -> None:
        counts = self._counts.get(table.name, TableCounts())
        added, updated = counts.added + receipt.added, counts.updated + receipt.updated
        self._counts[table.name] = replace(counts, added=added, updated=updated)

    def _skip(self, skipped: Sequence[Skipped]) -> None:
        self.skipped_count, self.gaps = self.skipped_count + len(skipped), self.gaps + sum(one.gap for one in skipped)
        self.skipped += skipped[: SKIPPED_KEPT - len(self.skipped)]


def _by_columns(rows: Sequence[Row], key: tuple[str, ...]) -> dict[tuple[str, ...], list[Row]]:
    """Rows by the columns of the key that they have."""
    by_columns: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if columns := tuple(name for name in key if name in row):
            by_columns.setdefault(columns, []).append(row)
    return by_columns


def _as(declared: pa.Field, value: Any) -> Any:
    """A key's value with its declared type; None if it has another, or is unknown."""
    import pyarrow as pa

    if value is None:
        return default_of(declared)
    if pa.types.is_integer(declared.type):
        return value if isinstance(value, int) else None
    if not isinstance(value, str) or not value:
        return None
    if not pa.types.is_timestamp(declared.type):
        return value
    try:
        return instant_of(value)
    except (ValueError, OverflowError):
        return None


def _named(table: Table, row: Mapping[str, Any]) -> str:
    if isinstance(row, RowOfFile):
        return row.place
    return f"{table.name} {' '.join(str(row.get(name)) for name in table.key)}"[:200]
