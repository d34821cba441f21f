"""Reads a developers CSV: bytes of a file in, one ``Person`` per row out, with a violation for all that is malformed. Columns are
those of the ``developers`` table in any order and case (`Full Name` is `full_name`); any further column is kept as an attribute of
the person. A byte order mark, CRLF and line breaks inside quotes are fine."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from leadline.people.violations import Violations, email_problem, shown, text_problem
from leadline.schema import table_named

REQUIRED_VALUES = ("email", "full_name")
REQUIRED_COLUMNS = (*REQUIRED_VALUES, "manager_email")


@dataclass(frozen=True, slots=True)
class Person:
    """One row: emails in lower case, ``managers`` in listed order without repetition, ``line`` where the row starts; ``written``:
    the email as the row has it, if that is not in lower case."""

    line: int
    email: str
    full_name: str
    managers: tuple[str, ...]
    team: str
    attributes: Mapping[str, str]
    written: str | None = None


def as_written(email: str) -> str | None:
    """What ``Person.written`` is for an email as somebody wrote it."""
    return email if email != email.lower() else None


def read_people(data: bytes, violations: Violations, fields: Mapping[str, str] | None = None) -> list[Person]:
    """The people of a developers CSV. ``fields`` gives columns other names by their titles, or none (empty: left out). Raises
    ``InvalidInput`` where nothing can be read at all (encoding, header, broken quoting); what is wrong with single rows is added to
    ``violations``, and such a row comes out as far as it could be read."""
    text = decoded(data, violations)
    rows = _rows(text, violations)
    line, header = next(rows, (1, []))
    if not header:
        violations.add(0, violations.file, "EMPTY_FILE: it has no header row; the first line names the columns")
        violations.check()
    columns = _columns(line, header, violations, fields or {})
    people = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets end their exports with empty rows
        if len(cells) != len(columns):
            violations.row(line, f"WRONG_CELL_COUNT: {len(cells)} cells under {len(columns)} columns")
            continue
        people.append(_person(line, columns, cells, violations))
    if not people:
        violations.add(line + 1, violations.file, "EMPTY_FILE: it has a header but no developers")
    return people


def peek(data: bytes, violations: Violations, count: int) -> tuple[list[str], list[list[str]]]:
    """The titles of the columns and the cells of the first ``count`` rows. Raises ``InvalidInput`` as ``read_people``."""
    rows = _rows(decoded(data, violations), violations)
    _, header = next(rows, (1, []))
    samples = (cells for _, cells in rows if any(cell.strip() for cell in cells))
    return [title.strip() for title in header], list(islice(samples, count))


def normalized(title: str) -> str:
    """A column's title as names of columns are written: `Full Name` is `full_name`."""
    return "_".join(title.lower().replace("-", " ").replace("_", " ").split())


def is_plain(title: str) -> bool:
    """Whether a column can be called so: nothing that a spreadsheet would run, no control characters."""
    return not title.startswith(("=", "+", "-", "@")) and not any(unicodedata.category(char) == "Cc" for char in title)


def decoded(data: bytes, violations: Violations) -> str:
    """The text of a UTF-8 file without its byte order mark. Raises ``InvalidInput`` naming the line that is not UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        violations.add(0, violations.file, "WRONG_ENCODING: it is UTF-16; save it as UTF-8")
        violations.check()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = data[error.start]
        violations.row(line, f"WRONG_ENCODING: byte 0x{bad:02x} is not UTF-8; save the file as UTF-8")
        violations.check()
        raise


def _rows(text: str, violations: Violations) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
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


def _columns(line: int, header: Sequence[str], violations: Violations, fields: Mapping[str, str]) -> list[str | None]:
    """Canonical column names by position; '' for one without a name, None for one that ``fields`` leaves out. Raises
    ``InvalidInput`` with all that is wrong."""
    declared = table_named("developers").column
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        violations.row(line, "WRONG_SEPARATOR: the columns are not separated by commas; save the file so")
        violations.check()
    columns: list[str | None] = []
    where: dict[str, int] = {}
    for position, cell in enumerate(header, start=1):
        title = fields.get(cell.strip(), cell.strip())
        if cell.strip() and not title:
            columns.append(None)
            continue
        name = normalized(title)
        if not is_plain(title):
            violations.row(line, f"INVALID_COLUMN: column {position} is called {shown(title)}; give it a plain name")
        elif name and name in where:
            violations.row(line, f"DUPLICATE_COLUMN: {name} is column {where[name]} and column {position}; keep one")
        if name:
            where.setdefault(name, position)
        columns.append(name if name in declared else title)
    for name in REQUIRED_COLUMNS:
        if name not in where:
            violations.row(line, f"MISSING_COLUMN: {name}; the file has {', '.join(filter(None, columns)) or 'none'}")
    violations.check()
    return columns


def _person(line: int, columns: Sequence[str | None], cells: Sequence[str], violations: Violations) -> Person:
    values = _values(line, columns, cells, violations)
    for column in REQUIRED_VALUES:
        if not values[column]:
            violations.row(line, f"{column}: REQUIRED_VALUE_MISSING: every developer needs one")
    email = values["email"].lower()
    if email and (problem := email_problem(email)):
        violations.row(line, f"email: {problem}")
    managers = managers_of(values["manager_email"])
    for manager in managers:
        if problem := email_problem(manager):
            violations.row(line, f"manager_email: {problem}; several are separated by ;")
    attributes = {
        column: value for column, value in values.items() if value and column not in (*REQUIRED_COLUMNS, "updated_at")
    }
    return Person(
        line, email, values["full_name"], managers, values.get("team", ""), attributes, as_written(values["email"])
    )


def _values(line: int, columns: Sequence[str | None], cells: Sequence[str], violations: Violations) -> dict[str, str]:
    """The row's texts by column name; what cannot be is noted, and left short enough to go on with."""
    values: dict[str, str] = {}
    for position, (column, cell) in enumerate(zip(columns, cells, strict=True), start=1):
        value = cell.strip()
        if column is None:
            continue
        if problem := text_problem(value):
            violations.row(line, f"{column or f'column {position}'}: {problem}")
            value = value[:80].replace("\x00", "")
        if column:
            values[column] = value
        elif value:
            violations.row(line, f"BLANK_COLUMN_NAME: column {position} has values but no name; name it in the header")
    return values


def managers_of(text: str) -> tuple[str, ...]:
    """The managers of a cell, in lower case and listed order, each once; they are separated by ``;``."""
    return tuple(dict.fromkeys(filter(None, (part.strip().lower() for part in text.split(";")))))
