"""When a source is to be run again, and running it if it is. Any number of schedulers may look at the same sources: ``run_if_due``
takes the source's run lock and looks again, so a run is made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from leadline.db import sources
from leadline.db.sources import SourceRow
from leadline.errors import LeadlineError
from leadline.home import Project
from leadline.sources.kit.settings import SourceSettings
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, failed, record_outcome, run_lock, run_locked

AFTER_A_KILL = timedelta(minutes=1)
"""How long after its beginning a run that was killed is taken up again, if nobody is at it."""


def under_way(row: SourceRow) -> bool:
    """Whether its last run has not ended: it is at work, or it was killed."""
    return row.started_at is not None and (row.finished_at is None or row.finished_at < row.started_at)


def next_run(row: SourceRow) -> datetime | None:
    """When it is to run; None: only when asked. Its schedule counts from the beginning of the last run."""
    every = timedelta(seconds=row.settings.get("every", 0))
    if not row.configured or not every:
        return None
    if row.started_at is None:
        return row.created_at
    return row.started_at + (min(every, AFTER_A_KILL) if under_way(row) else every)


def due(project: Project, now: datetime) -> list[SourceRow]:
    """The sources that are to run now and that nobody runs, the one that waits longest first."""
    waiting = [
        (when, row)
        for row in sources.listed(project.db, project.id, configured=True)
        if (when := next_run(row)) is not None and when <= now
    ]
    return [row for _, row in sorted(waiting, key=lambda pair: pair[0]) if project.is_free(run_lock(row.name))]


def run_if_due(
    sync_run: SyncRun,
    name: str,
    *,
    environ: Mapping[str, str],
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> SourceResult | None:
    """Run the source ``name`` if it is still to be run; None if somebody else runs it, or has just done so. Raises ``NotFound`` if
    it is not configured any more, and what ``run_source`` raises."""
    project, now = sync_run.project, sync_run.now()
    with project.lock_if_free(run_lock(name)) as lease:
        row = sources.get(project.db, project.id, name)
        when = next_run(row)
        if lease is None or when is None or when > now:
            return None
        try:
            settings = SourceSettings.restored(row.kind, row.name, row.settings)
        except LeadlineError as error:  # remembered as a run, or it would be due again at once
            sources.started(project.db, project.id, row.name, row.kind, row.settings, now, under=lease)
            return record_outcome(sync_run, row.name, lease, failed(error))
        return run_locked(sync_run, settings, lease, environ=environ, waiting=waiting, **client)
