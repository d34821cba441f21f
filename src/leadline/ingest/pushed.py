"""Delivers pushed rows that were acknowledged and still wait in a project's inbox to the lake. Whoever reads the newest state of a
project's data and owes its caller every acknowledged row calls this first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadline.db import inbox

if TYPE_CHECKING:
    from leadline.home import Project


def deliver_pushed(project: Project, tables: Collection[str] | None = None) -> int:
    """Deliver the rows that wait in the inbox (for ``tables``; default: any); how many. Raises ``StoreError``. Nothing waiting
    costs one look-up."""
    if inbox.newest(project.db, project.id, tables) is None:
        return 0
    from leadline.ingest.inbox import flush

    return flush(project, now=lambda: datetime.now(UTC), tables=tables)
