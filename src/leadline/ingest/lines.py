"""Which line of a file a row that was taken stood on: for what is told of rows once they are in the lake."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from leadline.formats.rows import LINE, RawRows

if TYPE_CHECKING:
    import pyarrow as pa


class RowLines:
    """The lines of rows by their numbers, from 0."""

    def __init__(self) -> None:
        self._parts: list[Sequence[Any]] = []

    def add(self, batch: pa.RecordBatch, refused: Collection[int]) -> None:
        """The next rows: those of ``batch`` whose lines are not ``refused``."""
        lines = batch.column(LINE)
        if refused:
            self._parts.append(array("q", (line for line in lines.to_pylist() if line not in refused)))
        elif len(lines):
            first, last = lines[0].as_py(), lines[-1].as_py()
            # Hardly ever does a row go over several lines.
            self._parts.append(
                range(first, last + 1) if last - first == len(lines) - 1 else array("q", lines.to_pylist())
            )

    def of(self, row: int) -> int:
        """The line of row number ``row``."""
        for part in self._parts:
            if row < len(part):
                return int(part[row])
            row -= len(part)
        raise IndexError(row)


def read_again(batches: Iterable[RawRows], last: int) -> RowLines:
    """The lines of a file's rows up to row number ``last``, where all of its rows were taken."""
    lines = RowLines()
    for raw in batches:
        if raw.batch is not None:
            lines.add(raw.batch, ())
            last -= raw.batch.num_rows
        if last < 0:
            break
    return lines
