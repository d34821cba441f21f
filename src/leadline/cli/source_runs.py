"""How ``leadline sync`` runs sources and what it says of them, the same for one source and for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from leadline.cli import interrupt
from leadline.cli.failures import refused
from leadline.cli.output import clean, count, emit_json, note, say
from leadline.cli.progress import counter

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.sources.kit.settings import SourceSettings
    from leadline.sync.source import SourceResult

SHOWN_SKIPPED = 10
INCOMPLETE = 3
"""Exit code when no source failed, but of some a part could not be read."""
LONG_WAIT = 30.0
"""Seconds from which a wait is told."""


@contextmanager
def ending_git() -> Iterator[None]:
    """End git with the block if Ctrl-C ends it: it runs in a session of its own, and may wait for a server for long."""
    try:
        yield
    except KeyboardInterrupt:
        from leadline.sources.git.command import end_all

        end_all()
        raise


def run_sources(project: Project, sources: Iterable[SourceSettings], *, json: bool) -> None:
    """Run every source; one that fails stops no other. Exits with 1 if one did, else with ``INCOMPLETE`` if one is that."""
    documents: list[dict[str, Any]] = []
    with counter("records") as report, ending_git():

        def progress(subject: str, records: int) -> None:
            interrupt.check()
            report(subject, records)

        def waiting(seconds: float, why: str) -> None:
            interrupt.check()
            if seconds >= LONG_WAIT:
                note(f"waiting {seconds:.0f} s: {clean(why)}")

        for settings in sources:
            done = _run(project, settings, progress, waiting)
            interrupt.check()
            if not json:
                _show(done)
            documents.append({"source": done.name, "seconds": round(done.result.seconds, 3), **done.document()})
    if json:
        emit_json(documents)
    if code := exit_of(documents):
        raise typer.Exit(code)


def exit_of(documents: Iterable[Mapping[str, Any]]) -> int:
    """The exit code after runs of sources, by their ``state``."""
    states = {document["state"] for document in documents}
    return 1 if "failed" in states else INCOMPLETE if states - {"done"} else 0


def _run(project: Project, settings: SourceSettings, progress: Any, waiting: Any) -> SourceResult:
    from leadline.sync.run import SyncRun
    from leadline.sync.source import run_lock, run_source

    if not project.is_free(run_lock(settings.name)):
        note(f"{clean(settings.name)}: waiting for the run that is at work")
    return run_source(SyncRun(project, progress=progress), settings, waiting=waiting)


def _show(done: SourceResult) -> None:
    result = done.result
    parts = [
        f"{count(number)} {table} {verb}"
        for table, counts in result.tables.items()
        for verb, number in (("added", counts.added), ("updated", counts.updated), ("removed", counts.removed))
        if number
    ]
    brought = ", ".join(parts) or "nothing new"
    if result.error is None or parts:
        waited = f", {result.call_stats.waited:.0f} s waited" if result.call_stats.waited >= 1 else ""
        say(f"{clean(done.name)}: {brought} ({count(result.call_stats.calls)} calls, {result.seconds:.1f} s{waited})")
    for skipped in result.skipped[:SHOWN_SKIPPED]:
        became = "could not be read" if skipped in result.failed else "left out"
        say(f"  {became}: {clean(skipped.what)}: {clean(skipped.why)}")
    if result.skipped_count > SHOWN_SKIPPED:
        say(f"  … and {count(result.skipped_count - SHOWN_SKIPPED)} more")
    if result.error is not None:
        refused(result.error)
