"""What a stored table can keep of rows that were computed for another state of the data: those of repositories in which
nothing it follows from has changed.

Two states come in, as versions of the lake's tables and as folders of stored tables; the repositories that differ go out,
found by comparing what the two hold. Nobody has to say what changed, so nothing can be said wrongly: a delivery that repeats
what is there, or files that were merged, change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine.sql_text import quoted, relation_query, sql_list, sql_text
from leadline.errors import StoreError
from leadline.materialize.model import Model
from leadline.schema import TABLES, ColumnType

if TYPE_CHECKING:
    from leadline.engine import Engine
    from leadline.lake import Snapshot

RECORD = "record.json"
MOST_ROWS = 0.5
"""Share of a table's rows in files that differ from which on they are not compared: computing anew costs no more."""
MOST_REPOSITORIES = 500
MOST_SHAS = 20_000

Repositories = frozenset[str]
NONE: Repositories = frozenset()


@dataclass(frozen=True)
class BuildRecord:
    """What the rows of a folder were computed from: ``base`` stands for all but the data, ``tables`` are the lake's
    versions, ``needs`` the folders of stored tables. ``former``: the folder whose rows were kept, but for those of the
    repositories ``changed``."""

    base: str
    tables: Mapping[str, int | None]
    needs: Mapping[str, str]
    former: str | None = None
    changed: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path) -> BuildRecord | None:
        """The record of a folder; None if it has none that can be read."""
        try:
            found = cls(**json.loads((folder / RECORD).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return cls(found.base, found.tables, found.needs, found.former, tuple(found.changed))

    def write(self, folder: Path) -> None:
        """Keep it beside the rows."""
        (folder / RECORD).write_text(json.dumps(asdict(self)))


class Differences:
    """Compares states by repository, in ``engine``. ``snapshot`` opens versions of the lake's tables.

    Every answer is the repositories whose rows differ, or None if that cannot be said of some repositories alone.
    """

    def __init__(self, engine: Engine, snapshot: Callable[[Mapping[str, int]], Snapshot]) -> None:
        self._engine, self._snapshot = engine, snapshot
        self._tables: dict[tuple[str, int | None, int | None], Repositories | None] = {}

    def of_table(self, name: str, before: int | None, now: int | None) -> Repositories | None:
        """Between two versions of a table of the lake (None: it was never written)."""
        key = (name, before, now)
        if key not in self._tables:
            self._tables[key] = NONE if before == now else self._compared(name, before, now)
        return self._tables[key]

    def _compared(self, name: str, before: int | None, now: int | None) -> Repositories | None:
        try:
            former, newer = (self._snapshot({} if version is None else {name: version}) for version in (before, now))
        except StoreError:  # a version that is kept no longer
            return None
        there, here = set(former.data_files(name)), set(newer.data_files(name))
        rows = max(former.row_counts().get(name, 0), newer.row_counts().get(name, 0))
        apart = sum(max(file.rows, 0) for file in there ^ here)
        if apart > max(1_000_000, MOST_ROWS * rows):
            return None
        table = TABLES[name]
        lists = {column.name for column in table.columns if column.type is ColumnType.LIST}
        sides = [
            relation_query([str(file.path) for file in sorted(files, key=lambda each: each.path)], table.arrow_schema)
            for files in (there - here, here - there)
        ]
        return self._between(sides, table.arrow_schema.names, lists, by_repository="repository" in table.key)

    def of_stored(self, stored: Model, before: Path, now: Path) -> Repositories | None:
        """Between two folders of a stored table."""
        if before == now:
            return NONE
        if not any(before.glob("*.parquet")):
            return None
        record = BuildRecord.of(now)
        kept = record is not None and record.former == before.name
        within = f" WHERE coalesce(repository, '') IN ({_texts(record.changed)})" if record is not None and kept else ""
        if record is not None and kept and not record.changed:
            return NONE
        sides = [f"SELECT {sql_list(stored.columns)} FROM {_parquet(folder)}{within}" for folder in (before, now)]
        lists = {name for name, kind in stored.columns.items() if kind.startswith("array")}
        found = self._between(sides, list(stored.columns), lists, by_repository="repository" in stored.columns)
        if not found or not stored.whole:
            return found
        return self._sharing(stored, sides, found)

    def _sharing(self, stored: Model, sides: Sequence[str], found: Repositories) -> Repositories | None:
        """``found`` with the repositories that have commits in common with the rows that differ: a table that is read
        ``whole`` is looked up by them."""
        if "sha" not in stored.columns:
            return None
        inside = f"WHERE repository IN ({_texts(found)})"
        one, other = (f"SELECT {sql_list(stored.columns)} FROM ({side}) {inside}" for side in sides)
        differing = f"(({one}) EXCEPT ({other})) UNION (({other}) EXCEPT ({one}))"
        shas = [sha for (sha,) in self._engine.execute(f"SELECT DISTINCT sha FROM ({differing}) LIMIT {MOST_SHAS + 1}")]
        if len(shas) > MOST_SHAS:
            return None
        rows = self._engine.execute(f"SELECT DISTINCT repository FROM commits WHERE sha IN ({_texts(shas)})")
        return found | {repository for (repository,) in rows}

    def _between(
        self, sides: Sequence[str], columns: Sequence[str], lists: Iterable[str], *, by_repository: bool
    ) -> Repositories | None:
        """Whose number of rows, or sum of the rows' hashes, differs."""
        # DuckDB hashes an empty and an unknown list alike.
        values = [f"CAST(to_json({quoted(name)}) AS VARCHAR)" if name in lists else quoted(name) for name in columns]
        key = "coalesce(repository, '')" if by_repository else "''"
        summed = [
            f"SELECT {key} AS repository, count(*) AS n, sum(hash({', '.join(values)})) AS h FROM ({side}) GROUP BY ALL"
            for side in sides
        ]
        rows = self._engine.execute(
            f"SELECT repository FROM ({summed[0]}) AS a FULL JOIN ({summed[1]}) AS b USING (repository) "
            f"WHERE a.n IS DISTINCT FROM b.n OR a.h IS DISTINCT FROM b.h LIMIT {MOST_REPOSITORIES + 1}"
        )
        if len(rows) > MOST_REPOSITORIES or (rows and not by_repository):
            return None
        return frozenset(repository for (repository,) in rows)


def kept_rows(stored: Model, folder: Path, changed: Repositories) -> str:
    """A query for the rows of ``folder`` that are not of the repositories ``changed``."""
    return f"SELECT {sql_list(stored.columns)} FROM {_parquet(folder)} WHERE coalesce(repository, '') NOT IN ({_texts(changed)})"


def _parquet(folder: Path) -> str:
    return f"read_parquet([{', '.join(map(sql_text, sorted(folder.glob('*.parquet'))))}])"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(sql_text, sorted(values)))
