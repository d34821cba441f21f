"""``sync git``: brings the lake's ``commits``, ``commit_files`` and ``repositories`` in line with git repositories.

Paths or URLs come in; one ``SyncResult`` or ``SyncFailure`` per repository comes out. Each repository is on its own: all
of its new commits are staged while git runs, and only when git has ended well are they committed (files first, so that a
commit that is there has its files), then what vanished is taken away, then the cursor moves. A run that is cut anywhere is
made good by the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from leadline.db import cursors
from leadline.engine import Engine
from leadline.engine.sql_text import sql_text
from leadline.errors import InvalidRequest, LeadlineError, StoreError
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, Receipt, commit_staged, ingest, staging
from leadline.ingest.removal import remove
from leadline.ingest.staging import StagingWriter, conform
from leadline.lake import Lake
from leadline.schema import TABLES, Table
from leadline.sources.git import SOURCE, LogReader, Repository, State, open_repository, parse_location, scrub
from leadline.sync.git_plan import Cursor, Plan, plan

if TYPE_CHECKING:
    import pyarrow as pa

_COMMITS, _FILES, _REPOSITORIES = TABLES["commits"], TABLES["commit_files"], TABLES["repositories"]
_NONE = Receipt(0, 0, 0, None)


@dataclass(frozen=True)
class SyncResult:
    """What became of one repository.

    ``commits_added``, ``files_added``: rows new in the lake. ``commits_updated``: rows whose people or line counts
    changed (mailmap, deepened clone). ``vanished``: commits taken away because no branch or tag reaches them any more.
    ``shallow``: the clone lacks the beginning of its history. ``refs``: branches and tags looked at. ``notes``: what the
    user should know, one sentence each.
    """

    repository: str
    commits_added: int
    files_added: int
    commits_updated: int
    vanished: int
    shallow: bool
    refs: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SyncFailure:
    """A repository of which nothing was taken in this run: where it is (without secrets) and why."""

    location: str
    error: LeadlineError


@dataclass(frozen=True)
class GitSync:
    """Where git history goes: one project's lake and cursors.

    ``progress`` is told the repository and the commits read so far; ``now`` gives the time cursors are stamped with; ``clock``
    measures seconds.
    """

    project: Project
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.perf_counter
    progress: Callable[[str, int], None] | None = None

    def run(
        self, locations: Sequence[str], *, name: str | None = None, since: datetime | None = None
    ) -> Iterator[SyncResult | SyncFailure]:
        """Sync each of ``locations`` (paths or URLs); one that fails does not keep the others from being done.

        ``name`` (``org/repo``) is for a single location only. ``since``: on the first run, take only commits committed
        then or later; on later runs it only matters if it reaches further back. Raises ``InvalidRequest`` before
        anything is done when the arguments do not fit together.
        """
        if not locations:
            raise InvalidRequest("Name at least one repository: a path or a URL")
        if name is not None and len(locations) > 1:
            raise InvalidRequest("--name names one repository; sync the others in runs of their own")
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        start = None if since is None else max(0, int(since.timestamp()))
        return self._each(locations, name, start)

    def _each(
        self, locations: Sequence[str], name: str | None, since: int | None
    ) -> Iterator[SyncResult | SyncFailure]:
        taken: dict[str, str] = {}
        for text in locations:
            try:
                location = parse_location(text)
                repository = open_repository(location, name=name, clones=self.project.clones)
                first = taken.setdefault(repository.name, location.shown)
                if first != location.shown:
                    raise InvalidRequest(
                        f"{location.shown} is called {repository.name} like {first}; sync it by itself with --name"
                    )
                yield self._one(repository, since)
            except LeadlineError as error:
                yield SyncFailure(scrub(text), error)
            except OSError as error:
                yield SyncFailure(scrub(text), StoreError(f"{scrub(text)}: {scrub(str(error))}"))

    def _one(self, repository: Repository, since: int | None) -> SyncResult:
        started = self.clock()
        # A second run on the same repository waits here, then finds nothing new.
        with self.project.lock(f"git:{repository.name}"):
            repository.refresh()
            state = repository.state()
            before = Cursor.restored(cursors.get(self.project.db, self.project.id, SOURCE, repository.name))
            job = plan(
                before,
                state,
                since=since,
                location=repository.location.shown,
                lake_empty=self.project.lake.version(_COMMITS.name) is None,
                others=before is None
                and any(source != SOURCE for source, *_ in cursors.listed(self.project.db, self.project.id)),
            )
            outcome = _Outcome(_notes(repository, state, before, job, since))
            if not job.nothing or job.described:
                self._take(repository, state, job, outcome)
            if before != job.after:
                self._put(repository, job.after)
        return SyncResult(
            repository=repository.name,
            commits_added=outcome.commits.added,
            files_added=outcome.files.added,
            commits_updated=outcome.commits.updated,
            vanished=outcome.vanished,
            shallow=bool(state.boundary),
            refs=state.refs,
            seconds=self.clock() - started,
            notes=tuple(outcome.notes),
        )

    def _put(self, repository: Repository, cursor: Cursor) -> None:
        cursors.put(self.project.db, self.project.id, SOURCE, repository.name, cursor.stored(), self.now())

    def _take(self, repository: Repository, state: State, job: Plan, outcome: _Outcome) -> None:
        there = repository.existing(job.gone)
        known = [oid for oid in job.walk.exclude if oid in there or oid not in job.gone]
        reader = LogReader(repository, state, changed(job.walk, exclude=known))
        with ExitStack() as stack:
            staged = _Staged(self.project.lake, stack, rewrite=job.rewrite)
            # Closed at once when staging fails: git must not go on writing to nobody.
            for batch in stack.enter_context(closing(reader.batches())):
                staged.write(batch.commits, batch.files, boundary=batch.boundary)
                if self.progress is not None:
                    self.progress(repository.name, reader.commits)
            vanished = self._vanished(repository, state, job, there, outcome)
            if reader.commits or vanished is not None:
                self._put(repository, job.during)
            outcome.files = self._commit(staged.files)
            outcome.commits = _sum(self._commit(staged.commits), self._commit(staged.boundary))
        if vanished is not None:
            self._remove(_FILES, vanished)
            outcome.vanished = self._remove(_COMMITS, vanished)
        if job.described:
            self._describe(repository, state)
        if reader.impossible_dates:
            outcome.notes.append(f"{reader.impossible_dates} impossible dates (before 1970 or after 2261) left unknown")

    def _commit(self, staged: _Pending | None) -> Receipt:
        if staged is None:
            return _NONE
        return commit_staged(
            self.project,
            staged.table,
            staged.writer.close(),
            staged.writer.rows,
            message="sync git",
        )

    def _remove(self, table: Table, keys: pa.Table) -> int:
        return remove(self.project, table, keys)

    def _describe(self, repository: Repository, state: State) -> None:
        import pyarrow as pa

        row = {"repository": repository.name, "url": state.url, "default_branch": state.default_branch}
        schema = pa.schema([_REPOSITORIES.arrow_schema.field(name) for name in row])
        batch = pa.RecordBatch.from_pylist([row], schema=schema)
        ingest(self.project, _REPOSITORIES, [batch])

    def _vanished(
        self, repository: Repository, state: State, job: Plan, there: set[str], outcome: _Outcome
    ) -> pa.Table | None:
        """Keys of the commits in the lake that came from git and that no ref reaches any more; None if there are none.

        What only the heads that are gone reach is that; but when such a head is not ``there`` (in the repository) any
        more, or an earlier run was cut, all of the lake's commits are compared with all of git's.
        """
        if not job.gone and not job.compare:
            return None
        if state.boundary:
            if job.gone:
                outcome.notes.append(
                    "branches moved or went, but a shallow clone cannot tell whether commits vanished; none were removed"
                )
            return None
        compare = job.compare or len(there) < len(job.gone)
        found = repository.reachable(state.heads) if compare else repository.reachable(sorted(there), state.heads)
        keys = self._stored_keys(repository, _sha_table(found), among=not compare)
        return keys if keys.num_rows else None

    def _stored_keys(self, repository: Repository, shas: pa.Table, *, among: bool) -> pa.Table:
        """Keys of this repository's commits from git that are, or are not, ``among`` the ``shas``."""
        import pyarrow as pa

        if among and not shas.num_rows:
            return pa.table({"sha": pa.array([], pa.string())})
        with Engine(temp_dir=self.project.temp, memory_limit=MEMORY_LIMIT) as engine:
            engine.bind_snapshot(self.project.lake.snapshot(), [_COMMITS.name])
            engine.bind_arrow("listed", shas)
            return engine.arrow(
                f"SELECT repository, sha FROM commits {'SEMI' if among else 'ANTI'} JOIN listed USING (sha) "
                f"WHERE repository = {sql_text(repository.name)} AND source = {sql_text(SOURCE)}"
            )


