"""One run of a source by its settings, and what the metadata database remembers of it for ``leadline status``. A run that is killed
leaves a beginning without an end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from leadline.db import sources
from leadline.errors import LeadlineError, LockLost
from leadline.lease import Lease
from leadline.sources.kit.page import CallStats
from leadline.sources.kit.settings import Folders, SourceSettings, connected
from leadline.sync.run import SyncResult, SyncRun
from leadline.sync.timing import run_lock
from leadline.tracing import span

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
        """What is remembered and printed: state, rows by table, calls, what was left out and what could not be read, the error."""
        result = self.result
        document: dict[str, Any] = {
            "state": result.state,
            "records": result.records,
            "tables": {name: asdict(counts) for name, counts in result.tables.items()},
            "calls": result.call_stats.calls,
            "waitedSeconds": round(result.call_stats.waited, 1),
            "toolTime": result.call_stats.tool_time,
            "skippedCount": result.skipped_count,
            "skipped": [asdict(skipped) for skipped in result.skipped[:SKIPPED_REMEMBERED]],
            "failedCount": len(result.failed),
            "failed": [asdict(failed) for failed in result.failed[:SKIPPED_REMEMBERED]],
        }
        if result.error is not None:
            document["error"] = result.error.body()
        return document


def run_source(
    sync_run: SyncRun,
    settings: SourceSettings,
    *,
    environ: Mapping[str, str] = os.environ,
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> SourceResult:
    """Run the source, which has its name, to its end and remember how it ended; a run at work is waited for. Raises only what
    ``SyncRun.run`` raises."""
    with sync_run.project.lock(run_lock(settings.name)) as lease:
        return run_locked(sync_run, settings, lease, environ=environ, waiting=waiting, **client)


def run_locked(
    sync_run: SyncRun,
    settings: SourceSettings,
    lease: Lease,
    *,
    environ: Mapping[str, str],
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> SourceResult:
    """As ``run_source``, for who holds the run's lock as ``lease``."""
    with span(
        f"sync {settings.kind}", leadline_source=settings.name, leadline_project=sync_run.project.full_name
    ) as told:
        done = _run(sync_run, settings, lease, environ, waiting, client)
        result = done.result
        told.tell(leadline_state=result.state, leadline_records=result.records, leadline_calls=result.call_stats.calls)
        if result.error is not None:
            told.fail(result.error.message)
        return done


def _run(
    sync_run: SyncRun,
    settings: SourceSettings,
    lease: Lease,
    environ: Mapping[str, str],
    waiting: Callable[[float, str], None] | None,
    client: Mapping[str, Any],
) -> SourceResult:
    project, name = sync_run.project, settings.name
    sources.started(project.db, project.id, name, settings.kind, settings.stored(), sync_run.now(), under=lease)
    try:
        folders = Folders(project.temp, project.clones)
        with connected(settings, folders, environ=environ, waiting=waiting, **client) as source:
            result = sync_run.run(source)
    except LeadlineError as error:
        result = failed(error)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        # A mistake of ours: without an end, as a run that was killed, it would be made again every minute.
        what = f"leadline itself failed ({type(error).__name__}); its log says where"
        record_outcome(sync_run, name, lease, failed(LeadlineError(what, code="internal_error")))
        raise
    return record_outcome(sync_run, name, lease, result)


def record_outcome(sync_run: SyncRun, name: str, lease: Lease, result: SyncResult) -> SourceResult:
    """``result`` as that of the source's run that has ended now. Where the run's lock was lost, it is told to the caller alone:
    what is remembered is how the run ends that has it."""
    done = SourceResult(name, result)
    project = sync_run.project
    try:
        good = result.state == "done"
        sources.finished(project.db, project.id, name, done.document(), sync_run.now(), good=good, under=lease)
    except LockLost as error:
        return SourceResult(name, replace(result, error=result.error or error))
    if result.error is not None and not result.tables:
        sources.forget_new(project.db, project.id, name)  # a mistyped name is told once, not in every status
    return done


def failed(error: LeadlineError) -> SyncResult:
    """A run that took nothing, because of ``error``."""
    return SyncResult(0, {}, (), 0, CallStats(0, 0.0, None), 0.0, error)
