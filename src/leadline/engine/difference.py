"""The difference of two results: the rows of the later one that the earlier one has not, or has with other cells, and those that
are gone. The engine computes it over both as files, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine.backend import Backend
from leadline.engine.sql_text import parquet_files, quoted, sql_list
from leadline.engine.temp_folder import Spill
from leadline.errors import StoreError

if TYPE_CHECKING:
    from ibis.expr.types import Table

CHANGE = "_change"
"""The last column of a difference, which says what became of the row."""
INSERT, UPDATE, DELETE = "insert", "update", "delete"
_POSITION = "file_row_number"


@dataclass(frozen=True)
class Difference:
    """Two results below ``folder``, the earlier one staged first. A row is found again by its cells in ``key``, of which no two
    rows have the same; unknown is like unknown."""

    folder: Path
    key: tuple[str, ...]

    @property
    def _earlier(self) -> Path:
        return self.folder / "earlier.parquet"

    @property
    def _later(self) -> Path:
        return self.folder / "later.parquet"

    def stage(self, engine: Backend, query: Table | str) -> None:
        """Keep the rows of the earlier result. Where there is none, all rows are new."""
        _keep(engine, query, self._earlier)

    def text(self, engine: Backend, query: Table | str) -> str:
        """The SQL text of what makes the rows of the earlier result those of ``query``: its columns and ``CHANGE``. Its rows come
        in their order, then those that are gone, with the cells they had."""
        _keep(engine, query, self._later)
        columns = _columns(engine, self._later)
        known = _columns(engine, self._earlier) if self._earlier.exists() else {}
        for path in [self._later, *([self._earlier] if known else [])]:
            self._require_unique(engine, path)
        later, earlier = _relation(self._later, columns, columns), self._earlier_relation(columns, known)
        same = " AND ".join(f"later.{quoted(name)} IS NOT DISTINCT FROM earlier.{quoted(name)}" for name in self.key)
        other = [name for name in columns if name not in self.key]
        changed = " OR ".join(f"later.{quoted(name)} IS DISTINCT FROM earlier.{quoted(name)}" for name in other)
        what = f"CASE WHEN earlier.{_POSITION} IS NULL THEN '{INSERT}' ELSE '{UPDATE}' END"
        return (
            f"WITH later AS ({later}), earlier AS ({earlier}) "
            f"SELECT {sql_list(columns)}, {CHANGE} FROM ("
            f"SELECT later.*, {what} AS {CHANGE}, 0 AS part FROM later LEFT JOIN earlier ON {same} "
            f"WHERE earlier.{_POSITION} IS NULL OR {changed or 'false'} "
            f"UNION ALL SELECT earlier.*, '{DELETE}', 1 FROM earlier ANTI JOIN later ON {same}"
            f") ORDER BY part, {_POSITION}"
        )

    def _earlier_relation(self, columns: Mapping[str, str], known: Mapping[str, str]) -> str:
        if known:
            return _relation(self._earlier, columns, known)
        return f"SELECT * FROM ({_relation(self._later, columns, columns)}) WHERE false"

    def _require_unique(self, engine: Backend, path: Path) -> None:
        key = sql_list(self.key)
        repeated = f"SELECT {key} FROM {parquet_files([path])} GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
        if found := engine.arrow(repeated).to_pylist():
            raise StoreError(f"Several rows have {found[0]}, so they cannot be told apart; export all rows instead")


@contextmanager
def difference(temp: Path, key: Sequence[str]) -> Iterator[Difference]:
    """A difference whose results lie below ``temp`` until the block ends; a folder that a dead process left is removed."""
    spill = Spill(temp)
    try:
        yield Difference(spill.path, tuple(key))
    finally:
        spill.close()


def _keep(engine: Backend, query: Table | str, path: Path) -> None:
    engine.copy(query, path, "parquet", durable=False, compression="snappy")


def _columns(engine: Backend, path: Path) -> dict[str, str]:
    """The columns of a file with their types, in order."""
    described = engine.arrow(f"SELECT column_name, column_type FROM (DESCRIBE FROM {parquet_files([path])})")
    return dict(zip(*(described[name].to_pylist() for name in ("column_name", "column_type")), strict=True))


def _relation(path: Path, columns: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The ``columns`` of a file that has those ``known``, with the position of each row; what it has not is unknown."""
    cells = ", ".join(f"{_cell(name, kind, known.get(name))} AS {quoted(name)}" for name, kind in columns.items())
    return f"SELECT {cells}, {_POSITION} FROM {parquet_files([path])}"


def _cell(name: str, kind: str, known: str | None) -> str:
    if known is None:
        return f"CAST(NULL AS {kind})"
    return quoted(name) if known == kind else f"TRY_CAST({quoted(name)} AS {kind})"