@dataclass
class _Outcome:
    notes: list[str]
    commits: Receipt = _NONE
    files: Receipt = _NONE
    vanished: int = 0


@dataclass(frozen=True)
class _Pending:
    table: Table
    writer: StagingWriter


@dataclass
class _Staged:
    """The rows of one run on their way into the lake, in Parquet files nobody sees yet.

    With ``rewrite`` they replace rows of the same commit; those of a shallow clone's boundary never do, because the lake
    may know more of these commits from a time when the clone was deeper.
    """

    lake: Lake
    stack: ExitStack
    rewrite: bool
    commits: _Pending | None = field(default=None, init=False)
    files: _Pending | None = field(default=None, init=False)
    boundary: _Pending | None = field(default=None, init=False)

    def write(self, commits: pa.RecordBatch | None, files: pa.RecordBatch | None, *, boundary: bool) -> None:
        """Stage one batch."""
        if self.commits is None and self.files is None:
            _get_ready()
        if boundary:
            self.boundary = self._written(self.boundary, _COMMITS, commits)
            return
        self.commits = self._written(self.commits, _rewritable(_COMMITS, self.rewrite), commits)
        self.files = self._written(self.files, _rewritable(_FILES, self.rewrite), files)

    def _written(self, into: _Pending | None, table: Table, batch: pa.RecordBatch | None) -> _Pending | None:
        if batch is None:
            return into
        if into is None:
            into = _Pending(table, StagingWriter(table, self.stack.enter_context(staging(self.lake, table))))
        into.writer.write(conform(batch, table))
        return into


