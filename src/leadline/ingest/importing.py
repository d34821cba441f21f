"""Imports files in the documented tables: reads, converts, reports what is refused, commits each file whole.

Files are ``.csv``, ``.csv.gz``, ``.jsonl``, ``.jsonl.gz`` or ``.parquet``; each is one commit of the lake. A good CSV file
takes the fast way: Arrow parses it, DuckDB converts it, and the first doubt ends the attempt. Then, and for other formats,
the exact way reads it in order and locates every refusal. A tool's own CSV export is read through a column map.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.engine import Engine
from leadline.errors import InvalidInput, InvalidRequest, LeadlineError, StoreError
from leadline.formats.column_map import ColumnMap
from leadline.formats.csv_reader import FastReader, NeedsExactReading, exact_rows, read_header
from leadline.formats.files import ImportFile, find_files
from leadline.formats.json_lines import json_rows
from leadline.formats.mapped_csv import mapped_rows, recognized
from leadline.formats.parquet import parquet_rows
from leadline.formats.rows import LINE, RECORD, Header, RawRows, Refusal
from leadline.home import Project
from leadline.ingest import delivery
from leadline.ingest.conversion import accepted_query, refusals_query, rules, strict_query
from leadline.ingest.delivery import MEMORY_LIMIT, commit_staged, staging
from leadline.ingest.lines import RowLines, read_again
from leadline.ingest.report import FileReport, ImportReport
from leadline.ingest.resolution import Repeat
from leadline.ingest.staging import StagingWriter
from leadline.permissions import give_to_user

if TYPE_CHECKING:
    import pyarrow as pa

MOST_REFUSED = 300_000
"""A file of which so many rows are refused, and more than half, is not read any further: it is no file of its table."""

Progress = Callable[[int, int, int], None]
"""Told (bytes read, bytes in all, rows so far) over all files."""


@dataclass
class _Job:
    """The import of one file: what the caller asked for, and how far it has got."""

    file: ImportFile
    report: FileReport
    skip_bad_rows: bool
    project: Project
    refused_dir: Path | None
    on_progress: Callable[[int, int], None]
    on_stored: Callable[[float], None]
    columns: ColumnMap | None = None
    sink: _RefusedFile | None = None
    rows: int = 0
    read: int = 0
    read_fast: bool = False
    lines: RowLines = field(default_factory=RowLines)
    refused_rows: int = 0

    def progress(self, done: int) -> None:
        self.read = done
        self.on_progress(done, self.rows)


def import_paths(
    project: Project,
    paths: Sequence[Path],
    *,
    table: str | None = None,
    columns: ColumnMap | None = None,
    skip_bad_rows: bool = False,
    dry_run: bool = False,
    refused_dir: Path | None = None,
    progress: Progress | None = None,
    stored: Callable[[int], None] = lambda _bytes: None,
    clock: Callable[[], float] = time.monotonic,
) -> ImportReport:
    """Takes the files at ``paths`` into the lake, each wholly or not at all.

    ``table`` overrides what a file's name says; ``columns`` says of which table CSV files are and what their titles mean.
    ``skip_bad_rows`` takes the good rows of a file and writes the refused ones to ``<file>.refused.csv`` in ``refused_dir``
    (default: beside the file). ``dry_run`` reads and judges but writes nothing. A refused file is reported (``ImportReport.ok`` is
    False) and does not stop the others. ``stored`` is told the bytes, over all files, of what is in the lake or never will be.
    Raises ``InvalidRequest`` for paths or a table that do not exist, ``StoreError`` when the
    home cannot take the rows.
    """
    files, skipped = chosen_files(paths, table, columns)
    report = ImportReport(skipped=skipped, dry_run=dry_run)
    total = sum(file.path.stat().st_size for file in files)
    bytes_before = rows_before = 0
    for file in files:

        def on_progress(done: int, rows: int, at: tuple[int, int] = (bytes_before, rows_before)) -> None:
            if progress is not None:
                progress(at[0] + done, total, at[1] + rows)

        size = file.path.stat().st_size

        def on_stored(share: float, at: tuple[int, int] = (bytes_before, size)) -> None:
            stored(at[0] + int(share * at[1]))

        started = clock()
        report_of_file = FileReport(file.path, file.table.name)
        job = _Job(file, report_of_file, skip_bad_rows, project, refused_dir, on_progress, on_stored, columns)
        try:
            _import_file(job, dry_run=dry_run)
        except InvalidInput as error:
            job.report.error, job.report.details = error.message, error.details
        on_stored(1.0)
        job.report.seconds = clock() - started
        report.files.append(job.report)
        bytes_before += size
        rows_before += job.report.rows
    return report


def chosen_files(
    paths: Sequence[Path], table: str | None, columns: ColumnMap | None
) -> tuple[list[ImportFile], list[tuple[Path, str]]]:
    """The files that ``import_paths`` takes, and those it skips with the reason. Raises ``InvalidRequest`` as it does."""
    chosen = table if columns is None else _mapped_table(columns, table)
    files, skipped = find_files([Path(path) for path in paths], chosen)
    if columns is not None:
        _require_csv(files)
    return files, skipped


def _mapped_table(columns: ColumnMap, table: str | None) -> str:
    if table not in (None, columns.table.name):
        raise InvalidRequest(f"{columns.name} is about {columns.table.name}, not about {table}; leave --table out")
    return columns.table.name


def _require_csv(files: Sequence[ImportFile]) -> None:
    for file in files:
        if not file.suffix.startswith(".csv"):
            raise InvalidRequest(
                f"{file.path} is no CSV file, and only those are read through a map", code="unknown_format"
            )


def _import_file(job: _Job, *, dry_run: bool) -> None:
    table, report = job.file.table, job.report
    with _folder(job, dry_run=dry_run) as folder:
        staged = _stage(job, folder, write_refused=not dry_run)
        report.rows = job.rows
        report.refused_rows = job.refused_rows
        if report.refused_count and not job.skip_bad_rows:
            values = "value" if report.refused_count == 1 else "values"
            raise InvalidInput(
                f"{job.file.path.name}: {report.refused_count} {values} refused in {report.refused_rows} of {job.rows} rows; "
                f"nothing was taken (first: {_describe(report.refused[0])})"
            )
        good = job.rows - report.refused_rows
        if dry_run:
            receipt = delivery.dry_run(job.project, table, staged, good)
        else:
            message = f"import {job.file.path.name}"
            receipt = commit_staged(job.project, table, staged, good, message=message, progress=job.on_stored)
        made = receipt.decision
        report.added, report.updated, report.unchanged = made.added, made.updated, made.unchanged
        report.repeated, report.left_out, report.version = made.repeated, made.left_out, receipt.version
        if made.example is not None:
            report.repeat_lines = _lines(job, made.example)


def _lines(job: _Job, repeat: Repeat) -> tuple[int, int]:
    """The lines of two rows of one key. A good file was read the fast way, which counts no lines: it is read again up to them."""
    last = max(repeat.row, repeat.replaced_by)
    if job.read_fast:
        job.lines = read_again(exact_rows(job.file, read_header(job.file), None, records=False), last)
    return job.lines.of(repeat.row), job.lines.of(repeat.replaced_by)


def _describe(refusal: Refusal) -> str:
    column = f", column {refusal.column}" if refusal.column else ""
    value = f" {refusal.value[:80]!r}" if refusal.value else ""
    return f"line {refusal.line}{column}:{value} {refusal.reason}"


@contextmanager
def _folder(job: _Job, *, dry_run: bool) -> Iterator[Path]:
    """Where the typed rows are written: in the lake's staging folder, or in one of their own for a dry run."""
    if not dry_run:
        with staging(job.project.lake, job.file.table) as folder:
            yield folder
        return
    job.project.temp.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="dry-run-", dir=job.project.temp))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stage(job: _Job, folder: Path, *, write_refused: bool) -> list[Path]:
    if job.file.suffix.startswith(".csv"):
        return _stage_csv(job, folder, write_refused=write_refused)
    if job.file.suffix == ".parquet":
        header, rows = parquet_rows(job.file, job.progress, records=job.skip_bad_rows)
        return _stage_exact(job, header, rows, folder, write_refused=write_refused)
    rows = json_rows(job.file, job.progress, records=job.skip_bad_rows)
    return _stage_exact(job, None, rows, folder, write_refused=write_refused)


