"""What the step `carried` keeps between computations: the graph of every repository, as memory-mapped arrays, and what was
reached in it.

A manifest names all that counts and is there only while nothing is being changed, so that whatever a killed process left
is never taken for good: without a manifest, or with one that does not fit the files, there is no state.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Literal

from leadline.derive.commit_graph import Graph
from leadline.derive.first_deployment import Visited
from leadline.derive.graph_growth import Extension

_MANIFEST = "manifest.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass
class Group:
    """One service in one class of production: how many of its deployments were walked, a digest of these, and how many
    nodes ``visited`` covers."""

    kind: int
    service: str
    deployments: int
    digest: str
    visited: int


@dataclass
class Repository:
    """What is known of one repository. ``number`` names its folder; ``deployments`` and ``releases`` are digests of its
    rows; ``nodes``, ``shas``, ``other_parents`` and ``cherry_picks`` are the lengths of its arrays, of which the first
    ``in_order`` nodes are sorted and the first ``built`` were made in one go. ``unresolved`` are the texts that commits
    still to come may resolve."""

    number: int
    deployments: str = ""
    releases: str = ""
    nodes: int = 0
    shas: int = 0
    other_parents: int = 0
    cherry_picks: int = 0
    in_order: int = 0
    built: int = 0
    cyclic: int = 0
    unresolved: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


@dataclass
class RowFile:
    """A file of rows in the state's folder, of ``size`` bytes, with the repositories that have rows in it ('' for none)."""

    name: str
    rows: int
    repositories: list[str]
    size: int = 0


@dataclass
class Manifest:
    """All that counts in a state's folder. ``made_by`` names the code and settings, ``boot`` the machine's run,
    ``inputs`` what it was brought to, ``commits`` the lake's files of commits in that, ``rows`` the files of rows by kind."""

    made_by: str
    boot: str | None
    inputs: str = ""
    commits: list[str] = field(default_factory=list)
    repositories: dict[str, Repository] = field(default_factory=dict)
    rows: dict[str, list[RowFile]] = field(default_factory=dict)
    numbers: int = 0


class State:
    """The state in ``folder``, empty if there is none that ``made_by`` can go on from.

    Between ``begin`` and ``finish`` it may be changed; a process that dies there leaves none.
    """

    def __init__(self, folder: Path, made_by: str) -> None:
        self.folder = folder
        self._boot = _boot()
        manifest = _read(folder, made_by, self._boot)
        self.is_new = manifest is None
        self.manifest = manifest if manifest is not None else Manifest(made_by, self._boot)

    def discard(self) -> None:
        """Begin from nothing."""
        self.is_new = True
        self.manifest = Manifest(self.manifest.made_by, self._boot)

    def begin(self) -> None:
        """Declare what is on disk void until ``finish``."""
        if self.is_new:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        else:
            (self.folder / _MANIFEST).unlink(missing_ok=True)

    def finish(self) -> None:
        """Make what was changed good."""
        if self._boot is None:
            os.sync()
        text = json.dumps(asdict(self.manifest), separators=(",", ":"))
        partial = self.folder / f".{_MANIFEST}"
        partial.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", encoding="utf-8")
        partial.rename(self.folder / _MANIFEST)

    def number(self) -> int:
        """A number that no file or folder of this state has had."""
        self.manifest.numbers += 1
        return self.manifest.numbers

    def row_file(self, kind: str) -> RowFile:
        """A new, empty file of a kind of rows."""
        file = RowFile(f"{kind}-{self.number():06}.parquet", 0, [])
        self.manifest.rows.setdefault(kind, []).append(file)
        return file

    def adopt(self, part: State) -> None:
        """Take over all of ``part``, a finished state of other repositories, of which nothing is left."""
        for name, repository in part.manifest.repositories.items():
            folder = part._folder_of(repository)
            self.forget(name)
            repository.number = self.number()
            folder.rename(self._folder_of(repository))
            self.manifest.repositories[name] = repository
        for kind, files in part.manifest.rows.items():
            for file in files:
                own = self.row_file(kind)
                (part.folder / file.name).rename(self.folder / own.name)
                own.rows, own.repositories, own.size = file.rows, file.repositories, file.size
        shutil.rmtree(part.folder)

    # -- repositories --------------------------------------------------------------------------------------------------

    def fresh(self, name: str) -> Repository:
        """Forget what is known of a repository and begin it anew."""
        self.forget(name)
        repository = self.manifest.repositories[name] = Repository(self.number())
        self._folder_of(repository).mkdir()
        return repository

    def forget(self, name: str) -> None:
        """Remove a repository's arrays."""
        repository = self.manifest.repositories.pop(name, None)
        if repository is not None:
            shutil.rmtree(self._folder_of(repository), ignore_errors=True)

    def graph(self, repository: Repository) -> Graph:
        """A repository's graph, mapped into memory; good until the next ``grow``."""
        folder = self._folder_of(repository)
        if not repository.nodes:
            return Graph()
        return Graph(
            _numbers(folder / "sha_offsets", "q"),
            _mapped(folder / "shas"),
            _numbers(folder / "first_parent", "i"),
            _numbers(folder / "other_parents", "i"),
            _numbers(folder / "cherry_picks", "i"),
            repository.in_order,
        )

    def grow(self, repository: Repository, more: Extension) -> None:
        """Write what an extension adds to a repository's graph."""
        folder = self._folder_of(repository)
        if more.changed:
            with (folder / "first_parent").open("r+b") as first_parents:
                for node, above in more.changed.items():
                    first_parents.seek(4 * node)
                    first_parents.write(array("i", [above]).tobytes())
        ends = accumulate(map(len, more.new_shas), initial=repository.shas)
        # The first offset, 0, is there from the beginning; then only ends are added.
        offsets = array("q", islice(ends, 1 if (folder / "sha_offsets").exists() else 0, None))
        shas = b"".join(more.new_shas)
        repository.shas += len(shas)
        self._append(folder / "sha_offsets", offsets)
        self._append(folder / "shas", shas)
        self._append(folder / "first_parent", more.first_parent)
        self._append(folder / "other_parents", more.other_parents)
        self._append(folder / "cherry_picks", more.cherry_picks)
        if not repository.nodes:
            repository.in_order = more.in_order
        repository.nodes += len(more.first_parent)
        repository.other_parents += len(more.other_parents)
        repository.cherry_picks += len(more.cherry_picks)
        repository.cyclic += more.cyclic

    def _append(self, path: Path, values: array[int] | bytes) -> None:
        if len(values) or not path.exists():
            with path.open("ab") as file:
                file.write(values)

    def _folder_of(self, repository: Repository) -> Path:
        return self.folder / f"repository-{repository.number}"

    # -- what was visited ----------------------------------------------------------------------------------------------

    @contextmanager
    def visited(self, repository: Repository, at: int) -> Iterator[Visited]:
        """What the group ``repository.groups[at]`` has visited, one byte per node, to be read and written."""
        group, path = repository.groups[at], self._visited_file(repository, at)
        if group.visited != repository.nodes or not path.exists():
            path.touch()
            os.truncate(path, repository.nodes)
            group.visited = repository.nodes
        if not repository.nodes:
            yield bytearray()
            return
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
            yield mapped

    def any_visited(self, repository: Repository, nodes: tuple[int, ...]) -> bool:
        """Whether a group has reached one of ``nodes``."""
        for at, group in enumerate(repository.groups):
            inside = [node for node in nodes if node < group.visited]
            if inside:
                mapped = _mapped(self._visited_file(repository, at))
                if any(mapped[node] for node in inside):
                    return True
        return False

    def forget_walks(self, repository: Repository) -> None:
        """Forget a repository's groups and what they visited."""
        for at in range(len(repository.groups)):
            self._visited_file(repository, at).unlink()
        repository.groups = []

    def _visited_file(self, repository: Repository, at: int) -> Path:
        return self._folder_of(repository) / f"visited-{at}"


