"""Names that the lake's rows write in several ways, and the one way that readers see: which rows are whose then follows by
plain comparison.

The rows stay as they are. Where nothing is written in two ways, which is nearly always, a table is read as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from leadline.engine.sql_text import quoted, sql_text
from leadline.schema import TABLES

Replaced = Mapping[str, Mapping[str, str]]
"""By column: the text that a row has → the text that is read instead."""


@dataclass(frozen=True)
class Spellings:
    """``replaced`` has what is read otherwise than it is written, by table. ``names`` has all names of a repository that
    has several, by the one that is read."""

    replaced: Mapping[str, Replaced] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
            in_key = column in TABLES[table].key
            rows = _merged(table, column, rows, replaced) if in_key else _replaced(column, rows, replaced)
        return rows


AS_WRITTEN = Spellings()
"""Nothing is read otherwise than it is written."""


def _replaced(column: str, rows: str, replaced: Mapping[str, str], also: str = "") -> str:
    pairs = ", ".join(f"({sql_text(written)}, {sql_text(read)})" for written, read in sorted(replaced.items()))
    name = quoted(column)
    return (
        f"SELECT t.* REPLACE (coalesce(s.read_as, t.{name}) AS {name}){also} FROM ({rows}) AS t "
        f"LEFT JOIN (VALUES {pairs}) AS s(written, read_as) ON t.{name} = s.written"
    )


def _merged(table: str, column: str, rows: str, replaced: Mapping[str, str]) -> str:
    touched = _texts({*replaced, *replaced.values()})
    name = quoted(column)
    several = _replaced(
        column, f"SELECT * FROM ({rows}) WHERE {name} IN ({touched})", replaced, f", t.{name} AS row_has"
    )
    key = ", ".join(map(quoted, TABLES[table].key))
    order = f"updated_at DESC NULLS LAST, row_has = {name} DESC, row_has"
    return (
        f"SELECT * FROM ({rows}) WHERE {name} NOT IN ({touched}) UNION ALL "
        f"SELECT * EXCLUDE (row_has) FROM ({several}) "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order}) = 1"
    )


def _texts(values: Collection[str]) -> str:
    return ", ".join(map(sql_text, sorted(values)))
