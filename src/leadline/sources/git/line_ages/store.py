"""Keeps what a walk remembers from run to run: one compressed file, there whole or not at all, named by what was walked."""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from leadline.atomic_file import whole_file
from leadline.sources.git.line_ages.moves import Former
from leadline.sources.git.line_ages.origins import Origins
from leadline.sources.git.line_ages.trees import File, Tree, buckets_of_all, files_of_all
from leadline.sources.git.line_ages.walk import LineWalk, Node
from leadline.sources.git.repository import Repository

_FORMAT = 2
_ENDING = ".lines"
_NOT_KEPT = -1


def state_id(heads: Iterable[str], boundary: Iterable[str]) -> str:
    """The name of what is known once everything that ``heads`` reach has been walked, as far as a shallow clone's ``boundary``."""
    told = json.dumps([_FORMAT, sorted(heads), sorted(boundary)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def file_name(name: str) -> str:
    """What the file of the state ``name`` is called."""
    return name + _ENDING


def save(folder: Path, name: str, walk: LineWalk, heads: Iterable[str]) -> None:
    """Write what ``walk`` remembers, of everything that ``heads`` reach, to ``folder`` under ``name``. Raises ``OSError``."""
    trees = [node.tree for node in walk.nodes.values()]
    files, buckets = list(files_of_all(trees)), list(buckets_of_all(trees))
    of_file = {id(file): number for number, file in enumerate(files)}
    of_bucket = {id(bucket): number for number, bucket in enumerate(buckets)}
    used = {origin for file in files if file.origins for origin in memoryview(file.origins).cast("I")}
    kept, named = walk.origins.kept(used)
    header = {
        "format": _FORMAT,
        "heads": sorted(heads),
        "origins": list(zip(kept.shas[1:], kept.dates[1:], strict=True)),
        "added": [
            [
                added.mover,
                len(added.hashes),
                [[former.length, len(former.places)] for former in added.formers],
            ]
            for added in kept.added
        ],
        "files": [
            [file.blob, file.path, file.commit, _NOT_KEPT if file.lines is None else len(file.lines) // 4]
            for file in files
        ],
        "buckets": [[of_file[id(file)] for file in bucket.values()] for bucket in buckets],
        "nodes": [
            [sha, [of_bucket[id(bucket)] for bucket in node.tree.buckets], node.has_child]
            for sha, node in walk.nodes.items()
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / file_name(name)) as partial, partial.open("wb") as output:
        packer = zlib.compressobj(1)
        text = json.dumps(header, separators=(",", ":")).encode("ascii")
        output.write(packer.compress(len(text).to_bytes(8, "little") + text))
        for added in kept.added:
            output.write(packer.compress(added.hashes.tobytes() + added.letters.tobytes() + added.in_runs))
            for former in added.formers:
                for numbers in (former.places, former.hashes, former.origins):
                    output.write(packer.compress(numbers.tobytes()))
        for file in files:
            if file.origins is not None and file.lines is not None:
                origins = array("I", map(named.__getitem__, memoryview(file.origins).cast("I")))
                output.write(packer.compress(origins.tobytes()))
                output.write(packer.compress(file.lines))
        output.write(packer.flush())


def load(
    folder: Path, name: str, repository: Repository, boundary: frozenset[str]
) -> tuple[LineWalk, list[str]] | None:
    """The walk that was saved under ``name``, and the heads it was of; None where there is none, or it cannot be read."""
    with (
        suppress(OSError, ValueError, LookupError, TypeError, AttributeError, zlib.error),
        (folder / file_name(name)).open("rb") as stored,
    ):
        return _loaded(_unpacked(stored), repository, boundary)
    return None


def forget_others(folder: Path, name: str | None) -> None:
    """Remove what was saved under other names: of runs that were cut, and of before."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name != f"{name}{_ENDING}":
                with suppress(OSError):
                    path.unlink()


class _Unpacked:
    """Bytes of a compressed file, as many at a time as are asked for."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, bytearray()

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises ``ValueError`` if there are not so many."""
        while len(self._rest) < size:
            if (part := next(self._parts, None)) is None:
                raise ValueError("the file ends early")
            self._rest += part
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken


def _unpacked(stored: Any) -> _Unpacked:
    def parts() -> Iterator[bytes]:
        unpacker = zlib.decompressobj()
        while chunk := stored.read(1 << 20):
            yield unpacker.decompress(chunk)
        yield unpacker.flush()

    return _Unpacked(parts())


def _loaded(stored: _Unpacked, repository: Repository, boundary: frozenset[str]) -> tuple[LineWalk, list[str]]:
    header = json.loads(stored.take(int.from_bytes(stored.take(8), "little")))
    if header["format"] != _FORMAT:
        raise ValueError("another format")
    origins = Origins()
    for sha, date in header["origins"]:
        origins.number(sha, date)
    for mover, count, lengths in header["added"]:
        hashes, letters = array("I", stored.take(4 * count)), array("H", stored.take(2 * count))
        in_runs = stored.take(count)
        formers = [
            Former(length, *(array("I", stored.take(4 * places)) for _ in range(3))) for length, places in lengths
        ]
        origins.add(mover, hashes, letters, in_runs, formers)
    files = []
    for blob, path, commit, lines in header["files"]:
        file = File(blob, path, commit)
        if lines != _NOT_KEPT:
            file.origins, file.lines = stored.take(4 * lines), stored.take(4 * lines)
        files.append(file)
    buckets = [{files[number].path: files[number] for number in bucket} for bucket in header["buckets"]]
    nodes = {
        sha: Node(Tree([buckets[number] for number in parts]), has_child) for sha, parts, has_child in header["nodes"]
    }
    return LineWalk(repository, boundary, origins, nodes), header["heads"]
