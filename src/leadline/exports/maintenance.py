"""What an idle worker does for the lake: it merges small files where there are many, and deletes those that no version
reads any more. Content never changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import structlog

from leadline.home import Home, Project
from leadline.lake.maintenance import compact_lake
from leadline.project_faults import ProjectFaults
from leadline.schema import TABLES

MANY_SMALL_FILES = 16
"""Small files of a table from which on reading it gets slower by them."""

_log = structlog.get_logger("leadline.exports")


def maintain(home: Home, now: datetime, faults: ProjectFaults | None = None) -> Iterator[str]:
    """Look after every table of every project, a table a step, so that whoever has other work can stop in between;
    yields the table's name. A table that something is delivered to at this moment is left for the next time."""
    faults = faults or ProjectFaults("Looking after the tables")
    for project in home.projects():
        for table in TABLES:
            with faults.kept_apart(project, table):
                _compact(project, table, now)
            yield table


def _compact(project: Project, table: str, now: datetime) -> None:
    done = compact_lake(project.lake, table, writing=project.writing_if_free, now=now, least=MANY_SMALL_FILES)
    if done.merged or done.cleared:
        _log.info("table compacted", table=table, merged=done.merged, written=done.written, cleared=done.cleared)
