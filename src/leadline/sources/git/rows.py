"""What git tells, as Arrow record batches of the data model's tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leadline.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

# Instants the data model knows: after 1970-01-01 (git's answer for a date it cannot read is 0), before 2262-01-01.
_FIRST_SECOND, _END_SECOND = 1, 9_214_646_400


def instant(seconds: str) -> int | None:
    """Epoch microseconds of git's epoch seconds; None for a date outside what the data model knows."""
    try:
        value = int(seconds)
    except ValueError:
        return None
    return value * 1_000_000 if _FIRST_SECOND <= value < _END_SECOND else None


def record_batch(table: Table, rows: int, **columns: Any) -> pa.RecordBatch:
    """A batch of ``table``'s column types; a text in place of a list stands for the whole column."""
    import pyarrow as pa

    schema = table.arrow_schema
    arrays = []
    for name, values in columns.items():
        type_ = schema.field(name).type
        if isinstance(values, str):
            arrays.append(pa.repeat(pa.scalar(values, type_), rows))
        elif pa.types.is_string(type_):
            arrays.append(_text_array(values, exact=name in ("path", "old_path")))
        else:
            arrays.append(pa.array(values, type_))
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _text_array(values: Sequence[str | None], *, exact: bool) -> pa.Array:
    """``values`` as Arrow text. Bytes that were not UTF-8 become U+FFFD, or ``\\xNN`` where two different texts must stay
    different (``exact``: the paths of one commit)."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        errors = "backslashreplace" if exact else "replace"
        clean = [
            None if value is None else value.encode("utf-8", "surrogateescape").decode("utf-8", errors)
            for value in values
        ]
        return pa.array(clean, pa.string())
