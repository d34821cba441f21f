"""Takes a list apart into rows, as spreadsheets and HR systems save lists: in UTF-8 or UTF-16, with whatever separator, perhaps
with a line `sep=;` or the title of a report above the titles of the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from leadline.people.titles import is_email
from leadline.people.violations import Violations

SEPARATORS = (",", ";", "\t", "|")
_ABOVE = 20
"""Rows above the titles of the columns, at most."""
_LOOKED_AT = 400
_SEP = re.compile(r"\ufeff?sep=(.)\r?\n?", re.IGNORECASE)

Row = tuple[int, list[str]]
"""The line where a row starts, and its cells."""


def decoded(data: bytes, violations: Violations) -> str:
    """The text of a UTF-8 or UTF-16 file without its byte order mark. Raises ``InvalidInput`` naming the line that is neither."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_half_nul(data, 0) or _is_half_nul(data, 1):
        return _utf_16(data, violations)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = data[error.start]
        violations.row(
            line,
            f'WRONG_ENCODING: byte 0x{bad:02x} is not UTF-8; save the file as UTF-8 (in Excel: "CSV UTF-8")',
        )
        violations.check()
        raise


def _is_half_nul(data: bytes, first: int) -> bool:
    """Whether nearly every other byte near the beginning is zero: UTF-16 without a byte order mark, of whatever order."""
    some = data[first:_LOOKED_AT:2]
    return len(some) > 1 and some.count(0) > 0.7 * len(some)


def _utf_16(data: bytes, violations: Violations) -> str:
    big = data.startswith(b"\xfe\xff") or (not data.startswith(b"\xff\xfe") and _is_half_nul(data, 0))
    try:
        return data.decode("utf-16-be" if big else "utf-16-le").removeprefix("\ufeff")
    except UnicodeDecodeError:
        violations.add(0, violations.file, "WRONG_ENCODING: it is UTF-16 and damaged; save it as UTF-8")
        violations.check()
        raise


def separator_of(text: str) -> str:
    """What separates the cells of a list: what a first line `sep=;` says, else what makes a column of emails of some row near the
    beginning, else what makes rows of as many cells each (titles that only a mapping will tell), else a comma."""
    if said := _SEP.match(text):
        return said[1]
    rows = {separator: _lenient(text, separator) for separator in SEPARATORS}
    found = {separator: at for separator in SEPARATORS if (at := _header_at(rows[separator])) is not None}
    if found:
        return min(found, key=lambda separator: found[separator])
    return next((separator for separator in SEPARATORS if _is_even(rows[separator])), ",")


def rows_of(text: str, violations: Violations, separator: str | None = None) -> Iterator[Row]:
    """The rows of a list, the titles of its columns first; empty lines and what stands above the titles are left out. Raises
    ``InvalidInput`` where quotes do not match up."""
    separator = separator or separator_of(text)
    above = above_header(text, separator)
    for at, row in enumerate(_all_rows(text, violations, separator)):
        if at >= above:
            yield row


def above_header(text: str, separator: str) -> int:
    """How many rows stand above the titles of the columns."""
    return _header_at(_lenient(text, separator)) or 0


def _all_rows(text: str, violations: Violations, separator: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = "its quotes do not match up" if "end of data" in str(error) else str(error)
            violations.row(line, f"MALFORMED_CSV: the row starting here cannot be read: {what}")
            violations.check()
        if cells:
            yield line, cells


def _lenient(text: str, separator: str) -> list[list[str]]:
    """The first rows, however they are quoted."""
    head = "".join(islice(io.StringIO(text, newline=""), 4 * _ABOVE))
    try:
        return [
            cells for cells in islice(csv.reader(io.StringIO(head, newline=""), delimiter=separator), _ABOVE) if cells
        ]
    except csv.Error:
        return []


def _header_at(rows: Sequence[Sequence[str]]) -> int | None:
    """Which row has the titles of the columns: the first with one of emails and another one; None if there is none."""
    for at, cells in enumerate(rows):
        if any(map(is_email, cells)) and sum(bool(cell.strip()) for cell in cells) > 1:
            return at
        if any("@" in cell for cell in cells):
            return None
    return None


def _is_even(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows have several cells, all as many as the first, and some below it an email."""
    widths = {len(cells) for cells in rows}
    return len(widths) == 1 and widths != {1} and any("@" in cell for cells in rows[1:] for cell in cells)
