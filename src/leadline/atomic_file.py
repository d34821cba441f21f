"""Files that are there whole or not at all: written under a temporary name, flushed to the disk, then renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A new path beside ``path`` to write to. When the block ends well, what was written there becomes ``path``; when
    it raises, it is removed and ``path`` stays as it was. Without ``durable`` it is not flushed to the disk first."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield partial
        if durable:
            make_durable(partial)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


def make_durable(path: Path) -> None:
    """Flush a file or folder to the disk, so that it is still there after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
