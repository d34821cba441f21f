"""One git repository as a source: its new commits and their files, and which commits are gone. A run is taken as a whole, because a
missing object cuts git's output anywhere; one that is cut while its rows are written leaves a ``pending`` cursor."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from leadline.errors import StoreError
from leadline.schema import TABLES
from leadline.sources.git import ai_notes
from leadline.sources.git.clone import remote_refs
from leadline.sources.git.command import GitError, scrub
from leadline.sources.git.excluded import LARGEST
from leadline.sources.git.line_ages.ages import LineAges, name_of
from leadline.sources.git.location import Location
from leadline.sources.git.log import LONGEST_MESSAGE, SOURCE, Batch, LogReader
from leadline.sources.git.plan import HistoryCursor, Plan, plan
from leadline.sources.git.repository import Repository, State, open_repository
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext, Skipped, TypedRows, Vanished


@dataclass
class GitHistory:
    """The history of the repository at ``location``, called ``given_name`` or else by its origin or its folder.

    ``clones`` is the folder of the clones kept for URLs. ``since`` (epoch seconds): on the first run, take only commits
    committed then or later; on later runs it only matters if it reaches further back. ``state``: when ``pages`` began.
    """

    location: Location
    clones: Path
    given_name: str | None = None
    since: int | None = None
    kind: str = SOURCE
    state: State | None = field(default=None, init=False)

    @cached_property
    def repository(self) -> Repository:
        """The repository, not yet brought up to date. Raises ``InvalidInput`` if a path is none."""
        return open_repository(self.location, name=self.given_name, clones=self.clones)

    @property
    def lock(self) -> str:
        """A second run on a repository of the same name waits, then finds nothing new."""
        return f"git:{self.repository.name}"

    def check(self) -> ConnectionReport:
        """Its branches and tags, without fetching anything. Raises ``GitError``."""
        target, shown = self.location.target, self.location.shown
        names = remote_refs(target, shown) if isinstance(target, str) else self.repository.ref_names()
        return ConnectionReport(shown, "", "refs", tuple(names))

    def call_stats(self) -> CallStats:
        """git is not counted."""
        return CallStats(0, 0.0, None)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The new commits, parents first, then what is gone. Raises ``GitError`` if git fails: nothing is to be taken then."""
        try:
            yield from self._pages(context)
        except OSError as error:
            raise StoreError(f"{self.location.shown}: {scrub(str(error))}") from error

    def _pages(self, context: RunContext) -> Iterator[Page]:
        repository = self.repository
        repository.refresh()
        state = self.state = repository.state()
        stored = context.cursors.get(repository.name)
        before = None if stored is None else HistoryCursor.restored(stored)
        work = plan(
            before,
            state,
            since=self.since,
            location=self.location.shown,
            commits_lost=not context.has_commits,
            replace_others=before is None and context.other_kinds,
        )
        former = () if before and before.location else _former_names(repository, state, context, work.after.location)
        notes = _notes(repository, state, before, work, self.since)
        notes += [f"was {name} before: it is read from the same place (told as its former name)" for name in former]
        # A table that is lost is read anew.
        taken = before if before is not None and context.has_commits else HistoryCursor()
        for told in ai_notes.rows(repository, taken.ai_notes, state.ai_notes):
            yield Page(repository.name, typed_rows=(told,), unfinished=True)
        after = work.after
        if context.line_ages:
            lines = yield from self._line_pages(state, taken, after, notes)
            after = replace(after, lines=lines)
        cursors = {repository.name: after} if before != after else {}
        if work.nothing and not work.described:
            yield Page(repository.name, cursors=cursors, skipped=_skipped(repository, notes))
        else:
            yield from self._work_pages(state, work, notes, cursors, former, counts=context.counts)

    def _line_pages(
        self, state: State, taken: HistoryCursor, after: HistoryCursor, notes: list[str]
    ) -> Generator[Page, None, str | None]:
        """The lines that new commits deleted, as unfinished pages; the state that the walk is in then. Where git cannot say,
        nothing else of the repository is kept from being read."""
        repository = self.repository
        before = taken.lines if taken.since == after.since else None
        ages = LineAges.of(repository, self.clones)
        try:
            with closing(ages.batches(before, state, after.since)) as batches:
                for batch in batches:
                    yield Page(repository.name, typed_rows=(TypedRows("deleted_lines", batch),), unfinished=True)
        except GitError as error:
            notes.append(
                f"the age of lines could not be read, and is tried again with the next commits: {error.message}"
            )
            return before
        return name_of(state)

    def _work_pages(
        self,
        state: State,
        work: Plan,
        notes: list[str],
        cursors: dict[str, HistoryCursor],
        former: Sequence[str],
        *,
        counts: bool,
    ) -> Iterator[Page]:
        """The new commits as unfinished pages, then the page that ends them."""
        repository = self.repository
        heads_there = repository.existing(work.gone)
        exclude = [oid for oid in work.walk.exclude if oid in heads_there or oid not in work.gone]
        reader = LogReader(repository, state, replace(work.walk, exclude=exclude))
        if counts:
            yield Page(repository.name, expected=reader.count(), unfinished=True)
        # Closed at once when the run ends early: git must not go on writing to nobody.
        with closing(reader.batches()) as batches:
            for batch in batches:
                read = 0 if batch.commits is None else batch.commits.num_rows
                yield Page(repository.name, typed_rows=_typed_rows(batch, work.rewrite), records=read, unfinished=True)
        vanished = _vanished(repository, state, work, heads_there, notes)
        if reader.impossible_dates:
            notes.append(f"{reader.impossible_dates} impossible dates (before 1970 or after 2261) left unknown")
        if reader.cut_messages:
            notes.append(f"messages cut after {LONGEST_MESSAGE:,} characters: {reader.cut_messages}")
        if reader.too_large:
            notes.append(f".gitattributes above {LARGEST:,} bytes, which leave nothing out: {reader.too_large}")
        yield Page(
            repository.name,
            cursors=cursors,
            skipped=_skipped(repository, notes),
            typed_rows=(_description(repository, state, former),) if work.described else (),
            vanished=vanished,
            cursors_before={repository.name: work.during} if reader.commits or vanished else {},
        )


