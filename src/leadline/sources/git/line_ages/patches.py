"""Reads what ``git log`` prints of commits with their patches, from left to right and a file at a time: which lines went, and what
the new ones are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from zlib import crc32

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_RANGE = re.compile(rb"[-+](\d+)(?:,(\d+))?")
_CHUNK_BYTES = 1 << 18
_LINE_BYTES = 128
"""Longer than most lines are."""
NO_LINE_FEED = b"\n"
"""Stands behind the text of a last line that does not end: it is another line than the one that does."""


@dataclass(frozen=True, slots=True)
class Header:
    """A commit: its id, what else the format has, each separated by a space."""

    sha: str
    words: tuple[str, ...]


@dataclass(slots=True)
class Hunk:
    """``deleted`` lines that stood behind the first ``start`` ones are now those of ``added``: each as a hash, and where that was
    asked for as ``texts``."""

    start: int
    deleted: int
    added: list[int]
    texts: list[bytes] | None


@dataclass(slots=True)
class FileChange:
    """A file that a commit changed: its ``path``, and ``old_path`` if it had another one; ``status`` is git's letter.
    ``old_blob`` and ``new_blob`` are object ids, of zeros where there is no file. ``hunks``: None for a binary file."""

    path: str
    old_path: str
    status: str
    old_blob: str
    new_blob: str
    hunks: list[Hunk] | None = field(default_factory=list)


MergedLine = tuple[int, bytes, tuple[int, ...]]
"""So many lines that all parents have; or with 0, the text of a line and which parents have it; or with -1, one that went."""


@dataclass(slots=True)
class MergedFile:
    """A file that differs from that of every parent: its ``blob``, ``statuses`` and ``old_blobs`` in the order of the parents, and
    where each of its lines comes from (None for a binary file).
    """

    path: str
    statuses: str
    old_blobs: tuple[str, ...]
    blob: str
    lines: list[MergedLine] | None

    @property
    def index(self) -> str:
        """The object ids as the patch tells them."""
        return f"{','.join(self.old_blobs)}..{self.blob}"


class _Reader:
    """Takes git's output apart, of which no more is held than a chunk and the line that it ends in."""

    def __init__(self, output: IO[bytes]) -> None:
        self._read = output.read1  # type: ignore[attr-defined]
        self._data = b""
        self._at = 0

    def peek(self) -> bytes:
        """The next byte; none at the end."""
        if self._at >= len(self._data):
            self._data, self._at = self._read(_CHUNK_BYTES), 0
        return self._data[self._at : self._at + 1]

    def until(self, separator: bytes) -> bytes:
        """What stands before the next ``separator``, of one byte. Raises ``ValueError`` at the end."""
        end = self._data.find(separator, self._at)
        if end < 0:
            parts = [self._data[self._at :]]
            while end < 0:
                self._data, self._at = self._read(_CHUNK_BYTES), 0
                if not self._data:
                    raise ValueError("the output ends early")
                end = self._data.find(separator)
                parts.append(self._data[:end] if end >= 0 else self._data)
            taken = b"".join(parts)
        else:
            taken = self._data[self._at : end]
        self._at = end + 1
        return taken

    def starts(self, word: bytes) -> bool:
        """Whether what comes begins with ``word``."""
        while len(self._data) - self._at < len(word) and (more := self._read(_CHUNK_BYTES)):
            self._data, self._at = self._data[self._at :] + more, 0
        return self._data.startswith(word, self._at)

    def lines(self, count: int) -> list[bytes]:
        """So many lines, without their ends, and what says that the last one has none."""
        lines: list[bytes] = []
        while len(lines) < count:
            wanted = count - len(lines)
            # Taken apart in one go; what that copies stays near to what is wanted.
            found = self._data[self._at : self._at + _LINE_BYTES * wanted].split(b"\n", wanted)
            whole = found[:wanted] if len(found) > wanted else found[:-1]
            self._at += sum(map(len, whole)) + len(whole)
            lines += whole
            if len(lines) < count:
                lines.append(self.until(b"\n"))
        if count and self.peek() == b"\\":
            self.until(b"\n")
            lines[-1] += NO_LINE_FEED
        return lines


def hash_of(line: bytes) -> int:
    """Which lines are taken to be the same, of those of one file; ``line`` begins with a plus."""
    return crc32(line)


def file_lines(content: bytes) -> list[int]:
    """The hashes of the lines of a file."""
    lines = content.split(b"\n")
    last = lines.pop()
    hashes = [crc32(b"+" + line) for line in lines]
    if last:
        hashes.append(crc32(b"+" + last + NO_LINE_FEED))
    return hashes


def read_commits(output: IO[bytes]) -> Iterator[Header | FileChange]:
    """Each commit, then the files that it changed, of ``git log -z --raw -p -U0 --no-abbrev`` with a format that begins with
    the byte 1. Raises ``ValueError`` for what cannot be read."""
    reader = _Reader(output)
    while reader.peek():
        yield _header(reader)
        if reader.peek() == b"\n":
            reader.until(b"\n")
            yield from _changes(reader)


def read_changes(output: IO[bytes]) -> Iterator[FileChange]:
    """What ``git diff-tree`` with such options tells of two commits."""
    return _changes(_Reader(output))


def _changes(reader: _Reader) -> Iterator[FileChange]:
    changes = list(_raw(reader))
    if reader.peek() == b"\0":
        reader.until(b"\0")
        for change in changes:
            _patch(reader, change)
            yield change
    else:  # of trees alone, without patches
        yield from changes


