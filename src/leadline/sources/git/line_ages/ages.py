"""The rows of ``deleted_lines`` of one repository: walks what is new of it since the last run, and keeps where that has led."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.schema import TABLES
from leadline.sources.git.line_ages import store
from leadline.sources.git.line_ages.walk import Deleted, LineWalk
from leadline.sources.git.location import lines_folder
from leadline.sources.git.repository import Repository, State
from leadline.sources.git.rows import instant, record_batch

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_PER_BATCH = 65_536


@dataclass
class LineAges:
    """``folder`` is where the state of the walk is kept."""

    repository: Repository
    folder: Path

    @classmethod
    def of(cls, repository: Repository, clones: Path) -> LineAges:
        """Those of a repository, whose state lies beside the ``clones``."""
        return cls(repository, lines_folder(clones, repository.name))

    def batches(self, before: str | None, state: State, since: int | None) -> Generator[pa.RecordBatch, None, None]:
        """Rows of the commits that came since the state ``before`` (None: all), now that the repository is in ``state``, of those
        committed at ``since`` or later. When all were taken, the state ``name_of(state)`` is kept, too. Raises ``GitError``, and
        ``OSError`` where it cannot be kept."""
        name = name_of(state)
        store.forget_others(self.folder, before)
        if name == before and (self.folder / store.file_name(name)).is_file():
            return
        boundary = frozenset(state.boundary)
        loaded = None if before is None else store.load(self.folder, before, self.repository, boundary)
        walk, heads = loaded or (LineWalk(self.repository, boundary), [])
        known = self.repository.existing([*heads, *walk.nodes])
        walk.nodes = {sha: node for sha, node in walk.nodes.items() if sha in known}
        rows = (row for row in walk.walk(state.heads, sorted(known)) if since is None or row.committed >= since)
        while part := list(islice(rows, _ROWS_PER_BATCH)):
            yield _batch(self.repository.name, part)
        walk.settle(state.heads)
        store.save(self.folder, name, walk, state.heads)


def name_of(state: State) -> str:
    """What the state of the walk is called once all of ``state`` was walked."""
    return store.state_id(state.heads, state.boundary)


def _batch(repository: str, rows: Iterable[Deleted]) -> pa.RecordBatch:
    taken = list(rows)
    return record_batch(
        TABLES["deleted_lines"],
        len(taken),
        repository=repository,
        sha=[row.sha for row in taken],
        path=[row.path for row in taken],
        origin=[row.origin for row in taken],
        changed_at=[instant(str(row.changed)) for row in taken],
        lines=[row.lines for row in taken],
    )
