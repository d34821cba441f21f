"""Who may read which file: what lies in a home its owner alone, what a user names whoever the user's umask lets."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OTHERS = 0o077
_users_mask: list[int] = []
"""What the process's umask was before ``private``, once it is in force."""


@contextmanager
def private() -> Iterator[None]:
    """Whatever the process makes meanwhile, itself or by a library or a child, is its owner's alone. It counts for the
    whole process, so it belongs around all that it does."""
    before = os.umask(_OTHERS)
    os.umask(before | _OTHERS)
    _users_mask.append(before)
    try:
        yield
    finally:
        _users_mask.pop()
        os.umask(before)


def users_mode(mode: int) -> int:
    """The mode of a file or folder that is as open as others that the user makes, who may have ``mode`` at most."""
    return mode & ~_users_mask[0] if _users_mask else mode & ~_OTHERS


def give_to_user(path: Path) -> None:
    """Let a new file that the user has named be as open as other files that the user makes."""
    if _users_mask:
        path.chmod(0o666 & ~_users_mask[0])


def open_to_others(folder: Path, *, top: Path = Path("/")) -> list[Path]:
    """The files below ``folder`` that another user of the machine can read or change, as far as the modes of them, of
    their folders and of those above, up to ``top``, say. A folder that others may not enter is not looked into."""
    if not folder.exists():
        return []
    classes = _OTHERS
    for above in (path for path in (folder, *folder.parents) if path.is_relative_to(top)):
        mode = above.stat().st_mode
        classes &= (0o070 if mode & stat.S_IXGRP else 0) | (0o007 if mode & stat.S_IXOTH else 0)
    return sorted(_open_below(folder, classes)) if classes else []


def _open_below(folder: Path, classes: int) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except FileNotFoundError:  # it was temporary
                continue
            if stat.S_ISDIR(mode) and mode & classes & 0o011:
                yield from _open_below(Path(entry.path), classes)
            elif stat.S_ISREG(mode) and mode & classes & 0o066:
                yield Path(entry.path)
