"""The line on a terminal that counts what is read of a source, with a bar once it is known how much there will be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress_bar import ProgressBar
from rich.text import Text

from leadline.cli.output import clean

Tell = Callable[[str, int], None]


class _Number(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        if not task.description:
            return Text()  # nobody has said yet what is counted
        of = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of} {self._unit}")


class _BarOfKnown(ProgressColumn):
    """A bar, or nothing as long as the end is not known."""

    def render(self, task: Task) -> RenderableType:
        return "" if task.total is None else ProgressBar(task.total, task.completed, width=30)


class _Line:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)
        self._expected: dict[str, int] = {}

    def expect(self, subject: str, number: int) -> None:
        self._expected[subject] = number
        self.count(subject, 0)

    def count(self, subject: str, number: int) -> None:
        self._progress.tasks[0].total = self._expected.get(subject)
        self._progress.update(self._task, description=f"{clean(subject)}:", completed=number)


@contextmanager
def drawn(unit: str) -> Iterator[tuple[Tell, Tell]]:
    """Draw it while the block runs; then the line is gone. It takes how much was read of what, and how much there will be."""
    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, _BarOfKnown(), _Number(unit))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        line = _Line(progress)
        yield line.count, line.expect
