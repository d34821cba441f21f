"""Stored tables that machines with one bucket give to each other, so that each is computed once. A table lies below ``facts`` in
the bucket; an index beside it, written last, has its record and says that all of it is there, and which of its files are those of
the pieces in which it was computed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
        self._there = frozenset[str]()
        self._listed = float("-inf")

    @classmethod
    def of(cls, project: Project) -> PublishedTables | None:
        """None for a project whose tables lie in a folder, or that is only looked at."""
        storage = project.lake.storage
        return cls(storage) if isinstance(storage, Bucket) and not project.home.is_only_read else None

    def has(self, name: str, *, newest: bool) -> bool:
        """Whether a machine has published the folder called ``name``; ``newest`` as of ``bring``."""
        try:
            return name in self._names(newest=newest)
        except StoreError as error:
            _log.warning("%s could not be sought in %s: %s", name, self._bucket.where, first_line(error))
            return False

    def bring(self, folder: Path, *, newest: bool) -> bool:
        """Have the table that ``folder`` is named for, if a machine has published it: whether it is there then. ``newest``: one
        that was published a moment ago, too."""
        try:
            if folder.name not in self._names(newest=newest):
                return False
            index = json.loads(self._bucket.read(_index(folder.name)))
            record = BuildRecord.from_document(index["record"])
            Folders(folder.parent).fill(
                folder, lambda unfinished: self._fetched(folder.name, index, unfinished, record)
            )
        except FileNotFoundError:  # deleted at this moment
            return False
        except (StoreError, ValueError, TypeError, KeyError) as error:
            _log.warning("%s could not be taken from %s: %s", folder.name, self._bucket.where, first_line(error))
            return False
        return True

    def _fetched(self, name: str, index: Mapping[str, Any], target: Path, record: BuildRecord) -> BuildRecord:
        files, of_pieces = index["files"], index.get("of_pieces", {})

        def fetch(file: str) -> None:
            self._bucket.fetch(f"{_FOLDER}/{of_pieces.get(file, f'{name}/{file}')}", files[file], target / file)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(fetch, files))
        return record

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
        index = json.dumps({"record": asdict(record), "files": files, "of_pieces": there})
        self._bucket.send(index.encode(), _index(folder.name))
        self._there |= {folder.name}
        self._drop_earlier(_table(folder.name))

    def forget_all(self) -> None:
        """Drop every table. Raises ``StoreError`` for a bucket that cannot be read or written."""
        for name in sorted(self._bucket.below(_FOLDER), key=lambda name: not name.endswith(_INDEX)):
            self._bucket.remove(name)
        self._listed = float("-inf")

    def _names(self, *, newest: bool) -> frozenset[str]:
        if newest or self._clock() - self._listed > _LISTED_SECONDS:
            asked = self._clock()
            self._there = frozenset(name.removesuffix(_INDEX) for name in self._bucket.names(_FOLDER))
            self._listed = asked
        return self._there

    def _drop_earlier(self, table: str) -> None:
        states: dict[str, list[str]] = {}
        for name in self._there:
            if _table(name) == table:
                states.setdefault(name.rpartition("-")[2], []).append(name)
        if len(states) <= KEPT_STATES:
            return
        written: list[tuple[float, list[str]]] = []
        for names in states.values():
            with suppress(FileNotFoundError):  # deleted by another machine
                written.append((max(self._bucket.stored(_index(name)).modified for name in names), names))
        now = max((modified for modified, _ in written), default=0.0)  # by the bucket's clock
        for modified, names in sorted(written, reverse=True)[KEPT_STATES:]:
            if modified < now - KEPT_SECONDS:
                # A table before its pieces, of which it has files.
                for name in sorted(names, key=len):
                    self._drop(name)

    def _drop(self, name: str) -> None:
        self._bucket.remove(_index(name))
        for file in self._bucket.below(f"{_FOLDER}/{name}"):
            self._bucket.remove(file)


def _table(name: str) -> str:
    """The table of a folder, be it of a piece."""
    return name.rpartition("-")[0].partition(".")[0]


def _index(name: str) -> str:
    return f"{_FOLDER}/{name}{_INDEX}"
