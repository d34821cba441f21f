"""Writes a fact to the file a user asked for: CSV, JSON lines or Parquet with the documented columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine import output
from leadline.engine.output import FORMULA_STARTS, form_of
from leadline.facts.query import Filters, fact_rows

if TYPE_CHECKING:
    from ibis.expr.types import Value

    from leadline.home import Project

_EVERYTHING = Filters()


def write(project: Project, fact: str, path: Path, filters: Filters = _EVERYTHING) -> int:
    """Write what ``filters`` keep of ``fact`` to ``path`` (its ending says the format) and return the number of rows.

    Raises ``InvalidRequest``.
    """
    form = form_of(path)
    with fact_rows(project, fact, filters) as rows:
        table = rows.table
        texts = table.select(**{name: _as_text(table[name], form) for name in rows.fact.columns})
        return output.write(rows.engine, texts, path, form, lambda: None)


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
    return ibis.cases((value.substr(0, 1).isin(FORMULA_STARTS), ibis.literal("'") + value), else_=value)
