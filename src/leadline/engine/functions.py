"""Functions of the engine that ibis lacks: all in the expressions that is not portable SQL.

Another engine spells each of them in its own way; nothing else in the expressions depends on the dialect.
"""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt

INSTANT = "timestamp('UTC', 6)"


@ibis.udf.scalar.builtin(signature=((INSTANT,), "int64"))
def epoch_us(instant):  # type: ignore[no-untyped-def]
    """Microseconds since 1970 of an instant, exactly (DuckDB's function)."""


@ibis.udf.scalar.builtin(name="make_timestamp", signature=(("int64",), "timestamp(6)"))
def from_epoch_us(microseconds):  # type: ignore[no-untyped-def]
    """The instant so many microseconds after 1970, in UTC and without a zone (DuckDB's function)."""


@ibis.udf.scalar.builtin(signature=(("int64",), "int64"))
def to_bigint(number):  # type: ignore[no-untyped-def]
    """A 64-bit integer. Sums are wider on some engines, which ibis does not know and would not cast."""


@ibis.udf.scalar.builtin(signature=(("int64", "int64"), "float64"))
def rounded_ratio(numerator, denominator):  # type: ignore[no-untyped-def]
    """``numerator`` / ``denominator`` (whole, not negative) to four decimals, half up, computed in integers: the digits depend
    on no order of rows and no engine. Unknown over 0."""


@ibis.udf.scalar.builtin(signature=(("string", "string"), dt.Array(dt.string)))
def regexp_extract_all(text, pattern):  # type: ignore[no-untyped-def]
    """Every match of ``pattern`` in ``text``, from left to right (DuckDB's function)."""


@ibis.udf.scalar.builtin(signature=(("string",), "string"))
def nfc_normalize(text):  # type: ignore[no-untyped-def]
    """A text in Unicode's composed form: `é` is one character, however it was typed (DuckDB's function)."""


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def row_hash(row) -> dt.uint64:  # type: ignore[no-untyped-def]
    """A 64-bit hash of any value (DuckDB's function); only ever used to narrow down, never to decide."""
