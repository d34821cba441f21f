"""Keeps the lake well: an integrity check, merging of small files, clearing of what nobody can read any more. Content never
changes."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from leadline.errors import StoreError, first_line
from leadline.lake.files import exact_paths, parquet_rows
from leadline.lake.lake import KEEP_DAYS, Lake, log_of
from leadline.lake.snapshot import DataFile
from leadline.lake.writer import TableWriter
from leadline.schema import TABLES, Table, table_named
from leadline.schema.table import untold
from leadline.silent_duckdb import silent

SMALL_FILE_ROWS = 122_880
"""A file with fewer rows than this is small: it holds less than one row group."""
MERGED_FILE_ROWS = 4 * SMALL_FILE_ROWS
TOO_MANY_SMALL_FILES = 64
"""Small files of one table from which on ``ingest`` merges them by itself."""
ABANDONED_AFTER = timedelta(days=1)
"""Files in staging this old belong to a process that died: no delivery takes a day."""

Writing = Callable[[Table], AbstractContextManager[TableWriter | None]]
"""Opens a writer of a table under its lock; None if somebody else holds it and it is not waited for."""


@dataclass(frozen=True)
class Compaction:
    """Files merged away, files they became, and unreadable old files cleared from the disk."""

    merged: int
    written: int
    cleared: int


# -- check ---------------------------------------------------------------------------------------------------------


def check_lake(lake: Lake, tables: Iterable[Table] = TABLES.values()) -> list[str]:
    """Findings over the newest version of each of ``tables``, one sentence each; [] means good.

    Every file exists with its size and a readable footer, holds the rows its commit says, and every natural key is
    known and occurs once.
    """
    findings: list[str] = []
    for table in tables:
        try:
            version = lake.version(table.name)
            if version is None:
                continue
            files = lake.snapshot({table.name: version}, verify=False).data_files(table.name)
        except StoreError as error:
            findings.append(error.message)
            continue
        broken = [finding for file in files if (finding := _file_finding(lake, table, file)) is not None]
        findings += broken or _key_findings(table, files)
    return findings


def _file_finding(lake: Lake, table: Table, file: DataFile) -> str | None:
    name = f"Table {table.name}, file {file.path.name}"
    try:
        size = lake.storage.stored(f"{table.name}/{file.path.name}").size
    except OSError:
        return f"{name} is missing"
    if size != file.size:
        return f"{name} has {size} bytes instead of {file.size}"
    try:
        lake.storage.bring(table.name, [file])
        rows = parquet_rows(file.path)
    except StoreError:
        return f"{name} is not a readable Parquet file"
    return f"{name} has {rows} rows instead of {file.rows}" if file.rows not in (-1, rows) else None


def _key_findings(table: Table, files: Sequence[DataFile]) -> list[str]:
    """Keys that are unknown or occur more than once, by a scan of the key columns alone."""
    import duckdb

    if not files:
        return []
    declared = [(f'"{name}"', table.column[name].default) for name in table.key]
    key = ", ".join(name if default is None else f"coalesce({name}, {default})" for name, default in declared)
    unknown = " OR ".join(f'"{name}" IS NULL' for name in table.required)
    # A column that was declared after all of the files were written is in none of them.
    late = ", ".join(f"{default} AS {name}" for name, default in declared if default is not None)
    scan = f"read_parquet({exact_paths(file.path for file in files)}, hive_partitioning=false, union_by_name=true)"
    if late:
        scan = f"(FROM {scan} UNION ALL BY NAME SELECT {late} WHERE false)"
    try:
        # Spilled to the system's folder for such files: by itself DuckDB would spill into the user's current one.
        with (
            tempfile.TemporaryDirectory(prefix="leadline-check-") as spilled,
            silent(
                duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "450MB", "temp_directory": spilled})
            ) as session,
        ):
            ((keyless,),) = session.execute(f"SELECT count(*) FROM {scan} WHERE {unknown}").fetchall()
            ((repeats, surplus),) = session.execute(
                f"WITH repeated AS (SELECT hash({key}) AS h FROM {scan} GROUP BY h HAVING count(*) > 1) "
                f"SELECT count(*), sum(rows - 1) FROM (SELECT {key}, count(*) AS rows FROM {scan} "
                f"WHERE hash({key}) IN (FROM repeated) GROUP BY ALL HAVING count(*) > 1)"
            ).fetchall()
    except duckdb.Error as error:
        return [f"Table {table.name} cannot be read: {str(error).splitlines()[0]}"]
    findings = []
    if keyless:
        findings.append(f"Table {table.name} has {keyless} rows without a natural key")
    if repeats:
        findings.append(
            f"Table {table.name} has {repeats} natural keys more than once, {surplus} rows too many; "
            "`leadline status --check --repair` leaves one of each"
        )
    return findings


# -- compaction ----------------------------------------------------------------------------------------------------


def small_files(writer: TableWriter) -> list[DataFile]:
    """The table's files that are worth merging."""
    return [file for file in writer.data_files() if 0 <= file.rows < SMALL_FILE_ROWS]


def compact_table(writing: Writing, table: Table, least: int = 2) -> tuple[int, int]:
    """Merges the table's small files, if there are ``least`` of them, in one commit; (files merged, files they became)."""
    with writing(table) as writer:
        small = [] if writer is None else small_files(writer)
        if writer is None or len(small) < least:
            return 0, 0
        return merge_files(writer, small)