def _stage_csv(job: _Job, folder: Path, *, write_refused: bool) -> list[Path]:
    if job.columns is not None:
        return _stage_mapped(job, job.columns, folder, write_refused=write_refused)
    try:
        header = read_header(job.file)
    except InvalidInput:
        if (columns := recognized(job.file)) is None:
            raise
        return _stage_mapped(job, columns, folder, write_refused=write_refused)
    try:
        staged = _stage_fast(job, header, folder / "fast")
        job.read_fast = True
        return staged
    except NeedsExactReading:
        shutil.rmtree(folder / "fast", ignore_errors=True)
        job.rows = 0
    rows = exact_rows(job.file, header, job.progress, records=job.skip_bad_rows)
    return _stage_exact(job, header, rows, folder / "exact", write_refused=write_refused)


def _stage_mapped(job: _Job, columns: ColumnMap, folder: Path, *, write_refused: bool) -> list[Path]:
    job.report.read_as = columns.name
    rows = mapped_rows(job.file, columns, job.project.profile().zone, job.progress, records=job.skip_bad_rows)
    return _stage_exact(job, None, rows, folder, write_refused=write_refused)


# -- the fast way --------------------------------------------------------------------------------------------------


def _stage_fast(job: _Job, header: Header, folder: Path) -> list[Path]:
    """Streams the file through Arrow and DuckDB into Parquet. Raises ``NeedsExactReading`` at anything refused."""
    import duckdb
    import pyarrow as pa

    table = job.file.table
    failure: list[Exception] = []
    source = FastReader(job.file, header, job.progress)

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from source.batches()
        except (LeadlineError, NeedsExactReading) as error:
            failure.append(error)
            raise

    writer = StagingWriter(table, folder)
    columns = rules(table, dict.fromkeys(header.names, False), header.extras, thorough=False)
    with Engine.of(job.project.home, most_memory=MEMORY_LIMIT) as engine:
        engine.bind_arrow("raw", pa.RecordBatchReader.from_batches(source.schema, batches()))
        try:
            with engine.reader(strict_query(columns, "raw")) as typed:
                for batch in typed:
                    writer.write(batch)
                    job.rows = writer.rows
                    job.progress(job.read)
        except (duckdb.Error, OSError, StoreError) as error:
            if failure:  # the source raised; what comes out of the engine is only its echo
                raise failure[0] from error
            if isinstance(error, duckdb.InvalidInputException):  # a rule refused a value
                raise NeedsExactReading from error
            raise
        finally:
            staged = writer.close()
    return staged


