"""``leadline sync git``: git repositories named once, without a source being added. Each is on its own: one that fails does not
keep the others from being done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from leadline.errors import InvalidRequest, LeadlineError, StoreError, Unusable
from leadline.sources.git.command import scrub
from leadline.sources.git.location import checked_name, parse_location
from leadline.sources.git.source import GitHistory
from leadline.sync.batch import TableCounts
from leadline.sync.run import SyncResult, SyncRun


@dataclass(frozen=True)
class RepositoryResult:
    """What became of one repository, which was named by ``location`` (without secrets).

    ``commits_added``, ``files_added``: rows new in the lake. ``commits_updated``: rows whose people or line counts
    changed (mailmap, deepened clone). ``vanished``: commits taken away because no branch or tag reaches them any more.
    ``shallow``: the clone lacks the beginning of its history. ``refs``: branches and tags looked at. ``notes``: what the
    user should know, one sentence each. ``error``: why nothing was taken; then the rest says nothing.
    """

    location: str
    repository: str = ""
    commits_added: int = 0
    files_added: int = 0
    commits_updated: int = 0
    vanished: int = 0
    shallow: bool = False
    refs: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: LeadlineError | None = None


def sync_repositories(
    sync_run: SyncRun, locations: Sequence[str], *, name: str | None = None, since: datetime | None = None
) -> Iterator[RepositoryResult]:
    """Sync each of ``locations`` (paths or URLs); ``name`` and ``since`` are those of ``GitHistory``.

    Raises ``InvalidRequest`` before anything is done when the arguments do not fit together.
    """
    check_locations(locations, name)
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    start = None if since is None else max(0, int(since.timestamp()))
    return _results(sync_run, locations, name, start)


def check_locations(locations: Sequence[str], name: str | None) -> None:
    """Raise ``InvalidRequest`` for what no repository can be named by; whether one is there is another question."""
    if not locations:
        raise InvalidRequest("Name at least one repository: a path or a URL")
    if name is not None and len(locations) > 1:
        raise InvalidRequest("--name names one repository; sync the others in runs of their own")
    if name is not None:
        checked_name(name)
    for text in locations:
        with suppress(Unusable):
            parse_location(text)


def _results(
    sync_run: SyncRun, locations: Sequence[str], name: str | None, since: int | None
) -> Iterator[RepositoryResult]:
    shown_by_name: dict[str, str] = {}
    for text in locations:
        try:
            source = GitHistory(parse_location(text), sync_run.project.clones, name, since)
            repository, shown = source.repository.name, source.location.shown
            first = shown_by_name.setdefault(repository, shown)
            if first != shown:
                raise InvalidRequest(f"{shown} is called {repository} like {first}; sync it by itself with --name")
            yield _result(source, sync_run.run(source))
        except LeadlineError as error:
            yield RepositoryResult(scrub(text), error=error)
        except OSError as error:
            yield RepositoryResult(scrub(text), error=StoreError(f"{scrub(text)}: {scrub(str(error))}"))


def _result(source: GitHistory, result: SyncResult) -> RepositoryResult:
    if result.error is not None:
        raise result.error
    commits = result.tables.get("commits", TableCounts())
    return RepositoryResult(
        location=source.location.shown,
        repository=source.repository.name,
        commits_added=commits.added,
        files_added=result.tables.get("commit_files", TableCounts()).added,
        commits_updated=commits.updated,
        vanished=commits.removed,
        shallow=source.state is not None and bool(source.state.boundary),
        refs=0 if source.state is None else source.state.refs,
        seconds=result.seconds,
        notes=tuple(skipped.why for skipped in result.skipped),
    )
