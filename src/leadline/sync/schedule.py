"""Runs sources when they are to be run again. Any number of schedulers may look at the same sources: ``run_if_due``
takes the source's run lock and looks again, so a run is made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from leadline.db import sources
from leadline.db.sources import SourceRow
from leadline.errors import LeadlineError
from leadline.home import Project
from leadline.sources.kit.settings import SourceSettings
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, failed, record_outcome, run_locked
from leadline.sync.timing import next_run, run_lock


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
