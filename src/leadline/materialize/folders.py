"""The folders of stored tables: one for each table and state of the data, named by a digest of all its rows follow from."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from leadline.lease import Lease
from leadline.materialize.incremental import BuildRecord

_STATE = "state-"
"""How the folders begin that steps keep between computations."""
KEPT_STATES, KEPT_SECONDS = 4, 6 * 3600
"""How many states of a table are kept at least, and for how long all that were used."""


class Folders:
    """All folders of a project's stored tables, below ``root``. Several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def named(self, table: str, digest: str) -> Path:
        """Where a table is, or will be, at the state that ``digest`` stands for."""
        return self._root / f"{table}-{digest}"

    def called(self, name: str) -> Path:
        """The folder called ``name``."""
        return self._root / name

    def state(self, name: str, lease: Lease) -> Path:
        """The folder that computations which share the state ``name`` keep, in the hands of ``lease`` alone: it goes by its number
        from now on, so that who had it before and lost the lock finds it gone. Raises ``LockLost`` if a later lease has it."""
        folder = self._root / f"{_STATE}{name}"
        folder.mkdir(parents=True, exist_ok=True)
        mine = folder / str(lease.number)
        newest = max(map(_number, folder.iterdir()), default=0)
        try:
            if newest > lease.number:
                lease.require_newest(newest)
            elif newest:
                (folder / str(newest)).rename(mine)
            else:
                mine.mkdir()
        except FileNotFoundError:
            lease.require_newest(None)  # somebody else has just taken it
        for path in folder.iterdir():
            if _number(path) < lease.number:
                delete(path)
        return mine

    def fill(self, folder: Path, write: Callable[[Path], BuildRecord]) -> None:
        """Make ``folder`` of what ``write`` puts into one beside it: it appears whole or not at all."""
        unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
        unfinished.mkdir(parents=True)
        try:
            write(unfinished).write(unfinished)
            unfinished.rename(folder)
        except OSError:
            # Two may compute the same at once, if a lock was lost: the first to be done serves both.
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def of_table(self, table: str) -> list[Path]:
        """The folders of a table, the last used first."""
        used = []
        for folder in self._root.glob(f"{table}-*"):
            with suppress(FileNotFoundError):  # deleted at this moment
                used.append((folder.stat().st_mtime, folder))
        return [folder for _, folder in sorted(used, reverse=True)]

    def forget(self, table: str) -> None:
        """Delete earlier states and pieces that nobody has used for hours, and what killed processes left unfinished."""
        old = time.time() - KEPT_SECONDS
        unneeded = [
            found for name in (f"{table}.*-*", f".{table}-*", f".{table}.*-*") for found in self._root.glob(name)
        ]
        for folder in [*self.of_table(table)[KEPT_STATES:], *unneeded]:
            with suppress(FileNotFoundError):  # finished, or deleted by somebody else, at this moment
                if folder.stat().st_mtime < old:
                    shutil.rmtree(folder, ignore_errors=True)


def _number(state: Path) -> int:
    """The number by which a folder of a state goes; 0 for what earlier releases left."""
    return int(state.name) if state.name.isdecimal() else 0


def delete(path: Path) -> None:
    """Delete a folder or a file, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def in_use(folder: Path) -> bool:
    """Whether ``folder`` exists; its time says from now on that it is in use."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def share(file: Path, target: Path) -> None:
    """Put ``file`` at ``target``, too; it takes no room twice where the disk can share it."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def put_together(files: Mapping[str, Path], target: Path) -> tuple[str, float]:
    """Put ``files`` of several folders into one, by new names; returns who computed them, and in how many seconds in all."""
    for name, file in files.items():
        share(file, target / name)
    records = [record for folder in {file.parent for file in files.values()} if (record := BuildRecord.of(folder))]
    return ", ".join(sorted({record.computed_by for record in records})), sum(record.seconds for record in records)
