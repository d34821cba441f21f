"""Reads CSV (RFC 4180, UTF-8) into raw rows: a fast reader for good files and an exact one that locates what is wrong.

The fast reader yields Arrow batches and gives up (``NeedsExactReading``) at anything it could misread; the exact reader takes
the same file row by row and says for every refused record on which physical line it starts and why. On a file that the fast
reader accepts, both read the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidInput
from leadline.formats.files import LONGEST_FIELD, LONGEST_LINE, ByteStream, ImportFile, Progress
from leadline.formats.rows import LINE, RECORD, Header, RawRows, Refusal, resolve_header

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 4 << 20
"""What the fast reader parses at a time; a record longer than this is left to the exact reader."""
BATCH_ROWS = 16_384
BATCH_BYTES = 16 << 20

# In RFC 4180 a quote opens a cell, closes it, or is doubled. One with other text on both sides is none of these.
_STRAY_QUOTE = re.compile(rb'"(?<=[^",\r\n]")(?=[^",\r\n])')


class NeedsExactReading(Exception):
    """The fast reader met something it might misread."""


def read_header(file: ImportFile) -> Header:
    """The columns by the first record. Raises ``InvalidInput`` (see ``resolve_header``), also for an empty file."""
    return resolve_header(read_titles(file), file)


def read_titles(file: ImportFile, delimiter: str = ",") -> list[str]:
    """The cells of the first record. Raises ``InvalidInput`` if there is none, or it cannot be one of titles."""
    with ByteStream(file) as stream:
        lines = _Lines(io.BufferedReader(stream, 1 << 16), file)
        names = next(_records(lines, file, delimiter), None)
        if names is None or not any(cell.strip() for cell in names):
            raise InvalidInput(f"{file.path.name} has no header row: the first line names the columns")
        if lines.undecodable:
            raise InvalidInput(f"{file.path.name}, line 1: the column names are not UTF-8")
        if lines.number > 1:
            raise InvalidInput(
                f"{file.path.name}, line 1: the header row goes over several lines; is a quote left open?"
            )
    return names


# -- fast ----------------------------------------------------------------------------------------------------------


class _CheckedStream:
    """A byte stream that gives up at bytes the fast parser would read leniently."""

    closed = False

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._quotes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        quotes = data.count(b'"')
        self._quotes += quotes
        if b"\0" in data or (quotes and _STRAY_QUOTE.search(data)) or (not data and self._quotes % 2):
            raise NeedsExactReading
        return data

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


class FastReader:
    """Streams a CSV file as Arrow batches of text columns named like ``header``; an iterable, read once."""

    def __init__(self, file: ImportFile, header: Header, progress: Progress | None = None) -> None:
        import pyarrow as pa

        self._file, self._header, self._progress = file, header, progress
        self.schema = pa.schema([(name, pa.string()) for name in header.names])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Raises ``InvalidInput`` for bytes that cannot be unpacked, ``NeedsExactReading`` for anything else."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        names = list(self._header.names)
        with ByteStream(self._file, self._progress) as stream:
            try:
                yield from arrow_csv.open_csv(
                    pa.PythonFile(_CheckedStream(stream), mode="r"),
                    read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES, column_names=names, skip_rows=1),
                    parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=self.schema, strings_can_be_null=False, null_values=[]
                    ),
                )
            except (pa.ArrowException, OSError, NeedsExactReading) as error:
                if stream.failure is not None:
                    raise stream.failure from error
                raise NeedsExactReading from error


# -- exact ---------------------------------------------------------------------------------------------------------


class _Lines:
    """The physical lines of a file as texts, counted, and those since ``start`` was last called."""

    def __init__(self, source: io.BufferedReader, file: ImportFile) -> None:
        self._text = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._file = file
        self.number = 0
        self.undecodable = False
        self.kept: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= LONGEST_LINE:
            raise InvalidInput(
                f"{self._file.path.name}, line {self.number}: the line is longer than {LONGEST_LINE >> 20} MiB"
            )
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                self.undecodable = True
        self.kept.append(line)
        return line

    def start(self) -> None:
        """A new record begins with the next line."""
        self.kept.clear()
        self.undecodable = False


def _records(lines: _Lines, file: ImportFile, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_FIELD)
    try:
        yield from csv.reader(lines, strict=True, delimiter=delimiter)
    except csv.Error as error:
        raise InvalidInput(f"{file.path.name}, line {lines.number}: {_meaning(error)}") from error


def _meaning(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quote is opened and never closed"
    if "field larger than field limit" in text:
        return f"a cell is longer than {LONGEST_FIELD >> 20} MiB, or its quote is never closed"
    if "expected after" in text:
        return "text follows the closing quote of a cell; quotes inside a cell are doubled"
    return f"not RFC 4180: {text}"


def exact_rows(
    file: ImportFile, header: Header, progress: Progress | None, *, records: bool, delimiter: str = ","
) -> Iterator[RawRows]:
    """The rows in order, with the physical line each starts on; ``records`` keeps each raw record beside its row. Refused here:
    records with too few or too many cells, text that is not UTF-8, NUL bytes, quotes that do not match and cells over
    ``LONGEST_FIELD``."""
    with ByteStream(file, progress) as stream:
        lines = _Lines(io.BufferedReader(stream, 1 << 18), file)
        next(_records(lines, file, delimiter), None)
        batch = _Batch(header, records=records)
        while True:
            lines.start()
            first = lines.number + 1
            # A new parser for every record: after a refused one it would still be inside the cell it failed in.
            cells = _next_record(lines, batch, first, delimiter)
            if cells is None:
                break
            if cells:
                _take(cells, first, lines, batch, len(header.names))
            if batch.full:
                yield batch.release()
        yield batch.release()


def _next_record(lines: _Lines, batch: _Batch, first: int, delimiter: str) -> list[str] | None:
    """The next record's cells; [] for one that was refused or is blank, None at the end."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        return next(csv.reader(lines, strict=True, delimiter=delimiter), None)
    except csv.Error as error:
        batch.refuse(first, "", "".join(lines.kept), _meaning(error), lines)
        return []


