"""What "now" is for whoever reads a project's data: everything that was acknowledged, pushed rows included.

A project comes in; the newest version of each of its tables goes out, after the inbox was delivered. Every reader that is
not told which versions to read starts here.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadline.db import inbox

if TYPE_CHECKING:
    from leadline.home import Project


def newest_versions(project: Project, tables: Collection[str] | None = None) -> dict[str, int]:
    """Table → newest Delta version, with every pushed row that was acknowledged before.

    ``tables`` are those that will be read (default: any): others may lack rows that still wait. Raises ``StoreError``.
    """
    deliver_pushed(project, tables)
    return project.lake.snapshot().versions


def deliver_pushed(project: Project, tables: Collection[str] | None = None) -> int:
    """Deliver the pushed rows that wait in the project's inbox (for ``tables``); how many. Nothing waiting costs one
    look-up."""
    if inbox.newest(project.home.db, project.id, tables) is None:
        return 0
    from leadline.ingest.inbox import flush

    return flush(
        project.home.db,
        project.id,
        project.lake,
        lock=project.lock,
        temp_dir=project.home.temp,
        now=lambda: datetime.now(UTC),
        tables=tables,
    )
