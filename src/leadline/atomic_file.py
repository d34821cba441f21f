"""Files that are there whole or not at all: written under a temporary name, flushed to the disk, then renamed; and what
users name to write to, which may be a link, a pipe or a device as well."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from leadline.errors import StoreError, Unusable
from leadline.permissions import give_to_user

_CHUNK = 1 << 20
_NOT_RENAMED = frozenset({errno.EACCES, errno.EBUSY, errno.EPERM, errno.EXDEV})
"""Why a file cannot take another's place though it can be written: a mount of its own, somebody else's sticky folder."""
_MOST_LINKS = 40


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A new path beside ``path`` to write to. When the block ends well, what was written there becomes ``path``; when
    it raises, it is removed and ``path`` stays as it was. Without ``durable`` it is not flushed to the disk first."""
    partial = beside(path, "partial")
    try:
        yield partial
        if durable:
            make_durable(partial)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


def beside(path: Path, ending: str) -> Path:
    """A hidden path in the same folder that nothing else has; never longer than a name may be."""
    return path.with_name(f".{uuid.uuid4().hex}.{ending}")


def make_durable(path: Path) -> None:
    """Flush a file or folder to the disk, so that it is still there after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- what users name ---------------------------------------------------------------------------------------------------


@contextmanager
def named_output(path: Path, *, temp: Path) -> Iterator[Path]:
    """A new path, called as ``path`` is, to write the whole file to, which then becomes what ``path`` names.

    A symbolic link stays, and the file that it leads to is replaced, keeping its mode and owner. What is no regular file
    (a device, a pipe, a descriptor such as ``/dev/fd/63``) is written through from a file below ``temp``, and so is a
    file that cannot be replaced but written. Raises ``Unusable``, before the block, for what cannot be written to.
    """
    descriptor = descriptor_of(path)
    if descriptor is not None:
        _require_open(path, descriptor)
    target = Path(os.path.realpath(path)) if descriptor is None else None
    replaced = target is not None and _replaceable(path, target)
    folder = target.parent if replaced and target is not None else temp
    with TemporaryDirectory(prefix=".leadline-" if replaced else "output-", dir=folder) as scratch:
        whole = Path(scratch) / path.name
        yield whole
        try:
            if target is None or not (replaced and _took_the_place(whole, target)):
                _copy(whole, os.dup(descriptor) if descriptor is not None else _opened(path))
        except BrokenPipeError as error:
            raise StoreError(f"{path} was closed by its reader before all was written") from error
        except OSError as error:
            raise StoreError(f"{path} could not be written: {error.strerror}") from error


def descriptor_of(path: Path) -> int | None:
    """The number of the descriptor of this process that ``path`` names, directly or by links; None if it names none."""
    descriptors = os.path.realpath("/dev/fd")
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder == descriptors and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder) / path.readlink()
    return None


def _replaceable(path: Path, target: Path) -> bool:
    """Whether a file may take the place of ``target``, which ``path`` leads to. Raises ``Unusable``."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        _require_folder(path, target.parent)
        return True
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}; name another file") from error
    if stat.S_ISDIR(mode):
        raise Unusable(f"{path} is a folder; name a file in it")
    if stat.S_ISSOCK(mode):
        raise Unusable(f"{path} is a socket, which cannot be written as a file; name another")
    if not os.access(target, os.W_OK):
        raise Unusable(f"{path} may not be written by you; name another file")
    return stat.S_ISREG(mode) and os.access(target.parent, os.W_OK | os.X_OK)


def _require_open(path: Path, descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError as error:
        raise Unusable(f"{path}: descriptor {descriptor} is not open; name a file") from error


def _require_folder(path: Path, folder: Path) -> None:
    name = f"{folder}, where the link {path} leads" if path.is_symlink() else str(path.parent)
    if not folder.is_dir():
        raise Unusable(f"There is no folder {name}; make it first, or name another with -o")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Unusable(f"You may not write to the folder {name}; name another")


def _took_the_place(whole: Path, target: Path) -> bool:
    try:
        before = target.stat()
        with suppress(PermissionError):
            os.chown(whole, before.st_uid, before.st_gid)
        whole.chmod(before.st_mode & 0o777)
    except FileNotFoundError:
        give_to_user(whole)
    try:
        whole.replace(target)
    except OSError as error:
        if error.errno in _NOT_RENAMED:
            return False
        raise
    return True


def _opened(path: Path) -> int:
    """A descriptor for writing to what is there already; opening a pipe waits for its reader."""
    return os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOCTTY)


def _copy(whole: Path, descriptor: int) -> None:
    with whole.open("rb") as source, open(descriptor, "wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
