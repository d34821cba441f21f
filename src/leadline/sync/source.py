"""One run of one source, and what is remembered of it.

Settings and a name come in; the connector is made, read through the frame, and how it ended stands in the metadata database
for ``leadline status``. A run that is killed leaves a beginning without an end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leadline.db import sources
from leadline.errors import LeadlineError
from leadline.sources.kit.page import CallStats, Skipped
from leadline.sources.kit.settings import SourceSettings, connected
from leadline.sync.git import GitSync, SyncFailure
from leadline.sync.run import SyncResult, SyncRun, TableCounts

SKIPPED_REMEMBERED = 20


@dataclass(frozen=True)
class SourceResult:
    """A run of the source ``name``."""

    name: str
    result: SyncResult

    @property
    def error(self) -> LeadlineError | None:
        """Why it ended before its time, if it did."""
        return self.result.error

    def document(self) -> dict[str, Any]:
        """What is remembered and printed: state, rows by table, calls, what was left out, the error."""
        result = self.result
        found: dict[str, Any] = {
            "state": "failed" if result.error else "done",
            "records": result.records,
            "tables": {
                name: {"added": counts.added, "updated": counts.updated, "removed": counts.removed}
                for name, counts in result.tables.items()
            },
            "calls": result.figures.calls,
            "waitedSeconds": round(result.figures.waited, 1),
            "toolTime": result.figures.tool_time,
            "skippedCount": result.skipped_count,
            "skipped": [{"what": each.what, "why": each.why} for each in result.skipped[:SKIPPED_REMEMBERED]],
        }
        if result.error is not None:
            found["error"] = result.error.body()
        return found


def run_lock(name: str) -> str:
    """Name of the lock that is held while the source ``name`` is run."""
    return f"source-run:{name}"


def run_source(
    pull: SyncRun,
    settings: SourceSettings,
    *,
    environ: Mapping[str, str] = os.environ,
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> SourceResult:
    """Run the source, which has its name, to its end and remember how it ended; a run at work is waited for.

    Raises only what ``SyncRun.run`` raises.
    """
    with pull.project.lock(run_lock(settings.name)):
        return run_locked(pull, settings, environ=environ, waiting=waiting, **client)


def run_locked(
    pull: SyncRun,
    settings: SourceSettings,
    *,
    environ: Mapping[str, str],
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> SourceResult:
    """As ``run_source``, for who holds the run's lock."""
    name = settings.name
    sources.started(pull.project.db, pull.project.id, name, settings.kind, settings.stored(), pull.now())
    try:
        if settings.declared.paged:
            with connected(settings, environ=environ, waiting=waiting, temp_dir=pull.project.temp, **client) as source:
                result = pull.run(source)
        else:
            result = _history(pull, settings)
    except LeadlineError as error:
        result = failed(error)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        # A mistake of ours, or an answer that nobody thought of. Left without an end, as a run that was killed, it would be
        # made again every minute, and nobody would be told why.
        what = f"leadline itself failed ({type(error).__name__}); its log says where"
        remembered(pull, name, failed(LeadlineError(what, code="internal_error")))
        raise
    return remembered(pull, name, result)


def remembered(pull: SyncRun, name: str, result: SyncResult) -> SourceResult:
    """``result`` as that of the source's run that has ended now."""
    done = SourceResult(name, result)
    sources.finished(pull.project.db, pull.project.id, name, done.document(), pull.now(), good=result.error is None)
    if result.error is not None and not result.tables:
        sources.forget_new(pull.project.db, pull.project.id, name)  # a mistyped name is told once, not in every status
    return done


def _history(pull: SyncRun, settings: SourceSettings) -> SyncResult:
    """Mine a git source's repository. Raises the error that kept it from being read."""
    job = GitSync(
        pull.project,
        progress=pull.progress,
        now=pull.now,
    )
    (done,) = job.run(settings.targets, name=settings.option("repository"))
    if isinstance(done, SyncFailure):
        raise done.error
    counts = {
        "commits": TableCounts(done.commits_added, done.commits_updated, done.vanished),
        "commit_files": TableCounts(done.files_added),
    }
    tables = {name: each for name, each in counts.items() if each != TableCounts()}
    notes = tuple(Skipped(done.repository, note) for note in done.notes)
    return SyncResult(done.commits_added, tables, notes, len(notes), CallStats(0, 0.0, None), done.seconds)


def failed(error: LeadlineError) -> SyncResult:
    """A run that took nothing, because of ``error``."""
    return SyncResult(0, {}, (), 0, CallStats(0, 0.0, None), 0.0, error)
