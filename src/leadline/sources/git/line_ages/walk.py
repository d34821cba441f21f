"""Walks commits, parents first, and says of each line that they delete which commit had last changed it. Lines of a merge come
from the parent that has them, lines of a renamed file from the one that it was, moved lines from where they stood: as git's
blame finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from subprocess import TimeoutExpired
from typing import Any

from leadline.sources.git.command import GitError, Stream
from leadline.sources.git.line_ages.blame import read_blame, tree_of
from leadline.sources.git.line_ages.merging import changed, fill, merged, packed
from leadline.sources.git.line_ages.origins import MOVED, UNKNOWN, Origins
from leadline.sources.git.line_ages.patches import (
    FileChange,
    Header,
    Hunk,
    MergedFile,
    read_changes,
    read_commits,
    read_merges,
)
from leadline.sources.git.line_ages.trees import File, Tree, files_of_all
from leadline.sources.git.repository import Repository, revisions

_FORMAT = "--format=%x01%H %at %ct %P"
_COMMON = (
    "-z",
    "--raw",
    "--no-abbrev",
    "--full-index",
    "-O/dev/null",
    "--diff-algorithm=myers",
    "--indent-heuristic",
    "--ignore-submodules=none",
    "--no-color",
    "--no-ext-diff",
    "--no-notes",
    "--no-relative",
    "--no-textconv",
    "--submodule=short",
)
_LOG = ("log", "--stdin", "--reverse", "--topo-order", _FORMAT)
PATCHES = (*_LOG, *_COMMON, "-p", "-U0", "-M", "-l1000", "--no-diff-merges")
# With no lines around, git counts those of a combined patch wrongly at the end of a file.
MERGES = (*_LOG, *_COMMON, "-p", "-U1", "--no-renames", "--merges", "-c")
MERGED_TREES = (*_LOG, *_COMMON, "--no-renames", "--merges", "--diff-merges=first-parent")
_RENAMES = ("diff-tree", "-r", "-p", "-U0", "-M", "-l1000", "--diff-filter=R", *_COMMON)

RECENT, LEAVES = 256, 64
"""Of how many commits the files are remembered: of the last ones walked, and of heads that nothing came of yet."""
MOST_BYTES = 512 << 20
"""Memory for the lines of files; beyond it, those that were not used for long are asked of git again when they are needed."""
MOST_UNUSED = 32 << 20
"""Memory for lines that may have been moved, before those are sought that are in no file any more."""
_TIDIED_EVERY = 256
_MEASURED_EVERY = 8 * _TIDIED_EVERY
_SECONDS_TO_END = 1.0


@dataclass(slots=True)
class Node:
    """A commit that was walked, and its files; ``has_child``: others came of it."""

    tree: Tree
    has_child: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """Lines that the commit ``sha`` deleted in the file at ``path``: ``origin`` had last changed ``lines`` of them, at ``changed``
    (epoch seconds, its author date)."""

    sha: str
    committed: int
    path: str
    origin: str
    changed: int
    lines: int


@dataclass
class LineWalk:
    """The walk through ``repository``. ``nodes`` are the commits that were walked and are remembered, in this order;
    ``boundary`` are those at which a shallow clone ends: when their lines were changed is not known. ``blamed`` counts files
    that git was asked about."""

    repository: Repository
    boundary: frozenset[str] = frozenset()
    origins: Origins = field(default_factory=Origins)
    nodes: dict[str, Node] = field(default_factory=dict)
    most_bytes: int = MOST_BYTES
    blamed: int = 0
    commits: int = 0
    _left: Counter[str] = field(default_factory=Counter)
    _passed: list[str] = field(default_factory=list)
    _touched: int = 0
    _size: int = 0
    _renamed_key: tuple[str, str] = ("", "")
    _renamed: dict[str, FileChange] = field(default_factory=dict)

    def walk(self, include: Sequence[str], exclude: Sequence[str] = ()) -> Iterator[Deleted]:
        """Walk what is reachable from ``include`` and not from ``exclude``, of which everything was walked. Raises ``GitError``."""
        stdin = revisions(include, exclude)
        if not stdin:
            return
        self._count_children(stdin)
        git = self.repository.git
        with ExitStack() as stack:
            streams = [
                stack.enter_context(git.stream(*command, stdin=stdin)) for command in (PATCHES, MERGES, MERGED_TREES)
            ]
            try:
                yield from self._walk(streams)
            except (RuntimeError, ValueError, IndexError) as error:
                for stream in streams:
                    # One that failed says why; one that is well waits for a reader.
                    with suppress(TimeoutExpired):
                        stream.process.wait(timeout=_SECONDS_TO_END)
                        stream.finish()
                raise GitError(f"{self.repository.name}: what git log printed of lines cannot be read") from error
            for stream in streams:
                stream.finish()

    def settle(self, heads: Iterable[str]) -> None:
        """Forget what is not to be remembered beyond this walk; ``heads`` are those of now."""
        recent = set(list(self.nodes)[-RECENT:])
        leaves = [sha for sha in self.nodes if not self.nodes[sha].has_child]
        kept = recent | set([sha for sha in leaves if sha in set(heads)][-LEAVES:])
        self.nodes = {sha: node for sha, node in self.nodes.items() if sha in kept}

    # -- one commit after the other ------------------------------------------------------------------------------------

    def _count_children(self, stdin: str) -> None:
        """Note of how many commits each is a parent, where it is not one."""
        self._left = Counter()
        with self.repository.git.stream("rev-list", "--parents", "--stdin", stdin=stdin) as stream:
            seen: Counter[str] = Counter()
            while lines := stream.output.readlines(1 << 18):
                for line in lines:
                    seen.update(line.decode("ascii").split()[1:])
            stream.finish()
        self._left = Counter({sha: count for sha, count in seen.items() if count > 1})

    def _walk(self, streams: Sequence[Stream]) -> Iterator[Deleted]:
        patches, merges, trees = (stream.output for stream in streams)
        events = read_commits(patches)
        combined = _grouped(read_merges(merges))
        listed = _grouped(read_commits(trees))
        event = next(events, None)
        while event is not None:
            if not isinstance(event, Header):
                raise ValueError("a file of no commit")
            header = event
            parents = header.words[2:] if header.words[2:] != ("",) else ()
            if len(parents) > 1:
                of_merge, in_tree = next(combined), next(listed)
                if not of_merge[0] == in_tree[0] == header.sha:
                    raise ValueError("the merges come in another order")
                self._merge(header, parents, of_merge[1], in_tree[1])
                event = next(events, None)
            else:
                changes: dict[str, File | None] = {}
                while isinstance(event := next(events, None), FileChange):
                    yield from self._change(header, parents, event, changes)
                self._done(header, parents, changes)
            self.commits += 1
            if self.commits % _TIDIED_EVERY == 0:
                self._tidy()

    def _done(self, header: Header, parents: Sequence[str], changes: Mapping[str, File | None]) -> None:
        """The commit is walked: its files are those of its first parent with ``changes``."""
        if parents:
            tree = self._tree(parents[0]).changed(changes)
        else:
            tree = Tree.of({path: file for path, file in changes.items() if file is not None})
        for parent in parents:
            if (node := self.nodes.get(parent)) is not None:
                node.has_child = True
            left = self._left.pop(parent, 1) - 1
            if left:
                self._left[parent] = left
            else:
                self._passed.append(parent)
        self.nodes[header.sha] = Node(tree)

    def _tree(self, sha: str) -> Tree:
        """The files of a commit, of which the names alone are asked of git if it is not remembered."""
        if (node := self.nodes.get(sha)) is None:
            node = self.nodes[sha] = Node(Tree.of(tree_of(self.repository, sha)), has_child=True)
        return node.tree

    def _file(self, sha: str, path: str, blob: str) -> File | None:
        """The file that the commit ``sha`` has at ``path``, which is ``blob``, with its lines; None if they cannot be known."""
        return self._loaded(self._at(sha, path, blob))

    def _at(self, sha: str, path: str, blob: str) -> File:
        """The file that the commit ``sha`` has at ``path``, which is ``blob``."""
        file = self._tree(sha).get(path)
        return File(blob, path, sha) if file is None or file.blob != blob else file

    def _loaded(self, file: File) -> File | None:
        self._touched += 1
        file.used = self._touched
        if file.origins is None or file.lines is None:
            self.blamed += 1
            if not read_blame(self.repository, file, self._number):
                return None
        return file

    def _number(self, sha: str, authored: int) -> int:
        return UNKNOWN if sha in self.boundary else self.origins.number(sha, authored)

    # -- commits with one parent ---------------------------------------------------------------------------------------

    def _change(
        self, header: Header, parents: Sequence[str], change: FileChange, changes: dict[str, File | None]
    ) -> Iterator[Deleted]:
        """Note in ``changes`` what becomes of a file; the lines that it loses."""
        number = self._number(header.sha, _seconds(header.words[0]))
        if change.status == "R":
            changes.setdefault(change.old_path, None)
        former = None
        if change.status != "A" and change.hunks and parents:
            former = self._file(parents[0], change.old_path, change.old_blob)
            if former is not None and former.origins is not None:
                yield from self._deleted(header, change, former.origins)
        if change.status == "D":
            changes.setdefault(change.path, None)
            return
        file = File(change.new_blob, change.path, header.sha, used=self._touched)
        if change.status in "AT" and change.hunks is not None:
            lines = [line for hunk in change.hunks for line in hunk.added]
            fill(file, [packed([number]) * len(lines)], [packed(lines)])
        elif change.hunks == [] and parents:  # only its name or mode is another
            same = self._tree(parents[0]).get(change.old_path)
            if same is not None and same.blob == change.new_blob:
                file = replace(same, path=change.path, commit=header.sha)
        elif former is not None:
            changed(file, former, change.hunks or (), number, self.origins)
        changes[change.path] = file

    def _deleted(self, header: Header, change: FileChange, origins: bytes) -> Iterator[Deleted]:
        counts: Counter[int] = Counter()
        for hunk in change.hunks or ():
            counts.update(self.origins.commits_of(origins, hunk.start, hunk.start + hunk.deleted))
        committed = _seconds(header.words[1])
        for origin, lines in counts.items():
            if origin != UNKNOWN:
                shas, dates = self.origins.shas, self.origins.dates
                yield Deleted(header.sha, committed, change.path, shas[origin], dates[origin], lines)

    # -- merges --------------------------------------------------------------------------------------------------------

    def _merge(
        self,
        header: Header,
        parents: Sequence[str],
        differing: Sequence[MergedFile],
        listed: Sequence[FileChange],
    ) -> None:
        """Note the files of a merge: ``listed`` are those in which it differs from its first parent, ``differing`` from all."""
        apart = {file.path: file for file in differing}
        changes: dict[str, File | None] = {change.path: None for change in listed if change.status == "D"}
        taken = [change for change in listed if change.status != "D" and change.path not in apart]
        formers: dict[str, list[File]] = {path: [] for path, file in apart.items() if file.blob.strip("0")}
        for parent in parents if taken or formers else ():
            tree = self._tree(parent)
            for change in taken:
                file = tree.get(change.path)
                if file is not None and file.blob == change.new_blob:
                    changes.setdefault(change.path, file)
            for path, found in formers.items():
                found.append(tree.get(path) or File("", path, parent))
        for change in taken:
            changes.setdefault(change.path, File(change.new_blob, change.path, header.sha))
        changes |= {path: self._merged(header, parents, apart[path], found) for path, found in formers.items()}
        self._done(header, parents, changes)

    def _merged(self, header: Header, parents: Sequence[str], file: MergedFile, found: Sequence[File]) -> File:
        """What a merge made of a file that its parents have as ``found``."""
        result = File(file.blob, file.path, header.sha, used=self._touched)
        formers: list[File | None] = []
        renamed: dict[int, list[Hunk]] = {}
        for k, (parent, status, blob) in enumerate(zip(parents, file.statuses, file.old_blobs, strict=True)):
            former: File | None = found[k]
            if status == "M":
                former = former if former is not None and former.blob == blob else File(blob, file.path, parent)
            else:
                change = self._renamed_since(parent, header.sha).get(file.path) if status == "A" else None
                former = None
                if change is not None and change.hunks is not None:
                    former = self._at(parent, change.old_path, change.old_blob)
                    renamed[k] = change.hunks
            if former is not None and former.blob == file.blob:
                return replace(former, path=file.path, commit=header.sha)  # only its mode or name is another
            formers.append(former)
        if file.lines is not None and all(former is None or self._loaded(former) for former in formers):
            number = self._number(header.sha, _seconds(header.words[0]))
            merged(result, formers, file.lines, renamed, (number, self.origins), lambda: self._has_end(file.blob))
        return result

    def _has_end(self, blob: str) -> bool:
        return self.repository.contents([blob]).get(blob, b"\n").endswith(b"\n")

    def _renamed_since(self, parent: str, sha: str) -> dict[str, FileChange]:
        """The files that a merge calls otherwise than one of its parents, by their new names."""
        if self._renamed_key != (parent, sha):
            with self.repository.git.stream(*_RENAMES, parent, sha, stdin="") as stream:
                self._renamed = {change.path: change for change in read_changes(stream.output)}
                stream.finish()
            self._renamed_key = (parent, sha)
        return self._renamed

    # -- memory --------------------------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        """Forget commits of which all children were walked, but for the last ones; and lines beyond what may be kept."""
        recent = set(list(self.nodes)[-RECENT:])
        waiting = []
        for sha in self._passed:
            if sha in recent:
                waiting.append(sha)
            else:
                self.nodes.pop(sha, None)
        self._passed = waiting
        if self.commits % _MEASURED_EVERY:
            return
        files = list(files_of_all(node.tree for node in self.nodes.values()))
        self._forget_moved(files)
        size = sum(file.size for file in files)
        if size <= self.most_bytes:
            return
        for file in sorted(files, key=lambda file: file.used):
            size -= file.size
            file.origins = file.lines = None
            if size <= self.most_bytes * 3 // 4:
                break

    def _forget_moved(self, files: Iterable[File]) -> None:
        """Forget what is known of lines that are in none of the ``files``, when that has grown to twice what it was."""
        if self.origins.size > 2 * self._size + MOST_UNUSED:
            used: set[int] = set()
            for file in files:
                if file.origins and max(view := memoryview(file.origins).cast("I")) >= MOVED:
                    used.update(view)
            self.origins.forget_all_but(used)
            self._size = self.origins.size


def _grouped(events: Iterator[Header | FileChange] | Iterator[Header | MergedFile]) -> Iterator[tuple[str, list[Any]]]:
    """The files of each commit together."""
    sha = ""
    files: list[Any] = []
    for event in events:
        if isinstance(event, Header):
            if sha:
                yield sha, files
            sha, files = event.sha, []
        else:
            files.append(event)
    if sha:
        yield sha, files


def _seconds(text: str) -> int:
    """Epoch seconds; 0 for a date that git itself cannot read."""
    return int(text) if text.isdecimal() else 0
