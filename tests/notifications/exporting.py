"""Exports that end, without a run of them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from leadline.db import jobs
from leadline.db.jobs import Claim, Export, Result
from leadline.home import Project

REQUEST = {
    "tree": "Engineering",
    "team": None,
    "start": "2026-02-01",
    "end": "2026-02-28",
    "metrics": ["PR_Merged"],
    "format": "csv",
    "level": "team",
    "granularity": "monthly",
    "aggregation": "mean",
    "names": "shown",
}


def queued(project: Project, now: datetime, created_by: str = "key_1", name: str = "") -> Export:
    """An export that waits."""
    export = Export(
        id=f"exp_{name or secrets.token_hex(10)}",
        project_id=project.id,
        kind="productivity",
        state=jobs.QUEUED,
        request=REQUEST,
        request_hash=secrets.token_hex(8),
        compression="gzip",
        team_id=None,
        team_key=None,
        created_by=created_by,
        created_at=now,
        filename="team-insights.csv",
        content_type="text/csv",
    )
    return jobs.create(project.db, export, lambda _: False)[0]


def claimed(project: Project, now: datetime, created_by: str = "key_1") -> Claim:
    """An export that is worked on."""
    queued(project, now, created_by)
    claim = jobs.claim(project.db, "worker", now, now + timedelta(minutes=1))
    assert claim is not None
    return claim


def complete(project: Project, claim: Claim, now: datetime) -> bool:
    """Finish it."""
    result = Result("exports/file.csv.gz", "team-insights.csv", "text/csv", 3, 100, "0" * 64)
    return jobs.complete(project.db, claim, result, now, now + timedelta(days=30))
