"""Progress bars on stderr, drawn only where a person looks at it (a terminal)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from leadline.cli import interrupt
from leadline.cli.output import clean

if TYPE_CHECKING:
    from leadline.metrics.request import Control

T = TypeVar("T")

Report = Callable[[float, float], None]
"""Called with (done, total), in bytes or any unit; may be called from any thread."""


@contextmanager
def bar(description: str, *, in_bytes: bool = False) -> Iterator[Report]:
    """A progress bar while the block runs; nothing at all when stderr is no terminal."""
    if not sys.stderr.isatty():
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


@contextmanager
def counter(unit: str) -> Iterator[Callable[[str, int], None]]:
    """A line ``subject: n units`` while the block runs, where the end is not known beforehand."""
    if not sys.stderr.isatty():
        yield lambda _subject, _number: None
        return
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

    with Status(Text(""), console=Console(stderr=True)) as status:
        yield lambda subject, number: status.update(Text(f"{clean(subject)}: {number:,} {unit}"))
