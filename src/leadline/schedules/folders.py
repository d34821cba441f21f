"""Puts files into folders that others look into: whole or not at all, and nowhere but below the folders that are allowed, whatever
links somebody lays there meanwhile."""

from __future__ import annotations

import gzip
import os
import shutil
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import IO, cast

from leadline.errors import Detail, InvalidRequest, StoreError
from leadline.permissions import users_mode

_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def check_folder(folder: str, allowed: Sequence[str]) -> None:
    """Raises ``InvalidRequest`` unless ``folder`` lies in one of those ``allowed``."""
    path = PurePath(folder)
    if "\0" in folder or not path.is_absolute() or ".." in path.parts:
        raise _refused(f"deliver.folder {folder[:200]!r} must be an absolute path without ..")
    if _root_of(path, allowed) is None:
        where = f"; these are: {', '.join(allowed)}" if allowed else ", which names none"
        raise _refused(f"deliver.folder {folder[:200]!r} is in no folder of the setting exports.folders{where}")


def put(source: Path, folder: str, name: str, allowed: Sequence[str], run: str, *, gzipped: bool) -> None:
    """Put a copy of ``source`` into ``folder``, called ``name``, with gzip if the name ends in ``.gz``; ``gzipped``: the source is.
    What another attempt of the same ``run`` left unfinished is gone then. Raises ``StoreError``."""
    try:
        with _opened(folder, allowed, make=True) as where:
            _clear(where, run)
            _write(source, where, name, run, gzipped=gzipped)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise StoreError(f"{folder}/{name} could not be written: {why}") from error


def take_away(folder: str, name: str, allowed: Sequence[str]) -> bool:
    """Delete a file that was put into ``folder``; whether it was there. Raises ``StoreError``."""
    try:
        with _opened(folder, allowed, make=False) as where:
            os.unlink(name, dir_fd=where)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{folder}/{name} could not be deleted: {error.strerror or error}") from error
    return True


def _root_of(path: PurePath, allowed: Sequence[str]) -> PurePath | None:
    return next((PurePath(root) for root in allowed if path.is_relative_to(root)), None)


@contextmanager
def _opened(folder: str, allowed: Sequence[str], *, make: bool) -> Iterator[int]:
    """The folder as a descriptor, gone to step by step from the one that is allowed: no step may be a link. That one itself is not
    made: a disk that is not there is not filled in its place."""
    path = PurePath(folder)
    root = _root_of(path, allowed)
    if root is None or ".." in path.parts:
        raise StoreError(f"{folder} is in no folder of the setting exports.folders any more")
    where = os.open(root, _FOLDER)
    try:
        for part in path.relative_to(root).parts:
            made = make and _made(part, where)
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=where)
            if made:
                os.fchmod(below, users_mode(0o777))
            os.close(where)
            where = below
        yield where
    finally:
        os.close(where)


def _made(name: str, where: int) -> bool:
    """Make a folder, unless it is there: whether it was made."""
    try:
        os.mkdir(name, dir_fd=where)
    except FileExistsError:
        return False
    return True


def _clear(where: int, run: str) -> None:
    for name in os.listdir(where):
        if name.startswith(f".{run}-"):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=where)


def _write(source: Path, where: int, name: str, run: str, *, gzipped: bool) -> None:
    partial = f".{run}-{uuid.uuid4().hex}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=where)
    try:
        with os.fdopen(descriptor, "wb") as target, _read(source, name, gzipped=gzipped) as content:
            if name.endswith(".gz") and not gzipped:
                with gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as packed:
                    shutil.copyfileobj(content, packed, _CHUNK)
            else:
                shutil.copyfileobj(content, target, _CHUNK)
            target.flush()
            os.fchmod(target.fileno(), users_mode(0o666))
            os.fsync(target.fileno())
        os.rename(partial, name, src_dir_fd=where, dst_dir_fd=where)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=where)
        raise
    os.fsync(where)


@contextmanager
def _read(source: Path, name: str, *, gzipped: bool) -> Iterator[IO[bytes]]:
    unpack = gzipped and not name.endswith(".gz")
    with cast("IO[bytes]", gzip.open(source)) if unpack else source.open("rb") as content:
        yield content


def _refused(sentence: str) -> InvalidRequest:
    return InvalidRequest(sentence, code="invalid_folder", details=[Detail("deliver.folder", sentence)])
