"""Names that the lake's rows write in several ways, and the one way that readers see: which rows are whose then follows by
plain comparison.

The rows stay as they are. Where nothing is written in two ways, which is nearly always, a table is read as it is. The queries are
of words that every engine has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from leadline.engine.sql_text import quoted, sql_list, sql_text
from leadline.schema import TABLES

Replaced = Mapping[str, Mapping[str, str]]
"""By column: the text that a row has → the text that is read instead."""


@dataclass(frozen=True)
class Spellings:
    """``replaced`` has what is read otherwise than it is written, by table. ``names`` has all names of a repository that
    has several, by the one that is read. ``apart`` are tables whose keys stay different when they are read so: nobody has to look
    for rows that are the same one then, which takes memory each time that a table is read."""

    replaced: Mapping[str, Replaced] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()

    def of_tables(self, tables: Iterable[str]) -> dict[str, Replaced]:
        """What is replaced in ``tables``, as JSON can have it: rows computed from these follow from it."""
        return {name: self.replaced[name] for name in sorted(tables) if name in self.replaced}

    def repository(self, table: str, name: str) -> str:
        """The repository that is read where a row of ``table`` has ``name``."""
        return self.replaced.get(table, {}).get("repository", {}).get(name, name)

    def written(self, table: str, repositories: Iterable[str]) -> list[str]:
        """All that rows of ``table`` may have where one of ``repositories`` is read."""
        names = self.replaced.get(table, {}).get("repository", {})
        wanted = set(repositories)
        return sorted(wanted | {name for name, read in names.items() if read in wanted})

    def all_names(self, repository: str | None) -> tuple[str | None, ...]:
        """All names of a repository, the one that is read first."""
        return (repository,) if repository is None else self.names.get(repository, (repository,))

    def query(self, table: str, rows: str) -> str:
        """``rows``, a query with all columns of ``table``, with what is read instead. Rows whose key is then the same are
        one: the newest version of it, else the one that was written so."""
        for column, replaced in self.replaced.get(table, {}).items():
            in_key = column in TABLES[table].key and table not in self.apart
            columns = TABLES[table].arrow_schema.names
            rows = _merged(table, column, rows, replaced) if in_key else _replaced(columns, column, rows, replaced)
        return rows

    def repeated_keys(self, table: str, rows: str) -> str:
        """A query for one key, if there is any, that several of ``rows`` have once they are read so."""
        names = {column: read for column, read in self.replaced[table].items() if column in TABLES[table].key}
        key = ", ".join(map(quoted, TABLES[table].key))
        rows = f"SELECT {key} FROM ({rows})"
        for column, replaced in names.items():
            rows = _replaced(TABLES[table].key, column, rows, replaced)
        changed = " OR ".join(f"{quoted(column)} IN ({_texts(set(read.values()))})" for column, read in names.items())
        return f"SELECT {key} FROM ({rows}) WHERE {changed or 'false'} GROUP BY ALL HAVING count(*) > 1 LIMIT 1"


AS_WRITTEN = Spellings()
"""Nothing is read otherwise than it is written."""


def _replaced(
    columns: Iterable[str], column: str, rows: str, replaced: Mapping[str, str], also: str = "", where: str = "true"
) -> str:
    """``rows``, which have ``columns``, with what is read instead in one of them, of those that ``where`` says."""
    pairs = ", ".join(f"({sql_text(written)}, {sql_text(read)})" for written, read in sorted(replaced.items()))
    name = quoted(column)
    read_as = f"coalesce(s.read_as, t.{name}) AS {name}"
    cells = ", ".join(read_as if cell == column else f"t.{quoted(cell)}" for cell in columns)
    return (
        f"SELECT {cells}{also} FROM ({rows}) AS t "
        f"LEFT JOIN (VALUES {pairs}) AS s(written, read_as) ON t.{name} = s.written WHERE {where}"
    )


def _merged(table: str, column: str, rows: str, replaced: Mapping[str, str]) -> str:
    touched = _texts({*replaced, *replaced.values()})
    name = quoted(column)
    columns = TABLES[table].arrow_schema.names
    several = _replaced(columns, column, rows, replaced, f", t.{name} AS row_has", f"t.{name} IN ({touched})")
    key = sql_list(TABLES[table].key)
    order = f"updated_at DESC NULLS LAST, CASE WHEN row_has = {name} THEN 0 ELSE 1 END, row_has"
    cells = sql_list(columns)
    return (
        f"SELECT {cells} FROM ({rows}) AS r WHERE {name} NOT IN ({touched}) UNION ALL "
        f"SELECT {cells} FROM (SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS place "
        f"FROM ({several}) AS t) AS u WHERE place = 1"
    )


def _texts(values: Collection[str]) -> str:
    return ", ".join(map(sql_text, sorted(values)))
