"""Delivers pushed rows that were acknowledged and still wait in a project's inbox to the lake. Whoever reads the newest state of a
project's data and owes its caller every acknowledged row calls this first."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadline.db import inbox

if TYPE_CHECKING:
    from leadline.home import Project


def deliver_pushed(project: Project, tables: Callable[[], Collection[str]] | None = None, *, wait: bool = True) -> int:
    """Deliver the rows that wait in the inbox for ``tables`` (default: any); how many: none in a home that is only read. Raises
    ``StoreError``. Who has other projects to look after does not ``wait`` for somebody else who is at it.

    Nothing waiting costs one look-up: ``tables`` is only asked if something does, as finding out may take longer than all else.
    """
    if project.home.is_only_read or inbox.newest(project.db, project.id) is None:
        return 0
    wanted = None if tables is None else tables()
    if wanted is not None and inbox.newest(project.db, project.id, wanted) is None:
        return 0
    from leadline.ingest.inbox import flush

    return flush(project, now=lambda: datetime.now(UTC), tables=wanted, wait=wait)
