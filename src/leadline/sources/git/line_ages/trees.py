"""The files of many commits. What two of them have in common is there once, so that a commit costs what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

BUCKETS = 256
"""In how many parts the files of a tree lie: as many are copied for a commit as it changes files, at most."""
Bucket = dict[str, "File"]


@dataclass(slots=True, eq=False)
class File:
    """A file as ``commit`` left it: ``blob`` is its object id. For each of its lines ``origins`` has the number of the commit that
    last changed it, and ``lines`` its hash, four bytes each; None: not known, or not kept."""

    blob: str
    path: str
    commit: str
    origins: bytes | None = None
    lines: bytes | None = None
    used: int = 0

    @property
    def size(self) -> int:
        """Bytes of memory, or so."""
        return 200 + (0 if self.origins is None else 2 * len(self.origins))


def _place(path: str) -> int:
    """The part that has a path: the same one in every process, as trees are stored."""
    return crc32(path.encode("utf-8", "surrogateescape")) % BUCKETS


class Tree:
    """The files of one commit, which do not change. ``buckets`` may be those of other trees, too."""

    __slots__ = ("buckets",)

    def __init__(self, buckets: list[Bucket]) -> None:
        self.buckets = buckets

    @classmethod
    def of(cls, files: Mapping[str, File]) -> Tree:
        """That of ``files``, by their paths."""
        nothing: Bucket = {}
        return cls([nothing] * BUCKETS).changed(files)

    def get(self, path: str) -> File | None:
        """The file at ``path``."""
        return self.buckets[_place(path)].get(path)

    def files(self) -> dict[str, File]:
        """All files, by their paths."""
        return {path: file for bucket in self.buckets for path, file in bucket.items()}

    def changed(self, changes: Mapping[str, File | None]) -> Tree:
        """What comes of it by ``changes`` (None: is there no more)."""
        if not changes:
            return self
        buckets = self.buckets.copy()
        own: set[int] = set()
        for path, file in changes.items():
            place = _place(path)
            if place not in own:
                own.add(place)
                buckets[place] = buckets[place].copy()
            if file is None:
                buckets[place].pop(path, None)
            else:
                buckets[place][path] = file
        return Tree(buckets)


def buckets_of_all(trees: Iterable[Tree]) -> Iterator[Bucket]:
    """Every part of the ``trees``, once."""
    yield from {id(bucket): bucket for tree in trees for bucket in tree.buckets}.values()


def files_of_all(trees: Iterable[Tree]) -> Iterator[File]:
    """Every file of the ``trees``, once."""
    yield from {id(file): file for bucket in buckets_of_all(trees) for file in bucket.values()}.values()