def _former_names(repository: Repository, state: State, context: RunContext, location: str) -> tuple[str, ...]:
    """What the repository that lies here was called when it was read before, if it is the same one: it has the same address, and
    commits that were heads then. Another repository may lie where one did, and a fork has its commits, but not its address."""
    names = []
    for name, stored in sorted(context.cursors.items()):
        if stored.get("location") != location:
            continue
        cursor = HistoryCursor.restored(stored)
        if cursor.url == state.url and name.lower() != repository.name.lower() and repository.existing(cursor.heads):
            names.append(name)
    return tuple(names)


def _description(repository: Repository, state: State, former: Sequence[str]) -> TypedRows:
    """The row of ``repositories``; ``former`` names stay as they are known, unless there are new ones."""
    import pyarrow as pa

    row: dict[str, Any] = {"repository": repository.name, "url": state.url, "default_branch": state.default_branch}
    if former:
        row["former_names"] = list(former)
    schema = pa.schema([TABLES["repositories"].arrow_schema.field(name) for name in row])
    return TypedRows("repositories", pa.RecordBatch.from_pylist([row], schema=schema), counted=False)


def _typed_rows(batch: Batch, rewrite: bool) -> tuple[TypedRows, ...]:
    """Rows of a shallow clone's boundary never replace others: the lake may know more of these commits from a time when the
    clone was deeper."""
    batches = {"commits": batch.commits, "commit_files": batch.files}
    return tuple(
        TypedRows(table, rows, replace=rewrite and not batch.boundary)
        for table, rows in batches.items()
        if rows is not None
    )


def _skipped(repository: Repository, notes: list[str]) -> tuple[Skipped, ...]:
    return tuple(Skipped(repository.name, note) for note in notes)


def _vanished(
    repository: Repository, state: State, work: Plan, heads_there: set[str], notes: list[str]
) -> tuple[Vanished, ...]:
    """Commits that no ref reaches any more. What only the heads that are gone reach is that; but when such a head is not there in
    the repository any more, or an earlier run was cut, all of the lake's commits are compared with all of git's."""
    if not work.gone and not work.compare:
        return ()
    if state.boundary:
        if work.gone:
            notes.append(
                "branches moved or went, but a shallow clone cannot tell whether commits vanished; none were removed"
            )
        return ()
    import pyarrow as pa

    compare = work.compare or len(heads_there) < len(work.gone)
    lists = repository.reachable(state.heads) if compare else repository.reachable(sorted(heads_there), state.heads)
    shas = pa.table({"sha": pa.chunked_array([pa.array(shas, pa.string()) for shas in lists], pa.string())})
    if not compare and not shas.num_rows:
        return ()
    of_git = {"repository": repository.name, "source": SOURCE}  # rows that somebody imported are theirs to remove
    return (Vanished("commits", ("deleted_lines", "commit_files"), of_git, shas, listed_remain=compare),)


def _notes(
    repository: Repository, state: State, before: HistoryCursor | None, work: Plan, since: int | None
) -> list[str]:
    notes: list[str] = []
    if state.boundary:
        boundary = repository.raw_commits(state.boundary).values()
        oldest = datetime.fromtimestamp(min((commit.committed for commit in boundary), default=0), UTC).date()
        notes.append(
            f"shallow: history before {oldest} is missing; the commits it starts with ({len(boundary)}) have no lines"
        )
    if before is not None and before.location and before.location != work.after.location:
        notes.append(f"last time {repository.name} was read from {before.location}")
    if since is not None and work.after.since != since:
        notes.append("--since changes nothing: the history was already taken from further back")
    return notes
