"""Streams a repository's commits and the files they touched out of ``git log`` into Arrow record batches of bounded size, while git
still runs. Its exit status is checked before the last batch leaves: a missing object cuts the stream without any other sign."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import IO, TYPE_CHECKING

from leadline.schema import TABLES
from leadline.sources.git.command import GitError
from leadline.sources.git.excluded import ExcludedFiles
from leadline.sources.git.repository import RawCommit, Repository, State, revisions
from leadline.sources.git.rows import instant, record_batch

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE = "git"
# The message comes last: between it and the next commit id stand only file entries, each with tabs, which ids have not.
_FORMAT = "--format=%H%x00%P%x00%at%x00%ct%x00%aN%x00%aE%x00%cE%x00%B"
# Said explicitly because the repository's own configuration could say otherwise.
_OPTIONS = (
    "--numstat",
    # Parents first: where there are attributes is known before what they are of.
    "--reverse",
    "--topo-order",
    "-z",
    "-M",
    "-l1000",
    "-O/dev/null",
    "--diff-algorithm=myers",
    "--encoding=UTF-8",
    "--ignore-submodules=none",
    "--no-color",
    "--no-diff-merges",
    "--no-ext-diff",
    "--no-notes",
    "--no-relative",
    "--no-textconv",
)
_CHUNK_BYTES = 1 << 18
_FIRST_COMMITS, _COMMITS_PER_BATCH = 256, 8_192
_FILES_PER_BATCH = 65_536
_LETTERS_PER_BATCH = 8_000_000
LONGEST_MESSAGE = 1_000_000
"""Characters of a commit's message that are taken: what is longer is no message, and nobody reads on."""
# Bytes of one text of git's that are kept: a message may be as large as git's objects.
_LONGEST_TOKEN = 16 * LONGEST_MESSAGE


@dataclass(frozen=True)
class Walk:
    """The commits reachable from ``include`` but not from ``exclude``, committed at ``since`` (epoch seconds) or later."""

    include: Sequence[str]
    exclude: Sequence[str] = ()
    since: int | None = None


@dataclass(frozen=True)
class Batch:
    """Rows of ``commits`` and of ``commit_files``; None where the batch has none. ``boundary``: of the commits a shallow clone ends
    at, whose parents are not there to compare with. Such rows carry neither files nor line counts."""

    commits: pa.RecordBatch | None
    files: pa.RecordBatch | None
    boundary: bool = False


@dataclass
class LogReader:
    """Reads ``walk`` in ``repository``, which was in ``state``: iterate over ``batches``, then read the tallies of commits, of
    ``impossible_dates`` (before 1970 or after 2261, or that git cannot read: unknown in the rows), of ``cut_messages`` and of
    ``.gitattributes`` that were ``too_large``."""

    repository: Repository
    state: State
    walk: Walk
    commits: int = 0
    impossible_dates: int = 0
    cut_messages: int = 0
    too_large: int = 0

    def count(self) -> int:
        """How many commits there are to read. Raises ``GitError``."""
        stdin = revisions(self.walk.include, self.walk.exclude)
        counted = (
            self.repository.git.text("rev-list", "--count", "--stdin", *self._since(), stdin=stdin) if stdin else "0"
        )
        return int(counted or 0)

    def batches(self) -> Generator[Batch, None, None]:
        """The batches, parents before their children. Raises ``GitError`` if git fails, also after batches have been given."""
        stdin = revisions(self.walk.include, self.walk.exclude)
        if not stdin:
            return
        commits, edge, files = _Commits(), _Commits(), _Files()
        boundary = self.repository.raw_commits(self.state.boundary)
        whole = not self.walk.exclude and self.walk.since is None
        excluded = ExcludedFiles(self.repository, self.walk.include, whole, self.state.boundary)

        def taken() -> Batch:
            files.excluded = excluded.marks(dict(zip(commits.sha, commits.parents, strict=True)), files.sha, files.path)
            return self._taken(commits, files)

        with self.repository.git.stream(*self._arguments(), stdin=stdin) as stream:
            try:
                for _ in _parse(_tokens(stream.output), commits, edge, files, boundary):
                    yield taken()
            except (RuntimeError, ValueError) as error:
                stream.finish()
                raise GitError(f"{self.repository.name}: what git log printed ends early or cannot be read") from error
            stream.finish()
        yield taken()
        self.too_large = excluded.too_large
        if edge.sha:
            yield replace(self._taken(edge, files), boundary=True)

    def _arguments(self) -> list[str]:
        arguments = ["log", "--stdin", *_OPTIONS, _FORMAT, *self._since()]
        # Nothing said, git would take the one at HEAD, which may have moved on.
        return ["-c", f"mailmap.blob={self.state.mailmap or ''}", *arguments]

    def _since(self) -> list[str]:
        # As a filter: plain --since stops at the first older commit although newer ones may lie behind it.
        return [] if self.walk.since is None else [f"--since-as-filter=@{self.walk.since}"]

    def _taken(self, commits: _Commits, files: _Files) -> Batch:
        """The whole rows gathered so far, taken out of ``commits`` and ``files``."""
        # A commit with very many files gives some of them away before its own row is whole.
        whole = len(commits.deletions)
        name = self.repository.name
        batch = Batch(commits.batch(name, whole) if whole else None, files.batch(name) if files.sha else None)
        self.commits += whole
        self.impossible_dates += sum(
            instant(seconds) is None for seconds in chain(commits.authored[:whole], commits.committed[:whole])
        )
        self.cut_messages += sum(len(message) == LONGEST_MESSAGE for message in commits.message[:whole])
        commits.drop(whole)
        files.drop(len(files.sha))
        return batch


