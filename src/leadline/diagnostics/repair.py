"""Mends what the integrity check finds and can be mended without a loss: keys that tables hold more than once, and exports whose
file is gone or damaged, which can be computed again."""

from __future__ import annotations

from collections.abc import Iterator

from leadline.db import jobs
from leadline.diagnostics.integrity import damaged_exports, named
from leadline.errors import LeadlineError
from leadline.exports.files import drop
from leadline.home import Home, Project
from leadline.ingest.repair import remove_repeats
from leadline.schema import TABLES


def repair(home: Home) -> list[str]:
    """Mend every project of ``home``; a sentence for everything that was. What could not be mended is for the check to find."""
    return [named(project) + done for project in home.projects() for done in (*_tables(project), *_exports(project))]


def _tables(project: Project) -> Iterator[str]:
    for table in TABLES.values():
        try:
            rows = remove_repeats(project, table)
        except LeadlineError:
            continue
        if rows:
            yield f"table {table.name}: took away {rows:,} rows of keys that were there more than once; the newest of each stays"


def _exports(project: Project) -> Iterator[str]:
    # Read to the end before the first is changed: the list goes by pages.
    for export, fault in list(damaged_exports(project)):
        if jobs.forget_file(project.db, export):
            drop(project.files, str(export.file))
            yield f"export {export.id}: {fault}, so it has none any more; create it again"
