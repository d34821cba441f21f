"""Progress bars on stderr, drawn only where a person looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from leadline.cli import interrupt
from leadline.cli.output import is_watched

if TYPE_CHECKING:
    from leadline.metrics.request import Control

T = TypeVar("T")

Report = Callable[[float, float], None]
"""Called with (done, total), in bytes or any unit; may be called from any thread."""


@contextmanager
def bar(description: str, *, in_bytes: bool = False) -> Iterator[Report]:
    """A progress bar while the block runs; nothing at all where nobody looks."""
    if not is_watched():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *([DownloadColumn(binary_units=True)] if in_bytes else []),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def cancellable(description: str, work: Callable[[Control], T]) -> T:
    """What ``work`` returns, run under a progress bar; Ctrl-C cancels it."""
    from leadline.metrics.request import Control

    control = Control()
    with bar(description) as report:
        control.progress = lambda fraction: report(fraction, 1.0)
        return interrupt.stoppable(lambda: work(control), control.cancel)


@dataclass(frozen=True)
class Counter:
    """What has been read: ``count`` takes of what, and how much so far, ``expect`` how much there will be of it; None: nobody wants
    to know."""

    count: Callable[[str, int], None] = lambda _subject, _number: None
    expect: Callable[[str, int], None] | None = None


@contextmanager
def counter(unit: str) -> Iterator[Counter]:
    """A line ``subject: n units`` while the block runs, with a bar where the end is known beforehand."""
    if not is_watched():
        yield Counter()
        return
    from leadline.cli.counting import drawn

    with drawn(unit) as (count, expect):
        yield Counter(count, expect)
