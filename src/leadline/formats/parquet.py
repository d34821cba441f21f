"""Reads Parquet files written by anybody into raw rows. Values become texts (lists of texts for list columns), so that one set of
rules checks them whatever format they came in. Row numbers stand for lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidInput, first_line
from leadline.formats.files import LONGEST_FIELD, LONGEST_LINE, ImportFile, Progress
from leadline.formats.parquet_pages import plan
from leadline.formats.rows import LINE, RECORD, Header, RawRows, resolve_header
from leadline.formats.unpacking import Unpacked
from leadline.schema import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS, BATCH_BYTES = 16_384, 16 << 20
"""What a batch of rows has at most; a single row may be larger, up to ``LONGEST_LINE``."""


def parquet_rows(file: ImportFile, progress: Progress | None, *, records: bool) -> tuple[Header, Iterator[RawRows]]:
    """The columns and the rows in order; ``records`` keeps each row as JSON beside it. Raises ``InvalidInput`` when the file is not
    Parquet, its columns are not the table's, or of a type that has no text form, or if it unpacks to too much. Floating-point NaN
    counts as unknown."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file.path) as source:
            metadata, schema = source.metadata, source.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file.path.name} is not a Parquet file: {first_line(error)}") from error
    header = resolve_header(schema.names, file)
    for name, field in zip(header.names, schema, strict=True):
        _require_type(file, name, field.type)
    return header, _rows(file, header, metadata, progress, records=records)


def _rows(
    file: ImportFile, header: Header, metadata: Any, progress: Progress | None, *, records: bool
) -> Iterator[RawRows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = file.path.stat().st_size
    total = max(metadata.num_rows, 1)
    unpacked = Unpacked(file.path)
    done = 0
    try:
        how = plan(file.path, metadata)
        with pq.ParquetFile(
            file.path, read_dictionary=list(how.repeated), buffer_size=1 << 20, pre_buffer=False
        ) as source:
            for batch in _batches(source.iter_batches(how.rows), file):
                columns = {name: _as_text(batch.column(at), file, name, done) for at, name in enumerate(header.names)}
                columns[LINE] = pa.array(range(done + 1, done + batch.num_rows + 1), pa.int64())
                if records:
                    columns[RECORD] = pa.array([json.dumps(row, default=str) for row in batch.to_pylist()], pa.string())
                made = pa.RecordBatch.from_pydict(columns)
                unpacked.add(made.nbytes)
                done += batch.num_rows
                yield RawRows(made)
                if progress is not None:
                    progress(size * done // total)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file.path.name} is damaged near row {done + 1}: {first_line(error)}") from error


def _batches(read: Iterator[pa.RecordBatch], file: ImportFile) -> Iterator[pa.RecordBatch]:
    """The rows of what is read in batches of ``BATCH_ROWS`` and ``BATCH_BYTES`` of text."""
    waiting: list[pa.RecordBatch] = []
    rows = size = before = 0
    for batch, text in (part for whole in read for part in _parts(whole)):
        if text > LONGEST_LINE:
            at = before + rows + 1
            raise InvalidInput(f"{file.path.name}, row {at}: the row is longer than {LONGEST_LINE >> 20} MiB")
        if waiting and (rows + batch.num_rows > BATCH_ROWS or size + text > BATCH_BYTES):
            yield _together(waiting)
            before += rows
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + text
    if waiting:
        yield _together(waiting)


def _together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    import pyarrow as pa

    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]


def _parts(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
    """``batch`` in parts of at most ``BATCH_BYTES`` of text, or one row, each with its size."""
    size = sum(_text_bytes(column) for column in batch.columns)
    if size <= BATCH_BYTES or batch.num_rows == 1:
        if batch.num_rows:
            yield batch, size
        return
    half = batch.num_rows // 2
    yield from _parts(batch.slice(0, half))
    yield from _parts(batch.slice(half))


def _text_bytes(array: Any) -> int:
    """What the texts of an array take, written out."""
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    if kinds.is_list(array.type) or kinds.is_large_list(array.type):
        array = array.flatten()
    if not kinds.is_dictionary(array.type):
        return int(array.nbytes)
    lengths = pc.binary_length(array.dictionary)
    return int(pc.sum(lengths.take(array.indices)).as_py() or 0)


def _require_type(file: ImportFile, name: str, kind: pa.DataType) -> None:
    import pyarrow.types as kinds

    column = file.table.column.get(name)
    item = kind
    if column is not None and column.type is ColumnType.LIST and (kinds.is_list(kind) or kinds.is_large_list(kind)):
        item = kind.value_type
    if (
        kinds.is_nested(item)
        or kinds.is_binary(item)
        or kinds.is_large_binary(item)
        or kinds.is_fixed_size_binary(item)
    ):
        raise InvalidInput(
            f"{file.path.name}: column {name!r} holds {kind}; a text, number, instant or list was expected"
        )


def _as_text(array: Any, file: ImportFile, name: str, done: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    kind = array.type
    try:
        if kinds.is_dictionary(kind):
            array = array.dictionary_decode()
            kind = array.type
        if kinds.is_list(kind) or kinds.is_large_list(kind):
            return _list(array)
        if kinds.is_timestamp(kind):
            utc = array.cast(pa.timestamp(kind.unit, "UTC")) if kind.tz else array
            return utc.cast(pa.string())
        if kinds.is_floating(kind):
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
            return _float_text(array)
        if kinds.is_decimal(kind):
            array = array.cast(pa.float64()) if kind.scale > 0 else array.cast(pa.int64())
        text = array.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowException as error:
        rows = f"{file.path.name}, rows {done + 1} to {done + len(array)}, column {name}"
        raise InvalidInput(f"{rows}: {first_line(error)}") from error
    if (longest := pc.max(pc.binary_length(text)).as_py() or 0) > LONGEST_FIELD:
        row = done + 1 + pc.index(pc.binary_length(text), longest).as_py()
        raise InvalidInput(
            f"{file.path.name}, row {row}, column {name}: the value is longer than {LONGEST_FIELD >> 20} MiB"
        )
    return text


def _list(array: Any) -> Any:
    """A list of texts. Only what is in these rows is written out, of a text that is repeated in many others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = array.flatten()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, values.cast(pa.string()), mask=array.is_null())


def _float_text(array: Any) -> Any:
    """Floating-point numbers as texts: the whole ones without a point or an exponent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), float(1 << 63)))
    whole = pc.if_else(is_whole, array, pa.scalar(None, array.type)).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(whole, array.cast(pa.string()))
