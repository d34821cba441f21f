"""Reads Parquet files written by anybody into raw rows. Values become texts (lists of texts for list columns), so that one set of
rules checks them whatever format they came in. Row numbers stand for lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidInput, first_line
from leadline.formats.files import ImportFile, Progress
from leadline.formats.rows import LINE, RECORD, Header, RawRows, resolve_header
from leadline.schema import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 16_384


def parquet_rows(file: ImportFile, progress: Progress | None, *, records: bool) -> tuple[Header, Iterator[RawRows]]:
    """The columns and the rows in order; ``records`` keeps each row as JSON beside it. Raises ``InvalidInput`` when the file is not
    Parquet, its columns are not the table's, or of a type that has no text form. Floating-point NaN counts as unknown."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(file.path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file.path.name} is not a Parquet file: {first_line(error)}") from error
    try:
        header = resolve_header(source.schema_arrow.names, file)
        for name, field in zip(header.names, source.schema_arrow, strict=True):
            _require_type(file, name, field.type)
    except InvalidInput:
        source.close()
        raise
    return header, _rows(source, file, header, progress, records=records)


def _rows(
    source: Any, file: ImportFile, header: Header, progress: Progress | None, *, records: bool
) -> Iterator[RawRows]:
    import pyarrow as pa

    size = file.path.stat().st_size
    total = max(source.metadata.num_rows, 1)
    done = 0
    with source:
        try:
            for batch in source.iter_batches(BATCH_ROWS):
                columns = {name: _as_text(batch.column(at), file, name, done) for at, name in enumerate(header.names)}
                columns[LINE] = pa.array(range(done + 1, done + batch.num_rows + 1), pa.int64())
                if records:
                    columns[RECORD] = pa.array([json.dumps(row, default=str) for row in batch.to_pylist()], pa.string())
                done += batch.num_rows
                yield RawRows(pa.RecordBatch.from_pydict(columns))
                if progress is not None:
                    progress(size * done // total)
        except (pa.ArrowException, OSError) as error:
            raise InvalidInput(f"{file.path.name} is damaged near row {done + 1}: {first_line(error)}") from error


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
            return array.cast(pa.list_(pa.string()))
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
    return text


def _float_text(array: Any) -> Any:
    """Floating-point numbers as texts: the whole ones without a point or an exponent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), float(1 << 63)))
    whole = pc.if_else(is_whole, array, pa.scalar(None, array.type)).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(whole, array.cast(pa.string()))
