"""Cells of facts as files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadline.engine.output import FORMULA_STARTS

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value


def as_written(table: Table, form: str) -> Table:
    """``table`` as a file of the format ``form`` has it."""
    return table.select(**{name: _as_text(table[name], form) for name in table.columns})


def _as_text(value: Value, form: str) -> Value:
    """Instants as RFC 3339 with their fraction, lists by ``;`` in CSV; CSV text that a spreadsheet would run neutralized."""
    import ibis

    kind = value.type()
    if kind.is_timestamp() and form != "parquet":
        whole = value.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = value.strftime(".%f")
        return whole + ibis.cases((fraction == ".000000", ""), else_=fraction) + "Z"
    if form != "csv":
        return value
    if kind.is_array():
        value = value.join(";")
    elif not kind.is_string():
        return value
    return neutralized_text(value)


def neutralized_text(text: Value) -> Value:
    """``engine.output.neutralized`` for a column of texts."""
    import ibis

    return ibis.cases((text.substr(0, 1).isin(FORMULA_STARTS), ibis.literal("'") + text), else_=text)
