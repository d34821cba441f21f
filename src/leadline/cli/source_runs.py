"""How ``leadline sync`` runs sources and what it says of them, the same for one source and for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

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
AT_ONCE = 4
"""Sources that are read at a time."""
ENDING_SECONDS = 5.0
"""How long those that are read when one is told to stop may take to end."""


@contextmanager
def ending_git() -> Iterator[None]:
    """End git with the block if Ctrl-C ends it: it runs in a session of its own, and may wait for a server for long."""
    try:
        yield
    except KeyboardInterrupt:
        from leadline.sources.git.command import end_all

        end_all()
        raise


def run_sources(project: Project, sources: Sequence[SourceSettings], *, json: bool) -> int:
    """Run every source, some side by side; one that fails stops no other. The exit code: 1 if one did, else ``INCOMPLETE`` if one
    is that."""
    documents: dict[str, dict[str, Any]] = {}
    with counter("records") as report, ending_git():

        def progress(subject: str, records: int) -> None:
            interrupt.check()
            report.count(subject, records)

        def waiting(seconds: float, why: str) -> None:
            interrupt.check()
            if seconds >= LONG_WAIT:
                note(f"waiting {seconds:.0f} s: {clean(why)}")

        for done in _side_by_side([partial(_run, project, settings, progress, waiting) for settings in sources]):
            interrupt.check()
            if not json:
                _show(done, is_one_of_many=len(sources) > 1)
            documents[done.name] = {
                "source": done.name,
                "seconds": round(done.result.seconds, 3),
                **done.document(),
            }
    in_order = [documents[settings.name] for settings in sources]
    if json:
        emit_json(in_order)
    return exit_of(in_order)


def _side_by_side(runs: Sequence[Callable[[], SourceResult]]) -> Iterator[SourceResult]:
    """What each of ``runs`` brought, as they end. Tools keep whoever asks waiting, each in its own way: others go on meanwhile."""
    if len(runs) == 1:
        yield runs[0]()
        return
    executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="source")
    try:
        with interrupt.held():  # every Ctrl-C comes to this thread
            futures = [executor.submit(run) for run in runs]
        for future in as_completed(futures):
            yield future.result()
    finally:
        # Those still at work look whether Ctrl-C was pressed whenever they have read a page.
        executor.shutdown(wait=False, cancel_futures=True)
        wait(futures, timeout=ENDING_SECONDS)


def exit_of(documents: Iterable[Mapping[str, Any]]) -> int:
    """The exit code after runs of sources, by their ``state``."""
    states = {document["state"] for document in documents}
    return 1 if "failed" in states else INCOMPLETE if states - {"done"} else 0


def _run(project: Project, settings: SourceSettings, progress: Any, waiting: Any) -> SourceResult:
    from leadline.sync.run import SyncRun
    from leadline.sync.source import run_source
    from leadline.sync.timing import run_lock

    if not project.is_free(run_lock(settings.name)):
        note(f"{clean(settings.name)}: waiting for the run that is at work")
    progress(settings.name, 0)  # what is waited for until the tool answers
    return run_source(SyncRun(project, progress=progress), settings, waiting=waiting)


def _show(done: SourceResult, *, is_one_of_many: bool) -> None:
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
        refused(result.error, source=done.name if is_one_of_many else "")
