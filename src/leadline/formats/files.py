"""Finds the files to import and opens them: which table a path belongs to, and its bytes, unpacked and counted. What the bytes mean
is the business of ``csv_reader``, ``json_lines`` and ``parquet``, which turn them into ``RawRows``."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from leadline.errors import InvalidInput, InvalidRequest, Unusable
from leadline.formats.unpacking import Unpacked
from leadline.schema import TABLES, Table, table_named

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
LONGEST_FIELD = 8 << 20
"""A single value may be this long (bytes); commit messages and descriptions stay far below."""
LONGEST_LINE = 64 << 20

Progress = Callable[[int], None]
"""Told the bytes of the file read so far."""

_MAGIC = (
    (b"\x1f\x8b", "looks gzip-compressed: name it .csv.gz or .jsonl.gz"),
    (b"PK\x03\x04", "looks like a zip archive or a workbook: export it as CSV"),
    (b"PAR1", "looks like a Parquet file: name it .parquet"),
    (b"\xff\xfe", "is UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16: save it as UTF-8"),
)


@dataclass(frozen=True)
class ImportFile:
    """A file to import: where it is, what ``table`` it holds, and its format (one of ``SUFFIXES``)."""

    path: Path
    table: Table
    suffix: str


def find_files(paths: Sequence[Path], table: str | None) -> tuple[list[ImportFile], list[tuple[Path, str]]]:
    """The files to import among ``paths`` (files or folders), and those skipped with the reason. ``table`` overrides what a single
    file's name says. Of a folder only files named after tables are taken, in name order, sub-folders are ignored. Raises
    ``InvalidRequest`` for a path that does not exist, an unknown table, or a single file whose table or format cannot be told."""
    forced = table_named(table) if table is not None else None
    files: list[ImportFile] = []
    skipped: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            for child in sorted(path.iterdir()):
                if not child.is_file():
                    continue
                suffix, named = suffix_of(child), table_of(child)
                if suffix is None:
                    skipped.append((child, f"not one of {', '.join(SUFFIXES)}"))
                elif (chosen := forced or named) is None:
                    skipped.append((child, "not named after a table"))
                else:
                    files.append(ImportFile(child, chosen, suffix))
        elif path.exists():
            files.append(_single(path, forced))
        else:
            raise Unusable(f"There is no file or folder {path}", code="no_such_file")
    return files, skipped


def _single(path: Path, forced: Table | None) -> ImportFile:
    suffix = suffix_of(path)
    if suffix is None:
        raise InvalidRequest(f"{path} is not one of {', '.join(SUFFIXES)}", code="unknown_format")
    table = forced or table_of(path)
    if table is None:
        raise InvalidRequest(
            f"{path} is not named after a table; name the table (--table) or the file after one of {', '.join(TABLES)}",
            code="unknown_table",
        )
    return ImportFile(path, table, suffix)


def suffix_of(path: Path) -> str | None:
    """The format suffix of a file name, without regard to case; None for another format."""
    name = path.name.lower()
    return max((suffix for suffix in SUFFIXES if name.endswith(suffix)), key=len, default=None)


def table_of(path: Path) -> Table | None:
    """The table a file is named after: the longest table name its name starts with, followed by the end, ``-``, ``_``
    or ``.`` (``pull_requests-2026.csv.gz``, ``pull_requests.part2.csv``)."""
    name = path.name.lower()
    fitting = [table for table in TABLES if re.match(re.escape(table) + r"(?:[-._]|$)", name)]
    return TABLES[max(fitting, key=len)] if fitting else None


class ByteStream(io.RawIOBase):
    """The unpacked bytes of a file, readable once. Keeps what went wrong in ``failure``, because libraries that read
    through it tend to swallow the reason."""

    def __init__(self, file: ImportFile, progress: Progress | None = None) -> None:
        self._name = file.path.name
        self.failure: InvalidInput | None = None
        self._progress = progress
        try:
            self._raw: BinaryIO = file.path.open("rb")
        except OSError as error:
            raise InvalidInput(f"{file.path} cannot be read: {error.strerror}") from error
        start = self._raw.read(4)
        self._raw.seek(0)
        packed = file.suffix.endswith(".gz")
        for magic, advice in _MAGIC:
            if start.startswith(magic) and not packed:
                self._raw.close()
                raise InvalidInput(f"{self._name} {advice}")
        self._unpacked = Unpacked(file.path) if packed else None
        self._source: BinaryIO = gzip.GzipFile(fileobj=self._raw) if packed else self._raw  # type: ignore[assignment]

    def readable(self) -> bool:
        """Always: that is what it is for."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most ``size``. Raises ``InvalidInput`` when they cannot be unpacked, or are too many."""
        try:
            data = self._source.read(size)
            if self._unpacked is not None:
                self._unpacked.add(len(data))
        except InvalidInput as error:
            self.failure = error
            raise
        except EOFError as error:
            raise self._failed("is a truncated gzip file: fetch it again") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._failed(f"is not a whole gzip file ({error}): fetch it again") from error
        except OSError as error:
            raise self._failed(f"cannot be read: {error.strerror or error}") from error
        if self._progress is not None:
            self._progress(self._raw.tell())
        return data

    def readinto(self, buffer: object) -> int:
        """Fills ``buffer``, as buffered readers ask for."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _failed(self, what: str) -> InvalidInput:
        self.failure = InvalidInput(f"{self._name} {what}")
        return self.failure

    def close(self) -> None:
        """Closes the file."""
        if not self.closed:
            self._source.close()
            self._raw.close()
        super().close()
