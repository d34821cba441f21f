"""What is asked of large tables repository by repository: how many rows there are, in which two states differ.

All of it is DuckDB's SQL over files of this machine; results are small. A repository that is not known is ''.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine.backend import Range
from leadline.engine.sql_text import parquet_files, quoted, sql_list, sql_text

if TYPE_CHECKING:
    from leadline.engine.backend import Backend


def rows_by_repository(engine: Backend, tables: Iterable[str]) -> list[tuple[str, int]]:
    """The rows of several bound tables together, by repository in order of name."""
    counts = " UNION ALL ".join(f"SELECT repository, count(*) AS n FROM {quoted(table)} GROUP BY 1" for table in tables)
    sums = engine.arrow(f"SELECT repository, CAST(sum(n) AS BIGINT) AS n FROM ({counts}) GROUP BY 1 ORDER BY 1")
    return list(zip(*sums.to_pydict().values(), strict=True))


def rows_in(
    paths: Iterable[Path], columns: Iterable[str], *, only: Collection[str] | None = None, without: Collection[str] = ()
) -> str:
    """A query for ``columns`` of Parquet files: of the repositories ``only`` (None: of all), ``without`` some."""
    query = f"SELECT {sql_list(columns)} FROM {parquet_files(sorted(paths))}"
    if only is None and not without:
        return query
    wanted, names = ("NOT IN", without) if only is None else ("IN", only)
    return f"{query} WHERE coalesce(repository, '') {wanted} ({_texts(names)})"


def differing_repositories(
    engine: Backend, sides: Sequence[str], columns: Iterable[str], lists: Collection[str], most: int
) -> frozenset[str] | None:
    """The repositories of which two queries have another number of rows, or another sum of the rows' hashes; None if
    these are more than ``most``. ``lists`` are those of the ``columns`` that hold lists."""
    rows = _differing(engine, sides, "coalesce(repository, '')", columns, lists, most)
    return None if len(rows) > most else frozenset(rows)


def differ(engine: Backend, sides: Sequence[str], columns: Iterable[str], lists: Collection[str]) -> bool:
    """Whether two queries have different rows."""
    return bool(_differing(engine, sides, "''", columns, lists, 1))


def _differing(
    engine: Backend, sides: Sequence[str], key: str, columns: Iterable[str], lists: Collection[str], most: int
) -> list[str]:
    # DuckDB hashes an empty and an unknown list alike.
    values = [f"CAST(to_json({quoted(name)}) AS VARCHAR)" if name in lists else quoted(name) for name in columns]
    before, after = (
        f"SELECT {key} AS repository, count(*) AS n, sum(hash({', '.join(values)})) AS h FROM ({side}) GROUP BY ALL"
        for side in sides
    )
    differing = engine.arrow(
        f"SELECT repository FROM ({before}) AS a FULL JOIN ({after}) AS b USING (repository) "
        f"WHERE a.n IS DISTINCT FROM b.n OR a.h IS DISTINCT FROM b.h LIMIT {most + 1}"
    )
    return list(differing.column(0).to_pylist())


def sharing_repositories(
    engine: Backend,
    sides: Sequence[str],
    columns: Iterable[str],
    within: Collection[str],
    table: str,
    column: str,
    most: int,
) -> frozenset[str] | None:
    """The repositories that have in the bound ``table`` a value of ``column`` that is in the rows of ``within`` by which
    two queries differ; None if these values are more than ``most``."""
    inside = f"WHERE repository IN ({_texts(within)})"
    before, after = (f"SELECT {sql_list(columns)} FROM ({side}) {inside}" for side in sides)
    differing = f"(({before}) EXCEPT ({after})) UNION (({after}) EXCEPT ({before}))"
    values = engine.arrow(f"SELECT DISTINCT {quoted(column)} FROM ({differing}) LIMIT {most + 1}").column(0).to_pylist()
    if len(values) > most:
        return None
    named = f"SELECT DISTINCT repository FROM {quoted(table)} WHERE {quoted(column)} IN ({_texts(values)})"
    return frozenset(engine.arrow(named).column(0).to_pylist())


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(sql_text, sorted(values)))


def batches(sizes: Sequence[tuple[str, int]], most: int) -> list[Range]:
    """Consecutive ranges of the repositories of ``sizes`` (by name, with their rows), each of at most ``most`` rows
    unless one repository alone has more."""
    bounds: list[str] = []
    filled = 0
    for repository, rows in sizes:
        if filled and filled + rows > most:
            bounds.append(repository)
            filled = 0
        filled += rows
    return list(zip([None, *bounds], [*bounds, None], strict=True))
