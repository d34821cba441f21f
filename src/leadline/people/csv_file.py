"""Reads a developers CSV: bytes of a file in, one ``Person`` per row out, with a violation for all that is malformed. Columns are
those of the ``developers`` table in any order and case (`Full Name` is `full_name`); any further column is kept as an attribute of
the person. A byte order mark, CRLF and line breaks inside quotes are fine."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from leadline.people.csv_rows import SEPARATORS, decoded, rows_of
from leadline.people.titles import EMPLOYEE_IDS, name_columns, normalized
from leadline.people.violations import Violations, email_problem, shown, value_problem
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
    rows = rows_of(text, violations)
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
    return _with_managers(people, violations)


def peek(data: bytes, violations: Violations, count: int) -> tuple[list[str], list[list[str]]]:
    """The titles of the columns and the cells of the first ``count`` rows. Raises ``InvalidInput`` as ``read_people``."""
    rows = rows_of(decoded(data, violations), violations)
    _, header = next(rows, (1, []))
    samples = (cells for _, cells in rows if any(cell.strip() for cell in cells))
    return [title.strip() for title in header], list(islice(samples, count))


def is_plain(title: str) -> bool:
    """Whether a column can be called so: nothing that a spreadsheet would run, no control characters."""
    return not title.startswith(("=", "+", "-", "@")) and not any(unicodedata.category(char) == "Cc" for char in title)


def _columns(line: int, header: Sequence[str], violations: Violations, fields: Mapping[str, str]) -> list[str | None]:
    """Canonical column names by position; '' for one without a name, None for one that ``fields`` leaves out. Raises
    ``InvalidInput`` with all that is wrong."""
    declared = table_named("developers").column
    if len(header) == 1 and any(separator in header[0] for separator in SEPARATORS):
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
    titles = [title for cell in header if (title := cell.strip())]
    for name in lacking(where, [title for title in columns if title]):
        said = ", ".join(titles) or "none"
        would_do = f", one of which may be mapped to it (--map 'TITLE={name}')" if titles else ""
        violations.row(line, f"MISSING_COLUMN: {name}; the file has {said}{would_do}")
    violations.check()
    return columns


def lacking(fields: Collection[str], titles: list[str]) -> list[str]:
    """The required fields of which no column is: a full name may be in two, and teams will do where nobody names managers."""
    able = {"full_name": name_columns(titles) is not None, "manager_email": "team" in fields}
    return [name for name in REQUIRED_COLUMNS if name not in fields and not able.get(name, False)]


def _person(line: int, columns: Sequence[str | None], cells: Sequence[str], violations: Violations) -> Person:
    values = {**dict.fromkeys(REQUIRED_COLUMNS, ""), **_values(line, columns, cells, violations)}
    if not values["full_name"] and (names := name_columns(list(values))):
        values["full_name"] = " ".join(filter(None, (values[name] for name in names)))
    for column in REQUIRED_VALUES:
        if not values[column]:
            violations.row(line, f"{column}: REQUIRED_VALUE_MISSING: every developer needs one")
    email = values["email"].lower()
    if email and (problem := email_problem(email)):
        violations.row(line, f"email: {problem}")
    managers = managers_of(values["manager_email"])
    attributes = {
        column: value for column, value in values.items() if value and column not in (*REQUIRED_COLUMNS, "updated_at")
    }
    return Person(
        line, email, values["full_name"], managers, values.get("team", ""), attributes, as_written(values["email"])
    )


def _with_managers(people: Sequence[Person], violations: Violations) -> list[Person]:
    """``people`` with the emails of their managers, who may be named by full name or employee id."""
    if all("@" in manager for person in people for manager in person.managers):
        named: dict[str, set[str]] = {}
    else:
        named = _called(people)
    return [replace(person, managers=_emails(person, named, violations)) for person in people]


def _called(people: Sequence[Person]) -> dict[str, set[str]]:
    """The emails of those who are called so, by full name, in whatever order of its words, or by employee id."""
    emails: dict[str, set[str]] = {}
    for person in people:
        ids = [value for title, value in person.attributes.items() if normalized(title) in EMPLOYEE_IDS]
        for text in (person.full_name, *ids):
            emails.setdefault(_comparable(text), set()).add(person.email)
    return emails


def _comparable(text: str) -> str:
    return " ".join(sorted(unicodedata.normalize("NFC", text).casefold().replace(",", " ").split()))


def _emails(person: Person, named: Mapping[str, set[str]], violations: Violations) -> tuple[str, ...]:
    managers = []
    for manager in person.managers:
        found = sorted(named.get(_comparable(manager), ())) if "@" not in manager else [manager]
        if len(found) > 1:
            violations.row(
                person.line,
                f"manager_email: AMBIGUOUS_MANAGER: {shown(manager)} may be {' or '.join(found[:5])}; write the email",
            )
        elif not found:
            what = f"{email_problem(manager)}, nor anybody's name or employee id in this file"
            violations.row(person.line, f"manager_email: {what} (several are separated by `;`)")
        elif problem := email_problem(found[0]):
            violations.row(person.line, f"manager_email: {problem} (several are separated by `;`)")
        managers += found[:1] or [manager]
    return tuple(dict.fromkeys(managers))


def _values(line: int, columns: Sequence[str | None], cells: Sequence[str], violations: Violations) -> dict[str, str]:
    """The row's texts by column name; what cannot be is noted, and left short enough to go on with."""
    values: dict[str, str] = {}
    for position, (column, cell) in enumerate(zip(columns, cells, strict=True), start=1):
        value = cell.strip()
        if column is None:
            continue
        if problem := value_problem(column, value):
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
