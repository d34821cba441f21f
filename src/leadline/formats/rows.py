"""What a row is between its file, request or tool and the rules that judge it: texts by the table's column names. Files are read
into batches of such rows (``RawRows``); pushed rows, webhooks and connectors make them one by one (``raw_row``). Numbers keep the
digits they are written with, so that nothing is rounded before it is judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from leadline.errors import Detail, InvalidInput
from leadline.formats.files import ImportFile
from leadline.schema import ColumnType, Table
from leadline.schema.table import ATTRIBUTES, TOLD, told_mask

if TYPE_CHECKING:
    import pyarrow as pa

LINE = "_line"
"""The column of a raw batch that has each row's line."""
RECORD = "_record"
"""The column of a raw batch that has each row as it was written."""
_UNKNOWN_KEPT = 20
MAX_COLUMNS = 1_000
"""Most columns of a row; a table has some dozens, and open ones further columns of their users'."""
MAX_DEPTH = 32
"""Deepest nesting of objects and lists in a value."""

RawRow = Mapping[str, Any]
"""Column → text, list of texts, or None; of a column that is not in it, nothing is told."""


@dataclass(frozen=True)
class Refusal:
    """One refused value or row. ``line`` is the physical line where its record starts (Parquet: the row), from 1;
    ``column`` is empty where the whole record is meant; ``record`` is the raw record where it was asked for."""

    line: int
    column: str
    value: str
    reason: str
    record: str = ""


@dataclass
class RawRows:
    """Rows as a file has them, not yet converted, with what was refused while reading. ``batch`` holds declared columns (in any
    order, possibly not all) as texts, list columns as texts or lists of texts, further columns of an open table as texts, and, from
    exact readers, ``_line`` and ``_record``; and ``_told`` where not every row tells all of the columns."""

    batch: pa.RecordBatch | None
    refusals: list[Refusal] = field(default_factory=list)


class RowRefused(Exception):
    """Why a row is not taken: ``reason``, about ``column`` (empty: the whole row) and its ``value`` as it was sent."""

    def __init__(self, reason: str, column: str = "", value: str = "") -> None:
        super().__init__(reason)
        self.reason, self.column, self.value = reason, column, value


# -- columns -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Header:
    """The columns of a file as the table sees them: ``names`` in file order, those in ``extras`` kept as attributes."""

    names: tuple[str, ...]
    extras: tuple[str, ...]


def resolve_header(names: Iterable[str], file: ImportFile) -> Header:
    """Matches a file's column names with the table's: trimmed, without regard to case, in any order. Raises ``InvalidInput`` with
    every finding: unknown columns (open tables keep them), columns twice, missing key columns, columns without a name or named like
    a formula."""
    table = file.table
    resolved: list[str] = []
    extras: list[str] = []
    findings: list[Detail] = []
    for position, spelled in enumerate(names, 1):
        name, problem = resolve_column(spelled, table)
        label = spelled.strip()[:80] or f"column {position}"
        if name is not None and name in resolved:
            problem = "the column is there twice"
        if problem is not None:
            findings.append(Detail(label, problem))
            continue
        assert name is not None  # noqa: S101 - a column has a name or a problem
        resolved.append(name)
        if name not in table.column and name != ATTRIBUTES:
            extras.append(name)
    missing = [Detail(name, "a key column is missing") for name in table.required if name not in resolved]
    if findings or missing:
        findings += missing
        what = "; ".join(f"{detail.field!r}: {detail.message}" for detail in findings[:5])
        raise InvalidInput(f"{file.path.name}: {what}", details=findings)
    return Header(tuple(resolved), tuple(sorted(extras)))


def resolve_column(spelled: str, table: Table) -> tuple[str | None, str | None]:
    """(The table's name for a file's column, None) or (None, why it is refused)."""
    if (name := _column_name(spelled, table)) is not None:
        return name, None
    return None, _name_problem(spelled) or _advice(spelled.strip(), table)


def _column_name(spelled: str, table: Table) -> str | None:
    name = spelled.strip()
    if name.lower() in table.column or (table.open_columns and name.lower() == ATTRIBUTES):
        return name.lower()
    return name if table.open_columns and _name_problem(spelled) is None else None


def _advice(name: str, table: Table) -> str:
    near = get_close_matches(name.lower(), table.column, n=3)
    advice = f"did you mean {' or '.join(near)}?" if near else f"columns are {', '.join(table.column)}"
    if ";" in name or "\t" in name:
        advice = "cells are separated by commas"
    return f"table {table.name} has no such column; {advice}"


def _name_problem(spelled: str) -> str | None:
    name = spelled.strip()
    if not name:
        return "the column has no name"
    if name[0] in "=+-@" or spelled[0] in "\t\r":
        return "the column's name looks like a formula"
    if name in (LINE, RECORD) or any(ord(character) < 32 and character != "\t" for character in name):
        return "the column's name has characters no name has"
    return None


def list_columns(table: Table) -> frozenset[str]:
    """The names of the table's columns that hold lists."""
    return frozenset(column.name for column in table.columns if column.type is ColumnType.LIST)


