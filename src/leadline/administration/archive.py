"""What an archive of a home is: a tar file, gzipped or not, whose first file says who made it when and of what schema, and whose
last lists all the others with size and digest. One without the last is not whole."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import IO, Any

from leadline.errors import InvalidInput, first_line
from leadline.exports.files import digest

FORMAT = 1
MANIFEST, CHECKSUMS = "leadline-backup.json", "checksums.json"
DATABASE, PROJECTS = "database", "projects"
_LEVEL = 1
"""Of compression: most is Parquet, which is compressed already."""
_CHUNK = 1 << 20
_FITTING = re.compile(rf"(?:{DATABASE}|{PROJECTS})(?:/(?!\.\.?(?:/|$))[^/\x00]+)+")


class ArchiveWriter:
    """Adds files to an archive; ``close`` it with the list of them."""

    def __init__(self, target: IO[bytes], *, gzip: bool) -> None:
        packed = GzipFile(fileobj=target, mode="wb", compresslevel=_LEVEL, filename="") if gzip else None
        self._packed = packed
        self._tar = tarfile.TarFile(fileobj=packed or target, mode="w", format=tarfile.PAX_FORMAT)
        self._listed: dict[str, list[Any]] = {}

    def add(self, name: str, content: bytes) -> None:
        """A file of that ``content``."""
        self._listed[name] = [len(content), hashlib.sha256(content).hexdigest()]
        self._put(name, len(content), io.BytesIO(content))

    def add_file(self, name: str, path: Path) -> int:
        """The file at ``path``, which nobody changes; its size. Raises ``FileNotFoundError``, and adds nothing, if it is gone."""
        size, sha256 = digest(path)
        with path.open("rb") as source:
            self._put(name, size, source)
        self._listed[name] = [size, sha256]
        return size

    def close(self) -> None:
        """Add the list, and end the archive."""
        listed = json.dumps(self._listed).encode()
        self._put(CHECKSUMS, len(listed), io.BytesIO(listed))
        self._tar.close()
        if self._packed is not None:
            self._packed.close()

    def _put(self, name: str, size: int, source: IO[bytes]) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._tar.addfile(entry, source)


@contextmanager
def reading(path: Path) -> Iterator[ArchiveReader]:
    """The archive at ``path``. Raises ``InvalidInput`` for a file that is none, or not whole."""
    try:
        with tarfile.open(path, "r:*") as tar:
            yield ArchiveReader(path, tar)
    except tarfile.ReadError as error:
        raise _refusal(path, "it is no tar file, or one that ends too early") from error
    except (tarfile.TarError, EOFError, zlib.error, BadGzipFile) as error:
        raise _refusal(path, first_line(error)) from error


def _refusal(path: Path, why: str) -> InvalidInput:
    return InvalidInput(f"{path} is no whole backup of leadline: {why}")


class ArchiveReader:
    """An open archive: its ``manifest``, and its files, once, in order."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path, self._tar = path, tar
        self.manifest = self._manifest()

    def unpack(self, folder: Path) -> Iterator[int]:
        """Write all files below ``folder``, the size of each as it is done. Raises ``InvalidInput`` if one is not what the list
        says of it, or something is missing."""
        found: dict[str, list[Any]] = {}
        for entry in self._entries():
            if entry.name == CHECKSUMS:
                listed = json.loads(self._content(entry))
                if found | {MANIFEST: listed.get(MANIFEST)} != listed:
                    raise self._refusal("its files are not those that it lists")
                return
            found[entry.name] = self._unpack(entry, folder)
            yield entry.size
        raise self._refusal("it ends before its list of files")

    def _unpack(self, entry: tarfile.TarInfo, folder: Path) -> list[Any]:
        if not entry.isreg() or not _FITTING.fullmatch(entry.name):
            raise self._refusal(f"it has {entry.name!r}, which no backup has")
        target = folder / entry.name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = self._tar.extractfile(entry)
        assert source is not None  # noqa: S101 -- it is a regular file
        with source, target.open("wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
        return list(digest(target))

    def _manifest(self) -> dict[str, Any]:
        first = self._tar.next()
        if first is None or first.name != MANIFEST:
            raise self._refusal(f"it does not begin with {MANIFEST}")
        manifest: dict[str, Any] = json.loads(self._content(first))
        if manifest.get("format") != FORMAT:
            raise self._refusal(f"its form is {manifest.get('format')}, and this leadline knows {FORMAT}")
        return manifest

    def _entries(self) -> Iterable[tarfile.TarInfo]:
        while (entry := self._tar.next()) is not None:
            yield entry

    def _content(self, entry: tarfile.TarInfo) -> bytes:
        source = self._tar.extractfile(entry)
        if source is None:
            raise self._refusal(f"{entry.name} is no file")
        return source.read()

    def _refusal(self, why: str) -> InvalidInput:
        return _refusal(self._path, why)