# -- the exact way -------------------------------------------------------------------------------------------------


def _stage_exact(
    job: _Job, header: Header | None, batches: Iterator[RawRows], folder: Path, *, write_refused: bool
) -> list[Path]:
    writer = StagingWriter(job.file.table, folder)
    extras = header.extras if header is not None else ()
    with (
        Engine.of(job.project.home, most_memory=MEMORY_LIMIT) as engine,
        _refused_file(job, write=write_refused and job.skip_bad_rows),
    ):
        for raw in batches:
            _note(job, raw.refusals)
            if raw.batch is None:
                continue
            job.rows += raw.batch.num_rows
            _convert(job, engine, raw.batch, extras, writer)
            job.progress(job.read)
    return writer.close()


def _convert(job: _Job, engine: Engine, batch: pa.RecordBatch, extras: Sequence[str], writer: StagingWriter) -> None:
    import pyarrow as pa

    raw = {field.name: pa.types.is_list(field.type) for field in batch.schema}
    columns = rules(job.file.table, raw, extras, thorough=True)
    engine.bind_arrow("raw", pa.Table.from_batches([batch]))
    record = RECORD if RECORD in raw else None
    refused = engine.execute(refusals_query(columns, "raw", LINE, record))
    if refused:
        _note(job, [Refusal(*values) for values in refused], read=True)
    if refused and not job.skip_bad_rows:
        return  # nothing of the file will be taken; the rest is read for its refusals
    job.lines.add(batch, {line for line, *_ in refused})
    for typed in engine.arrow(accepted_query(columns, "raw")).to_batches():
        writer.write(typed)


def _note(job: _Job, refusals: Sequence[Refusal], *, read: bool = False) -> None:
    """Reports refusals. Those from a reader are rows that are in no batch (not yet ``read``), so they count here.
    Rows are noted once, with all that is refused of them."""
    job.report.refuse(refusals)
    if not read:
        job.rows += len(refusals)
    job.refused_rows += len({refusal.line for refusal in refusals})
    if job.refused_rows > MOST_REFUSED and job.refused_rows * 2 > job.rows:
        raise InvalidInput(
            f"{job.file.path.name}: more than {MOST_REFUSED:,} rows refused, and more than half of those read; nothing was taken "
            f"and the rest was not read (first: {_describe(job.report.refused[0])})"
        )
    if job.sink is not None:
        job.sink.write(refusals)


class _RefusedFile:
    """The CSV file of refused rows, made when the first one comes."""

    def __init__(self, path: Path, source: Path) -> None:
        self.path, self._source = path, source
        self._output: Any = None
        self._writer: Any = None

    def write(self, refusals: Sequence[Refusal]) -> None:
        if refusals and self._output is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            self._output = self.path.open("w", encoding="utf-8", newline="")
            if is_new:
                give_to_user(self.path)
            self._writer = csv.writer(self._output)
            self._writer.writerow(("file", "line", "column", "value", "reason", "record"))
        for refusal in refusals:
            self._writer.writerow(
                (self._source, refusal.line, refusal.column, refusal.value[:80], refusal.reason, refusal.record)
            )

    def close(self) -> None:
        if self._output is not None:
            self._output.close()


@contextmanager
def _refused_file(job: _Job, *, write: bool) -> Iterator[None]:
    if not write:
        yield
        return
    folder = job.refused_dir if job.refused_dir is not None else job.file.path.parent
    job.sink = _RefusedFile(folder / f"{job.file.path.name}.refused.csv", job.file.path)
    try:
        yield
    finally:
        job.sink.close()
        if job.report.refused_count:
            job.report.refused_file = job.sink.path
