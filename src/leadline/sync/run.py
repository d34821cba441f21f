"""Runs a source: takes its pages to the lake in batches and keeps how far it has been read. A batch's cursors are stored once it is
in the lake, so a run may be killed anywhere; what the next one delivers again is the same as once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from leadline.db import cursors
from leadline.errors import LeadlineError
from leadline.home import Project
from leadline.sources.git.log import SOURCE as GIT
from leadline.sources.kit.page import CallStats, RunContext, Skipped, Source
from leadline.sync.batch import BatchWriter, TableCounts
from leadline.sync.prefetch import Prefetch

ROWS_AT_A_TIME = 20_000
SECONDS_AT_A_TIME = 20.0
"""A batch is delivered when it has so many rows or is so old: what a kill costs at most."""


@dataclass(frozen=True)
class SyncResult:
    """What a run brought of the ``records`` read. ``error``: why it ended before its time. ``skipped``: the first of the
    ``skipped_count`` things that were left out, among them the ``failed`` streams, which the tool was in trouble with;
    ``gaps``: how many of them lack in what was read."""

    records: int
    tables: dict[str, TableCounts]
    skipped: tuple[Skipped, ...]
    skipped_count: int
    call_stats: CallStats
    seconds: float
    error: LeadlineError | None = None
    failed: tuple[Skipped, ...] = ()
    gaps: int = 0

    @property
    def state(self) -> Literal["done", "incomplete", "failed"]:
        """``failed``: it ended before its time; ``incomplete``: it ended, but some streams could not be read, or were refused."""
        if self.error is not None:
            return "failed"
        return "incomplete" if self.failed or self.gaps else "done"


@dataclass(frozen=True)
class SyncRun:
    """Runs sources into ``project``. ``progress`` is told what is being read and the records so far, ``expected`` how many there
    will be of it, where that is known; ``now`` stamps cursors, ``clock`` measures seconds."""

    project: Project
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    progress: Callable[[str, int], None] | None = None
    expected: Callable[[str, int], None] | None = None
    rows_at_a_time: int = ROWS_AT_A_TIME

    def run(self, source: Source) -> SyncResult:
        """Read ``source`` to its end. A second run of the same source waits here for the first to end.

        What the tool refuses ends up in the result; only this machine's own troubles (``StoreError`` of the lake or the
        database) are raised, and ``InvalidInput`` of a source whose files are not there. A run whose lock was lost ends with
        ``LockLost``: whoever has the lock by then goes on from the stored cursors.
        """
        began = self.clock()
        with (
            self.project.lock(source.lock) as lease,
            closing(BatchWriter(self.project, source.kind, self.now, lease)) as writer,
        ):
            if (error := self._read(source, writer)) is None:
                error = writer.end()
            else:
                writer.deliver()
        return SyncResult(
            writer.records,
            writer.tables,
            tuple(writer.skipped),
            writer.skipped_count,
            source.call_stats(),
            self.clock() - began,
            error,
            tuple(writer.failed),
            writer.gaps,
        )

    def _read(self, source: Source, writer: BatchWriter) -> LeadlineError | None:
        """Hand every page to ``writer``; what ended the reading, if it was not its end."""
        delivered = self.clock()
        with Prefetch(source.pages(self._context(source.kind))) as pages:
            while True:
                try:  # of the page alone: what the writer raises is this machine's own trouble
                    page = next(pages, None)
                except LeadlineError as error:
                    return error
                if page is None:
                    return None
                if self.expected is not None and page.expected is not None:
                    self.expected(page.subject, page.expected)
                writer.take(page)
                if writer.size >= self.rows_at_a_time or self.clock() - delivered >= SECONDS_AT_A_TIME:
                    writer.deliver()
                    delivered = self.clock()
                if self.progress is not None:
                    self.progress(page.subject, writer.records)

    def _context(self, kind: str) -> RunContext:
        db, project_id = self.project.home.db, self.project.id
        names = [(source, name) for source, name, _ in cursors.listed(db, project_id)]
        return RunContext(
            cursors.of_source(db, project_id, kind),
            frozenset(name for source, name in names if source == GIT),
            has_commits=self.project.lake.version("commits") is not None,
            other_kinds=any(source != kind for source, _ in names),
            counts=self.expected is not None,
            line_ages=kind == GIT and self._asks_line_ages(),
        )

    def _asks_line_ages(self) -> bool:
        """Whether the project, or one of its trees, has rework by the age of each line."""
        trees = (None, *(tree.name for tree in self.project.org_trees()))
        return any(self.project.profile(tree)["rework.method"] == "line" for tree in trees)
