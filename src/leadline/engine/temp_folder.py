"""The folder an engine may spill into: its own, and removed at the latest when another engine finds its process dead.

A killed process cannot clean up after itself, and what it spilled may be large; a lock that dies with the process tells that
nobody needs it any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from pathlib import Path

_PREFIX = "engine-"
_LOCK = ".lock"


class Spill:
    """One engine's folder for spilled data, below ``parent``. ``path`` is made by who spills; ``close`` removes it."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        _clear(parent)
        self.path = parent / f"{_PREFIX}{uuid.uuid4().hex}"
        self._lock_file = self.path.with_name(self.path.name + _LOCK)
        self._lock = os.open(self._lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock_file.unlink(missing_ok=True)
        os.close(self._lock)


def _clear(parent: Path) -> None:
    for lock_file in parent.glob(f"{_PREFIX}*{_LOCK}"):
        try:
            lock = os.open(lock_file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # its engine has just been closed
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(lock_file.with_name(lock_file.name.removesuffix(_LOCK)), ignore_errors=True)
            lock_file.unlink(missing_ok=True)
        finally:
            os.close(lock)
