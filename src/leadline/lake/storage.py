"""Where the tables of a lake lie: in a folder, or in a bucket (``bucket``). All others of this package go through it.

Names are those of files below the lake, such as ``work_items/part-1.parquet``. Readers read files of this machine: ``local`` says
where one is, or will be once ``bring`` was asked for it.
"""

# ruff: noqa: D102 -- what the methods do is said by ``Storage``

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from leadline.atomic_file import make_durable
from leadline.errors import StoreError
from leadline.folder_names import unfit_in
from leadline.lake.snapshot import DataFile

LOG = "_delta_log"
"""The folder of a table that has its log."""
STAGING = "_staging"
"""The folder of a table on this machine for files on their way in."""


@dataclass(frozen=True)
class Stored:
    """What is known of a file without reading it: its size in bytes, and when it was last written, in seconds since 1970."""

    size: int
    modified: float


class Storage(Protocol):
    """A place for the tables of one lake. A file that is not there raises ``FileNotFoundError``, a place that cannot be reached
    another ``OSError`` or ``StoreError``."""

    where: str
    """How it is called in messages."""
    guarded: bool
    """Whether files stay as they were written, whatever happens to the machine."""

    def location(self, table: str) -> str:
        """How the Delta library is told of ``table``."""

    def prepare(self, table: str) -> None:
        """Make whatever ``table`` needs before its first file."""

    def read(self, name: str) -> bytes:
        """The content of a small file."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def stored(self, name: str) -> Stored:
        """What is known of a file."""

    def names(self, folder: str) -> list[str]:
        """The last parts of the names of the files directly in ``folder``, in order; none if there is no such folder."""

    def following(self, log: str, version: int) -> int:
        """The last of the versions in a ``log`` that follow on ``version`` without a gap; ``version`` if none does."""

    def each(self, look: Callable[[str], int | None], tables: Iterable[str]) -> dict[str, int | None]:
        """What ``look`` finds of each of ``tables``."""

    def local(self, table: str, name: str) -> Path:
        """Where readers find a data file of ``table``, once it was brought."""

    def bring(self, table: str, files: Sequence[DataFile]) -> None:
        """Have ``files`` of ``table`` on this machine. Raises ``VersionsGone`` if one is gone."""

    def lost(self, table: str, files: Sequence[DataFile]) -> DataFile | None:
        """The first of ``files`` that is gone."""

    def staging(self, table: str) -> Path:
        """The folder on this machine, on the disk of ``local``, in which there are folders of files on their way in."""

    def put(self, table: str, staged: Path, name: str) -> None:
        """Make the ``staged`` file the data file ``name`` of ``table``, so that it is there after a power cut."""

    def take_back(self, table: str, staged: Path, name: str) -> None:
        """Undo ``put``, as far as that can be."""

    def settle(self, table: str, version: int | None) -> None:
        """Make the folder of ``table``, or its log up to ``version``, be there after a power cut."""

    def remove(self, name: str) -> None:
        """Remove a file; it may be gone already."""

    def take_in(self, folder: Path, below: str = "") -> None:
        """Take all files ``below`` a folder of this machine, which has them no longer then, if they do not stay there."""

    def findings(self) -> list[str]:
        """What is wrong with the place, a sentence each: whether it can be written, read and cleared, whether it refuses to write
        what is there already, and how its clock goes; [] means good."""

    def forget(self, table: str, before: float) -> None:
        """Drop copies on this machine of data files that are gone, if older than ``before`` (seconds since 1970)."""


class Folder:
    """Tables in a folder of this machine, or one that several machines mount. See ``Storage``."""

    guarded = False

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.where = str(self.root)
        if unfit := unfit_in(self.root):
            raise StoreError(f"The tables cannot lie in {self.where!r}: {unfit}")

    def location(self, table: str) -> str:
        return str(self.root / table)

    def prepare(self, table: str) -> None:
        (self.root / table).mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def exists(self, name: str) -> bool:
        return (self.root / name).exists()

    def stored(self, name: str) -> Stored:
        found = (self.root / name).stat()
        return Stored(found.st_size, found.st_mtime)

    def names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_file())
        except FileNotFoundError:
            return []

    def following(self, log: str, version: int) -> int:
        # Not by a list of the log, which keeps the versions of many days.
        while (self.root / log / f"{version + 1:020d}.json").exists():
            version += 1
        return version

    def each(self, look: Callable[[str], int | None], tables: Iterable[str]) -> dict[str, int | None]:
        return {table: look(table) for table in tables}

    def local(self, table: str, name: str) -> Path:
        return self.root / table / name

    def bring(self, table: str, files: Sequence[DataFile]) -> None:
        """They are here."""

    def lost(self, table: str, files: Sequence[DataFile]) -> DataFile | None:  # noqa: ARG002 -- a file knows its path
        return next((file for file in files if not file.path.exists()), None)

    def staging(self, table: str) -> Path:
        return self.root / table / STAGING

    def put(self, table: str, staged: Path, name: str) -> None:
        make_durable(staged)
        staged.rename(self.local(table, name))

    def take_back(self, table: str, staged: Path, name: str) -> None:
        with suppress(OSError):
            self.local(table, name).rename(staged)

    def settle(self, table: str, version: int | None) -> None:
        folder = self.root / table
        if version is None:
            make_durable(folder)
            return
        entry = folder / LOG / f"{version:020d}.json"
        if entry.exists():
            make_durable(entry)
        make_durable(folder / LOG)

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def take_in(self, folder: Path, below: str = "") -> None:
        """They stay in the folder, which becomes that of the project."""

    def findings(self) -> list[str]:
        """It is as the home is."""
        return []

    def forget(self, table: str, before: float) -> None:
        """There are no copies."""
