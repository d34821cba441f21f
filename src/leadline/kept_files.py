"""Files that spare making something anew: in a folder that may be deleted at any time, each named by what its content follows from
and begun by a digest of the content. What is damaged, or cannot be read or written, is as if it were not there."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from leadline.atomic_file import whole_file


class KeptFiles:
    """At most about ``most`` files in ``folder``, those written last. Use from any thread and process."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def get(self, name: str) -> bytes | None:
        """The content of the file called ``name``; None if there is none, or it is not what was written."""
        try:
            digest, _, content = (self._folder / name).read_bytes().partition(b"\n")
        except OSError:
            return None
        return content if digest == _digest_line(content) else None

    def put(self, name: str, content: bytes) -> None:
        """Keep ``content`` if it can be kept."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self._folder / name, durable=False) as path:
                path.write_bytes(_digest_line(content) + b"\n" + content)
            self._forget()

    def _forget(self) -> None:
        files = list(self._folder.iterdir())
        if len(files) > self._most:
            # Below the bound, so that not each of the next has to look when every file was written.
            for old in sorted(files, key=_written, reverse=True)[self._most * 3 // 4 :]:
                old.unlink(missing_ok=True)


def _written(file: Path) -> float:
    return file.stat().st_mtime


def _digest_line(content: bytes) -> bytes:
    return f"-- {hashlib.sha256(content).hexdigest()}".encode()