def read_merges(output: IO[bytes]) -> Iterator[Header | MergedFile]:
    """Each merge, then the files that are as none of its parents has them, of ``git log -z --merges -c --raw -p -U0 --full-index``
    with such a format. Raises ``ValueError`` for what cannot be read."""
    reader = _Reader(output)
    while reader.peek():
        yield _header(reader)
        if reader.peek() in (b"\0", b"\n"):
            reader.until(reader.peek())
            files = _combined_raw(reader)
            if reader.peek() == b"\0":
                reader.until(b"\0")
            while reader.starts(b"diff --c"):
                blobs, lines = _combined_patch(reader)
                while (file := files.pop(0)).index != blobs:
                    yield file
                file.lines = lines
                yield file
            yield from files


def _header(reader: _Reader) -> Header:
    text = reader.until(b"\0")
    if text[:1] != b"\1":
        raise ValueError(f"unexpected {text[:40]!r}")
    sha, *words = text[1:].decode("ascii").split(" ")
    return Header(sha, tuple(words))


def _raw(reader: _Reader) -> Iterator[FileChange]:
    while reader.peek() == b":":
        _, _, old_blob, new_blob, status = reader.until(b"\0").decode("ascii").split(" ")
        old_path = path = text_of(reader.until(b"\0"))
        if status[0] in "RC":
            path = text_of(reader.until(b"\0"))
        yield FileChange(path, old_path, status[0], old_blob, new_blob)


def text_of(path: bytes) -> str:
    """A path as Python has it; bytes that are not UTF-8 are kept as lone surrogates."""
    return path.decode("utf-8", "surrogateescape")


def _patch(reader: _Reader, change: FileChange) -> None:
    """Fill the hunks of ``change`` from its part of the patch. A file that becomes a link is told as one that goes and one that
    comes."""
    kept = change.status in "MRC"
    for _ in range(2 if change.status == "T" else 1):
        if not reader.until(b"\n").startswith(b"diff --git "):
            raise ValueError(f"no patch of {change.path}")
        while reader.peek() not in (b"", b"\1", b"@") and not reader.starts(b"diff --git "):
            if reader.until(b"\n").startswith(b"Binary files "):
                change.hunks = None
        while reader.peek() == b"@":
            found = _HUNK.match(reader.until(b"\n"))
            if found is None:
                raise ValueError(f"no hunk of {change.path}")
            start, deleted, _, added = (1 if number is None else int(number) for number in found.groups())
            reader.lines(deleted)
            lines = reader.lines(added)
            if change.hunks is not None:
                hunk = Hunk(start - (deleted > 0), deleted, list(map(crc32, lines)), lines if kept else None)
                change.hunks.append(hunk)


def _combined_raw(reader: _Reader) -> list[MergedFile]:
    files = []
    while reader.peek() == b":":
        words = reader.until(b"\0").decode("ascii")
        fields = words.lstrip(":").split(" ")
        parents = len(words) - len(words.lstrip(":"))
        blobs = fields[parents + 1 : 2 * parents + 2]
        files.append(MergedFile(text_of(reader.until(b"\0")), fields[-1], tuple(blobs[:-1]), blobs[-1], None))
    return files


def _combined_patch(reader: _Reader) -> tuple[str, list[MergedLine] | None]:
    """The object ids that the patch of one file of a merge is of, and its lines."""
    reader.until(b"\n")
    blobs = ""
    lines: list[MergedLine] | None = []
    while reader.peek() not in (b"", b"\1", b"@") and not reader.starts(b"diff --c"):
        line = reader.until(b"\n")
        if line.startswith(b"index "):
            blobs = line.split(b" ")[1].decode("ascii")
        elif line.startswith(b"Binary files "):
            lines = None
    at = 0
    meanings: dict[bytes, tuple[bool, tuple[int, ...]]] = {}
    while reader.peek() == b"@":
        ranges = _RANGE.findall(reader.until(b"\n").partition(b" @@@")[0])
        start = int(ranges[-1][0]) - 1
        left = [1 if count == b"" else int(count) for _, count in ranges]
        if lines is not None and start > at:
            lines.append((start - at, b"", ()))
        at = max(at, start) + left[-1]
        hunk = list(_combined_hunk(reader, left, meanings))
        if lines is not None:
            lines += hunk
    return blobs, lines


def _combined_hunk(
    reader: _Reader, left: list[int], meanings: dict[bytes, tuple[bool, tuple[int, ...]]]
) -> Iterator[MergedLine]:
    """The lines of a hunk, of which ``left`` are of each parent and of the merge; ``meanings`` is kept from hunk to hunk."""
    parents = len(left) - 1
    # Each line is one of each file at most, so that as many are there as of the one that has most.
    while (count := max(left)) > 0:
        for line in reader.lines(count):
            marks = line[:parents]
            if (meaning := meanings.get(marks)) is None:
                meaning = meanings[marks] = _meaning(marks)
            gone, having = meaning
            for k in having:
                left[k] -= 1
            left[-1] -= not gone
            yield -1 if gone else 0, b"+" + line[parents:], having
        if min(left) < 0:
            raise ValueError("a combined patch is longer than it says")


def _meaning(marks: bytes) -> tuple[bool, tuple[int, ...]]:
    """Whether a line of a combined patch went, and which parents have, or had, it."""
    gone = b"-" in marks
    return gone, tuple(k for k in range(len(marks)) if marks[k : k + 1] == (b"-" if gone else b" "))