def merge_files(writer: TableWriter, files: Sequence[DataFile]) -> tuple[int, int]:
    """Rewrites ``files`` as few; (files merged, files they became)."""
    writer.lake.storage.bring(writer.table.name, files)
    folder = writer.lake.staging_folder(writer.table.name)
    try:
        written = list(_merged(writer.table, files, folder))
        writer.commit(added=written, removed=[str(file.path) for file in files], message="compact", changes=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return len(files), len(written)


def _merged(table: Table, files: Sequence[DataFile], folder: Path) -> Iterator[Path]:
    """Copies the rows of ``files`` in order into new files of bounded size, one row group in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = table.arrow_schema
    batches = (
        _widened(batch, schema) for file in files for batch in pq.ParquetFile(file.path).iter_batches(SMALL_FILE_ROWS)
    )
    waiting: list[pa.RecordBatch] = []
    number = 0
    while True:
        path = folder / f"merged-{number:06d}.parquet"
        rows = 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in batches:
                waiting.append(batch)
                rows += batch.num_rows
                if sum(one.num_rows for one in waiting) >= SMALL_FILE_ROWS:
                    writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=SMALL_FILE_ROWS)
                    waiting.clear()
                if rows >= MERGED_FILE_ROWS:
                    break
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=SMALL_FILE_ROWS)
            waiting.clear()
        if not rows:
            path.unlink()
            return
        yield path
        number += 1


def _widened(batch: Any, schema: Any) -> Any:
    """``batch`` with the columns of ``schema``; those declared after it was written are untold."""
    import pyarrow as pa

    columns = [
        batch.column(field.name).cast(field.type) if field.name in batch.schema.names else untold(field, batch.num_rows)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


# -- clearing ------------------------------------------------------------------------------------------------------


def clear_table(lake: Lake, table: Table, *, now: datetime, keep_days: int = KEEP_DAYS) -> int:
    """Deletes files of ``table`` that no version younger than ``keep_days`` reads; returns how many (files of the last
    day are left alone in any case).

    Also what processes that died left in staging a day ago. No version is committed for it.
    """
    if lake.version(table.name) is None:
        return 0
    from deltalake.exceptions import DeltaError

    storage, name = lake.storage, table.name
    delta = lake.open_delta(name)
    current = {file.path.name for file in lake.newest([table.name]).data_files(table.name)}
    try:
        unread = delta.vacuum(retention_hours=keep_days * 24, dry_run=True, enforce_retention_duration=False, full=True)
    except DeltaError as error:
        raise StoreError(f"Table {table.name} could not be cleared: {error}") from error
    there, abandoned = {*storage.names(name)}, (now - ABANDONED_AFTER).timestamp()
    cleared = 0
    for file in (file for file in unread if file in there and file not in current):
        with suppress(FileNotFoundError):
            # A young file may be a delivery's that is about to be committed.
            if storage.stored(f"{name}/{file}").modified < abandoned:
                storage.remove(f"{name}/{file}")
                cleared += 1
    storage.forget(name, abandoned)
    return cleared + _clear_staging(storage.staging(name), now)


def _is_older(path: Path, moment: datetime) -> bool:
    """Whether a file, or a folder and all in it, was last written before ``moment``; one that is gone is not."""
    try:
        inside = path.iterdir() if path.is_dir() else ()
        return all(one.stat().st_mtime < moment.timestamp() for one in (path, *inside))
    except FileNotFoundError:
        return False


def _clear_staging(staging: Path, now: datetime) -> int:
    if not staging.is_dir():
        return 0
    abandoned = [folder for folder in staging.iterdir() if _is_older(folder, now - ABANDONED_AFTER)]
    for folder in abandoned:
        shutil.rmtree(folder, ignore_errors=True)
    return len(abandoned)


def compact_lake(
    lake: Lake,
    table: str | None = None,
    *,
    writing: Writing,
    now: datetime,
    keep_days: int = KEEP_DAYS,
    least: int = 2,
) -> Compaction:
    """Merges small files of the table called ``table`` (default: every table), where there are ``least``, and clears files
    that no version of the last ``keep_days`` days reads. Content stays the same."""
    merged = written = cleared = 0
    for each_table in TABLES.values() if table is None else [table_named(table)]:
        from_files, to_files = compact_table(writing, each_table, least)
        merged, written = merged + from_files, written + to_files
        cleared += clear_table(lake, each_table, now=now, keep_days=keep_days)
    return Compaction(merged, written, cleared)


def drop_history(writer: TableWriter) -> int:
    """Deletes, under the table's lock, all that only its earlier versions have: their files, and the log that tells of them. How
    many versions and files went. Whoever reads an earlier version at this moment finds it gone."""
    from deltalake.exceptions import DeltaError

    if writer.version is None:
        return 0
    lake, name = writer.lake, writer.table.name
    delta = lake.open_delta(name, writer.version)
    try:
        delta.create_checkpoint()
    except (DeltaError, OSError) as error:
        raise StoreError(f"Table {name} could not be cleared: {first_line(error)}") from error
    kept = {file.path.name for file in writer.data_files()}
    storage, log = lake.storage, log_of(name)
    dropped = [f"{name}/{file}" for file in storage.names(name) if file.endswith(".parquet") and file not in kept]
    versions = (entry for entry in storage.names(log) if entry[:20].isdigit())
    dropped += [f"{log}/{entry}" for entry in versions if int(entry[:20]) < writer.version]
    for file in dropped:
        storage.remove(file)
    storage.forget(name, math.inf)
    return len(dropped)