# -- reading it back ---------------------------------------------------------------------------------------------------


def _boot() -> str | None:
    """A name for the time since the machine started, where the system has one. A state is good for that long: what a
    process wrote outlives it without being flushed to the disk, which hundreds of files would take seconds for, but not
    a power cut. Without a name everything is flushed."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _read(folder: Path, made_by: str, boot: str | None) -> Manifest | None:
    """The manifest of a state that ``made_by`` can go on from and whose files are all there, whole."""
    try:
        digest, _, text = (folder / _MANIFEST).read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return None
        document: dict[str, Any] = json.loads(text)
        if document.get("made_by") != made_by or document.get("boot") != boot:
            return None
        manifest = Manifest(
            made_by,
            boot,
            document["inputs"],
            document["commits"],
            {name: _repository(repository) for name, repository in document["repositories"].items()},
            {kind: [RowFile(**file) for file in files] for kind, files in document["rows"].items()},
            document["numbers"],
        )
        return manifest if all(path.stat().st_size == size for path, size in _sizes(folder, manifest)) else None
    except (OSError, ValueError):
        return None


def _repository(document: dict[str, Any]) -> Repository:
    return Repository(**(document | {"groups": [Group(**group) for group in document["groups"]]}))


def _sizes(folder: Path, manifest: Manifest) -> Iterator[tuple[Path, int]]:
    for repository in manifest.repositories.values():
        own = folder / f"repository-{repository.number}"
        if repository.nodes:
            yield own / "sha_offsets", 8 * (repository.nodes + 1)
            yield own / "shas", repository.shas
            yield own / "first_parent", 4 * repository.nodes
            yield own / "other_parents", 4 * repository.other_parents
            yield own / "cherry_picks", 4 * repository.cherry_picks
        for at, group in enumerate(repository.groups):
            yield own / f"visited-{at}", group.visited
    for files in manifest.rows.values():
        for file in files:
            yield folder / file.name, file.size


def _mapped(path: Path) -> mmap.mmap | bytes:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _numbers(path: Path, code: Literal["q", "i"]) -> Sequence[int]:
    mapped = _mapped(path)
    return memoryview(mapped).cast(code) if len(mapped) else ()