class Columns:
    """The table's columns by the keys a file uses for them; every spelling is resolved once. ``lenient``: keys the table has not
    are left out and collected, with what would do, in ``unknown``."""

    def __init__(self, table: Table, *, lenient: bool = False) -> None:
        self.table = table
        self.unknown: dict[str, str] | None = {} if lenient else None
        self.lists = list_columns(table)
        self._resolved: dict[str, str] = {}

    def resolve(self, key: str) -> str | None:
        """The column's name. For a key the table has not: None if that is let pass, else raises ``RowRefused``."""
        if (name := self._resolved.get(key)) is not None:
            return name
        if (name := _column_name(key, self.table)) is None:
            # Advice takes long to find: it is sought once for each key that is told.
            if self.unknown is None:
                raise RowRefused(resolve_column(key, self.table)[1] or "", key[:80])
            if key[:80] not in self.unknown and len(self.unknown) < _UNKNOWN_KEPT:
                self.unknown[key[:80]] = resolve_column(key, self.table)[1] or ""
            return None
        _require_unicode(name, key[:80])
        if len(self._resolved) < 10_000:  # a file may spell open columns in ever new ways
            self._resolved[key] = name
        return name


# -- rows --------------------------------------------------------------------------------------------------------------


def raw_row(parsed: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The raw row of an object whose numbers are texts. Raises ``RowRefused``."""
    if len(parsed) > MAX_COLUMNS:
        raise RowRefused(f"the row has {len(parsed):,} columns; at most {MAX_COLUMNS:,} are taken")
    row: dict[str, Any] = {}
    extras: dict[str, str] = {}
    for key, value in parsed.items():
        name = columns.resolve(key)
        if name is None:
            continue
        if name in row or name in extras:
            raise RowRefused("the column is there twice", name)
        text = _texts(value, name, is_list=name in columns.lists)
        if name in columns.table.column or name == ATTRIBUTES:
            row[name] = text
        else:
            extras[name] = text
    if filled := {name: text for name, text in sorted(extras.items()) if text}:
        row[ATTRIBUTES] = _merged(row.get(ATTRIBUTES), filled)
    return row


def _merged(attributes: str | None, extras: dict[str, str]) -> str:
    """Further columns joined to the object a row gives as its attributes; what is no object is left to be refused."""
    try:
        stated = json.loads(attributes) if attributes else {}
    except ValueError:
        stated = None
    if not isinstance(stated, dict):
        return attributes or ""
    return json.dumps({**stated, **extras}, ensure_ascii=False, separators=(",", ":"))


def _texts(value: Any, name: str, *, is_list: bool) -> Any:
    """A JSON value as text (list columns: list of texts), None for null."""
    if value is None:
        return None
    if isinstance(value, RowRefused):
        _refuse(name, value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, str):
        _require_unicode(value, name)
        return _split(value) if is_list else value
    if _is_deep(value):
        raise RowRefused(f"nested deeper than {MAX_DEPTH} levels", name)
    if isinstance(value, list) and is_list:
        if any(not isinstance(item, str) for item in value):
            raise RowRefused("the list holds something that is no text", name, shown(value))
        for item in value:
            _require_unicode(item, name)
        return value
    if isinstance(value, dict) and name == ATTRIBUTES:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=partial(_refuse, name))
        _require_unicode(text, name)
        return text
    kind = "a list" if isinstance(value, list) else "an object"
    raise RowRefused(f"{kind} where one value belongs", name, shown(value))


def shown(value: Any) -> str:
    """The beginning of a refused value, as JSON."""
    return "" if _is_deep(value) else json.dumps(value, default=lambda refused: refused.reason)[:80]


def _is_deep(value: Any) -> bool:
    """Whether there are more than ``MAX_DEPTH`` objects and lists within each other: who writes or reads more may fail half-way."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        inner = (member for outer in level for member in (outer.values() if isinstance(outer, dict) else outer))
        level = [member for member in inner if isinstance(member, dict | list)]
    return bool(level)


def _refuse(name: str, refused: RowRefused) -> Any:
    raise RowRefused(refused.reason, name, refused.value)


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(";") if item.strip()]


def _require_unicode(text: str, name: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RowRefused("half a surrogate pair: not Unicode text", name, ascii(text)) from error


def raw_batch(
    rows: Sequence[tuple[int, Mapping[str, Any], str]], table: Table, *, records: bool
) -> pa.RecordBatch | None:
    """Rows as (line, column → text or texts, raw record) in one batch that has every declared column, ``_line`` and ``_told``."""
    import pyarrow as pa

    if not rows:
        return None
    lists = list_columns(table)
    names = [*table.column, ATTRIBUTES] if table.open_columns else list(table.column)
    columns: dict[str, Any] = {
        name: pa.array([row.get(name) for _, row, _ in rows], pa.list_(pa.string()) if name in lists else pa.string())
        for name in names
    }
    columns[LINE] = pa.array([number for number, _, _ in rows], pa.int64())
    told: dict[frozenset[str], int] = {}  # by names: there are few sets of them
    for _, row, _ in rows:
        if (names_told := frozenset(row)) not in told:
            told[names_told] = told_mask(table, names_told)
    columns[TOLD] = pa.array([told[frozenset(row)] for _, row, _ in rows], pa.int64())
    if records:
        columns[RECORD] = pa.array([record for _, _, record in rows], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def told_columns(row: dict[str, Any], table: Table) -> dict[str, Any]:
    """A row of a batch with the columns that it tells."""
    if (mask := row.pop(TOLD, None)) is None:
        return row
    return {name: row[name] for at, name in enumerate(table.arrow_schema.names) if mask >> at & 1 and name in row}


def as_line(row: RawRow) -> str:
    """A raw row as one line of JSON."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