def _take(cells: Sequence[str], first: int, lines: _Lines, batch: _Batch, width: int) -> None:
    if len(cells) != width:
        reason = f"the row has {len(cells)} cells, the header has {width}"
        batch.refuse(first, "", "".join(lines.kept).rstrip("\r\n"), reason, lines)
    elif lines.undecodable:
        at = next((at for at, cell in enumerate(cells) if not _is_text(cell)), 0)
        batch.refuse(first, batch.header.names[at], cells[at], "not UTF-8; save the file as UTF-8", lines)
    elif any("\0" in line for line in lines.kept):
        at = next((at for at, cell in enumerate(cells) if "\0" in cell), 0)
        batch.refuse(first, batch.header.names[at], cells[at], "contains a NUL byte", lines)
    else:
        batch.add(cells, first, lines)


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Batch:
    """Rows gathered into the next ``RawRows``."""

    def __init__(self, header: Header, *, records: bool) -> None:
        self.header = header
        self._keep_records = records
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Sequence[str]] = []
        self._lines: list[int] = []
        self._records: list[str] = []
        self._refusals: list[Refusal] = []
        self._size = 0

    @property
    def full(self) -> bool:
        return len(self._rows) + len(self._refusals) >= BATCH_ROWS or self._size >= BATCH_BYTES

    def add(self, cells: Sequence[str], line: int, lines: _Lines) -> None:
        self._rows.append(cells)
        self._lines.append(line)
        self._size += sum(map(len, lines.kept))
        if self._keep_records:
            self._records.append("".join(lines.kept).rstrip("\r\n"))

    def refuse(self, line: int, column: str, value: str, reason: str, lines: _Lines) -> None:
        record = "".join(lines.kept).rstrip("\r\n") if self._keep_records else ""
        self._refusals.append(Refusal(line, column, _printable(value), reason, _printable(record)))
        self._size += len(record)

    def release(self) -> RawRows:
        import pyarrow as pa

        columns: dict[str, Any] = {}
        if self._rows:
            for name, cells in zip(self.header.names, zip(*self._rows, strict=True), strict=True):
                columns[name] = pa.array(cells, pa.string())
            columns[LINE] = pa.array(self._lines, pa.int64())
            if self._keep_records:
                columns[RECORD] = pa.array(self._records, pa.string())
        rows = RawRows(pa.RecordBatch.from_pydict(columns) if columns else None, self._refusals)
        self._clear()
        return rows


def _printable(text: str) -> str:
    """``text`` with bytes that are no UTF-8 shown as the replacement character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
