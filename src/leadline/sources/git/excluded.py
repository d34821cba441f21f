"""Which files of commits ``.gitattributes`` leave out of lines, by the files of that name in the tree of each commit. Where there
are any is learnt as commits come by, parents first; a repository that has none costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from leadline.sources.git.attributes import NAME, Attributes, Stack, folders_of, parse
from leadline.sources.git.repository import Repository

_ANYWHERE = f":(glob)**/{NAME}"
_EMPTY_TREES = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
LARGEST = 1 << 20
"""Bytes of the largest file that is read: git's own limit of 100 MiB would be a way to keep us busy."""
_AT_ONCE, _MOST_PARSED, _MOST_STACKS, _MOST_PATHS = 64, 10_000, 1_000, 200_000

_Files = tuple[tuple[str, str], ...]
"""Folders with the object id of their file, from the root down."""


@dataclass
class ExcludedFiles:
    """``whole``: no parent of a commit that comes by is one that did not. ``edges`` are commits of which parents are not there,
    though git hides that. ``too_large`` counts files that were not read."""

    repository: Repository
    start: Sequence[str]
    whole: bool
    edges: Sequence[str] = ()
    too_large: int = 0
    _base: str = ""
    _folders: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _parsed: dict[str, Attributes] = field(default_factory=dict)
    _stacks: dict[_Files, tuple[Stack, dict[str, bool]]] = field(default_factory=dict)

    def marks(self, parents: Mapping[str, str], shas: Sequence[str], paths: Sequence[str]) -> list[bool | None]:
        """For each file, of commit ``shas[n]`` at ``paths[n]``, True if it is left out, else None. ``parents`` (separated by
        spaces) are those of the commits that came by since the last call, these among them. Raises ``GitError``."""
        self._learn(parents, paths)
        if not self._folders:
            return [None] * len(paths)
        asked = [self._folders.intersection(folders_of(path)) for path in paths]
        objects = self._objects({(sha, folder) for sha, some in zip(shas, asked, strict=True) for folder in some})
        return [
            self._excludes(sha, path, some, objects) or None for sha, path, some in zip(shas, paths, asked, strict=True)
        ]

    # -- where there are any -------------------------------------------------------------------------------------------

    def _learn(self, parents: Mapping[str, str], paths: Sequence[str]) -> None:
        """Note the folders that have such a file in one of these commits. A merge, of which no files come by, is compared with its
        first parent: a subtree may have come by it alone."""
        self._note(path for path in paths if path.endswith(NAME))
        pairs = [f"{sha} {first}" for sha, (first, *others) in _split(parents) if others]
        edges: list[str] = []
        if not self._base:
            self._base = next(iter((*self.repository.existing(["HEAD"]), *self.start)))
            empty = _EMPTY_TREES[dict(self.repository.git.folder.formats).get("objectformat", "sha1")]
            self._note(self._different(empty, self._base))
            edges += self.edges
        if not self.whole:
            for sha, of_commit in parents.items():
                if not self._seen.issuperset(of_commit.split()):
                    edges.append(sha)
                self._seen.add(sha)
        pairs += [f"{sha} {self._base}" for sha in edges]
        if pairs:
            self._note(self._different("--stdin", pairs="".join(f"{pair}\n" for pair in pairs)))

    def _different(self, *what: str, pairs: str = "") -> list[str]:
        """The files of that name in which two trees, or each of several ``pairs`` of commits, differ."""
        command = ("diff-tree", "-r", "-z", "--name-only", "--no-commit-id", "--no-renames", *what, "--", _ANYWHERE)
        return (self.repository.git.text(*command, stdin=pairs) or "").split("\0")

    def _note(self, paths: Iterable[str]) -> None:
        # Each is asked for on a line of its own, which a line feed would end.
        ours = (path for path in paths if (path == NAME or path.endswith(f"/{NAME}")) and "\n" not in path)
        self._folders.update(path.removesuffix(NAME) for path in ours)

    # -- what they say -------------------------------------------------------------------------------------------------

    def _objects(self, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The object ids of the files that commits have in folders; those that are there and not too large are read."""
        pairs = sorted(asked)
        found = self.repository.blobs([f"{sha}:{folder}{NAME}" for sha, folder in pairs])
        objects = {pair: blob for pair, blob in zip(pairs, found, strict=True) if blob is not None}
        if len(self._parsed) > _MOST_PARSED:
            self._parsed.clear()
        unread = {oid: size for oid, size in objects.values() if oid not in self._parsed}
        self.too_large += sum(size > LARGEST for size in unread.values())
        self._parsed.update(dict.fromkeys(unread, Attributes()))
        readable = sorted(oid for oid, size in unread.items() if size <= LARGEST)
        for first in range(0, len(readable), _AT_ONCE):
            for oid, content in self.repository.contents(readable[first : first + _AT_ONCE]).items():
                self._parsed[oid] = parse(content)
        return {pair: oid for pair, (oid, _) in objects.items()}

    def _excludes(self, sha: str, path: str, folders: set[str], objects: Mapping[tuple[str, str], str]) -> bool:
        files = tuple((folder, objects[sha, folder]) for folder in sorted(folders, key=len) if (sha, folder) in objects)
        if not files:
            return False
        if (known := self._stacks.get(files)) is None:
            if len(self._stacks) >= _MOST_STACKS:
                self._stacks.clear()
            known = self._stacks[files] = Stack([(_raw(folder), self._parsed[oid]) for folder, oid in files]), {}
        stack, verdicts = known
        if stack.says_nothing:
            return False
        if (verdict := verdicts.get(path)) is None:
            if len(verdicts) >= _MOST_PATHS:
                verdicts.clear()
            verdict = verdicts[path] = stack.excludes(_raw(path))
        return verdict


def _split(parents: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The parents of those that have any."""
    return ((sha, of_commit.split()) for sha, of_commit in parents.items() if of_commit)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