def _rewritable(table: Table, rewrite: bool) -> Table:
    """Commits never change, but what is known of them can: then the newer row counts, as in any other table."""
    return changed(table, immutable=False) if rewrite else table


def _get_ready() -> None:
    """Load what committing needs while git is still at work."""
    threading.Thread(
        target=lambda: [import_module(module) for module in ("duckdb", "deltalake")],
        name="git-sync-imports",
        daemon=True,
    ).start()


def _sum(one: Receipt, other: Receipt) -> Receipt:
    return Receipt(
        one.added + other.added,
        one.updated + other.updated,
        one.unchanged + other.unchanged,
        other.version if other.version is not None else one.version,
    )


def _sha_table(lists: Iterator[list[str]]) -> pa.Table:
    import pyarrow as pa

    return pa.table({"sha": pa.chunked_array([pa.array(shas, pa.string()) for shas in lists], pa.string())})


def _notes(repository: Repository, state: State, before: Cursor | None, job: Plan, since: int | None) -> list[str]:
    notes: list[str] = []
    if state.boundary:
        edge = repository.raw_commits(state.boundary).values()
        oldest = datetime.fromtimestamp(min((commit.committed for commit in edge), default=0), UTC).date()
        notes.append(
            f"shallow: history before {oldest} is missing; the commits it starts with ({len(edge)}) have no lines"
        )
    if before is not None and before.location and before.location != job.after.location:
        notes.append(f"last time {repository.name} was read from {before.location}")
    if since is not None and job.after.since != since:
        notes.append("--since changes nothing: the history was already taken from further back")
    return notes
