"""What a stored table can keep of rows that were computed for another state of the data: those of repositories in which
nothing it follows from has changed.

Which repositories differ is found by comparing what two states hold. Nobody has to say what changed, so nothing can be said
wrongly: a delivery that repeats what is there, or files that were merged, change nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.engine.repositories import differ, differing_repositories, rows_in, sharing_repositories
from leadline.engine.sql_text import relation_query
from leadline.errors import StoreError
from leadline.materialize.model import Model
from leadline.schema import TABLES, ColumnType

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.lake import Snapshot

RECORD = "record.json"
MOST_ROWS = 0.5
"""Share of a table's rows in files that differ from which on they are not compared: computing anew costs no more."""
MOST_REPOSITORIES = 500
MOST_LOOKED_UP = 20_000

Repositories = frozenset[str]
NONE: Repositories = frozenset()


@dataclass(frozen=True)
class BuildRecord:
    """What the rows of a folder were computed from: ``config_digest`` stands for all but the data, ``sources`` are the
    versions of the lake's tables, ``depends_on`` the folders of stored tables by name. ``previous``: the folder whose rows
    were kept, but for those of the repositories ``rebuilt``. ``computed_by`` is who computed them, in ``seconds``, and ``worker``
    which of several that share a run; rows do not follow from that."""

    config_digest: str
    sources: Mapping[str, int | None]
    depends_on: Mapping[str, str]
    previous: str | None = None
    rebuilt: tuple[str, ...] = ()
    computed_by: str = ""
    seconds: float = 0.0
    worker: str = ""

    @classmethod
    def of(cls, folder: Path) -> BuildRecord | None:
        """The record of a folder; None if it has none that can be read."""
        try:
            return cls.from_document(json.loads((folder / RECORD).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> BuildRecord:
        """The record that ``asdict`` made ``document`` of. Raises ``TypeError`` or ``KeyError`` for another one."""
        return cls(**{**document, "rebuilt": tuple(document["rebuilt"])})

    def write(self, folder: Path) -> None:
        """Keep it beside the rows."""
        (folder / RECORD).write_text(json.dumps(asdict(self)))


class Differences:
    """Compares states by repository, in ``engine``. ``snapshot`` opens versions of the lake's tables.

    Every answer is the repositories whose rows differ, or None if that cannot be said of some repositories alone.
    """

    def __init__(self, engine: Backend, snapshot: Callable[[Mapping[str, int]], Snapshot]) -> None:
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
            sides = self._apart(name, before, now)
        except StoreError:  # a version, or its files, that are kept no longer
            return None
        if sides is None:
            return None
        table = TABLES[name]
        lists = {column.name for column in table.columns if column.type is ColumnType.LIST}
        columns = table.arrow_schema.names
        if "repository" not in table.key:
            return None if differ(self._engine, sides, columns, lists) else NONE
        return differing_repositories(self._engine, sides, columns, lists, MOST_REPOSITORIES)

    def _apart(self, name: str, before: int | None, now: int | None) -> list[str] | None:
        """A query for the rows of each version whose files the other has not; None if these are many."""
        earlier, later = (self._snapshot({} if version is None else {name: version}) for version in (before, now))
        left, came = (
            set(snapshot.data_files(name)) - set(other.data_files(name))
            for snapshot, other in ((earlier, later), (later, earlier))
        )
        rows = max(snapshot.row_counts().get(name, 0) for snapshot in (earlier, later))
        if sum(max(file.rows, 0) for file in left | came) > max(1_000_000, MOST_ROWS * rows):
            return None
        schema = TABLES[name].arrow_schema
        return [
            relation_query(sorted(snapshot.brought(name, list(files))), schema)
            for snapshot, files in ((earlier, left), (later, came))
        ]

    def of_stored(self, model: Model, before: Path, now: Path) -> Repositories | None:
        """Between two folders of a stored table."""
        if before == now:
            return NONE
        if not any(before.glob("*.parquet")):
            return None
        record = BuildRecord.of(now)
        rebuilt = record.rebuilt if record is not None and record.previous == before.name else None
        if rebuilt is not None and not rebuilt:
            return NONE
        columns = list(model.columns)
        sides = [rows_in(folder.glob("*.parquet"), columns, only=rebuilt) for folder in (before, now)]
        lists = {name for name, kind in model.columns.items() if kind.startswith("array")}
        if "repository" not in model.columns:
            return None if differ(self._engine, sides, columns, lists) else NONE
        differing = differing_repositories(self._engine, sides, columns, lists, MOST_REPOSITORIES)
        look_up = model.looked_up
        if not differing or look_up is None:
            return differing
        sharing = sharing_repositories(
            self._engine, sides, columns, differing, look_up.table, look_up.column, MOST_LOOKED_UP
        )
        return None if sharing is None else differing | sharing


def kept_rows(model: Model, folder: Path, rebuilt: Repositories) -> str:
    """A query for the rows of ``folder`` that are not of the repositories ``rebuilt``."""
    return rows_in(folder.glob("*.parquet"), model.columns, without=rebuilt)


def digest_of(state: object) -> str:
    """A digest of what rows follow from, as JSON."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:20]
