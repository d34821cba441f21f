"""When a source is to be run again, as its row in the database says."""

from __future__ import annotations

from datetime import datetime, timedelta

from leadline.db.sources import SourceRow

AFTER_A_KILL = timedelta(minutes=1)
"""How long after its beginning a run that was killed is taken up again, if nobody is at it."""


def run_lock(name: str) -> str:
    """Name of the lock that is held while the source ``name`` is run."""
    return f"source-run:{name}"


def under_way(row: SourceRow) -> bool:
    """Whether its last run has not ended: it is at work, or it was killed."""
    return row.started_at is not None and (row.finished_at is None or row.finished_at < row.started_at)


def is_requested(row: SourceRow) -> bool:
    """Whether somebody asked for a run, and none has begun since."""
    return row.requested_at is not None and (row.started_at is None or row.started_at < row.requested_at)


def next_run(row: SourceRow) -> datetime | None:
    """When it is to run; None: only when asked, and nobody did. Its schedule counts from the beginning of the last run."""
    every = timedelta(seconds=row.settings.get("every", 0))
    if not row.configured:
        return None
    if is_requested(row):
        return row.requested_at
    if not every:
        return None
    if row.started_at is None:
        return row.created_at
    return row.started_at + (min(every, AFTER_A_KILL) if under_way(row) else every)
