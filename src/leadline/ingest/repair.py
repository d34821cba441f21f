"""Mends tables that hold keys more than once: releases before fenced locks could write a delivery twice. One row per key stays, by
the rule for deliveries."""

from __future__ import annotations

from leadline.engine import Engine
from leadline.home import Project
from leadline.ingest.delivery import MEMORY_LIMIT, change_table, staging
from leadline.ingest.resolution import without_repeats
from leadline.lake import TableWriter
from leadline.schema import Table


def remove_repeats(project: Project, table: Table) -> int:
    """Leaves one row of each natural key of ``table``, in one commit, or none where no key repeats; how many rows went. Raises
    ``StoreError`` if the table cannot be read."""
    return change_table(project, table, lambda writer: remove_repeats_held(project, writer))


def remove_repeats_held(project: Project, writer: TableWriter) -> int:
    """As ``remove_repeats``, for who holds the table's lock."""
    files = writer.files()
    if not files:
        return 0
    with (
        Engine.of(project.home, most_memory=MEMORY_LIMIT) as engine,
        staging(writer.lake, writer.table) as folder,
    ):
        outcome, rows = without_repeats(engine, writer.table, files, folder=folder)
        if rows:
            writer.commit(added=outcome.added_files, removed=outcome.removed_files, message="repair")
    return rows