class _Columns:
    """Lists of equal length being filled, one per column."""

    def drop(self, rows: int) -> None:
        """Take the first ``rows`` rows away."""
        for values in vars(self).values():
            del values[:rows]


@dataclass
class _Commits(_Columns):
    sha: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    authored: list[str] = field(default_factory=list)
    committed: list[str] = field(default_factory=list)
    author_name: list[str] = field(default_factory=list)
    author_email: list[str] = field(default_factory=list)
    committer_email: list[str] = field(default_factory=list)
    message: list[str] = field(default_factory=list)
    additions: list[int | None] = field(default_factory=list)
    deletions: list[int | None] = field(default_factory=list)

    def batch(self, repository: str, rows: int) -> pa.RecordBatch:
        """The first ``rows`` rows, as rows of ``commits``."""
        return record_batch(
            TABLES["commits"],
            rows,
            repository=repository,
            sha=self.sha[:rows],
            parents=self.parents[:rows],
            author_name=self.author_name[:rows],
            author_email=self.author_email[:rows],
            authored_at=[instant(seconds) for seconds in self.authored[:rows]],
            committer_email=self.committer_email[:rows],
            committed_at=[instant(seconds) for seconds in self.committed[:rows]],
            message=[message.rstrip("\n") for message in self.message[:rows]],
            additions=self.additions[:rows],
            deletions=self.deletions[:rows],
            source=SOURCE,
        )


@dataclass
class _Files(_Columns):
    sha: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    old_path: list[str | None] = field(default_factory=list)
    additions: list[int | None] = field(default_factory=list)
    deletions: list[int | None] = field(default_factory=list)
    excluded: list[bool | None] = field(default_factory=list)
    """Filled when a batch is taken."""

    def batch(self, repository: str) -> pa.RecordBatch:
        """All rows, as rows of ``commit_files``."""
        return record_batch(TABLES["commit_files"], len(self.sha), repository=repository, **vars(self))


def _parse(
    tokens: Iterator[str], commits: _Commits, edge: _Commits, files: _Files, boundary: Mapping[str, RawCommit]
) -> Iterator[None]:
    """Fill ``commits`` and ``files`` from the NUL-separated ``tokens`` of git's output; yields whenever they are full.

    Commits of ``boundary`` (which holds their true parents) go to ``edge``, their files nowhere. Raises ``ValueError``,
    or ``RuntimeError`` (a ``StopIteration`` within), when the output is cut.
    """
    take = tokens.__next__
    letters = 0
    # The first batches are small: whoever takes them can get ready while git goes on.
    full = _FIRST_COMMITS
    token = take()
    while token:
        sha, parents = token, take()
        at_edge = sha in boundary
        into = edge if at_edge else commits
        into.sha.append(sha)
        into.parents.append(boundary[sha].parents if at_edge else parents)
        into.authored.append(take())
        into.committed.append(take())
        into.author_name.append(take())
        into.author_email.append(take())
        into.committer_email.append(take())
        message = take()[:LONGEST_MESSAGE]
        into.message.append(message)
        letters += len(message)
        token, added, deleted = yield from _parse_files(take, sha, _Files() if at_edge else files)
        # A merge is not compared with its parents, a boundary commit cannot be.
        counted = not at_edge and " " not in parents
        into.additions.append(added if counted else None)
        into.deletions.append(deleted if counted else None)
        if len(commits.sha) >= full or len(files.sha) >= _FILES_PER_BATCH or letters > _LETTERS_PER_BATCH:
            letters = 0
            full = min(2 * full, _COMMITS_PER_BATCH)
            yield
    if token_left := next(tokens, None):
        raise ValueError(f"unexpected {token_left[:40]!r}")


def _parse_files(take: Callable[[], str], sha: str, files: _Files) -> Generator[None, None, tuple[str, int, int]]:
    """Fill ``files`` with those of commit ``sha``; (the token after them, lines added, lines deleted)."""
    added = deleted = 0
    token = take()
    while "\t" in token:
        # The first entry of a commit begins with a line feed, which int() overlooks.
        plus, minus, path = token.split("\t", 2)
        old_path = None
        if not path:  # a rename: the two names follow
            old_path, path = take(), take()
        lines_added = lines_deleted = None
        if minus != "-":
            lines_added, lines_deleted = int(plus), int(minus)
            added += lines_added
            deleted += lines_deleted
        files.sha.append(sha)
        files.path.append(path)
        files.old_path.append(old_path)
        files.additions.append(lines_added)
        files.deletions.append(lines_deleted)
        if len(files.sha) >= _FILES_PER_BATCH:
            yield
        token = take()
    return token, added, deleted


def _tokens(output: IO[bytes]) -> Iterator[str]:
    """What stands between the NULs of ``output``; the last token is empty unless the output is cut. Bytes that are not UTF-8 become
    lone surrogates for now, see ``rows``. What goes on beyond ``_LONGEST_TOKEN`` is left out up to the next NUL or so."""

    def chunks() -> Iterator[list[str]]:
        rest = bytearray()
        while chunk := output.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]
            if (end := chunk.rfind(b"\0")) < 0:
                if len(rest) < _LONGEST_TOKEN:
                    rest += chunk
                continue
            whole = bytes(rest) + chunk[:end]
            rest = bytearray(chunk[end + 1 :])
            yield whole.decode("utf-8", "surrogateescape").split("\0")
        yield [rest.decode("utf-8", "surrogateescape")]

    return chain.from_iterable(chunks())
