"""Unbound ibis tables that facts and metrics are written against: those of the schema, and small ones bound for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from leadline.schema import ColumnType, table_named
from leadline.schema.table import ATTRIBUTES

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from leadline.engine.backend import Backend

_IBIS_TYPES = {
    ColumnType.TEXT: "string",
    ColumnType.INTEGER: "int64",
    ColumnType.DECIMAL: "float64",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.INSTANT: "timestamp('UTC', 6)",
    ColumnType.LIST: "array<string>",
}


@cache
def schema_table(name: str) -> ibis.Table:
    """The unbound ibis table of the schema table ``name``. Raises ``InvalidRequest`` for an unknown name."""
    import ibis

    table = table_named(name)
    columns = {column.name: _IBIS_TYPES[column.type] for column in table.columns}
    if table.open_columns:
        columns[ATTRIBUTES] = "string"
    return ibis.table(ibis.schema(columns), name=name)


@dataclass(frozen=True)
class BoundTable:
    """A small table that is bound for one run: its name, and its columns with their types as ibis calls them (and Arrow, but for
    days)."""

    name: str
    columns: Mapping[str, str]

    def table(self) -> ibis.Table:
        """The table for expressions."""
        import ibis

        return ibis.table(dict(self.columns), name=self.name)

    def bind(self, engine: Backend, rows: Iterable[Sequence[object]]) -> None:
        """Make ``rows`` what the table has in ``engine``."""
        engine.bind_arrow(self.name, self._made(rows))

    def bind_kept(
        self,
        engine: Backend,
        kept: MutableMapping[object, Any],
        key: object,
        rows: Callable[[], Iterable[Sequence[object]]],
    ) -> None:
        """As ``bind``; what ``rows`` gives is made once and ``kept`` under the name of the table and ``key``."""
        place = (self.name, key)
        if (table := kept.get(place)) is None:
            table = kept[place] = self._made(rows())
        engine.bind_arrow(self.name, table)

    def _made(self, rows: Iterable[Sequence[object]]) -> pa.Table:
        import pyarrow as pa

        values = list(zip(*rows, strict=True)) or [()] * len(self.columns)
        kinds = [pa.date32() if kind == "date" else kind for kind in self.columns.values()]
        arrays = [pa.array(column, kind) for column, kind in zip(values, kinds, strict=True)]
        return pa.table(dict(zip(self.columns, arrays, strict=True)))
