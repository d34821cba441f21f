"""Stored tables that machines with one bucket give to each other, so that each is computed once. A table lies below ``facts`` in
the bucket; an index beside it, written last, has its record and says that all of it is there, and which of its files are those of
the pieces in which it was computed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from leadline.errors import StoreError, first_line
from leadline.home import Project
from leadline.lake.bucket import AT_ONCE, Bucket
from leadline.materialize.folders import KEPT_SECONDS, KEPT_STATES, Folders
from leadline.materialize.incremental import BuildRecord

_log = logging.getLogger("leadline.facts")

_FOLDER = "facts"
_INDEX = ".json"
_LISTED_SECONDS = 1.0
"""For how long is believed what the bucket was last said to have."""


class PublishedTables:
    """Those of one project in ``bucket``. ``clock``: seconds, for how old a list is."""

    def __init__(self, bucket: Bucket, clock: Callable[[], float] = time.monotonic) -> None:
        self._bucket = bucket
        self._clock = clock
        self._there: dict[str, float] = {}
        self._listed = float("-inf")

    @classmethod
    def of(cls, project: Project) -> PublishedTables | None:
        """None for a project whose tables lie in a folder, or that is only looked at."""
        storage = project.lake.storage
        return cls(storage) if isinstance(storage, Bucket) and not project.home.is_only_read else None

    def has(self, name: str, *, newest: bool) -> bool:
        """Whether a machine has published the folder called ``name``; ``newest``: a moment ago, too."""
        with self._told(name):
            return name in self._names(newest=newest)
        return False

    def bring(self, folder: Path, *, newest: bool) -> bool:
        """Have the table that ``folder`` is named for, if a machine has published it (as of ``has``): whether it is there then."""
        with self._told(folder.name):
            if folder.name in self._names(newest=newest):
                index = self._index(folder.name)
                Folders(folder.parent).fill(folder, lambda unfinished: self._fetched(folder.name, index, unfinished))
                return True
        return False

    def states(self, table: str, most: int) -> dict[str, BuildRecord]:
        """The last states of a table that were published, at most so many, the newest first: records by folder."""
        found: dict[str, BuildRecord] = {}
        with self._told(table):
            published = [(at, name) for name, at in self._names(newest=False).items() if _state(name)[0] == table]
            for _, name in sorted(published, reverse=True)[:most]:
                found[name] = self._index(name).record
        return found

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """What cannot be taken is not there: it is logged, and computed."""
        try:
            yield
        except FileNotFoundError:  # deleted at this moment
            return
        except (StoreError, ValueError, TypeError, KeyError) as error:
            _log.warning("%s could not be taken from %s: %s", what, self._bucket.where, first_line(error))

    def _index(self, name: str) -> _Index:
        index = json.loads(self._bucket.read(_index_of(name)))
        return _Index(BuildRecord.from_document(index["record"]), index["files"], index.get("of_pieces", {}))

    def _fetched(self, name: str, index: _Index, target: Path) -> BuildRecord:
        def fetch(file: str) -> None:
            place = index.of_pieces.get(file, f"{name}/{file}")
            self._bucket.fetch(f"{_FOLDER}/{place}", index.files[file], target / file)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(fetch, index.files))
        return index.record

    def publish(self, folder: Path, of_pieces: Mapping[str, Path]) -> None:
        """Let all machines have a table that is in ``folder``, and drop earlier states of it that nobody needs. ``of_pieces``: the
        files of it, by their names, that are files of pieces."""
        try:
            self._publish(folder, of_pieces)
        except StoreError as error:  # what it is needed for here goes on
            _log.warning("%s could not be given to %s: %s", folder.name, self._bucket.where, first_line(error))

    def _publish(self, folder: Path, of_pieces: Mapping[str, Path]) -> None:
        if (record := BuildRecord.of(folder)) is None:
            return
        files = {path.name: path.stat().st_size for path in sorted(folder.glob("*.parquet"))}
        there = {
            name: f"{file.parent.name}/{file.name}"
            for name, file in of_pieces.items()
            if file.parent.name in self._there
        }
        sent = [name for name in files if name not in there]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda file: self._bucket.send(folder / file, f"{_FOLDER}/{folder.name}/{file}"), sent))
        index = json.dumps(asdict(_Index(record, files, there)))
        self._bucket.send(index.encode(), _index_of(folder.name))
        self._drop_earlier(folder.name)

    def forget_all(self) -> None:
        """Drop every table. Raises ``StoreError`` for a bucket that cannot be read or written."""
        for name in sorted(self._bucket.below(_FOLDER), key=lambda name: not name.endswith(_INDEX)):
            self._bucket.remove(name)
        self._listed = float("-inf")

    def _names(self, *, newest: bool) -> Mapping[str, float]:
        """Which folders were published, and when, by the bucket's clock."""
        if newest or self._clock() - self._listed > _LISTED_SECONDS:
            asked = self._clock()
            indexes = self._bucket.stored_in(_FOLDER)
            self._there = {name.removesuffix(_INDEX): stored.modified for name, stored in indexes.items()}
            self._listed = asked
        return self._there

    def _drop_earlier(self, name: str) -> None:
        """Drop other states of the table that ``name`` is of, and their pieces, but for the last and those of the last hours."""
        there, (own, newest) = self._names(newest=True), _state(name)
        of_state: dict[str, list[str]] = {}
        for other in there:
            table, state = _state(other)
            if table.partition(".")[0] == own.partition(".")[0] and state != newest:
                of_state.setdefault(state, []).append(other)
        written = sorted(((max(map(there.__getitem__, names)), names) for names in of_state.values()), reverse=True)
        for modified, names in written[KEPT_STATES - 1 :]:
            if modified < there.get(name, modified) - KEPT_SECONDS:
                # A table before its pieces, of which it has files.
                for each in sorted(names, key=len):
                    self._drop(each)

    def _drop(self, name: str) -> None:
        self._bucket.remove(_index_of(name))
        for file in self._bucket.below(f"{_FOLDER}/{name}"):
            self._bucket.remove(file)


@dataclass(frozen=True)
class _Index:
    """What is said of a published table: its ``record``, the sizes of its ``files`` by name, and where those of them lie that are
    ``of_pieces``, below the folder of all."""

    record: BuildRecord
    files: Mapping[str, int]
    of_pieces: Mapping[str, str]


def _state(name: str) -> tuple[str, str]:
    """The table, or piece of one, that a folder is of, and at which state."""
    table, _, state = name.rpartition("-")
    return table, state


def _index_of(name: str) -> str:
    return f"{_FOLDER}/{name}{_INDEX}"
